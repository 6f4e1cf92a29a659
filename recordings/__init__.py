"""What happened: crash-safe recordings of every step, and what can be made of them.

    with recordings.Recorder("demo.h5", recordings.Header.for_env(env)) as recorder: ...
    with recordings.open("demo.h5") as reader: reader.episodes[3].observations

HDF5 is imported when the first file is opened.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from recordings.errors import RecordingError, UnderstudyError
from recordings.schema import Driver, EditKind, Header, LabelKind, Outcome

if TYPE_CHECKING:
    from recordings.reader import Reader
    from recordings.recorder import Recorder

__all__ = [
    "Driver",
    "EditKind",
    "Header",
    "LabelKind",
    "Outcome",
    "Recorder",
    "RecordingError",
    "UnderstudyError",
    "open",
]


def open(path: str | os.PathLike[str], *, tail: bool = False) -> Reader:  # noqa: A001
    """Open a recording for reading, also while it is being written.

    What a killed recorder left is first made whole; `reader.recovered` then says so. With `tail` the file is
    taken as it is, and `reader.refresh()` shows what a recorder has flushed since.
    Raises RecordingMissing, NotARecording, NewerFormat, DamagedRecording, DiskFull.
    """
    from recordings import recovery
    from recordings.reader import Reader

    recovered = None if tail else recovery.recover(path)
    return Reader(path, recovered=recovered)


def __getattr__(name: str) -> Any:
    if name == "Recorder":
        from recordings.recorder import Recorder

        return Recorder
    raise AttributeError(f"module 'recordings' has no attribute {name!r}")
