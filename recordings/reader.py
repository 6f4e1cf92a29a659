"""Opens a recording, tails it while it is written, and reads slices of it; never loads what is not asked for.

A file that is being written is read in HDF5's SWMR mode, so that its recorder goes on undisturbed.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from recordings import datafile
from recordings.errors import DamagedRecording
from recordings.schema import TEXT, EditKind, Header, Outcome, tables

Array = npt.NDArray[Any]

_EPISODE_BLOCK = 512
_CONSISTENCY_TRIES = 200
_TEXT_BLOCK = 4096
_LONGEST_TEXT = 1 << 24
_TRUTH_VALUES = frozenset({"terminated", "truncated", "student_action_valid"})


@dataclass(frozen=True)
class Labels:
    """Labels, in the order in which they were given; a later one of the same labeler and step overrides."""

    steps: npt.NDArray[np.int64]
    """(L,) rows of /steps."""
    actions: Array
    """(L, *action shape)"""
    labelers: npt.NDArray[np.int16]
    """(L,) codes; `names[code]` is the labeler."""
    kinds: npt.NDArray[np.uint8]
    """(L,) LabelKind"""
    time_ns: npt.NDArray[np.int64]
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, rows: Any) -> Labels:
        return Labels(
            self.steps[rows],
            self.actions[rows],
            self.labelers[rows],
            self.kinds[rows],
            self.time_ns[rows],
            self.names,
        )


@dataclass(frozen=True)
class Edit:
    """One curation act."""

    kind: EditKind
    episode: int
    start: int
    """First step concerned, counted from the episode's start."""
    stop: int
    """The step after the last; -1: to the episode's end."""
    value: int
    note: str
    time_ns: int


@dataclass(frozen=True)
class Episode:
    """One episode; its columns are read when asked for."""

    index: int
    start: int
    """Row of /steps at which it begins."""
    length: int
    seed: int
    """-1: none was given."""
    parent: int
    branch_step: int
    outcome: Outcome
    _options_at: int
    _reader: Reader

    @property
    def stop(self) -> int:
        return self.start + self.length

    @property
    def options(self) -> dict[str, Any] | None:
        """What was passed to `reset` as options, or None."""
        return None if self._options_at < 0 else self._reader.json_text(self._options_at)

    @property
    def observations(self) -> Array:
        """(T + 1, *observation shape): before each step, and after the last.

        While the episode runs and its last flush is not complete the final one may be missing.
        """
        seen = self._reader.read("steps", "observation", self.start, self.stop)
        return np.concatenate([seen, self.final_observation[None]])

    @property
    def final_observation(self) -> Array:
        """(*observation shape) what was seen after the last step."""
        if self.outcome is Outcome.RUNNING:
            return np.asarray(self._reader.read("steps", "observation", self.stop, self.stop + 1)[0])
        return np.asarray(self._reader.read("episodes", "final_observation", self.index, self.index + 1)[0])

    @property
    def actions(self) -> Array:
        """(T, *action shape) the executed actions."""
        return self._column("action")

    @property
    def rewards(self) -> Array:
        """(T,)"""
        return self._column("reward")

    @property
    def terminated(self) -> Array:
        """(T,) bool"""
        return self._column("terminated")

    @property
    def truncated(self) -> Array:
        """(T,) bool"""
        return self._column("truncated")

    @property
    def drivers(self) -> Array:
        """(T,) Driver codes"""
        return self._column("driver")

    @property
    def student_actions(self) -> Array:
        """(T, *action shape); meaningful where `student_action_valid`."""
        return self._column("student_action")

    @property
    def student_action_valid(self) -> Array:
        """(T,) bool"""
        return self._column("student_action_valid")

    @property
    def student_versions(self) -> Array:
        """(T,) version of the student's policy; -1: none."""
        return self._column("student_version")

    @property
    def time_ns(self) -> Array:
        """(T,) monotonic nanoseconds"""
        return self._column("time_ns")

    @property
    def keys(self) -> Array:
        """(T,) bit masks of the keys held"""
        return self._column("keys")

    @property
    def return_(self) -> float:
        """The sum of rewards."""
        return float(self.rewards.sum())

    def labels(self) -> Labels:
        """The labels of this episode's steps."""
        return self._reader.labels(self.start, self.stop)

    def _column(self, name: str) -> Array:
        return self._reader.column(name).between(self.start, self.stop)


@dataclass(frozen=True)
class Recovery:
    """What `recordings.recovery` had to make whole before this recording could be opened."""

    path: Path
    episodes: int
    steps: int
    cut_episode: int | None
    """The episode that was running when its recorder was killed, if any."""

    @property
    def notice(self) -> str:
        """One sentence for a person."""
        cut = (
            ""
            if self.cut_episode is None
            else f"; episode {self.cut_episode} was cut short, its outcome is unknown"
        )
        return (
            f"{self.path}: the program that recorded this was ended abruptly. The file was made whole: "
            f"{self.episodes} episodes, {self.steps} steps{cut}."
        )


class Reader:
    """One recording, open for reading; use it as a context manager, or call `close`."""

    def __init__(self, path: str | os.PathLike[str], *, recovered: Recovery | None = None) -> None:
        """Raises RecordingMissing, NotARecording, NewerFormat, DamagedRecording.

        Takes the file as it is; `recordings.open` first makes whole what a killed recorder left.
        """
        self.path = Path(path)
        self.recovered = recovered
        """What had to be made whole on opening, or None."""
        self._blocks: dict[int, list[Episode]] = {}
        self._open()

    def _open(self) -> None:
        self._file, self.live = datafile.open_for_reading(self.path)
        try:
            self.header = Header.from_attributes(datafile.attributes(self._file, self.path), str(self.path))
            self._tables = {table.name: table for table in tables(self.header)}
            self._datasets = datafile.checked_columns(self._file, self.path, self._tables.values())
            self._measure()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Reader:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._datasets = {}
        self._file.close()

    def refresh(self) -> None:
        """See what a recorder has flushed since. Raises DamagedRecording."""
        if self.live:
            self._measure()
        else:
            self._file.close()
            self._open()

    @property
    def n_steps(self) -> int:
        """Complete steps, those of the running episode included."""
        return self._counts["steps"]

    @property
    def episodes(self) -> Episodes:
        return Episodes(self)

    @property
    def n_episodes(self) -> int:
        return self._counts["episodes"]

    @property
    def n_labels(self) -> int:
        """Rows of /labels."""
        return self._counts["labels"]

    @property
    def text_bytes(self) -> int:
        """Length of /text."""
        return int(self._datasets[TEXT.name].shape[0])

    @cached_property
    def _names(self) -> tuple[str, ...]:
        rows = self.read("labelers", "name", 0, self._counts["labelers"])
        return tuple(bytes(row).decode(errors="replace") for row in rows)

    @property
    def labelers(self) -> tuple[str, ...]:
        """Names of who gave labels, in the order of their codes."""
        return self._names

    def row_counts(self) -> dict[str, int]:
        """Complete rows of every table."""
        return dict(self._counts)

    def column(self, name: str) -> StepColumn:
        """A column of /steps, to be sliced like an array of `n_steps` entries. Raises KeyError."""
        if f"steps/{name}" not in self._datasets:
            names = [column.name for column in self._tables["steps"].columns]
            raise KeyError(f"column: expected one of {', '.join(names)}, found {name!r}")
        return StepColumn(self, name)

    def read(self, table: str, column: str, start: int, stop: int) -> Array:
        """Rows `start` to `stop` of one column, as stored. Raises DamagedRecording."""
        try:
            return np.asarray(self._datasets[f"{table}/{column}"][start:stop])
        except (OSError, ValueError, RuntimeError) as error:
            raise DamagedRecording(
                f"{self.path}: /{table}/{column}: rows {start} to {stop} cannot be read ({error}). The "
                "file is damaged; restore it from a copy."
            ) from error

    def labels(self, start: int = 0, stop: int | None = None) -> Labels:
        """The labels of steps `start` to `stop` (rows of /steps), in the order given."""
        end = self.n_steps if stop is None else stop
        steps = self._label_steps()
        rows = np.flatnonzero((steps >= start) & (steps < end))
        low, high = (int(rows[0]), int(rows[-1]) + 1) if len(rows) else (0, 0)
        parts = [
            self.read("labels", name, low, high)[rows - low]
            for name in ("action", "labeler", "kind", "time_ns")
        ]
        if len(rows) and not 0 <= int(parts[1].min()) <= int(parts[1].max()) < len(self.labelers):
            raise DamagedRecording(
                f"{self.path}: /labels/labeler: expected codes below {len(self.labelers)}, found "
                f"{int(parts[1].max())}. The file is damaged; restore it from a copy."
            )
        return Labels(steps[rows], parts[0], parts[1], parts[2], parts[3], self.labelers)

    def edits(self) -> list[Edit]:
        """Every curation act, in order."""
        n = self._counts["edits"]
        columns = [self.read("edits", column.name, 0, n) for column in self._tables["edits"].columns]
        return [self._edit(*(int(value) for value in row)) for row in zip(*columns, strict=True)]

    def sessions(self) -> list[dict[str, Any]]:
        """The sittings in which this was recorded: id, created_utc, operator, first_episode, first_step."""
        columns = self._tables["sessions"].columns
        parts = [
            self.read("sessions", column.name, 0, self._counts["sessions"]).tolist() for column in columns
        ]
        return [
            {
                column.name: value.decode(errors="replace") if isinstance(value, bytes) else value
                for column, value in zip(columns, row, strict=True)
            }
            for row in zip(*parts, strict=True)
        ]

    def text(self, offset: int) -> str:
        """The text that begins at `offset` of /text. Raises DamagedRecording."""
        dataset, found = self._datasets[TEXT.name], b""
        while 0 <= offset < dataset.shape[0] and len(found) < _LONGEST_TEXT:
            block = self.read_text(offset + len(found), offset + len(found) + _TEXT_BLOCK)
            found += block
            if b"\0" in block:
                return found.split(b"\0", 1)[0].decode(errors="replace")
            if not block:
                break
        raise DamagedRecording(
            f"{self.path}: /text: expected a text ended by a zero byte at {offset}, found none. The file is "
            "damaged; restore it from a copy."
        )

    def read_text(self, start: int, stop: int) -> bytes:
        """Bytes `start` to `stop` of /text. Raises DamagedRecording."""
        try:
            return bytes(self._datasets[TEXT.name][start:stop])
        except (OSError, RuntimeError) as error:
            raise DamagedRecording(
                f"{self.path}: /text cannot be read ({error}). The file is damaged; restore it from a copy."
            ) from error

    def json_text(self, offset: int) -> dict[str, Any]:
        """The JSON object that begins at `offset` of /text. Raises DamagedRecording."""
        text = self.text(offset)
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            raise DamagedRecording(
                f"{self.path}: /episodes/options: expected a JSON object, found {text[:100]!r}. The file is "
                "damaged; restore it from a copy."
            )
        return value

    def episode_block(self, block: int) -> list[Episode]:
        """Episodes 512 * `block` and on, checked. Raises DamagedRecording."""
        cached = self._blocks.get(block)
        if cached is None:
            cached = self._read_episodes(block * _EPISODE_BLOCK)
            self._blocks = {block: cached}
        return cached

    def _measure(self) -> None:
        """Find how many rows are complete, again if a recorder flushed in between."""
        for attempt in range(_CONSISTENCY_TRIES if self.live else 1):
            if attempt:
                time.sleep(0.001)
            self._refresh_datasets()
            self._blocks = {}
            self.__dict__.pop("_names", None)
            lengths = {
                name: min(int(self._datasets[f"{name}/{column.name}"].shape[0]) for column in table.columns)
                for name, table in self._tables.items()
                if name != "steps"
            }
            acted, seen = self._step_lengths()
            episode = self._last_episode_row(lengths["episodes"])
            if self.live and episode is not None and episode[2] == Outcome.RUNNING and seen <= episode[0]:
                lengths["episodes"] -= 1  # its row came to the disk, its first observation not yet
                episode = self._last_episode_row(lengths["episodes"])
            if episode is None:
                self._counts = {**lengths, "steps": 0}
                return
            start, length, outcome = episode
            if outcome == Outcome.RUNNING:
                n_steps = max(start, min(acted, seen - 1))
            else:
                n_steps = start + length
            if 0 <= start <= n_steps <= acted and n_steps < seen + (outcome != Outcome.RUNNING):
                self._counts = {**lengths, "steps": n_steps}
                return
        raise DamagedRecording(
            f"{self.path}: /episodes: the last episode starts at {start} and ends at {n_steps}, but "
            f"/steps has {acted} rows. The file is damaged; restore it from a copy."
        )

    def _refresh_datasets(self) -> None:
        if not self.live:
            return
        for dataset in self._datasets.values():
            dataset.refresh()

    def _step_lengths(self) -> tuple[int, int]:
        """Complete rows without the observation, and rows of the observation."""
        lengths = {
            column.name: self._rows(f"steps/{column.name}") for column in self._tables["steps"].columns
        }
        seen = lengths.pop("observation")
        return min(lengths.values()), seen

    def _rows(self, name: str) -> int:
        return int(self._datasets[name].shape[0])

    def _last_episode_row(self, n_episodes: int) -> tuple[int, int, int] | None:
        if n_episodes == 0:
            return None
        row = n_episodes - 1
        start, length, outcome = (
            int(self.read("episodes", name, row, row + 1)[0]) for name in ("start", "length", "outcome")
        )
        return start, length, outcome

    def _read_episodes(self, first: int) -> list[Episode]:
        stop = min(first + _EPISODE_BLOCK, self.n_episodes)
        names = ("start", "length", "seed", "parent", "branch_step", "outcome", "options")
        columns = {name: self.read("episodes", name, first, stop).astype(np.int64) for name in names}
        running = columns["outcome"] == Outcome.RUNNING
        if stop == self.n_episodes and stop > first and running[-1]:
            columns["length"][-1] = self.n_steps - columns["start"][-1]
            running = running[:-1]
        starts, ends = columns["start"], columns["start"] + columns["length"]
        previous_end = np.concatenate([[starts[0] if first else 0], ends[:-1]]) if stop > first else ends
        wrong = (columns["length"] < 0) | (starts < previous_end) | (ends > self.n_steps)
        wrong |= (columns["outcome"] > max(Outcome)) | (columns["parent"] >= np.arange(first, stop))
        wrong[: len(running)] |= running
        if wrong.any():
            self._refuse_episode(first + int(np.argmax(wrong)), columns, int(np.argmax(wrong)))
        rows = zip(*(columns[name].tolist() for name in names), strict=True)
        return [
            Episode(index, start, length, seed, parent, branch, Outcome(outcome), options, self)
            for index, (start, length, seed, parent, branch, outcome, options) in enumerate(rows, first)
        ]

    def _refuse_episode(self, index: int, columns: Mapping[str, Array], row: int) -> None:
        found = ", ".join(
            f"{name} {int(columns[name][row])}" for name in ("start", "length", "outcome", "parent")
        )
        raise DamagedRecording(
            f"{self.path}: /episodes: row {index}: expected episodes that follow one another within "
            f"{self.n_steps} steps, found {found}. The file is damaged; restore it from a copy."
        )

    def _label_steps(self) -> npt.NDArray[np.int64]:
        steps = self.read("labels", "step", 0, self.n_labels)
        known = (steps >= 0) & (steps < self.n_steps)
        if not self.live and not known.all():
            row = int(np.argmin(known))
            raise DamagedRecording(
                f"{self.path}: /labels/step: row {row}: expected a step below {self.n_steps}, found "
                f"{int(steps[row])}. The file is damaged; restore it from a copy."
            )
        return np.where(known, steps, -1)

    def _edit(
        self, kind: int, episode: int, start: int, stop: int, value: int, note: int, time_ns: int
    ) -> Edit:
        if kind > max(EditKind) or not 0 <= episode < self.n_episodes or start < 0:
            raise DamagedRecording(
                f"{self.path}: /edits: expected a known kind and an episode below {self.n_episodes}, "
                f"found kind {kind}, episode {episode}, start {start}. The file is damaged; restore it "
                "from a copy."
            )
        return Edit(EditKind(kind), episode, start, stop, value, "" if note < 0 else self.text(note), time_ns)


class Episodes(Sequence[Episode]):
    """The episodes of a recording; rows are read when asked for."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def __len__(self) -> int:
        return self._reader.n_episodes

    @overload
    def __getitem__(self, index: int) -> Episode: ...
    @overload
    def __getitem__(self, index: slice) -> list[Episode]: ...
    def __getitem__(self, index: int | slice) -> Episode | list[Episode]:
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(len(self)))]
        position = index + len(self) if index < 0 else index
        if not 0 <= position < len(self):
            raise IndexError(f"episode: expected below {len(self)}, found {index}")
        return self._reader.episode_block(position // _EPISODE_BLOCK)[position % _EPISODE_BLOCK]

    def __iter__(self) -> Iterator[Episode]:
        for index in range(len(self)):
            yield self[index]


class StepColumn:
    """A column of /steps that reads what is sliced."""

    def __init__(self, reader: Reader, name: str) -> None:
        self._reader = reader
        self._name = name

    def __len__(self) -> int:
        return self._reader.n_steps

    def __getitem__(self, rows: int | slice) -> Any:
        if isinstance(rows, slice):
            start, stop, stride = rows.indices(len(self))
            if stride < 1:
                raise IndexError(f"{self._name}: expected a stride of at least 1, found {stride}")
            return self.between(start, max(start, stop))[::stride]
        position = rows + len(self) if rows < 0 else rows
        if not 0 <= position < len(self):
            raise IndexError(f"{self._name}: expected a step below {len(self)}, found {rows}")
        return self.between(position, position + 1)[0]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.asarray(self[:], dtype)

    def between(self, start: int, stop: int) -> Array:
        """Entries `start` to `stop`."""
        values = self._reader.read("steps", self._name, start, stop)
        return values.astype(bool) if self._name in _TRUTH_VALUES else values
