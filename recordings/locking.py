"""One writer a file: an advisory lock that dies with its process, so that a killed writer holds nothing.

HDF5's own locks are left off, since they are dropped in SWMR mode and would turn readers away. Linux has
locks that belong to an open file (fcntl, F_OFD_*), which neither HDF5 nor other readers of the file take;
elsewhere `flock` serves, and without `fcntl` (Windows) there is no lock.

Whoever writes leaves a small note beside the file, so that whoever is refused can be told by whom. The note alone keeps
nobody out: one that a killed writer left behind is overwritten.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import importlib.util
import json
import os
import platform
import struct
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import Any

from recordings.errors import RecordingBusy, RecordingError

fcntl: Any = importlib.import_module("fcntl") if importlib.util.find_spec("fcntl") else None

_FLOCK = "hhqqi4x"
_HELD = (errno.EACCES, errno.EAGAIN)
_LONGEST_NOTE = 1024


def acquire(file: FileIO) -> bool:
    """Take the writer's lock on the open `file` without waiting; False if someone else has it.

    Raises OSError where the file system has no locks.
    """
    if fcntl is None:
        return True
    try:
        if hasattr(fcntl, "F_OFD_SETLK"):
            fcntl.fcntl(file, fcntl.F_OFD_SETLK, struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))
        else:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _HELD:
            return False
        raise
    return True


def open_as_writer(path: Path) -> FileIO:
    """The file, locked, with a note of who writes it. Raises RecordingBusy, RecordingError, OSError."""
    file = FileIO(path, "r+")
    try:
        same = os.path.samestat(os.fstat(file.fileno()), os.stat(path))
        is_mine = same and acquire(file)
    except OSError as error:
        file.close()
        raise RecordingError(
            f"{path}: this file cannot be locked ({error.strerror}): its folder, perhaps one of a network, has no "
            "locks, so that nothing would keep two writers apart. Record into a folder of this machine and copy the "
            "file afterwards."
        ) from error
    if not is_mine:
        file.close()
        raise RecordingBusy(
            f"{path}: another recorder{_whose(path)} is writing this file. Let it finish, or record into another "
            "file; it can be read meanwhile."
        )
    _sign(path)
    return file


def let_go(path: Path, file: FileIO) -> None:
    """Close the file, and take the note away."""
    remove_note(path)
    file.close()


def remove_note(path: Path) -> None:
    """Also one that a killed writer left."""
    with contextlib.suppress(OSError):
        _note(path).unlink(missing_ok=True)


def _note(path: Path) -> Path:
    return path.with_name(f".{path.name}.writer")


def _sign(path: Path) -> None:
    """Where no note can be left (the folder is closed to us), there is none."""
    words = {
        "process": os.getpid(),
        "host": platform.node(),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    with contextlib.suppress(OSError):
        _note(path).write_text(json.dumps(words), encoding="utf-8")


def _whose(path: Path) -> str:
    """ " (process 7 on ada, since ...)", as far as the note can be read."""
    try:
        with _note(path).open(encoding="utf-8") as file:
            words = json.loads(file.read(_LONGEST_NOTE))
        said = {name: str(words[name])[:80] for name in ("process", "host", "since")}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return ""
    if not all(text.isprintable() for text in said.values()):
        return ""
    return f" (process {said['process']} on {said['host']}, since {said['since']})"
