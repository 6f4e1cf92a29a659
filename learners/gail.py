"""Generative adversarial imitation: be mistaken for the demonstrator (Ho & Ermon 2016, algorithm 1).

With D(s, a) = P(step is the expert's) = sigmoid(f(s, a)), the discriminator and the policy pi play

  max over D  mean over demonstrations of log D  +  mean over pi's own steps of log(1 - D)
  max over pi  expected sum of a reward that grows with D

Rewards: log D <= 0 pays for ending, -log(1 - D) >= 0 pays for surviving, logit D = f has both signs. A world
that ends lets a policy profit from the sign alone, so whoever reaches an end goes on in one absorbing state,
which the discriminator sees and rewards like any other (Kostrikov et al. 2019, section 4.2).

The policy learns by PPO, from discounted rewards, or is found by CMA-ES, from those of whole episodes; neither
needs a model of the world. The true return plays no part anywhere.

Reading order: Config, train, PolicyGradient, Chosen; then `discriminators`. The other generator is in `cma_es`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol, cast

import gymnasium as gym
import numpy as np
import torch
from gymnasium.envs.registration import EnvSpec
from torch import Tensor

from learners import cma_es, ppo
from learners.cloning.labelled_steps import Symmetry
from learners.cloning.mirror import with_mirror_images
from learners.errors import UnsupportedWorldError
from learners.evaluation import check_fit
from learners.gradients.likelihood import log_probabilities
from learners.gradients.starts import doubted, own_rows
from learners.interface import Array, FloatArray, Policy, Snapshot
from learners.networks import freeze, thaw
from learners.policies import NetworkPolicy
from learners.rewards.discriminators import (
    CountingDiscriminator,
    Discriminator,
    Encoder,
    Judged,
    PerceptronDiscriminator,
    PerceptronSettings,
    RewardForm,
    Steps,
    paid,
    worths,
)
from learners.rollout import Rollout, Sampler
from learners.settings import Count, CountOrZero, NonNegative, Part, Positive, Settings, Share
from learners.worlds import facts_of
from recordings.demonstrations import Demonstrations

START_DOUBT = 0.1
"""A table that is gone on from is mixed with this share of the uniform policy: a clone is too certain to learn."""


@dataclass(frozen=True)
class Config(Settings):
    """Settings of GAIL. None: what suits the observations: Discrete ones a table, others a perceptron."""

    generator: Literal["ppo", "cma-es"] = "ppo"
    """Who finds the policy: the gradient, or a search of linear policies that needs none."""
    judged: Judged | None = None
    """What the discriminator sees of a step: state and action, or only the state that it led to.
    None: state-action for ppo, state for cma-es."""
    reward: RewardForm | None = None
    """What is paid for a step that is the expert's with probability D. None: logit for ppo, log-d for cma-es."""
    absorbing: bool = True
    """Whether an end is a state like any other, to be judged, in which the policy stays for ever."""
    control: bool = False
    """No-demonstration control: the discriminator never learns (D = 1/2), and nothing is chosen by likelihood.
    What is still reached is not imitation."""
    remembered: Count | None = None  # iterations
    """How many last iterations' steps the discriminator counts as the policy's own; a table forgets gradually.
    None: 10 for ppo, 100 for cma-es."""
    smoothing: Positive = 0.01  # steps
    """Table: of the expert's, taken to have occurred on both sides in every place before the first."""
    discriminator_rate: Positive = 3e-3  # per update
    """Perceptron: Adam step size of the discriminator."""
    discriminator_updates: Count = 5
    """Perceptron: updates of the discriminator in one iteration."""
    discriminator_batch: Count = 1024  # steps
    """Perceptron: steps of either side in one update of the discriminator."""
    discriminator_hidden: tuple[Count, ...] = (64,)
    """Units in each hidden layer of a perceptron that discriminates."""
    l2: NonNegative = 1e-4
    """Perceptron: weight of half the discriminator's squared weights in its loss."""
    gradient_penalty: NonNegative = 0.1
    """Perceptron: weight of the squared slope of f between the expert's and the policy's steps."""
    copies: Count | None = None
    """Copies of the world stepped at once; None: 512 (table), 32 (perceptron). cma-es: candidates; None: 16."""
    ticks: Count = 64  # steps
    """ppo: steps of each copy in one iteration."""
    learning_rate: Positive | None = None  # per update
    """ppo: Adam step size of the policy; None: 0.05 (table), 0.003 (perceptron)."""
    decay: Literal["line", "none"] = "none"
    """ppo: the policy's step size falls in a line to 0 over `iterations`, or stays."""
    epochs: Count | None = None
    """ppo: passes over each iteration's steps; None: 1 (table), 10 (perceptron)."""
    discount: Part = 0.99
    """Worth of a reward one step later; an end counts as discount / (1 - discount) absorbed steps."""
    trace: Share = 0.9
    """ppo: GAE's lambda: 0 trusts the values, 1 the returns."""
    entropy_bonus: NonNegative = 0.0
    """ppo: reward for indecision, per nat: lambda in the paper."""
    hidden: tuple[Count, ...] = (32,)
    """ppo: units in each hidden layer of a perceptron, policy and values alike."""
    standardised: bool = False
    """ppo: whether perceptrons read inputs relative to all that were seen so far. A start keeps its own scale."""
    start_rounds: CountOrZero = 0
    """ppo, with a start: first iterations in which only discriminator and values learn."""
    given: Literal["likeliest", "newest"] = "likeliest"
    """ppo, where actions are judged: the policy given is the one so far under which the demonstrated actions were
    likeliest, or the newest. A clone that is gone on from would stay the likeliest for long."""
    averaged: Count | None = None  # iterations
    """ppo: the policy given is the mean of about as many last ones; 1: the last; None: 20 (table), 10 (perceptron)."""
    iterations: Count | None = None
    """Rounds of sampling and learning, at most; None: 250 (table), 60 (perceptron), 40 (cma-es)."""


def completed(config: Config, *, is_table: bool) -> Config:
    """The settings with every None filled in."""
    suited: dict[str, Any] = (
        {"copies": 512, "learning_rate": 0.05, "epochs": 1, "averaged": 20, "iterations": 250}
        if is_table
        else {"copies": 32, "learning_rate": 3e-3, "epochs": 10, "averaged": 10, "iterations": 60}
    )
    if config.generator == "cma-es":
        suited |= {"judged": "state", "reward": "log-d", "remembered": 100, "copies": 16, "iterations": 40}
    else:
        suited |= {"judged": "state-action", "reward": "logit", "remembered": 10}
    return replace(config, **{name: value for name, value in suited.items() if getattr(config, name) is None})


def train(
    config: Config,
    demonstrations: Demonstrations,
    world: EnvSpec | None,
    rng: np.random.Generator,
    *,
    start: Policy | None = None,
    symmetry: Symmetry | None = None,
) -> Iterator[Snapshot]:
    """One snapshot an iteration; `Snapshot.step` counts iterations, its policy is the one chosen so far.

    start: a policy to go on from, such as a clone of the same demonstrations (ppo). symmetry: each demonstration
    also counts mirrored. Raises UnsupportedWorldError without a world, or for a start not made for it;
    NothingToLearnError without demonstrations of this world, or without their actions where those are judged.
    """
    if world is None:
        raise UnsupportedWorldError("gail: expected a world to act in, found none. Name one.")
    facts = facts_of(world)
    if start is not None:
        check_fit(start, facts)
        start = doubted(own_rows(start), START_DOUBT)
    settings = completed(config, is_table=isinstance(facts.observation_space, gym.spaces.Discrete))
    judged = cast(Judged, settings.judged)
    encoder = Encoder(facts, judged, absorbing=settings.absorbing, discount=settings.discount)
    shown = demonstrations if symmetry is None else with_mirror_images(demonstrations, symmetry)
    discriminator = _discriminator(settings, encoder, encoder.demonstrated(shown), rng)
    chosen = Chosen(shown if _chooses(settings) else None)
    generator = _generator(settings, world, rng, start)
    try:
        yield from _iterations(settings, encoder, discriminator, generator, chosen, rng)
    finally:
        generator.close()


def _chooses(config: Config) -> bool:
    """Whether the policy given is chosen by the demonstrated actions."""
    knows_actions = config.generator == "ppo" and config.judged == "state-action" and not config.control
    return knows_actions and config.given == "likeliest"


def _iterations(
    config: Config,
    encoder: Encoder,
    discriminator: Discriminator,
    generator: Generator,
    chosen: Chosen,
    rng: np.random.Generator,
) -> Iterator[Snapshot]:
    form = cast(RewardForm, config.reward)
    env_steps = 0
    for iteration in range(1, cast(int, config.iterations) + 1):
        rollout = generator.collect(rng)
        env_steps += int(rollout.valid.sum())
        metrics = {} if config.control else discriminator.update(encoder.own(rollout), rng)
        rewarded = paid(form, discriminator, encoder, rollout)
        metrics |= {"imitation_reward": float(rewarded.rewards[rewarded.valid].mean())}
        metrics |= generator.learn(rewarded, rng)
        metrics |= chosen.consider(generator.policy())
        yield Snapshot(
            iteration, chosen.policy, metrics, env_steps, _reward_map(form, discriminator, encoder)
        )


def _reward_map(form: RewardForm, discriminator: Discriminator, encoder: Encoder) -> FloatArray | None:
    """What every step of a table is paid now."""
    if not encoder.is_table:
        return None
    return worths(form, discriminator, encoder, torch.arange(encoder.width)).reshape(encoder.shape)


def _discriminator(
    config: Config, encoder: Encoder, expert: Steps, rng: np.random.Generator
) -> Discriminator:
    width = encoder.width + 1  # one for the absorbing state
    remembered = cast(int, config.remembered)
    if encoder.is_table:
        return CountingDiscriminator(expert, width, remembered=remembered, smoothing=config.smoothing)
    settings = PerceptronSettings(
        hidden=config.discriminator_hidden,
        learning_rate=config.discriminator_rate,
        updates=config.discriminator_updates,
        batch_size=config.discriminator_batch,
        remembered=remembered,
        l2=config.l2,
        gradient_penalty=config.gradient_penalty,
    )
    return PerceptronDiscriminator(expert, width, settings, rng)


# -- the policy's side -----------------------------------------------------------------------------------


class Generator(Protocol):
    """Whoever makes policies that are to be mistaken for the expert."""

    def collect(self, rng: np.random.Generator) -> Rollout:
        """Act in the world."""
        ...

    def learn(self, rewarded: Rollout, rng: np.random.Generator) -> dict[str, float]:
        """Do better by the imitation's rewards of what was collected last."""
        ...

    def policy(self) -> NetworkPolicy:
        """The policy found so far."""
        ...

    def close(self) -> None: ...


def _generator(config: Config, world: EnvSpec, rng: np.random.Generator, start: Policy | None) -> Generator:
    if config.generator == "ppo":
        return PolicyGradient(config, world, rng, start)
    if start is not None:
        raise UnsupportedWorldError(
            "start: expected none for cma-es, which searches linear policies from nothing, found a policy. "
            "Leave it out, or choose the generator ppo."
        )
    return cma_es.Search(world, cast(int, config.copies), rng)


class PolicyGradient:
    """PPO on the imitation's rewards; the policy given is the running mean of the last ones.

    Late policies wander around what their mean holds still. It weighs all policies alike until there are `span`,
    then forgets exponentially.
    """

    def __init__(
        self, config: Config, world: EnvSpec, rng: np.random.Generator, start: Policy | None
    ) -> None:
        self._ticks, self._span = config.ticks, cast(int, config.averaged)
        self._held_back = config.start_rounds if start is not None else 0
        self._rounds = cast(int, config.iterations) if config.decay == "line" else None
        self._sampler = Sampler(world, cast(int, config.copies), seed=int(rng.integers(2**31)))
        self.learner = ppo.Learner(_ppo_settings(config, self._sampler), self._sampler, rng, start)
        self._taken = 0
        self._mean = self._parameters()

    def collect(self, rng: np.random.Generator) -> Rollout:
        return self._sampler.collect(self.learner.policy(), self._ticks, rng)

    def learn(self, rewarded: Rollout, rng: np.random.Generator) -> dict[str, float]:
        """One update."""
        if self._rounds is not None:
            self.learner.slow_to(1 - self._taken / self._rounds)
        metrics = self.learner.update(rewarded, rng, only_values=self._held_back > 0)
        self._held_back -= 1
        self.take()
        return metrics

    def take(self) -> None:
        """Count the policy as it is now."""
        self._taken += 1
        share = 1.0 / min(self._taken, self._span)
        for name, parameter in self._parameters().items():
            self._mean[name].lerp_(parameter, share)

    def policy(self) -> NetworkPolicy:
        own = self._parameters()
        self.learner.actor.load_state_dict(self._mean, strict=False)
        mean = freeze(self.learner.actor, self.learner.architecture)
        self.learner.actor.load_state_dict(own, strict=False)
        return mean

    def close(self) -> None:
        self._sampler.close()

    def _parameters(self) -> dict[str, Tensor]:
        return {name: p.detach().clone() for name, p in self.learner.actor.named_parameters()}


def _ppo_settings(config: Config, sampler: Sampler) -> ppo.Config:
    settings = ppo.Config(
        copies=config.copies,
        ticks=config.ticks,
        learning_rate=config.learning_rate,
        discount=config.discount,
        trace=config.trace,
        entropy_bonus=config.entropy_bonus,
        epochs=config.epochs,
        minibatches=4,
        hidden=config.hidden,
        standardised=config.standardised,
    )
    is_table = isinstance(sampler.envs.single_observation_space, gym.spaces.Discrete)
    return ppo.completed(settings, is_table=is_table)


# -- choosing a policy -----------------------------------------------------------------------------------


class Chosen:
    """The policy to give: the one under which the demonstrated actions were most likely, or else the newest."""

    def __init__(self, demonstrations: Demonstrations | None) -> None:
        """demonstrations: those to choose by; None: take the newest."""
        self._surprise = None if demonstrations is None else Surprise(demonstrations)
        self._least = float("inf")
        self.policy: NetworkPolicy

    def consider(self, policy: NetworkPolicy) -> dict[str, float]:
        if self._surprise is None:
            self.policy = policy
            return {}
        surprise = self._surprise.of(policy)
        if surprise <= self._least:
            self.policy, self._least = policy, surprise
        return {"surprise": surprise}


class Surprise:
    """How unlikely the demonstrated actions are under a policy: the mean over episodes of their mean -log pi(a | s).

    Episodes weigh alike: one that ran in circles until the time was up says no more than one that arrived.
    """

    def __init__(self, demonstrations: Demonstrations) -> None:
        observations, actions = demonstrations.pairs()
        episodes = np.repeat(np.arange(len(demonstrations.lengths)), demonstrations.lengths)
        episodes = episodes[demonstrations.labelled]
        labels = np.bincount(episodes)
        weights = 1.0 / (labels[episodes] * np.count_nonzero(labels))
        space = demonstrations.action_space
        if isinstance(space, gym.spaces.Discrete):
            actions = actions.astype(np.int64) - int(space.start)
            if isinstance(demonstrations.observation_space, gym.spaces.Discrete):
                observations, actions, weights = _merged(observations, actions, weights)
        else:
            actions = actions.reshape(len(actions), -1).astype(np.float32)
        self._observations, self._actions = torch.from_numpy(observations), torch.from_numpy(actions)
        self._weights = torch.from_numpy(weights)

    @torch.no_grad()
    def of(self, policy: NetworkPolicy) -> float:
        """Nats."""
        logs, _ = log_probabilities(thaw(policy), self._observations, self._actions)
        return -float(self._weights @ logs.double())


def _merged(states: Array, actions: Array, weights: FloatArray) -> tuple[Array, Array, FloatArray]:
    """Each pair of a state and an action once, with the weight of all of them."""
    pairs, which = np.unique(np.stack([states, actions]), axis=1, return_inverse=True)
    return pairs[0], pairs[1], cast(FloatArray, np.bincount(which.ravel(), weights))
