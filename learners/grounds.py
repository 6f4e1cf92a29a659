"""What a learner of rewards without a model makes of a world's states: a table of its own, and features that pay.

On Discrete states the table is counted and each state is a feature.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, Protocol, cast

import gymnasium as gym
import numpy as np
from scipy.sparse import csr_array

from learners import bco
from learners.interface import Array, DiscretePolicy, FloatArray, IntArray
from learners.learned_table import SoftPlanner, counted_table
from learners.policies import Architecture, CategoricalPolicy, NetworkPolicy, policy_from
from learners.tabular import deterministic, plan
from learners.trajectories import Trajectories
from recordings.demonstrations import Demonstrations

Wish = Literal["planned", "soft", "greedy"]
"""What to do on a recovered reward: plan on it, follow its soft policy, or that one's most probable actions."""
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

    def prior(self, unseen: float) -> FloatArray:
        """(D,) what each feature pays beforehand."""
        ...

    def soft(self, theta: FloatArray) -> DiscretePolicy:
        """The soft policy of theta (D,) on the learned table."""
        ...

    def kept(self, theta: FloatArray, wish: Wish) -> NetworkPolicy:
        """What is made of theta (D,)."""
        ...

    def reward(self, theta: FloatArray) -> FloatArray | None:
        """(S,) what reaching each state pays, a step's relative entropy included; None: not Discrete."""
        ...


class CountedGround:
    """Discrete states, each one a cell and a feature."""

    has_prior = True

    def __init__(self, demonstrations: Demonstrations, own: Trajectories, horizon: int) -> None:
        self._architecture = Architecture(demonstrations.observation_space, demonstrations.action_space)
        self._first = int(cast(gym.spaces.Discrete, demonstrations.observation_space).start)
        self.n_kinds = self._architecture.n_inputs
        own = replace(own, before=self.kinds(own.before), after=self.kinds(own.after))
        self._table = counted_table(own, self.n_kinds, self._architecture.n_outputs, horizon)
        self._planner = SoftPlanner(self._table)
        reached = self.kinds(bco.demonstrated(demonstrations).after)
        self._is_shown = np.bincount(reached, minlength=self.n_kinds) > 0

    def kinds(self, starts: Array) -> IntArray:
        return np.asarray(starts, np.int64) - self._first

    def counts(self, reached: Array, lengths: IntArray) -> csr_array:
        episodes = np.repeat(np.arange(len(lengths)), lengths)
        shape = (len(lengths), self.n_kinds)
        return csr_array((np.ones(len(episodes)), (episodes, self.kinds(reached))), shape=shape)

    def prior(self, unseen: float) -> FloatArray:
        return np.where(self._is_shown, 0.0, -unseen)

    def soft(self, theta: FloatArray) -> CategoricalPolicy:
        return self._policy(self._planner.policy(theta))

    def kept(self, theta: FloatArray, wish: Wish) -> CategoricalPolicy:
        if wish == "planned":
            model = replace(self._table, rewards=self.reward(theta)[self._table.next_states])
            return self._policy(deterministic(plan(model).actions(), model.n_actions))
        table = self._planner.policy(theta)
        if wish == "greedy":
            table = deterministic(table.argmax(1), table.shape[1])
        return self._policy(table)

    def reward(self, theta: FloatArray) -> FloatArray:
        # A policy that always knows its action is log A nats from the base policy at each step.
        return cast(FloatArray, theta - np.log(self._architecture.n_outputs))

    def _policy(self, table: FloatArray) -> CategoricalPolicy:
        logits = np.log(np.maximum(table, LEAST_PROBABILITY)).astype(np.float32)
        arrays: dict[str, Array] = {"outputs": logits, "stand_in": np.arange(len(table))}
        return cast(CategoricalPolicy, policy_from(self._architecture, arrays))
