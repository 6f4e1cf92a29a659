"""What can go wrong with a window."""

from __future__ import annotations

from recordings.errors import UnderstudyError


class NoDisplay(UnderstudyError):
    """There is no screen to open a window on."""
