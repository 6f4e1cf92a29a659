"""Key map files: how to drive any gymnasium world, in TOML.

env = "MountainCar-v0"      # a gymnasium id, or the name of a listed world
scheme = "no-op"            # wait, latch, no-op or dead-man: what happens while no key is held
control_hz = 15.0           # steps a second
idle = 1                    # the action of no-op
name = "mountaincar"        # the rest may be left out, but for keys
title = "Mountain car"
description = "Get out of the valley."
action_names = ["push left", "coast", "push right"]
keys_add = false            # Box actions of keys held together add up; else the key pressed last counts

[keys]                      # key = action; actions of a Box are written as arrays: [0.5, -1.0]
left = 0
right = "push right"        # or by name

[actions]                   # names for actions of a Box, in place of action_names; may be left out
[kwargs]                    # arguments of the environment; may be left out

Several come with the program (`teleop/worlds/key_maps`); `shipped` finds them.
"""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from recordings.worldspec import first_that_names_a_file
from teleop.worlds.catalogue import (
    KEY_MAPS,
    WORLDS,
    ControlScheme,
    Symmetry,
    World,
    made,
    numbered_actions,
    registered_spec,
)
from teleop.worlds.errors import KeyMapError
from teleop.worlds.keys import DRIVE_KEYS

FIELDS = (
    "env",
    "scheme",
    "control_hz",
    "idle",
    "name",
    "title",
    "description",
    "action_names",
    "actions",
    "keys_add",
    "keys",
    "kwargs",
)


def shipped() -> Mapping[str, tuple[Path, str]]:
    """Name of each key map that comes with the program -> its file, and the gymnasium id that it is for."""
    return {path.stem: (path, _read(path)["env"]) for path in sorted(KEY_MAPS.glob("*.toml"))}


def load_key_map(path: str | Path) -> World:
    """The world that a key map file describes.

    Raises KeyMapError, which names the file, the field, what was expected and what was found;
    UnknownWorldError or WorldError where the environment does not exist or cannot be made.
    """
    file = _KeyMapFile(Path(path), _read(Path(path)))
    listed = next((world for world in WORLDS if world.name == file.values.get("env")), None)
    env_id = listed.env_id if listed else file.text("env")
    kwargs = file.settings(default={} if listed is None else listed.kwargs)
    spec = registered_spec(env_id)
    with made(dataclasses.replace(spec, kwargs={**spec.kwargs, **kwargs})) as env:
        action_space = env.action_space
    scheme = file.scheme()
    action_names = file.action_names(action_space, listed.action_names if listed else ())
    named_actions = file.named_actions(action_space)
    names = named_actions or _numbers(action_space, action_names)
    keys = file.keys(action_space, names)
    return World(
        name=file.text("name", default=listed.name if listed else env_id),
        env_id=env_id,
        title=file.text("title", default=listed.title if listed else spec.name),
        description=file.text("description", default=listed.description if listed else ""),
        keys=keys,
        scheme=scheme,
        control_hz=file.rate(),
        action_names=action_names,
        idle_action=file.idle(scheme, action_space, names),
        kwargs=dict(kwargs),
        symmetry=listed.symmetry if listed else Symmetry.NONE,
        named_actions=named_actions,
        keys_add=file.keys_add(scheme, action_space, keys),
    )


def _numbers(action_space: gymnasium.Space[Any], action_names: tuple[str, ...]) -> Mapping[str, int]:
    """The names of discrete actions -> their numbers."""
    first = int(getattr(action_space, "start", 0))
    return {name: first + place for place, name in enumerate(action_names)}


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            values = tomllib.load(file)
    except OSError as error:
        raise KeyMapError(
            f"{path}: expected a key map file, found none that can be read: {error.strerror}."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise KeyMapError(f"{path}: expected TOML, found otherwise: {error}.") from error
    for name in values:
        if name not in FIELDS:
            raise KeyMapError(f"{path}: {name}: expected one of {', '.join(FIELDS)}. Remove or rename it.")
    return values


@dataclass(frozen=True)
class _KeyMapFile:
    """The file's values, checked field by field."""

    path: Path
    values: Mapping[str, Any]

    def text(self, name: str, default: str | None = None) -> str:
        value = self.values.get(name, default)
        if not isinstance(value, str):
            raise self._wrong(
                name, 'a text in quotes, such as "MountainCar-v0"' if name == "env" else "a text in quotes"
            )
        return value

    def table(self, name: str, default: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        value = self.values.get(name, default)
        if not isinstance(value, Mapping):
            raise self._wrong(name, f"a table: a line [{name}], then a line for each entry")
        return value

    def settings(self, default: Mapping[str, Any]) -> Mapping[str, Any]:
        """What the environment is made with."""
        found = self.table("kwargs", default)
        wrong = first_that_names_a_file(found)
        if wrong is not None:
            raise KeyMapError(
                f"{self.path}: kwargs: {wrong}: expected a setting that names no file, found "
                f"{str(found[wrong])[:80]!r}. No file is opened because a key map, which may be anybody's, says so."
            )
        return found

    def scheme(self) -> ControlScheme:
        choices = [scheme.value for scheme in ControlScheme]
        if self.values.get("scheme") not in choices:
            raise self._wrong("scheme", "one of " + ", ".join(f'"{choice}"' for choice in choices))
        return ControlScheme(self.values["scheme"])

    def rate(self) -> float:
        value = self.values.get("control_hz")
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= 1000:
            raise self._wrong("control_hz", "steps a second, above 0 and at most 1000")
        return float(value)

    def keys(self, action_space: gymnasium.Space[Any], names: Mapping[str, Any]) -> Mapping[str, Any]:
        keys = self.table("keys")
        if not keys:
            raise self._wrong("keys", "at least one key")
        for key in keys:
            if key not in DRIVE_KEYS:
                raise KeyMapError(
                    f"{self.path}: keys.{key}: expected a letter, a digit, space, return, up, down, left "
                    f"or right, in lower case. Rename the key."
                )
        return {key: self._action(f"keys.{key}", keys[key], action_space, names) for key in keys}

    def keys_add(
        self, scheme: ControlScheme, action_space: gymnasium.Space[Any], keys: Mapping[str, Any]
    ) -> bool:
        """Whether actions of keys held together add up, which they may if no sum lies outside the space."""
        adds = self.values.get("keys_add", False)
        if not isinstance(adds, bool):
            raise self._wrong("keys_add", "true or false")
        if not adds:
            return False
        if not isinstance(action_space, spaces.Box) or scheme not in (
            ControlScheme.NO_OP,
            ControlScheme.DEAD_MAN,
        ):
            raise self._wrong(
                "keys_add", 'false, for scheme is not "no-op" or "dead-man", or actions are numbers'
            )
        actions = np.unique(np.stack(list(keys.values())), axis=0)
        most, least = np.maximum(actions, 0).sum(0), np.minimum(actions, 0).sum(0)
        if (most > action_space.high).any() or (least < action_space.low).any():
            raise self._wrong("keys_add", f"keys that held together stay within {action_space}")
        return True

    def named_actions(self, action_space: gymnasium.Space[Any]) -> Mapping[str, Any]:
        named = self.table("actions", default={})
        if named and isinstance(action_space, spaces.Discrete):
            raise self._wrong("actions", "none where actions are numbers: action_names names them")
        return {word: self._action(f"actions.{word}", named[word], action_space) for word in named}

    def idle(
        self, scheme: ControlScheme, action_space: gymnasium.Space[Any], names: Mapping[str, Any]
    ) -> Any:
        if "idle" in self.values:
            return self._action("idle", self.values["idle"], action_space, names)
        if scheme is ControlScheme.NO_OP:
            raise self._wrong("idle", 'the action that scheme "no-op" takes while no key is held')
        return None

    def action_names(self, action_space: gymnasium.Space[Any], default: tuple[str, ...]) -> tuple[str, ...]:
        unnamed = default or numbered_actions(action_space)
        names = self.values.get("action_names", list(unnamed))
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise self._wrong("action_names", "a list of texts")
        if len(names) != len(unnamed):
            raise self._wrong("action_names", f"{len(unnamed)} names, one for each discrete action")
        return tuple(names)

    def _action(
        self,
        name: str,
        value: Any,
        action_space: gymnasium.Space[Any],
        names: Mapping[str, Any] = MappingProxyType({}),
    ) -> Any:
        """An action as a file has it, or one that is called so."""
        if isinstance(value, str) and value in names:
            return names[value]
        action = value
        if isinstance(action_space, (spaces.Box, spaces.MultiDiscrete, spaces.MultiBinary)):
            try:
                action = np.asarray(value, dtype=action_space.dtype)
            except (TypeError, ValueError):
                action = None
        if isinstance(value, bool) or action is None or not action_space.contains(action):
            or_named = f", or one of {', '.join(names)}" if isinstance(value, str) and names else ""
            raise KeyMapError(
                f"{self.path}: {name}: expected an action of {action_space}{or_named}, found {value!r}."
            )
        return action

    def _wrong(self, name: str, expected: str) -> KeyMapError:
        found = repr(self.values[name]) if name in self.values else "nothing"
        return KeyMapError(f"{self.path}: {name}: expected {expected}, found {found}.")
