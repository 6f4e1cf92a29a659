"""A file that several cells on one machine need."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path


def made_once(path: Path, make: Callable[[Path], None]) -> Path:
    """Made by whichever cell comes first, aside, and renamed when it is whole.

    The folder is one machine's: two machines might have processes of the same number.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f".{path.stem}-{os.getpid()}{path.suffix}")
        make(aside)
        aside.replace(path)
    return path
