"""The world that a recording names, as a gymnasium EnvSpec: registered ids and JSON settings only.

An EnvSpec's JSON may name any entry point and any wrapper, and an id may name a module. None of these is
taken from a file: the entry point is that of the id as registered here, and everything else is refused.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Any

import gymnasium as gym
from gymnasium.envs.registration import EnvSpec

from recordings.errors import NotReplayable
from recordings.schema import Header

_DEEPEST = 8
_WORLDS_OF_OTHER_LIBRARIES = ("GymV21Environment", "GymV26Environment")


def registered_spec(header: Header) -> EnvSpec | None:
    """The spec of the recording's world, without rendering; None if the recording names no world.

    Raises NotReplayable if the id is not registered, or the world cannot be made from JSON settings alone.
    """
    if not header.env_spec_json:
        return None
    recorded: dict[str, Any] = json.loads(header.env_spec_json)
    spec = copy.deepcopy(_registered(str(recorded.get("id", ""))))
    if recorded.get("additional_wrappers"):
        names = [str(wrapper.get("name")) for wrapper in recorded["additional_wrappers"]]
        raise NotReplayable(
            f"env_spec_json: additional_wrappers: expected none, found {', '.join(names)}. Code named by "
            "a file is never run; make the environment yourself and pass it as `make`."
        )
    spec.kwargs = {**spec.kwargs, **_settings(recorded)}
    spec.max_episode_steps = _limit(recorded, spec)
    return spec


def _registered(name: str) -> EnvSpec:
    if not name or ":" in name:
        raise NotReplayable(
            f"env_spec_json: id: expected the id of a registered environment, found {name!r}. Import the "
            "package that has it, and pass `make`."
        )
    if name not in gym.registry:
        _register_namespace(name.partition("/")[0])
    try:
        spec = gym.spec(name)
    except gym.error.Error as error:
        raise NotReplayable(
            f"env_spec_json: id: expected an environment registered here, found {name!r} ({error}). "
            "Install or import the package that registers it."
        ) from error
    if name.startswith(_WORLDS_OF_OTHER_LIBRARIES):
        raise NotReplayable(
            f"env_spec_json: id: {name!r} makes environments of another library, named by the file. That "
            "is never done; make the environment yourself and pass it as `make`."
        )
    return spec


def _register_namespace(namespace: str) -> None:
    """Let the installed package that owns `namespace` register its worlds; gymnasium no longer does so.

    The file chooses only among packages that are installed and declare themselves (entry points of the group
    gymnasium.envs).
    """
    for plugin in entry_points(group="gymnasium.envs", name=namespace):
        plugin.load()()


def _settings(recorded: dict[str, Any]) -> dict[str, Any]:
    settings = recorded.get("kwargs") or {}
    if not isinstance(settings, dict):
        raise NotReplayable(f"env_spec_json: kwargs: expected names and values, found {settings!r}.")
    wrong = first_that_names_a_file(settings)
    if wrong is not None:
        raise NotReplayable(
            f"env_spec_json: kwargs: {wrong}: expected a setting that names no file, found "
            f"{str(settings[wrong])[:80]!r}. No file is opened because a file says so; make the environment yourself "
            "and pass it as `make`."
        )
    return {str(name): value for name, value in settings.items() if name != "render_mode"}


def first_that_names_a_file(settings: Mapping[str, Any]) -> str | None:
    """The first of a world's settings that is not plain: a text with a separator of folders, or with a suffix, might
    have the world open a file (MuJoCo's `xml_file` does), and nesting without end is nobody's setting.
    """
    return next((str(name) for name, value in settings.items() if not _is_plain(value, 0)), None)


def _is_plain(value: Any, depth: int) -> bool:
    if isinstance(value, str):
        return not any(mark in value for mark in ("/", "\\", "."))
    if isinstance(value, Mapping | list):
        parts = [*value, *value.values()] if isinstance(value, Mapping) else value
        return depth < _DEEPEST and all(_is_plain(part, depth + 1) for part in parts)
    return value is None or isinstance(value, bool | int | float)


def _limit(recorded: dict[str, Any], spec: EnvSpec) -> int | None:
    limit = recorded.get("max_episode_steps", spec.max_episode_steps)
    if limit is None or (isinstance(limit, int) and not isinstance(limit, bool) and limit > 0):
        return limit
    raise NotReplayable(
        f"env_spec_json: max_episode_steps: expected a number above 0 or null, found {limit!r}."
    )
