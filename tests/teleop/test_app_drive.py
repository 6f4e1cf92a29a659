"""The driving scene in a real (hidden) window with a real session: what is pressed is what is recorded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pygame
import pytest

import recordings
from recordings.errors import DiskFull
from recordings.replay import verify
from recordings.schema import Driver, LabelKind, Outcome
from teleop.app.drive import DriveScene
from teleop.app.painters.choose import painter_for
from teleop.app.window import QUIT, Window
from teleop.clock import StepClock
from teleop.preferences.palette import DRIVERS, PAUSED
from teleop.studio.phases import Phase
from tests.teleop.app_pilot import Pilot, correction_session, drive, recording_session

UP, DOWN, LEFT, RIGHT = range(4)


@pytest.fixture
def window() -> Iterator[Window]:
    with Window(hidden=True) as window:
        yield window


@pytest.fixture
def gridworld(window: Window, tmp_path: Path) -> Iterator[Pilot]:
    clock = StepClock()
    pilot = drive(window, recording_session("gridworld", tmp_path / "g.h5", clock), clock)
    yield pilot
    pilot.scene.leave()


@pytest.fixture
def cartpole(window: Window, tmp_path: Path) -> Iterator[Pilot]:
    clock = StepClock()
    pilot = drive(window, recording_session("cartpole", tmp_path / "c.h5", clock), clock)
    yield pilot
    pilot.scene.leave()


def recorded(pilot: Pilot) -> list[int]:
    """Leave, and return every action of the recording, which must replay."""
    scene = pilot.scene
    assert isinstance(scene, DriveScene)
    scene.leave()
    path = scene.session.recorder.path
    assert verify(path).verified
    with recordings.open(path) as reader:
        return [int(action) for episode in reader.episodes for action in episode.actions]


def test_every_press_is_one_step_by_arrows_and_by_letters(gridworld: Pilot) -> None:
    gridworld.tap("right", "down", "a", "w")
    gridworld.seconds(1.0)
    assert recorded(gridworld) == [RIGHT, DOWN, LEFT, UP]


def test_a_held_key_steps_again_after_the_delay_and_stops_when_released(gridworld: Pilot) -> None:
    gridworld.down("right")
    gridworld.seconds(0.25)
    assert gridworld.scene.session.episode_length == 1  # type: ignore[attr-defined]
    gridworld.seconds(0.5)
    gridworld.up("right")
    steps = gridworld.scene.session.episode_length  # type: ignore[attr-defined]
    gridworld.seconds(1.0)
    actions = recorded(gridworld)
    assert actions == [RIGHT] * steps
    assert 4 <= steps <= 6  # one at once, then 8 a second from 0.3 s to 0.75 s


def test_of_two_keys_the_newest_wins_and_the_older_returns(gridworld: Pilot) -> None:
    gridworld.down("right")
    gridworld.down("down")
    gridworld.seconds(0.5)
    gridworld.up("down")
    gridworld.seconds(0.5)
    gridworld.up("right")
    actions = recorded(gridworld)
    assert actions[:3] == [RIGHT, DOWN, DOWN]
    assert actions[-1] == RIGHT


def test_losing_the_keyboard_lets_go_and_pauses_until_told(gridworld: Pilot) -> None:
    session = gridworld.scene.session  # type: ignore[attr-defined]
    gridworld.down("right")
    gridworld.post(pygame.WINDOWFOCUSLOST)
    gridworld.seconds(2.0)
    assert session.phase is Phase.PAUSED
    gridworld.tap("p")
    gridworld.seconds(2.0)
    gridworld.tap("down")
    assert recorded(gridworld) == [RIGHT, DOWN]


def test_a_click_on_the_world_resumes_after_the_keyboard_was_lost(gridworld: Pilot) -> None:
    session = gridworld.scene.session  # type: ignore[attr-defined]
    gridworld.post(pygame.WINDOWFOCUSLOST)
    gridworld.post(pygame.MOUSEBUTTONDOWN, pos=(1200, 700), button=1)
    assert session.phase is Phase.PAUSED
    gridworld.post(pygame.MOUSEBUTTONDOWN, pos=(300, 300), button=1)
    assert session.phase is Phase.HUMAN
    assert recorded(gridworld) == []


def test_a_click_does_not_end_a_pause_that_was_asked_for(gridworld: Pilot) -> None:
    gridworld.tap("p")
    gridworld.post(pygame.MOUSEBUTTONDOWN, pos=(300, 300), button=1)
    assert gridworld.scene.session.phase is Phase.PAUSED  # type: ignore[attr-defined]


def test_cartpole_waits_for_the_first_key_and_then_holds_the_last(cartpole: Pilot) -> None:
    session = cartpole.scene.session  # type: ignore[attr-defined]
    cartpole.seconds(1.0)
    assert session.episode_length == 0
    cartpole.tap("left")
    cartpole.seconds(0.25)
    cartpole.tap("d")
    cartpole.seconds(0.25)
    actions = recorded(cartpole)
    assert actions[:2] == [0, 0]
    assert actions[-2:] == [1, 1]
    assert actions == sorted(actions)


def test_escape_finishes_the_recording_properly(gridworld: Pilot) -> None:
    gridworld.tap("right", "down")
    gridworld.down("escape")
    assert gridworld.following is QUIT
    with recordings.open(gridworld.scene.session.recorder.path) as reader:  # type: ignore[attr-defined]
        episode = reader.episodes[0]
        assert (episode.length, episode.outcome) == (2, Outcome.UNKNOWN)
        assert [Driver(code) for code in episode.drivers] == [Driver.HUMAN] * 2
        assert episode.labels().kinds.tolist() == [LabelKind.DEMONSTRATED] * 2


def test_closing_the_window_loses_nothing(gridworld: Pilot) -> None:
    gridworld.tap("right")
    pygame.event.post(pygame.Event(pygame.QUIT))
    gridworld.window.run(gridworld.scene)
    assert recorded(gridworld) == [RIGHT]


def test_keys_are_never_repeated_by_the_toolkit(window: Window) -> None:
    assert pygame.key.get_repeat() == (0, 0)


def test_it_leaves_after_the_episodes_it_was_told(window: Window, tmp_path: Path) -> None:
    clock = StepClock()
    session = recording_session("gridworld", tmp_path / "s.h5", clock, driver="scripted")
    pilot = Pilot(window, DriveScene(session, painter_for(session.env), episodes=2), clock)
    while pilot.following is not QUIT:
        pilot.frames()
    with recordings.open(tmp_path / "s.h5") as reader:
        assert [episode.outcome for episode in reader.episodes] == [Outcome.SUCCESS] * 2
        assert {int(code) for episode in reader.episodes for code in episode.drivers} == {Driver.SCRIPTED}


def test_an_error_of_the_session_ends_it(gridworld: Pilot, monkeypatch: pytest.MonkeyPatch) -> None:
    gridworld.tap("right")
    session = gridworld.scene.session  # type: ignore[attr-defined]

    def full() -> None:
        raise DiskFull("the disk is full")

    monkeypatch.setattr(session, "update", full)
    with pytest.raises(DiskFull, match="the disk is full"):
        gridworld.frames()
    assert session.recorder.closed
    assert recorded(gridworld) == [RIGHT]


def test_the_frame_says_who_drives(window: Window, tmp_path: Path) -> None:
    clock = StepClock()
    session = correction_session("gridworld", tmp_path / "d.h5", clock, labels_per_fit=3)
    pilot = drive(window, session, clock)

    def frame_colour() -> tuple[int, ...]:
        return tuple(int(value) for value in pilot.picture()[640, 20])

    assert frame_colour() == DRIVERS[Driver.HUMAN]
    pilot.tap("right", "down", "right")
    pilot.seconds(0.2)
    pilot.tap("n")
    pilot.seconds(0.1)
    assert session.phase is Phase.STUDENT
    assert frame_colour() == DRIVERS[Driver.STUDENT]
    pilot.down("space")
    assert frame_colour() == DRIVERS[Driver.HUMAN]
    pilot.up("space")
    assert frame_colour() == DRIVERS[Driver.STUDENT]
    pilot.tap("p")
    assert frame_colour() == PAUSED
    pilot.scene.leave()


def test_arrows_appear_as_the_student_learns(window: Window, tmp_path: Path) -> None:
    clock = StepClock()
    session = correction_session("gridworld", tmp_path / "d.h5", clock, labels_per_fit=3)
    pilot = drive(window, session, clock)

    def student_pixels() -> int:
        return int((pilot.picture()[30:700] == DRIVERS[Driver.STUDENT]).all(2).sum())

    assert student_pixels() == 0
    pilot.tap("right", "down", "right")
    pilot.tap("p")
    assert session.student is not None
    assert student_pixels() > 0
    pilot.scene.leave()


@pytest.mark.parametrize("size", [(800, 600), (1280, 800), (1920, 1080)])
def test_it_fills_windows_of_any_size(window: Window, tmp_path: Path, size: tuple[int, int]) -> None:
    clock = StepClock()
    pilot = drive(window, recording_session("cartpole", tmp_path / "c.h5", clock), clock)
    window.resize(size)
    pilot.tap("left")
    picture = pilot.picture()
    assert picture.shape == (*size, 3)
    colours = picture[::3, ::3] @ np.array([1 << 16, 1 << 8, 1])
    assert len(np.unique(colours)) > 50
    pilot.scene.leave()
