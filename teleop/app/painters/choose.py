"""Which painter draws which world."""

from __future__ import annotations

from typing import Any

import gymnasium as gym

from teleop.app.painters.cartpole import CartPolePainter
from teleop.app.painters.gridworld import GridWorldPainter
from teleop.app.painters.hopper import HopperPainter
from teleop.app.painters.live import LivePainter
from teleop.app.painters.looptrack import LoopTrackPainter
from teleop.app.painters.rendered import NumbersPainter
from teleop.app.painters.restepped import ResteppedPainter
from teleop.app.painters.view import LayeredPainter, Legend, Painter
from teleop.worlds.catalogue import World, made
from teleop.worlds.errors import WorldError
from teleop.worlds.gridworld import GridWorld
from teleop.worlds.hopper_body import HOPPER_ID
from teleop.worlds.looptrack import LoopTrack

CARTPOLES = ("CartPole-v0", "CartPole-v1")
LAYER_KEYS = (("c", "["), ("v", "f5"))
"""The keys that go back and on through what is laid over a map, each with its stand-in for a world that drives with
the first: neighbours on the keyboard, in that order."""


def painter_for(env: gym.Env[Any, Any]) -> Painter:
    """The painter for a live environment: a picture of its own, or what the environment renders."""
    own = painter_from_observations(env)
    return LivePainter(env) if isinstance(own, NumbersPainter) and env.render_mode == "rgb_array" else own


def painter_for_replay(world: World) -> Painter:
    """A painter for a recording: one that needs observations alone, else the world itself, stepped again.

    A world that cannot be made here, or does not draw itself, is shown as numbers.
    """
    try:
        with made(world.spec()) as env:
            own = painter_from_observations(env)
            draws_itself = "rgb_array" in (env.metadata.get("render_modes") or ())
            return ResteppedPainter(world) if isinstance(own, NumbersPainter) and draws_itself else own
    except (WorldError, gym.error.Error):
        return NumbersPainter()


def painter_from_observations(env: gym.Env[Any, Any]) -> Painter:
    """A painter that needs nothing but observations, so that a replay can jump to any step."""
    inner = env.unwrapped
    if isinstance(inner, GridWorld):
        return GridWorldPainter(inner.map, inner.tabular_model())
    if isinstance(inner, LoopTrack):
        return LoopTrackPainter(inner.road, inner.observation)
    if env.spec is not None and env.spec.id in CARTPOLES:
        return CartPolePainter()
    if env.spec is not None and env.spec.id == HOPPER_ID:
        return HopperPainter()
    return NumbersPainter()


def layer_keys(painter: Painter, world: World) -> tuple[str, str] | None:
    """The keys that go back and on through what is laid over this world; None where there is nothing to change."""
    if not isinstance(painter, LayeredPainter):
        return None
    back, on = (next((key for key in keys if key not in world.keys), None) for keys in LAYER_KEYS)
    return (back, on) if back is not None and on is not None else None


def show_layer(painter: Painter, step: int) -> None:
    """Lay the next thing (1) or the one before (-1) over the world, where its painter can."""
    if isinstance(painter, LayeredPainter):
        painter.show_layer(step)


def legend_of(painter: Painter) -> Legend | None:
    """What the colours laid over the world mean; None where nothing is."""
    return painter.legend if isinstance(painter, LayeredPainter) else None


def put_away(painter: Painter) -> None:
    """Close the world that a painter steps, where it steps one."""
    if isinstance(painter, ResteppedPainter):
        painter.close()
