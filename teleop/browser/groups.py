"""Figures of some episodes of a recording: those of an operator, of a sitting, or all that a table has no room for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from math import isfinite
from typing import Any

import numpy as np
import numpy.typing as npt

from recordings.schema import Driver, Outcome
from recordings.survey import Survey

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_Z = 1.959964
"""Of the normal distribution, for intervals that hold 95 times of a hundred."""


@dataclass(frozen=True)
class Columns:
    """Some episodes: an entry each, in columns of E."""

    outcomes: IntArray
    lengths: IntArray
    returns: FloatArray
    labels: IntArray
    discarded: BoolArray
    driven: IntArray
    """(E, drivers) steps"""

    @classmethod
    def of(cls, survey: Survey, rows: IntArray | slice) -> Columns:
        return cls(**{each.name: getattr(survey, each.name)[rows] for each in fields(cls)})

    @classmethod
    def joined(cls, parts: Sequence[Columns]) -> Columns:
        """One after the other; at least one."""
        return cls(
            **{
                each.name: np.concatenate([getattr(part, each.name) for part in parts])
                for each in fields(cls)
            }
        )

    @property
    def counting(self) -> BoolArray:
        """(E,) those that ended, and were not discarded whole."""
        has_ended: BoolArray = self.outcomes != Outcome.RUNNING
        return has_ended & ~self.discarded


def figures(columns: Columns) -> dict[str, Any]:
    """Of these episodes. Returns, lengths and outcome rates leave out discarded episodes and the one that runs."""
    counts = np.bincount(columns.outcomes, minlength=len(Outcome))
    driven, kept = columns.driven.sum(axis=0), columns.counting
    return {
        "episodes": len(columns.outcomes),
        "steps": int(columns.lengths.sum()),
        "labels": int(columns.labels.sum()),
        "discarded": int(columns.discarded.sum()),
        "outcomes": {each.name.lower(): int(counts[each]) for each in Outcome if counts[each]},
        "success": rate(columns.outcomes[kept]),
        "returns": spread(columns.returns[kept]),
        "lengths": spread(columns.lengths[kept].astype(float)),
        "drivers": {each.name.lower(): int(driven[each]) for each in Driver if driven[each]},
    }


def rate(outcomes: npt.NDArray[Any]) -> dict[str, Any]:
    """Of the episodes that ended in success or failure the share of success, and its 95 % interval (Wilson, 1927).

    Share and bounds are None where there are none such.
    """
    good, bad = (int((outcomes == each).sum()) for each in (Outcome.SUCCESS, Outcome.FAILURE))
    n = good + bad
    if not n:
        return {"successes": 0, "of": 0, "share": None, "low": None, "high": None}
    share, z2 = good / n, _Z**2
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    reach = _Z / (1 + z2 / n) * (share * (1 - share) / n + z2 / (4 * n**2)) ** 0.5
    return {
        "successes": good,
        "of": n,
        "share": share,
        "low": max(0.0, middle - reach),
        "high": min(1.0, middle + reach),
    }


def spread(values: npt.NDArray[np.float64]) -> dict[str, float | None]:
    """Mean, standard deviation, least, median and most; None of no values. What is not finite is left out."""
    values = values[np.isfinite(values)]
    if not len(values):
        return dict.fromkeys(("mean", "std", "min", "median", "max"))
    with np.errstate(over="ignore", invalid="ignore"):
        mean, std = finite(values.mean()), finite(values.std())
    return {
        "mean": mean,
        "std": std,
        "min": float(values.min()),
        "median": float(np.median(values)),
        "max": float(values.max()),
    }


def listed(survey: Survey, first: int, stop: int) -> list[dict[str, Any]]:
    """A row for each of these episodes."""
    columns = Columns.of(survey, slice(first, stop))
    return [
        {
            "episode": first + row,
            "steps": int(columns.lengths[row]),
            "return": finite(columns.returns[row]),
            "outcome": Outcome(int(columns.outcomes[row])).name.lower(),
            "drivers": {
                each.name.lower(): int(columns.driven[row, each])
                for each in Driver
                if columns.driven[row, each]
            },
            "labels": int(columns.labels[row]),
            "parent": int(survey.parents[first + row]) if survey.parents[first + row] >= 0 else None,
            "discarded": bool(columns.discarded[row]),
        }
        for row in range(stop - first)
    ]


def finite(value: float) -> float | None:
    """JSON has no other numbers."""
    return float(value) if isfinite(value) else None


def by_value(values: Sequence[str]) -> dict[str, list[int]]:
    """Each value -> where it stands, in the order in which values first appear."""
    places: dict[str, list[int]] = {}
    for place, value in enumerate(values):
        places.setdefault(value, []).append(place)
    return places


def rows_of(ranges: Iterable[range]) -> IntArray:
    """Every number in these ranges, in their order."""
    return np.concatenate([np.arange(0), *(np.arange(each.start, each.stop) for each in ranges)])
