"""The learning curve: how each metric went, in a small chart of its own, for their units differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from teleop.plots.look import QUIET, STUDENT, number

SHOWN_METRICS = 4
"""Metrics that fit beside one another."""


Moment = tuple[int, Mapping[str, float]]
"""A step, and how the learner was doing then."""


def shown_metrics(curve: Sequence[Moment]) -> tuple[str, ...]:
    """The names of the first few metrics, in the order in which the learner gives them, a return first.

    Of two that went exactly alike, the first.
    """
    names = {name: None for _, metrics in curve for name in metrics}
    ordered = sorted(names, key=lambda name: name != "return")
    went = {name: tuple(metrics.get(name) for _, metrics in curve) for name in ordered}
    distinct = [
        name for index, name in enumerate(ordered) if went[name] not in [went[n] for n in ordered[:index]]
    ]
    return tuple(distinct[:SHOWN_METRICS])


def is_measured_once(curve: Sequence[Moment], name: str) -> bool:
    """There is no curve of this metric, but one value."""
    return sum(name in metrics for _, metrics in curve) == 1


def draw_metric(axes: Axes, curve: Sequence[Moment], name: str) -> None:
    """One metric over the learner's steps, and its last value; of a metric that was measured once, that alone."""
    points = [(step, metrics[name]) for step, metrics in curve if name in metrics]
    steps, values = zip(*points, strict=True)
    axes.set_title(name.replace("_", " "), fontsize=8)
    if is_measured_once(curve, name):
        axes.set_axis_off()
        axes.text(0, 0.97, number(values[0]), va="top", fontsize=13, color=STUDENT, transform=axes.transAxes)
        return
    style = "o-" if len(points) <= 30 else "-"
    axes.plot(steps, values, style, color=STUDENT, linewidth=1.4, markersize=3.2)
    axes.plot(steps[-1:], values[-1:], "o", color=STUDENT, markersize=4.5)
    axes.set_title(number(values[-1], 3), loc="right", color=STUDENT, fontsize=8)
    axes.set_xlabel("step")
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.ticklabel_format(axis="y", useOffset=False)
    axes.grid(True, axis="y")
    axes.tick_params(colors=QUIET)
    axes.margins(x=0.04, y=0.12)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
