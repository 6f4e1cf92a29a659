"""DART: noise in what the expert executes, none in what it says is right (Laskey, Lee, Fox, Dragan, Goldberg 2017).

The expert demonstrates, its executed action is disturbed, its label stays clean. So the demonstrations show the way
back from small errors, without a student that ever drives. The right level is about the student's own error: with it
the disturbed expert visits what the student will visit (section 4.2, with one level for all states).
"""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np

from learners.interface import Array, Policy


def disturbed(action: Any, space: gym.Space[Any], level: float, rng: np.random.Generator) -> Any:
    """What is executed in place of `action`.

    Discrete: with probability `level` another action. Box: Gaussian noise of that deviation added, and clipped.
    """
    if isinstance(space, gym.spaces.Box):
        noise = level * rng.standard_normal(space.shape)
        return np.clip(np.asarray(action) + noise, space.low, space.high).astype(space.dtype)
    return another(action, space, rng) if rng.random() < level else action


def another(action: Any, space: gym.Space[Any], rng: np.random.Generator) -> Any:
    """An action at random: any other one of a Discrete space, any at all of a bounded Box."""
    if isinstance(space, gym.spaces.Box):
        return rng.uniform(space.low, space.high).astype(space.dtype)
    assert isinstance(space, gym.spaces.Discrete)
    n, first = int(space.n), int(space.start)
    return (int(action) - first + int(rng.integers(1, max(n, 2)))) % n + first


def error_level(student: Policy, observations: Array, actions: Array, space: gym.Space[Any]) -> float:
    """The level of the student's error on labels it was not fitted to: observations (N, *o), actions (N, *a).

    Discrete: the share of other actions. Box: the root of the mean squared difference.
    """
    choices = student.act(observations)
    if isinstance(space, gym.spaces.Box):
        return float(np.sqrt(np.mean((choices - actions) ** 2)))
    return float(np.mean(choices != actions))
