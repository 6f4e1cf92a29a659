"""Which painter draws which world."""

from __future__ import annotations

from typing import Any

import gymnasium as gym

from teleop.app.painters.cartpole import CartPolePainter
from teleop.app.painters.gridworld import GridWorldPainter
from teleop.app.painters.rendered import NumbersPainter, RenderedPainter
from teleop.app.painters.view import Painter
from teleop.worlds.catalogue import World, made
from teleop.worlds.errors import WorldError
from teleop.worlds.gridworld_map import GridWorldMap

CARTPOLES = ("CartPole-v0", "CartPole-v1")


def painter_for(env: gym.Env[Any, Any]) -> Painter:
    """The painter for a live environment: a picture of its own, or what the environment renders."""
    own = painter_from_observations(env)
    return RenderedPainter(env) if isinstance(own, NumbersPainter) and env.render_mode == "rgb_array" else own


def painter_for_replay(world: World) -> Painter:
    """A painter for a recording; a world that cannot be made here is shown as numbers."""
    try:
        with made(world.spec()) as env:
            return painter_from_observations(env)
    except (WorldError, gym.error.Error):
        return NumbersPainter()


def painter_from_observations(env: gym.Env[Any, Any]) -> Painter:
    """A painter that needs nothing but observations, so that a replay can jump to any step."""
    world_map = getattr(env.unwrapped, "map", None)
    if isinstance(world_map, GridWorldMap):
        return GridWorldPainter(world_map)
    if env.spec is not None and env.spec.id in CARTPOLES:
        return CartPolePainter()
    return NumbersPainter()
