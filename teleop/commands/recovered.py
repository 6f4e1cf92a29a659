"""Recordings that a kill left half written are made whole by whatever opens them next; here a person is told."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from recordings.recovery import recover
from teleop.commands.report import progress_console


def make_whole(paths: Iterable[Path]) -> list[str]:
    """Recover the recordings that need it, tell so on standard error, and return what was told.

    Files that are not there, or are something else, are left to whoever opens them.
    """
    notices = []
    for path in paths:
        found = recover(path) if path.is_file() else None
        if found is not None:
            progress_console().print(f"note: {found.notice}", soft_wrap=True, markup=False)
            notices.append(found.notice)
    return notices
