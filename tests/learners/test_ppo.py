"""PPO: the recursion and the loss by hand, and the chain."""

from __future__ import annotations

import dataclasses
from itertools import pairwise
from typing import cast

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium.envs.registration import EnvSpec

from learners import ppo
from learners.errors import UnsupportedWorldError
from learners.evaluation import evaluate
from learners.networks import build, freeze
from learners.policies import Architecture, GaussianPolicy, TablePolicy, policy_from
from learners.rollout import Rollout

SMALL = ppo.Config(copies=8, ticks=16, iterations=15, learning_rate=0.1)


def column(*values: float) -> np.ndarray:
    return np.array(values)[:, None]


def test_advantages_by_hand() -> None:
    gains = ppo.advantages(
        column(1, 2, 3),
        column(10, 20, 30),
        column(20, 30, 40),
        column(0, 0, 0).astype(bool),
        column(0, 0, 0).astype(bool),
        discount=0.5,
        trace=0.5,
    )
    # surprises: 1 + 10 - 10, 2 + 15 - 20, 3 + 20 - 30 = 1, -3, -7; each takes a quarter of the next.
    assert gains[:, 0].tolist() == [1 - (3 + 7 / 4) / 4, -3 - 7 / 4, -7]


def test_truncation_bootstraps_and_termination_does_not() -> None:
    end = column(1, 0).astype(bool)
    never = column(0, 0).astype(bool)
    rewards, values, reached = column(1, 5), column(2, 0), column(8, 0)
    terminated = ppo.advantages(rewards, values, reached, end, never, 0.5, 1.0)
    truncated = ppo.advantages(rewards, values, reached, never, end, 0.5, 1.0)
    running = ppo.advantages(rewards, values, reached, never, never, 0.5, 1.0)
    assert terminated[0, 0] == 1 - 2
    assert truncated[0, 0] == 1 + 4 - 2
    assert running[0, 0] == 1 + 4 - 2 + 0.5 * 5


def test_the_clipped_loss_by_hand() -> None:
    log_ratio = torch.tensor([1.5, 1.5, 0.5, 0.5]).log()
    gains = torch.tensor([2.0, -2.0, 2.0, -2.0])
    # 1.2 * 2, 1.5 * -2, 0.5 * 2, 0.8 * -2
    assert ppo.clipped_loss(log_ratio, gains, 0.2).item() == pytest.approx(-(2.4 - 3 + 1 - 1.6) / 4)


def test_two_equal_actions_are_worth_log_2() -> None:
    actor = build(Architecture(gym.spaces.Discrete(3), gym.spaces.Discrete(2)), np.random.default_rng(0))
    logs, entropy = ppo.log_probabilities(actor, torch.tensor([0, 2]), torch.tensor([1, 0]))
    assert logs.tolist() == pytest.approx([-np.log(2)] * 2)
    assert entropy.tolist() == pytest.approx([np.log(2)] * 2)


def test_a_standard_gaussian_at_its_mean() -> None:
    architecture = Architecture(gym.spaces.Box(-1, 1, (2,)), gym.spaces.Box(-1, 1, (3,)))
    actor = build(architecture, np.random.default_rng(0))
    logs, entropy = ppo.log_probabilities(actor, torch.zeros(1, 2), torch.zeros(1, 3))
    assert logs.item() == pytest.approx(-1.5 * np.log(2 * np.pi))
    assert entropy.item() == pytest.approx(1.5 * np.log(2 * np.pi * np.e))


def test_the_loss_has_the_gradient_that_differences_give() -> None:
    rng = np.random.default_rng(0)
    actor = build(Architecture(gym.spaces.Discrete(3), gym.spaces.Discrete(2)), rng).double()
    batch = ppo.Batch(
        torch.tensor([0, 1, 1, 2]),
        torch.tensor([0, 1, 0, 1]),
        torch.tensor([-0.6, -0.7, -0.8, -0.2], dtype=torch.float64),
        torch.tensor([1.0, -2.0, 0.5, 1.0], dtype=torch.float64),
        torch.zeros(4),
    )
    config = ppo.completed(ppo.Config(entropy_bonus=0.3), is_table=True)
    critic = ppo.TableCritic(gym.spaces.Discrete(3), config)
    with torch.no_grad():
        actor.outputs.add_(torch.from_numpy(rng.standard_normal((3, 2))))  # type: ignore[union-attr, operator]
    ppo.ppo_loss(config, actor, critic, batch)[0].backward()  # type: ignore[no-untyped-call]
    weights = actor.outputs
    step = 1e-6
    for row, column_ in np.ndindex(3, 2):
        values = []
        for sign in (1, -1):
            with torch.no_grad():
                weights[row, column_] += sign * step  # type: ignore[index, operator]
                values.append(ppo.ppo_loss(config, actor, critic, batch)[0].item())
                weights[row, column_] -= sign * step  # type: ignore[index, operator]
        slope = (values[0] - values[1]) / (2 * step)
        assert weights.grad[row, column_].item() == pytest.approx(slope, rel=1e-6, abs=1e-9)  # type: ignore[union-attr, index]


def test_a_table_of_values_takes_the_mean_return_of_each_state() -> None:
    critic = ppo.TableCritic(gym.spaces.Discrete(3), ppo.Config(value_sweeps=1))
    rollout = Rollout(
        observations=np.array([[0], [1]]),
        actions=np.array([[1], [1]]),
        rewards=column(0, 1),
        terminated=column(0, 1).astype(bool),
        truncated=column(0, 0).astype(bool),
        next_observations=np.array([[1], [2]]),
        valid=column(1, 1).astype(bool),
    )
    gains = critic.advantages(ppo.Config(discount=0.5, trace=1.0), rollout)
    assert gains[:, 0].tolist() == [0.5, 1]
    assert critic.table.tolist() == [0.25, 0.5, 0], "one visit weighs as much as the old value"


def test_a_perceptron_speaks_of_values_in_units_of_a_reward_for_ever() -> None:
    space = gym.spaces.Box(-1, 1, (2,))
    network = build(Architecture(space, gym.spaces.Discrete(1), (4,)), np.random.default_rng(0))
    critic = ppo.NetworkCritic(network, unit=50.0)
    with torch.no_grad():
        network.layers[-1].bias.fill_(2.0)  # type: ignore[union-attr, index, operator]
    seen = np.zeros((1, 1, 2), np.float32)
    assert critic.values(seen).tolist() == [[100.0]]
    nothing = torch.zeros(1)
    batch = ppo.Batch(torch.zeros(1, 2), nothing, nothing, nothing, torch.tensor([150.0]))
    loss = critic.loss(batch)
    assert loss is not None
    assert loss.item() == 0.5, "one unit off"


def test_a_start_is_doubted_but_keeps_its_choices() -> None:
    architecture = Architecture(gym.spaces.Discrete(2), gym.spaces.Discrete(2))
    sure = policy_from(
        architecture, {"outputs": np.array([[50, 0], [0, 50]], np.float32), "stand_in": np.arange(2)}
    )
    doubted = ppo.doubted(sure, 0.1)
    assert isinstance(doubted, TablePolicy)
    assert doubted.probabilities(np.arange(2)) == pytest.approx(np.array([[0.95, 0.05], [0.05, 0.95]]))


def test_with_a_start_the_values_learn_first(chain: EnvSpec) -> None:
    architecture = Architecture(gym.spaces.Discrete(3), gym.spaces.Discrete(2))
    start = policy_from(
        architecture, {"outputs": np.array([[0, 2], [0, 1], [0, 0]], np.float32), "stand_in": np.arange(3)}
    )
    config = dataclasses.replace(SMALL, start_doubt=0.0, start_rounds=2, iterations=3)
    states = np.arange(3)
    snapshots = ppo.train(config, None, chain, np.random.default_rng(0), start=start)
    first, second, third = (
        cast(TablePolicy, snapshot.policy).probabilities(states) for snapshot in snapshots
    )
    own = cast(TablePolicy, start).probabilities(states)
    assert first == pytest.approx(own)
    assert second == pytest.approx(own)
    assert np.abs(third - own).max() > 0.01


def test_the_last_iteration_learns_least(chain: EnvSpec) -> None:
    config = dataclasses.replace(SMALL, iterations=4)
    snapshots = list(ppo.train(config, None, chain, np.random.default_rng(0)))
    outputs = [snapshot.policy.arrays["outputs"] for snapshot in snapshots]  # type: ignore[attr-defined]
    moved = [np.abs(after - before).max() for before, after in pairwise(outputs)]
    # 4 updates an iteration, of at most about the learning rate each: it was 0.1, and is 3/4, 2/4, 1/4 of that.
    assert moved[2] < 4 * 0.1 * 0.25 * 1.5 < 4 * 0.1


def test_the_chain_is_learned(chain: EnvSpec) -> None:
    *_, snapshot = ppo.train(SMALL, None, chain, np.random.default_rng(0))
    assert evaluate(snapshot.policy, chain).return_mean == 1
    assert snapshot.step == 15
    assert snapshot.env_steps <= 15 * 8 * 16


def test_training_goes_on_from_any_policy(chain: EnvSpec) -> None:
    architecture = Architecture(gym.spaces.Discrete(3), gym.spaces.Discrete(2))
    lazy = policy_from(
        architecture,
        {"outputs": np.array([[1, 0], [0, 0], [0, 0]], np.float32), "stand_in": np.array([0, 0, 0])},
    )
    own = ppo.own_rows(lazy)
    assert isinstance(own, TablePolicy)
    assert isinstance(lazy, TablePolicy)
    assert (own.probabilities(np.arange(3)) == lazy.probabilities(np.arange(3))).all()
    assert own.arrays["stand_in"].tolist() == [0, 1, 2]
    *_, snapshot = ppo.train(SMALL, None, chain, np.random.default_rng(0), start=lazy)
    assert evaluate(snapshot.policy, chain).return_mean == 1


def test_perceptrons_and_box_actions_train() -> None:
    pendulum = gym.spec("Pendulum-v1")
    config = ppo.Config(copies=2, ticks=8, iterations=2, epochs=1, minibatches=2, hidden=(4,))
    *_, snapshot = ppo.train(config, None, pendulum, np.random.default_rng(0))
    assert isinstance(snapshot.policy, GaussianPolicy)
    assert np.isfinite(list(snapshot.metrics.values())).all()


def test_a_start_may_be_narrowed() -> None:
    pendulum = gym.spec("Pendulum-v1")
    config = ppo.Config(copies=2, ticks=8, iterations=2, epochs=1, minibatches=2, hidden=(4,))
    *_, wide = ppo.train(config, None, pendulum, np.random.default_rng(0))
    narrower = dataclasses.replace(config, start_deviation=0.1, start_rounds=2)
    *_, snapshot = ppo.train(narrower, None, pendulum, np.random.default_rng(0), start=wide.policy)
    assert isinstance(snapshot.policy, GaussianPolicy)
    assert np.exp(snapshot.policy.arrays["log_std"]) == pytest.approx([0.1 * 2.0])


def test_a_start_of_another_world_is_refused(chain: EnvSpec, cartpole: EnvSpec) -> None:
    *_, snapshot = ppo.train(
        ppo.Config(copies=2, ticks=2, iterations=1), None, chain, np.random.default_rng(0)
    )
    with pytest.raises(UnsupportedWorldError, match="observation_space"):
        next(ppo.train(ppo.Config(), None, cartpole, np.random.default_rng(0), start=snapshot.policy))
    with pytest.raises(UnsupportedWorldError, match="found none"):
        next(ppo.train(ppo.Config(), None, None, np.random.default_rng(0)))


def test_a_policy_that_remembers_is_no_start() -> None:
    spaces = gym.spaces.Box(-1, 1, (2,), np.float32), gym.spaces.Discrete(2)
    architecture = Architecture(*spaces, (4,), memory=3)
    remembering = freeze(build(architecture, np.random.default_rng(0)), architecture)
    with pytest.raises(UnsupportedWorldError, match="remembers"):
        ppo.own_rows(remembering)
