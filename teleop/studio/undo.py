"""What was done and can be taken back: an act is undone by another act, and nothing is erased."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

KEPT = 1_000
"""Acts that can be taken back; those before them can still be, by `curate`."""


@dataclass(frozen=True)
class Act:
    """Something done."""

    word: str
    """What it was, as a person would say it: "label", "discard of episode 3"."""
    take_back: Callable[[], None]
    bring_back: Callable[[], None]


class History:
    """The acts of a session, oldest first."""

    def __init__(self) -> None:
        self._done: list[Act] = []
        self._undone: list[Act] = []

    def did(self, act: Act) -> None:
        """A new act; what was undone before it can no longer be brought back."""
        self._done.append(act)
        self._undone.clear()
        del self._done[:-KEPT]

    def undo(self) -> str:
        """Take the last act back; says which one, or "" where there is none."""
        return self._move(self._done, self._undone, lambda act: act.take_back())

    def redo(self) -> str:
        """Bring the act that was undone last back; says which one, or ""."""
        return self._move(self._undone, self._done, lambda act: act.bring_back())

    def _move(self, source: list[Act], target: list[Act], apply: Callable[[Act], None]) -> str:
        if not source:
            return ""
        act = source.pop()
        apply(act)
        target.append(act)
        return act.word
