"""GAIL: what is played and chosen, on the chain and on CartPole; the discriminator has tests of its own."""

from __future__ import annotations

import dataclasses
from typing import Literal

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium.envs.registration import EnvSpec

from learners import LEARNERS, gail
from learners.cloning.mirror import with_mirror_images
from learners.errors import NothingToLearnError, UnsupportedWorldError
from learners.evaluation import evaluate
from learners.interface import Array
from learners.policies import Architecture, NetworkPolicy, policy_from
from learners.rewards.discriminators import Judged, RewardForm
from recordings.demonstrations import Demonstrations
from tests.learners.imitated import made_up_balance, straight_to_the_end

SMALL = gail.Config(copies=4, ticks=16, iterations=10, averaged=3, discount=0.9)


@pytest.mark.parametrize("judged", ["state-action", "state"])
@pytest.mark.parametrize("form", ["logit", "log-d", "minus-log-one-minus-d"])
def test_the_chain_is_imitated(chain: EnvSpec, judged: Judged, form: RewardForm) -> None:
    config = dataclasses.replace(SMALL, judged=judged, reward=form)
    demonstrations = straight_to_the_end(actions=judged == "state-action")
    *_, snapshot = gail.train(config, demonstrations, chain, np.random.default_rng(0))
    evaluation = evaluate(snapshot.policy, chain)
    assert (evaluation.return_mean, evaluation.length_mean) == (1, 2)
    assert snapshot.step == 10
    assert snapshot.env_steps <= 10 * 4 * 16
    assert snapshot.reward is not None
    assert snapshot.reward.shape == ((3, 2) if judged == "state-action" else (3,))


def test_an_expert_who_avoids_the_end_is_imitated_too(chain: EnvSpec) -> None:
    """Back and forth between 0 and 1 for 5 steps: the world's reward, 0, is not what is learned."""
    shy = Demonstrations.from_steps(
        np.array([0, 1, 0, 1, 0]),
        np.array([1, 0, 1, 0, 1]),
        observation_space=gym.spaces.Discrete(3),
        action_space=gym.spaces.Discrete(2),
        truncated=np.array([False, False, False, False, True]),
        final_observations=np.array([1]),
    )
    *_, snapshot = gail.train(SMALL, shy, chain, np.random.default_rng(0))
    assert snapshot.policy.act(np.array([0, 1])).tolist() == [1, 0]


@pytest.mark.parametrize("form", ["logit", "log-d", "minus-log-one-minus-d"])
def test_the_control_is_paid_nothing_and_learns_nothing(chain: EnvSpec, form: RewardForm) -> None:
    config = dataclasses.replace(SMALL, control=True, iterations=2, reward=form)
    for snapshot in gail.train(config, straight_to_the_end(), chain, np.random.default_rng(0)):
        assert snapshot.metrics["imitation_reward"] == 0
        assert not {"discriminator_loss", "surprise"} & set(snapshot.metrics)
        np.testing.assert_allclose(snapshot.policy.probabilities(np.arange(2)), 0.5)  # type: ignore[attr-defined]


def test_actions_do_not_leak_where_states_alone_are_judged(chain: EnvSpec) -> None:
    """The same with the right actions, with the wrong ones, and with none."""
    config = dataclasses.replace(SMALL, judged="state", iterations=3)
    right = straight_to_the_end()
    assert right.actions is not None
    wrong = dataclasses.replace(right, actions=1 - right.actions)
    last = []
    for shown in (right, wrong, straight_to_the_end(actions=False)):
        *_, snapshot = gail.train(config, shown, chain, np.random.default_rng(0))
        assert isinstance(snapshot.policy, NetworkPolicy)
        last.append(snapshot.policy.arrays["outputs"])
    assert (last[0] == last[1]).all()
    assert (last[0] == last[2]).all()


def test_the_policy_given_is_the_mean_of_the_last(chain: EnvSpec) -> None:
    config = gail.completed(dataclasses.replace(SMALL, averaged=2), is_table=True)
    generator = gail.PolicyGradient(config, chain, np.random.default_rng(0), None)
    outputs = generator.learner.actor.outputs
    assert isinstance(outputs, torch.nn.Parameter)
    for value, expected in ((1.0, 1.0), (3.0, 2.0), (4.0, 3.0)):
        with torch.no_grad():
            outputs.fill_(value)
        generator.take()
        assert (generator.policy().arrays["outputs"] == expected).all()
        assert (outputs == value).all(), "the policy that learns is left as it is"
    generator.close()


def rather_right(logit: float) -> NetworkPolicy:
    """On the chain: log odds of right everywhere."""
    outputs = np.array([[0, logit]] * 3, np.float32)
    architecture = Architecture(gym.spaces.Discrete(3), gym.spaces.Discrete(2))
    return policy_from(architecture, {"outputs": outputs, "stand_in": np.arange(3)})


def test_surprise_by_hand() -> None:
    """Odds of 3 for right; an episode of one step right, and one of a step right and a step left."""
    episodes = Demonstrations.from_steps(
        np.array([0, 0, 1]),
        np.array([1, 1, 0]),
        observation_space=gym.spaces.Discrete(3),
        action_space=gym.spaces.Discrete(2),
        lengths=np.array([1, 2]),
    )
    by_hand = (np.log(4 / 3) + (np.log(4 / 3) + np.log(4)) / 2) / 2
    assert gail.Surprise(episodes).of(rather_right(np.log(3))) == pytest.approx(by_hand)


def test_the_policy_that_surprises_least_is_chosen() -> None:
    chosen = gail.Chosen(straight_to_the_end())
    policies = [rather_right(logit) for logit in (0.0, 2.0, 1.0)]
    found = [chosen.consider(policy)["surprise"] for policy in policies]
    assert found[0] == pytest.approx(np.log(2))
    assert chosen.policy is policies[1]
    newest = gail.Chosen(None)
    for policy in policies:
        assert newest.consider(policy) == {}
        assert newest.policy is policy


def mirrored(observations: Array, actions: Array) -> tuple[Array, Array]:
    return -observations, 1 - actions


def test_the_mirror_images_come_after_the_episodes() -> None:
    shown = made_up_balance()
    both = with_mirror_images(shown, mirrored)
    assert len(both) == 10
    assert (both.observations[5:] == -shown.observations).all()
    assert (both.final_observations[1] == -shown.final_observations[0]).all()
    assert both.actions is not None
    assert shown.actions is not None
    assert (both.actions[5:] == 1 - shown.actions).all()
    assert both.starts.tolist() == [0, 5]
    without = with_mirror_images(dataclasses.replace(shown, actions=None), mirrored)
    assert without.actions is None
    assert (without.observations == both.observations).all()


@pytest.mark.parametrize("judged", ["state-action", "state"])
@pytest.mark.parametrize("generator", ["ppo", "cma-es"])
def test_perceptrons_train(cartpole: EnvSpec, judged: Judged, generator: Literal["ppo", "cma-es"]) -> None:
    config = gail.Config(
        generator=generator, copies=4, ticks=16, iterations=2, epochs=1, judged=judged, hidden=(4,)
    )
    rng = np.random.default_rng(0)
    *_, snapshot = gail.train(config, made_up_balance(), cartpole, rng, symmetry=mirrored)
    assert np.isfinite(list(snapshot.metrics.values())).all()
    assert ("surprise" in snapshot.metrics) == ((judged, generator) == ("state-action", "ppo"))
    assert snapshot.reward is None


def test_box_actions_are_judged() -> None:
    pendulum = gym.spec("Pendulum-v1")
    demonstrations = Demonstrations.from_steps(
        np.zeros((4, 3), np.float32),
        np.zeros((4, 1), np.float32),
        observation_space=gym.spaces.Box(-1, 1, (3,)),
        action_space=gym.spaces.Box(-2, 2, (1,)),
    )
    config = gail.Config(copies=2, ticks=8, iterations=2, epochs=1, hidden=(4,))
    *_, snapshot = gail.train(config, demonstrations, pendulum, np.random.default_rng(0))
    assert np.isfinite(list(snapshot.metrics.values())).all()


def test_training_goes_on_from_a_clone(chain: EnvSpec) -> None:
    config = dataclasses.replace(SMALL, iterations=1)
    training = gail.train(
        config, straight_to_the_end(), chain, np.random.default_rng(0), start=rather_right(9.0)
    )
    assert evaluate(next(training).policy, chain).return_mean == 1


def test_what_cannot_be_imitated_is_refused(chain: EnvSpec, cartpole: EnvSpec) -> None:
    rng = np.random.default_rng(0)
    search = dataclasses.replace(SMALL, generator="cma-es")
    with pytest.raises(UnsupportedWorldError, match="found none"):
        next(gail.train(SMALL, straight_to_the_end(), None, rng))
    with pytest.raises(NothingToLearnError, match="observations alone"):
        next(gail.train(SMALL, straight_to_the_end(actions=False), chain, rng))
    with pytest.raises(NothingToLearnError, match="at least one step"):
        next(gail.train(SMALL, straight_to_the_end(episodes=0), chain, rng))
    with pytest.raises(NothingToLearnError, match="this world's"):
        next(gail.train(SMALL, straight_to_the_end(), cartpole, rng))
    with pytest.raises(UnsupportedWorldError, match="Choose the generator ppo"):
        next(gail.train(search, straight_to_the_end(), chain, rng))
    with pytest.raises(UnsupportedWorldError, match="from nothing"):
        next(gail.train(search, straight_to_the_end(), chain, rng, start=rather_right(1.0)))
    assert LEARNERS["gail"] is gail


def test_a_start_waits_while_those_who_judge_it_learn(chain: EnvSpec) -> None:
    config = dataclasses.replace(SMALL, iterations=3, start_rounds=2, given="newest", averaged=1)
    training = gail.train(
        config, straight_to_the_end(), chain, np.random.default_rng(0), start=rather_right(1.0)
    )
    first, second, third = (snapshot.policy.arrays["outputs"] for snapshot in training)  # type: ignore[attr-defined]
    assert (first == second).all()
    assert (second != third).any()


def test_the_newest_may_be_given_rather_than_the_likeliest(chain: EnvSpec) -> None:
    config = dataclasses.replace(SMALL, iterations=1, given="newest")
    only = next(gail.train(config, straight_to_the_end(), chain, np.random.default_rng(0)))
    assert "surprise" not in only.metrics


def test_the_step_size_may_fall_to_the_end(chain: EnvSpec) -> None:
    """Four updates an iteration, of at most about the learning rate each, 0.1; in the last of four a quarter of it."""
    steady = dataclasses.replace(SMALL, iterations=4, learning_rate=0.1, given="newest", averaged=1)
    moved = []
    for config in (dataclasses.replace(steady, decay="line"), steady):
        snapshots = gail.train(config, straight_to_the_end(), chain, np.random.default_rng(0))
        outputs = [snapshot.policy.arrays["outputs"] for snapshot in snapshots]  # type: ignore[attr-defined]
        moved.append(np.abs(outputs[-1] - outputs[-2]).max())
    assert moved[0] < 4 * 0.1 * 0.25 * 1.5 < moved[1]
