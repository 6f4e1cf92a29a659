"""GAIL: the rewards' signs and the losses by hand, what is judged, and the chain."""

from __future__ import annotations

import dataclasses
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium.envs.registration import EnvSpec

from learners import LEARNERS, gail
from learners.errors import NothingToLearnError, UnsupportedWorldError
from learners.evaluation import evaluate
from learners.networks import Perceptron
from learners.policies import Architecture, policy_from
from learners.rollout import Rollout
from learners.worlds import facts_of
from recordings.demonstrations import Demonstrations

SMALL = gail.Config(copies=8, ticks=16, iterations=20, averaged=5, discount=0.9)


def straight_to_the_end(actions: bool = True, episodes: int = 3) -> Demonstrations:
    """The chain's best episode, 0 -> 1 -> 2, some times."""
    return Demonstrations.from_steps(
        np.array([0, 1] * episodes),
        np.array([1, 1] * episodes) if actions else None,
        observation_space=gym.spaces.Discrete(3),
        action_space=gym.spaces.Discrete(2),
        lengths=np.full(episodes, 2),
        terminated=np.array([False, True] * episodes),
        final_observations=np.full(episodes, 2),
    )


def one_step(reached: int, action: int, terminated: bool) -> Rollout:
    """A step from state 1 of the chain."""
    return Rollout(
        observations=np.array([[1]]),
        actions=np.array([[action]]),
        rewards=np.array([[99.0]]),
        terminated=np.array([[terminated]]),
        truncated=np.array([[False]]),
        next_observations=np.array([[reached]]),
        valid=np.array([[True]]),
    )


def made(world: EnvSpec, demonstrations: Demonstrations, **settings: Any) -> gail.Discriminator:
    is_table = isinstance(demonstrations.observation_space, gym.spaces.Discrete)
    config = gail.completed(gail.Config(**settings), is_table=is_table)
    encoder = gail.Encoder(config, facts_of(world))
    expert = encoder.demonstrated(demonstrations)
    return gail.Discriminator(config, encoder, expert, np.random.default_rng(0))


def test_the_signs_of_the_rewards_by_hand() -> None:
    expert_like = torch.tensor([0.8]).logit()  # D = 0.8
    assert gail.imitation_reward("log-d", expert_like).item() == pytest.approx(np.log(0.8))
    assert gail.imitation_reward("minus-log-one-minus-d", expert_like).item() == pytest.approx(np.log(5))
    assert gail.imitation_reward("logit", expert_like).item() == pytest.approx(np.log(4))
    any_step = torch.linspace(-5, 5, 11)
    assert (gail.imitation_reward("log-d", any_step) < 0).all(), "every further step costs"
    assert (gail.imitation_reward("minus-log-one-minus-d", any_step) > 0).all(), "every further step pays"
    assert gail.imitation_reward("logit", torch.zeros(1)).item() == 0, "D = 1/2: neither"
    for form in ("logit", "log-d", "minus-log-one-minus-d"):
        paid = gail.imitation_reward(form, any_step)
        assert (paid.diff() > 0).all(), "more like the expert is better"


def test_the_loss_of_a_discriminator_that_knows_nothing_is_log_2() -> None:
    nothing = torch.zeros(3)
    loss = gail.discriminator_loss(nothing, torch.ones(3), nothing[:1], torch.ones(1))
    assert loss.item() == pytest.approx(np.log(2))
    sure = gail.discriminator_loss(nothing + 20, torch.ones(3), nothing - 20, torch.ones(3))
    assert sure.item() == pytest.approx(0, abs=1e-6), "D is the probability of the expert"


def test_the_best_discriminator_is_the_ratio_of_the_visits(chain: EnvSpec) -> None:
    """The minimum is at f = log(share among the expert's steps / share among the policy's own)."""
    expert, own = torch.tensor([3.0, 1.0]), torch.tensor([2.0, 6.0])
    best = torch.log((expert / 4) / (own / 8)).requires_grad_()
    gail.discriminator_loss(best, expert, best, own).backward()  # type: ignore[no-untyped-call]
    assert best.grad is not None
    assert best.grad.abs().max().item() < 1e-7


def test_the_loss_has_the_gradient_that_differences_give(cartpole: EnvSpec) -> None:
    discriminator = made(cartpole, balanced(), discriminator_hidden=(3,), l2=0.1)
    network = discriminator.network.double()
    rng = np.random.default_rng(0)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.from_numpy(rng.standard_normal(parameter.shape)))
    rows = torch.from_numpy(rng.standard_normal((4, 7)))
    own = gail.Steps(rows, torch.ones(4, dtype=torch.float64))

    def loss() -> torch.Tensor:
        return discriminator.loss(own, np.random.default_rng(1))

    loss().backward()  # type: ignore[no-untyped-call]
    weight = next(network.parameters())
    assert weight.grad is not None
    for index in ((0, 0), (2, 3)):
        ends = []
        for nudge in (1e-3, -1e-3):
            with torch.no_grad():
                weight[index] += nudge
            ends.append(loss().item())
            with torch.no_grad():
                weight[index] -= nudge
        assert weight.grad[index].item() == pytest.approx((ends[0] - ends[1]) / 2e-3, rel=1e-3, abs=1e-6)


def test_an_arrival_is_worth_what_staying_is_worth(chain: EnvSpec) -> None:
    """Discount 0.5: an end is followed by 0.5 + 0.25 + ... = 1 step in the absorbing state."""
    discriminator = made(chain, straight_to_the_end(), discount=0.5)
    with torch.no_grad():
        discriminator.network.outputs[3] = 2.0  # type: ignore[index, operator, union-attr] # state 1, right
        discriminator.network.outputs[6] = 5.0  # type: ignore[index, operator, union-attr] # absorbed
    assert discriminator.paid(one_step(2, 1, terminated=True)).rewards.tolist() == [[2.0 + 5.0]]
    assert discriminator.paid(one_step(2, 1, terminated=False)).rewards.tolist() == [[2.0]]
    assert discriminator.paid(one_step(0, 0, terminated=False)).rewards.tolist() == [[0.0]]


def test_the_absorbing_state_is_demonstrated_too(chain: EnvSpec) -> None:
    encoder = gail.Encoder(gail.completed(gail.Config(discount=0.5), is_table=True), facts_of(chain))
    steps = encoder.demonstrated(straight_to_the_end())
    assert steps.rows.tolist() == [1, 3, 6], "(0, right), (1, right), absorbed"
    assert steps.weights.tolist() == [3, 3, 3]
    without = gail.Config(discount=0.5, absorbing=False)
    encoder = gail.Encoder(gail.completed(without, is_table=True), facts_of(chain))
    assert encoder.demonstrated(straight_to_the_end()).rows.tolist() == [1, 3]


def test_a_state_only_discriminator_sees_what_was_reached_and_no_action(chain: EnvSpec) -> None:
    config = gail.completed(gail.Config(judged="state", discount=0.5), is_table=True)
    encoder = gail.Encoder(config, facts_of(chain))
    with_actions = encoder.demonstrated(straight_to_the_end())
    without = encoder.demonstrated(straight_to_the_end(actions=False))
    assert without.rows.tolist() == with_actions.rows.tolist() == [1, 2, 3], "state 1, the end, absorbed"


def test_a_discriminator_learns_to_tell_and_a_control_does_not(chain: EnvSpec) -> None:
    discriminator = made(chain, straight_to_the_end())
    for _ in range(20):
        metrics = discriminator.update(one_step(0, 0, terminated=False), np.random.default_rng(0))
    logits = discriminator.logits(torch.tensor([3, 2]))
    assert logits[0] > 0 > logits[1], "(1, right) is the expert's, (1, left) is not"
    assert metrics["discriminator_loss"] < np.log(2)
    for snapshot in gail.train(
        dataclasses.replace(SMALL, control=True, iterations=3),
        straight_to_the_end(),
        chain,
        np.random.default_rng(0),
    ):
        assert snapshot.metrics["imitation_reward"] == 0
        assert "discriminator_loss" not in snapshot.metrics


@pytest.mark.parametrize("judged", ["state-action", "state"])
@pytest.mark.parametrize("form", ["logit", "log-d", "minus-log-one-minus-d"])
def test_the_chain_is_imitated(chain: EnvSpec, judged: gail.Judged, form: gail.RewardForm) -> None:
    config = dataclasses.replace(SMALL, judged=judged, reward=form)
    demonstrations = straight_to_the_end(actions=judged == "state-action")
    *_, snapshot = gail.train(config, demonstrations, chain, np.random.default_rng(0))
    evaluation = evaluate(snapshot.policy, chain)
    assert (evaluation.return_mean, evaluation.length_mean) == (1, 2)
    assert snapshot.step == 20
    assert snapshot.env_steps <= 20 * 8 * 16


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


def test_the_policy_given_is_the_mean_of_the_last(chain: EnvSpec) -> None:
    learner = _FakeLearner()
    mean = gail.Average(learner, span=2)  # type: ignore[arg-type]
    for value, expected in ((1.0, 1.0), (3.0, 2.0), (4.0, 3.0)):
        with torch.no_grad():
            learner.actor.outputs.fill_(value)
        mean.take()
        assert (mean.policy().arrays["outputs"] == expected).all()
        assert (learner.actor.outputs == value).all(), "the policy that learns is left as it is"


class _FakeLearner:
    def __init__(self) -> None:
        from learners.networks import Table

        self.architecture = Architecture(gym.spaces.Discrete(3), gym.spaces.Discrete(2))
        self.actor = Table(3, 2)


def balanced() -> Demonstrations:
    """Five steps of CartPole, made up."""
    spec = gym.spec("CartPole-v1")
    facts = facts_of(spec)
    return Demonstrations.from_steps(
        np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32),
        np.array([0, 1, 0, 1, 1]),
        observation_space=facts.observation_space,
        action_space=facts.action_space,
    )


@pytest.mark.parametrize("judged", ["state-action", "state"])
def test_perceptrons_train(cartpole: EnvSpec, judged: gail.Judged) -> None:
    config = gail.Config(copies=2, ticks=32, iterations=2, judged=judged, hidden=(4,))
    *_, snapshot = gail.train(config, balanced(), cartpole, np.random.default_rng(0))
    assert np.isfinite(list(snapshot.metrics.values())).all()
    discriminator = made(cartpole, balanced(), judged=judged)
    assert isinstance(discriminator.network, Perceptron)
    assert len(discriminator.network.mean) == (7 if judged == "state-action" else 5)


def test_box_actions_are_judged() -> None:
    pendulum = gym.spec("Pendulum-v1")
    facts = facts_of(pendulum)
    demonstrations = Demonstrations.from_steps(
        np.zeros((4, 3), np.float32),
        np.zeros((4, 1), np.float32),
        observation_space=facts.observation_space,
        action_space=facts.action_space,
    )
    config = gail.Config(copies=2, ticks=8, iterations=2, hidden=(4,))
    *_, snapshot = gail.train(config, demonstrations, pendulum, np.random.default_rng(0))
    assert np.isfinite(list(snapshot.metrics.values())).all()


def test_training_goes_on_from_a_clone(chain: EnvSpec) -> None:
    architecture = Architecture(gym.spaces.Discrete(3), gym.spaces.Discrete(2))
    outputs = np.array([[0, 9], [0, 9], [0, 0]], np.float32)
    clone = policy_from(architecture, {"outputs": outputs, "stand_in": np.arange(3)})
    config = dataclasses.replace(SMALL, iterations=1)
    snapshot = next(gail.train(config, straight_to_the_end(), chain, np.random.default_rng(0), start=clone))
    assert evaluate(snapshot.policy, chain).return_mean == 1


def test_what_cannot_be_imitated_is_refused(chain: EnvSpec, cartpole: EnvSpec) -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(UnsupportedWorldError, match="found none"):
        next(gail.train(SMALL, straight_to_the_end(), None, rng))
    with pytest.raises(NothingToLearnError, match="observations alone"):
        next(gail.train(SMALL, straight_to_the_end(actions=False), chain, rng))
    with pytest.raises(NothingToLearnError, match="at least one step"):
        next(gail.train(SMALL, straight_to_the_end(episodes=0), chain, rng))
    with pytest.raises(NothingToLearnError, match="this world's"):
        next(gail.train(SMALL, straight_to_the_end(), cartpole, rng))
    assert LEARNERS["gail"] is gail
