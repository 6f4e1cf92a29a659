"""One point of a learning curve."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Point:
    """How the student did after so much teaching."""

    labels: int
    """Given so far."""
    distinct: int
    """States labelled, where they can be told apart; else the same."""
    person_s: float
    """Time that it took the person, in seconds."""
    return_mean: float
    """Of the student alone: exact where the world is a table, else of `Budget.episodes`."""
