"""A few runs summed up for a reader: the middle, and how far they lie apart."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from teleop.benchmark.rows import number


def median_and_range(values: Sequence[float]) -> str:
    """ "median (lowest to highest)"; "–" where there are none."""
    if not values:
        return "–"
    return f"{number(median(values))} ({number(min(values))} to {number(max(values))})"
