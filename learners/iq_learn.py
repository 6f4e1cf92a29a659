"""Inverse soft Q-learning: policy and reward out of one function Q (Garg et al. 2021, algorithm 1).

With temperature T and discount g, Q stands for a policy, its values, and the reward that explains it:

  pi(a | s) = exp((Q(s, a) - V(s)) / T)     V(s) = T log sum_a exp(Q(s, a) / T)     r(s, a) = Q(s, a) - g E V(s')

  maximise  mean over demonstrations of r - mean over both sides of (V(s) - g E V(s') + r^2 / (2 b))

where both sides, demonstrations and the policy's own steps, weigh alike. The second term is what the policy
expects to earn, written so that any steps can measure it (section 5.2); the third keeps r between about -b and b
(the chi-squared divergence, over both sides as in the authors' online form). Nothing is adversarial: one ascent.

An end leads to one absorbing state, with a value of its own, in which both sides stay (Kostrikov et al. 2019).

Reading order: Config, train, TableLearner (on the closed form in `soft_q`), NetworkLearner (the same by Adam).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, cast

import gymnasium as gym
import numpy as np
import torch
from gymnasium.envs.registration import EnvSpec
from scipy.optimize import minimize
from torch import Tensor, nn

from learners.cloning.labelled_steps import Symmetry
from learners.cloning.mirror import with_mirror_images
from learners.errors import NothingToLearnError, UnsupportedWorldError
from learners.evaluation import check_fit
from learners.gradients.adam import Adam
from learners.gradients.starts import own_rows
from learners.interface import Array, FloatArray, Policy, Snapshot
from learners.networks import Perceptron, build, freeze, thaw
from learners.policies import Architecture, NetworkPolicy, policy_from
from learners.rewards.discriminators import reached
from learners.rewards.soft_q import Counted, Steps, counted, objective, planned, recovered
from learners.rollout import Rollout, Sampler
from learners.settings import Count, CountOrZero, Part, Positive, Settings
from learners.worlds import WorldFacts, facts_of
from recordings.demonstrations import Demonstrations

TIE = 1e-9
SURE = 30.0
"""Logits between an action that is planned and one that is not."""


@dataclass(frozen=True)
class Config(Settings):
    """Settings of IQ-Learn. None: what suits the observations: Discrete ones a table, others a perceptron."""

    discount: Part | None = None
    """Worth of a reward one step later; None: 0.95 (table), 0.9 (perceptron)."""
    temperature: Positive = 0.1  # reward
    """What a nat of indecision is worth, as a reward."""
    bound: Positive | None = None  # reward
    """How far the reward goes from 0 before more of it stops paying: twice the paper's alpha. None: 1 (table),
    10 (perceptron)."""
    control: bool = False
    """No-demonstration control: the policy's own steps stand in for the demonstrations."""
    planned: bool = True
    """Table: give the policy that plans on the recovered reward over the steps known; else pi itself."""
    rounds: Count | None = None
    """Times that the policy acts and Q is fitted; None: 10 (table), 20 (perceptron)."""
    copies: Count | None = None
    """Copies of the world that are stepped at once; None: 256 (table), 8 (perceptron)."""
    ticks: Count = 128  # steps
    """Steps of each copy in one round."""
    iterations: CountOrZero = 150
    """Table: steps of L-BFGS in one round."""
    updates: Count = 100
    """Perceptron: updates by Adam in one round."""
    batch_size: Count = 128  # steps
    """Perceptron: steps of each side in one update."""
    learning_rate: Positive = 3e-3  # per update
    """Perceptron: Adam step size at first; it falls in a line to 0 over all rounds."""
    hidden: tuple[Count, ...] = (64,)
    """Units in each hidden layer of a perceptron."""


def completed(config: Config, *, is_table: bool) -> Config:
    """The settings with every None filled in."""
    suited: dict[str, Any] = (
        {"discount": 0.95, "bound": 1.0, "rounds": 10, "copies": 256}
        if is_table
        else {"discount": 0.9, "bound": 10.0, "rounds": 20, "copies": 8}
    )
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
    """One snapshot a round; `Snapshot.step` counts rounds. On Discrete states `Snapshot.reward` is r (S, A).

    start: a policy to go on from; at first Q = T log pi, up to a number in each state. symmetry: each demonstration
    also counts mirrored.
    Raises UnsupportedWorldError without a world of Discrete actions, or for a start not made for it;
    NothingToLearnError without demonstrated actions of this world.
    """
    if world is None:
        raise UnsupportedWorldError("iq-learn: expected a world to act in, found none. Name one.")
    facts = facts_of(world)
    if not isinstance(facts.action_space, gym.spaces.Discrete):
        raise UnsupportedWorldError(
            f"iq-learn: action_space: expected Discrete actions, found {facts.action_space}. Use gail or bc there."
        )
    if start is not None:
        check_fit(start, facts)
        start = own_rows(start)
    shown = demonstrations if symmetry is None else with_mirror_images(demonstrations, symmetry)
    expert = demonstrated(shown, facts)
    is_table = isinstance(facts.observation_space, gym.spaces.Discrete)
    settings = completed(config, is_table=is_table)
    learner = (TableLearner if is_table else NetworkLearner)(settings, facts, expert, rng, start)
    sampler = Sampler(world, cast(int, settings.copies), seed=int(rng.integers(2**31)))
    env_steps = 0
    try:
        for step in range(1, cast(int, settings.rounds) + 1):
            own = practised(sampler.collect(learner.policy(), settings.ticks, rng), facts)
            env_steps += len(own.actions)
            metrics = learner.fit(own, rng)
            yield Snapshot(step, learner.answer(), metrics, env_steps, learner.reward())
    finally:
        sampler.close()


# -- steps -----------------------------------------------------------------------------------------------


def demonstrated(demonstrations: Demonstrations, facts: WorldFacts) -> Steps:
    """The steps whose actions were shown. Raises NothingToLearnError where there are none, or another world's."""
    for name in ("observation_space", "action_space"):
        found, expected = getattr(demonstrations, name), getattr(facts, name)
        if type(found) is not type(expected) or gym.spaces.flatdim(found) != gym.spaces.flatdim(expected):
            raise NothingToLearnError(
                f"{name}: expected demonstrations of this world's {expected}, found {found}. "
                "Load demonstrations of the world to act in."
            )
    if demonstrations.actions is None or not demonstrations.labelled.any():
        raise NothingToLearnError(
            f"actions: expected demonstrated actions, found none in {len(demonstrations)} steps. "
            "Load the demonstrations with actions, or choose a learner from observation."
        )
    shown = demonstrations.labelled
    return _steps(
        facts,
        demonstrations.observations[shown],
        demonstrations.actions[shown],
        reached(demonstrations)[shown],
        demonstrations.terminated[shown],
    )


def practised(rollout: Rollout, facts: WorldFacts) -> Steps:
    """The policy's own steps."""
    real = rollout.valid
    return _steps(
        facts,
        rollout.observations[real],
        rollout.actions[real],
        rollout.next_observations[real],
        rollout.terminated[real],
    )


def _steps(facts: WorldFacts, before: Array, actions: Array, after: Array, ended: Array) -> Steps:
    first_state = int(getattr(facts.observation_space, "start", 0))
    first_action = int(cast(gym.spaces.Discrete, facts.action_space).start)
    if isinstance(facts.observation_space, gym.spaces.Discrete):
        before, after = before.astype(np.int64) - first_state, after.astype(np.int64) - first_state
    return Steps(before, actions.astype(np.int64) - first_action, after, ended)


# -- tables ----------------------------------------------------------------------------------------------


class TableLearner:
    """Q as a table, fitted by L-BFGS to all steps counted so far."""

    def __init__(
        self,
        config: Config,
        facts: WorldFacts,
        expert: Steps,
        rng: np.random.Generator,
        start: NetworkPolicy | None = None,
    ) -> None:
        self._config, self._expert = config, expert
        self._architecture = Architecture(facts.observation_space, facts.action_space)
        self._shape = (self._architecture.n_inputs, self._architecture.n_outputs)
        self._q = np.zeros(self._shape[0] * self._shape[1] + 1)
        if start is not None:
            self._q[:-1] = config.temperature * start.arrays["outputs"].ravel()
        self._own: Steps | None = None
        self._counted: Counted | None = None

    def fit(self, own: Steps, rng: np.random.Generator) -> dict[str, float]:
        config = self._config
        self._own = own if self._own is None else self._own.and_then(own)
        expert = self._own if config.control else self._expert
        self._counted = counted(expert, self._own, *self._shape, cast(float, config.discount))

        def loss(q: FloatArray, steps: Counted) -> tuple[float, FloatArray]:
            discount, bound = cast(float, config.discount), cast(float, config.bound)
            value, gradient = objective(q, steps, self._shape[1], discount, config.temperature, bound)
            return -value, -gradient

        options = {"maxiter": config.iterations, "maxcor": 20, "ftol": 1e-12, "gtol": 1e-9}
        found = minimize(loss, self._q, (self._counted,), "L-BFGS-B", jac=True, options=options)
        self._q = found.x
        reward = self._reward()
        shown = self._counted.expert
        return {
            "objective": -float(found.fun),
            "expert_reward": float(shown[:-1] @ reward[:-1] / shown[:-1].sum()),
            "absorbed_reward": float(reward[-1]),
            "tried_pairs": float(self._counted.tried.sum() - 1),
        }

    def policy(self) -> NetworkPolicy:
        """pi, which acts while Q is learned."""
        return self._of(self._q[:-1] / self._config.temperature)

    def answer(self) -> NetworkPolicy:
        """What is given: the planned policy, or pi itself."""
        if not self._config.planned or self._counted is None:
            return self.policy()
        worth = planned(self._reward(), self._counted, self._shape[1], cast(float, self._config.discount))
        table = worth[:-1].reshape(self._shape)
        return self._of(np.where(table >= table.max(1, keepdims=True) - TIE, 0.0, -SURE))

    def reward(self) -> FloatArray | None:
        """(S, A), 0 where nothing was tried."""
        assert self._counted is not None
        return cast(FloatArray, np.where(self._counted.tried, self._reward(), 0.0)[:-1].reshape(self._shape))

    def _reward(self) -> FloatArray:
        assert self._counted is not None
        config = self._config
        discount = cast(float, config.discount)
        return recovered(self._q, self._counted, self._shape[1], discount, config.temperature)

    def _of(self, logits: FloatArray) -> NetworkPolicy:
        outputs = logits.reshape(self._shape).astype(np.float32)
        return policy_from(self._architecture, {"outputs": outputs, "stand_in": np.arange(self._shape[0])})


# -- perceptrons -----------------------------------------------------------------------------------------


class NetworkLearner:
    """Q as a perceptron, and the worth of being absorbed as one number more, by Adam on draws from both sides."""

    def __init__(
        self,
        config: Config,
        facts: WorldFacts,
        expert: Steps,
        rng: np.random.Generator,
        start: NetworkPolicy | None = None,
    ) -> None:
        self._config, self._expert = config, expert
        if start is None:
            self._architecture = Architecture(facts.observation_space, facts.action_space, config.hidden)
            self.network = build(self._architecture, rng)
        else:
            self._architecture = start.architecture
            self.network = thaw(_last_layer_times(start, config.temperature))
        self._is_fresh = start is None
        self.absorbed = nn.Parameter(torch.zeros(()))
        self._adam = Adam([*self.network.parameters(), self.absorbed], config.learning_rate)
        self._own: Steps | None = None
        self._rounds_done = 0

    def fit(self, own: Steps, rng: np.random.Generator) -> dict[str, float]:
        config = self._config
        if self._is_fresh and isinstance(self.network, Perceptron):
            self.network.standardise(np.concatenate([self._expert.before, own.before]))
        self._is_fresh = False
        self._own = own if self._own is None else self._own.and_then(own)
        expert = self._own if config.control else self._expert
        for group in self._adam.param_groups:
            group["lr"] = config.learning_rate * (1 - self._rounds_done / cast(int, config.rounds))
        total = 0.0
        for _ in range(config.updates):
            value = self.objective(self._drawn(expert, rng), self._drawn(self._own, rng))
            self._adam.zero_grad()
            (-value).backward()  # type: ignore[no-untyped-call]
            self._adam.step()
            total += value.item() / config.updates
        self._rounds_done += 1
        return {"objective": total, "absorbed_worth": self.absorbed.item()}

    def objective(self, expert: Steps, own: Steps) -> Tensor:
        """As for tables, with V(s') of the one state that each step led to."""
        both = [self._parts(steps) for steps in (expert, own)]
        kept = sum(0.5 * (part.earned + part.square / (2 * cast(float, self._config.bound))) for part in both)
        return both[0].reward - cast(Tensor, kept)

    def _parts(self, steps: Steps) -> _Parts:
        """Means over one side, its stay in the absorbing state included."""
        config = self._config
        discount = cast(float, config.discount)
        seen = torch.from_numpy(np.concatenate([steps.before, steps.after]))
        q = self.network(seen)
        values = config.temperature * torch.logsumexp(q / config.temperature, dim=1)
        before, after = values.chunk(2)
        after = torch.where(torch.from_numpy(steps.ended), self.absorbed, after)
        reward = q[: len(before)].gather(1, torch.from_numpy(steps.actions)[:, None])[:, 0] - discount * after
        stay = float(steps.ended.sum()) * discount / (1 - discount)
        absorbed = (1 - discount) * self.absorbed
        whole = len(before) + stay
        return _Parts(
            (reward.sum() + stay * absorbed) / whole,
            ((before - discount * after).sum() + stay * absorbed) / whole,
            (reward.square().sum() + stay * absorbed.square()) / whole,
        )

    def _drawn(self, steps: Steps, rng: np.random.Generator) -> Steps:
        rows = rng.integers(len(steps.actions), size=self._config.batch_size)
        return Steps(steps.before[rows], steps.actions[rows], steps.after[rows], steps.ended[rows])

    def policy(self) -> NetworkPolicy:
        """pi: the last layer gives Q, and Q / T are its logits."""
        return _last_layer_times(freeze(self.network, self._architecture), 1 / self._config.temperature)

    answer = policy

    def reward(self) -> FloatArray | None:
        """None: there are no states to list."""
        return None


def _last_layer_times(policy: NetworkPolicy, factor: float) -> NetworkPolicy:
    """The same perceptron with `factor` times its outputs."""
    last = f"layers.{len(policy.architecture.hidden)}"
    scaled = {name: policy.arrays[name] * np.float32(factor) for name in (f"{last}.weight", f"{last}.bias")}
    return policy_from(policy.architecture, {**policy.arrays, **scaled})


@dataclass(frozen=True)
class _Parts:
    """Means over one side's steps, scalars."""

    reward: Tensor
    earned: Tensor
    square: Tensor
