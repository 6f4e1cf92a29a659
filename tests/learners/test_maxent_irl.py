"""Maximum entropy inverse reinforcement learning on a chain with known answers."""

from __future__ import annotations

import dataclasses

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec
from numpy.testing import assert_allclose

from learners import LEARNERS, maxent_irl
from learners.errors import NothingToLearnError, UnsupportedWorldError
from learners.interface import TabularModel
from learners.rewards.feature_matching import Config, Fit
from learners.soft_planning import Reading, soft_plan
from learners.worlds import facts_of
from recordings.demonstrations import Demonstrations
from tests.learners.conftest import LEFT, RIGHT

ALL = np.array([0, 1])


def walks() -> Demonstrations:
    """Two episodes: 0 -> 1 -> 2, and 0 -> 0 -> 1 -> 2."""
    return Demonstrations.from_steps(
        np.array([0, 1, 0, 0, 1]),
        np.array([RIGHT, RIGHT, LEFT, RIGHT, RIGHT]),
        lengths=np.array([2, 3]),
        final_observations=np.array([2, 2]),
        observation_space=gym.spaces.Discrete(3),
        action_space=gym.spaces.Discrete(2),
    )


@pytest.fixture
def model(chain: EnvSpec) -> TabularModel:
    found = facts_of(chain).model
    assert found is not None
    return found


def test_what_is_matched_by_hand(model: TabularModel) -> None:
    """The end counts as reached, the start does not."""
    reached, taken = [0.5, 1, 1], [0.5, 1, 0, 1, 0, 0]
    for what, expected in (("state", reached), ("state-action", taken), ("both", reached + taken)):
        found = Fit(Config(features=what), model, walks(), "trajectory").counts(ALL)  # type: ignore[arg-type]
        assert_allclose(found.starts, [1, 0, 0])
        assert_allclose(found.counts, expected)
        assert found.seen.all()


@pytest.mark.parametrize("features", ["state", "state-action", "both"])
def test_the_gradient_is_that_of_finite_differences(model: TabularModel, features: str) -> None:
    fit = Fit(Config(features=features), model, walks(), "trajectory")  # type: ignore[arg-type]
    wanted = fit.counts(ALL)
    theta = np.random.default_rng(0).normal(size=fit.features.size)
    _, slope = fit.dual(wanted, theta)
    for index, nudge in enumerate(1e-5 * np.eye(fit.features.size)):
        above, below = fit.dual(wanted, theta + nudge)[0], fit.dual(wanted, theta - nudge)[0]
        assert slope[index] == pytest.approx((above - below) / 2e-5, abs=1e-8)


@pytest.mark.parametrize("reading", ["causal", "trajectory"])
def test_what_is_cut_is_explained_by_its_choices_alone(model: TabularModel, reading: Reading) -> None:
    """One step right of a chain that goes on: how likely that choice is, and nothing of stopping there."""
    shown = Demonstrations.from_steps(
        np.array([0]),
        np.array([RIGHT]),
        lengths=np.array([1]),
        final_observations=np.array([1]),
        observation_space=gym.spaces.Discrete(3),
        action_space=gym.spaces.Discrete(2),
    )
    fit = Fit(Config(), model, shown, reading)
    theta = np.random.default_rng(0).normal(size=fit.features.size)
    policy = soft_plan(model, fit.features.rewards(theta), reading).policy
    assert fit.dual(fit.counts(np.arange(1)), theta)[0] == pytest.approx(-np.log(policy[0, 0, RIGHT]))


def test_a_reward_for_both_is_the_sum_of_its_parts(model: TabularModel) -> None:
    features = Fit(Config(), model, walks(), "trajectory").features
    theta = np.array([1.0, 2, 3, 10, 20, 30, 40, 50, 60])
    # From 0 left stays and right goes to 1; from 1 left goes to 0 and right to 2, where all stay.
    assert_allclose(features.rewards(theta)[:, :, 0], [[11, 22], [31, 43], [53, 63]])


def test_the_fit_visits_what_was_visited(model: TabularModel) -> None:
    found = maxent_irl.recover(Config(l2=1e-6), model, walks(), np.random.default_rng(0))
    assert found.mismatch < 1e-3
    assert found.held_out_loss != found.held_out_loss, "NaN: nothing was held out"
    assert all(later <= sooner for sooner, later in zip(found.losses, found.losses[1:], strict=False))


@pytest.mark.parametrize("features", [None, "state", "state-action"])
def test_a_known_policy_is_recovered(chain: EnvSpec, features: str | None) -> None:
    config = Config(features=features)  # type: ignore[arg-type]
    *_, last = LEARNERS["maxent-irl"].train(config, walks(), chain, np.random.default_rng(0))
    assert last.policy.act(np.array([0, 1])).tolist() == [RIGHT, RIGHT]
    assert last.step > 0
    assert last.metrics["mismatch"] < 0.1
    # Always right arrives after two steps; of the five demonstrated steps one went left.
    assert last.metrics["arrival"] == pytest.approx(1.0)
    assert last.metrics["length"] == pytest.approx(2.0)
    assert last.metrics["agreement"] == pytest.approx(4 / 5)
    assert last.reward is not None
    assert last.reward.shape == ((3, 2) if features == "state-action" else (3,))


def test_states_alone_are_enough(chain: EnvSpec) -> None:
    seen = dataclasses.replace(walks(), actions=None, labelled=np.zeros(5, bool))
    *_, last = maxent_irl.train(Config(), seen, chain, np.random.default_rng(0))
    assert last.policy.act(np.array([0, 1])).tolist() == [RIGHT, RIGHT]
    with pytest.raises(NothingToLearnError, match="features=state"):
        list(maxent_irl.train(Config(features="state-action"), seen, chain, np.random.default_rng(0)))


def test_the_soft_policy_imitates_what_the_plan_leaves_out(model: TabularModel) -> None:
    """One in three demonstrated choices in state 0 is left: the soft policy's too, the plan's never."""
    soft = maxent_irl.recover(
        Config(l2=1e-6, policy="soft", features="state-action"), model, walks(), np.random.default_rng(0)
    )
    chances = soft.stationary.probabilities(np.array([0]))  # type: ignore[attr-defined]
    assert chances[0, LEFT] == pytest.approx(1 / 3, abs=1e-3)
    assert (soft.planned[:3, 0].argmax(1) == RIGHT).all()


def test_the_regulariser_is_chosen_by_held_out_episodes(model: TabularModel) -> None:
    ten = Demonstrations.from_steps(
        np.tile([0, 1], 10),
        np.tile([RIGHT, RIGHT], 10),
        lengths=np.full(10, 2),
        final_observations=np.full(10, 2),
        observation_space=gym.spaces.Discrete(3),
        action_space=gym.spaces.Discrete(2),
    )
    config = Config(l2_candidates=(1e-3, 10.0))
    # All episodes are alike, so the held-out one is the likelier, the less the reward is held back.
    assert maxent_irl.recover(config, model, ten, np.random.default_rng(0)).l2 == 1e-3


def test_the_unseen_is_priced_with_caution(model: TabularModel) -> None:
    """The two states before the end are priced 0 and 2: they deviate by 1 from their mean."""
    fit = Fit(Config(features="state", caution=3.0), model, walks(), "trajectory")
    unseen = dataclasses.replace(fit.counts(ALL), seen=np.array([True, False, True]))
    assert_allclose(fit.cautious(unseen, np.array([0.0, 2.0, 4.0])), [0, -1, 4])


def test_what_does_not_fit_is_said(chain: EnvSpec, cartpole: EnvSpec) -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(UnsupportedWorldError, match="CartPole"):
        list(maxent_irl.train(Config(), walks(), cartpole, rng))
    with pytest.raises(UnsupportedWorldError, match="found none"):
        list(maxent_irl.train(Config(), walks(), None, rng))
    larger = dataclasses.replace(walks(), observation_space=gym.spaces.Discrete(4))
    with pytest.raises(NothingToLearnError, match="expected 3 of them"):
        list(maxent_irl.train(Config(), larger, chain, rng))
