"""Episodes of a recording copied row for row into a new one: what merging, filtering and splitting are made of.

A slice of a table is in memory at a time, however long the recording. What rows say of other rows (an episode of its
parent, a label of its step, an act of another act) is said of the new rows. A branch whose parent is not copied
becomes an episode of its own: the steps that it repeats are then driven by whoever drove them first.

Reading order: `Copier.copy`, then what it does with each table.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from recordings import schema
from recordings.acts import LOST
from recordings.branches import Branches
from recordings.composer import Composer
from recordings.contents import Edit
from recordings.errors import DamagedRecording
from recordings.reader import Reader
from recordings.schema import EditKind

_SLICE_BYTES = 1 << 22
_MOST_ROWS = 1 << 16

IntArray = npt.NDArray[np.int64]
Rows = npt.NDArray[Any]
Place = tuple[int, int]
"""In a copy: an episode's row, and its first step; or a row of another table, and its episode's."""


class Names:
    """What people are called in a copy: as before. A subclass may hide them."""

    def of_operator(self, name: str) -> str:
        return name

    def of_labeler(self, name: str) -> str:
        return name

    def in_text(self, text: str) -> str:
        """A remark in which people may be named."""
        return text


class LabelMarks:
    """Labels known by a number of 64 bits each, made of all that a row of /labels says."""

    def __init__(self) -> None:
        self._known: npt.NDArray[np.uint64] = np.empty(0, np.uint64)

    def add(self, rows: Rows) -> None:
        if len(rows):
            self._known = np.union1d(self._known, _marks(rows))

    def know(self, rows: Rows) -> npt.NDArray[np.bool_]:
        """(N,) which of these were added before."""
        return np.isin(_marks(rows), self._known) if len(self._known) else np.zeros(len(rows), bool)


def _marks(rows: Rows) -> npt.NDArray[np.uint64]:
    """(N,) rows -> (N,)"""
    width = -(-rows.dtype.itemsize // 8)
    words = np.zeros((len(rows), width * 8), np.uint8)
    words[:, : rows.dtype.itemsize] = np.frombuffer(rows.tobytes(), np.uint8).reshape(
        len(rows), rows.dtype.itemsize
    )
    mixed = np.full(len(rows), 0x9E3779B97F4A7C15, np.uint64)
    for word in words.view(np.uint64).T:
        mixed = (mixed ^ word) * np.uint64(0xBF58476D1CE4E5B9)
        mixed ^= mixed >> np.uint64(31)
    return mixed


class Copier:
    """Copies episodes of one recording, once."""

    def __init__(
        self,
        reader: Reader,
        composer: Composer,
        *,
        names: Names | None = None,
        marks: LabelMarks | None = None,
    ) -> None:
        """names: what people are called in the copy. marks: labels there that a twin's are not to say again."""
        self._reader, self._composer = reader, composer
        self._names, self._marks = names or Names(), marks or LabelMarks()
        n = reader.n_episodes
        columns = reader.episode_columns(0, n)
        self._starts, self._lengths, self._parents = (columns[name] for name in ("start", "length", "parent"))
        self._ends = self._starts + self._lengths
        self._new: IntArray = np.full(n, -1)
        """(E,) the row of each episode in the copy; -1: it is not copied."""
        self._there: IntArray = self._new
        """(E,) the same, or the row of its twin."""
        self._shifts: IntArray = np.zeros(n, np.int64)
        """(E,) what is added to a row of /steps of each episode to have its row in the copy."""

    def copy(
        self,
        episodes: IntArray,
        twins: Mapping[int, Place] | None = None,
        twinned: Sequence[int] = (),
    ) -> dict[int, Place]:
        """Copy these episodes (ascending rows), with their labels, acts and sittings. Raises as Composer.

        None of them may run still. twins: episode -> row and first step, in the copy, of an equal one that
        is there already; of such an episode the labels alone are copied. twinned: episodes that will be met again;
        returns where those are in the copy.
        """
        self._new[episodes] = self._composer.rows_of("episodes") + np.arange(len(episodes))
        lengths = self._lengths[episodes]
        first_steps = self._composer.rows_of("steps") + np.cumsum(lengths) - lengths
        self._shifts[episodes] = first_steps - self._starts[episodes]
        self._there = self._new.copy()
        for episode, (row, first_step) in (twins or {}).items():
            self._there[episode] = row
            self._shifts[episode] = first_step - self._starts[episode]
        self._copy_sessions(episodes)
        self._copy_steps(episodes)
        self._copy_episodes(episodes)
        labels = self._copy_labels(twinned)
        add_edits(self._composer, self._reader.curation.edits, self._new, labels, self._names)
        return {
            each: (int(self._new[each]), int(self._starts[each] + self._shifts[each])) for each in twinned
        }

    def _copy_sessions(self, episodes: IntArray) -> None:
        """Each sitting of which an episode is copied begins with the first of these."""
        sessions = self._reader.sessions()
        firsts = np.searchsorted(episodes, [each["first_episode"] for each in sessions] + [self._new.size])
        for session, first, stop in zip(sessions, firsts[:-1], firsts[1:], strict=True):
            if first < stop:
                episode = episodes[first]
                row = self._composer.empty_rows("sessions", 1)
                row["id"] = session["id"].encode()
                row["created_utc"] = session["created_utc"].encode()
                row["operator"] = self._names.of_operator(session["operator"]).encode()[:64]
                row["first_episode"] = self._new[episode]
                row["first_step"] = self._starts[episode] + self._shifts[episode]
                self._composer.add("sessions", row)

    def _copy_steps(self, episodes: IntArray) -> None:
        orphans = self._orphans(episodes)
        branches = Branches(self._reader, lambda episode: np.ones(episode.length, bool)) if orphans else None
        for start, stop in self._stretches(episodes, orphans):
            first_drivers = None
            if branches is not None and start in orphans:
                first_drivers = branches.drivers(self._reader.episodes[orphans[start]])
            for low, high in self._slices("steps", start, stop):
                rows = self._read("steps", low, high)
                if first_drivers is not None:
                    replaced = first_drivers[low - start : high - start]
                    rows["driver"][: len(replaced)] = replaced
                self._composer.add("steps", rows)

    def _orphans(self, episodes: IntArray) -> dict[int, int]:
        """First step -> episode, of copied branches whose parent is not."""
        parents = self._parents[episodes]
        lost = (parents >= 0) & (self._there[np.maximum(parents, 0)] < 0)
        return {int(self._starts[each]): int(each) for each in episodes[lost] if self._lengths[each]}

    def _stretches(self, episodes: IntArray, alone: Mapping[int, int]) -> Iterator[tuple[int, int]]:
        """Rows of /steps [start, stop) of these episodes; neighbours are joined, but for those that go alone."""
        starts, ends = self._starts[episodes], self._ends[episodes]
        if not len(starts):
            return
        is_alone = np.isin(starts, list(alone))
        begins = np.ones(len(starts), bool)
        begins[1:] = (starts[1:] != ends[:-1]) | is_alone[1:] | is_alone[:-1]
        first = np.flatnonzero(begins)
        last = np.append(first[1:], len(starts)) - 1
        yield from zip(starts[first].tolist(), ends[last].tolist(), strict=True)

    def _copy_episodes(self, episodes: IntArray) -> None:
        for low, high in self._slices("episodes", 0, len(self._new)):
            here = episodes[slice(*np.searchsorted(episodes, (low, high)))]
            rows = self._read("episodes", low, high)[here - low]
            rows["start"] += self._shifts[here]
            parents = np.where(rows["parent"] >= 0, self._there[np.maximum(rows["parent"], 0)], -1)
            rows["branch_step"][parents < 0] = -1
            rows["parent"] = parents
            rows["options"] = [self._text(offset) for offset in rows["options"].tolist()]
            self._composer.add("episodes", rows)

    def _copy_labels(self, twinned: Sequence[int]) -> dict[int, Place]:
        """The labels of the episodes that are in the copy; of those of which an act speaks, new row and episode.

        Of a twin only what counts, and was not said already.
        """
        edits = self._reader.curation.edits
        spoken_of = [edit.value for edit in edits if edit.kind is EditKind.WITHDRAW]
        moved: dict[int, Place] = {}
        for low, high in self._slices("labels", 0, self._reader.n_labels if len(self._new) else 0):
            rows, numbers = self._read("labels", low, high), np.arange(low, high)
            of = np.maximum(np.searchsorted(self._starts, rows["step"], side="right") - 1, 0)
            kept = (self._there[of] >= 0) & (rows["step"] < self._ends[of])
            is_own = self._new[of] >= 0
            kept &= is_own | ~np.isin(numbers, self._reader.curation.withdrawn)
            rows["step"] += self._shifts[of]
            rows["labeler"] = self._codes(rows["labeler"], kept)
            kept &= is_own | ~self._marks.know(rows)
            self._marks.add(rows[kept & np.isin(of, np.array(twinned, np.int64))])
            first = self._composer.add("labels", rows[kept])
            places = first + np.cumsum(kept) - 1
            found = np.flatnonzero(kept & is_own & np.isin(numbers, spoken_of))
            new = zip(places[found].tolist(), self._new[of[found]].tolist(), strict=True)
            moved.update(zip((low + found).tolist(), new, strict=True))
        return moved

    def _codes(self, labelers: IntArray, kept: npt.NDArray[np.bool_]) -> IntArray:
        """(L,) what these labelers are in the copy; who gave none of the kept labels is not made known there."""
        codes = np.zeros(len(labelers), np.int64)
        n_labelers = len(self._reader.labelers)
        if kept.any() and not 0 <= labelers[kept].min() <= labelers[kept].max() < n_labelers:
            raise DamagedRecording(
                f"{self._reader.path}: /labels/labeler: expected codes below {n_labelers}, found others. The file is "
                "damaged; restore it from a copy."
            )
        seen, places = np.unique(labelers[kept], return_index=True)
        for labeler in seen[np.argsort(places)].tolist():
            name = self._names.of_labeler(self._reader.labelers[labeler])
            codes[labelers == labeler] = self._composer.labeler(name)
        return codes

    def _text(self, offset: int) -> int:
        return -1 if offset < 0 else self._composer.add_text(self._reader.text(offset))

    def _read(self, table: str, start: int, stop: int) -> Rows:
        """Rows of a table, a field a column."""
        rows = self._composer.empty_rows(table, stop - start)
        for name in rows.dtype.names or ():
            rows[name] = self._reader.read(table, name, start, stop)
        return rows

    def _slices(self, table: str, start: int, stop: int) -> Iterator[tuple[int, int]]:
        """[start, stop) in parts of a few megabytes."""
        row_bytes = schema.table(table, self._composer.header).row_dtype().itemsize
        size = max(1, min(_MOST_ROWS, _SLICE_BYTES // row_bytes))
        for low in range(start, stop, size):
            yield low, min(low + size, stop)


def add_edits(
    composer: Composer, edits: Iterable[Edit], episodes: IntArray, labels: Mapping[int, Place], names: Names
) -> None:
    """The acts on what was copied, in order.

    episodes: (E,) new row of each, -1 where it was not copied. labels: new row, and new episode, of those of which an
    act speaks. What an act takes back, or withdraws, says where it belongs, if its own row's episode does not.
    """
    acts: dict[int, Place] = {}
    for edit in edits:
        value, episode = edit.value, int(episodes[edit.episode])
        if edit.kind is EditKind.UNDO or (edit.kind is EditKind.WITHDRAW and value != LOST):
            value, its_episode = (acts if edit.kind is EditKind.UNDO else labels).get(value, (-1, -1))
            episode = its_episode if value < 0 or episode < 0 else episode
        if episode >= 0:
            note = composer.add_text(names.in_text(edit.note)) if edit.note else -1
            row = composer.empty_rows("edits", 1)
            row[0] = (edit.kind, episode, edit.start, edit.stop, value, note, edit.time_ns)
            acts[edit.row] = composer.add("edits", row), episode
