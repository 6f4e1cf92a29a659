"""Where metrics go while a command runs: a CSV, TensorBoard's event files, both or none.

Rows are in the file when `write` returns, so that a kill loses none. Metrics are worth less than what they are about: a
file that cannot be written is said once, its rows are kept and tried again with each next one, and nothing stops.

Reading order: Metrics (what a command feeds), Appended (a file that may fail), CsvSink and EventSink (what is written).
"""

from __future__ import annotations

import csv
import io
import os
import re
import socket
import sys
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from numbers import Real
from pathlib import Path
from typing import Any, Protocol

from recordings.errors import UnderstudyError

COLUMNS = ("run", "step", "seconds", "name", "value")
"""Of the CSV, a row a value: they stay the same whatever is measured, and several runs can share a file."""
MOST_WAITING = 1 << 20
"""Bytes kept of what could not be written yet; what comes beyond them is lost."""

Say = Callable[[str], None]


class MetricsError(UnderstudyError):
    """Metrics cannot go where they were asked to, and it is known before anything began."""


class Sink(Protocol):
    """One place for metrics."""

    def write(self, step: int, seconds: float, values: Mapping[str, float]) -> None:
        """Put them there now. Raises nothing: what goes wrong is said once."""
        ...


class Metrics:
    """What a command feeds, wherever it goes."""

    def __init__(self, *sinks: Sink) -> None:
        self._sinks = sinks
        self._began_s = time.monotonic()

    def __bool__(self) -> bool:
        """Whether anybody wants to know."""
        return bool(self._sinks)

    def write(self, step: int, values: Mapping[str, Any]) -> None:
        """The numbers among the values at this step; truth values are 0 or 1, anything else is left out."""
        numbers = {name: float(value) for name, value in values.items() if isinstance(value, Real)}
        for sink in self._sinks:
            sink.write(step, time.monotonic() - self._began_s, numbers)


def open_metrics(run: str, *, csv_file: Path | None, tensorboard: Path | None) -> Metrics:
    """run: what is run; the time is added, so that runs which share a file or a folder can be told apart.

    Raises MetricsError: `csv_file` is a file of something else, or the extra `tensorboard` is not installed.
    """
    now = datetime.now().isoformat(" ", "milliseconds")
    sinks: list[Sink] = []
    if csv_file is not None:
        sinks.append(CsvSink(csv_file, f"{run}, {now}", _say))
    if tensorboard is not None:
        name = re.sub(r"[^\w.]+", "-", f"{run} {now}")
        sinks.append(EventSink(tensorboard / name, _say))
    return Metrics(*sinks)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class Appended:
    """A file to whose end bytes are added at once; those that it does not take wait for the next time."""

    def __init__(self, path: Path, say: Say) -> None:
        self._path, self._say = path, say
        self._descriptor: int | None = None
        self._waiting = b""
        self._has_failed = False

    def add(self, data: bytes) -> None:
        if len(self._waiting) + len(data) <= MOST_WAITING:
            self._waiting += data
        try:
            self._write()
        except OSError as error:
            self._fail(error)

    def _write(self) -> None:
        if self._descriptor is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        while self._waiting:
            written = os.write(self._descriptor, self._waiting)
            self._waiting = self._waiting[written:]

    def _fail(self, error: OSError) -> None:
        if not self._has_failed:
            self._has_failed = True
            self._say(
                f"{self._path}: metrics cannot be written ({error.strerror or error}). Everything else goes on; they "
                "are kept, as many as fit a megabyte, and tried again with the next."
            )

    def __del__(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)


class CsvSink:
    """A row a value. A file that has such rows already is continued."""

    def __init__(self, path: Path, run: str, say: Say) -> None:
        """Raises MetricsError where the file holds something else."""
        self._run = run
        self._file = Appended(path, say)
        self._has_heading = _has_heading(path)

    def write(self, step: int, seconds: float, values: Mapping[str, float]) -> None:
        lines = io.StringIO()
        rows = csv.writer(lines, lineterminator="\n")
        if not self._has_heading:
            rows.writerow(COLUMNS)
            self._has_heading = True
        rows.writerows(
            (self._run, step, f"{seconds:.3f}", name, repr(value)) for name, value in values.items()
        )
        if lines.tell():
            self._file.add(lines.getvalue().encode())


def _has_heading(path: Path) -> bool:
    """Whether rows of ours are there to be continued; of a last one that a kill cut short nothing stays.

    Raises MetricsError where there is something else.
    """
    heading = (",".join(COLUMNS) + "\n").encode()
    if not path.is_file():
        return False
    try:
        with path.open("rb+") as file:
            found = file.read(len(heading))
            if found == heading:
                _cut_torn_row(file)
                return True
    except OSError:
        return False  # not to be had: the first row will tell
    if found and not heading.startswith(found):
        raise MetricsError(
            f"{path}: expected a new file, or a CSV of the columns {', '.join(COLUMNS)} to continue, found something "
            "else. Name another file with --csv."
        )
    if found:
        os.truncate(path, 0)
    return False


def _cut_torn_row(file: io.BufferedRandom) -> None:
    end = file.seek(0, os.SEEK_END)
    start = max(0, end - 65536)
    file.seek(start)
    tail = file.read()
    if not tail.endswith(b"\n"):
        file.truncate(start + tail.rfind(b"\n") + 1)


class EventSink:
    """Event files as TensorBoard reads them, in a folder of their own; written with TensorBoard's own library.

    Not by its SummaryWriter, which writes in a thread: what goes wrong there comes late, and as a traceback.
    """

    def __init__(self, folder: Path, say: Say) -> None:
        """Raises MetricsError where the extra is not installed."""
        try:
            from tensorboard.compat.proto import event_pb2, summary_pb2
            from tensorboard.summary.writer.record_writer import RecordWriter
        except ImportError as error:
            raise MetricsError(
                f"--tensorboard: expected TensorBoard to be installed, found that it is not ({error}). Install it with "
                'pip install "understudy[tensorboard]", or ask for --csv.'
            ) from error
        self._event, self._summary, self._packed = event_pb2.Event, summary_pb2.Summary, RecordWriter
        name = f"events.out.tfevents.{int(time.time())}.{socket.gethostname()}.{os.getpid()}"
        self._file = Appended(folder / name, say)
        self._add(file_version="brain.Event:2")

    def write(self, step: int, seconds: float, values: Mapping[str, float]) -> None:
        summaries = [self._summary.Value(tag=name, simple_value=value) for name, value in values.items()]
        if summaries:
            self._add(step=step, summary=self._summary(value=summaries))

    def _add(self, **fields: Any) -> None:
        record = io.BytesIO()
        self._packed(record).write(self._event(wall_time=time.time(), **fields).SerializeToString())
        self._file.add(record.getvalue())
