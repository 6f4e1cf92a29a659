"""Watching a driver from the start of an episode to its end, in many copies of a world at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from gymnasium.envs.registration import EnvSpec

from learners.interface import Array, Policy
from learners.rollout import Rollout, Sampler


@dataclass(frozen=True)
class Episodes:
    """The first episode of each of B copies, over at most T steps."""

    rollout: Rollout
    running: Array
    """(T, B) bool: the step belongs to the first episode."""

    @property
    def observations(self) -> Array:
        """(N, *o) where their steps were taken, in the order of time."""
        found: Array = self.rollout.observations[self.running]
        return found


def watch(
    driver: Policy,
    world: EnvSpec,
    *,
    episodes: int,
    steps: int,
    seed: int,
    rng: np.random.Generator | None = None,
) -> Episodes:
    """`episodes` episodes of at most `steps` steps. With rng, actions are drawn."""
    sampler = Sampler(world, episodes, seed)
    try:
        rollout = sampler.collect(driver, steps, rng)
    finally:
        sampler.close()
    return Episodes(rollout, first_episodes(rollout.terminated | rollout.truncated))


def first_episodes(ended: Array) -> Array:
    """ended (T, B) bool -> (T, B) bool: no episode of this copy ended before this step."""
    before = np.cumsum(ended, axis=0) - ended
    found: Array = before == 0
    return found
