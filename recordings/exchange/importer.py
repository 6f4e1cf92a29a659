"""Brings episodes of another format into a recording, each checked before anything of it is written.

Labels and acts are held until the end, and then written in the order in which they were given.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, NoReturn

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from recordings import spaces
from recordings.composer import Composer
from recordings.contents import Edit
from recordings.copying import Names, Place, add_edits
from recordings.errors import InvalidRow, UnreadableSource
from recordings.exchange.episodes import OF_LABELS, OF_STEPS, EpisodeTables
from recordings.schema import Driver, EditKind, Header, LabelKind, Outcome

Array = npt.NDArray[Any]


class Importer:
    """Writes a recording of episodes that come one at a time; use it as a context manager, as a `Composer`."""

    def __init__(
        self,
        target: str | os.PathLike[str],
        header: Header,
        source: Path,
        driver: Driver,
        world: Header | None = None,
    ) -> None:
        """source: what errors name. driver: who drove, where the source does not say. world: of which it is, and whose
        spaces it has then, where the header names none. Raises UnreadableSource, and as Composer."""
        header = _of_world(header, world, source)
        texts = {each.name: getattr(header, each.name) for each in fields(header)}
        texts = {name: _encodable(text) for name, text in texts.items() if isinstance(text, str)}
        self._composer = Composer(target, replace(header, **texts))
        self._source, self._driver = source, driver
        self._observation, self._action = (
            spaces.storage(space) for space in (header.observation_space, header.action_space)
        )
        self._discrete = {
            "observations": header.observation_space,
            "actions": header.action_space,
        }
        self._rows: dict[int, int] = {}
        """Number of an episode where it came from -> its row."""
        self._label_rows: list[Array] = []
        self._labels: list[Array] = []
        self._edits: list[tuple[int, Edit]] = []
        self._session: Any = None

    def __enter__(self) -> Importer:
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        if kind is None:
            try:
                self._finish()
            except BaseException:
                self._composer.discard()
                raise
        self._composer.__exit__(kind, *error)

    @property
    def counts(self) -> dict[str, int]:
        return {name: self._composer.rows_of(name) for name in ("episodes", "steps", "labels")}

    def add(self, number: int, episode: EpisodeTables) -> None:
        """Write an episode. number: what the source calls it. Raises UnreadableSource where it is none."""
        try:
            self._add(number, episode)
        except (OverflowError, UnicodeEncodeError, RecursionError) as error:
            self._refuse(number, "values", "numbers of 64 bits and Unicode texts", str(error)[:80])

    def _add(self, number: int, episode: EpisodeTables) -> None:
        if not np.ndim(episode.rewards):
            self._refuse(number, "rewards", "rows, one a step", "a single number")
        n = len(episode.rewards)
        observations = self._stored(number, "observations", episode.observations, n + 1)
        first = self._composer.rows_of("steps")
        rows = self._composer.empty_rows("steps", n)
        rows["observation"] = observations[:-1]
        rows["action"] = self._stored(number, "actions", episode.actions, n)
        rows["reward"] = self._numbers(number, "rewards", episode.rewards, n)
        for name, values in (("terminated", episode.terminated), ("truncated", episode.truncated)):
            rows[name] = self._numbers(number, name, values, n) != 0
        rows["driver"] = self._driver
        rows["student_version"] = -1
        if episode.own:
            self._take_columns(number, episode, rows)
        about = self._checked_about(number, episode)
        self._sit_down(about.get("session"))
        self._composer.add("steps", rows)
        self._add_row(number, episode, about, first, n, observations[-1])
        if episode.own:
            self._take_labels(number, episode, about, first, n)
        self._take_edits(number, about)

    # -- what the source says ---------------------------------------------------------------------------

    def _stored(self, number: int, name: str, values: Array, n: int) -> Array:
        storage = self._observation if name == "observations" else self._action
        array = self._numbers(number, name, values, n, storage.shape)
        if array.size and storage.dtype.kind in "iu":
            if array.dtype.kind == "f" and not (
                np.isfinite(array).all() and np.array_equal(array, np.trunc(array))
            ):
                self._refuse(number, name, "whole numbers", "fractions")
            limits, space = np.iinfo(storage.dtype), self._discrete[name]
            floor, ceiling = int(limits.min), int(limits.max)
            if isinstance(space, gym.spaces.Discrete):
                floor, ceiling = int(space.start), int(space.start + space.n - 1)
            low, high = int(array.min()), int(array.max())
            if low < floor or high > ceiling:
                self._refuse(number, name, f"whole numbers from {floor} to {ceiling}", f"{low} to {high}")
        with np.errstate(over="ignore"):
            return array.astype(storage.dtype)

    def _numbers(self, number: int, name: str, values: Array, n: int, shape: tuple[int, ...] = ()) -> Array:
        """values as (n, *shape) numbers."""
        array = np.asarray(values)
        if array.dtype.kind not in "biuf" or len(array.shape) < 1 or len(array) != n:
            self._refuse(number, name, f"{n} rows of numbers", f"{array.dtype} of shape {array.shape}")
        if array.shape[1:] != shape and array.size != n * int(np.prod(shape, dtype=np.int64)):
            self._refuse(number, name, f"rows of shape {shape}", f"rows of shape {array.shape[1:]}")
        return array.reshape(n, *shape)

    def _take_columns(self, number: int, episode: EpisodeTables, rows: Array) -> None:
        for name in OF_STEPS:
            if name in episode.own:
                rows[name] = self._fitted(number, name, episode.own[name], rows[name])
        if len(rows) and rows["driver"].max() > max(Driver):
            self._refuse(number, "driver", f"codes up to {int(max(Driver))}", str(rows["driver"].max()))

    def _fitted(self, number: int, name: str, values: Any, column: Array) -> Array:
        """values, which must be those of this column, as its type."""
        found = np.asarray(values)
        if found.shape != column.shape or found.dtype.kind not in "biuf":
            self._refuse(
                number, name, f"numbers of shape {column.shape}", f"{found.dtype} of shape {found.shape}"
            )
        with np.errstate(invalid="ignore", over="ignore"):
            fitted = found.astype(column.dtype)
        if not np.array_equal(fitted, found, equal_nan=True):
            self._refuse(number, name, f"numbers that fit {column.dtype}", "others")
        return fitted

    def _checked_about(self, number: int, episode: EpisodeTables) -> Mapping[str, Any]:
        about = episode.about
        for name in ("episode", "parent", "branch_step", "outcome"):
            if name in about and not isinstance(about[name], int):
                self._refuse(number, name, "a whole number", repr(about[name])[:80])
        if about.get("outcome", Outcome.UNKNOWN) not in (Outcome.SUCCESS, Outcome.FAILURE, Outcome.UNKNOWN):
            self._refuse(number, "outcome", "1, 2 or 3", repr(about["outcome"]))
        if not -1 <= episode.seed < 2**63:
            self._refuse(number, "seed", "-1 to 2**63 - 1", str(episode.seed))
        return about

    def _sit_down(self, session: Any) -> None:
        """A row of /sessions where another sitting begins."""
        if session == self._session and self._composer.rows_of("sessions"):
            return
        self._session = session
        about = session if isinstance(session, dict) else {}
        header = self._composer.header
        row = self._composer.empty_rows("sessions", 1)
        names = {"id": header.session_id, "created_utc": header.created_utc, "operator": header.operator}
        for name, otherwise in names.items():
            row[name] = _encodable(str(about.get(name, otherwise))).encode()[: row.dtype[name].itemsize]
        row["first_episode"] = self._composer.rows_of("episodes")
        row["first_step"] = self._composer.rows_of("steps")
        self._composer.add("sessions", row)

    def _add_row(
        self,
        number: int,
        episode: EpisodeTables,
        about: Mapping[str, Any],
        first: int,
        length: int,
        final_observation: Array,
    ) -> None:
        row = self._composer.empty_rows("episodes", 1)
        options = -1
        if episode.options is not None:
            options = self._composer.add_text(json.dumps(dict(episode.options), sort_keys=True))
        parent = self._rows.get(about.get("parent", -1), -1)
        branch_step = about.get("branch_step", -1) if parent >= 0 else -1
        outcome = about.get("outcome", Outcome.UNKNOWN)
        row[0] = (first, length, episode.seed, options, parent, branch_step, final_observation, outcome)
        self._rows[about.get("episode", number)] = self._composer.add("episodes", row)

    def _take_labels(
        self, number: int, episode: EpisodeTables, about: Mapping[str, Any], first: int, length: int
    ) -> None:
        steps = np.asarray(episode.own.get("label_step", ()))
        if not len(steps):
            return
        names = about.get("labelers")
        if not isinstance(names, list) or len(names) != len(steps):
            self._refuse(number, "labelers", f"{len(steps)} names", repr(names)[:80])
        rows = self._composer.empty_rows("labels", len(steps))
        for name in OF_LABELS:
            rows[name] = self._fitted(
                number, f"label_{name}", episode.own.get(f"label_{name}", ()), rows[name]
            )
        if rows["step"].min() < 0 or rows["step"].max() >= length or rows["kind"].max() > max(LabelKind):
            self._refuse(
                number, "labels", f"steps below {length}, kinds up to {int(max(LabelKind))}", "others"
            )
        rows["step"] += first
        try:
            rows["labeler"] = [self._composer.labeler(_encodable(str(name))) for name in names]
        except InvalidRow as error:
            self._refuse(number, "labelers", "names of 1 to 255 bytes", str(error)[:80])
        self._labels.append(rows)
        numbers = self._fitted(
            number,
            "label_row",
            episode.own.get("label_row", np.arange(len(rows))),
            np.empty(len(rows), np.int64),
        )
        self._label_rows.append(numbers)

    def _take_edits(self, number: int, about: Mapping[str, Any]) -> None:
        for words in about.get("edits", ()):
            try:
                row, kind, start, stop, value, note, time_ns = words
                edit = Edit(
                    int(row),
                    EditKind(kind),
                    0,
                    int(start),
                    int(stop),
                    int(value),
                    _encodable(str(note)),
                    int(time_ns),
                )
            except (TypeError, ValueError):
                self._refuse(number, "edits", "row, kind, start, stop, value, note, time", repr(words)[:80])
            allowed = range(Outcome.SUCCESS, max(Outcome) + 1) if edit.kind is EditKind.JUDGE else None
            if edit.start < 0 or (allowed is not None and edit.value not in allowed):
                self._refuse(number, "edits", "an act that can be", repr(words)[:80])
            _require_storable(edit)
            self._edits.append((self._rows[about.get("episode", number)], edit))

    # -- the end -----------------------------------------------------------------------------------------

    def _finish(self) -> None:
        """Labels and acts, in the order in which they were given."""
        moved: dict[int, Place] = {}
        if self._labels:
            rows, numbers = np.concatenate(self._labels), np.concatenate(self._label_rows)
            order = np.argsort(numbers, kind="stable")
            first = self._composer.add("labels", rows[order])
            moved = {row: (first + place, 0) for place, row in enumerate(numbers[order].tolist())}
        edits = sorted(self._edits, key=lambda each: each[1].row)
        acts = [
            Edit(each.row, each.kind, episode, each.start, each.stop, each.value, each.note, each.time_ns)
            for episode, each in edits
        ]
        add_edits(self._composer, acts, np.arange(self._composer.rows_of("episodes")), moved, Names())

    def _refuse(self, number: int, name: str, expected: str, found: str) -> NoReturn:
        raise UnreadableSource(
            f"{self._source}: episode {number}: {name}: expected {expected}, found {found}. The source "
            "is damaged, or not of the format that was named; nothing was written."
        )


def _of_world(header: Header, world: Header | None, source: Path) -> Header:
    if world is None:
        return header
    if not header.env_spec_json:
        names = ("env_spec_json", "observation_space_json", "action_space_json")
        return replace(header, **{name: getattr(world, name) for name in names})
    if header.env_id != world.env_id:
        raise UnreadableSource(
            f"{source}: world: expected {world.env_id}, found {header.env_id}. What the source names itself holds: "
            "leave --world out."
        )
    return header


def _require_storable(edit: Edit) -> None:
    """Raises OverflowError; an act is written only at the end."""
    np.array([edit.row, edit.start, edit.stop, edit.value, edit.time_ns], np.int64)


def _encodable(text: str) -> str:
    """With a question mark for what JSON can say, and UTF-8 cannot: half a pair of surrogates."""
    return text.encode(errors="replace").decode()
