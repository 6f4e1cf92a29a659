"""Proximal policy optimisation: learning from the world's own reward (Schulman et al. 2017, algorithm 1).

Objective, over steps sampled with the old policy, with r = pi(a | s) / pi_old(a | s) and advantages A:

  maximise  mean min(r A, clip(r, 1 - eps, 1 + eps) A) + c_h mean entropy - c_v mean (V(s) - return)^2 / 2

Advantages are generalised (GAE, Schulman et al. 2016). Details follow "The 37 implementation details of PPO"
(Huang et al. 2022), but for two: at truncation the value of the state reached is bootstrapped, never at
termination; and a table of values is not fitted by gradient, for each state's mean return is the minimiser.

Reading order: Config, train, advantages, ppo_loss. The policy is the one that cloning trains.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, cast

import gymnasium as gym
import numpy as np
import torch
from gymnasium.envs.registration import EnvSpec
from torch import Tensor, nn
from torch.nn import functional

from learners.errors import UnsupportedWorldError
from learners.evaluation import check_fit
from learners.gradients.adam import Adam
from learners.gradients.likelihood import log_probabilities
from learners.gradients.standard import RunningStandard
from learners.gradients.starts import doubted, own_rows, spread
from learners.interface import Array, FloatArray, Policy, Snapshot
from learners.networks import Perceptron, PolicyNetwork, build, freeze, thaw
from learners.policies import Architecture, NetworkPolicy
from learners.rollout import Rollout, Sampler
from learners.settings import Count, CountOrZero, NonNegative, Positive, Settings, Share
from learners.worlds import facts_of


@dataclass(frozen=True)
class Config(Settings):
    """Settings of PPO. None: what suits the observations: Discrete ones a table, others a perceptron."""

    copies: Count | None = None
    """Copies of the world that are stepped at once; None: 256 (table), 8 (perceptron)."""
    ticks: Count | None = None  # steps
    """Steps of each copy in one iteration; None: 128 (table), 512 (perceptron). All copies start at once, so of a
    fraction of an episode each iteration would see another part, and unlearn what it learned of the last."""
    learning_rate: Positive | None = None  # per update
    """Adam step size at first; it falls in a line to 0 over `iterations`. None: 0.05 (table), 0.002 (perceptron)."""
    discount: Share | None = None
    """Worth of a reward one step later; None: 0.999 (table), 0.99 (perceptron)."""
    trace: Share | None = None
    """GAE's lambda: 0 trusts the values, 1 the returns; None: 0.98 (table), 0.95 (perceptron)."""
    entropy_bonus: NonNegative | None = None
    """Reward for indecision, per nat; None: 0.1 (table), 0 (perceptron)."""
    epochs: Count | None = None
    """Passes over each iteration's steps; None: 1 (table), 10 (perceptron)."""
    minibatches: Count | None = None
    """Updates in one pass; None: 4 (table), 8 (perceptron)."""
    clip: Positive = 0.2
    """How far from 1 the ratio of new to old probability still counts."""
    value_weight: NonNegative = 0.5
    """Perceptron: weight of the values' loss."""
    value_sweeps: Count = 3
    """Table: times that returns and values are computed from each other in one iteration."""
    gradient_norm: Positive | None = None
    """Longer gradients are shortened to this; None: no limit (table), 0.5 (perceptron)."""
    advantage_floor: Positive = 0.1  # reward
    """Added to the advantages' deviation before they are divided by it. Where rewards are rare, advantages are
    nearly all noise, and dividing by their tiny deviation would turn the noise into a signal."""
    hidden: tuple[Count, ...] = (64, 64)
    """Units in each hidden layer of a perceptron, policy and values alike."""
    standardised: bool = False
    """Perceptron: read inputs relative to mean and deviation of all that were seen so far. A start keeps its own."""
    start_doubt: Share = 0.1
    """Table, with a start: each state's first policy is this share uniform, for the rest the start's own."""
    start_deviation: Positive | None = None
    """Box actions, with a start: its deviations are narrowed to this share of half the range; None: left as they are.
    What is learned holds for drawn actions, and for the most probable ones the more, the narrower it is."""
    start_rounds: CountOrZero = 2
    """With a start: first iterations in which only the values learn, so that no update trusts values of nothing."""
    iterations: Count | None = None
    """Rounds of sampling and learning, at most; the caller may stop earlier. None: 1,000 (table), 100 (perceptron)."""


def completed(config: Config, *, is_table: bool) -> Config:
    """The settings with every None filled in (but for a table's `gradient_norm`: no limit)."""
    suited: dict[str, Any] = (
        {"copies": 256, "ticks": 128, "learning_rate": 0.05, "discount": 0.999, "trace": 0.98}
        | {"entropy_bonus": 0.1, "epochs": 1, "minibatches": 4, "iterations": 1_000}
        if is_table
        else {"copies": 8, "ticks": 512, "learning_rate": 2e-3, "discount": 0.99, "trace": 0.95}
        | {"entropy_bonus": 0.0, "epochs": 10, "minibatches": 8, "gradient_norm": 0.5, "iterations": 100}
    )
    return replace(config, **{name: value for name, value in suited.items() if getattr(config, name) is None})


def train(
    config: Config,
    demonstrations: object,
    world: EnvSpec | None,
    rng: np.random.Generator,
    *,
    start: Policy | None = None,
) -> Iterator[Snapshot]:
    """One snapshot an iteration; `Snapshot.step` counts iterations. Demonstrations play no part.

    start: a policy to go on from. Raises UnsupportedWorldError without a world, or for a start not made for it.
    """
    if world is None:
        raise UnsupportedWorldError("ppo: expected a world to act in, found none. Name one.")
    facts = facts_of(world)
    if start is not None:
        check_fit(start, facts)
        start = doubted(own_rows(start), config.start_doubt)
        if config.start_deviation is not None:
            start = spread(start, 0.0, config.start_deviation)
    is_table = isinstance(facts.observation_space, gym.spaces.Discrete)
    settings = completed(config, is_table=is_table)
    sampler = Sampler(world, cast(int, settings.copies), seed=int(rng.integers(2**31)))
    try:
        yield from _iterations(settings, sampler, rng, start)
    finally:
        sampler.close()


def _iterations(
    config: Config, sampler: Sampler, rng: np.random.Generator, start: Policy | None
) -> Iterator[Snapshot]:
    learner = Learner(config, sampler, rng, start)
    rounds, env_steps = cast(int, config.iterations), 0
    for iteration in range(1, rounds + 1):
        rollout = sampler.collect(learner.policy(), cast(int, config.ticks), rng)
        env_steps += int(rollout.valid.sum())
        learner.slow_to(1 - (iteration - 1) / rounds)
        only_values = start is not None and iteration <= config.start_rounds
        metrics = learner.update(rollout, rng, only_values=only_values)
        if rollout.finished:
            metrics["training_return"] = float(np.mean([episode.return_ for episode in rollout.finished]))
        yield Snapshot(iteration, learner.policy(), metrics, env_steps)


class Learner:
    """A policy, its values, and the optimiser of both."""

    def __init__(
        self, config: Config, sampler: Sampler, rng: np.random.Generator, start: Policy | None
    ) -> None:
        observations, actions = sampler.envs.single_observation_space, sampler.envs.single_action_space
        hidden = () if isinstance(observations, gym.spaces.Discrete) else config.hidden
        first = own_rows(start) if start is not None else None
        self.architecture = (
            Architecture(observations, actions, hidden) if first is None else first.architecture
        )
        self.config = config
        self.actor = build(self.architecture, rng) if first is None else thaw(first)
        self.critic: Critic
        if isinstance(observations, gym.spaces.Discrete):
            self.critic = TableCritic(observations, config)
        else:
            network = build(Architecture(observations, gym.spaces.Discrete(1), hidden), rng)
            self.critic = NetworkCritic(network, 1 / (1 - cast(float, config.discount)))
        self._standard = _standard(config, self.actor if first is None else None, self.critic)
        self._parameters = [*self.actor.parameters(), *self.critic.parameters()]
        self._adam = Adam(self._parameters, cast(float, config.learning_rate))

    def policy(self) -> NetworkPolicy:
        """The policy that the actor is now."""
        return freeze(self.actor, self.architecture)

    def slow_to(self, share: float) -> None:
        """Learn from now on at this share of the configured rate."""
        for group in self._adam.param_groups:
            group["lr"] = share * cast(float, self.config.learning_rate)

    def update(
        self, rollout: Rollout, rng: np.random.Generator, *, only_values: bool = False
    ) -> dict[str, float]:
        """Some passes over the steps of one rollout."""
        seen = rollout.observations[rollout.valid]
        if self._standard is not None and not self._standard.count:
            self._standard.see(seen)  # before it matters: the first policy answers alike everywhere
            seen = seen[:0]
        batch = self._batch(rollout)
        sums: dict[str, float] = {}
        n_updates = cast(int, self.config.epochs) * cast(int, self.config.minibatches)
        for _ in range(cast(int, self.config.epochs)):
            order = torch.from_numpy(rng.permutation(len(batch.returns)))
            for rows in torch.chunk(order, cast(int, self.config.minibatches)):
                for name, value in self._step(batch.rows(rows), only_values).items():
                    sums[name] = sums.get(name, 0.0) + value / n_updates
        if self._standard is not None:
            self._standard.see(seen)  # now, so that whoever acts next also learns from it
        return sums

    def _step(self, batch: Batch, only_values: bool) -> dict[str, float]:
        loss, parts = ppo_loss(self.config, self.actor, self.critic, batch)
        self._adam.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        if only_values:  # Adam leaves alone what has no gradient
            self.actor.zero_grad()
        if self.config.gradient_norm is not None:
            nn.utils.clip_grad_norm_(self._parameters, self.config.gradient_norm)
        self._adam.step()
        return {name: part.item() for name, part in parts.items()}

    @torch.no_grad()
    def _batch(self, rollout: Rollout) -> Batch:
        """The valid steps of a rollout with their advantages, in rows."""
        gains = self.critic.advantages(self.config, rollout)
        returns = gains + self.critic.values(rollout.observations)
        valid = rollout.valid
        kept = gains[valid]
        scaled = (kept - kept.mean()) / (kept.std() + self.config.advantage_floor)
        observations, actions = (
            torch.from_numpy(rollout.observations[valid]),
            self._targets(rollout.actions[valid]),
        )
        old, _ = log_probabilities(self.actor, observations, actions)
        return Batch(observations, actions, old, _floats(scaled), _floats(returns[valid]))

    def _targets(self, actions: Array) -> Tensor:
        if self.architecture.is_categorical:
            first = int(cast(gym.spaces.Discrete, self.architecture.action_space).start)
            return torch.from_numpy(actions.astype(np.int64) - first)
        return _floats(actions.reshape(len(actions), -1))


def _standard(config: Config, actor: PolicyNetwork | None, critic: Critic) -> RunningStandard | None:
    """What standardises the inputs of these networks, if it is wanted; None of tables and pictures."""
    networks = [each for each in (actor, getattr(critic, "network", None)) if type(each) is Perceptron]
    return RunningStandard(networks) if config.standardised and networks else None


class NetworkCritic:
    """Values from a perceptron, which `ppo_loss` draws towards the returns.

    It speaks in units of what a reward of 1 at every step is worth, so that its outputs are of the size of one
    reward, however long episodes are, and its gradient does not drown the policy's.
    """

    def __init__(self, network: PolicyNetwork, unit: float) -> None:
        self.network = network
        self.unit = unit

    def parameters(self) -> Iterator[nn.Parameter]:
        return self.network.parameters()

    @torch.no_grad()
    def values(self, observations: Array) -> FloatArray:
        """observations (T, B, *o) -> (T, B)"""
        ticks, copies = observations.shape[:2]
        flat = torch.from_numpy(observations.reshape(ticks * copies, *observations.shape[2:]))
        return cast(
            FloatArray, self.network(flat).numpy().astype(np.float64).reshape(ticks, copies) * self.unit
        )

    def advantages(self, config: Config, rollout: Rollout) -> FloatArray:
        return rollout_advantages(config, rollout, self)

    def loss(self, batch: Batch) -> Tensor | None:
        """Half the mean squared distance from the returns, in those units."""
        return 0.5 * functional.mse_loss(self.network(batch.observations)[:, 0], batch.returns / self.unit)


class TableCritic:
    """One value a state: the mean of the returns seen from it, drawn a little towards the value it had.

    By gradient a rarely visited state takes hundreds of visits to learn that the goal is near, and exploration,
    which lives on just those states, comes to a stop.
    """

    def __init__(self, space: gym.spaces.Discrete, config: Config) -> None:
        self.table = np.zeros(int(space.n))
        self._first = int(space.start)
        self._sweeps = config.value_sweeps

    def parameters(self) -> Iterator[nn.Parameter]:
        return iter(())

    def values(self, observations: Array) -> FloatArray:
        """observations (T, B) -> (T, B)"""
        return cast(FloatArray, self.table[observations - self._first])

    def advantages(self, config: Config, rollout: Rollout) -> FloatArray:
        """The advantages by the values before the last sweep, so that a step is not judged by its own return."""
        states = rollout.observations[rollout.valid] - self._first
        visits = np.bincount(states, minlength=len(self.table))
        for _ in range(self._sweeps):
            gains = rollout_advantages(config, rollout, self)
            returns = (gains + self.values(rollout.observations))[rollout.valid]
            totals = np.bincount(states, weights=returns, minlength=len(self.table))
            self.table = (self.table + totals) / (1 + visits)
        return gains

    def loss(self, batch: Batch) -> Tensor | None:
        """None: nothing is left for the gradient to do."""
        return None


Critic = TableCritic | NetworkCritic


# -- the algorithm ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Batch:
    """N steps."""

    observations: Tensor
    """(N, *o)"""
    actions: Tensor
    """(N,) int64, or (N, numbers) float32."""
    old_log_probabilities: Tensor
    """(N,) of those actions when they were taken."""
    advantages: Tensor
    """(N,)"""
    returns: Tensor
    """(N,) what the values ought to have been."""

    def rows(self, index: Tensor) -> Batch:
        return Batch(
            self.observations[index],
            self.actions[index],
            self.old_log_probabilities[index],
            self.advantages[index],
            self.returns[index],
        )


def advantages(
    rewards: FloatArray,
    values: FloatArray,
    next_values: FloatArray,
    terminated: Array,
    truncated: Array,
    discount: float,
    trace: float,
) -> FloatArray:
    """Generalised advantages (Schulman et al. 2016, equation 16), backwards in time.

    All (T, B). next_values: of the observation that each step led to, an episode's last included; it counts for
    nothing where the world terminated, and in full where the time merely ran out. No sum crosses an episode's end.
    """
    surprises = rewards + discount * next_values * ~terminated - values
    goes_on = discount * trace * ~(terminated | truncated)
    gains = np.zeros_like(surprises)
    following = np.zeros(surprises.shape[1])
    for t in reversed(range(len(surprises))):
        following = surprises[t] + goes_on[t] * following
        gains[t] = following
    return gains


def rollout_advantages(config: Config, rollout: Rollout, critic: Critic) -> FloatArray:
    """(T, B) the advantages of a rollout's steps by the critic's values."""
    return advantages(
        rollout.rewards,
        critic.values(rollout.observations),
        critic.values(rollout.next_observations),
        rollout.terminated,
        rollout.truncated,
        cast(float, config.discount),
        cast(float, config.trace),
    )


def ppo_loss(
    config: Config, actor: PolicyNetwork, critic: Critic, batch: Batch
) -> tuple[Tensor, dict[str, Tensor]]:
    """What is minimised, and its parts."""
    log_probability, entropy = log_probabilities(actor, batch.observations, batch.actions)
    surrogate = clipped_loss(log_probability - batch.old_log_probabilities, batch.advantages, config.clip)
    indecision = entropy.mean()
    loss = surrogate - cast(float, config.entropy_bonus) * indecision
    parts = {"policy_loss": surrogate.detach(), "entropy": indecision.detach()}
    if (value_loss := critic.loss(batch)) is not None:
        loss = loss + config.value_weight * value_loss
        parts["value_loss"] = value_loss.detach()
    return loss, parts


def clipped_loss(log_ratio: Tensor, gains: Tensor, clip: float) -> Tensor:
    """Minus the clipped surrogate (Schulman et al. 2017, equation 7); log_ratio (N,), gains (N,) -> a scalar."""
    ratio = log_ratio.exp()
    return -torch.minimum(ratio * gains, ratio.clamp(1 - clip, 1 + clip) * gains).mean()


def _floats(array: Array) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32))
