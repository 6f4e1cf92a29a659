"""Generative adversarial imitation: be mistaken for the demonstrator (Ho & Ermon 2016, algorithm 1).

With D(s, a) = P(step is the expert's) = sigmoid(f(s, a)), the discriminator and the policy pi play

  max over D  mean over demonstrations of log D  +  mean over pi's own steps of log(1 - D)
  max over pi  expected discounted sum of a reward that grows with D   (PPO: no model of the world is needed)

Rewards: log D <= 0 pays for ending, -log(1 - D) >= 0 pays for surviving, logit D = f has both signs. A world
that ends lets a policy profit from the sign alone, so whoever reaches an end goes on in one absorbing state,
which the discriminator sees and rewards like any other (Kostrikov et al. 2019, section 4.2).

Reading order: Config, train, imitation_reward, discriminator_loss, Discriminator. The policy learns as in `ppo`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal, cast

import gymnasium as gym
import numpy as np
import torch
from gymnasium.envs.registration import EnvSpec
from torch import Tensor
from torch.nn import functional

from learners import ppo
from learners.errors import NothingToLearnError, UnsupportedWorldError
from learners.evaluation import check_fit
from learners.interface import Array, FloatArray, Policy, Snapshot
from learners.networks import Perceptron, Table, freeze
from learners.policies import NetworkPolicy
from learners.rollout import Rollout, Sampler
from learners.worlds import WorldFacts, facts_of
from recordings.demonstrations import Demonstrations

Judged = Literal["state-action", "state"]
RewardForm = Literal["logit", "log-d", "minus-log-one-minus-d"]

VALUE_WEIGHT = 1e-4
"""Imitation rewards have no scale, and an end counts 1 / (1 - discount) fold: with the usual weight the values'
gradient would be nearly all that is left when both are shortened together. Adam undoes the weight itself."""


@dataclass(frozen=True)
class Config:
    """Settings of GAIL. None: what suits the observations: Discrete ones a table, others a perceptron."""

    judged: Judged = "state-action"
    """What the discriminator sees of a step: state and action, or only the state that it led to."""
    reward: RewardForm = "logit"
    """What the policy is paid for a step that is the expert's with probability D."""
    absorbing: bool = True
    """Whether an end is a state like any other, to be judged, in which the policy stays for ever."""
    control: bool = False
    """No-demonstration control: the discriminator never learns (D = 1/2). What is still reached is not imitation."""
    discriminator_rate: float | None = None  # per update
    """Adam step size of the discriminator; None: 0.05 (table), 0.003 (perceptron)."""
    discriminator_updates: int | None = None
    """Updates of the discriminator in one iteration; None: 1 (table), 5 (perceptron)."""
    remembered: int = 1  # iterations
    """How many last iterations' steps the discriminator counts as the policy's own."""
    discriminator_hidden: tuple[int, ...] = (64,)
    """Units in each hidden layer of a perceptron that discriminates."""
    l2: float | None = None
    """Weight of half the discriminator's squared weights in its loss; None: 1e-6 (table), 1e-4 (perceptron)."""
    gradient_penalty: float = 0.1
    """Perceptron: weight of the squared slope of f between the expert's and the policy's steps."""
    copies: int | None = None
    """Copies of the world that are stepped at once; None: 256 (table), 32 (perceptron)."""
    ticks: int | None = None  # steps
    """Steps of each copy in one iteration; None: 128 (table), 64 (perceptron)."""
    learning_rate: float | None = None  # per update
    """Adam step size of the policy; None: 0.05 (table), 0.003 (perceptron)."""
    discount: float = 0.99
    """Worth of a reward one step later."""
    trace: float = 0.95
    """GAE's lambda: 0 trusts the values, 1 the returns."""
    entropy_bonus: float = 0.0
    """Reward for indecision, per nat: lambda in the paper."""
    hidden: tuple[int, ...] = (32,)
    """Units in each hidden layer of a perceptron, policy and values alike."""
    averaged: int | None = None  # iterations
    """The policy given is the mean of about as many last ones; 1: the last; None: 20 (table), 10 (perceptron)."""
    iterations: int = 300
    """Rounds of sampling and learning, at most; the caller may stop earlier."""


def completed(config: Config, *, is_table: bool) -> Config:
    """The settings with every None filled in."""
    suited: dict[str, Any] = (
        {"discriminator_rate": 0.05, "discriminator_updates": 1, "l2": 1e-6}
        | {"copies": 256, "ticks": 128, "learning_rate": 0.05, "averaged": 20}
        if is_table
        else {"discriminator_rate": 3e-3, "discriminator_updates": 5, "l2": 1e-4}
        | {"copies": 32, "ticks": 64, "learning_rate": 3e-3, "averaged": 10}
    )
    return replace(config, **{name: value for name, value in suited.items() if getattr(config, name) is None})


def train(
    config: Config,
    demonstrations: Demonstrations,
    world: EnvSpec | None,
    rng: np.random.Generator,
    *,
    start: Policy | None = None,
) -> Iterator[Snapshot]:
    """One snapshot an iteration; `Snapshot.step` counts iterations, its policy is the mean of the last ones.

    start: a policy to go on from, such as a clone of the same demonstrations.
    Raises UnsupportedWorldError without a world, or for a start not made for it; NothingToLearnError without
    demonstrations of this world, or without their actions where the discriminator judges them.
    """
    if world is None:
        raise UnsupportedWorldError("gail: expected a world to act in, found none. Name one.")
    facts = facts_of(world)
    if start is not None:
        check_fit(start, facts)
    is_table = isinstance(facts.observation_space, gym.spaces.Discrete)
    settings = completed(config, is_table=is_table)
    encoder = Encoder(settings, facts)
    expert = encoder.demonstrated(demonstrations)
    discriminator = Discriminator(settings, encoder, expert, rng)
    sampler = Sampler(world, cast(int, settings.copies), seed=int(rng.integers(2**31)))
    try:
        learner = ppo.Learner(_generator(settings, is_table=is_table), sampler, rng, start)
        yield from _iterations(settings, discriminator, learner, sampler, rng)
    finally:
        sampler.close()


def _iterations(
    config: Config,
    discriminator: Discriminator,
    learner: ppo.Learner,
    sampler: Sampler,
    rng: np.random.Generator,
) -> Iterator[Snapshot]:
    mean = Average(learner, cast(int, config.averaged))
    env_steps = 0
    for iteration in range(1, config.iterations + 1):
        rollout = sampler.collect(learner.policy(), cast(int, config.ticks), rng)
        env_steps += int(rollout.valid.sum())
        metrics = {} if config.control else discriminator.update(rollout, rng)
        paid = discriminator.paid(rollout)
        metrics |= {"imitation_reward": float(paid.rewards[paid.valid].mean())} | learner.update(paid, rng)
        mean.take()
        yield Snapshot(iteration, mean.policy(), metrics, env_steps)


def _generator(config: Config, *, is_table: bool) -> ppo.Config:
    """The policy's side as PPO's settings."""
    settings = ppo.Config(
        copies=config.copies,
        ticks=config.ticks,
        learning_rate=config.learning_rate,
        discount=config.discount,
        trace=config.trace,
        entropy_bonus=config.entropy_bonus,
        hidden=config.hidden,
        value_weight=VALUE_WEIGHT,
    )
    return ppo.completed(settings, is_table=is_table)


class Average:
    """The running mean of a policy's parameters: late policies wander around what their mean holds still.

    It weighs all policies alike until there are `span`, then forgets exponentially. The true return plays no part.
    """

    def __init__(self, learner: ppo.Learner, span: int) -> None:
        self._learner = learner
        self._span = span
        self._taken = 0
        self._mean = {name: p.detach().clone() for name, p in learner.actor.named_parameters()}

    @torch.no_grad()
    def take(self) -> None:
        """Count the policy as it is now."""
        self._taken += 1
        share = 1.0 / min(self._taken, self._span)
        for name, parameter in self._learner.actor.named_parameters():
            self._mean[name].lerp_(parameter, share)

    def policy(self) -> NetworkPolicy:
        own = {name: p.detach().clone() for name, p in self._learner.actor.named_parameters()}
        self._learner.actor.load_state_dict(self._mean, strict=False)
        mean = freeze(self._learner.actor, self._learner.architecture)
        self._learner.actor.load_state_dict(own, strict=False)
        return mean


# -- the algorithm ---------------------------------------------------------------------------------------


def imitation_reward(form: RewardForm, logits: Tensor) -> Tensor:
    """What a step is worth by f = logit D, any shape; D is the probability that the step is the expert's."""
    if form == "log-d":
        return functional.logsigmoid(logits)
    if form == "minus-log-one-minus-d":
        return functional.softplus(logits)
    return logits


def discriminator_loss(expert: Tensor, expert_weights: Tensor, own: Tensor, own_weights: Tensor) -> Tensor:
    """Half the cross entropy of each side: expert steps are to have D = 1, the policy's own D = 0.

    Logits (N,) and (M,) with weights that count equal steps once; both sides weigh alike, however many they are.
    """
    taken_for_own = (functional.softplus(-expert) * expert_weights).sum() / expert_weights.sum()
    taken_for_expert = (functional.softplus(own) * own_weights).sum() / own_weights.sum()
    return 0.5 * (taken_for_own + taken_for_expert)


@dataclass(frozen=True)
class Steps:
    """N different steps as the discriminator reads them."""

    rows: Tensor
    """(N,) int64 entries of a table, or (N, features) float32."""
    weights: Tensor
    """(N,) how often each occurred."""


class Encoder:
    """Turns steps into what the discriminator reads: entries of a table, or features.

    A step into the absorbing state, and every one after, is a single row of its own. Features: the observation,
    the action (one-hot where Discrete) if it is judged, and 1 in the absorbing state's row alone.
    """

    def __init__(self, config: Config, facts: WorldFacts) -> None:
        self._observations, self._actions = facts.observation_space, facts.action_space
        self._judges_actions = config.judged == "state-action"
        self._absorbed_for = config.discount / (1.0 - config.discount)
        self._absorbing = config.absorbing
        self.is_table = isinstance(self._observations, gym.spaces.Discrete) and (
            not self._judges_actions or isinstance(self._actions, gym.spaces.Discrete)
        )
        n_inputs = int(gym.spaces.flatdim(self._observations))
        n_actions = int(gym.spaces.flatdim(self._actions)) if self._judges_actions else 1
        self._n_actions = n_actions
        self.width = n_inputs * n_actions if self.is_table else n_inputs + self._judges_actions * n_actions

    @property
    def absorbing_row(self) -> Tensor:
        """(1,) or (1, features)"""
        if self.is_table:
            return torch.tensor([self.width])
        return functional.one_hot(torch.tensor([self.width]), self.width + 1).float()

    @property
    def worth_of_absorption(self) -> float:
        """Discounted steps that follow an arrival: discount / (1 - discount), or none if ends are not judged."""
        return self._absorbed_for if self._absorbing else 0.0

    def rows(self, observations: Array, actions: Array | None, reached: Array) -> Tensor:
        """observations, reached (N, *o), actions (N, *a) -> (N,) or (N, features)."""
        seen = observations if self._judges_actions else reached
        if self.is_table:
            states = seen.astype(np.int64) - int(cast(gym.spaces.Discrete, self._observations).start)
            return torch.from_numpy(
                states * self._n_actions + (self._choices(actions) if self._judges_actions else 0)
            )
        parts = [_flat(seen, self._observations)]
        if self._judges_actions:
            parts.append(_flat(cast(Array, actions), self._actions))
        parts.append(np.zeros((len(seen), 1)))
        return torch.from_numpy(np.concatenate(parts, axis=1).astype(np.float32))

    def _choices(self, actions: Array | None) -> Array:
        return cast(Array, actions).astype(np.int64) - int(cast(gym.spaces.Discrete, self._actions).start)

    def steps(self, rows: Tensor, n_arrivals: int) -> Steps:
        """Those rows, and as many of the absorbing state as `n_arrivals` ends are worth; a table's are counted."""
        absorbed = n_arrivals * self.worth_of_absorption
        if self.is_table:
            counts = torch.bincount(rows, minlength=self.width + 1).float()
            counts[self.width] += absorbed
            occurring = counts.nonzero()[:, 0]
            return Steps(occurring, counts[occurring])
        weights = torch.ones(len(rows))
        if absorbed == 0:
            return Steps(rows, weights)
        return Steps(torch.cat([rows, self.absorbing_row]), torch.cat([weights, torch.tensor([absorbed])]))

    def demonstrated(self, demonstrations: Demonstrations) -> Steps:
        """The expert's steps. Raises NothingToLearnError where there are none that can be judged here."""
        for name, expected in (("observation_space", self._observations), ("action_space", self._actions)):
            found = getattr(demonstrations, name)
            if type(found) is not type(expected) or gym.spaces.flatdim(found) != gym.spaces.flatdim(expected):
                raise NothingToLearnError(
                    f"{name}: expected demonstrations of this world's {expected}, found {found}. "
                    "Load demonstrations of the world to act in."
                )
        if self._judges_actions and demonstrations.actions is None:
            raise NothingToLearnError(
                "actions: expected demonstrated actions to judge, found observations alone. "
                'Load the demonstrations with actions, or set judged to "state".'
            )
        used = demonstrations.labelled if self._judges_actions else np.ones(len(demonstrations), dtype=bool)
        if not used.any():
            raise NothingToLearnError(
                f"demonstrations: expected at least one step to imitate, found none in "
                f"{len(demonstrations)} steps. Choose other drivers, labels or episodes, or record some."
            )
        actions = None if demonstrations.actions is None else demonstrations.actions[used]
        rows = self.rows(demonstrations.observations[used], actions, reached(demonstrations)[used])
        return self.steps(rows, int((demonstrations.terminated & used).sum()))


def reached(demonstrations: Demonstrations) -> Array:
    """(N, *o) what each demonstrated step led to, an episode's last one included."""
    following = np.roll(demonstrations.observations, -1, axis=0)
    ends = demonstrations.starts + demonstrations.lengths - 1
    following[ends[demonstrations.lengths > 0]] = demonstrations.final_observations[
        demonstrations.lengths > 0
    ]
    return following


def _flat(values: Array, space: gym.Space[Any]) -> FloatArray:
    """(N, *shape) -> (N, numbers); Discrete ones become one-hot."""
    if isinstance(space, gym.spaces.Discrete):
        return np.eye(int(space.n))[values.astype(np.int64) - int(space.start)]
    return values.reshape(len(values), -1).astype(np.float64)


class Discriminator:
    """f = logit D: one number for each entry of a table, or a perceptron over features. At first D = 1/2."""

    def __init__(self, config: Config, encoder: Encoder, expert: Steps, rng: np.random.Generator) -> None:
        self._config, self._encoder, self._expert = config, encoder, expert
        self.network: Table | Perceptron
        if encoder.is_table:
            self.network = Table(encoder.width + 1, 1)
        else:
            self.network = Perceptron(encoder.width + 1, config.discriminator_hidden, 1)
            self.network.initialise(rng)
        self._adam = torch.optim.Adam(self.network.parameters(), lr=cast(float, config.discriminator_rate))
        self._is_fresh = True
        self._own: deque[Steps] = deque(maxlen=config.remembered)

    def logits(self, rows: Tensor) -> Tensor:
        """(N,) or (N, features) -> (N,)"""
        return cast(Tensor, self.network(rows))[:, 0]

    def update(self, rollout: Rollout, rng: np.random.Generator) -> dict[str, float]:
        """Some updates on the expert's steps against the rollout's."""
        ends = int((rollout.terminated & rollout.valid).sum())
        self._own.append(self._encoder.steps(self._rows(rollout), ends))
        own = Steps(torch.cat([steps.rows for steps in self._own]), torch.cat([s.weights for s in self._own]))
        if self._is_fresh and isinstance(self.network, Perceptron):
            self.network.standardise(torch.cat([self._expert.rows, own.rows]).numpy())
        self._is_fresh = False
        for _ in range(cast(int, self._config.discriminator_updates)):
            loss = self.loss(own, rng)
            self._adam.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self._adam.step()
        return {"discriminator_loss": loss.item()}

    def loss(self, own: Steps, rng: np.random.Generator) -> Tensor:
        """The cross entropy and its regularisers: squared weights, and for a perceptron its slope."""
        expert = self._expert
        loss = discriminator_loss(
            self.logits(expert.rows), expert.weights, self.logits(own.rows), own.weights
        )
        weights = [p for p in self.network.parameters() if p.dim() == 2]
        loss = (
            loss + 0.5 * cast(float, self._config.l2) * torch.stack([w.square().sum() for w in weights]).sum()
        )
        if self._config.gradient_penalty and isinstance(self.network, Perceptron):
            between = _between(expert, own, len(own.rows), rng)
            loss = loss + self._config.gradient_penalty * self._mean_squared_slope(between)
        return loss

    def _mean_squared_slope(self, rows: Tensor) -> Tensor:
        """Over standardised features: how fast f can change between one step and another."""
        rows.requires_grad_()
        (slope,) = torch.autograd.grad(self.logits(rows).sum(), rows, create_graph=True)
        return (slope * cast(Perceptron, self.network).std).square().sum(1).mean()

    @torch.no_grad()
    def paid(self, rollout: Rollout) -> Rollout:
        """The same rollout, but paid by the discriminator: an end also earns what staying there is worth."""
        rewards = np.zeros(rollout.valid.shape)
        steps = imitation_reward(self._config.reward, self.logits(self._rows(rollout)))
        rewards[rollout.valid] = steps.numpy()
        at_the_end = imitation_reward(self._config.reward, self.logits(self._encoder.absorbing_row)).item()
        rewards += self._encoder.worth_of_absorption * at_the_end * (rollout.terminated & rollout.valid)
        return replace(rollout, rewards=rewards)

    def _rows(self, rollout: Rollout) -> Tensor:
        valid = rollout.valid
        return self._encoder.rows(
            rollout.observations[valid], rollout.actions[valid], rollout.next_observations[valid]
        )


def _between(expert: Steps, own: Steps, n: int, rng: np.random.Generator) -> Tensor:
    """(n, features) points on lines between steps of both sides, for the penalty (Gulrajani et al. 2017)."""
    ends = []
    for steps in (expert, own):
        chances = (steps.weights / steps.weights.sum()).numpy().astype(np.float64)
        ends.append(steps.rows[rng.choice(len(chances), n, p=chances / chances.sum())])
    share = torch.from_numpy(rng.random((n, 1), dtype=np.float32))
    return share * ends[0] + (1 - share) * ends[1]
