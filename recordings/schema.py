"""What a recording holds: every table and column, its type, shape, unit and meaning, and the header.

`tables(header)` is the single source of the format: the recorder creates from it, the reader checks against
it, and `docs/recording-format.md` says the same in prose.
"""

from __future__ import annotations

import json
import platform
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from enum import IntEnum
from importlib import metadata
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from recordings import spaces
from recordings.errors import DamagedRecording, NewerFormat, NotARecording

FORMAT = "understudy"
FORMAT_VERSION = 1


class Driver(IntEnum):
    """Who chose the action that was executed."""

    HUMAN = 0
    STUDENT = 1
    SCRIPTED = 2
    POLICY = 3
    REPLAYED = 4


class Outcome(IntEnum):
    """How an episode ended."""

    RUNNING = 0
    SUCCESS = 1
    FAILURE = 2
    UNKNOWN = 3


class LabelKind(IntEnum):
    """On what occasion a label was given."""

    DEMONSTRATED = 0
    TAKEOVER = 1
    LIVE = 2
    PAUSED = 3
    RETROSPECTIVE = 4
    QUERIED = 5
    REASKED = 6
    ADVISED = 7
    """By somebody who is asked beside the teacher; nobody learns from it unless they are named."""


class EditKind(IntEnum):
    """What a curation act does to a range of steps; a later act overrides an earlier one."""

    DISCARD = 0
    RESTORE = 1
    MARK = 2
    RELABEL = 3
    UNDO = 4
    """Takes back the act in row `value` of /edits, which may itself be an UNDO."""
    WITHDRAW = 5
    """The label in row `value` of /labels no longer counts."""
    JUDGE = 6
    """The episode ended as the Outcome `value`, whatever its row says."""


@dataclass(frozen=True)
class Column:
    """One dataset: an entry a row."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    """Shape of one entry; () for a number."""
    fill: Any
    """What an entry holds before anything is known."""
    meaning: str

    @property
    def entry_bytes(self) -> int:
        return int(self.dtype.itemsize * np.prod(self.shape, dtype=np.int64))


@dataclass(frozen=True)
class Table:
    """One group of columns of equal length."""

    name: str
    columns: tuple[Column, ...]

    def row_dtype(self) -> np.dtype[Any]:
        """A structured type with one field a column."""
        return np.dtype([(column.name, column.dtype, column.shape) for column in self.columns])


@dataclass(frozen=True)
class Header:
    """What is known before the first step, written as attributes of the file's root."""

    env_spec_json: str
    """`EnvSpec.to_json()` of the environment, or "" if it has none."""
    observation_space_json: str
    action_space_json: str
    operator: str = ""
    """Who sat at the keyboard."""
    control_hz: float = 0.0
    """Control rate in ticks a second; 0: as fast as possible."""
    key_map: Mapping[str, Any] = field(default_factory=dict)
    """Names of keys and what they do; any JSON."""
    session_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    created_utc: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    versions: Mapping[str, str] = field(default_factory=lambda: installed_versions())
    sources: tuple[Mapping[str, Any], ...] = ()
    """Of a recording made of others: what each says of itself, and `first_episode` and `episodes`, which are of it."""

    @classmethod
    def for_env(
        cls,
        env: gym.Env[Any, Any],
        *,
        operator: str = "",
        control_hz: float = 0.0,
        key_map: Mapping[str, Any] | None = None,
    ) -> Header:
        """The header of a recording made in `env`. Raises UnsupportedSpace if a space has no fixed size."""
        return cls(
            env_spec_json="" if env.spec is None else env.spec.to_json(),
            observation_space_json=spaces.to_json(env.observation_space),
            action_space_json=spaces.to_json(env.action_space),
            operator=operator,
            control_hz=control_hz,
            key_map=dict(key_map or {}),
        )

    @property
    def observation_space(self) -> spaces.Space:
        return spaces.from_json(self.observation_space_json)

    @property
    def action_space(self) -> spaces.Space:
        return spaces.from_json(self.action_space_json)

    @property
    def env_id(self) -> str:
        """The environment's registered id, or "" without a spec."""
        return str(self._spec().get("id", ""))

    @property
    def world(self) -> tuple[str, str, str, str]:
        """What makes two recordings be of one world: id, settings, and both spaces."""
        spec = self._spec()
        kwargs = spec.get("kwargs")
        if isinstance(kwargs, dict):
            kwargs = {key: value for key, value in kwargs.items() if key != "render_mode"}
        settings = {"kwargs": kwargs, "max_episode_steps": spec.get("max_episode_steps")}
        return (
            self.env_id,
            json.dumps(settings, sort_keys=True),
            self.observation_space_json,
            self.action_space_json,
        )

    def to_attributes(self) -> dict[str, Any]:
        """Name and value of every root attribute."""
        attributes: dict[str, Any] = {each.name: getattr(self, each.name) for each in fields(self)}
        attributes["key_map"] = json.dumps(dict(self.key_map))
        attributes["versions"] = json.dumps(dict(self.versions))
        del attributes["sources"]
        if self.sources:
            attributes["sources"] = json.dumps([dict(each) for each in self.sources])
        return {"format": FORMAT, "format_version": FORMAT_VERSION, **attributes}

    @classmethod
    def from_attributes(cls, attributes: Mapping[str, Any], name: str) -> Header:
        """The header of the file called `name`. Raises NotARecording, NewerFormat, DamagedRecording."""
        _check_format(attributes, name)
        values: dict[str, Any] = {}
        for each in fields(cls):
            if each.name == "sources":
                values["sources"] = _sources(attributes.get("sources", "[]"), name)
                continue
            if each.name not in attributes:
                raise DamagedRecording(
                    f"{name}: {each.name}: expected this attribute, found none. The header is damaged; "
                    "restore the file from a copy."
                )
            values[each.name] = _attribute(each.name, attributes[each.name], name)
        header = cls(**values)
        _ = header.observation_space, header.action_space, header._spec()
        return header

    def _spec(self) -> dict[str, Any]:
        if not self.env_spec_json:
            return {}
        return _json_object("env_spec_json", self.env_spec_json, "recording")


def installed_versions() -> dict[str, str]:
    """Versions of what a replay depends on; "" for what is not installed. Imports none of it."""
    versions = {"python": platform.python_version()}
    for name in ("gymnasium", "numpy", "torch", "understudy"):
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = ""
    return versions


def tables(header: Header) -> tuple[Table, ...]:
    """Every table of a recording with this header, in the order in which they are written."""
    observation = spaces.storage(header.observation_space)
    action = spaces.storage(header.action_space)
    return (
        _steps(observation, action),
        _episodes(observation),
        Table(
            "labels",
            (
                Column("step", _I8, (), 0, "row of /steps that the label is about"),
                Column("action", action.dtype, action.shape, 0, "the action that would have been right"),
                Column("labeler", _I2, (), 0, "row of /labelers: who says so"),
                Column(
                    "kind",
                    _U1,
                    (),
                    0,
                    "0 demonstrated 1 takeover 2 live 3 paused 4 retrospective 5 queried 6 reasked 7 advised",
                ),
                Column("time_ns", _I8, (), 0, "monotonic nanoseconds at which the label was given"),
            ),
        ),
        Table(
            "edits",
            (
                Column("kind", _U1, (), 0, "0 discard 1 restore 2 mark 3 relabel 4 undo 5 withdraw 6 judge"),
                Column("episode", _I8, (), 0, "row of /episodes"),
                Column("start", _I8, (), 0, "first step concerned, counted from the episode's start"),
                Column("stop", _I8, (), -1, "the step after the last; -1: to the episode's end"),
                Column("value", _I8, (), 0, "a number that the kind may need"),
                Column("note", _I8, (), -1, "offset of a note in /text; -1: none"),
                Column("time_ns", _I8, (), 0, "monotonic nanoseconds"),
            ),
        ),
        Table("labelers", (Column("name", np.dtype("S255"), (), b"", "the labeler's name, UTF-8"),)),
        Table(
            "sessions",
            (
                Column("id", np.dtype("S32"), (), b"", "identifies one sitting; resuming adds a row"),
                Column("created_utc", np.dtype("S32"), (), b"", "ISO 8601"),
                Column("operator", np.dtype("S64"), (), b"", "who sat at the keyboard, UTF-8"),
                Column("first_episode", _I8, (), 0, "episodes from here on are of this sitting"),
                Column("first_step", _I8, (), 0, "steps from here on are of this sitting"),
            ),
        ),
    )


def table(name: str, header: Header) -> Table:
    """One of `tables(header)`."""
    return next(each for each in tables(header) if each.name == name)


def by_name(codes: npt.NDArray[np.integer[Any]], kind: type[IntEnum]) -> dict[str, int]:
    """How many of the codes have which name, by code; one that `kind` does not know is "code 9"."""
    names = {int(each): each.name.lower() for each in kind}
    found, counts = np.unique(codes, return_counts=True)
    return {names.get(int(code), f"code {code}"): int(n) for code, n in zip(found, counts, strict=True)}


TEXT = Column("text", np.dtype(np.uint8), (), 0, "texts of any length, UTF-8, each ended by a zero byte")
"""The one dataset outside the tables: /text, to which columns of offsets point."""

_U1, _I2, _I4, _I8 = (np.dtype(name) for name in ("u1", "<i2", "<i4", "<i8"))


def _steps(observation: spaces.Storage, action: spaces.Storage) -> Table:
    return Table(
        "steps",
        (
            Column("observation", observation.dtype, observation.shape, 0, "what was seen before the action"),
            Column("action", action.dtype, action.shape, 0, "the action executed"),
            Column("reward", np.dtype("<f8"), (), 0, "paid on this step"),
            Column("terminated", _U1, (), 0, "1: the world ended here"),
            Column("truncated", _U1, (), 0, "1: the time limit ended it"),
            Column("driver", _U1, (), 0, "0 human 1 student 2 scripted 3 policy 4 replayed prefix"),
            Column("student_action", action.dtype, action.shape, 0, "what the student would have done"),
            Column("student_action_valid", _U1, (), 0, "1: student_action means something"),
            Column("student_version", _I4, (), -1, "version of the student's policy; -1: none"),
            Column("time_ns", _I8, (), 0, "monotonic nanoseconds"),
            Column("keys", np.dtype("<u4"), (), 0, "bit mask of the keys held"),
        ),
    )


def _episodes(observation: spaces.Storage) -> Table:
    return Table(
        "episodes",
        (
            Column("start", _I8, (), 0, "row of /steps at which it begins"),
            Column("length", _I8, (), -1, "its steps; -1 while it runs"),
            Column("seed", _I8, (), -1, "seed given to reset; -1: none"),
            Column("options", _I8, (), -1, "offset in /text of reset's options as JSON; -1: none"),
            Column("parent", _I8, (), -1, "the episode it branched from; -1: none"),
            Column("branch_step", _I8, (), -1, "steps of the parent that it repeats; -1: none"),
            Column(
                "final_observation",
                observation.dtype,
                observation.shape,
                0,
                "what was seen after the last step",
            ),
            Column("outcome", _U1, (), 0, "0 running 1 success 2 failure 3 unknown"),
        ),
    )


def _check_format(attributes: Mapping[str, Any], name: str) -> None:
    if attributes.get("format") != FORMAT:
        raise NotARecording(
            f"{name}: format: expected {FORMAT!r}, found {attributes.get('format')!r}. This HDF5 file is no "
            "recording of Understudy; a file of another program can be brought in with `convert`."
        )
    version = attributes.get("format_version")
    if not isinstance(version, int | np.integer) or version < 1:
        raise DamagedRecording(
            f"{name}: format_version: expected {FORMAT_VERSION}, found {version!r}. The header is damaged; "
            "restore the file from a copy."
        )
    if version > FORMAT_VERSION:
        raise NewerFormat(
            f"{name}: format_version: expected {FORMAT_VERSION}, found {version}. This file was written by a "
            "newer version of Understudy; upgrade to read it."
        )


def _attribute(field_name: str, value: Any, name: str) -> Any:
    if field_name == "control_hz":
        if not isinstance(value, int | float | np.integer | np.floating):
            raise DamagedRecording(_wrong_attribute(name, field_name, "a number", value))
        return float(value)
    if not isinstance(value, str):
        raise DamagedRecording(_wrong_attribute(name, field_name, "text", value))
    return _json_object(field_name, value, name) if field_name in ("key_map", "versions") else value


def _json_object(field_name: str, text: str, name: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise DamagedRecording(_wrong_attribute(name, field_name, "a JSON object", text))
    return value


def _sources(value: Any, name: str) -> tuple[Mapping[str, Any], ...]:
    try:
        found = json.loads(value) if isinstance(value, str) else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, list) or not all(map(_is_source, found)):
        expected = "a JSON list of objects with the numbers first_episode and episodes"
        raise DamagedRecording(_wrong_attribute(name, "sources", expected, value))
    return tuple(found)


def _is_source(value: Any) -> bool:
    names = ("first_episode", "episodes")
    return isinstance(value, dict) and all(type(value.get(name)) is int for name in names)


def _wrong_attribute(name: str, field_name: str, expected: str, found: Any) -> str:
    return (
        f"{name}: {field_name}: expected {expected}, found {str(found)[:100]!r}. The header is damaged; "
        "restore the file from a copy."
    )
