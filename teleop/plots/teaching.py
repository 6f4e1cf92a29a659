"""Learning curves of ways of teaching: the return over labels and over the person's time, one small chart a way.

In each chart one way is drawn with the range of its seeds, and the medians of the others behind it in grey.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator

from learners.interface import FloatArray
from teleop.plots import look
from teleop.teaching.point import Point

Curve = Sequence[Point]
PLACES = 200
"""At which curves are compared."""
PALE = (0.80, 0.82, 0.85)
LEAST_SHORT = 0.005
"""Share of the best return by which a curve may fall short and look as good."""


@dataclass(frozen=True)
class Study:
    """What is drawn of one world."""

    world: str
    """Its title."""
    best: float
    """The expert's return."""
    ticks: Sequence[float]
    """Returns that are named."""
    is_logarithmic: bool
    """Show by how much a return falls short of the best, on a scale of powers."""
    curves: Mapping[str, Sequence[Curve]]
    """Title of a way -> a curve for each seed."""


def draw(study: Study, path: Path, width_px: int = 1600) -> None:
    """Write the page as a PNG."""
    with matplotlib.rc_context(look.STYLE):
        figure = _page(study)
        figure.savefig(path, format="png", dpi=width_px / figure.get_figwidth(), metadata={"Software": None})


def over(curves: Sequence[Curve], axis: str, places: FloatArray) -> FloatArray:
    """(seeds, places) returns; nan before a curve's first point, its last return after the lesson ended."""
    rows = []
    for curve in curves:
        at = np.array([getattr(point, axis) for point in curve], np.float64)
        returns = np.array([point.return_mean for point in curve])
        latest = np.searchsorted(at, places, side="right") - 1
        rows.append(np.where(latest >= 0, returns[np.maximum(latest, 0)], np.nan))
    return np.array(rows)


def _page(study: Study) -> Figure:
    n = len(study.curves)
    figure = Figure(figsize=(2.05 * n, 5.0))
    all_axes = figure.subplots(2, n, sharey=True)
    figure.suptitle(
        f"{study.world}: the student's return as a simulated person teaches it",
        x=0.012, ha="left", fontsize=13, fontweight="bold",
    )  # fmt: skip
    figure.text(
        0.012, 0.905, "line: median of the seeds; band: all of them; grey: the other ways' medians; "
        "dashed: 90 % and 99 % of the expert's", color=look.QUIET, fontsize=9,
    )  # fmt: skip
    for row, (axis, unit) in enumerate((("labels", "labels"), ("person_s", "seconds of the person"))):
        places = np.linspace(0, _end(study, axis), PLACES)
        found = {name: over(curves, axis, places) for name, curves in study.curves.items()}
        for column, name in enumerate(study.curves):
            axes = all_axes[row, column]
            _draw_way(axes, study, places, found, name)
            axes.set_xlabel(unit)
            if row == 0:
                axes.set_title(name, color=look.STUDENT)
    for axes in all_axes[:, 0]:
        axes.set_ylabel("return")
    figure.subplots_adjust(left=0.055, right=0.985, top=0.83, bottom=0.09, wspace=0.08, hspace=0.34)
    return figure


def _end(study: Study, axis: str) -> float:
    return max(float(getattr(curve[-1], axis)) for curves in study.curves.values() for curve in curves)


def _draw_way(
    axes: Axes, study: Study, places: FloatArray, found: Mapping[str, FloatArray], name: str
) -> None:
    for other, returns in found.items():
        if other != name:
            axes.plot(places, _shown(study, _median(returns)), color=PALE, linewidth=1.0)
    returns = found[name]
    is_known = ~np.isnan(returns).any(0)
    low, high = np.nanmin(returns[:, is_known], 0), np.nanmax(returns[:, is_known], 0)
    axes.fill_between(
        places[is_known], _shown(study, low), _shown(study, high), color=look.STUDENT, alpha=0.22, linewidth=0
    )
    axes.plot(places, _shown(study, _median(returns)), color=look.STUDENT, linewidth=1.8)
    for share in (0.9, 0.99):
        axes.axhline(
            float(_shown(study, np.array(study.best * share))), color=look.QUIET, linewidth=0.7, dashes=(3, 3)
        )
    _scale(axes, study)
    last = float(_median(returns)[-1])
    axes.text(
        0.98, 0.05, f"{look.number(round(last, 2), 3)} in the end", ha="right", fontsize=8.5,
        color=look.STUDENT, fontweight="bold", transform=axes.transAxes,
    )  # fmt: skip
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True, prune="upper"))


def _median(returns: FloatArray) -> FloatArray:
    """(places,) nan where a seed has none yet."""
    middle: FloatArray = np.median(returns, axis=0)
    return middle


def _shown(study: Study, returns: FloatArray) -> FloatArray:
    if not study.is_logarithmic:
        return returns
    return np.maximum(study.best - returns, LEAST_SHORT * study.best)


def _scale(axes: Axes, study: Study) -> None:
    if study.is_logarithmic:
        axes.set_yscale("log")
        axes.yaxis.set_minor_locator(NullLocator())
        low, high = (float(_shown(study, np.array(tick))) for tick in (study.ticks[0], study.ticks[-1]))
        axes.set_ylim(low * 1.3, high * 0.8)
    else:
        axes.set_ylim(0, study.best * 1.04)
    axes.set_yticks(
        [float(_shown(study, np.array(tick))) for tick in study.ticks],
        [look.number(tick) for tick in study.ticks],
    )
    axes.grid(True, axis="y")
    axes.margins(x=0.02)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
