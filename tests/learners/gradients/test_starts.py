"""What is gone on from is given room to try something else, and keeps its choices."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest

from learners.gradients.starts import spread
from learners.networks import build, freeze
from learners.policies import Architecture, NetworkPolicy, policy_from

WHEEL = gym.spaces.Box(np.array([-1.0, 0.0], np.float32), np.array([1.0, 10.0], np.float32))
SEEN = gym.spaces.Box(-1.0, 1.0, (3,), np.float32)


def clone(actions: gym.Space[object], log_std: float) -> NetworkPolicy:
    architecture = Architecture(SEEN, actions)
    policy = freeze(build(architecture, np.random.default_rng(0)), architecture)
    if "log_std" not in policy.arrays:
        return policy
    return policy_from(architecture, {**policy.arrays, "log_std": np.full(2, log_std, np.float32)})


def test_numbers_deviate_by_a_share_of_half_their_range() -> None:
    sure = clone(WHEEL, np.log(1e-3))
    wide = spread(sure, 0.2)
    assert np.exp(wide.arrays["log_std"]) == pytest.approx([0.2, 1.0])
    seen = np.random.default_rng(1).uniform(-1, 1, (20, 3)).astype(np.float32)
    assert np.array_equal(wide.act(seen), sure.act(seen))


def test_who_doubts_more_already_is_left_alone() -> None:
    doubting = clone(WHEEL, np.log(3.0))
    assert np.exp(spread(doubting, 0.2).arrays["log_std"]) == pytest.approx([3.0, 3.0])
    assert np.array_equal(spread(doubting, 0.0).arrays["log_std"], doubting.arrays["log_std"])
    pressing = clone(gym.spaces.Discrete(2), 0.0)
    assert spread(pressing, 0.2) is pressing


def test_who_doubts_too_much_is_narrowed() -> None:
    doubting = clone(WHEEL, np.log(3.0))
    assert np.exp(spread(doubting, 0.0, 0.2).arrays["log_std"]) == pytest.approx([0.2, 1.0])
    sure = clone(WHEEL, np.log(0.01))
    assert np.exp(spread(sure, 0.0, 0.2).arrays["log_std"]) == pytest.approx([0.01, 0.01])


def test_numbers_without_bounds_are_left_alone() -> None:
    endless = clone(gym.spaces.Box(-np.inf, np.inf, (2,), np.float32), 0.5)
    assert spread(endless, 0.2, 0.3).arrays["log_std"] == pytest.approx([0.5, 0.5])
