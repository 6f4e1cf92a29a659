"""What a learner may know of a world beyond stepping it: its spaces, its table if it has one."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
from gymnasium.envs.registration import EnvSpec

from learners.interface import TabularModel, TabularWorld


@dataclass(frozen=True)
class WorldFacts:
    """A world as a learner meets it."""

    observation_space: gym.Space[Any]
    action_space: gym.Space[Any]
    model: TabularModel | None
    """The world as a table, with the horizon at which its spec truncates; None where it has none."""


def facts_of(world: EnvSpec) -> WorldFacts:
    """Make the world once, look, and close it."""
    env = gym.make(headless(world), disable_env_checker=True)
    try:
        inner = env.unwrapped
        model = inner.tabular_model() if isinstance(inner, TabularWorld) else None
        if model is not None and world.max_episode_steps is not None:
            model = dataclasses.replace(model, horizon=world.max_episode_steps)
        return WorldFacts(env.observation_space, env.action_space, model)
    finally:
        env.close()


def headless(world: EnvSpec) -> EnvSpec:
    """The same world without rendering: a recording's spec may say how a person saw it."""
    kwargs = {name: value for name, value in world.kwargs.items() if name != "render_mode"}
    return dataclasses.replace(world, kwargs=kwargs)
