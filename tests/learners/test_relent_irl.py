"""Relative entropy inverse reinforcement learning, on paths few enough to weigh by hand."""

from __future__ import annotations

from dataclasses import replace

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec
from numpy.testing import assert_allclose
from scipy.sparse import csr_array

from learners import LEARNERS
from learners.errors import NothingToLearnError, UnsupportedWorldError
from learners.interface import Snapshot
from learners.relent_irl import Config, train
from learners.rewards.grounds import CROWD_UNIT, Crowd, CrowdGround
from learners.rewards.path_weights import Drawn, Shown, joined, tempered, weigh
from recordings.demonstrations import Demonstrations
from tests.learners.conftest import LEFT, RIGHT

QUICK = Config(exploration=500, steps=150, rounds=20)


def right_twice(episodes: int) -> Demonstrations:
    """State 0, state 1, the end; actions are hidden."""
    return Demonstrations.from_steps(
        np.tile([0, 1], episodes),
        None,
        observation_space=gym.spaces.Discrete(3),
        action_space=gym.spaces.Discrete(2),
        lengths=np.full(episodes, 2),
        final_observations=np.full(episodes, 2),
    )


def last_of(demonstrations: Demonstrations, world: EnvSpec, config: Config = QUICK) -> Snapshot:
    *_, last = train(config, demonstrations, world, np.random.default_rng(0))
    return last


# -- the dual --------------------------------------------------------------------------------------------


def two_starts() -> tuple[Drawn, Shown]:
    """Three paths from start 0, one from start 1, one from start 2, which nobody demonstrated."""
    drawn = Drawn(
        csr_array(np.array([[2.0, 0.0], [0.0, 1.0], [1.0, 1.0], [0.0, 3.0], [5.0, 5.0]])),
        np.array([0.1, -0.3, 0.2, 0.0, 0.7]),
        np.array([0, 0, 0, 1, 2]),
    )
    shown = Shown(
        np.array([0.75, 0.25, 0.0]),
        csr_array(np.array([[0.6, 0.3], [0.1, 0.2], [0.0, 0.0]])),
        np.array([-1.5, -0.5, 0.0]),
    )
    return drawn, shown


def test_the_gradient_is_that_of_finite_differences() -> None:
    drawn, shown = two_starts()
    theta = np.array([0.4, -0.7])
    slope = weigh(theta, drawn, shown).slope
    for index in range(2):
        nudge = np.zeros(2)
        nudge[index] = 1e-5
        above, below = (weigh(theta + sign * nudge, drawn, shown).loss for sign in (1, -1))
        assert slope[index] == pytest.approx((above - below) / 2e-5, abs=1e-8)


def test_the_dual_by_hand() -> None:
    drawn, shown = two_starts()
    theta = np.array([0.4, -0.7])
    weights = np.exp([0.8 + 0.1, -0.7 - 0.3, -0.3 + 0.2])
    z0, z1 = weights.mean(), np.exp(-2.1)
    wanted = np.array([0.7, 0.5])
    expected = 0.75 * np.log(z0) + 0.25 * np.log(z1) - wanted @ theta + 2.0
    assert weigh(theta, drawn, shown).loss == pytest.approx(expected)


def test_each_start_has_a_normaliser_of_its_own() -> None:
    """However much a path from start 1 may weigh, start 1 keeps its share."""
    drawn, shown = two_starts()
    heavy = replace(drawn, log_ratios=drawn.log_ratios + np.array([0, 0, 0, 700.0, 0]))
    theta = np.array([0.4, -0.7])
    assert_allclose(weigh(theta, heavy, shown).slope, weigh(theta, drawn, shown).slope)


def test_weights_sum_to_the_share_of_the_starts() -> None:
    """A feature that every path has once is expected once, as it is demonstrated once."""
    drawn, shown = two_starts()
    once = replace(drawn, counts=csr_array(np.ones((5, 1))))
    shown_once = replace(shown, counts=csr_array(shown.share[:, None]))
    assert weigh(np.array([0.3]), once, shown_once).slope == pytest.approx(0.0)


def test_a_start_that_was_not_drawn_is_left_out_on_both_sides() -> None:
    drawn, shown = two_starts()
    rows = np.array([0, 1, 2, 4])
    without = Drawn(csr_array(drawn.counts.toarray()[rows]), drawn.log_ratios[rows], drawn.groups[rows])
    alone = Shown(np.array([1.0, 0.0, 0.0]), shown.counts * (1 / 0.75), shown.log_base / 0.75)
    alone = replace(alone, counts=csr_array(alone.counts.toarray() * np.array([[1.0], [0.0], [0.0]])))
    theta = np.array([0.4, -0.7])
    found, expected = weigh(theta, without, shown), weigh(theta, without, alone)
    assert found.loss == pytest.approx(expected.loss)
    assert_allclose(found.slope, expected.slope)


def test_the_effective_sample_size_by_hand() -> None:
    """Weights 3 and 1 are worth (3 + 1)² / (9 + 1) = 1.6 paths; the one from the other start is worth itself."""
    drawn = Drawn(csr_array(np.zeros((3, 1))), np.log([3.0, 1.0, 5.0]), np.array([0, 0, 1]))
    shown = Shown(np.array([0.5, 0.5]), csr_array(np.zeros((2, 1))), np.zeros(2))
    found = weigh(np.zeros(1), drawn, shown)
    assert found.effective == pytest.approx(2.6)
    assert found.samples == 3


def test_samples_that_share_no_start_say_nothing() -> None:
    drawn, shown = two_starts()
    elsewhere = replace(drawn, groups=np.full(5, 2))
    with pytest.raises(NothingToLearnError, match="starts"):
        weigh(np.zeros(2), elsewhere, shown)


def test_joined_samples_are_one_sample() -> None:
    drawn, shown = two_starts()
    both = weigh(np.ones(2), joined([drawn, drawn]), shown)
    assert both.loss == pytest.approx(weigh(np.ones(2), drawn, shown).loss)
    assert both.samples == 8


def test_weights_are_tempered_until_the_sample_is_worth_its_share() -> None:
    """Weights 1 and 0.01 are worth 1.02 paths of 2; to the power 1/2, 1 and 0.1, they are worth 1.198."""
    drawn = Drawn(csr_array(np.zeros((2, 1))), np.log([1.0, 0.01]), np.array([0, 0]))
    shown = Shown(np.ones(1), csr_array(np.zeros((1, 1))), np.zeros(1))
    found = tempered(np.zeros(1), drawn, shown, least_effective=0.55)
    assert found.power == 0.5
    assert found.effective == pytest.approx(1.1**2 / 1.01)
    assert_allclose(found.weights, [1 / 1.1, 0.1 / 1.1])


# -- learning --------------------------------------------------------------------------------------------


def test_a_known_policy_is_recovered_without_a_model_or_actions(chain: EnvSpec) -> None:
    hidden = replace(chain, kwargs={"tabular": False})
    last = last_of(right_twice(20), hidden)
    assert last.policy.act(np.array([0, 1])).tolist() == [RIGHT, RIGHT]
    assert last.reward is not None
    assert last.reward.shape == (3,)
    assert last.reward[2] > last.reward[0]
    assert last.env_steps >= QUICK.exploration


def test_expected_and_demonstrated_features_meet(chain: EnvSpec) -> None:
    """Every second walk goes back once, 0 1 0 1 2: the soft policy does so too, the plan does not."""
    mixed = Demonstrations.from_steps(
        np.tile([0, 1, 0, 1, 0, 1], 20),
        None,
        observation_space=gym.spaces.Discrete(3),
        action_space=gym.spaces.Discrete(2),
        lengths=np.tile([2, 4], 20),
        final_observations=np.full(40, 2),
    )
    config = replace(QUICK, rounds=60, steps=300, unseen=1.0)
    soft, planned = (last_of(mixed, chain, replace(config, policy=wish)) for wish in ("soft", "planned"))
    assert soft.metrics["mismatch"] < 0.3
    goes_back = soft.policy.probabilities(np.array([1]))[0, LEFT]  # type: ignore[attr-defined]
    assert 0.2 < goes_back < 0.8
    assert planned.policy.act(np.array([0, 1])).tolist() == [RIGHT, RIGHT]


def test_the_prior_is_chosen_by_held_out_episodes(chain: EnvSpec) -> None:
    found = list(train(QUICK, right_twice(20), chain, np.random.default_rng(0)))
    tried = {snapshot.metrics["unseen"]: snapshot.metrics["held_out_loss"] for snapshot in found[:-1]}
    assert set(tried) <= set(QUICK.unseen_candidates)
    assert found[-1].metrics["unseen"] == min(tried, key=lambda unseen: tried[unseen])
    assert all(0 < s.metrics["effective_samples"] <= s.metrics["samples"] + 1e-6 for s in found)


def test_it_needs_a_world_and_a_demonstration(chain: EnvSpec) -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(UnsupportedWorldError, match="world"):
        next(iter(LEARNERS["relent-irl"].train(QUICK, right_twice(1), None, rng)))
    with pytest.raises(NothingToLearnError, match="at least one step"):
        next(iter(train(QUICK, right_twice(0), chain, rng)))


# -- numbers ---------------------------------------------------------------------------------------------


def balanced() -> Demonstrations:
    """Four made-up observations of a cart that stays."""
    return Demonstrations.from_steps(
        np.array([[0.1, 0, 0, 0], [-0.1, 1, 1, 1], [0.1, 0, 0, 0], [-0.1, -1, -1, -1]], np.float32),
        None,
        observation_space=gym.spaces.Box(-np.inf, np.inf, (4,), np.float32),
        action_space=gym.spaces.Discrete(2),
    )


def test_each_of_a_crowd_follows_its_own_coefficients() -> None:
    crowd = Crowd(
        np.array([[[0.0, 0.0, 0.0], [1.0, -1.0, 0.5]]] * 3), unit=np.array([1.0, 2.0]), first_action=1
    )
    observations = np.array([[1.0, 0.0], [0.0, 0.9], [0.0, 1.1]])
    assert crowd.act(observations).tolist() == [2, 2, 1], "1.5, 0.05 and -0.05 against 0"


def test_features_of_numbers_by_hand(cartpole: EnvSpec) -> None:
    """Two episodes of 1 and 2 steps at 3 units of the first number: its square is 9, over a horizon of 500."""
    ground = CrowdGround(balanced(), cartpole, np.random.default_rng(0), exploration=None, steps=None)
    unit = CROWD_UNIT * 0.1
    reached = np.array([[3 * unit, 0, 0, 0]] * 3)
    counts = ground.counts(reached, np.array([1, 2])).toarray() * 500
    assert counts.shape == (2, 15)
    assert_allclose(counts[:, 0], [1, 2])
    assert_allclose(counts[:, 1], [3, 6], rtol=1e-6)
    assert_allclose(counts[:, 5], [9, 18], rtol=1e-6)
    assert_allclose(np.delete(counts, [0, 1, 5], axis=1), 0.0)


def test_the_first_crowd_is_the_base_and_its_episodes_are_whole(cartpole: EnvSpec) -> None:
    ground = CrowdGround(balanced(), cartpole, np.random.default_rng(0), exploration=None, steps=None)
    drawn = ground.draw(np.zeros(15), np.random.default_rng(0))
    assert_allclose(drawn.log_ratios, 0.0, atol=1e-9)
    lengths = drawn.counts.toarray()[:, 0] * 500
    assert_allclose(lengths, np.rint(lengths))
    assert ground.steps_taken == pytest.approx(lengths.sum())
    assert lengths.min() >= 8, "nothing topples the pole sooner"


def test_it_learns_on_numbers_what_can_be_saved(cartpole: EnvSpec) -> None:
    last = last_of(balanced(), cartpole, Config(rounds=2))
    assert last.reward is None
    assert last.policy.act(np.zeros((3, 4), np.float32)).shape == (3,)
