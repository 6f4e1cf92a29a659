"""Opens a recording, tails it while it is written, and reads slices of it; never loads what is not asked for.

A file that is being written is read in HDF5's SWMR mode, so that its recorder goes on undisturbed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from recordings import datafile
from recordings.acts import LOST, values_of
from recordings.contents import EPISODE_BLOCK, Array, Edit, Episode, Episodes, Labels, Recovery, StepColumn
from recordings.curation import Curation
from recordings.errors import DamagedRecording
from recordings.extent import complete_rows
from recordings.schema import TEXT, EditKind, Header, Outcome, tables

_HIGHEST_KIND = max(EditKind)
_OF_EPISODES = ("start", "length", "seed", "parent", "branch_step", "outcome", "options")
_BLOCKS_KEPT = 128
"""Of episodes, each of 512: whoever goes about a file in no order comes back to them."""
_NOTES_BLOCK = 1 << 20
_TEXT_BLOCK = 4096
_LONGEST_TEXT = 1 << 24


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
        self._curation = Curation()
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

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._datasets = {}
        self._file.close()

    def refresh(self) -> None:
        """See what a recorder has flushed since. Raises DamagedRecording."""
        if self.live:
            self._measure()
        else:
            self.reopen()

    def reopen(self) -> None:
        """Open the file anew, whatever became of it; also after `close`. Raises as opening does."""
        self._file.close()
        self._curation = Curation()
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
    def n_edits(self) -> int:
        """Rows of /edits."""
        return self._counts["edits"]

    @property
    def curation(self) -> Curation:
        """What counts after every act; new acts are read when this is asked for. Raises DamagedRecording."""
        seen = self._curation.edits
        if len(seen) < self.n_edits:
            self._curation = Curation([*seen, *self.edits(len(seen))])
        return self._curation

    def outcome_of(self, episode: int, recorded: Outcome) -> Outcome:
        """How an episode ended: as judged last, or else as recorded."""
        return self.curation.outcome(episode, recorded)

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
        except datafile.UNREADABLE as error:
            raise DamagedRecording(
                f"{self.path}: /{table}/{column}: rows {start} to {stop} cannot be read ({error}). The "
                "file is damaged; restore it from a copy."
            ) from error

    def labels(self, start: int = 0, stop: int | None = None) -> Labels:
        """The labels of steps `start` to `stop` (rows of /steps), in the order given."""
        return self.labels_among(self.label_steps(), start, self.n_steps if stop is None else stop)

    def labels_among(self, steps: npt.NDArray[np.int64], start: int, stop: int) -> Labels:
        """The same where `steps`, which are `label_steps()`, have been read already."""
        rows = np.flatnonzero((steps >= start) & (steps < stop))
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
        return Labels(rows, steps[rows], parts[0], parts[1], parts[2], parts[3], self.labelers)

    def edits(self, start: int = 0) -> list[Edit]:
        """The curation acts from row `start` on, in order, taken back or not. Raises DamagedRecording."""
        columns = {
            column.name: self.read("edits", column.name, start, self.n_edits)
            for column in self._tables["edits"].columns
        }
        notes = self._notes(columns["note"])
        rows = zip(*(column.tolist() for column in columns.values()), strict=True)
        return [
            self._edit(row, kind, episode, first, stop, value, notes.get(note, ""), time_ns)
            for row, (kind, episode, first, stop, value, note, time_ns) in enumerate(rows, start)
        ]

    def _notes(self, offsets: Array) -> dict[int, str]:
        """The texts at these offsets of /text (-1: none), most of them by one read. Raises DamagedRecording."""
        wanted = np.unique(offsets[offsets >= 0]).tolist()
        if not wanted:
            return {}
        block = self.read_text(wanted[0], wanted[0] + _NOTES_BLOCK)
        ends = {offset: block.find(b"\0", offset - wanted[0]) for offset in wanted}
        return {
            offset: self.text(offset) if end < 0 else block[offset - wanted[0] : end].decode(errors="replace")
            for offset, end in ends.items()
        }

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
        except datafile.UNREADABLE as error:
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
            cached = self._read_episodes(block * EPISODE_BLOCK)
            if len(self._blocks) >= _BLOCKS_KEPT:
                self._blocks.clear()
            self._blocks[block] = cached
        return cached

    def _measure(self) -> None:
        """Find how many rows are complete by now."""
        self._blocks = {}
        self.__dict__.pop("_names", None)
        self._counts = complete_rows(self.path, self._tables, self._datasets, self.read, live=self.live)

    def _read_episodes(self, first: int) -> list[Episode]:
        columns = self.episode_columns(first, min(first + EPISODE_BLOCK, self.n_episodes))
        rows = zip(*(columns[name].tolist() for name in _OF_EPISODES), strict=True)
        return [
            Episode(index, start, length, seed, parent, branch, Outcome(outcome), options, self)
            for index, (start, length, seed, parent, branch, outcome, options) in enumerate(rows, first)
        ]

    def episode_columns(self, first: int, stop: int) -> dict[str, npt.NDArray[np.int64]]:
        """Rows `first` to `stop` of /episodes but its final observations, checked. Raises DamagedRecording.

        Of the episode that runs the length is what it has come to.
        """
        columns = {name: self.read("episodes", name, first, stop).astype(np.int64) for name in _OF_EPISODES}
        running = columns["outcome"] == Outcome.RUNNING
        if stop == self.n_episodes and stop > first and running[-1]:
            columns["length"][-1] = self.n_steps - columns["start"][-1]
            running = running[:-1]
        starts, ends = columns["start"], columns["start"] + columns["length"]
        previous_end = np.concatenate([[starts[0] if first else 0], ends[:-1]]) if stop > first else ends
        wrong = (columns["length"] < 0) | (starts < previous_end) | (ends > self.n_steps)
        wrong |= (starts > self.n_steps) | (
            columns["length"] > self.n_steps
        )  # whose sum may be beyond all numbers
        wrong |= (columns["outcome"] > max(Outcome)) | (columns["parent"] >= np.arange(first, stop))
        wrong[: len(running)] |= running
        if wrong.any():
            self._refuse_episode(first + int(np.argmax(wrong)), columns, int(np.argmax(wrong)))
        return columns

    def _refuse_episode(self, index: int, columns: Mapping[str, Array], row: int) -> None:
        found = ", ".join(
            f"{name} {int(columns[name][row])}" for name in ("start", "length", "outcome", "parent")
        )
        raise DamagedRecording(
            f"{self.path}: /episodes: row {index}: expected episodes that follow one another within "
            f"{self.n_steps} steps, found {found}. The file is damaged; restore it from a copy."
        )

    def label_steps(self) -> npt.NDArray[np.int64]:
        """(L,) the row of /steps of every label; -1: of a step that is not flushed yet. Raises DamagedRecording."""
        steps = self.read("labels", "step", 0, self.n_labels)
        known = (steps >= 0) & (steps < self.n_steps)
        if not self.live and not known.all():
            row = int(np.argmin(known))
            raise DamagedRecording(
                f"{self.path}: /labels/step: row {row}: expected a step below {self.n_steps}, found "
                f"{int(steps[row])}. The file is damaged; restore it from a copy."
            )
        steps[~known] = -1
        return steps

    def _edit(
        self, row: int, kind: int, episode: int, start: int, stop: int, value: int, note: str, time_ns: int
    ) -> Edit:
        known = kind <= _HIGHEST_KIND and 0 <= episode < self.n_episodes and start >= 0
        is_lost = kind == EditKind.WITHDRAW and value == LOST
        if not known or not (is_lost or value in values_of(kind, n_edits=row, n_labels=self.n_labels)):
            raise DamagedRecording(
                f"{self.path}: /edits: row {row}: expected a known kind, an episode below {self.n_episodes}, and "
                f"as value what the kind allows, found kind {kind}, episode {episode}, start {start}, value "
                f"{value}. The file is damaged; restore it from a copy."
            )
        return Edit(row, EditKind(kind), episode, start, stop, value, note, time_ns)
