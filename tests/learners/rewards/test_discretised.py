"""Cells on a line: a point that each action moves by a tenth, to the left or to the right."""

from __future__ import annotations

from types import ModuleType

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec
from numpy.testing import assert_allclose

from learners import maxent_irl, mce_irl
from learners.errors import NothingToLearnError, UnsupportedWorldError
from learners.rewards import discretised
from learners.rewards.discretised import STRETCH, Cells, Grid, choices, loss_of, snapshots
from learners.rewards.trajectories import Trajectories
from learners.soft_planning import SoftWorld, soft_plan
from recordings.demonstrations import Demonstrations


def own_steps() -> Trajectories:
    """From -1 to 1 and back, twice; whoever comes beyond 0.85 is done."""
    rng = np.random.default_rng(0)
    before = rng.uniform(-1.0, 0.85, (400, 1))
    actions = rng.integers(2, size=400)
    after = before + 0.2 * actions[:, None] - 0.1
    return Trajectories(before, actions, after, after[:, 0] > 0.85, np.zeros(400), np.full(400, 1))


def shown() -> Demonstrations:
    observations = np.array([[0.0], [0.1], [0.2], [0.1], [0.2], [0.1]])
    return Demonstrations.from_steps(
        observations,
        np.array([1, 1, 0, 1, 0, 1]),
        lengths=np.array([4, 2]),
        observation_space=gym.spaces.Box(-2.0, 2.0, (1,), np.float64),
        action_space=gym.spaces.Discrete(2),
    )


def test_corners_surround_a_point_and_their_mean_is_the_point() -> None:
    grid = Grid(np.array([[0.0, 1.0, 3.0], [0.0, 2.0, 4.0]]))
    points = np.array([[0.5, 0.5], [2.0, 3.5], [3.0, 4.0], [0.0, 0.0]])
    cells, weights = grid.corners(points)
    assert_allclose(weights.sum(1), 1.0)
    assert weights.min() >= 0
    assert_allclose((grid.vertices[cells] * weights[:, :, None]).sum(1), points)
    assert sorted(cells[0].tolist()) == [0, 3, 4], "right (3), then up (4), for right is the farther one"


def test_points_outside_are_moved_to_the_border() -> None:
    grid = Grid(np.array([[0.0, 1.0]]))
    cells, weights = grid.corners(np.array([[-5.0], [9.0]]))
    assert_allclose((grid.vertices[cells][:, :, 0] * weights).sum(1), [0.0, 1.0])


def test_lines_lie_where_much_was_seen() -> None:
    grid = Grid.between_quantiles([np.array([[0.0], [1.0], [2.0], [10.0], [20.0]])], 3)
    assert_allclose(grid.lines, [[0.0, 2.0, 20.0]], atol=1e-3)


def test_cells_foresee_where_actions_lead_and_what_ends() -> None:
    cells = Cells(own_steps(), 2)
    assert_allclose(cells.dynamics.after(np.array([[0.3]])), [[[0.2], [0.4]]], atol=1e-4)
    model = cells.model
    middle = model.n_states // 2
    means = (cells.grid.vertices[model.next_states[middle]][:, :, 0] * model.probabilities[middle]).sum(1)
    assert_allclose(means - cells.grid.vertices[middle, 0], [-0.1, 0.1], atol=1e-4)
    assert model.terminal.tolist() == [False] * (model.n_states - 1) + [True]
    assert cells.ends(np.array([[0.0], [0.94], [-9.0]])).tolist() == [False, True, True]


def test_the_loss_is_the_likelihood_of_the_choices_and_its_gradient_that_of_finite_differences() -> None:
    cells = Cells(own_steps(), 2)
    world, found = SoftWorld(cells.model, "causal"), choices(shown(), cells)
    weights = np.array([0.2, -0.4, -0.3])
    loss, slope = loss_of(weights, cells, world, found)
    reward = (cells.features @ weights)[cells.model.next_states]
    policy = soft_plan(cells.model, reward, "causal").policy
    assert policy.shape[0] == STRETCH
    assert loss == pytest.approx(-(found.timed * np.log(policy)).sum())
    for index in range(3):
        nudge = np.zeros(3)
        nudge[index] = 1e-5
        above, below = (loss_of(weights + sign * nudge, cells, world, found)[0] for sign in (1, -1))
        assert slope[index] == pytest.approx((above - below) / 2e-5, rel=1e-5, abs=1e-7)


def test_what_it_needs_is_said(cartpole: EnvSpec) -> None:
    rng = np.random.default_rng(0)
    hidden = Demonstrations.from_steps(
        np.zeros((3, 4), np.float32),
        None,
        observation_space=gym.spaces.Box(-np.inf, np.inf, (4,), np.float32),
        action_space=gym.spaces.Discrete(2),
    )
    with pytest.raises(NothingToLearnError, match="actions"):
        next(snapshots(hidden, cartpole, rng))
    many = Demonstrations.from_steps(
        np.zeros((3, 17), np.float32),
        np.zeros(3, np.int64),
        observation_space=gym.spaces.Box(-np.inf, np.inf, (17,), np.float32),
        action_space=gym.spaces.Discrete(2),
    )
    with pytest.raises(UnsupportedWorldError, match="handful"):
        next(snapshots(many, cartpole, rng))


@pytest.mark.parametrize("learner", [maxent_irl, mce_irl])
def test_both_readings_of_entropy_take_observations_of_numbers(
    learner: ModuleType, cartpole: EnvSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[EnvSpec] = []
    monkeypatch.setattr(discretised, "snapshots", lambda _, world, __: iter(asked.append(world) or ()))
    shown = Demonstrations.from_pairs(
        np.zeros((1, 4), np.float32),
        np.zeros(1, np.int64),
        observation_space=gym.spaces.Box(-1, 1, (4,), np.float32),
        action_space=gym.spaces.Discrete(2),
    )
    assert list(learner.train(learner.Config(), shown, cartpole, np.random.default_rng(0))) == []
    assert asked == [cartpole]
