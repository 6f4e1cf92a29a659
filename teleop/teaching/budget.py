"""How long a lesson goes on, and how often the student is looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Budget:
    """A lesson ends where the first of these is used up."""

    labels: int
    minutes: float
    """Of the person's time."""
    quiet_steps: int
    """Steps in a row that gave no label."""
    labels_per_fit: int
    labels_per_point: int
    """From one point of the curve to the next."""
    episodes: int = 20
    """In which a point is measured, where the world is no table."""


BUDGETS: Mapping[str, Budget] = MappingProxyType(
    {
        "gridworld": Budget(1000, 10.0, 3_000, labels_per_fit=50, labels_per_point=50),
        "cartpole": Budget(250, 10.0, 3_000, labels_per_fit=10, labels_per_point=20),
    }
)
"""World's name -> what is enough to see who is ahead."""
