"""What a trainer hands over, and what a session asks of a trainer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

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
    """The last label's number it has learned from; tells how soon a correction shows."""
    reward: FloatArray | None = None
    """What its learner took the demonstrators' reward to be, (S,) or (S, A); None: it recovered none."""


class Trainer(Protocol):
    """Whoever turns labels into students, in this process or beside it."""

    def teach(self, step: int, observation: Any, action: Any) -> None:
        """A label holds for this row of /steps from now on (and is on its way to the disk)."""
        ...

    def forget(self, step: int) -> None:
        """No label holds for this row of /steps any more."""
        ...

    def poll(self) -> StudentVersion | None:
        """A student newer than the last one handed over, or None. Never blocks for longer than inline training."""
        ...

    @property
    def trouble(self) -> str:
        """Empty, or why there will be no newer student."""
        ...

    def close(self) -> None: ...
