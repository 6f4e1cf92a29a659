"""Finding a policy without any gradient: a population of linear policies, and the covariance of the better ones.

CMA-ES (Hansen & Ostermeier 2001; the library `cmaes`) asks for the worth of each candidate, draws the next
generation around the better ones, and adapts the shape in which it draws. A candidate is worth the undiscounted
sum of rewards over one episode. It is GAIL's other generator, where the discriminator sees states alone.

Reading order: Search, Population.
"""

from __future__ import annotations

from collections import deque
from typing import Any, cast

import cmaes
import gymnasium as gym
import numpy as np
from gymnasium.envs.registration import EnvSpec

from learners.errors import UnsupportedWorldError
from learners.interface import Array, FloatArray
from learners.policies import Architecture, NetworkPolicy, policy_from
from learners.rollout import Rollout, Sampler
from learners.worlds import facts_of

MOST_WEIGHTS = 1_000
"""The covariance has the square of as many entries, and learns about as many generations as weights."""
AVERAGED = 10  # generations
"""Over how many last centres the policy given is the mean: one generation's luck moves each of them."""


class Search:
    """CMA-ES over the weights of linear policies, which act by their most probable action."""

    def __init__(self, world: EnvSpec, population: int, rng: np.random.Generator) -> None:
        """Raises UnsupportedWorldError where a linear policy is a table, or has too many weights."""
        facts = facts_of(world)
        self._world = world
        self._architecture = Architecture(facts.observation_space, facts.action_space)
        n_weights = free_weights(self._architecture)
        if self._architecture.is_table or n_weights > MOST_WEIGHTS:
            raise UnsupportedWorldError(
                f"cma-es: expected a world whose linear policies have at most {MOST_WEIGHTS} weights, found "
                f"{facts.observation_space} and {facts.action_space}. Choose the generator ppo."
            )
        self._cma = cmaes.CMA(
            np.zeros(n_weights), sigma=1.0, population_size=population, seed=int(rng.integers(2**31))
        )
        self._candidates: FloatArray = np.zeros((population, n_weights))
        self._centres: deque[FloatArray] = deque([self._cma.mean.copy()], maxlen=AVERAGED)

    def collect(self, rng: np.random.Generator) -> Rollout:
        """One episode of each candidate of a new generation, each in a copy of its own."""
        self._candidates = np.stack([self._cma.ask() for _ in range(self._cma.population_size)])
        sampler = Sampler(self._world, len(self._candidates), seed=int(rng.integers(2**31)))
        try:
            return _first_episodes(sampler, Population(self._architecture, self._candidates))
        finally:
            sampler.close()

    def learn(self, rewarded: Rollout, rng: np.random.Generator) -> dict[str, float]:
        """Draw the next generation nearer to those whose episodes were worth more."""
        worth = rewarded.rewards.sum(0)
        self._cma.tell([(weights, -value) for weights, value in zip(self._candidates, worth, strict=True)])
        self._centres.append(self._cma.mean.copy())  # the library moves it in place
        return {"episode_length": float(rewarded.valid.sum(0).mean())}

    def policy(self) -> NetworkPolicy:
        """The mean of the last centres of the distributions from which candidates were drawn."""
        weights, biases = unpacked(self._architecture, np.mean(self._centres, axis=0)[None])
        n_inputs = self._architecture.n_inputs
        arrays = {"layers.0.weight": weights[0], "layers.0.bias": biases[0]}
        arrays |= {"mean": np.zeros(n_inputs), "std": np.ones(n_inputs)}
        if not self._architecture.is_categorical:
            arrays["log_std"] = np.zeros(self._architecture.n_outputs)
        return policy_from(self._architecture, {name: a.astype(np.float32) for name, a in arrays.items()})

    def close(self) -> None:
        """Nothing is open between generations."""


class Population:
    """As many linear policies as there are copies of the world: each row of observations has its own."""

    def __init__(self, architecture: Architecture, candidates: FloatArray) -> None:
        """candidates (B, weights)"""
        self._space = architecture.action_space
        self._weights, self._biases = unpacked(architecture, candidates)

    def act(self, observations: Array, rng: np.random.Generator | None = None) -> Array:
        """observations (B, *observation shape) -> (B, *action shape), the most probable"""
        flat = observations.reshape(len(observations), -1).astype(np.float64)
        outputs = np.einsum("boi,bi->bo", self._weights, flat) + self._biases
        if isinstance(self._space, gym.spaces.Box):
            shaped = outputs.reshape(-1, *self._space.shape)
            return cast(Array, np.clip(shaped, self._space.low, self._space.high).astype(self._space.dtype))
        return cast(Array, outputs.argmax(1) + int(getattr(self._space, "start", 0)))


def free_weights(architecture: Architecture) -> int:
    """How many numbers tell linear policies apart: of Discrete actions, the first one's logit is 0."""
    n_rows = architecture.n_outputs - architecture.is_categorical
    return n_rows * (architecture.n_inputs + 1)


def unpacked(architecture: Architecture, candidates: FloatArray) -> tuple[FloatArray, FloatArray]:
    """candidates (B, weights) -> the layer's weights (B, outputs, inputs) and biases (B, outputs)"""
    rows = candidates.reshape(len(candidates), -1, architecture.n_inputs + 1)
    if architecture.is_categorical:
        rows = np.concatenate([np.zeros_like(rows[:, :1]), rows], axis=1)
    return rows[:, :, :-1], rows[:, :, -1]


def _first_episodes(sampler: Sampler, population: Population) -> Rollout:
    """One whole episode in each copy; ticks after its end are not valid."""
    ticks = []
    going = np.ones(sampler.copies, dtype=bool)
    while going.any():
        tick = sampler.collect(population, 1, None)
        tick.valid[0] &= going
        going &= ~(tick.terminated[0] | tick.truncated[0])
        ticks.append(tick)
    columns = ("observations", "actions", "rewards", "terminated", "truncated", "next_observations", "valid")
    joined: dict[str, Any] = {
        name: np.concatenate([getattr(tick, name) for tick in ticks]) for name in columns
    }
    return Rollout(**joined)
