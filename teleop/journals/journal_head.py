"""How a session was begun, as the first line of its journal: settings, world, seed, and the policies it took part with.

Settings become JSON and come back checked field by field, for a journal may come from anybody.
"""

from __future__ import annotations

import dataclasses
import hashlib
import secrets
import types
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import gymnasium as gym
import numpy as np

import recordings
from learners import elsewhere
from recordings.worldspec import first_that_names_a_file
from teleop.clock import Clock
from teleop.finish import our_version
from teleop.journals.journal import Journal, JournalWriter, UnusableJournal
from teleop.session import Session
from teleop.start import CorrectSettings, RecordSettings, expert_file, start_correction, start_recording
from teleop.worlds.catalogue import WORLDS, ControlScheme, Symmetry, World, made, registered_spec

Settings = RecordSettings | CorrectSettings
COMMANDS: Mapping[str, type[Settings]] = {"record": RecordSettings, "dagger": CorrectSettings}
NOT_KEPT = ("world", "out", "render", "trust_code")
"""Settings that are kept elsewhere, differ from one run to the next, or are for whoever plays it back to give."""
ENUMS: Mapping[str, type[Enum]] = {"scheme": ControlScheme, "symmetry": Symmetry}


def start(settings: Settings, clock: Clock, writer: JournalWriter | None = None) -> Session:
    """A session of these settings, with a journal where a writer is given.

    Raises UnusableJournal where the session could not be played back, and what starting raises.
    """
    if writer is None:
        return _started(settings, clock)
    try:
        require_repeatable(settings)
        settings = with_seed(settings)
        head = head_of(settings)
        session = _started(settings, clock, writer)
    except BaseException:
        writer.discard()
        raise
    writer.begin(head, session.clock.now_ns())
    return session


def _started(settings: Settings, clock: Clock, writer: JournalWriter | None = None) -> Session:
    hear = None if writer is None else writer.hear
    if isinstance(settings, RecordSettings):
        return start_recording(settings, clock, hear)
    return start_correction(settings, clock, hear)


def require_repeatable(settings: Settings) -> None:
    """Raises UnusableJournal."""
    if isinstance(settings, CorrectSettings) and settings.training == "background":
        raise UnusableJournal(
            "--journal: expected --training inline, found background. A student that is taught beside the session "
            "comes when it comes, so what it does cannot be repeated from keys alone. Add --training inline (a tick "
            "then waits for the teaching), or leave --journal out."
        )


def with_seed(settings: Settings) -> Settings:
    """The same with a seed drawn now, where none was given."""
    return (
        settings
        if settings.seed is not None
        else dataclasses.replace(settings, seed=secrets.randbelow(2**31))
    )


def head_of(settings: Settings) -> dict[str, Any]:
    """What is to be known to begin the same session again."""
    kept = {each.name: getattr(settings, each.name) for each in dataclasses.fields(settings)}
    return {
        "command": next(name for name, kind in COMMANDS.items() if isinstance(settings, kind)),
        "version": our_version(),
        "recording": str(settings.out),
        "settings": {name: plain(value) for name, value in kept.items() if name not in NOT_KEPT},
        "world": world_to_json(settings.world),
        "policies": {str(path): fingerprint(path) for path in policies_of(settings) if path.is_file()},
        "continued": rows_in(settings.out),
    }


def settings_of(journal: Journal, out: Path, *, trust_code: bool = False) -> Settings:
    """The settings that a journal tells of, recording to `out`.

    Raises UnusableJournal, UnknownWorldError, WorldError.
    """
    kind = COMMANDS.get(str(journal.head.get("command")))
    if kind is None:
        raise journal.wrong("command", f"one of {', '.join(COMMANDS)}", journal.head.get("command"))
    world = world_from_json(journal)
    values = _checked(journal, kind)
    settings = kind(world=world, out=out, trust_code=trust_code, **values)
    require_repeatable(settings)
    _require_policies(journal, settings)
    _require_rows(journal, out)
    return settings


# -- worlds ---------------------------------------------------------------------------------------------------


def world_to_json(world: World) -> dict[str, Any]:
    """Every field of a world."""
    return {each.name: plain(getattr(world, each.name)) for each in dataclasses.fields(world)}


def world_from_json(journal: Journal) -> World:
    """The listed world that a journal names, or one made from what it says. Raises as `settings_of`."""
    said = journal.head.get("world")
    for world in WORLDS:
        if world_to_json(world) == said:
            return world
    fields = {each.name for each in dataclasses.fields(World)}
    if not isinstance(said, dict) or set(said) != fields:
        raise journal.wrong("world", f"an object with {', '.join(sorted(fields))}", said)
    kwargs = said["kwargs"] if isinstance(said["kwargs"], dict) else {}
    if first_that_names_a_file(kwargs) is not None:
        raise journal.wrong("world.kwargs", "settings that name no file", kwargs)
    spec = registered_spec(str(said["env_id"]))
    with made(dataclasses.replace(spec, kwargs={**spec.kwargs, **kwargs})) as env:
        space = env.action_space
    skip = ("keys", "named_actions", "idle_action", "kwargs", *ENUMS)
    values = _checked_fields(journal, "world", World, said, skip=skip)
    keys, named = (each if isinstance(each, dict) else {} for each in (said["keys"], said["named_actions"]))
    values |= {name: _member(journal, name, kind, said[name]) for name, kind in ENUMS.items()}
    return World(
        **values,
        keys={key: _action(journal, action, space) for key, action in keys.items()},
        named_actions={word: _action(journal, action, space) for word, action in named.items()},
        idle_action=None if said["idle_action"] is None else _action(journal, said["idle_action"], space),
        kwargs=kwargs,
    )


def _member(journal: Journal, name: str, kind: type[Enum], value: object) -> Enum:
    try:
        return kind(value)
    except ValueError as error:
        choices = ", ".join(str(each.value) for each in kind)
        raise journal.wrong(f"world.{name}", f"one of {choices}", value) from error


def _action(journal: Journal, value: object, space: gym.Space[Any]) -> Any:
    action: Any = value
    try:
        if not isinstance(space, gym.spaces.Discrete):
            action = np.asarray(value, space.dtype)
        if not isinstance(value, bool) and space.contains(action):
            return action
    except (TypeError, ValueError):
        pass
    raise journal.wrong("world.keys", f"actions of {space}", value)


# -- policies, and what the recording held before ---------------------------------------------------------------


def policies_of(settings: Settings) -> list[Path]:
    """The policy files that a session takes part with."""
    if isinstance(settings, RecordSettings):
        return [path for path in [expert_file(settings.driver, settings.world)] if path is not None]
    names = (settings.expert, *settings.advisers)
    student = settings.student
    if student is not None and elsewhere.form_of(str(student)) == "python":
        student = None
    files = [student, *(expert_file(name, settings.world) for name in names)]
    return [path for path in files if path is not None]


def fingerprint(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def rows_in(path: Path) -> dict[str, int] | None:
    """How many rows each table of a recording holds; None where there is no recording yet."""
    if not path.exists():
        return None
    with recordings.open(path) as reader:
        return {name: rows for name, rows in reader.row_counts().items() if name != "sessions"}


def _require_policies(journal: Journal, settings: Settings) -> None:
    known = journal.head.get("policies")
    for path in policies_of(settings):
        expected = known.get(str(path)) if isinstance(known, dict) else None
        found = fingerprint(path) if path.is_file() else "no file"
        if found != expected:
            raise UnusableJournal(
                f"{path}: expected the policy with which {journal.path} was written (SHA-256 {str(expected)[:64]}), "
                f"found {found}. Put that policy back, and play the journal again."
            )


def _require_rows(journal: Journal, out: Path) -> None:
    expected, found = journal.head.get("continued"), rows_in(out)
    if found == expected:
        return
    if expected is None:
        raise UnusableJournal(
            f"{out}: expected no file, found one. {journal.path} is of a session that began a recording; "
            "name a file that is not there."
        )
    raise UnusableJournal(
        f"{out}: expected a recording with these rows: {str(expected)[:200]}, found {found or 'none'}. "
        f"{journal.path} is of a session that continued a recording; copy it as it was before, and name the copy."
    )


# -- values ---------------------------------------------------------------------------------------------------


def plain(value: Any) -> Any:
    """As JSON has it."""
    match value:
        case Path():
            return str(value)
        case Enum():
            return value.value
        case np.ndarray() | np.generic():
            return value.tolist()
        case Mapping():
            return {str(key): plain(each) for key, each in value.items()}
        case tuple() | list():
            return [plain(each) for each in value]
    if dataclasses.is_dataclass(value):
        return {each.name: plain(getattr(value, each.name)) for each in dataclasses.fields(value)}
    return value


def _checked(journal: Journal, kind: type[Settings]) -> dict[str, Any]:
    said = journal.head.get("settings")
    names = {each.name for each in dataclasses.fields(kind)} - set(NOT_KEPT)
    if not isinstance(said, dict) or set(said) != names:
        raise journal.wrong("settings", f"an object with {', '.join(sorted(names))}", said)
    values = _checked_fields(journal, "settings", kind, said, skip=NOT_KEPT)
    if not isinstance(values["seed"], int) or values["seed"] < 0:
        raise journal.wrong("settings.seed", "a number from 0 on", values["seed"])
    return values


def _checked_fields(
    journal: Journal, where: str, kind: type[Any], said: Mapping[str, Any], *, skip: tuple[str, ...]
) -> dict[str, Any]:
    """The fields of a dataclass from JSON, each of its type. Raises UnusableJournal."""
    hints = get_type_hints(kind, localns=_late_names(kind))
    values = {}
    for name in (each.name for each in dataclasses.fields(kind) if each.name not in skip):
        try:
            values[name] = _as(hints[name], said[name])
        except TypeError as error:
            raise journal.wrong(f"{where}.{name}", str(error), said[name]) from error
    return values


def _late_names(kind: type[Any]) -> dict[str, Any]:
    """What type hints name that is imported for type checking alone."""
    if kind is not CorrectSettings:
        return {}
    from learners.dagger import GateName  # loads torch, which a recording can do without

    return {"GateName": GateName}


def _as(hint: Any, value: Any) -> Any:
    """A JSON value as the type of its field. Raises TypeError, which names the type."""
    origin, choices = get_origin(hint), get_args(hint)
    if origin is Literal and value in choices:
        return value
    if origin in (Union, types.UnionType):
        return None if value is None else _as(choices[0], value)
    if hint is Path and isinstance(value, str):
        return Path(value)
    if hint is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if hint in (int, str, bool) and type(value) is hint:
        return value
    if origin is tuple and isinstance(value, list):
        return tuple(_as(choices[0], each) for each in value)
    if isinstance(hint, type) and dataclasses.is_dataclass(hint) and isinstance(value, dict):
        hints = get_type_hints(hint)
        if set(value) == set(hints):
            return hint(**{name: _as(hints[name], each) for name, each in value.items()})
    if isinstance(origin, type) and issubclass(origin, Mapping) and isinstance(value, dict):
        return {key: _as(choices[1], each) for key, each in value.items()}
    raise TypeError(f"{getattr(hint, '__name__', hint)}")
