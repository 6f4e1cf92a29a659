"""What can go wrong with a window."""

from __future__ import annotations

from recordings.errors import UnderstudyError


class NoDisplay(UnderstudyError):  # noqa: N818 - the name says what is wrong
    """There is no screen to open a window on."""
