"""A few runs summed up for a reader: the middle, and how far they lie apart."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from teleop.benchmark.rows import number


def median_and_range(values: Sequence[float]) -> str:
    """ "median (lowest to highest)", one figure where all are alike; "–" where there are none."""
    if not values:
        return "–"
    middle, lowest, highest = (number(of(values)) for of in (median, min, max))
    return middle if lowest == highest else f"{middle} ({lowest} to {highest})"
