"""The side panel: what it reads from a session, what stays where there is little room, what it paints anew."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import numpy as np
import pygame
import pytest

from learners.interface import Policy
from learners.policies import Architecture, policy_from
from recordings.schema import Driver, Outcome
from teleop.app.card import draw_figures
from teleop.app.cards.charts import cells
from teleop.app.cards.plan import Card, plan
from teleop.app.chart import Chart, Dot, draw_chart, thinned
from teleop.app.curves import Charts
from teleop.app.facts import Facts, Finished
from teleop.app.painters.choose import painter_for
from teleop.app.panel import CARDS, ORDER, Panel
from teleop.app.reading import Reading
from teleop.app.typeface import Role, Typeface
from teleop.app.window import Window
from teleop.clock import SECOND_NS, StepClock
from teleop.preferences.palette import BACKGROUND
from teleop.session import Session
from teleop.studio.questions import Question
from teleop.studio.score import Score
from teleop.studio.worth_asking import Doubts
from teleop.training.student import StudentVersion
from tests.teleop.app_pilot import correction_session, drive, recording_session
from tests.teleop.test_app_layers import RIGHT, table

ALONE = Finished(1, 10.0, 56, Outcome.SUCCESS, Driver.STUDENT, is_alone=True)
HELPED = Finished(2, 4.0, 60, Outcome.SUCCESS, Driver.STUDENT, is_alone=False)


@pytest.fixture
def clock() -> StepClock:
    return StepClock()


@pytest.fixture
def window(clock: StepClock) -> Iterator[Window]:
    with Window(hidden=True, now_s=lambda: clock.now_ns() / SECOND_NS) as window:
        yield window


@pytest.fixture
def session(clock: StepClock, tmp_path: Path) -> Iterator[Session]:
    """A student that always goes right drives GridWorld, and a person may correct it."""
    session = correction_session("gridworld", tmp_path / "d.h5", clock)
    session.adopt(StudentVersion(table(action=RIGHT), version=3, labels=40, loss=0.25))
    session.update()
    yield session
    session.close()


def read(session: Session, now_s: float = 0.0, **more: object) -> Facts:
    reading = Reading(session, painter_for(session.env), file="d.h5", leave_word="finish")
    return reading.at(now_s, finished=[ALONE, HELPED], held=frozenset(), **more)  # type: ignore[arg-type]


def said(lines: tuple[tuple[str, str, object], ...]) -> dict[str, str]:
    return {line[0]: line[1] for line in lines}


def keys_of(facts: Facts) -> dict[str, tuple[str, ...]]:
    return {row.does: row.keys for row in (*facts.drive_keys, *facts.session_keys)}


# -- what is read ----------------------------------------------------------------------------------------


def test_the_student_s_card_tells_what_has_happened_and_leaves_out_what_has_not(session: Session) -> None:
    student = read(session).student
    assert student is not None
    assert student.version == "v3, 0 s old"
    assert said(student.lines) == {"takeovers": "none", "learned from": "40 labelled steps", "loss": "0.25"}

    score = session.score
    for driver in (Driver.STUDENT, Driver.HUMAN, Driver.HUMAN, Driver.HUMAN):
        score.step(driver, has_student=True)
    for label in (RIGHT, 0, 0):
        score.label(label, RIGHT, 0)
    score.alone.add(10.0)
    score.alone.add(8.0)
    score.assisted.add(-3.0)
    score.asked_again(True)
    student = read(session).student
    assert student is not None
    assert student.agreement == (1, 3)
    lines = said(student.lines)
    assert (lines["drove itself"], lines["takeovers"]) == ("25 % of steps", "1, 3 steps each")
    assert (lines["return alone"], lines["return, helped"]) == ("9, mean of 2", "−3")
    assert lines["asked again"] == "1 of 1 alike"
    assert "of all labels" not in lines, "the last hundred are all there are"


def test_a_budget_is_told_beside_what_was_given(clock: StepClock, tmp_path: Path) -> None:
    session = correction_session("gridworld", tmp_path / "b.h5", clock, label_budget=20)
    for _ in range(5):
        session.score.label(RIGHT, None, clock.now_ns())
    clock.advance(60 * SECOND_NS)
    session.update()
    recording = said(read(session).recording)
    assert recording["labels given"] == "5, 15 left"
    assert (recording["labels a minute"], recording["time"]) == ("5", "1 min")
    session.close()


def test_the_odds_of_every_action_beside_a_map_but_not_beside_cartpole(
    session: Session, clock: StepClock, tmp_path: Path
) -> None:
    odds = {choice.word: choice.percent for choice in read(session).odds}
    assert odds == {"up": 0, "down": 0, "left": 0, "right": 100}
    assert [choice.word for choice in read(session).odds if choice.is_student_s] == ["right"]
    cart = correction_session("cartpole", tmp_path / "c.h5", clock)
    assert read(cart).odds == ()
    cart.close()


def test_the_desk_says_why_who_drove_and_how_sure_the_student_is(session: Session, clock: StepClock) -> None:
    for _ in range(3):
        clock.advance(SECOND_NS)
        session.update()
    for key in ("t", "left", "w", "t", "t", "left"):  # label the last step, close, look again
        session.press(key)
    asked = read(session).asked
    assert asked is not None
    assert (asked.title, asked.remark) == ("timeline", "step 2 of 3")
    assert asked.reason == "Worth asking: the student disagrees. One of 1 such states."
    assert said(asked.lines) == {"drove here": "student", "did": "right"}
    by_word = {choice.word: choice for choice in asked.choices}
    assert by_word["up"].is_label
    assert by_word["right"].is_student_s
    assert (by_word["right"].percent, by_word["up"].keys) == (100, ("w",))
    assert "step" in keys_of(read(session))


def test_the_desk_tells_no_odds_that_hang_on_what_was_seen_before(clock: StepClock, tmp_path: Path) -> None:
    session = correction_session("cartpole", tmp_path / "c.h5", clock)
    session.adopt(StudentVersion(remembering(session), version=1))
    for _ in range(2):
        clock.advance(SECOND_NS)
        session.update()
    session.press("t")
    session.press("left")
    asked = read(session).asked
    session.close()
    assert asked is not None
    assert [choice.percent for choice in asked.choices] == [None, None]
    assert any(choice.is_student_s for choice in asked.choices)


def remembering(session: Session) -> Policy:
    """A student with an LSTM."""
    spaces = session.env.observation_space, session.env.action_space
    architecture = Architecture(*spaces, hidden=(4,), memory=2)
    ones = {name: np.ones(shape, np.float32) for name, shape in architecture.shapes().items()}
    return policy_from(architecture, ones)


def test_the_desk_says_that_it_is_still_looking(
    session: Session, clock: StepClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    awaited: Future[np.ndarray] = Future()  # type: ignore[type-arg]
    monkeypatch.setattr(Doubts, "scores", lambda *_: awaited)
    for _ in range(3):
        clock.advance(SECOND_NS)
        session.update()
    session.press("t")
    session.press("left")

    def reason() -> str:
        asked = read(session).asked
        return "" if asked is None else asked.reason

    assert reason() == "Looking for states worth asking: the student disagrees."
    awaited.set_result(np.zeros(3))
    session.update()
    assert reason() == "No state worth asking: the student disagrees."


def test_whoever_is_asked_again_is_not_told_what_the_student_would_do(
    session: Session, clock: StepClock
) -> None:
    clock.advance(SECOND_NS)
    tick = session.update()
    session.question = Question(session.observation)
    asked = read(session).asked
    assert asked is not None
    assert asked.title == "the student asks"
    assert {choice.percent for choice in asked.choices} == {0, 100}
    session.question = Question(session.observation, tick, RIGHT)
    asked = read(session).asked
    assert asked is not None
    assert asked.title == "asked again"
    assert {(c.percent, c.is_student_s, c.is_label) for c in asked.choices} == {(None, False, False)}


def test_only_keys_with_an_effect_are_listed(session: Session, clock: StepClock, tmp_path: Path) -> None:
    person = keys_of(read(session))
    assert person["up"] == ("up", "w")
    assert person["hold to take over"] == ("space",)
    assert person["undo, redo"] == ("u", "i")
    assert (person["change map"], person["next chart"]) == (("c", "v"), ("g",))
    scripted = correction_session("gridworld", tmp_path / "s.h5", clock, expert="scripted")
    listed = keys_of(read(scripted))
    assert {"up", "hold to take over"}.isdisjoint(listed)
    scripted.close()
    recording = recording_session("gridworld", tmp_path / "g.h5", clock)
    listed = keys_of(read(recording))
    assert {"change map", "next chart", "speed", "hold to take over"}.isdisjoint(listed)
    recording.close()


# -- charts ----------------------------------------------------------------------------------------------


def test_returns_tell_the_student_alone_from_the_student_with_help() -> None:
    returns = Charts(corrects=True).of(Score(), [ALONE, HELPED], 0.0)[0]
    assert [(dot.x, dot.y, dot.is_ring) for dot in returns.dots] == [(1, 10.0, False), (2, 4.0, True)]
    assert returns.remark == "○ with help"
    assert Charts(corrects=False).of(Score(), [ALONE], 0.0)[0].remark == ""


def test_charts_are_renewed_in_turn_each_four_times_a_second_and_kept_otherwise() -> None:
    charts, score = Charts(corrects=True), Score()
    before = charts.of(score, [], 0.0)
    for frame in range(1, 61):
        score.label(1, 1, frame * SECOND_NS // 60)
        score.student(frame, frame, 1 / frame, 0)
        after = charts.of(score, [], frame / 60)
        changed = [old.title for old, new in zip(before, after, strict=True) if old is not new]
        assert len(changed) <= 1
        before = after
    assert [len(chart.dots) > 40 for chart in before] == [False, True, True, True]


def test_a_long_curve_keeps_its_ends() -> None:
    thin = thinned(range(1000), 100)
    assert (thin[0], thin[-1]) == (0, 999)
    assert 100 <= len(thin) <= 102
    assert thinned([1, 2, 3], 100) == [1, 2, 3]


def test_charts_stand_side_by_side_where_it_is_wide_and_below_each_other_where_it_is_high() -> None:
    typeface = Typeface(1.0)
    narrow = cells(typeface, pygame.Rect(0, 0, 330, 120), 4)
    assert [cell.size for cell in narrow] == [(330, 120)]
    wide = cells(typeface, pygame.Rect(0, 0, 520, 120), 4)
    assert [cell.topleft for cell in wide] == [(0, 0), (264, 0)]
    four = cells(typeface, pygame.Rect(0, 0, 520, 320), 4)
    assert [cell.topleft for cell in four] == [(0, 0), (264, 0), (0, 164), (264, 164)]


# -- room ------------------------------------------------------------------------------------------------


def card(name: str) -> Card:
    return Card(name, lambda facts: None, lambda *_: (), lambda *_: None)


def test_cards_are_served_in_order_and_what_does_not_fit_is_left_out() -> None:
    a, b, c = card("a"), card("b"), card("c")
    heights = {"a": (10, 20, 30), "b": (10,), "c": (50, 60)}
    least_first = ((a, False), (b, False), (c, False), (a, True), (c, True))
    assert plan(heights, 200, 5, least_first) == {"a": 30, "b": 10, "c": 60}
    assert plan(heights, 92, 5, least_first) == {"a": 20, "b": 10, "c": 50}
    assert plan(heights, 75, 5, least_first) == {"a": 30, "b": 10}, "c goes, and a has its room"
    assert plan({"b": (10,)}, 75, 5, least_first) == {"b": 10}, "a card with nothing to show takes no gap"


def test_every_card_has_its_place_in_the_order() -> None:
    assert {served.name for served, _ in ORDER} == {each.name for each in CARDS}


@pytest.mark.parametrize("size", [(264, 574), (330, 768), (520, 768), (702, 1037)])
def test_no_card_leaves_the_panel_or_covers_another(session: Session, size: tuple[int, int]) -> None:
    panel, typeface = Panel(), Typeface(0.8 if size[0] < 300 else 1.0)
    surface = pygame.Surface(size)
    panel.draw(surface, typeface, surface.get_rect(), read(session))
    places = list(panel._places.values())
    assert all(surface.get_rect().contains(place) for place in places)
    assert all(not a.colliderect(b) for a in places for b in places if a is not b)
    assert {"title", "episode", "student", "keys", "recording"} <= panel._places.keys()


def test_a_held_key_paints_the_keys_alone(session: Session) -> None:
    panel, typeface = Panel(), Typeface(1.0)
    surface = pygame.Surface((520, 768))
    reading = Reading(session, painter_for(session.env), file="d.h5", leave_word="finish")

    def picture(held: frozenset[str]) -> np.ndarray:  # type: ignore[type-arg]
        panel.draw(surface, typeface, surface.get_rect(), reading.at(0.0, finished=[ALONE], held=held))
        return pygame.surfarray.array3d(surface)

    before, after = picture(frozenset()), picture(frozenset({"up"}))
    columns, rows = np.nonzero((before != after).any(2))
    assert len(rows)
    changed = pygame.Rect(columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1)
    assert panel._places["keys"].contains(changed)
    assert np.array_equal(picture(frozenset()), before)


def test_a_key_brings_the_next_chart_where_there_is_room_for_one(
    window: Window, clock: StepClock, tmp_path: Path
) -> None:
    session = correction_session("gridworld", tmp_path / "d.h5", clock)
    pilot = drive(window, session, clock)
    window.resize((800, 600))
    pilot.frames(2)
    panel = pilot.scene._panels[False]  # type: ignore[attr-defined]
    titles = []
    for _ in range(5):
        titles.append(panel._charts[0][0].title)
        pilot.tap("g")
    assert titles == ["return by episode", "agreement", "loss", "labels", "return by episode"]
    assert session.recorder.steps == 0
    pilot.scene.leave()


def test_an_empty_chart_says_what_will_come() -> None:
    chart = Chart("a", "", "x", (), "Something will come.")
    surface = pygame.Surface((240, 120))
    surface.fill(BACKGROUND)
    draw_chart(surface, Typeface(1.0), surface.get_rect(), chart)
    empty = pygame.surfarray.array3d(surface)
    assert len(np.unique(empty)) > 3
    draw_chart(surface, Typeface(1.0), surface.get_rect(), Chart("a", "", "x", (Dot(1, 1),), ""))
    assert not np.array_equal(pygame.surfarray.array3d(surface), empty)


def test_figures_side_by_side_do_not_touch() -> None:
    typeface = Typeface(1.0)
    column = typeface.width("−139.4", Role.NUMBER) + 1
    surface = pygame.Surface((3 * column, 80))
    white = (255, 255, 255)
    draw_figures(
        surface, typeface, surface.get_rect(), [("−139.4", "", white), ("73", "", white), ("2", "", white)]
    )
    drawn = pygame.surfarray.array3d(surface).any(axis=(1, 2))
    assert drawn[:column].any()
    assert not drawn[column - 8 : column].any()
