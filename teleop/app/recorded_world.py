"""Which world a recording is of, for a window that shows it: nothing named in the file is imported or run."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from recordings.schema import Header
from teleop.worlds.catalogue import LISTED, ControlScheme, World, undriven
from teleop.worlds.choice import mapped
from teleop.worlds.errors import WorldError


def world_of(header: Header) -> World:
    """The listed world of the recorded id and arguments, else gymnasium's, else one that has only a name."""
    arguments = _arguments(header)
    for world in LISTED:
        if world.env_id == header.env_id and dict(world.kwargs) == arguments:
            return world
    try:
        known = next((world for world in LISTED if world.env_id == header.env_id), None)
        known = known or mapped(header.env_id) or undriven(header.env_id)
        return dataclasses.replace(known, kwargs=arguments)
    except WorldError:
        return World(
            name=header.env_id,
            env_id=header.env_id,
            title=header.env_id or "unnamed world",
            description="",
            keys={},
            scheme=ControlScheme.DEAD_MAN,
            control_hz=header.control_hz or 10.0,
        )


def _arguments(header: Header) -> dict[str, Any]:
    """The environment's arguments as recorded, how it was shown left out; {} without a spec."""
    spec = json.loads(header.env_spec_json) if header.env_spec_json else {}
    arguments = spec.get("kwargs", {})
    return {name: value for name, value in dict(arguments).items() if name != "render_mode"}
