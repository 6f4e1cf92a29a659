"""Whole episodes of one's own, each step with the chance its action had: what importance sampling needs.

A `Sampler` stops wherever it was told to; episodes go on. Here the steps of an unfinished episode wait until it
ends, so that every episode is handed out once, whole, and none is left out for being long.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from gymnasium.envs.registration import EnvSpec

from learners.interface import Array, DiscretePolicy, FloatArray, IntArray
from learners.rollout import Rollout, Sampler
from learners.worlds import WorldFacts


@dataclass(frozen=True)
class Trajectories:
    """E complete episodes, N steps in all, episode after episode and in each in the order of time."""

    before: Array
    """(N, *o) where each step was taken."""
    actions: IntArray
    """(N,) counted from 0"""
    after: Array
    """(N, *o) what it led to."""
    terminated: Array
    """(N,) bool: the world ended there."""
    log_chances: FloatArray
    """(N,) log of the chance that each action had."""
    lengths: IntArray
    """(E,) steps, at least one."""

    @property
    def starts(self) -> IntArray:
        """(E,) the first step of each."""
        first: IntArray = np.cumsum(self.lengths) - self.lengths
        return first

    def sums(self, of_steps: FloatArray) -> FloatArray:
        """of_steps (N, ...) -> (E, ...): summed over each episode."""
        return np.add.reduceat(of_steps, self.starts, axis=0) if len(self.lengths) else of_steps[:0]


def joined(parts: list[Trajectories]) -> Trajectories:
    """All episodes of these, in order."""
    columns = ([getattr(part, field.name) for part in parts] for field in fields(Trajectories))
    return Trajectories(*(np.concatenate(column) for column in columns))


class TrajectorySampler:
    """Copies of a world whose episodes go on from one call to the next, under whatever policy comes."""

    def __init__(self, world: EnvSpec, copies: int, seed: int) -> None:
        self._sampler = Sampler(world, copies, seed)
        self._finished = np.zeros(copies, np.int64)
        self._waiting: tuple[Array, ...] | None = None
        self.steps = 0
        """Taken so far."""

    @property
    def facts(self) -> WorldFacts:
        """What is known of the world from the outside: no table."""
        envs = self._sampler.envs
        return WorldFacts(envs.single_observation_space, envs.single_action_space, None)

    def close(self) -> None:
        self._sampler.close()

    def collect(
        self, policy: DiscretePolicy, steps: int, rng: np.random.Generator, first_action: int = 0
    ) -> Trajectories:
        """About `steps` more steps of drawn actions: the episodes that end within, from their beginning.

        first_action: what the world calls the action whose probability comes first.
        """
        rollout = self._sampler.collect(policy, -(-steps // self._sampler.copies), rng)
        self.steps += int(rollout.valid.sum())
        fresh = self._columns(rollout, policy, first_action)
        held = self._waiting
        columns = fresh if held is None else tuple(map(np.concatenate, zip(held, fresh, strict=True)))
        copy, number = columns[:2]
        is_whole = number < self._finished[copy]
        self._waiting = tuple(column[~is_whole] for column in columns)
        whole = [column[is_whole] for column in columns]
        order = np.lexsort((whole[1], whole[0]))  # stable: within an episode time's order stays
        copy, number, before, actions, after, terminated, log_chances = (column[order] for column in whole)
        begins = np.flatnonzero(np.diff(copy, prepend=-1) | np.diff(number, prepend=-1))
        lengths = np.diff(begins, append=len(copy))
        return Trajectories(before, actions, after, terminated, log_chances, lengths)

    def _columns(self, rollout: Rollout, policy: DiscretePolicy, first_action: int) -> tuple[Array, ...]:
        """Which copy and which of its episodes each step belongs to, and then the columns of `Trajectories`."""
        ended = (rollout.terminated | rollout.truncated) & rollout.valid
        number = self._finished + np.cumsum(ended, axis=0) - ended
        self._finished = self._finished + ended.sum(0)
        copy = np.broadcast_to(np.arange(len(self._finished)), number.shape)
        actions = rollout.actions - first_action
        columns = (rollout.observations, actions, rollout.next_observations, rollout.terminated)
        copy, number, before, actions, after, terminated = (
            column[rollout.valid] for column in (copy, number, *columns)
        )
        chances = policy.probabilities(before)[np.arange(len(before)), actions]
        return copy, number, before, actions, after, terminated, np.log(chances)
