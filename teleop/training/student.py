"""What a trainer hands over, and what a session asks of a trainer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from learners.interface import FloatArray, Policy


@dataclass(frozen=True)
class StudentVersion:
    """A student as the trainer hands it over."""

    policy: Policy
    version: int
    labels: int = 0
    """Distinct labelled steps it has learned from."""
    loss: float = float("nan")
    newest_label: int = -1
    """The last row of /labels that was known when it was taught; tells how soon a correction shows."""
    reward: FloatArray | None = None
    """What its learner took the demonstrators' reward to be, (S,) or (S, A); None: it recovered none."""


class Trainer(Protocol):
    """Whoever turns labels into students, in this process or beside it."""

    def look_again(self) -> None:
        """Labels were given, taken back or given back; the recording has it, or will when it is flushed next."""
        ...

    def poll(self) -> StudentVersion | None:
        """A student newer than the last one handed over, or None. Never blocks for longer than inline training."""
        ...

    @property
    def trouble(self) -> str:
        """Empty, or what keeps newer students from coming; it may pass."""
        ...

    def close(self) -> None: ...
