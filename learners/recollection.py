"""Acting through whole episodes, for policies that remember and for those that do not.

    actor = begin(policy, rows)          # `rows` episodes at once, all at their start
    actions = actor.act(observations)    # once in every step: it is what is remembered
    actor.forget(ended)                  # where another episode starts

A policy itself never changes, so what it remembers is kept here, by whoever runs the episodes.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from learners.interface import Array, Policy
from learners.policies import Memory, NetworkPolicy


class Actor(Protocol):
    """A policy in the midst of episodes."""

    def act(self, observations: Array, rng: np.random.Generator | None = None) -> Array:
        """observations (B, *observation shape), one a running episode -> actions (B, *action shape)."""
        ...

    def through(self, observations: Array, rng: np.random.Generator | None = None) -> Array:
        """The next T steps of the one episode that runs, known beforehand: (T, *o) -> (T, *a)."""
        ...

    def forget(self, ended: Array | None = None) -> None:
        """ended (B,) bool: the rows in which another episode starts; None: all."""
        ...


def begin(policy: Policy, rows: int) -> Actor:
    """The policy at the start of `rows` episodes."""
    if isinstance(policy, NetworkPolicy) and policy.architecture.memory:
        return Remembering(policy, rows)
    return Forgetful(policy)


class Forgetful:
    """A policy to which every step is the first."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    def act(self, observations: Array, rng: np.random.Generator | None = None) -> Array:
        return self._policy.act(observations, rng)

    def through(self, observations: Array, rng: np.random.Generator | None = None) -> Array:
        return self._policy.act(observations, rng)

    def forget(self, ended: Array | None = None) -> None:
        pass


class Remembering:
    """A recurrent policy, and what it has seen of each episode."""

    def __init__(self, policy: NetworkPolicy, rows: int) -> None:
        self._policy = policy
        shape = (rows, policy.architecture.memory)
        self._memory: Memory = np.zeros(shape, np.float32), np.zeros(shape, np.float32)

    def act(self, observations: Array, rng: np.random.Generator | None = None) -> Array:
        outputs, self._memory = self._policy.recall(observations, self._memory)
        return self._policy.choose(outputs, rng)

    def through(self, observations: Array, rng: np.random.Generator | None = None) -> Array:
        return np.concatenate([self.act(observation[None], rng) for observation in observations])

    def forget(self, ended: Array | None = None) -> None:
        rows = slice(None) if ended is None else np.asarray(ended, dtype=bool)
        for part in self._memory:
            part[rows] = 0.0
