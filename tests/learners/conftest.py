"""A world small enough to check by hand: three states in a row, right leads to the end, left leads back."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium.envs.registration import EnvSpec

from learners.interface import TabularModel

LEFT, RIGHT = 0, 1


class Chain(gym.Env[int, int]):
    """States 0, 1, 2 (the end). Start: 0. Arriving at 2 pays 1; nothing else pays."""

    def __init__(self, tabular: bool = True) -> None:
        self.observation_space = gym.spaces.Discrete(3)
        self.action_space = gym.spaces.Discrete(2)
        self._state = 0
        if not tabular:
            self.tabular_model = None  # type: ignore[assignment]

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[int, dict[str, Any]]:
        super().reset(seed=seed)
        self._state = 0
        return self._state, {}

    def step(self, action: int) -> tuple[int, float, bool, bool, dict[str, Any]]:
        self._state = min(self._state + 1, 2) if action == RIGHT else max(self._state - 1, 0)
        return self._state, float(self._state == 2), self._state == 2, False, {}

    def tabular_model(self) -> TabularModel:
        next_states = np.array([[[0], [1]], [[0], [2]], [[2], [2]]])
        return TabularModel(
            next_states=next_states,
            probabilities=np.ones((3, 2, 1)),
            rewards=np.array([[[0.0], [0.0]], [[0.0], [1.0]], [[0.0], [0.0]]]),
            terminal=np.array([False, False, True]),
            starts=np.array([1.0, 0.0, 0.0]),
            horizon=5,
            coordinates=np.array([[0.0], [1.0], [2.0]]),
        )


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def chain() -> EnvSpec:
    """The chain, truncated after 5 steps."""
    return EnvSpec("Chain-v0", entry_point="tests.learners.conftest:Chain", max_episode_steps=5)


@pytest.fixture
def cartpole() -> EnvSpec:
    return gym.spec("CartPole-v1")
