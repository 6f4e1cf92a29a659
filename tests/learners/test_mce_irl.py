"""Maximum causal entropy inverse reinforcement learning, where chance makes it differ from its elder."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec
from numpy.testing import assert_allclose

from learners import LEARNERS, maxent_irl, mce_irl
from learners.interface import TabularModel
from learners.rewards.feature_matching import Config, Fit
from learners.soft_planning import soft_plan
from learners.worlds import facts_of
from recordings.demonstrations import Demonstrations
from tests.learners.conftest import LEFT, RIGHT
from tests.learners.test_maxent_irl import walks
from tests.learners.test_soft_planning import slippery_chain


def slipped() -> Demonstrations:
    """Three episodes of the slippery chain, in one of which right failed in state 1 and one then went left."""
    return Demonstrations.from_steps(
        np.array([0, 1, 0, 1, 1, 0, 1, 1]),
        np.array([RIGHT, RIGHT, RIGHT, RIGHT, LEFT, RIGHT, RIGHT, RIGHT]),
        lengths=np.array([2, 4, 2]),
        final_observations=np.array([2, 1, 2]),
        observation_space=gym.spaces.Discrete(3),
        action_space=gym.spaces.Discrete(2),
    )


@pytest.mark.parametrize("features", ["state", "state-action", "both"])
def test_under_slip_the_dual_is_the_likelihood_of_the_choices(features: str) -> None:
    model, shown = slippery_chain(0.7, horizon=4), slipped()
    fit = Fit(Config(features=features), model, shown, "causal")  # type: ignore[arg-type]
    theta = np.random.default_rng(0).normal(size=fit.features.size)
    policy = soft_plan(model, fit.features.rewards(theta), "causal").policy
    ticks = [0, 1, 0, 1, 2, 3, 0, 1]
    assert shown.actions is not None
    chances = policy[ticks, shown.observations, shown.actions]
    assert fit.dual(fit.counts(np.arange(3)), theta)[0] == pytest.approx(-np.log(chances).sum() / 3)


@pytest.mark.parametrize("features", ["state", "state-action", "both"])
def test_the_gradient_under_slip_is_that_of_finite_differences(features: str) -> None:
    fit = Fit(Config(features=features), slippery_chain(0.7, horizon=4), slipped(), "causal")  # type: ignore[arg-type]
    wanted = fit.counts(np.arange(3))
    theta = np.random.default_rng(0).normal(size=fit.features.size)
    _, slope = fit.dual(wanted, theta)
    for index, nudge in enumerate(1e-5 * np.eye(fit.features.size)):
        above, below = fit.dual(wanted, theta + nudge)[0], fit.dual(wanted, theta - nudge)[0]
        assert slope[index] == pytest.approx((above - below) / 2e-5, abs=1e-8)


def test_a_known_policy_is_recovered_through_slip() -> None:
    found = mce_irl.recover(Config(), slippery_chain(0.7, horizon=4), slipped(), np.random.default_rng(0))
    assert found.stationary.act(np.array([0, 1])).tolist() == [RIGHT, RIGHT]


def test_a_table_with_many_outcomes_is_one_with_their_sums() -> None:
    """Fifty outcomes, of which some lead to the same place and many are impossible, change nothing."""
    plain = slippery_chain(0.7, horizon=4)
    following, chances = np.zeros((3, 2, 50), np.int64), np.zeros((3, 2, 50))
    following[:, :, [7, 20, 33]] = plain.next_states[:, :, [0, 0, 1]]
    chances[:, :, [7, 20, 33]] = [0.5, 0.2, 0.3]
    wide = TabularModel(following, chances, np.zeros((3, 2, 50)), plain.terminal, plain.starts, plain.horizon)
    for learner in (mce_irl, maxent_irl):
        narrow, broad = (
            learner.recover(Config(l2=1e-3, iterations=10), model, slipped(), np.random.default_rng(0))
            for model in (plain, wide)
        )
        assert_allclose(broad.reward, narrow.reward, atol=1e-6)
        assert_allclose(broad.soft, narrow.soft, atol=1e-6)


def test_without_chance_it_is_maximum_entropy(chain: EnvSpec) -> None:
    model = facts_of(chain).model
    assert model is not None
    causal, paths = (
        learner.recover(Config(), model, walks(), np.random.default_rng(0))
        for learner in (mce_irl, maxent_irl)
    )
    assert_allclose(causal.reward, paths.reward)
    assert_allclose(causal.soft, paths.soft)


def test_a_snapshot_acts_and_the_kept_policy_is_the_one_asked_for(chain: EnvSpec) -> None:
    kept = {}
    for policy in ("planned", "soft", "greedy"):
        config = Config(policy=policy)  # type: ignore[arg-type]
        *_, last = LEARNERS["mce-irl"].train(config, walks(), chain, np.random.default_rng(0))
        kept[policy] = last.policy.probabilities(np.array([0, 1]))
    assert_allclose(kept["planned"], [[0, 1], [0, 1]], atol=1e-6)
    assert_allclose(kept["greedy"], [[0, 1], [0, 1]], atol=1e-6)
    assert 0.01 < kept["soft"][0, LEFT] < 0.5


def test_no_regulariser_at_all_is_what_was_asked_for() -> None:
    found = mce_irl.recover(
        Config(l2=0.0), slippery_chain(0.7, horizon=4), slipped(), np.random.default_rng(0)
    )
    assert found.l2 == 0
