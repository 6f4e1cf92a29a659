"""Replays of a world that has no painter: its own picture, of the moment at the playhead, or else numbers."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

import gymnasium as gym
import numpy as np
import pygame
import pytest

import recordings
from recordings.schema import Driver, Header, Outcome
from teleop.app.episode_view import EpisodeView, load_episode
from teleop.app.live_view import LiveView
from teleop.app.painters import restepped
from teleop.app.painters.choose import painter_for, painter_for_replay
from teleop.app.painters.rendered import NumbersPainter, is_pixels
from teleop.app.painters.restepped import ResteppedPainter
from teleop.app.painters.view import Painter, View
from teleop.app.recorded_world import world_of
from teleop.app.replay import ReplayScene
from teleop.app.window import Window
from teleop.clock import StepClock
from teleop.studio.past import Lived
from teleop.worlds.catalogue import World, undriven
from teleop.worlds.choice import choose
from tests.teleop.app_pilot import Pilot
from tests.teleop.live import Live

NAME = "MountainCar-v0"
ACTIONS = [2] * 12 + [0] * 8
SEED = 5


@pytest.fixture
def window() -> Iterator[Window]:
    with Window(hidden=True) as window:
        yield window


def record(path: Path, said_seed: int = SEED) -> Path:
    """One episode that began with SEED, recorded as if it had begun with `said_seed`."""
    env = gym.make(NAME)
    with recordings.Recorder(path, Header.for_env(env, control_hz=30.0)) as recorder:
        observation, _ = env.reset(seed=SEED)
        recorder.begin_episode(observation, seed=said_seed)
        for action in ACTIONS:
            after, reward, terminated, truncated, _ = env.step(action)
            recorder.step(action, float(reward), terminated, truncated, after, driver=Driver.SCRIPTED)
        recorder.end_episode(Outcome.UNKNOWN)
    env.close()
    return path


def episode_of(path: Path) -> EpisodeView:
    with recordings.open(path) as reader:
        return load_episode(reader, 0)


def moment(episode: EpisodeView, step: int) -> View:
    return View(observation=episode.observations[step], path=episode.path[:step], episode=episode)


def own_picture(
    step: int, seed: int = SEED, actions: Sequence[int] = tuple(ACTIONS)
) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """(width, height, 3) what the world draws after `step` steps."""
    env = gym.make(NAME, render_mode="rgb_array")
    env.reset(seed=seed)
    for action in actions[:step]:
        env.step(action)
    picture = env.render()
    assert isinstance(picture, np.ndarray)
    env.close()
    return picture.swapaxes(0, 1)


def drawn(painter: Painter, view: View) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """(600, 400, 3): MountainCar's own size, so that nothing is scaled."""
    surface = pygame.Surface((600, 400))
    painter.draw(surface, surface.get_rect(), view, 0.0)
    return pygame.surfarray.array3d(surface)


@pytest.fixture
def painter(monkeypatch: pytest.MonkeyPatch) -> Iterator[ResteppedPainter]:
    monkeypatch.setattr(restepped, "STEPPING_S", 60.0)
    painter = ResteppedPainter(undriven(NAME))
    yield painter
    painter.close()


def test_it_shows_the_moment_at_the_playhead(painter: ResteppedPainter, tmp_path: Path) -> None:
    episode = episode_of(record(tmp_path / "m.h5"))
    for step in (0, 7, 20, 3):
        assert np.array_equal(drawn(painter, moment(episode, step)), own_picture(step))


def test_a_jump_takes_as_many_frames_as_it_needs(
    painter: ResteppedPainter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = 0.0

    def clock() -> float:
        nonlocal now_s
        now_s += 1.0
        return now_s

    monkeypatch.setattr(restepped.time, "perf_counter", clock)
    monkeypatch.setattr(restepped, "STEPPING_S", 6.5)  # six steps a frame
    episode = episode_of(record(tmp_path / "m.h5"))
    first, second, third = (drawn(painter, moment(episode, 15)) for _ in range(3))
    assert np.array_equal(first, own_picture(6))
    assert np.array_equal(second, first)
    assert np.array_equal(third, own_picture(15))


def test_numbers_where_the_world_goes_another_way(painter: ResteppedPainter, tmp_path: Path) -> None:
    episode = episode_of(record(tmp_path / "m.h5", said_seed=SEED + 1))
    assert not np.array_equal(drawn(painter, moment(episode, 0)), own_picture(0))
    assert painter._has_strayed


def test_numbers_without_a_seed_or_a_world(painter: ResteppedPainter, tmp_path: Path) -> None:
    episode = episode_of(record(tmp_path / "m.h5"))
    drawn(painter, moment(dataclasses.replace(episode, seed=-1), 0))
    assert painter._env is None
    nowhere = ResteppedPainter(dataclasses.replace(undriven(NAME), env_id="Nowhere-v0"))
    drawn(nowhere, moment(episode, 0))
    assert nowhere._is_broken


def test_it_is_chosen_for_worlds_that_draw_themselves(window: Window, tmp_path: Path) -> None:
    reader = recordings.open(record(tmp_path / "m.h5"))
    world: World = world_of(reader.header)
    painter = painter_for_replay(world)
    assert isinstance(painter, ResteppedPainter)
    scene = ReplayScene(reader, world, painter)
    pilot = Pilot(window, scene, StepClock())
    pilot.tap("right", "right", "end", "left")
    assert scene.step == len(ACTIONS) - 1
    pilot.frames(3)
    assert not painter._is_broken
    assert not painter._has_strayed
    scene.leave()
    assert painter._env is None


def test_at_the_desk_a_live_world_is_drawn_as_it_was(
    window: Window, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The present picture would show another state than the one that is looked at."""
    monkeypatch.setattr(restepped, "STEPPING_S", 60.0)
    live = Live(tmp_path / "live.h5", choose("mountaincar"), render=True)
    live.session.press("right")
    live.drive_until(14)
    live.session.open_desk(back=9)
    painter, view, lived = (
        painter_for(live.session.env),
        LiveView(live.session).view(),
        live.session.past.latest,
    )
    assert lived is not None
    assert view.again == (lived, 5)
    views = [view, dataclasses.replace(view, again=None), dataclasses.replace(view, again=(Lived(-1, -1), 0))]
    then, now, gone = (drawn(painter, each) for each in views)
    live.let_go()
    assert pygame.display.get_init(), "a world that is closed takes no window along"
    actions = [int(tick.action) for tick in lived.ticks]
    assert np.array_equal(then, own_picture(5, lived.seed, actions))
    assert np.array_equal(now, own_picture(14, lived.seed, actions))
    assert not np.array_equal(gone, now), "numbers, where it is not kept"


def test_a_picture_that_is_seen_is_shown_pixel_by_pixel() -> None:
    seen = np.zeros((2, 3, 3), np.uint8)
    seen[1, 2] = (10, 20, 30)
    surface = pygame.Surface((60, 60))
    NumbersPainter().draw(surface, surface.get_rect(), View(observation=seen), 0.0)
    assert tuple(surface.get_at((59, 49)))[:3] == (10, 20, 30)
    assert tuple(surface.get_at((39, 49)))[:3] == (0, 0, 0)
    assert tuple(surface.get_at((59, 29)))[:3] == (0, 0, 0)
    assert is_pixels(seen)
    assert not is_pixels(seen[0])
