"""The likelihood of clipped actions, and the scale of inputs that come in bit by bit."""

from __future__ import annotations

import math

import gymnasium as gym
import numpy as np
import pytest
import torch

from learners import ppo
from learners.gradients.likelihood import clipped_gaussian, log_probabilities
from learners.gradients.standard import RunningStandard
from learners.networks import Perceptron, build, freeze
from learners.policies import Architecture, GaussianPolicy
from learners.rollout import Sampler

PENDULUM = "Pendulum-v1"


def standard_gaussian(actions: list[float], mean: float, low: float, high: float) -> torch.Tensor:
    column = torch.tensor(actions)[:, None]
    width = torch.zeros(1)
    return clipped_gaussian(column, torch.full_like(column, mean), width, width + low, width + high)[:, 0]


def test_a_bound_has_the_chance_of_all_beyond_it() -> None:
    at_low, inside, at_high = standard_gaussian([-1.0, 0.0, 1.0], 0.0, -1.0, 1.0).tolist()
    # P(x <= -1) = P(x >= 1) = 15.87 % of a standard Gaussian.
    assert math.exp(at_low) == pytest.approx(0.158655, rel=1e-4)
    assert at_high == pytest.approx(at_low)
    assert math.exp(inside) == pytest.approx(1 / math.sqrt(2 * math.pi))


def test_the_chances_of_a_clipped_gaussian_sum_to_one() -> None:
    grid = torch.linspace(-1, 1, 20_001)[1:-1]
    at_low, at_high = standard_gaussian([-1.0, 1.0], 0.7, -1.0, 1.0).exp().tolist()
    inside = float(standard_gaussian(grid.tolist(), 0.7, -1.0, 1.0).exp().sum() * (grid[1] - grid[0]))
    assert at_low + inside + at_high == pytest.approx(1.0, abs=1e-3)


def test_a_box_without_bounds_has_densities_alone_and_a_sound_gradient() -> None:
    architecture = Architecture(gym.spaces.Box(-1, 1, (2,)), gym.spaces.Box(-np.inf, np.inf, (1,)))
    actor = build(architecture, np.random.default_rng(0))
    logs, _ = log_probabilities(actor, torch.zeros(2, 2), torch.tensor([[5.0], [-5.0]]))
    assert logs.tolist() == pytest.approx([-0.5 * (25 + math.log(2 * math.pi))] * 2)
    half_bounded = standard_gaussian([0.0, 2.0], 0.0, -math.inf, 2.0)
    assert math.exp(half_bounded[1].item()) == pytest.approx(0.02275, rel=1e-3)
    means = torch.zeros(1, 1, requires_grad=True)
    low, high = torch.tensor([-math.inf]), torch.tensor([2.0])
    clipped_gaussian(torch.tensor([[2.0]]), means, torch.zeros(1), low, high).sum().backward()  # type: ignore[no-untyped-call]
    # d log P(x >= 2) / d mean = density(2) / P(x >= 2)
    assert means.grad is not None
    assert means.grad.item() == pytest.approx(0.053991 / 0.022750, rel=1e-3)


def test_bounds_are_no_part_of_the_policy() -> None:
    architecture = Architecture(gym.spaces.Box(-1, 1, (2,)), gym.spaces.Box(-1, 1, (1,)))
    policy = freeze(build(architecture, np.random.default_rng(0)), architecture)
    assert isinstance(policy, GaussianPolicy)
    assert set(policy.arrays) == {"mean", "std", "layers.0.weight", "layers.0.bias", "log_std"}


def test_what_came_bit_by_bit_is_measured_as_if_it_had_come_at_once() -> None:
    rows = np.random.default_rng(0).normal(3.0, 2.0, (100, 2)) * [1.0, 0.0]
    network = Perceptron(2, (), 1)
    standard = RunningStandard([network])
    for part in (rows[:1], rows[1:30], rows[:0], rows[30:]):
        standard.see(part)
    assert standard.count == 100
    assert network.mean.numpy() == pytest.approx(rows.mean(0), abs=1e-5)
    assert network.std.numpy() == pytest.approx([rows[:, 0].std(), 1.0]), (
        "what never changes keeps deviation 1"
    )


def test_ppo_reads_inputs_relative_to_all_that_it_saw() -> None:
    sampler = Sampler(gym.spec(PENDULUM), 2, seed=0)
    config = ppo.completed(ppo.Config(standardised=True, hidden=(4,), epochs=1), is_table=False)
    rng = np.random.default_rng(0)
    learner = ppo.Learner(config, sampler, rng, None)
    seen = []
    for _ in range(2):
        rollout = sampler.collect(learner.policy(), 20, rng)
        seen.append(rollout.observations[rollout.valid])
        learner.update(rollout, rng)
    sampler.close()
    assert learner.policy().arrays["mean"] == pytest.approx(np.concatenate(seen).mean(0), abs=1e-5)
    assert learner.policy().arrays["std"] == pytest.approx(np.concatenate(seen).std(0), abs=1e-5)


def test_a_start_keeps_its_own_scale() -> None:
    sampler = Sampler(gym.spec(PENDULUM), 1, seed=0)
    rng = np.random.default_rng(0)
    settings = ppo.completed(ppo.Config(standardised=True, hidden=(4,), epochs=1), is_table=False)
    spaces = sampler.envs.single_observation_space, sampler.envs.single_action_space
    architecture = Architecture(*spaces, (4,))
    learner = ppo.Learner(settings, sampler, rng, freeze(build(architecture, rng), architecture))
    rollout = sampler.collect(learner.policy(), 20, rng)
    learner.update(rollout, rng)
    sampler.close()
    assert learner.policy().arrays["mean"].tolist() == [0, 0, 0]
    assert isinstance(learner.critic, ppo.NetworkCritic)
    assert isinstance(learner.critic.network, Perceptron)
    assert learner.critic.network.mean.numpy() == pytest.approx(
        rollout.observations[rollout.valid].mean(0), abs=1e-5
    )
