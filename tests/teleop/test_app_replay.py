"""The replay scene: what the keys and the mouse show of a recording made by hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pygame
import pytest

import recordings
from recordings.errors import RecordingMissing
from recordings.schema import Driver, Header, LabelKind, Outcome
from teleop.app.episode_view import load_episode
from teleop.app.painters.choose import painter_for_replay
from teleop.app.recorded_world import world_of
from teleop.app.replay import ReplayScene
from teleop.app.watch import watch
from teleop.app.window import QUIT, Window
from teleop.clock import StepClock
from teleop.preferences.palette import DRIVERS
from teleop.worlds.catalogue import CARTPOLE, GRIDWORLD
from tests.teleop.app_pilot import Pilot, texts_drawn

DRIVEN = (Driver.STUDENT, Driver.STUDENT, Driver.HUMAN, Driver.HUMAN, Driver.STUDENT)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Two GridWorld episodes of five steps to the right; a person takes over for the third and the fourth."""
    path, env = tmp_path / "two.h5", GRIDWORLD.make()
    with recordings.Recorder(path, Header.for_env(env, control_hz=8.0)) as recorder:
        for seed in (3, 4):
            observation, _ = env.reset(seed=seed)
            recorder.begin_episode(observation, seed=seed)
            for driver in DRIVEN:
                after, reward, terminated, truncated, _ = env.step(3)
                step = recorder.step(
                    3, float(reward), terminated, truncated, after,
                    driver=driver, student_action=1, student_version=seed,
                )  # fmt: skip
                if driver is Driver.HUMAN:
                    recorder.label(step, 3, labeler="human", kind=LabelKind.TAKEOVER)
            recorder.end_episode(Outcome.FAILURE)
    env.close()
    return path


@pytest.fixture
def pilot(recording: Path) -> Iterator[Pilot]:
    reader = recordings.open(recording)
    world = world_of(reader.header)
    clock = StepClock()
    with Window(hidden=True, now_s=lambda: clock.now_ns() / 1e9) as window:
        pilot = Pilot(window, ReplayScene(reader, world, painter_for_replay(world)), clock)
        pilot.frames()
        yield pilot
        pilot.scene.leave()


def scene_of(pilot: Pilot) -> ReplayScene:
    assert isinstance(pilot.scene, ReplayScene)
    return pilot.scene


def test_an_episode_is_read_whole_with_its_drivers_and_labels(recording: Path) -> None:
    with recordings.open(recording) as reader:
        episode = load_episode(reader, 1)
    assert (episode.seed, episode.length, episode.outcome) == (4, 5, Outcome.FAILURE)
    assert episode.drivers == DRIVEN
    assert len(episode.observations) == len(episode.returns) == 6
    assert list(episode.labels) == [2, 3]
    (said,) = episode.labels[2]
    assert (said[0], int(said[1])) == ("human", 3)


def test_keys_step_jump_and_change_the_episode(pilot: Pilot) -> None:
    scene = scene_of(pilot)
    pilot.tap("right", "right")
    assert (scene.episode, scene.step) == (0, 2)
    pilot.tap("left")
    assert scene.step == 1
    pilot.tap("end")
    assert scene.step == 5
    pilot.tap("right")
    assert scene.step == 5
    pilot.tap("page down")
    assert (scene.episode, scene.step) == (1, 0)
    pilot.tap("page down")
    assert scene.episode == 1
    pilot.tap("page up", "home", "left")
    assert (scene.episode, scene.step) == (0, 0)


def test_a_held_key_goes_on_stepping(pilot: Pilot) -> None:
    pilot.down("right")
    pilot.seconds(1.0)
    pilot.up("right")
    assert scene_of(pilot).step == 5


def test_it_plays_at_the_recorded_rate_through_all_episodes(pilot: Pilot) -> None:
    scene = scene_of(pilot)
    pilot.tap("space")
    pilot.seconds(0.3)
    assert scene.step == 2  # 8 steps a second
    pilot.seconds(0.5)
    assert scene.step == 5
    pilot.seconds(1.0)
    assert scene.episode == 1
    pilot.seconds(3.0)
    assert (scene.episode, scene.step, scene.playing) == (1, 5, False)


def test_speed_doubles(pilot: Pilot) -> None:
    scene = scene_of(pilot)
    pilot.tap("=", "space")
    pilot.seconds(0.2)
    assert scene.step == 3


def test_the_mouse_scrubs_and_the_button_plays(pilot: Pilot) -> None:
    scene = scene_of(pilot)
    bar, button = (700, 745), (36, 752)
    pilot.post(pygame.MOUSEBUTTONDOWN, pos=bar, button=1)
    assert 0 < scene.step < 5
    pilot.post(pygame.MOUSEMOTION, pos=(5000, 745), rel=(1, 0), buttons=(1, 0, 0))
    assert scene.step == 5
    pilot.post(pygame.MOUSEBUTTONUP, pos=(5000, 745), button=1)
    pilot.post(pygame.MOUSEMOTION, pos=(100, 745), rel=(1, 0), buttons=(0, 0, 0))
    assert scene.step == 5
    pilot.post(pygame.MOUSEBUTTONDOWN, pos=button, button=1)
    assert (scene.playing, scene.step) == (True, 0)


def test_the_bar_shows_who_drove(pilot: Pilot) -> None:
    row = [tuple(int(value) for value in colour) for colour in pilot.picture()[60:1250, 740]]
    assert {DRIVERS[Driver.STUDENT], DRIVERS[Driver.HUMAN]} <= set(row)
    human = row.count(DRIVERS[Driver.HUMAN])
    student = row.count(DRIVERS[Driver.STUDENT])
    assert human / (human + student) == pytest.approx(2 / 5, abs=0.02)


def test_the_picture_follows_the_step(pilot: Pilot) -> None:
    first = pilot.picture()
    pilot.tap("right")
    assert (first[30:700, 70:650] != pilot.picture()[30:700, 70:650]).any()


def test_escape_closes_the_file(pilot: Pilot) -> None:
    file = scene_of(pilot)._reader._file
    assert file
    pilot.down("escape")
    assert pilot.following is QUIT
    assert not file, "h5py's file is false once it is closed"


def test_a_recording_without_episodes_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = texts_drawn(monkeypatch)
    env = CARTPOLE.make()
    with recordings.Recorder(tmp_path / "none.h5", Header.for_env(env)):
        pass
    env.close()
    reader = recordings.open(tmp_path / "none.h5")
    scene = ReplayScene(reader, world_of(reader.header), painter_for_replay(CARTPOLE))
    with Window(hidden=True) as window:
        pilot = Pilot(window, scene, StepClock())
        pilot.tap("right", "space", "end", "page down", "page up")
        assert (scene.episode, scene.step) == (-1, 0)
        assert "NOTHING RECORDED" in texts
        pilot.down("escape")
        assert pilot.following is QUIT


def test_the_world_is_recognised_without_running_anything(recording: Path) -> None:
    with recordings.open(recording) as reader:
        assert world_of(reader.header) == GRIDWORLD
    unknown = Header('{"id": "Nowhere-v7", "kwargs": {}}', "", "", control_hz=5.0)
    world = world_of(unknown)
    assert (world.title, world.control_hz) == ("Nowhere-v7", 5.0)


def test_a_missing_file_is_told_before_a_window_opens(tmp_path: Path) -> None:
    with pytest.raises(RecordingMissing):
        watch(tmp_path / "no.h5", hidden=True)
