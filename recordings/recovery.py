"""What a killed recorder left, made whole: every flushed step in a sound file of the same name.

A killed recorder's file is still marked as being written, which a plain open refuses. Its rows are copied,
a slice at a time, to a file beside it that is synced and renamed over it. Of an episode that was running,
the flushed steps stay; its outcome becomes unknown.
"""

from __future__ import annotations

import os
import tempfile
from io import FileIO
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
from h5py import h5f

from recordings import appender, datafile, diskspace, locking
from recordings.acts import LOST
from recordings.appender import Appender, Batch, Completion
from recordings.contents import Recovery
from recordings.errors import DiskFull, RecordingError
from recordings.reader import Reader
from recordings.schema import EditKind, Outcome, Table, table, tables

_SLICE_BYTES = 1 << 20


def recover(path: str | os.PathLike[str]) -> Recovery | None:
    """Make the recording at `path` whole if its recorder was killed; None if there is nothing to do.

    A file that is being written is left alone. Memory stays bounded whatever the length.
    Raises DiskFull (there must be room for a copy), RecordingError, and what opening raises.
    """
    recording = Path(path)
    if not datafile.peek(recording).flagged or _is_open_here(recording):
        return None
    try:
        with FileIO(recording, "r+") as lock:
            same = os.path.samestat(os.fstat(lock.fileno()), recording.stat())
            if not same or not locking.acquire(lock):
                return None
            return _replace_by_copy(recording)
    except OSError as error:
        if diskspace.is_full(error):
            raise DiskFull(
                f"{path}: this recording must be made whole first, since its recorder was killed, and "
                "the disk has no room for the copy. Nothing was changed. Free some space and try again."
            ) from error
        raise RecordingError(
            f"{path}: this recording must be made whole first, since its recorder was killed, and that "
            f"failed ({error}). Nothing was changed. Copy the file to a folder where you may write, and "
            "open it there."
        ) from error


def _is_open_here(path: Path) -> bool:
    """True if this very process has the file open: then the mark is its own, not a dead recorder's."""
    return any(
        os.path.samestat(os.fstat(file.get_vfd_handle()), path.stat())
        for file in h5f.get_obj_ids(h5f.OBJ_ALL, h5f.OBJ_FILE)
        if file.get_access_plist().get_driver() == h5py.h5fd.SEC2
    )


def _replace_by_copy(path: Path) -> Recovery:
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".recovered")
    os.close(descriptor)
    copy = Path(name)
    try:
        copy.unlink()
        with Reader(path) as reader:
            appender.create(copy, reader.header)
            found = _copy(reader, copy)
        copy.chmod(path.stat().st_mode & 0o777)
        os.replace(copy, path)
        locking.remove_note(path)
        _sync_folder(path.parent)
    finally:
        copy.unlink(missing_ok=True)
    return found


def _copy(reader: Reader, target: Path) -> Recovery:
    out = Appender(target, reader.header)
    try:
        _copy_text(reader, out)
        for each in tables(reader.header):
            if each.name not in ("labels", "edits"):
                _copy_table(reader, out, each)
        _copy_edits(reader, out, _copy_labels(reader, out))
        cut = _end_last_episode(reader, out)
        out.sync()
    except OSError:
        out.abandon()
        raise
    out.close()
    return Recovery(reader.path, reader.n_episodes, reader.n_steps, cut)


def _copy_table(reader: Reader, out: Appender, what: Table) -> None:
    size = max(1, _SLICE_BYTES // what.row_dtype().itemsize)
    n = reader.row_counts()[what.name]
    for start in range(0, n, size):
        _commit(out, Batch({what.name: (start, _rows(reader, what, start, min(start + size, n)))}))


def _rows(reader: Reader, what: Table, start: int, stop: int) -> npt.NDArray[Any]:
    rows = np.empty(stop - start, what.row_dtype())
    for column in what.columns:
        rows[column.name] = reader.read(what.name, column.name, start, stop)
    return rows


def _copy_edits(reader: Reader, out: Appender, kept_labels: npt.NDArray[np.int64]) -> None:
    """Acts that name a label name its new row."""
    rows = _rows(reader, table("edits", reader.header), 0, reader.n_edits)
    withdraws = rows["kind"] == EditKind.WITHDRAW
    named = rows["value"][withdraws]
    at = np.searchsorted(kept_labels, named)
    is_kept = np.isin(named, kept_labels)
    rows["value"][withdraws] = np.where(is_kept, at, LOST)
    _commit(out, Batch({"edits": (0, rows)}))


def _copy_labels(reader: Reader, out: Appender) -> npt.NDArray[np.int64]:
    """Labels of steps that did not reach the file are dropped; the others keep their order. Returns their rows."""
    labels = reader.labels()
    rows = np.empty(len(labels), table("labels", reader.header).row_dtype())
    for name, values in (
        ("step", labels.steps),
        ("action", labels.actions),
        ("labeler", labels.labelers),
        ("kind", labels.kinds),
        ("time_ns", labels.time_ns),
    ):
        rows[name] = values
    _commit(out, Batch({"labels": (0, rows)}))
    return labels.rows


def _copy_text(reader: Reader, out: Appender) -> None:
    for start in range(0, reader.text_bytes, _SLICE_BYTES):
        part = reader.read_text(start, min(start + _SLICE_BYTES, reader.text_bytes))
        _commit(out, Batch(text=(start, part)))


def _end_last_episode(reader: Reader, out: Appender) -> int | None:
    if not reader.n_episodes:
        return None
    last = reader.episodes[-1]
    running = last.recorded_outcome is Outcome.RUNNING
    outcome = Outcome.UNKNOWN if running else last.recorded_outcome
    seen = last.final_observation
    nothing = np.empty(0, table("steps", reader.header).row_dtype())
    end = Completion(last.index, last.length, seen, outcome)
    _commit(out, Batch({"steps": (reader.n_steps, nothing)}, standing=seen, completions=(end,)))
    return last.index if running else None


def _commit(out: Appender, batch: Batch) -> None:
    out.reserve(batch.n_bytes)
    out.commit(batch)


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
