"""The loop's pictures: who drove where, and how far off the line they settle."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Wedge

from teleop.experiments.experiment import Found, Picture
from teleop.plots import look
from teleop.worlds.looptrack_road import Road

Ways = Sequence[tuple[str, Sequence[Found]]]
"""Title -> laps, a seed each."""
CLONE = look.darker(look.DEMONSTRATED, 0.1)
EDGE = 1.08
"""Of the outer edge of the road, at which a picture of it ends."""


@dataclass(frozen=True)
class Settled:
    """How far off the line students settle, against something."""

    title: str
    against: str
    points: Sequence[tuple[float, float]]
    """(against, off the line)"""
    by_hand: Callable[[float], float | None]


def pictures(ways: Ways, settled: Sequence[Settled], noise: str, road: Road) -> tuple[Picture, Picture]:
    """noise: of the labels whose ways are drawn."""
    return (
        Picture(
            "ways",
            f"Labels off by {noise}: where the clone and DAgger's student drive, a line a seed, from the start line "
            "on, counter-clockwise. A cross: it left the road.",
            lambda figure: _draw_ways(figure, ways, road),
            (8.0, 3.1),
        ),
        Picture(
            "offsets",
            "How far off the line DAgger's student, which sees offset and heading error, drives at last: a dot a seed, "
            "of those that stay on the road, grey. The line is reckoned by hand.",
            lambda figure: _draw_settled(figure, settled, road),
            (8.0, 2.9),
        ),
    )


def _draw_ways(figure: Figure, ways: Ways, road: Road) -> None:
    for axes, (title, laps) in zip(figure.subplots(1, len(ways)), ways, strict=True):
        _draw_road(axes, road)
        for found in laps:
            for who, colour in (("clone", CLONE), ("dagger", look.STUDENT)):
                xs, ys = np.asarray(found[who]["way"]).T
                axes.plot(xs, ys, color=colour, linewidth=1.0, alpha=0.8, zorder=3)
                if not found[who]["stays"]:
                    axes.plot(
                        xs[-1:], ys[-1:], "x", color=colour, markersize=5, markeredgewidth=1.4, zorder=4
                    )
        axes.text(0, 0, title, ha="center", va="center", fontsize=8.5, fontweight="bold")
    handles = [Line2D([], [], color=CLONE, label="clone"), Line2D([], [], color=look.STUDENT, label="DAgger")]
    figure.legend(handles=handles, loc="outside lower center", ncols=2)


def _draw_road(axes: Axes, road: Road) -> None:
    outer = road.radius + road.half_width
    grey = look.paler(look.EDGE, 0.35)
    axes.add_patch(Wedge((0, 0), outer, 0, 360, width=2 * road.half_width, color=grey, lw=0))
    angles = np.linspace(0, 2 * np.pi, 361)
    axes.plot(*(road.radius * np.stack([np.cos(angles), np.sin(angles)])), color=look.QUIET, lw=0.5, ls="--")
    axes.plot([outer - 2 * road.half_width, outer], [0, 0], color=look.INK, lw=1.2)
    axes.set_aspect("equal")
    axes.set_xlim(-EDGE * outer, EDGE * outer)
    axes.set_ylim(-EDGE * outer, EDGE * outer)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)


def _draw_settled(figure: Figure, settled: Sequence[Settled], road: Road) -> None:
    for axes, each in zip(figure.subplots(1, len(settled), sharey=True), settled, strict=True):
        axes.axhspan(-road.half_width, road.half_width, color=look.paler(look.EDGE, 0.6), lw=0, zorder=0)
        axes.axhline(0, color=look.QUIET, lw=0.6, ls="--")
        places = sorted({place for place, _ in each.points})
        if places:
            reckoned = np.linspace(places[0], places[-1], 60)
            by_hand = [each.by_hand(float(place)) for place in reckoned]
            line = [np.nan if offset is None else offset for offset in by_hand]
            axes.plot(reckoned, line, color=look.INK, lw=1, label="by hand")
            axes.plot(
                *zip(*each.points, strict=True),
                "o",
                color=look.STUDENT,
                markersize=4,
                alpha=0.7,
                label="DAgger",
            )
            axes.set_xticks(places)
            axes.legend(loc="upper right")
        axes.set_title(each.title, fontsize=8.5)
        axes.set_xlabel(each.against)
        axes.set_ylim(-1.05 * road.half_width, 1.05 * road.half_width)
    figure.axes[0].set_ylabel("off the line, outside positive")
