"""What a learner of rewards without a model makes of a world's states: a table of its own, and features that pay.

On Discrete states the table is counted, each state is a feature, and the soft policy on the table proposes. On
observations of numbers there is no table: features are polynomials, and a crowd of linear policies proposes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, Protocol, cast

import gymnasium as gym
import numpy as np
from gymnasium.envs.registration import EnvSpec
from scipy.sparse import csr_array

from learners.errors import UnsupportedWorldError
from learners.evaluation import check_fit
from learners.interface import Array, FloatArray, IntArray
from learners.policies import Architecture, CategoricalPolicy, NetworkPolicy, policy_from
from learners.rewards.learned_table import SoftPlanner, counted_table
from learners.rewards.path_weights import Drawn
from learners.rewards.trajectories import TrajectorySampler
from learners.rollout import Sampler
from learners.tabular import deterministic, plan
from recordings.demonstrations import Demonstrations

Wish = Literal["planned", "soft", "greedy"]
"""What to do on a recovered reward: plan on it, follow its soft policy, or that one's most probable actions."""
MOST_COPIES = 256
"""Copies of the world that run at once on a table, at most."""
FEWEST_STEPS = 200
"""Of a round, where the world has few states and short episodes."""
CROWD = 64
"""Policies in a round's crowd; each runs one episode."""
CROWD_UNIT = 3.0
"""What observations are counted in, in deviations of the demonstrated ones."""
FARTHEST = 5.0
"""Observations pay no more beyond this many units: lost episodes would drown all others."""
LEAST_VARIANCE = 0.01
"""Of the next crowd's coefficients, beside that of the weighted ones."""
TICKS = 25
"""Steps that a crowd takes between two looks at whether all of its episodes are over."""
LEAST_PROBABILITY = 1e-12
"""Probabilities are taken to be at least this when they are written as logits."""


class Ground(Protocol):
    """States as cells of a learned table, and as D numbers that add up over an episode."""

    n_kinds: int
    """Kinds of start that are told apart; each has a normaliser of its own."""

    has_prior: bool
    """Whether features that were never demonstrated are told from the others beforehand."""

    def kinds(self, starts: Array) -> IntArray:
        """starts (E, *o) -> (E,) the kind of start of each."""
        ...

    def counts(self, reached: Array, lengths: IntArray) -> csr_array:
        """reached (N, *o), after each step of E episodes of these lengths -> (E, D) their sums of features."""
        ...

    def prior(self, is_shown: Array, unseen: float) -> FloatArray:
        """is_shown (D,) bool, which features were demonstrated -> (D,) what each pays beforehand."""
        ...

    def log_base(self, lengths: IntArray) -> FloatArray:
        """lengths (E,) of demonstrated episodes -> (E,) the log chance of their actions under the base policy."""
        ...

    def draw(self, theta: FloatArray, rng: np.random.Generator, rounds: int = 1) -> Drawn:
        """So many rounds' worth of own episodes, from a proposal that theta (D,) tilts."""
        ...

    def follow(self, weights: FloatArray) -> None:
        """How much each of the last episodes drawn weighs, (N,) with sum 1."""
        ...

    def kept(self, theta: FloatArray, wish: Wish) -> NetworkPolicy:
        """What is made of theta (D,)."""
        ...

    def reward(self, theta: FloatArray) -> FloatArray | None:
        """(S,) what reaching each state pays, a step's relative entropy included; None: not Discrete."""
        ...

    @property
    def steps_taken(self) -> int:
        """In the world, so far."""
        ...

    def close(self) -> None: ...


class CountedGround:
    """Discrete states, each one a cell and a feature."""

    has_prior = True

    def __init__(
        self,
        demonstrations: Demonstrations,
        world: EnvSpec,
        rng: np.random.Generator,
        *,
        exploration: int | None,
        steps: int | None,
    ) -> None:
        self._architecture = _architecture(demonstrations)
        self._first = int(cast(gym.spaces.Discrete, demonstrations.observation_space).start)
        self._first_action = int(cast(gym.spaces.Discrete, demonstrations.action_space).start)
        self.n_kinds, n_actions = self._architecture.n_inputs, self._architecture.n_outputs
        horizon = world.max_episode_steps or int(demonstrations.lengths.max())
        self._steps = max(horizon, steps or max(16 * self.n_kinds, 2 * horizon, FEWEST_STEPS))
        copies = max(1, min(MOST_COPIES, self._steps // horizon))
        base = self._policy(np.full((self.n_kinds, n_actions), 1.0 / n_actions))
        self._sampler = TrajectorySampler(world, copies, int(rng.integers(2**31)))
        check_fit(base, self._sampler.facts)
        wanted = max(copies * horizon, exploration or 36 * self.n_kinds * n_actions)
        own = self._sampler.collect(base, wanted, rng, self._first_action)
        own = replace(own, before=self.kinds(own.before), after=self.kinds(own.after))
        self._table = counted_table(own, self.n_kinds, n_actions, horizon)
        self._planner = SoftPlanner(self._table)

    def kinds(self, starts: Array) -> IntArray:
        return np.asarray(starts, np.int64) - self._first

    def counts(self, reached: Array, lengths: IntArray) -> csr_array:
        episodes = np.repeat(np.arange(len(lengths)), lengths)
        shape = (len(lengths), self.n_kinds)
        return csr_array((np.ones(len(episodes)), (episodes, self.kinds(reached))), shape=shape)

    def prior(self, is_shown: Array, unseen: float) -> FloatArray:
        return np.where(is_shown, 0.0, -unseen)

    def log_base(self, lengths: IntArray) -> FloatArray:
        return cast(FloatArray, -lengths * np.log(self._architecture.n_outputs))

    def draw(self, theta: FloatArray, rng: np.random.Generator, rounds: int = 1) -> Drawn:
        policy = self._policy(self._planner.policy(theta))
        paths = self._sampler.collect(policy, rounds * self._steps, rng, self._first_action)
        log_ratios = self.log_base(paths.lengths) - paths.sums(paths.log_chances)
        return Drawn(
            self.counts(paths.after, paths.lengths), log_ratios, self.kinds(paths.before[paths.starts])
        )

    def follow(self, weights: FloatArray) -> None:
        """The table proposes."""

    def kept(self, theta: FloatArray, wish: Wish) -> CategoricalPolicy:
        if wish == "planned":
            model = replace(self._table, rewards=self.reward(theta)[self._table.next_states])
            return self._policy(deterministic(plan(model).actions(), model.n_actions))
        table = self._planner.policy(theta)
        if wish == "greedy":
            table = deterministic(table.argmax(1), table.shape[1])
        return self._policy(table)

    @property
    def steps_taken(self) -> int:
        return self._sampler.steps

    def close(self) -> None:
        self._sampler.close()

    def reward(self, theta: FloatArray) -> FloatArray:
        # A policy that always knows its action is log A nats from the base policy at each step.
        return cast(FloatArray, theta - np.log(self._architecture.n_outputs))

    def _policy(self, table: FloatArray) -> CategoricalPolicy:
        logits = np.log(np.maximum(table, LEAST_PROBABILITY)).astype(np.float32)
        arrays: dict[str, Array] = {"outputs": logits, "stand_in": np.arange(len(table))}
        return cast(CategoricalPolicy, policy_from(self._architecture, arrays))


class CrowdGround:
    """Observations of numbers: 1, each number, and the products of any two, over an episode, pay.

    Over hundreds of steps the chances of single actions say nothing any more. So here the base is a crowd of
    deterministic policies, linear in the observation with coefficients drawn from N(0, 1), and a proposal is a
    Gaussian over those coefficients: the ratio of the two densities is what an episode weighs. The weighted
    crowd's mean and covariance make the next proposal, and its mean is the policy that is kept.
    """

    has_prior = False
    n_kinds = 1

    def __init__(
        self,
        demonstrations: Demonstrations,
        world: EnvSpec,
        rng: np.random.Generator,
        *,
        exploration: int | None,
        steps: int | None,
    ) -> None:
        self._architecture = _architecture(demonstrations)
        self._world, self._horizon = world, world.max_episode_steps or int(demonstrations.lengths.max())
        self._first_action = int(cast(gym.spaces.Discrete, demonstrations.action_space).start)
        flat = _flat(demonstrations.observations)
        self._unit = np.maximum(CROWD_UNIT * flat.std(0), 1e-6)
        n_coefficients = self._architecture.n_outputs * (len(self._unit) + 1)
        self._mean, self._covariance = np.zeros(n_coefficients), np.eye(n_coefficients)
        self._coefficients = np.zeros((0, n_coefficients))
        self._steps_taken = 0

    def kinds(self, starts: Array) -> IntArray:
        return np.zeros(len(starts), np.int64)

    def counts(self, reached: Array, lengths: IntArray) -> csr_array:
        episodes = np.repeat(np.arange(len(lengths)), lengths)
        by_episode = csr_array(
            (np.full(len(episodes), 1.0 / self._horizon), (episodes, np.arange(len(episodes))))
        )
        return csr_array(by_episode @ self._features(reached))

    def _features(self, reached: Array) -> FloatArray:
        z = np.clip(_flat(reached) / self._unit, -FARTHEST, FARTHEST)
        rows, columns = np.triu_indices(z.shape[1])
        return np.concatenate([np.ones((len(z), 1)), z, z[:, rows] * z[:, columns]], axis=1)

    def prior(self, is_shown: Array, unseen: float) -> FloatArray:
        return np.zeros(len(is_shown))

    def log_base(self, lengths: IntArray) -> FloatArray:
        return np.zeros(len(lengths))

    def draw(self, theta: FloatArray, rng: np.random.Generator, rounds: int = 1) -> Drawn:
        n = rounds * CROWD
        root = np.linalg.cholesky(self._covariance)
        noise = rng.standard_normal((n, len(root)))
        drawn = self._mean + noise @ root.T
        self._coefficients = np.concatenate([self._coefficients, drawn])
        log_ratios = 0.5 * ((noise**2).sum(1) - (drawn**2).sum(1)) + np.log(np.diag(root)).sum()
        reached, lengths = self._episodes(drawn, rng)
        return Drawn(self.counts(reached, lengths), log_ratios, np.zeros(n, np.int64))

    def _episodes(self, coefficients: FloatArray, rng: np.random.Generator) -> tuple[Array, IntArray]:
        """One episode of each policy: what was reached (N, *o), episode after episode, and how long they were."""
        table = coefficients.reshape(len(coefficients), self._architecture.n_outputs, -1)
        policy = Crowd(table, self._unit, self._first_action)
        sampler = Sampler(self._world, len(coefficients), int(rng.integers(2**31)))
        lengths, reached, ticks = np.full(len(coefficients), self._horizon), [], 0
        is_over = np.zeros(len(coefficients), bool)
        while not is_over.all():
            rollout = sampler.collect(policy, TICKS, None)
            reached.append(rollout.next_observations)
            ended = (rollout.terminated | rollout.truncated) & ~is_over
            first = ended.argmax(0)
            newly = ended.any(0)
            lengths[newly] = ticks + first[newly] + 1
            is_over |= newly
            ticks += TICKS
        sampler.close()
        by_episode = np.concatenate(reached).swapaxes(0, 1)
        taken = np.arange(by_episode.shape[1]) < lengths[:, None]
        self._steps_taken += int(lengths.sum())
        return by_episode[taken], lengths

    def follow(self, weights: FloatArray) -> None:
        self._coefficients = self._coefficients[-len(weights) :]
        self._mean = weights @ self._coefficients
        apart = self._coefficients - self._mean
        self._covariance = (apart * weights[:, None]).T @ apart + LEAST_VARIANCE * np.eye(len(self._mean))

    def kept(self, theta: FloatArray, wish: Wish) -> CategoricalPolicy:
        """The crowd's mean, whatever is wished for."""
        return linear_policy(self._architecture, self._mean, self._unit)

    def reward(self, theta: FloatArray) -> None:
        return None

    @property
    def steps_taken(self) -> int:
        return self._steps_taken

    def close(self) -> None:
        pass


class Crowd:
    """B deterministic policies, one for each copy of a world."""

    def __init__(self, coefficients: FloatArray, unit: FloatArray, first_action: int = 0) -> None:
        """coefficients (B, A, D + 1), the constant last; unit (D,) of the observations."""
        self._first = first_action
        self._slopes, self._constants = coefficients[:, :, :-1] / unit, coefficients[:, :, -1]

    def act(self, observations: Array, rng: np.random.Generator | None = None) -> Array:
        scores = np.einsum("bad,bd->ba", self._slopes, _flat(observations)) + self._constants
        return cast(Array, scores.argmax(1) + self._first)


def linear_policy(
    architecture: Architecture, coefficients: FloatArray, unit: FloatArray
) -> CategoricalPolicy:
    """One of a crowd, as it is saved: coefficients (A * (D + 1),), unit (D,)."""
    table = coefficients.reshape(architecture.n_outputs, -1).astype(np.float32)
    arrays: dict[str, Array] = {
        "mean": np.zeros(len(unit), np.float32),
        "std": unit.astype(np.float32),
        "layers.0.weight": table[:, :-1],
        "layers.0.bias": table[:, -1],
    }
    return cast(CategoricalPolicy, policy_from(architecture, arrays))


def _flat(observations: Array) -> FloatArray:
    """(N, *o) -> (N, numbers of an observation)"""
    return np.asarray(observations, np.float64).reshape(len(observations), -1)


def _architecture(demonstrations: Demonstrations) -> Architecture:
    architecture = Architecture(demonstrations.observation_space, demonstrations.action_space)
    if not architecture.is_categorical:
        raise UnsupportedWorldError(
            f"actions: expected Discrete ones, found {architecture.action_space}. Choose gail or bc."
        )
    return architecture
