"""Which world somebody means by a name on the command line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from gymnasium.envs.registration import EnvSpec

from teleop.worlds.catalogue import LISTED, World, undriven
from teleop.worlds.key_map import load_key_map, shipped


def recorded_world(spec: EnvSpec) -> World:
    """The world that a recording was made in: the listed one with the same settings, else one made from the spec."""
    for world in LISTED:
        if world.env_id == spec.id and world.spec().kwargs == spec.kwargs:
            return world
    return replace(mapped(spec.id) or undriven(spec.id), kwargs=spec.kwargs)


def mapped(name: str) -> World | None:
    """The world of a key map that comes with the program, by its name or gymnasium's id; None where there is none.

    Raises WorldError where the world cannot be made here.
    """
    files = (path for stem, (path, env_id) in shipped().items() if name in (stem, env_id))
    file = next(files, None)
    return None if file is None else load_key_map(file)


def choose(name: str, keys: Path | None = None) -> World:
    """The world of a key map file where one is given, else the listed world, else one of a key map that comes with
    the program, else gymnasium's of this name.

    A gymnasium world that names no keys is chosen all the same, for a student needs none;
    `World.require_keys` tells a person who wants to drive it what to do.
    Raises the errors of `load_key_map` and `undriven`.
    """
    if keys is not None:
        return load_key_map(keys)
    listed = (world for world in LISTED if name in (world.name, world.env_id))
    return next(listed, None) or mapped(name) or undriven(name)
