"""Soft planning against every path of a small world, written out one by one."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from numpy.testing import assert_allclose

from learners.interface import FloatArray, TabularModel
from learners.soft_planning import Reading, SoftWorld, soft_plan, soft_visits
from teleop.worlds.gridworld_map import draw_map

READINGS: tuple[Reading, ...] = ("causal", "trajectory")


def slippery_chain(success: float, horizon: int) -> TabularModel:
    """States 0, 1, 2 (the end); left and right, each of which does nothing with 1 - success."""
    back_on = np.array([[[0, 0], [1, 0]], [[0, 1], [2, 1]], [[2, 2], [2, 2]]])
    return TabularModel(
        next_states=back_on,
        probabilities=np.broadcast_to([success, 1 - success], (3, 2, 2)).copy(),
        rewards=np.zeros((3, 2, 2)),
        terminal=np.array([False, False, True]),
        starts=np.array([0.75, 0.25, 0.0]),
        horizon=horizon,
    )


def some_rewards(model: TabularModel) -> FloatArray:
    return np.random.default_rng(0).normal(size=model.next_states.shape)


def every_path(model: TabularModel, first: int) -> list[tuple[float, float, list[tuple[int, int, int]]]]:
    """(chance, pay, [(state, action, next state)]) of every action sequence and every luck from `first`."""
    rewards, paths = some_rewards(model), {}
    for moves in product(range(model.n_actions), range(2), repeat=model.horizon):
        state, chance, pay, path, drawn = first, 1.0, 0.0, [], []
        for action, outcome in zip(moves[::2], moves[1::2], strict=True):
            if model.terminal[state]:
                break
            following = int(model.next_states[state, action, outcome])
            chance *= float(model.probabilities[state, action, outcome])
            pay += float(rewards[state, action, outcome])
            path.append((state, action, following))
            drawn.append((action, outcome))
            state = following
        paths[tuple(drawn)] = (chance, pay, path)
    return list(paths.values())


def test_two_equal_actions_are_worth_log_two() -> None:
    model = slippery_chain(1.0, horizon=1)
    for reading in READINGS:
        found = soft_plan(model, np.zeros((3, 2, 2)), reading)
        assert_allclose(found.values, [[np.log(2), np.log(2), 0], [0, 0, 0]])
        assert_allclose(found.policy, 0.5)


def test_who_chooses_does_not_count_on_luck() -> None:
    """One step from 1. Right reaches the end with 1/2, which pays log 4; everything else pays nothing."""
    model = slippery_chain(0.5, horizon=1)
    rewards = np.where(model.next_states == 2, np.log(4), 0.0)
    # Right is worth log 2 on average; but paths weigh 1/2 * 4 + 1/2 * 1 = 2.5 to the left's 1.
    assert_allclose(soft_plan(model, rewards, "causal").policy[0, 1], [1 / 3, 2 / 3])
    assert_allclose(soft_plan(model, rewards, "trajectory").policy[0, 1], [1 / 3.5, 2.5 / 3.5])


@pytest.mark.parametrize("success", [1.0, 0.7])
def test_the_trajectory_reading_weighs_every_path(success: float) -> None:
    model = slippery_chain(success, horizon=4)
    reached, taken = np.zeros(3), np.zeros((3, 2))
    for first, share in ((0, 0.75), (1, 0.25)):
        paths = every_path(model, first)
        partition = sum(chance * np.exp(pay) for chance, pay, _ in paths)
        assert soft_plan(model, some_rewards(model), "trajectory").values[0, first] == pytest.approx(
            np.log(partition)
        )
        for chance, pay, path in paths:
            for state, action, following in path:
                weight = share * chance * np.exp(pay) / partition
                taken[state, action] += weight
                reached[following] += weight
    found = soft_visits(model, some_rewards(model), model.starts, "trajectory")
    assert_allclose(found.reached, reached)
    assert_allclose(found.taken, taken)


@pytest.mark.parametrize("success", [1.0, 0.7])
def test_a_stretch_that_stops_is_as_likely_as_all_paths_that_begin_with_it(success: float) -> None:
    """From 0 by one success to the right, then nothing more is known."""
    model = slippery_chain(success, horizon=4)
    paths = every_path(model, 0)
    partition = sum(chance * np.exp(pay) for chance, pay, _ in paths)
    begun = [each for each in paths if each[2][0] == (0, 1, 1)]
    likelihood = sum(chance * np.exp(pay) for chance, pay, _ in begun) / partition

    starts, stops = np.array([1.0, 0.0, 0.0]), np.zeros((4, 3))
    stops[1, 1] = -1.0
    found = soft_visits(model, some_rewards(model), starts, "trajectory", stops)
    of_stretch = np.log(success) + some_rewards(model)[0, 1, 0]
    assert of_stretch - found.value == pytest.approx(np.log(likelihood))


@pytest.mark.parametrize("success", [1.0, 0.7])
@pytest.mark.parametrize("reading", READINGS)
def test_counts_are_the_slope_of_the_value_also_with_entries_by_hand(
    success: float, reading: Reading
) -> None:
    """Against central differences in what each action and each arrival pays; with sparse products and in logs."""
    model = slippery_chain(success, horizon=4)
    starts, entries = np.array([0.75, 0.25, 0.0]), np.zeros((4, 3))
    entries[1, 1], entries[2, 0] = -0.4, 0.3
    rewards, h = some_rewards(model), 1e-5

    def value(change: FloatArray) -> float:
        return soft_visits(model, rewards + change, starts, reading, entries).value

    def slope(of: FloatArray) -> float:
        return (value(h * of) - value(-h * of)) / (2 * h)

    taken = [
        [slope(np.broadcast_to(np.eye(6)[2 * s + a].reshape(3, 2, 1), (3, 2, 2))) for a in range(2)]
        for s in range(3)
    ]
    reached = [slope((model.next_states == s).astype(float)) for s in range(3)]
    in_logs = soft_visits(model, rewards, starts, reading, entries)
    for found in (in_logs, SoftWorld(model, reading).visits(rewards, starts, entries)):
        assert_allclose(found.taken, taken, atol=1e-8)
        assert_allclose(found.reached, reached, atol=1e-8)
        assert found.value == pytest.approx(in_logs.value)


def test_the_causal_policy_has_the_greatest_pay_plus_causal_entropy() -> None:
    """Its expected pay and entropy, path by path, are its value; any other policy's are less."""
    model = slippery_chain(0.7, horizon=3)
    best = soft_plan(model, some_rewards(model), "causal")

    def worth(policy: FloatArray) -> float:
        total = 0.0
        for chance, pay, path in every_path(model, 0):
            logs = [np.log(policy[t, state, action]) for t, (state, action, _) in enumerate(path)]
            total += chance * np.exp(sum(logs)) * (pay - sum(logs))
        return total

    assert worth(best.policy) == pytest.approx(best.values[0, 0])
    rng = np.random.default_rng(1)
    for _ in range(5):
        assert worth(rng.dirichlet([1, 1], size=(3, 3))) < best.values[0, 0]


def test_without_chance_the_two_readings_are_one() -> None:
    model = slippery_chain(1.0, horizon=6)
    causal, trajectory = (soft_plan(model, some_rewards(model), reading) for reading in READINGS)
    assert_allclose(causal.policy, trajectory.policy)
    assert_allclose(causal.values, trajectory.values)


@pytest.mark.parametrize("slip", [False, True])
@pytest.mark.parametrize("reading", READINGS)
def test_the_quick_passes_agree_with_the_plain_ones(reading: Reading, slip: bool) -> None:
    model = draw_map().tabular_model(slip=slip, horizon=60)
    rewards = np.random.default_rng(0).normal(-1.0, 0.5, size=2500)[model.next_states]
    plain = soft_visits(model, rewards, model.starts, reading)
    quick = SoftWorld(model, reading).visits(rewards, model.starts)
    assert quick.value == pytest.approx(plain.value, rel=1e-12)
    assert_allclose(quick.reached, plain.reached, atol=1e-10)
    assert_allclose(quick.taken, plain.taken, atol=1e-10)
    assert plain.reached.sum() == pytest.approx(plain.taken.sum())  # each step arrives somewhere


def test_rewards_beyond_double_precision_are_planned_in_logs() -> None:
    model = slippery_chain(1.0, horizon=3)
    rewards = np.full((3, 2, 2), -1000.0)
    found = SoftWorld(model, "trajectory").visits(rewards, np.array([1.0, 0.0, 0.0]))
    # The shortest way out costs least: two steps.
    assert found.value == pytest.approx(-2000.0)
    assert_allclose(found.reached, [0, 1, 1], atol=1e-12)
