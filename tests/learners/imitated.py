"""Demonstrations small enough to count by hand."""

from __future__ import annotations

import gymnasium as gym
import numpy as np

from recordings.demonstrations import Demonstrations


def straight_to_the_end(actions: bool = True, episodes: int = 3) -> Demonstrations:
    """The chain's best episode, 0 -> 1 -> 2, some times."""
    return Demonstrations.from_steps(
        np.array([0, 1] * episodes),
        np.array([1, 1] * episodes) if actions else None,
        observation_space=gym.spaces.Discrete(3),
        action_space=gym.spaces.Discrete(2),
        lengths=np.full(episodes, 2),
        terminated=np.array([False, True] * episodes),
        final_observations=np.full(episodes, 2),
    )


def made_up_balance() -> Demonstrations:
    """Five steps that CartPole might take."""
    return Demonstrations.from_steps(
        np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32),
        np.array([0, 1, 0, 1, 1]),
        observation_space=gym.spaces.Box(-np.inf, np.inf, (4,)),
        action_space=gym.spaces.Discrete(2),
    )
