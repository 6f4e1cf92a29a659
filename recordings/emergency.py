"""Where rows go that a recording refused (a disk full in spite of everything), and how they come back."""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from recordings import recovery
from recordings.appender import Appender, Batch, Completion
from recordings.errors import NotARecording, WorldMismatch
from recordings.reader import Reader
from recordings.schema import Header, Outcome, tables


def save(recording: Path, header: Header, batch: Batch) -> Path:
    """Write `batch` to a new file in the temporary folder and return its path. Raises OSError."""
    descriptor, name = tempfile.mkstemp(prefix=f"{recording.stem}-unsaved-", suffix=".npz")
    about = {
        "recording": recording.name,
        "world": list(header.world),
        "session_id": header.session_id,
        "first": {table: first for table, (first, _) in batch.rows.items()},
        "text_at": batch.text[0],
        "completions": [[each.episode, each.length, int(each.outcome)] for each in batch.completions],
    }
    arrays: dict[str, Any] = {f"rows_{table}": _as_bytes(rows) for table, (_, rows) in batch.rows.items()}
    arrays["text"] = np.frombuffer(batch.text[1], np.uint8)
    arrays["about"] = np.frombuffer(json.dumps(about).encode(), np.uint8)
    if batch.standing is not None:
        arrays["standing"] = np.asarray(batch.standing)
    for number, each in enumerate(batch.completions):
        arrays[f"final_{number}"] = np.asarray(each.final_observation)
    with os.fdopen(descriptor, "wb") as file:
        np.savez(file, **arrays)
    return Path(name)


def take_in(recording: str | os.PathLike[str], emergency_file: str | os.PathLike[str]) -> int:
    """Bring the rows of an emergency file into their recording; returns its number of steps.

    The recording is first made whole; the episode that ran gets the outcome unknown. Taking the same file in
    twice does no harm as long as nothing was recorded in between. Raises NotARecording, WorldMismatch, and
    what opening raises.
    """
    path = Path(recording)
    recovery.recover(path)
    with Reader(path) as reader:
        header, counts = reader.header, reader.row_counts()
    batch = _load(Path(emergency_file), header)
    _require_fit(path, Path(emergency_file), batch, counts)
    appender = Appender(path, header)
    try:
        appender.reserve(batch.n_bytes)
        appender.commit(batch)
    except OSError:
        appender.abandon()
        raise
    appender.close()
    return _end_running_episode(path, header, batch)


def _end_running_episode(path: Path, header: Header, batch: Batch) -> int:
    with Reader(path) as reader:
        n_steps, last = _true_extent(reader, batch)
    if last is not None:
        appender = Appender(path, header)
        appender.commit(Batch(completions=(last,)))
        appender.close()
    return n_steps


def _true_extent(reader: Reader, batch: Batch) -> tuple[int, Completion | None]:
    """Steps there are now, and how the last episode must end if nothing in the batch ended it."""
    first, rows = batch.rows.get("steps", (reader.n_steps, ()))
    n_steps = max(reader.n_steps, first + len(rows))
    if not reader.n_episodes or reader.n_episodes - 1 in _ended_in(batch) or batch.standing is None:
        return n_steps, None
    last = reader.episodes[-1]
    return n_steps, Completion(last.index, n_steps - last.start, batch.standing, Outcome.UNKNOWN)


def _ended_in(batch: Batch) -> set[int]:
    """The episodes that the batch itself ends, by a completion or by a row that is complete from the first."""
    completed = {each.episode for each in batch.completions}
    if "episodes" not in batch.rows:
        return completed
    first, rows = batch.rows["episodes"]
    return completed | {first + int(row) for row in np.flatnonzero(rows["outcome"] != Outcome.RUNNING)}


def _as_bytes(rows: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    return np.frombuffer(rows.tobytes(), np.uint8)


def _load(path: Path, header: Header) -> Batch:
    try:
        with np.load(path, allow_pickle=False) as archive:
            about = json.loads(archive["about"].tobytes())
            row_dtypes = {table.name: table.row_dtype() for table in tables(header)}
            rows = {
                name: (int(first), np.frombuffer(archive[f"rows_{name}"].tobytes(), row_dtypes[name]))
                for name, first in about["first"].items()
            }
            completions = [
                Completion(episode, length, archive[f"final_{number}"], outcome)
                for number, (episode, length, outcome) in enumerate(about["completions"])
            ]
            standing = archive.get("standing")
            text = (int(about["text_at"]), archive["text"].tobytes())
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile, EOFError) as error:
        raise NotARecording(
            f"{path}: expected an emergency file of a recorder, found something else ({error}). Name the "
            "file that the recorder's last message named."
        ) from error
    if tuple(about["world"]) != header.world:
        raise WorldMismatch(
            f"{path}: these rows are of the world {about['world'][0]!r}, not of {header.env_id!r}."
        )
    return Batch(rows, standing, text, completions)


def _require_fit(path: Path, emergency_file: Path, batch: Batch, counts: dict[str, int]) -> None:
    for table, (first, _) in batch.rows.items():
        if first > counts[table]:
            raise WorldMismatch(
                f"{emergency_file}: its rows of /{table} begin at {first}, but {path} has only "
                f"{counts[table]}. It belongs to another recording; name the one that the recorder's "
                "last message named."
            )
