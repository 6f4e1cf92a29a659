"""LoopTrack: arcs that can be reckoned by hand, what is seen of them, one and many alike, and who drives by script."""

from __future__ import annotations

from math import pi
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from numpy.testing import assert_allclose

import recordings
from learners.evaluation import evaluate
from learners.interface import Array
from recordings.demonstrations import Filter, load
from recordings.replay import verify
from teleop.cli import main
from teleop.experiments.loop.by_hand import distance_after, forgiven, settled_offset, steps_on_road
from teleop.experts import LoopTrackExpert, scripted_expert
from teleop.misreading import FaultySensor, MisreadExpert, UnusableSensor
from teleop.worlds import LOOPTRACK_ID, LOOPTRACK_STEPS
from teleop.worlds.catalogue import LOOPTRACK, LOOPTRACK_POSITION, World
from teleop.worlds.errors import WorldError
from teleop.worlds.looptrack import LoopTrack
from teleop.worlds.looptrack_road import LOCK, Road, Seen

ROAD = Road()


def driven(turn: float, env: LoopTrack | None = None) -> tuple[list[Array], float, bool, bool]:
    """Observations, return, terminated and truncated of an episode in which the car always turns alike."""
    env = env or LoopTrack()
    observation, _ = env.reset(seed=0)
    seen, total, ended, over = [observation], 0.0, False, False
    while not (ended or over):
        observation, reward, ended, over, _ = env.step(np.array([turn]))
        seen.append(observation)
        total += reward
    return seen, total, ended, over


# -- the car and the road -------------------------------------------------------------------------------------


def test_a_quarter_of_a_circle_ends_where_geometry_says() -> None:
    """Fifty steps of 0.2 at pi / 100 each are a quarter of the circle of radius 20 / pi."""
    pose = np.array([0.0, 0.0, 0.0])
    for _ in range(50):
        pose = ROAD.moved(pose, pi / 100)
    assert_allclose(pose, [20 / pi, 20 / pi, pi / 2])
    assert_allclose(ROAD.moved(np.zeros(3), pi / 100, 50), pose)
    assert_allclose(ROAD.moved(np.zeros(3), 0.0, 5), [1.0, 0.0, 0.0])


def test_the_roads_own_turn_keeps_to_the_line_for_a_lap_of_314_steps() -> None:
    assert ROAD.turn == pytest.approx(0.02)
    assert ROAD.lap_steps == LOOPTRACK_STEPS == 314
    seen, total, ended, over = driven(ROAD.turn)
    assert (total, ended, over, len(seen)) == (314.0, False, True, 315)
    assert_allclose(seen, np.zeros((315, 2)), atol=1e-6)


def test_an_error_of_a_hundredth_leaves_the_road_after_32_steps() -> None:
    """The circle has radius 20/3; 9 off the track's middle is reached after acos(0.5725) / 0.03 = 32.04 steps."""
    assert steps_on_road(ROAD, 0.01) == 32
    assert distance_after(ROAD, 0.01, 32) > 9 > distance_after(ROAD, 0.01, 33)
    seen, total, ended, over = driven(0.03)
    assert (total, ended, over) == (32.0, True, False)
    assert seen[-1][0] == pytest.approx(distance_after(ROAD, 0.01, 33) - 10, abs=1e-5)


@pytest.mark.parametrize("error", [-0.01, -0.003, 0.0005, 0.002, 0.02])
def test_constant_errors_leave_the_road_when_reckoned(error: float) -> None:
    _, total, ended, _ = driven(0.02 + error)
    expected = steps_on_road(ROAD, error)
    assert total == (314 if expected is None else expected)
    assert ended is (expected is not None)


def test_what_a_lap_forgives() -> None:
    """A circle of radius 9.5 touches the line at the start and the inner edge opposite it."""
    assert forgiven(ROAD) == pytest.approx(0.2 / 9.5 - 0.02)
    assert steps_on_road(ROAD, forgiven(ROAD) * 0.99) is None
    assert steps_on_road(ROAD, forgiven(ROAD) * 1.01) is not None


def test_the_lock_is_too_wide_to_turn_round_on_the_road() -> None:
    assert 2 * ROAD.speed / LOCK > 2 * ROAD.half_width
    seen, *_ = driven(1.0)
    locked, *_ = driven(LOCK)
    assert_allclose(seen, locked, atol=1e-6)


def test_settings_of_the_road() -> None:
    env = gym.make(LOOPTRACK_ID, radius=5.0, half_width=0.5, speed=0.1, laps=2)
    inner = env.unwrapped
    assert isinstance(inner, LoopTrack)
    assert inner.max_steps == 628  # twice 2 pi 5 / 0.1, of which 0.32 of a step is left over
    assert inner.road.turn == pytest.approx(0.02)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"radius": 0.0}, "radius: expected a length above 0"),
        ({"half_width": 10.0}, "half_width: .*below the radius"),
        ({"speed": 1.6}, "speed: expected .*below 1.5"),
        ({"laps": 0.001}, "laps: expected"),
        ({"start_spread": 1.5}, "start_spread: expected a share from 0 to 1, found 1.5"),
        ({"observation": "pixels"}, "observation: expected 'ego' or 'position', found 'pixels'"),
    ],
)
def test_settings_that_cannot_be_are_told(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(WorldError, match=message):
        LoopTrack(**settings)


@pytest.mark.parametrize("action", [0.02, [0.02, 0.0], [np.nan], None, ["left"]])
def test_what_is_no_turn_is_told(action: Any) -> None:
    env = LoopTrack()
    env.reset(seed=0)
    with pytest.raises(WorldError, match="action: expected turns"):
        env.step(action)


# -- what is seen ---------------------------------------------------------------------------------------------


def test_offsets_are_positive_outside_and_errors_to_the_left() -> None:
    assert_allclose(ROAD.ego(ROAD.at(1.0, 0.5, -0.2)), [0.5, -0.2])
    assert_allclose(ROAD.ego(np.array([9.0, 0.0, pi / 2 + 0.1])), [-1.0, 0.1])
    assert_allclose(ROAD.ego(np.array([-10.0, 0.0, -pi / 2 + 4 * pi])), [0.0, 0.0], atol=1e-9)


@pytest.mark.parametrize("seen", ["ego", "position"])
def test_where_the_car_was_is_told_by_what_was_seen(seen: Seen) -> None:
    rng, pose = np.random.default_rng(0), ROAD.at(0.0)
    poses = [pose]
    for _ in range(150):
        pose = ROAD.moved(pose, 0.02 + 0.03 * np.sin(len(poses) / 9) + rng.normal(0, 0.002))
        poses.append(pose)
    found = ROAD.poses(ROAD.observed(np.array(poses), seen), seen)
    assert_allclose(found[:, :2], np.array(poses)[:, :2], atol=0.01)
    assert_allclose(np.cos(found[:, 2] - np.array(poses)[:, 2]), 1.0, atol=1e-4)
    assert ROAD.poses(ROAD.observed(ROAD.at(0.0), seen), seen).shape == (1, 3)


def test_observations_lie_in_their_space_also_when_the_road_is_left() -> None:
    for world in (LOOPTRACK, LOOPTRACK_POSITION):
        for turn in (-LOCK, LOCK):
            env = world.make()
            inner = env.unwrapped
            assert isinstance(inner, LoopTrack)
            seen, *_ = driven(turn, inner)
            assert all(each in env.observation_space for each in seen)


def test_a_start_is_drawn_by_its_seed_where_starts_are_spread() -> None:
    env = LoopTrack(start_spread=0.5)
    first, _ = env.reset(seed=3)
    assert_allclose(env.reset(seed=3)[0], first)
    starts = np.array([env.reset(seed=seed)[0] for seed in range(200)])
    assert np.abs(starts).max(0) == pytest.approx([0.5, 0.05], rel=0.05)
    assert np.abs(starts[:, 0]).max() <= 0.5
    assert (LoopTrack().reset(seed=3)[0] == 0).all()


def test_the_picture_shows_the_car_where_it_is() -> None:
    env = gym.make(LOOPTRACK_ID, render_mode="rgb_array", pixels=240)
    env.reset(seed=0)
    start = env.render()
    env.step(np.array([0.02]))
    assert isinstance(start, np.ndarray)
    assert start.shape == (240, 240, 3)
    moved = np.argwhere((np.asarray(env.render()) != start).any(2)).mean(0)
    assert_allclose(moved, [120, 220], atol=6)  # 10 of 12 units to the right of the middle, 10 pixels each


# -- one and many ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("world", [LOOPTRACK, LOOPTRACK_POSITION], ids=lambda world: world.name)
def test_many_drive_as_one(world: World) -> None:
    turns = np.array([0.02, 0.03, 0.0, -0.1], np.float32)
    envs = gym.make_vec(world.spec(), num_envs=4)
    seen = [envs.reset(seed=0)[0]]
    paid, ends = np.zeros(4), np.full(4, -1)
    for step in range(1, 34):
        observations, rewards, terminated, truncated, _ = envs.step(turns[:, None])
        seen.append(observations)
        paid += np.where(ends < 0, rewards, 0.0)
        ends = np.where((ends < 0) & terminated, step, ends)
        assert not truncated.any()
    for copy, turn in enumerate(turns):
        inner = world.make().unwrapped
        assert isinstance(inner, LoopTrack)
        alone, total, ended, _ = driven(float(turn), inner)
        n = min(len(alone), 34)
        assert_allclose(np.array(seen)[:n, copy], alone[:n], atol=1e-5)
        assert ends[copy] == (len(alone) - 1 if ended else -1)
        assert not ended or paid[copy] == total


def test_after_the_end_comes_a_start_that_pays_nothing() -> None:
    envs = gym.make_vec(LOOPTRACK_ID, num_envs=2, laps=0.01)  # three steps
    envs.reset(seed=0)
    rows = [envs.step(np.full((2, 1), 0.05, np.float32)) for _ in range(5)]
    assert [row[3].tolist() for row in rows] == [
        [False] * 2,
        [False] * 2,
        [True] * 2,
        [False] * 2,
        [False] * 2,
    ]
    assert [row[1].tolist() for row in rows] == [[1, 1], [1, 1], [1, 1], [0, 0], [1, 1]]
    assert (rows[3][0] == 0).all()


class Constant:
    """A policy that always turns alike."""

    def __init__(self, turn: float) -> None:
        self._turn = turn

    def act(self, observations: Array, rng: np.random.Generator | None = None) -> Array:
        return np.full((len(observations), 1), self._turn, np.float32)


def test_evaluation_counts_steps_on_the_road_and_whole_laps_as_success() -> None:
    whole, short = (evaluate(Constant(turn), LOOPTRACK.spec(), episodes=3) for turn in (0.02, 0.03))
    assert (whole.return_mean, whole.success) == (314.0, 1.0)
    assert (short.return_mean, short.success) == (32.0, 0.0)


# -- who drives by script, and sensors ------------------------------------------------------------------------


@pytest.mark.parametrize("world", [LOOPTRACK, LOOPTRACK_POSITION], ids=lambda world: world.name)
@pytest.mark.parametrize("start", [(0.9, -0.1), (-0.9, 0.1), (0.5, 0.3)])
def test_the_script_comes_back_to_the_line(world: World, start: tuple[float, float]) -> None:
    pose, expert, offsets = ROAD.at(0.0, *start), scripted_expert(world), []
    seen = world.kwargs.get("observation", "ego")
    for tick in range(200):
        pose = ROAD.moved(pose, expert.act(ROAD.observed(pose, seen), tick)[0])  # type: ignore[index]
        offsets.append(float(ROAD.ego(pose)[0]))
    assert np.abs(offsets).max() < 1.0
    assert abs(offsets[-1]) < 0.01


def test_a_script_that_is_misread_settles_where_reckoned() -> None:
    """0.05 d + 0.01 = 0.2 / (10 + d) - 0.02, so that d is -0.19."""
    assert settled_offset(ROAD, 0.05, 0.01) == pytest.approx(-0.1922, abs=1e-4)
    assert settled_offset(ROAD, 0.05, 0.0) == 0.0
    assert settled_offset(ROAD, 0.0, 0.01) is None
    assert settled_offset(ROAD, 0.005, 0.01) is None
    env = LoopTrack()
    expert = MisreadExpert(
        LoopTrackExpert(ROAD), FaultySensor(0.01, 0.0), env.action_space, np.random.default_rng(0)
    )
    observation, _ = env.reset(seed=0)
    for tick in range(314):
        observation, *_ = env.step(expert.act(observation, tick))
    assert observation[0] == pytest.approx(settled_offset(ROAD, 0.05, 0.01), abs=1e-3)


def record(path: Path, *words: str) -> int:
    fixed = ["record", "--driver", "scripted", "--headless", "--episodes", "1", "--seed", "0", "--json"]
    return main([*fixed, "--out", str(path), *words])


def test_a_faulty_sensor_misreads_labels_and_leaves_what_is_executed(tmp_path: Path) -> None:
    sound, faulty = tmp_path / "sound.h5", tmp_path / "faulty.h5"
    assert record(sound, "--env", "looptrack") == 0
    assert record(faulty, "--env", "looptrack", "--label-noise", "0.01", "0.01") == 0
    assert verify(faulty).verified
    executed, labels = load(faulty).actions, load(faulty, Filter(actions="labelled")).actions
    assert executed is not None
    assert labels is not None
    assert_allclose(executed, load(sound).actions)
    errors = labels - executed
    assert len(errors) == 314
    assert errors.mean() == pytest.approx(0.01, abs=4 * 0.01 / 314**0.5)
    assert errors.std() == pytest.approx(0.01, rel=0.2)
    with recordings.open(faulty) as reader:
        assert reader.labels().names == ("scripted+N(0.01,0.01)",)
    with recordings.open(sound) as reader:
        assert reader.labels().names == ("scripted",)


def test_a_sensor_reads_within_the_space_and_only_numbers_of_a_box(tmp_path: Path) -> None:
    space = LoopTrack().action_space
    assert FaultySensor(1.0, 0.0).read([0.0], space, np.random.default_rng(0)) == pytest.approx([LOCK])
    with pytest.raises(UnusableSensor, match="actions are a Box, found Discrete"):
        FaultySensor(0.0, 0.0).read(1, gym.spaces.Discrete(2), np.random.default_rng(0))
    with pytest.raises(UnusableSensor, match="not below 0"):
        FaultySensor(0.0, -0.1)
    path = tmp_path / "none.h5"
    assert record(path, "--env", "gridworld", "--label-noise", "0.1", "0") == 1
    assert not path.exists()
