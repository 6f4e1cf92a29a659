"""Own episodes are whole, each handed out once, with the chances their actions had."""

from __future__ import annotations

import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec
from numpy.testing import assert_allclose, assert_array_equal

from learners.interface import Array, FloatArray
from learners.rewards.learned_table import SoftPlanner, counted_table
from learners.rewards.trajectories import Trajectories, TrajectorySampler
from tests.learners.conftest import LEFT, RIGHT


class Coin:
    """Right with probability 3/4."""

    def probabilities(self, observations: Array) -> FloatArray:
        return np.tile([0.25, 0.75], (len(observations), 1))

    def act(self, observations: Array, rng: np.random.Generator | None = None) -> Array:
        assert rng is not None
        return (rng.random(len(observations)) < 0.75).astype(np.int64)


def collected(chain: EnvSpec, calls: int, steps: int) -> tuple[list[Trajectories], TrajectorySampler]:
    sampler, rng = TrajectorySampler(chain, 3, seed=0), np.random.default_rng(0)
    parts = [sampler.collect(Coin(), steps, rng) for _ in range(calls)]
    sampler.close()
    return parts, sampler


def test_episodes_are_whole_and_follow_the_rules(chain: EnvSpec) -> None:
    parts, _ = collected(chain, calls=5, steps=21)
    for part in parts:
        for first, length in zip(part.starts, part.lengths, strict=True):
            rows = slice(first, first + length)
            before, after = part.before[rows], part.after[rows]
            assert before[0] == 0
            assert_array_equal(before[1:], after[:-1])
            assert_array_equal(
                after, np.where(part.actions[rows] == RIGHT, before + 1, np.maximum(before - 1, 0))
            )
            assert after[-1] == 2 or length == 5
            assert_array_equal(part.terminated[rows], after == 2)
            assert_allclose(np.exp(part.log_chances[rows]), np.where(part.actions[rows] == RIGHT, 0.75, 0.25))


def test_every_finished_step_is_handed_out_once(chain: EnvSpec) -> None:
    """All steps taken but those of the three episodes under way."""
    parts, sampler = collected(chain, calls=5, steps=21)
    handed = sum(len(part.before) for part in parts)
    assert sampler.steps - 3 * 4 <= handed <= sampler.steps


def test_where_it_is_cut_changes_nothing(chain: EnvSpec) -> None:
    (whole,), _ = collected(chain, calls=1, steps=60)
    parts, _ = collected(chain, calls=4, steps=15)
    lengths = np.concatenate([part.lengths for part in parts])
    assert sorted(lengths) == sorted(whole.lengths)


def own_steps() -> Trajectories:
    """Right twice; right, left, right, right; the other chain's slip once: right in 1 stays."""
    before = np.array([0, 1, 0, 1, 0, 1, 1])
    after = np.array([1, 2, 1, 0, 1, 1, 2])
    actions = np.array([RIGHT, RIGHT, RIGHT, LEFT, RIGHT, RIGHT, RIGHT])
    return Trajectories(before, actions, after, after == 2, np.zeros(7), np.array([2, 5]))


def test_a_table_is_counted() -> None:
    table = counted_table(own_steps(), 3, 2, horizon=5)
    chances = np.zeros((3, 2, 3))
    states, actions = np.indices(table.next_states.shape)[:2]
    np.add.at(chances, (states, actions, table.next_states), table.probabilities)
    assert chances[0, RIGHT].tolist() == [0, 1, 0]
    assert_allclose(chances[1, RIGHT], [0, 1 / 3, 2 / 3])
    assert chances[1, LEFT].tolist() == [1, 0, 0]
    assert chances[0, LEFT].tolist() == [1, 0, 0], "never tried: leads nowhere"
    assert table.terminal.tolist() == [False, False, True]
    assert table.starts.tolist() == [1.0, 0.0, 0.0]


def test_soft_planning_draws_paths_as_their_reward_asks() -> None:
    """Two steps ahead: the weight of going right first is that of state 1 and of both ways on from there."""
    short = counted_table(own_steps(), 3, 2, horizon=2)
    reward = np.array([0.3, -0.2, 1.0])
    q_right_in_one = 2 / 3 * 1.0 + 1 / 3 * -0.2
    to_one = np.exp(-0.2) * (np.exp(0.3) + np.exp(q_right_in_one)) / 2
    to_zero = np.exp(0.3) * (np.exp(0.3) + np.exp(-0.2)) / 2
    assert SoftPlanner(short).policy(reward)[0, RIGHT] == pytest.approx(to_one / (to_one + to_zero))
