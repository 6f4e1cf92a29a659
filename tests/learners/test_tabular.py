"""Planning and evaluation on chains small enough to do by hand, and on GridWorld against drawn episodes."""

from __future__ import annotations

import math

import gymnasium as gym
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from learners.interface import FloatArray, TabularModel
from learners.tabular import (
    TabularError,
    deterministic,
    exact_return,
    occupancy,
    plan,
    propagate,
    uniform_over,
)
from teleop.worlds import GRIDWORLD_ID
from teleop.worlds.gridworld_map import DOWN, RIGHT, draw_map

STAY, GO = 0, 1


def chain(horizon: int, success: float = 1.0) -> TabularModel:
    """0 -> 1 -> 2, the end: staying pays 0; going costs 1 from 0, pays 5 from 1, and may fail at no cost."""
    stay = [[0, 0], [1, 1], [2, 2]]
    go = [[1, 0], [2, 1], [2, 2]]
    return TabularModel(
        next_states=np.stack([stay, go], axis=1),
        probabilities=np.broadcast_to(np.array([[1.0, 0.0], [success, 1 - success]]), (3, 2, 2)).copy(),
        rewards=np.array([[[0, 0], [-1, 0]], [[0, 0], [5, 0]], [[0, 0], [0, 0]]], dtype=float),
        terminal=np.array([False, False, True]),
        starts=np.array([1.0, 0.0, 0.0]),
        horizon=horizon,
    )


def two_rooms() -> TabularModel:
    """Two states that pay 1 on every change between them, and a terminal one worth 3: a circle that pays."""
    following = np.array([[[1], [2]], [[0], [2]], [[2], [2]]])
    return TabularModel(
        next_states=following,
        probabilities=np.ones((3, 2, 1)),
        rewards=np.array([[[1.0], [3.0]], [[1.0], [3.0]], [[0.0], [0.0]]]),
        terminal=np.array([False, False, True]),
        starts=np.array([1.0, 0.0, 0.0]),
        horizon=10,
    )


def test_plan_of_a_chain_by_hand() -> None:
    best = plan(chain(horizon=2))
    # Two steps: -1 + 5. One step: going from 0 costs 1 and earns nothing, so stay; from 1 it pays 5.
    assert_allclose(best.values, [[4, 5, 0], [0, 5, 0], [0, 0, 0]])
    assert_array_equal(best.actions()[:2], [GO, GO])
    assert_array_equal(best.timed_actions()[1, :2], [STAY, GO])
    assert_allclose(best.lengths[0], [2, 1, 0])


def test_a_discount_shrinks_what_comes_later() -> None:
    assert_allclose(plan(chain(horizon=2), discount=0.5).values[0], [-1 + 0.5 * 5, 5, 0])


def test_a_circle_that_pays_is_used_no_longer_than_the_horizon() -> None:
    best = plan(two_rooms())
    assert best.values[0, 0] == 9 * 1 + 3
    assert_array_equal(best.timed_actions()[:, 0], [0] * 9 + [1])


def test_between_equal_returns_the_shorter_way_wins() -> None:
    best = plan(chain(horizon=50))
    # With time to spare staying first would earn 4 as well.
    assert_array_equal(best.optimal[0, 0], [False, True])


def test_all_equally_good_actions_are_optimal() -> None:
    map_ = draw_map()
    optimal = plan(map_.tabular_model()).optimal[0, map_.starts]
    assert np.mean(optimal.sum(axis=1) >= 2) == pytest.approx(0.325, abs=5e-4)


def test_exact_return_of_a_chain_by_hand() -> None:
    # Going always: the step from 0 succeeds with 1/2, then the one from 1. Four outcomes in two steps:
    # both (return 4), first only (-1), none then first (-1), none at all (0); each has probability 1/4.
    found = exact_return(chain(horizon=2, success=0.5), deterministic(np.array([GO, GO, GO]), 2))
    assert found.mean == pytest.approx((4 - 1 - 1 + 0) / 4)
    assert found.std == pytest.approx(math.sqrt((16 + 1 + 1) / 4 - 0.5**2))
    assert found.length_mean == 2
    assert found.success == pytest.approx(1 / 4)


def test_propagation_and_occupancy_of_a_chain_by_hand() -> None:
    model = chain(horizon=3)
    policy = uniform_over(np.ones((3, 2), dtype=bool))
    assert_allclose(
        propagate(model, policy)[1:], [[1 / 2, 1 / 2, 0], [1 / 4, 1 / 2, 1 / 4], [1 / 8, 3 / 8, 1 / 4]]
    )
    visits = occupancy(model, policy)
    assert_allclose(visits.sum(axis=1), [1 + 1 / 2 + 1 / 4, 1 / 2 + 1 / 2, 0])
    assert visits.sum() == pytest.approx(exact_return(model, policy).length_mean)


def test_a_table_for_each_step_is_followed_step_by_step() -> None:
    go_then_stay = deterministic(np.array([[GO] * 3, [STAY] * 3]), 2)
    found = exact_return(chain(horizon=2), go_then_stay)
    assert (found.mean, found.success) == (-1.0, 0.0)
    assert_allclose(propagate(chain(horizon=2), go_then_stay)[2], [0, 1, 0])


def test_a_time_indexed_plan_earns_what_it_promises() -> None:
    model = chain(horizon=7, success=0.4)
    best = plan(model)
    earned = exact_return(model, deterministic(best.timed_actions(), 2))
    assert earned.mean == pytest.approx(best.expected_return(model), abs=1e-12)


def test_gridworld_optimum_and_random_policy() -> None:
    map_ = draw_map()
    model = map_.tabular_model()
    best = plan(model)
    assert_allclose(best.values[0, map_.starts], 10.0)
    assert_allclose(best.lengths[0, map_.starts], map_.lossless_steps[map_.starts])
    optimal = exact_return(model, deterministic(best.actions(), 4))
    assert optimal.mean == pytest.approx(10.0)
    assert optimal.success == pytest.approx(1.0)
    assert optimal.length_mean == pytest.approx(map_.lossless_steps[map_.starts].mean())
    assert optimal.std == 0.0
    assert exact_return(model, np.full((2500, 4), 0.25)).mean == pytest.approx(-67.64, abs=0.005)


def test_slippery_gridworld_optimum() -> None:
    model = draw_map().tabular_model(slip=True)
    best = plan(model)
    assert best.expected_return(model) == pytest.approx(0.428, abs=5e-4)
    stationary = exact_return(model, deterministic(best.actions(), 4))
    assert stationary.mean == pytest.approx(0.417, abs=5e-4)


def test_forwards_and_backwards_agree() -> None:
    model = draw_map().tabular_model(slip=True)
    policy = np.random.default_rng(0).dirichlet(np.ones(4), size=2500)
    rewards = (model.probabilities * model.rewards).sum(axis=2)
    found = exact_return(model, policy)
    visits = occupancy(model, policy)
    assert (visits * rewards).sum() == pytest.approx(found.mean)
    assert visits.sum() == pytest.approx(found.length_mean)
    assert propagate(model, policy)[:, model.terminal].sum() == pytest.approx(found.success)


def test_drawn_episodes_agree_with_the_exact_return() -> None:
    model = draw_map().tabular_model(slip=True)
    policy = mostly_towards_the_goal()
    exact = exact_return(model, policy)
    returns, lengths = drawn_episodes(policy, episodes=4000)
    error = exact.std / math.sqrt(len(returns))
    assert returns.mean() == pytest.approx(exact.mean, abs=4 * error)
    assert returns.std() == pytest.approx(exact.std, rel=0.1)
    assert lengths.mean() == pytest.approx(exact.length_mean, abs=4 * lengths.std() / math.sqrt(len(lengths)))


def mostly_towards_the_goal() -> FloatArray:
    policy = np.full((2500, 4), 0.05)
    policy[:, [DOWN, RIGHT]] = 0.45
    return policy


def drawn_episodes(policy: FloatArray, episodes: int) -> tuple[FloatArray, FloatArray]:
    """Returns and lengths of the first episode of each of many agents on slippery GridWorld."""
    rng = np.random.default_rng(0)
    envs = gym.make_vec(GRIDWORLD_ID, num_envs=episodes, slip=True)
    cells, _ = envs.reset(seed=0)
    returns, lengths = np.zeros(episodes), np.zeros(episodes)
    running = np.ones(episodes, dtype=bool)
    while running.any():
        actions = (rng.random((episodes, 1)) > policy[cells].cumsum(axis=1)[:, :-1]).sum(axis=1)
        cells, rewards, terminated, truncated, _ = envs.step(actions)
        returns += rewards * running
        lengths += running
        running &= ~(terminated | truncated)
    return returns, lengths


@pytest.mark.parametrize("timed", [False, True])
def test_the_model_and_the_policy_are_left_as_they_were(timed: bool) -> None:
    model, before = chain(horizon=4, success=0.5), chain(horizon=4, success=0.5)
    policy = deterministic(np.array([STAY, GO, GO]), 2)
    policy = np.stack([policy] * 4) if timed else policy
    kept = policy.copy()
    plan(model)
    for method in (exact_return, propagate, occupancy):
        method(model, policy)
    assert_array_equal(policy, kept)
    for name in ("next_states", "probabilities", "rewards", "terminal", "starts"):
        assert_array_equal(getattr(model, name), getattr(before, name))


@pytest.mark.parametrize(
    ("policy", "found"),
    [
        (np.full((3, 3), 1 / 3), r"\(3, 3\)"),
        (np.full((5, 3, 2), 0.5), r"\(5, 3, 2\)"),
        (np.full((3, 2), 0.6), "off by 0.2"),
        (np.array([[1.5, -0.5]] * 3), "-0.5"),
        (np.full((3, 2), np.nan), "nan"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(policy: FloatArray, found: str) -> None:
    for method in (exact_return, propagate, occupancy):
        with pytest.raises(TabularError, match=found):
            method(chain(horizon=2), policy)
