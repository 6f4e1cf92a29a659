"""What is written beside its place and moved there once it is whole, so that nobody meets half of it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from recordings.appender import move_without_overwriting
from recordings.errors import RecordingExists


@contextmanager
def file_for(target: Path) -> Iterator[Path]:
    """Where to write a file that is to be `target`. Raises RecordingExists if anything is there, OSError."""
    _require_none(target)
    aside = _beside(target)
    aside.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield aside
        move_without_overwriting(aside, target)
    finally:
        aside.unlink(missing_ok=True)


@contextmanager
def folder_for(target: Path) -> Iterator[Path]:
    """A new folder that is to be `target`. Raises RecordingExists if anything is there, OSError."""
    _require_none(target)
    aside = _beside(target)
    aside.mkdir(parents=True)
    try:
        yield aside
        aside.rename(target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _require_none(target: Path) -> None:
    if target.exists():
        raise RecordingExists(f"{target}: this exists already and is never overwritten. Name another.")


def _beside(target: Path) -> Path:
    return target.with_name(f".{target.name}.{os.getpid()}.part")
