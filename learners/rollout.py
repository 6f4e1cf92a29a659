"""Running a policy in many copies of a world at once, and telling real steps from resets.

gymnasium's vector environments restart by themselves in one of three ways (`AutoresetMode`). A `Sampler`
hides which: it marks every tick that was no step, and `next_observations` is what a step led to, also at an
episode's end, where it is needed to bootstrap at truncation.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.envs.registration import EnvSpec
from gymnasium.vector import AutoresetMode

from learners.interface import Array, FloatArray, IntArray, Policy
from learners.recollection import Actor, begin
from learners.worlds import headless


@dataclass(frozen=True)
class FinishedEpisode:
    """What one complete episode came to."""

    copy: int
    """Which copy of the world it happened in."""
    return_: float
    length: int
    """Steps."""
    terminated: bool
    """False where it was truncated."""


@dataclass(frozen=True)
class Rollout:
    """T consecutive ticks in B copies of a world."""

    observations: Array
    """(T, B, *o) where each step was taken."""
    actions: Array
    """(T, B, *a)"""
    rewards: FloatArray
    """(T, B)"""
    terminated: Array
    """(T, B) bool: the world ended; nothing follows."""
    truncated: Array
    """(T, B) bool: the time ran out; the world would have gone on from `next_observations`."""
    next_observations: Array
    """(T, B, *o) what each step led to; never a new episode's first observation."""
    valid: Array
    """(T, B) bool: False where the tick went into a reset and is no step at all."""
    finished: tuple[FinishedEpisode, ...] = field(default=())
    """The episodes that ended within, in order."""


class Sampler:
    """B copies of a world that go on from one rollout to the next."""

    def __init__(self, world: EnvSpec, copies: int, seed: int) -> None:
        unchecked = replace(headless(world), disable_env_checker=True)  # a tenth of a step of MuJoCo's
        self.envs = gym.make_vec(unchecked, num_envs=copies)
        self.mode = self.envs.metadata.get("autoreset_mode", AutoresetMode.NEXT_STEP)
        self._observations, _ = self.envs.reset(seed=seed)
        self._resets = np.zeros(copies, dtype=bool)
        self._returns = np.zeros(copies)
        self._lengths = np.zeros(copies, dtype=np.int64)
        self._policy: Policy | None = None
        self._actor: Actor | None = None

    @property
    def copies(self) -> int:
        return self.envs.num_envs

    def close(self) -> None:
        self.envs.close()

    def collect(self, policy: Policy, ticks: int, rng: np.random.Generator | None) -> Rollout:
        """`ticks` ticks of every copy. With `rng` actions are drawn, without it the most probable taken.

        A policy that remembers goes on from the last call, if that had the same; else it begins in mid-episode.
        """
        if self._actor is None or policy is not self._policy:
            self._policy, self._actor = policy, begin(policy, self.copies)
        columns: list[tuple[Array, ...]] = []
        finished: list[FinishedEpisode] = []
        for _ in range(ticks):
            columns.append(self._tick(self._actor, rng))
            finished += self._count(columns[-1])
        o, a, r, terminated, truncated, following, valid = (np.stack(c) for c in zip(*columns, strict=True))
        return Rollout(o, a, r, terminated, truncated, following, valid, tuple(finished))

    def _tick(self, actor: Actor, rng: np.random.Generator | None) -> tuple[Array, ...]:
        observations, valid = self._observations, ~self._resets
        actions = actor.act(observations, rng)
        following, rewards, terminated, truncated, infos = self.envs.step(actions)
        ended = terminated | truncated
        self._observations, reached = self._restart(following, ended, infos)
        actor.forget(~valid if self.mode is AutoresetMode.NEXT_STEP else ended)
        self._resets = ended if self.mode is AutoresetMode.NEXT_STEP else np.zeros_like(ended)
        return observations, actions, rewards.astype(np.float64), terminated, truncated, reached, valid

    def _restart(self, following: Array, ended: Array, infos: dict[str, Any]) -> tuple[Array, Array]:
        """Where the next tick starts, and what this one led to."""
        if not ended.any() or self.mode is AutoresetMode.NEXT_STEP:
            return following, following
        if self.mode is AutoresetMode.DISABLED:
            return self.envs.reset(options={"reset_mask": ended})[0], following
        reached = following.copy()
        for i in np.flatnonzero(ended):
            reached[i] = infos["final_obs"][i]
        return following, reached

    def _count(self, tick: tuple[Array, ...]) -> list[FinishedEpisode]:
        _, _, rewards, terminated, truncated, _, valid = tick
        self._returns += np.where(valid, rewards, 0.0)
        self._lengths += valid
        finished = []
        for i in np.flatnonzero(terminated | truncated):
            episode = FinishedEpisode(
                int(i),
                float(self._returns[i]),
                int(self._lengths[i]),
                bool(terminated[i]),
            )
            finished.append(episode)
            self._returns[i], self._lengths[i] = 0.0, 0
        return finished


def run_episodes(
    policy: Policy,
    world: EnvSpec,
    *,
    episodes: int,
    seed: int,
    rng: np.random.Generator | None = None,
    copies: int = 100,
) -> list[FinishedEpisode]:
    """Exactly `episodes` complete episodes. Raises ValueError for fewer than one.

    Each copy of the world owes a share fixed beforehand: taking the first to finish would favour short ones.
    """
    if episodes < 1:
        raise ValueError(f"episodes: expected at least 1, found {episodes}")
    copies = min(copies, episodes)
    owed: IntArray = np.full(copies, episodes // copies)
    owed[: episodes % copies] += 1
    sampler = Sampler(world, copies, seed)
    counted: list[FinishedEpisode] = []
    try:
        while owed.any():
            for episode in sampler.collect(policy, 1, rng).finished:
                if owed[episode.copy]:
                    owed[episode.copy] -= 1
                    counted.append(episode)
    finally:
        sampler.close()
    return counted
