"""One writer a file: an advisory lock that dies with its process, so that a killed writer holds nothing.

HDF5's own locks are left off, since they are dropped in SWMR mode and would turn readers away. Linux has
locks that belong to an open file (fcntl, F_OFD_*), which neither HDF5 nor other readers of the file take;
elsewhere `flock` serves, and without `fcntl` (Windows) there is no lock.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import struct
from io import FileIO
from typing import Any

fcntl: Any = importlib.import_module("fcntl") if importlib.util.find_spec("fcntl") else None

_FLOCK = "hhqqi4x"


def acquire(file: FileIO) -> bool:
    """Take the writer's lock on the open `file` without waiting; False if someone else has it."""
    if fcntl is None:
        return True
    try:
        if hasattr(fcntl, "F_OFD_SETLK"):
            fcntl.fcntl(file, fcntl.F_OFD_SETLK, struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))
        else:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
