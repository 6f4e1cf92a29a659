"""The review: what is known of every episode, what keys choose, and what they change in the file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pygame
import pytest

import recordings
from recordings.schema import Driver, Header, LabelKind, Outcome
from recordings.survey import Survey
from teleop.app.choice import FACETS, ORDERS, Choice, chosen
from teleop.app.compare import CompareScene
from teleop.app.drive import DriveScene, Following
from teleop.app.grid import lay_grid
from teleop.app.relabel import label_episode
from teleop.app.replay import ReplayScene
from teleop.app.review import REFRESH_S, ReviewScene
from teleop.app.watch import first_scene
from teleop.app.window import QUIT, Window
from teleop.clock import StepClock
from tests.teleop.app_pilot import Pilot, texts_drawn
from tests.teleop.review_recordings import LENGTHS, OUTCOMES, UP, write

FOREVER_S = 60.0


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    return write(tmp_path / "four.h5")


@pytest.fixture
def pilot(recording: Path) -> Iterator[Pilot]:
    clock = StepClock()
    with Window(hidden=True, now_s=lambda: clock.now_ns() / 1e9) as window:
        pilot = Pilot(window, ReviewScene(recordings.open(recording)), clock)
        pilot.frames(3)
        yield pilot
        pilot.scene.leave()


def review_of(pilot: Pilot) -> ReviewScene:
    assert isinstance(pilot.scene, ReviewScene)
    return pilot.scene


def follow(pilot: Pilot) -> None:
    """Go to the scene that the last key led to, as the window does."""
    assert not isinstance(pilot.following, type(QUIT))
    pilot.scene.leave()
    pilot.scene = pilot.following  # type: ignore[assignment]
    pilot.frames()


def press(pilot: Pilot, key: str) -> None:
    """A key that leads to another scene."""
    pilot.down(key)
    follow(pilot)
    pilot.up(key)


def facet(asks: str, word: str) -> Choice:
    """The choice of one answer to one question."""
    (asked,) = (each for each in FACETS if each.asks == asks)
    choice = Choice()
    while choice.answer(asked).word != word:
        choice = choice.turned(asked)
    return choice


# -- what is known ----------------------------------------------------------------------------------------


def test_a_survey_knows_every_episode(recording: Path) -> None:
    with recordings.open(recording) as reader:
        survey = Survey(reader)
        assert survey.n_episodes == 4
        assert not survey.is_complete
        survey.advance(FOREVER_S)
        assert survey.is_complete
    assert survey.lengths.tolist() == list(LENGTHS)
    assert survey.returns.tolist() == [5, 15, -8, 10]
    assert survey.outcomes.tolist() == list(OUTCOMES)
    assert survey.labels.tolist() == [0, 3, 0, 3]
    assert survey.parents.tolist() == [-1, -1, -1, 0]
    assert survey.driven[:, Driver.STUDENT].tolist() == [5, 0, 0, 0]
    assert survey.driven[3].tolist() == [3, 0, 0, 0, 2]


def test_a_survey_stops_when_its_time_is_up_and_goes_on_later(recording: Path) -> None:
    with recordings.open(recording) as reader:
        survey, turns = Survey(reader), 0
        while not survey.is_complete:
            survey.advance(0.0)
            turns += 1
        survey.advance(FOREVER_S)
    assert turns > 2
    assert survey.returns.tolist() == [5, 15, -8, 10]


def test_a_survey_follows_a_recording_that_is_being_written(recording: Path) -> None:
    with recordings.Recorder(recording, recordings.open(recording).header, resume=True) as recorder:
        recorder.begin_episode(0, seed=9)
        recorder.step(3, 1.0, False, False, 1, driver=Driver.HUMAN)
        recorder.flush()
        with recordings.open(recording, tail=True) as reader:
            survey = Survey(reader)
            survey.advance(FOREVER_S)
            assert (survey.n_episodes, survey.lengths[4], survey.returns[4]) == (5, 1, 1.0)
            recorder.step(3, 1.0, False, False, 2, driver=Driver.STUDENT)
            recorder.end_episode(Outcome.SUCCESS)
            recorder.begin_episode(0, seed=10)
            recorder.flush()
            reader.refresh()
            survey.refresh(reader)
            survey.advance(FOREVER_S)
    assert survey.lengths.tolist() == [*LENGTHS, 2, 0]
    assert survey.returns[4:].tolist() == [2.0, 0.0]
    assert survey.driven[4].tolist() == [1, 1, 0, 0, 0]
    assert survey.outcomes[4:].tolist() == [Outcome.SUCCESS, Outcome.RUNNING]


@pytest.mark.parametrize(
    ("asks", "word", "left"),
    [
        ("driver", "person", [1, 3]),
        ("driver", "scripted expert", [2]),
        ("outcome", "success", [1, 3]),
        ("labels", "none", [0, 2]),
        ("branches", "alone", [3]),
        ("discarded", "alone", []),
    ],
)
def test_an_answer_leaves_the_episodes_it_says(
    recording: Path, asks: str, word: str, left: list[int]
) -> None:
    with recordings.open(recording) as reader:
        survey = Survey(reader)
        survey.advance(FOREVER_S)
    assert chosen(survey, facet(asks, word)).tolist() == left


def test_orders_put_the_largest_first_and_turn_round(recording: Path) -> None:
    with recordings.open(recording) as reader:
        survey = Survey(reader)
        survey.advance(FOREVER_S)
    by_return = Choice(order=[order.word for order in ORDERS].index("return"))
    assert chosen(survey, by_return).tolist() == [1, 3, 0, 2]
    assert chosen(survey, by_return.turned_round()).tolist() == [2, 0, 3, 1]
    by_length = Choice(order=[order.word for order in ORDERS].index("length"))
    assert chosen(survey, by_length).tolist() == [2, 0, 3, 1]


def test_what_is_not_yet_known_comes_last_in_an_order(recording: Path) -> None:
    with recordings.open(recording) as reader:
        survey = Survey(reader)
    survey.returns[:2] = (1.0, 2.0)
    assert chosen(survey, Choice(order=1)).tolist() == [1, 0, 2, 3]


def test_a_grid_scrolls_no_further_than_it_must() -> None:
    grid = lay_grid(pygame.Rect(0, 0, 320, 100), 10, (100, 40), 10)
    assert (grid.columns, grid.card) == (2, (145, 40))
    assert grid.furthest == 5 * 50 - 10 - 100
    assert grid.seen(0) == range(6)
    assert grid.showing(9, 0.0) == 140
    assert grid.showing(0, 140.0) == 0
    assert grid.at((160, 55), 0.0) == 3
    assert grid.scrolled_to(10_000) == 140


# -- keys and mouse -----------------------------------------------------------------------------------------


def test_keys_select_filter_and_order(pilot: Pilot) -> None:
    review = review_of(pilot)
    assert (review.episode, len(review.shown)) == (0, 4)
    pilot.tap("right", "right")
    assert review.episode == 2
    pilot.tap("1")
    assert review.shown.tolist() == [1, 3]
    pilot.tap("0", "6")
    assert (review.shown.tolist(), review.episode) == ([1, 3, 0, 2], 1)
    pilot.tap("7", "end")
    assert review.episode == 1


def test_a_held_arrow_goes_on(pilot: Pilot) -> None:
    review = review_of(pilot)
    pilot.down("right")
    assert review.episode == 1
    pilot.seconds(1.0)
    assert review.episode == 3
    pilot.up("right")
    pilot.tap("home")
    pilot.seconds(1.0)
    assert review.episode == 0


def test_the_selected_episode_stays_selected_when_others_are_hidden(pilot: Pilot) -> None:
    review = review_of(pilot)
    pilot.tap("end", "1")
    assert (review.cursor, review.episode) == (1, 3)


def test_nothing_shown_can_neither_be_opened_nor_changed(pilot: Pilot) -> None:
    pilot.tap("4", "4", "return", "delete", "c", "e", "y", "left", "end")
    review = review_of(pilot)
    assert (len(review.shown), review.episode, pilot.following) == (0, -1, None)


def test_a_double_click_opens_and_a_chip_is_a_key(pilot: Pilot) -> None:
    second, chip = (640, 160), (70, 72)
    for _ in range(2):
        pilot.post(pygame.MOUSEBUTTONDOWN, pos=second, button=1)
    assert review_of(pilot).episode == 1
    assert isinstance(pilot.following, ReplayScene)
    assert pilot.following.episode == 1
    pilot.following.leave()
    review_of(pilot)._following = None
    pilot.post(pygame.MOUSEBUTTONDOWN, pos=chip, button=1)
    assert review_of(pilot).shown.tolist() == [1, 3]


def test_an_episode_is_opened_and_one_comes_back_to_where_one_was(pilot: Pilot) -> None:
    pilot.tap("6")  # by return: 1, 3, 0, 2
    press(pilot, "return")
    assert isinstance(pilot.scene, ReplayScene)
    assert pilot.scene.episode == 1
    pilot.tap("page down")
    assert pilot.scene.episode == 3
    press(pilot, "escape")
    review = review_of(pilot)
    assert (review.episode, review.shown.tolist()) == (3, [1, 3, 0, 2])
    pilot.down("escape")
    assert pilot.following is QUIT


# -- changes ------------------------------------------------------------------------------------------------


def test_discarding_is_in_the_file_and_can_be_undone(pilot: Pilot, recording: Path) -> None:
    def discarded() -> list[int]:
        with recordings.open(recording) as reader:
            return [each.index for each in reader.episodes if reader.curation.is_discarded(each)]

    pilot.tap("right", "delete")
    assert discarded() == [1]
    assert review_of(pilot).survey.discarded.tolist() == [False, True, False, False]
    pilot.tap("delete")
    assert discarded() == []
    pilot.tap("u")
    assert discarded() == [1]
    pilot.tap("u")
    assert discarded() == []
    pilot.tap("i", "i")
    assert discarded() == []
    pilot.tap("u")
    assert discarded() == [1]
    assert "Undone" in review_of(pilot).told


def test_what_is_changed_stays_selected(pilot: Pilot) -> None:
    review = review_of(pilot)
    pilot.tap("3", "end")  # those with labels: 1 and 3
    assert review.episode == 3
    pilot.tap("delete")
    pilot.frames(3)
    assert (review.episode, review.shown.tolist()) == (3, [1, 3])


def test_an_outcome_is_judged(pilot: Pilot, recording: Path) -> None:
    pilot.tap("y")
    with recordings.open(recording) as reader:
        assert reader.episodes[0].outcome is Outcome.SUCCESS
    assert review_of(pilot).survey.outcomes[0] == Outcome.SUCCESS


def test_undo_takes_back_nothing_that_was_not_done_here(pilot: Pilot, recording: Path) -> None:
    pilot.tap("u")
    assert "Nothing to undo" in review_of(pilot).told
    with recordings.open(recording) as reader:
        assert not reader.edits()


def test_a_replay_opened_from_here_discards_and_undoes_too(pilot: Pilot, recording: Path) -> None:
    press(pilot, "return")
    pilot.tap("delete")
    with recordings.open(recording) as reader:
        assert reader.curation.is_discarded(reader.episodes[0])
    press(pilot, "escape")
    pilot.frames(2)
    assert review_of(pilot).survey.discarded[0]
    pilot.tap("u")
    assert not review_of(pilot).survey.discarded[0]


def test_a_recording_that_someone_writes_is_not_changed_and_says_why(recording: Path) -> None:
    clock = StepClock()
    with (
        recordings.Recorder(recording, recordings.open(recording).header, resume=True) as recorder,
        Window(hidden=True, now_s=lambda: clock.now_ns() / 1e9) as window,
    ):
        recorder.flush()
        review = ReviewScene(recordings.open(recording))
        pilot = Pilot(window, review, clock)
        pilot.frames(2)
        pilot.tap("delete")
        assert "is writing this file" in review.told
        recorder.begin_episode(0, seed=1)
        recorder.flush()
        pilot.seconds(REFRESH_S + 0.1)
        assert len(review.shown) == 5
        review.leave()


# -- comparing ----------------------------------------------------------------------------------------------


def test_a_branch_is_compared_from_where_it_left_its_parent(pilot: Pilot) -> None:
    pilot.tap("c", "end")
    press(pilot, "c")
    compare = pilot.scene
    assert isinstance(compare, CompareScene)
    assert [episode.index for episode in compare.pair] == [0, 3]
    assert (compare.parting, compare.playhead.step) == (2, 2)
    assert np.array_equal(compare.pair[0].observations[:3], compare.pair[1].observations[:3])
    pilot.tap("right")
    assert int(compare.pair[1].actions[2]) == UP
    assert compare.pair[0].observations[3] != compare.pair[1].observations[3]
    pilot.tap("home", "b")
    assert compare.playhead.step == 2
    press(pilot, "escape")
    assert review_of(pilot).episode == 3


def test_two_episodes_from_different_starts_are_compared_from_the_start(pilot: Pilot) -> None:
    pilot.tap("right", "c", "right")
    press(pilot, "c")
    compare = pilot.scene
    assert isinstance(compare, CompareScene)
    assert (compare.parting, compare.playhead.step, compare.playhead.length) == (0, 0, 8)
    pilot.tap("end")
    assert compare.playhead.step == 8  # the shorter one stands at its own end
    first, second = (pilot.picture()[100:600, 100:600], pilot.picture()[730:1230, 100:600])
    assert (first != second).any()


def test_c_again_lets_go_of_the_mark(pilot: Pilot) -> None:
    pilot.tap("c")
    assert review_of(pilot).marked == (0,)
    pilot.tap("c")
    assert review_of(pilot).marked == ()


# -- odd recordings -----------------------------------------------------------------------------------------


def test_an_unknown_world_is_reviewed(tmp_path: Path) -> None:
    import gymnasium as gym

    from recordings import spaces

    box = spaces.to_json(gym.spaces.Box(-1.0, 1.0, (2,), np.float32))
    header = Header('{"id": "Nowhere-v7", "kwargs": {}}', box, box, control_hz=5.0)
    path = tmp_path / "nowhere.h5"
    with recordings.Recorder(path, header) as recorder:
        for seed in range(2):
            recorder.begin_episode(np.zeros(2, np.float32), seed=seed)
            recorder.step(
                np.ones(2, np.float32), np.nan, False, False, np.ones(2, np.float32), driver=Driver.HUMAN
            )
            recorder.end_episode()
    with Window(hidden=True) as window:
        pilot = Pilot(window, ReviewScene(recordings.open(path)), StepClock())
        pilot.frames(3)
        press(pilot, "return")
        assert isinstance(pilot.scene, ReplayScene)
        pilot.scene.leave()


def test_an_empty_recording_says_so(tmp_path: Path, recording: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = texts_drawn(monkeypatch)
    with recordings.open(recording) as reader, recordings.Recorder(tmp_path / "none.h5", reader.header):
        pass
    with Window(hidden=True) as window:
        review = ReviewScene(recordings.open(tmp_path / "none.h5"))
        pilot = Pilot(window, review, StepClock())
        pilot.tap("return", "c", "delete", "down", "6")
        assert review.episode == -1
        assert "Nothing recorded yet." in texts
        review.leave()


def test_a_recording_of_one_episode_is_played_at_once(recording: Path, tmp_path: Path) -> None:
    with recordings.open(recording) as reader:
        header = reader.header
    with recordings.Recorder(tmp_path / "one.h5", header) as recorder:
        recorder.begin_episode(0, seed=1)
        recorder.end_episode()
    only = first_scene(recordings.open(tmp_path / "one.h5"), episode=None, student=None)
    several = first_scene(recordings.open(recording), episode=None, student=None)
    third = first_scene(recordings.open(recording), episode=2, student=None)
    assert isinstance(only, ReplayScene)
    assert isinstance(several, ReviewScene)
    assert isinstance(third, ReplayScene)
    assert third.episode == 2
    for scene in (only, several, third):
        scene.leave()


def test_t_leads_to_what_labels_an_episode(recording: Path) -> None:
    asked: list[tuple[Path, int, int]] = []

    def relabel(path: Path, episode: int, step: int, then: Following) -> ReplayScene:
        asked.append((path, episode, step))
        scene = first_scene(recordings.open(path), episode=episode, student=None)
        assert isinstance(scene, ReplayScene)
        return scene

    with Window(hidden=True) as window:
        pilot = Pilot(window, ReviewScene(recordings.open(recording), relabel=relabel), StepClock())
        pilot.frames()
        pilot.tap("right")
        press(pilot, "return")
        pilot.tap("right")
        press(pilot, "t")
        assert asked == [(recording, 1, 1)]
        pilot.scene.leave()


def test_a_saved_episode_is_labelled_at_the_desk_and_then_reviewed_again(recording: Path) -> None:
    with recordings.open(recording) as reader:
        episodes, labels = reader.n_episodes, reader.n_labels
    with Window(hidden=True) as window:
        review = ReviewScene(recordings.open(recording), relabel=label_episode)
        pilot = Pilot(window, review, StepClock())
        pilot.frames()
        press(pilot, "t")
        scene = pilot.scene
        assert isinstance(scene, DriveScene)
        desk = scene.session.desk
        assert desk is not None
        key, action = next(iter(desk.label_keys.items()))
        pilot.tap(key)
        press(pilot, "escape")
        assert pilot.scene is review
        review.leave()
    with recordings.open(recording) as reader:
        assert reader.n_episodes == episodes
        assert reader.n_labels == labels + 1
        newest = reader.labels()[-1:]
        assert newest.actions.tolist() == [action]
        assert newest.kinds.tolist() == [LabelKind.RETROSPECTIVE]
