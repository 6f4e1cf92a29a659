"""How soon causes are inferred, and what it takes until the student is as good as one that knew them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from teleop.plots import look

COLOURS = (look.STUDENT, look.DEMONSTRATED, look.QUIET)


@dataclass(frozen=True)
class Row:
    """One world."""

    world: str
    """Its title."""
    right: Mapping[str, Mapping[int, Sequence[float]]]
    """Inverse model -> own steps -> share of the hidden actions found, a value a seed."""
    returns: Mapping[int, Sequence[float]]
    """Own steps -> return of the student, a value a seed; empty where that was not asked."""
    known: float
    """Return of a student that knew the actions."""


def draw(figure: Figure, rows: Sequence[Row]) -> None:
    """A row of two charts for each world."""
    all_axes = figure.subplots(len(rows), 2, squeeze=False)
    for (left, right), row in zip(all_axes, rows, strict=True):
        for colour, (name, found) in zip(COLOURS, row.right.items(), strict=False):
            _draw_line(left, found, colour, name)
        left.set_title(f"{row.world}: hidden actions found")
        left.set_ylim(-0.03, 1.03)
        left.legend(loc="best")
        _draw_line(right, row.returns, look.STUDENT, "")
        right.axhline(row.known, color=look.DEMONSTRATED, linewidth=1, linestyle="--")
        right.set_title(f"{row.world}: return")
        left.set_xlabel("own steps")
        right.set_xlabel("own steps before the first clone")
        for axes in (left, right):
            axes.set_xscale("log")
            axes.grid(True, axis="y")
        right.set_visible(len(row.returns) > 0)


def _draw_line(axes: Axes, found: Mapping[int, Sequence[float]], colour: look.Rgb, name: str) -> None:
    steps = sorted(found)
    axes.plot(steps, [median(found[n]) for n in steps], color=colour, linewidth=1.4, label=name)
    for n in steps:
        axes.plot([n] * len(found[n]), found[n], "o", color=colour, markersize=2.5, alpha=0.5)
