"""Append-only writer of one recording: what was flushed survives the death of this process.

Steps gather in a `StepBuffer`. A flush writes them to their columns and makes them visible (see
`appender`); it happens when 100 ms have passed since the last one, at every episode's end, and on request.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from recordings import diskspace, emergency, recovery, spaces
from recordings.acts import require_sound
from recordings.appender import Appender, Batch, Completion, create
from recordings.contents import Recovery
from recordings.errors import DiskFull, InvalidRow, RecordingError, RecordingExists, WorldMismatch
from recordings.reader import Reader
from recordings.schema import EditKind, Header, LabelKind, Outcome, tables
from recordings.step_buffer import StepBuffer

FLUSH_INTERVAL_S = 0.1
_PENDING_ROWS = 1024
_SMALLEST_SEED, _LARGEST_SEED = 0, 2**63 - 1


@dataclass
class _Running:
    """The episode that is being recorded."""

    index: int
    start: int


class Recorder:
    """Writes one recording; use it as a context manager.

    with Recorder("demo.h5", Header.for_env(env)) as recorder:
        recorder.begin_episode(observation, seed=7)
        recorder.step(action, reward, terminated, truncated, observation, driver=Driver.HUMAN)
        recorder.end_episode(Outcome.SUCCESS)
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        header: Header,
        *,
        resume: bool = False,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start a recording at `path`, or with `resume` continue the one that is there.

        `now_s` says when a flush is due and is never written to the file.
        Raises RecordingExists (a file is there, and `resume` is not asked), WorldMismatch (it is of another
        world), RecordingBusy (someone writes it), DiskFull, and what `recordings.open` raises.
        """
        self.path = Path(path)
        self.header = header
        self.recovered: Recovery | None = None
        """What a killed writer left and was made whole on resuming, if so."""
        self._now_s = now_s
        self._table = {table.name: table for table in tables(header)}
        self._row_dtypes = {name: table.row_dtype() for name, table in self._table.items()}
        self._counts: dict[str, int] = dict.fromkeys(self._table, 0)
        self._appender: Appender | None = None
        self._text_bytes = 0
        self._labelers: dict[str, int] = {}
        self._open_file(resume)
        self._running: _Running | None = None
        self._pending: dict[str, list[tuple[Any, ...]]] = {
            name: [] for name in self._table if name != "steps"
        }
        self._text = b""
        self._last_text: tuple[str, int] = ("", -1)
        self._completions: list[Completion] = []
        self._encode_action = spaces.encoder(header.action_space)
        self._buffer = StepBuffer(self.path, header)
        self._add_session()
        self._last_flush_s = now_s()
        self.flush()

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def steps(self) -> int:
        """Steps recorded so far, buffered ones included."""
        return self._counts["steps"] + self._buffer.n

    @property
    def flushed_steps(self) -> int:
        """Steps that are in the file and survive a kill."""
        return self._counts["steps"]

    @property
    def flushed_rows(self) -> dict[str, int]:
        """Rows of every table that are in the file and survive a kill."""
        return dict(self._counts)

    @property
    def episodes(self) -> int:
        """Episodes begun so far."""
        return self._rows_of("episodes")

    @property
    def closed(self) -> bool:
        return self._appender is None

    def begin_episode(
        self,
        observation: Any,
        *,
        seed: int | None,
        options: Mapping[str, Any] | None = None,
        parent: int = -1,
        branch_step: int = -1,
    ) -> int:
        """Start an episode at the first `observation`; returns its index.

        `seed` and `options` are those given to `reset` (None and -1: none; such an episode cannot be
        replayed). A rewound branch names its `parent` episode and how many steps of it are repeated.
        Raises InvalidRow.
        """
        self._require_open()
        if self._running is not None:
            raise InvalidRow(
                f"{self.path}: episode {self._running.index} still runs. Call end_episode first."
            )
        index = self.episodes
        if parent >= index:
            raise InvalidRow(f"{self.path}: parent: expected an episode below {index}, found {parent}.")
        options_at = -1 if options is None else self._add_text(self._options_json(options))
        self._buffer.stand_at(observation)
        row = (
            self.steps,
            -1,
            self._checked_seed(seed),
            options_at,
            parent,
            branch_step,
            self._buffer.nothing_seen,
            0,
        )
        self._pending["episodes"].append(row)
        self._running = _Running(index, self.steps)
        return index

    def step(
        self,
        action: Any,
        reward: float,
        terminated: bool,
        truncated: bool,
        next_observation: Any,
        *,
        driver: int,
        student_action: Any = None,
        student_version: int = -1,
        time_ns: int = 0,
        keys: int = 0,
    ) -> int:
        """Record one executed step; returns its row in /steps. Flushes if that is due.

        `student_action` None means that no student was asked, `keys` is the bit mask of the keys held.
        Raises InvalidRow, or DiskFull once the disk is full: this step and all before it are then saved.
        """
        if self._running is None:
            raise InvalidRow(f"{self.path}: no episode runs. Call begin_episode before step.")
        buffer = self._buffer
        index = self._counts["steps"] + buffer.n
        try:
            buffer.append(
                action,
                reward,
                terminated,
                truncated,
                next_observation,
                driver,
                student_action,
                student_version,
                time_ns,
                keys,
            )
        except (TypeError, ValueError, OverflowError) as error:
            raise InvalidRow(
                f"{self.path}: step {index}: a value does not fit its column ({error})."
            ) from error
        if buffer.n == buffer.capacity or self._now_s() - self._last_flush_s >= FLUSH_INTERVAL_S:
            self.flush()
        return index

    def label(self, step: int, action: Any, *, labeler: str, kind: int, time_ns: int = 0) -> int:
        """Record that `labeler` would have taken `action` at `step` (a row of /steps); returns its row in /labels.

        Raises InvalidRow.
        """
        self._require_open()
        if not 0 <= step < self.steps:
            raise InvalidRow(f"{self.path}: label: expected a step below {self.steps}, found {step}.")
        row = (step, self._encode_action(action), self._labeler(labeler), LabelKind(kind), time_ns)
        return self._append("labels", row)

    def edit(
        self,
        kind: int,
        *,
        episode: int,
        start: int,
        stop: int,
        value: int = 0,
        note: str = "",
        time_ns: int = 0,
    ) -> int:
        """Record a curation act on steps `start` to `stop` of an episode, counted from its start.

        `stop` -1 means to the episode's end. Returns its row in /edits, by which it can be taken back (UNDO): nothing
        is erased. `value`: the row that an UNDO or WITHDRAW takes back, the Outcome of a JUDGE. Raises InvalidRow.
        """
        self._require_open()
        rows = {name: self._rows_of(name) for name in ("episodes", "edits", "labels")}
        require_sound(self.path, kind, episode, start, stop, value, rows)
        note_at = self._add_text(note) if note else -1
        return self._append("edits", (EditKind(kind), episode, start, stop, value, note_at, time_ns))

    def end_episode(self, outcome: int | None = None) -> None:
        """End the running episode and flush. None: nobody said how it went. Raises InvalidRow, DiskFull."""
        if self._running is None:
            raise InvalidRow(f"{self.path}: no episode runs. Call begin_episode before end_episode.")
        ended = Outcome.UNKNOWN if outcome is None else Outcome(outcome)
        if ended is Outcome.RUNNING:
            raise InvalidRow(f"{self.path}: outcome: expected SUCCESS, FAILURE or UNKNOWN, found RUNNING.")
        running, self._running = self._running, None
        length = self.steps - running.start
        standing = self._buffer.standing.copy()
        if self._pending["episodes"]:  # begun since the last flush: its row is written once, complete
            start, _, *reset, _, _ = self._pending["episodes"][-1]
            self._pending["episodes"][-1] = (start, length, *reset, standing, int(ended))
        else:
            self._completions.append(Completion(running.index, length, standing, int(ended)))
        self.flush()

    def flush_if_due(self) -> None:
        """Flush if 100 ms have passed since the last flush; for callers that wait between steps."""
        if self._now_s() - self._last_flush_s >= FLUSH_INTERVAL_S:
            self.flush()

    def flush(self) -> None:
        """Bring everything recorded so far to the file. Raises DiskFull, RecordingError."""
        appender = self._require_open()
        batch = self._batch()
        try:
            appender.reserve(batch.n_bytes)
            appender.commit(batch)
        except OSError as error:
            self._give_up(appender, batch, error)
        self._forget(batch)
        self._last_flush_s = self._now_s()
        try:
            appender.reserve(self._buffer.nbytes)
        except OSError as error:
            self._stop(error)

    def close(self) -> None:
        """End the running episode (outcome unknown) and close the file. Instant; may be called twice."""
        if self._appender is None:
            return
        if self._running is not None:
            self.end_episode()
        else:
            self.flush()
        appender, self._appender = self._require_open(), None
        appender.close()

    def _open_file(self, resume: bool) -> None:
        try:
            if self.path.exists():
                self._continue(resume)
            else:
                create(self.path, self.header)
            self._appender = Appender(self.path, self.header)
        except OSError as error:
            raise _cannot_write(self.path, error) from error

    def _continue(self, resume: bool) -> None:
        if not resume:
            raise RecordingExists(
                f"{self.path}: this file exists already and is never overwritten. Continue it by resuming, "
                "or name another file."
            )
        self.recovered = recovery.recover(self.path)
        with Reader(self.path) as reader:
            _require_same_world(self.path, reader.header, self.header)
            self._counts = reader.row_counts()
            self._text_bytes = reader.text_bytes
            self._labelers = {name: code for code, name in enumerate(reader.labelers)}

    def _add_session(self) -> None:
        header = self.header
        texts = (header.session_id, header.created_utc, header.operator)
        encoded = tuple(text.encode()[:size] for text, size in zip(texts, (32, 32, 64), strict=True))
        self._pending["sessions"].append((*encoded, self.episodes, self.steps))

    def _append(self, table: str, row: tuple[Any, ...]) -> int:
        index = self._rows_of(table)
        self._pending[table].append(row)
        if len(self._pending[table]) >= _PENDING_ROWS:
            self.flush()
        else:
            self.flush_if_due()
        return index

    def _rows_of(self, table: str) -> int:
        """Rows of a table so far, those not yet flushed included."""
        return self._counts[table] + len(self._pending[table])

    def _labeler(self, name: str) -> int:
        if name not in self._labelers:
            encoded = name.encode()
            if not encoded or len(encoded) > 255 or b"\0" in encoded:
                raise InvalidRow(f"{self.path}: labeler: expected a name of 1 to 255 bytes, found {name!r}.")
            self._pending["labelers"].append((encoded,))
            self._labelers[name] = len(self._labelers)
        return self._labelers[name]

    def _add_text(self, text: str) -> int:
        if text != self._last_text[0] or self._last_text[1] < 0:
            self._last_text = (text, self._text_bytes + len(self._text))
            self._text += text.encode() + b"\0"
        return self._last_text[1]

    def _options_json(self, options: Mapping[str, Any]) -> str:
        try:
            return json.dumps(dict(options), sort_keys=True)
        except (TypeError, ValueError) as error:
            raise InvalidRow(
                f"{self.path}: options: expected what JSON can hold, found {options!r} ({error}). Use "
                "numbers, texts, lists and mappings, so that a replay can pass them to reset again."
            ) from error

    def _checked_seed(self, seed: int | None) -> int:
        if seed is None or seed == -1:
            return -1
        if not _SMALLEST_SEED <= seed <= _LARGEST_SEED:
            raise InvalidRow(f"{self.path}: seed: expected 0 to 2**63 - 1, found {seed}.")
        return int(seed)

    def _batch(self) -> Batch:
        rows: dict[str, tuple[int, npt.NDArray[Any]]] = {}
        for name, pending in self._pending.items():
            if pending:
                rows[name] = (self._counts[name], np.array(pending, self._row_dtypes[name]))
        standing = None
        if self._buffer.n or self._running is not None or self._completions:
            rows["steps"] = (self._counts["steps"], self._buffer.rows)
            standing = self._buffer.standing
        return Batch(rows, standing, (self._text_bytes, self._text), tuple(self._completions))

    def _forget(self, batch: Batch) -> None:
        for name, (_, rows) in batch.rows.items():
            self._counts[name] += len(rows)
        for pending in self._pending.values():
            pending.clear()
        self._buffer.clear()
        self._text_bytes += len(self._text)
        self._text = b""
        self._completions.clear()

    def _require_open(self) -> Appender:
        if self._appender is None:
            raise InvalidRow(f"{self.path}: this recorder is closed. Open the file again by resuming.")
        return self._appender

    def _stop(self, error: OSError) -> None:
        """The disk is nearly full, but everything so far is saved: end in good order."""
        appender = self._require_open()
        if self._running is not None:
            running, self._running = self._running, None
            length = self.steps - running.start
            end = Completion(running.index, length, self._buffer.standing.copy(), Outcome.UNKNOWN)
            appender.commit(Batch(completions=(end,)))
        self._appender = None
        appender.close()
        raise DiskFull(
            f"{self.path}: the disk is full ({error.strerror}). Recording has stopped; all {self.steps} "
            "steps are saved and the file is closed. Free some space and resume."
        ) from error

    def _save_elsewhere(self, batch: Batch) -> Path | None:
        try:
            return emergency.save(self.path, self.header, batch)
        except OSError:
            return None

    def _give_up(self, appender: Appender, batch: Batch, error: OSError) -> None:
        """The file refuses the batch: save it elsewhere, and leave the file as a killed writer would."""
        self._appender, self._running = None, None
        saved = self._save_elsewhere(batch)
        appender.abandon()
        why = "the disk is full" if diskspace.is_full(error) else "the file cannot be written"
        where = (
            "could not be saved elsewhere either"
            if saved is None
            else f"are in {saved}. Take them in with recordings.emergency.take_in(recording, emergency_file)"
        )
        message = (
            f"{self.path}: {why} ({_reason(error)}). Recording has stopped; {self.flushed_steps} steps are "
            f"in the file, and "
            f"the last {self._buffer.n} steps, labels and edits {where}. Free some space first."
        )
        elsewhere = None if saved is None else str(saved)
        kind = DiskFull(message, elsewhere) if diskspace.is_full(error) else RecordingError(message)
        raise kind from error


def _require_same_world(path: Path, found: Header, expected: Header) -> None:
    names = ("env_spec_json: id", "env_spec_json: settings", "observation_space", "action_space")
    for name, here, there in zip(names, found.world, expected.world, strict=True):
        if here != there:
            raise WorldMismatch(
                f"{path}: {name}: expected {there[:200]!r} to continue this recording, found "
                f"{here[:200]!r}. It is of another world; record into another file, or continue it in "
                "its own world."
            )


def _reason(error: OSError) -> str:
    """In few words: HDF5's own run over several lines."""
    return os.strerror(error.errno) if error.errno else str(error).partition("\n")[0]


def _cannot_write(path: Path, error: OSError) -> RecordingError:
    if diskspace.is_full(error):
        return DiskFull(
            f"{path}: the disk is full ({error.strerror}), so recording cannot begin. Free some space, "
            "or record elsewhere."
        )
    return RecordingError(
        f"{path}: this file cannot be written ({error.strerror or error}). Check that the folder exists "
        "and that you may write in it."
    )
