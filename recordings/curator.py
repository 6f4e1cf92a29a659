"""Appends curation acts to a recording, and nothing else: what was recorded is never touched.

Each act is in the file when its method returns, and each can be taken back. A recording has one writer: while a
recorder is at work, acts go through its `edit`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from recordings import diskspace, recovery
from recordings.acts import require_sound
from recordings.appender import Appender, Batch
from recordings.contents import Edit, Recovery
from recordings.curation import Curation, not_taken_back, standing
from recordings.errors import DiskFull, InvalidRow, RecordingError
from recordings.reader import Reader
from recordings.schema import EditKind, LabelKind, table


class Curator:
    """Curates one recording; use it as a context manager.

    with Curator("demo.h5") as curator:
        act = curator.discard(3)
        curator.undo(act)
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Make whole what a killed recorder left, and open the file for its acts.

        Raises RecordingBusy (someone writes it), RecordingError (this program reads it: see `curating`; or it may not
        be written), and what `recordings.open` raises.
        """
        self.path = Path(path)
        self.recovered: Recovery | None = recovery.recover(self.path)
        with Reader(self.path) as reader:
            self.edits = reader.edits()
            """Every act, in order."""
            self._n_episodes = reader.n_episodes
            self._starts = reader.read("episodes", "start", 0, reader.n_episodes)
            self._label_steps = reader.read("labels", "step", 0, reader.n_labels)
            self._label_kinds = reader.read("labels", "kind", 0, reader.n_labels)
            self._text_bytes = reader.text_bytes
            header = reader.header
        self._row_dtype = table("edits", header).row_dtype()
        try:
            self._appender: Appender | None = Appender(self.path, header)
        except OSError as error:
            raise RecordingError(
                f"{self.path}: this file cannot be written ({error.strerror or error}). Acts of curation are kept in "
                "the recording itself: make it writable, or curate a copy."
            ) from error

    def __enter__(self) -> Curator:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file; may be called twice."""
        appender, self._appender = self._appender, None
        if appender is not None:
            appender.close()

    @property
    def curation(self) -> Curation:
        """What all acts so far amount to."""
        return Curation(self.edits)

    def discard(self, episode: int, start: int = 0, stop: int = -1, note: str = "") -> int:
        """Leave out steps `start` to `stop` of an episode (-1: to its end); returns the act's row."""
        return self._append(EditKind.DISCARD, episode, start, stop, note=note)

    def restore(self, episode: int, start: int = 0, stop: int = -1, note: str = "") -> int:
        """Take these steps again, and as they are: neither discarded nor marked."""
        return self._append(EditKind.RESTORE, episode, start, stop, note=note)

    def mark(self, episode: int, start: int, stop: int = -1, note: str = "") -> int:
        """The actions executed in these steps are not to be imitated."""
        return self._append(EditKind.MARK, episode, start, stop, note=note)

    def judge(self, episode: int, outcome: int, note: str = "") -> int:
        """The episode ended so (an Outcome other than RUNNING)."""
        return self._append(EditKind.JUDGE, episode, value=outcome, note=note)

    def withdraw(self, label: int, note: str = "") -> int:
        """The label in this row of /labels no longer counts."""
        if not 0 <= label < len(self._label_steps):
            raise InvalidRow(
                f"{self.path}: label: expected a row of /labels below {len(self._label_steps)}, found {label}."
            )
        step = int(self._label_steps[label])
        episode = int(np.searchsorted(self._starts, step, side="right")) - 1
        start = step - int(self._starts[episode])
        return self._append(EditKind.WITHDRAW, episode, start, start + 1, value=label, note=note)

    def last_label(self) -> int | None:
        """The row of the last label that counts, or None where none does; what an adviser said beside it is not one."""
        counts = self._label_kinds != LabelKind.ADVISED
        counts[self.curation.withdrawn] = False
        rows = np.flatnonzero(counts)
        return int(rows[-1]) if len(rows) else None

    def undo(self, act: int | None = None) -> Edit | None:
        """Take back the act in this row of /edits, or the last that stands; returns it, or None where none stands.

        Raises InvalidRow if there is no such act, or it was taken back already.
        """
        if act is None:
            acts = standing(self.edits)
        else:
            acts = [edit for edit in not_taken_back(self.edits) if edit.row == act]
            if not acts:
                raise InvalidRow(f"{self.path}: undo: {self._why_not(act)}")
        return self._take_back(acts[-1]) if acts else None

    def redo(self) -> Edit | None:
        """Bring back the act that was taken back last, unless something else was done since; returns it."""
        for undo in reversed(not_taken_back(self.edits)):
            if undo.kind is not EditKind.UNDO:
                break
            if self.edits[undo.value].kind is not EditKind.UNDO:
                self._take_back(undo)
                return self.edits[undo.value]
        return None

    def _take_back(self, edit: Edit) -> Edit:
        self._append(EditKind.UNDO, edit.episode, edit.start, edit.stop, value=edit.row)
        return edit

    def _why_not(self, act: int) -> str:
        if not 0 <= act < len(self.edits):
            return f"expected an act below {len(self.edits)}, found {act}."
        by = [
            edit.row
            for edit in not_taken_back(self.edits)
            if edit.kind is EditKind.UNDO and edit.value == act
        ]
        return f"act {act} was taken back already, by act {by[-1]}. Undo that to bring it back."

    def _append(
        self, kind: EditKind, episode: int, start: int = 0, stop: int = -1, *, value: int = 0, note: str = ""
    ) -> int:
        """One more act, in the file at once. Raises InvalidRow, DiskFull, RecordingError."""
        row = len(self.edits)
        rows = {"episodes": self._n_episodes, "edits": row, "labels": len(self._label_steps)}
        require_sound(self.path, kind, episode, start, stop, value, rows)
        text = note.encode() + b"\0" if note else b""
        note_at = self._text_bytes if note else -1
        values = np.array([(kind, episode, start, stop, value, note_at, 0)], self._row_dtype)
        self._commit(Batch({"edits": (row, values)}, text=(self._text_bytes, text)))
        self._text_bytes += len(text)
        self.edits.append(Edit(row, kind, episode, start, stop, int(value), note, 0))
        return row

    def _commit(self, batch: Batch) -> None:
        if self._appender is None:
            raise InvalidRow(f"{self.path}: this curator is closed. Open another.")
        try:
            self._appender.reserve(batch.n_bytes)
        except OSError as error:
            raise self._refused(error) from error
        try:
            self._appender.commit(batch)
        except OSError as error:
            appender, self._appender = self._appender, None
            appender.abandon()
            raise self._refused(error) from error

    def _refused(self, error: OSError) -> RecordingError:
        kind = DiskFull if diskspace.is_full(error) else RecordingError
        return kind(
            f"{self.path}: the act could not be written ({error.strerror or error}). Those before it are kept. "
            "Free some space, and try again."
        )


@contextmanager
def curating(reader: Reader) -> Iterator[Curator]:
    """A curator of the recording that `reader` has open: the reader lets go of it, and afterwards sees the acts.

    Nothing may be read from `reader` inside the block. Raises as Curator.
    """
    reader.close()
    try:
        with Curator(reader.path) as curator:
            yield curator
    finally:
        reader.reopen()
