"""LoopTrack in the window: what a held key records, what is drawn of it, and what an expert's correction does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pygame
import pytest
from numpy.testing import assert_allclose

import recordings
from recordings.replay import verify
from recordings.schema import Driver
from teleop.app.painters.choose import painter_for, painter_for_replay
from teleop.app.painters.looptrack import LoopTrackPainter
from teleop.app.painters.view import View
from teleop.app.recorded_world import world_of
from teleop.app.window import Window
from teleop.clock import StepClock
from teleop.preferences.palette import DRIVERS, TEXT
from teleop.start import CorrectSettings, rules_of
from teleop.worlds.catalogue import LOOPTRACK, LOOPTRACK_POSITION
from teleop.worlds.looptrack_road import Road
from tests.teleop.app_pilot import Pilot, drive, recording_session, texts_drawn
from tests.teleop.live import Begin

ROAD = Road()
LINE = np.zeros(2, np.float32)
Picture = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]


@pytest.fixture
def window() -> Iterator[Window]:
    with Window(hidden=True) as window:
        yield window


@pytest.fixture
def looptrack(window: Window, tmp_path: Path) -> Iterator[Pilot]:
    clock = StepClock()
    pilot = drive(window, recording_session("looptrack", tmp_path / "l.h5", clock), clock)
    yield pilot
    pilot.scene.leave()  # type: ignore[attr-defined]


def test_a_key_that_is_held_turns_the_wheel_step_by_step(looptrack: Pilot, tmp_path: Path) -> None:
    looptrack.seconds(0.3)
    looptrack.down("left")
    looptrack.seconds(0.4)
    looptrack.up("left")
    looptrack.seconds(0.4)
    looptrack.scene.leave()  # type: ignore[attr-defined]
    assert verify(tmp_path / "l.h5").verified
    with recordings.open(tmp_path / "l.h5") as reader:
        episode = reader.episodes[0]
        turns, labels = episode.actions[:, 0], episode.labels().actions[:, 0]
        assert {int(code) for code in episode.drivers} == {Driver.HUMAN}
        assert world_of(reader.header) is LOOPTRACK
    assert_allclose(labels, turns)
    first, peak = int(np.argmax(turns > 0)), int(np.argmax(turns))
    assert first > 2
    assert_allclose(turns[:first], 0.0)
    assert_allclose(turns[first : peak + 1], 0.005 * np.arange(1, peak - first + 2), atol=1e-6)
    assert peak - first >= 3
    back = np.maximum(turns[peak] - 0.01 * np.arange(len(turns) - peak), 0.0)
    assert_allclose(turns[peak:], back, atol=1e-6)


def test_the_panel_and_the_hint_speak_of_a_wheel(looptrack: Pilot, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = texts_drawn(monkeypatch)
    looptrack.post(pygame.WINDOWFOCUSLOST)
    looptrack.tap("p")
    assert any("the wheel turns while you hold it" in text for text in texts)
    assert any("the centre line" in text for text in texts)


def test_a_wheel_is_not_asked_about_at_rest(tmp_path: Path) -> None:
    """Who is asked must drive on as the world moves, and nobody is asked twice."""
    settings = CorrectSettings(LOOPTRACK, tmp_path / "a.h5", gate="novelty", reask_share=0.5)
    assert not rules_of(settings).asks_by_pausing
    assert rules_of(settings).reask_share == 0.0


class Straight:
    """A student that never steers."""

    def act(self, observations: np.ndarray, rng: object = None) -> np.ndarray:  # type: ignore[type-arg]
        return np.zeros((len(observations), 1), np.float32)


def test_a_held_key_labels_what_the_student_drives_through(begin: Begin) -> None:
    live = begin(LOOPTRACK, student=Straight(), gate="beta", beta=0.0)
    live.drive_until(3)
    live.session.press("left")
    live.drive_until(6)
    live.session.release("left")
    live.drive_until(9)
    assert_allclose(live.labels().actions[:, 0], [0.005, 0.01, 0.015], atol=1e-6)
    with live.look_up() as reader:
        assert_allclose(reader.column("action")[:9], 0.0)


def test_at_the_desk_a_wheel_gives_no_labels_but_those_that_agree(begin: Begin) -> None:
    live = begin(LOOPTRACK, student=Straight())
    live.drive_until(5)
    live.tap("t", "home", "a", "return")
    assert live.labels().actions.tolist() == [[0.0]]
    live.close()


# -- the picture ----------------------------------------------------------------------------------------------


def painted(
    view: View, size: tuple[int, int] = (640, 600), painter: LoopTrackPainter | None = None
) -> Picture:
    surface = pygame.Surface(size)
    (painter or LoopTrackPainter(ROAD, "ego")).draw(surface, surface.get_rect(), view, 0.0)
    return pygame.surfarray.array3d(surface)


def count(picture: Picture, colour: object) -> int:
    return int((picture == tuple(colour)).all(2).sum())  # type: ignore[call-overload]


def around(steps: int) -> list[np.ndarray]:  # type: ignore[type-arg]
    return [LINE] * steps


def test_worlds_of_both_sights_have_a_painter_of_their_own() -> None:
    for world in (LOOPTRACK, LOOPTRACK_POSITION):
        assert isinstance(painter_for(world.make()), LoopTrackPainter)
        assert isinstance(painter_for_replay(world), LoopTrackPainter)


def test_the_way_wears_the_colours_of_those_who_drove() -> None:
    path = around(60)
    student = painted(View(observation=LINE, path=path, drivers=[Driver.STUDENT] * 60))
    both = painted(View(observation=LINE, path=path, drivers=[Driver.STUDENT] * 30 + [Driver.HUMAN] * 30))
    assert count(student, DRIVERS[Driver.HUMAN]) == 0
    assert count(both, DRIVERS[Driver.HUMAN]) > 20
    assert count(student, DRIVERS[Driver.STUDENT]) > count(both, DRIVERS[Driver.STUDENT]) > 20


@pytest.mark.parametrize("quarter", range(4))
def test_the_car_is_where_the_way_has_led(quarter: int) -> None:
    """After so many quarters of a lap the picture differs from one two steps on around the car, and in the lens."""
    steps = round(quarter * 314 / 4)
    views = [
        View(observation=LINE, path=around(n), drivers=[Driver.HUMAN] * n, colour=(9, 99, 199))
        for n in (steps, steps + 2)
    ]
    before, after = (painted(view, (600, 600)) for view in views)
    changed = np.argwhere((before != after).any(2)) - 300.0
    outside = changed[np.hypot(*changed.T) > 210]
    angle = np.arctan2(-outside[:, 1].mean(), outside[:, 0].mean())
    assert np.cos(angle - quarter * np.pi / 2) == pytest.approx(1.0, abs=0.02)


def test_the_students_turn_is_drawn_in_its_own_colour() -> None:
    view = View(observation=LINE, action=np.array([0.02]), colour=DRIVERS[Driver.HUMAN])
    with_student = View(
        observation=LINE,
        action=np.array([0.02]),
        colour=DRIVERS[Driver.HUMAN],
        student_action=np.array([-0.05]),
    )
    assert count(painted(view), DRIVERS[Driver.STUDENT]) == 0
    assert count(painted(with_student), DRIVERS[Driver.STUDENT]) > 20


def test_labelled_steps_leave_dots_beside_the_road() -> None:
    path = around(100)
    view = View(observation=LINE, path=path, drivers=[Driver.HUMAN] * 100)
    labelled = View(observation=LINE, path=path, drivers=[Driver.HUMAN] * 100, labelled_steps=range(50, 60))
    assert count(painted(labelled), TEXT) > count(painted(view), TEXT)


def test_it_is_said_how_far_off_the_line_the_car_is(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = texts_drawn(monkeypatch)
    for offset in (0.25, -0.5, 1.1):
        painted(View(observation=np.array([offset, 0.0])))
    assert texts == ["0.25 outside the centre line", "0.50 inside the centre line", "off the road"]


@pytest.mark.parametrize("size", [(280, 260), (500, 700), (1300, 900)])
def test_it_is_drawn_at_any_size_and_before_the_first_episode(size: tuple[int, int]) -> None:
    assert count(painted(View(observation=None), size), TEXT) > 0
    view = View(
        observation=LINE, path=around(700), drivers=[Driver.SCRIPTED] * 700, ahead=0.5, action=np.zeros(1)
    )
    assert count(painted(view, size), DRIVERS[Driver.SCRIPTED]) > 0


def test_positions_are_drawn_as_what_was_seen_of_the_car() -> None:
    poses = ROAD.at(0.02 * np.arange(40))
    by_ego, by_position = (
        painted(
            View(observation=seen[-1], path=list(seen[:-1]), drivers=[Driver.HUMAN] * 39),
            painter=LoopTrackPainter(ROAD, kind),
        )
        for kind in ("ego", "position")
        for seen in [ROAD.observed(poses, kind)]  # type: ignore[arg-type]
    )
    assert (by_ego != by_position).any(2).mean() < 0.01


def test_a_painter_that_has_drawn_before_draws_as_one_that_has_not() -> None:
    """Whatever came, went or changed in between: more steps, fewer, other labels, another episode."""
    kept = LoopTrackPainter(ROAD, "ego")
    first, second = around(1), around(1)
    path, other = first * 40, [second[0] + 0.3] * 40
    drivers = [Driver.STUDENT] * 15 + [Driver.HUMAN] * 25
    moments = ((path, 10, {3}), (path, 30, {3, 20}), (path, 30, {20}), (path, 12, set()), (other, 25, {2}))
    for seen, steps, labelled in moments:
        view = View(observation=LINE, path=seen[:steps], drivers=drivers[:steps], labelled_steps=labelled)
        assert np.array_equal(painted(view, painter=kept), painted(view))
