"""Figures of what was learned: what is drawn is what is so, and a PNG comes out of `train --plot`."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from learners import checkpoint
from learners.errors import PolicyFileError
from learners.evaluation import policy_table
from learners.interface import FloatArray, IntArray, Policy, Snapshot
from learners.policies import Architecture, NetworkPolicy, policy_from
from learners.tabular import propagate
from recordings.demonstrations import Demonstrations
from teleop import plots
from teleop.cli import main
from teleop.plots import cartpole, curves, figure, maps
from teleop.visits import demonstrated_visits, policy_visits
from teleop.worlds.catalogue import CARTPOLE, GRIDWORLD, World
from teleop.worlds.gridworld_map import GridWorldMap, map_with

UP, DOWN, LEFT, RIGHT = range(4)
ROOT = Path(__file__).parents[2]
WIDTH_PX = 400
"""Few pixels are quickly drawn."""


def small_map() -> GridWorldMap:
    """Three by three, the middle costs, the goal is at the bottom right."""
    return map_with(np.arange(9) == 4)


def table_policy(probabilities: FloatArray, stand_in: IntArray | None = None) -> NetworkPolicy:
    """probabilities (S, A), all above 0."""
    n_states, n_actions = probabilities.shape
    architecture = Architecture(gym.spaces.Discrete(n_states), gym.spaces.Discrete(n_actions))
    states = np.arange(n_states) if stand_in is None else stand_in
    return policy_from(
        architecture, {"outputs": np.log(probabilities).astype(np.float32), "stand_in": states}
    )


def mostly(action: int, n_states: int = 9) -> FloatArray:
    probabilities = np.full((n_states, 4), 0.01)
    probabilities[:, action] = 0.97
    return probabilities


def walk(states: list[int], n_states: int = 9) -> Demonstrations:
    """One demonstration through these states."""
    return Demonstrations.from_steps(
        np.array(states[:-1]),
        np.zeros(len(states) - 1, np.int64),
        observation_space=gym.spaces.Discrete(n_states),
        action_space=gym.spaces.Discrete(4),
        lengths=np.array([len(states) - 1]),
        final_observations=np.array(states[-1:]),
    )


def lesson(world: World, policy: Policy, **more: Any) -> plots.Lesson:
    reward = more.pop("reward", None)
    curve = [(1, {"loss": 2.0}), (2, {"loss": 1.0, "return": 3.0}), (3, {"loss": 0.5, "return": 4.0})]
    return plots.Lesson("bc", world.title, world.spec(), Snapshot(3, policy, reward=reward), curve, **more)


@pytest.mark.parametrize("slip", [False, True])
def test_the_map_is_read_from_the_table(slip: bool) -> None:
    grid = maps.grid_map(small_map().tabular_model(slip=slip))
    assert grid is not None
    assert grid.shape == (3, 3)
    assert grid.directions.tolist() == [[-1, 0], [1, 0], [0, -1], [0, 1]]
    assert np.flatnonzero(grid.costs).tolist() == [4]
    assert grid.laid_out(np.arange(9)).tolist() == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]


def test_episodes_and_stretches_of_them_are_told_apart() -> None:
    shown = walk([0, 1, 2])
    assert figure._extent(shown) == "1 taught stretch, 2 steps"
    whole = dataclasses.replace(shown, terminated=np.array([False, True]))
    assert figure._extent(whole) == "1 demonstration, 2 steps"


def test_equally_probable_actions_all_have_an_arrow() -> None:
    probabilities = mostly(RIGHT)
    probabilities[0] = [0.01, 0.49, 0.01, 0.49]
    states, actions, chances, _ = maps.arrows(table_policy(probabilities), small_map().tabular_model())
    assert actions[states == 0].tolist() == [DOWN, RIGHT]
    assert chances[states == 0] == pytest.approx([0.49, 0.49], abs=1e-6)
    assert actions[states == 1].tolist() == [RIGHT]
    assert not (states == 8).any()  # the goal: nothing is done there


def test_borrowed_answers_are_told_from_own_ones() -> None:
    policy = table_policy(mostly(UP), stand_in=np.array([0, 0, 2, 3, 4, 5, 6, 7, 8]))
    states, _, _, is_own = maps.arrows(policy, small_map().tabular_model())
    assert states[~is_own].tolist() == [1]


def test_arrows_point_where_actions_lead() -> None:
    polygon = maps._polygons(np.array([[1, 1]]), np.array([[0.0, 1.0]]), np.array([True]))[0]
    tip, tail = polygon[0], polygon[[3, 4]].mean(axis=0)
    assert tip[0] > 1 > tail[0]
    assert tip[1] == tail[1] == 1


@pytest.mark.parametrize("slip", [False, True])
def test_visits_are_exact(slip: bool) -> None:
    model = small_map().tabular_model(slip=slip, horizon=20)
    rng = np.random.default_rng(0)
    policy = table_policy(rng.dirichlet(np.ones(4), size=9))
    expected = propagate(model, policy_table(policy, model)).sum(axis=0)
    assert policy_visits(model, policy) == pytest.approx(expected, abs=1e-12)


def test_demonstrated_visits_count_start_and_end() -> None:
    visits = demonstrated_visits(small_map().tabular_model(), walk([0, 1, 0, 1, 2]))
    assert visits.tolist() == [2, 2, 1, 0, 0, 0, 0, 0, 0]


class LeansLeft:
    """Pushes to the left with a chance of the pole's angle in tens of degrees, whatever else is so."""

    def act(self, observations: Any, rng: object = None) -> Any:
        return (self.probabilities(observations)[:, 1] > 0.5).astype(np.int64)

    def probabilities(self, observations: Any) -> FloatArray:
        left = np.clip(np.degrees(observations[:, 2]) / 10, 0, 1)
        return np.stack([left, 1 - left], axis=1)


def test_pushes_are_asked_for_in_degrees() -> None:
    chances = cartpole.push_right(LeansLeft(), 0.0, 0.0, np.array([0.0, 4.0, 10.0]), np.array([-50.0, 50.0]))
    assert chances == pytest.approx(np.array([[1.0, 0.6, 0.0]] * 2), abs=1e-5)


def test_a_step_is_shown_beside_the_nearest_cart() -> None:
    carts = np.array([[-2.0, 0.9, 0, 0], [0.1, 0.1, 0, 0], [2.0, -3.0, 0, 0]])
    assert cartpole._nearest(carts).tolist() == [0, 4, 8]


def test_a_return_judged_along_the_way_comes_first() -> None:
    assert curves.shown_metrics([(1, {"loss": 1.0, "l2": 0.1}), (1, {"return": 2.0})]) == (
        "return",
        "loss",
        "l2",
    )


def test_metrics_that_went_alike_are_shown_once() -> None:
    curve = [
        (1, {"accuracy": 1.0, "ties": 1.0, "loss": 1.0}),
        (2, {"accuracy": 0.5, "ties": 0.5, "loss": 1.0}),
    ]
    assert curves.shown_metrics(curve) == ("accuracy", "loss")


def test_each_world_has_its_pictures() -> None:
    policy = table_policy(mostly(RIGHT, 2500))
    shown = walk([0, 1, 2], 2500)
    assert len(figure.pictures_of(lesson(GRIDWORLD, policy))) == 2
    assert len(figure.pictures_of(lesson(GRIDWORLD, policy, demonstrations=shown))) == 3
    assert len(figure.pictures_of(lesson(GRIDWORLD, policy, demonstrations=shown, reward=np.ones(2500)))) == 4
    assert len(figure.pictures_of(lesson(CARTPOLE, LeansLeft()))) == 2
    elsewhere = plots.Lesson("bc", "Acrobot", gym.spec("Acrobot-v1"), Snapshot(1, LeansLeft()), [])
    assert figure.pictures_of(elsewhere) == []


def test_a_page_of_everything(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    shown = walk([0, 1, 2], 2500)
    whole = lesson(
        GRIDWORLD, table_policy(mostly(RIGHT, 2500)), demonstrations=shown, reward=rng.normal(size=(2500, 4))
    )
    plots.draw(whole, tmp_path / "new" / "page.png", WIDTH_PX)
    assert width_and_height(tmp_path / "new" / "page.png") == (
        WIDTH_PX,
        int(50 * (0.62 + 2 * 4.5 + 1.75)),
    )


def test_a_reward_of_nothing_is_drawn(tmp_path: Path) -> None:
    empty = lesson(GRIDWORLD, table_policy(mostly(RIGHT, 2500)), reward=np.zeros(2500))
    plots.draw(empty, tmp_path / "page.png", WIDTH_PX)
    assert width_and_height(tmp_path / "page.png")[0] == WIDTH_PX


def test_cartpole_without_actions_to_show(tmp_path: Path) -> None:
    shown = Demonstrations.from_steps(
        np.zeros((5, 4), np.float32),
        None,
        observation_space=gym.spaces.Box(-1, 1, (4,)),
        action_space=gym.spaces.Discrete(2),
        lengths=np.array([5]),
        final_observations=np.zeros((1, 4), np.float32),
    )
    plots.draw(lesson(CARTPOLE, LeansLeft(), demonstrations=shown), tmp_path / "cart.png", WIDTH_PX)
    assert width_and_height(tmp_path / "cart.png")[0] == WIDTH_PX


def test_any_other_world_has_its_curves(tmp_path: Path) -> None:
    alone = plots.Lesson(
        "bc", "Acrobot", gym.spec("Acrobot-v1"), Snapshot(1, LeansLeft()), [(1, {"loss": 1.0})]
    )
    plots.draw(alone, tmp_path / "curves.png", WIDTH_PX)
    assert width_and_height(tmp_path / "curves.png")[1] == int(50 * (0.62 + 0.75))


def test_an_impossible_figure_is_told_before_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train", "ppo", "--env", "cartpole", "--plot", str(tmp_path / "p.pdf"), "--json"]
    assert main(words) == 1
    assert "expected a file name with the ending .png, found .pdf" in capsys.readouterr().err
    (tmp_path / "file").touch()
    with pytest.raises(plots.PlotError, match="a place to write"):
        plots.draw(lesson(CARTPOLE, LeansLeft()), tmp_path / "file" / "p.png")


def test_the_command_draws(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, out, page = tmp_path / "d.h5", tmp_path / "p.safetensors", tmp_path / "p.png"
    record = ["record", "--driver", "scripted", "--headless", "--episodes", "3", "--seed", "0"]
    assert main([*record, "--out", str(data), "--json"]) == 0
    train = ["train", "bc", "--data", str(data), "--out", str(out), "--plot", str(page), "--json"]
    assert main(train) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["learner"] == "bc"
    assert width_and_height(page)[0] == 1600


def test_matplotlib_is_loaded_when_a_figure_is_asked_for_and_pyplot_never() -> None:
    code = (
        "import sys, teleop.cli, teleop.commands.train; assert 'matplotlib' not in sys.modules; "
        "import teleop.plots; sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize("shape", [(9,), (9, 4)])
def test_a_recovered_reward_stays_with_its_policy(tmp_path: Path, shape: tuple[int, ...]) -> None:
    policy, path = table_policy(mostly(UP)), tmp_path / "p.safetensors"
    reward = np.random.default_rng(0).normal(size=shape)
    checkpoint.save(policy, path, reward=reward)
    kept = checkpoint.load(path)
    assert kept.reward is not None
    assert np.array_equal(kept.reward, reward)
    assert checkpoint.to_bytes(kept.policy, kept.origin, kept.reward) == path.read_bytes()
    checkpoint.save(policy, path)
    assert checkpoint.load(path).reward is None


@pytest.mark.parametrize("reward", [np.ones(8), np.ones((9, 3)), np.full(9, np.nan)])
def test_a_reward_that_is_none_is_refused(tmp_path: Path, reward: FloatArray) -> None:
    checkpoint.save(table_policy(mostly(UP)), tmp_path / "p.safetensors", reward=reward)
    with pytest.raises(PolicyFileError, match="reward: expected"):
        checkpoint.load(tmp_path / "p.safetensors")


def width_and_height(path: Path) -> tuple[int, int]:
    """Of a PNG, from its header."""
    head = path.read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    return int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")
