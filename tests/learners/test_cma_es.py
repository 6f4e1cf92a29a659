"""CMA-ES: candidates act as the policies they stand for, run one episode each, and the better ones prevail."""

from __future__ import annotations

import dataclasses

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec

from learners.cma_es import MOST_WEIGHTS, Population, Search, free_weights, unpacked
from learners.errors import UnsupportedWorldError
from learners.policies import Architecture

CARTPOLE = Architecture(gym.spaces.Box(-1, 1, (4,)), gym.spaces.Discrete(2))


def test_weights_by_hand() -> None:
    """Two actions, four numbers: one logit differs from 0, with four weights and a bias."""
    assert free_weights(CARTPOLE) == 5
    weights, biases = unpacked(CARTPOLE, np.array([[1.0, 2.0, 3.0, 4.0, 5.0]]))
    assert weights.tolist() == [[[0, 0, 0, 0], [1, 2, 3, 4]]]
    assert biases.tolist() == [[0, 5]]
    box = Architecture(gym.spaces.Box(-1, 1, (3,)), gym.spaces.Box(-2, 2, (2,)))
    assert free_weights(box) == 8


def test_each_copy_has_its_own_candidate() -> None:
    population = Population(CARTPOLE, np.array([[1.0, 0, 0, 0, 0], [-1.0, 0, 0, 0, 0], [0, 0, 0, 0, 0.5]]))
    assert population.act(np.array([[0.3, 0, 0, 0]] * 3)).tolist() == [1, 0, 1]
    box = Architecture(gym.spaces.Box(-1, 1, (1,)), gym.spaces.Box(-2, 2, (1,)))
    assert Population(box, np.array([[3.0, 1.0], [0.5, 0.0]])).act(np.ones((2, 1))).tolist() == [[2.0], [0.5]]


def test_every_candidate_runs_one_whole_episode(cartpole: EnvSpec) -> None:
    rollout = Search(cartpole, 4, np.random.default_rng(0)).collect(np.random.default_rng(0))
    ended = (rollout.terminated | rollout.truncated) & rollout.valid
    assert ended.sum(0).tolist() == [1, 1, 1, 1]
    for copy in range(4):
        length = int(rollout.valid[:, copy].sum())
        assert rollout.valid[:length, copy].all(), "nothing is left out before the end"
        assert ended[length - 1, copy]
    assert (np.abs(rollout.observations[0]) <= 0.05).all(), "all begin anew"


def test_what_is_paid_is_found(cartpole: EnvSpec) -> None:
    """Paid for every step to the right, the search soon pushes right everywhere."""
    rng = np.random.default_rng(0)
    search = Search(cartpole, 8, rng)
    for _ in range(8):
        rollout = search.collect(rng)
        rights = np.where(rollout.actions == 1, 1.0, -1.0) * rollout.valid
        search.learn(dataclasses.replace(rollout, rewards=rights), rng)
    assert search.policy().act(np.random.default_rng(1).uniform(-0.05, 0.05, (20, 4))).tolist() == [1] * 20


def test_the_policy_is_the_mean_of_the_last_centres(cartpole: EnvSpec) -> None:
    rng = np.random.default_rng(0)
    search = Search(cartpole, 4, rng)
    centres = [np.zeros(5)]
    assert not search.policy().arrays["layers.0.weight"].any(), "at first, all weights are 0"
    for _ in range(2):
        search.learn(search.collect(rng), rng)
        centres.append(search._cma.mean.copy())
    by_hand = np.mean(centres, axis=0)
    found = search.policy().arrays
    assert found["layers.0.weight"][1].tolist() == pytest.approx(by_hand[:4].tolist())
    assert found["layers.0.bias"].tolist() == pytest.approx([0, by_hand[4]])
    assert not found["layers.0.weight"][0].any()


def test_worlds_that_are_too_large_are_refused(chain: EnvSpec) -> None:
    with pytest.raises(UnsupportedWorldError, match=f"at most {MOST_WEIGHTS} weights"):
        Search(chain, 4, np.random.default_rng(0))
