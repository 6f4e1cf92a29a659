"""The loop's pictures: who drove where, and how far off the line against the labels' bias."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Wedge

from teleop.experiments.experiment import Found, Picture
from teleop.experiments.loop_by_hand import settled_offset
from teleop.plots import look
from teleop.worlds.looptrack_road import Road

Laps = Mapping[tuple[str, tuple[float, float]], Sequence[Found]]
"""(arm, noise) -> its laps."""
CLONE = look.darker(look.DEMONSTRATED, 0.1)


def pictures(laps: Laps, shown: tuple[float, float], road: Road, to_line: float) -> tuple[Picture, Picture]:
    """shown: the noise whose ways are drawn. to_line: the feedback with which offsets are reckoned by hand."""
    noise = f"N({shown[0]:g}, {shown[1]:g})"
    return (
        Picture(
            "ways",
            f"Labels off by {noise}: where the clone and DAgger's student drive, a line a seed, from the start line "
            "on, counter-clockwise. A cross: it left the road.",
            lambda figure: _draw_ways(figure, laps, shown, road),
            (8.0, 3.3),
        ),
        Picture(
            "offsets",
            "How far off the line DAgger's student drives at last against the labels' bias, a dot a seed: labels with "
            "a bias alone. The line is reckoned by hand.",
            lambda figure: _draw_offsets(figure, laps, road, to_line),
            (8.0, 2.9),
        ),
    )


def _arms(laps: Laps) -> list[str]:
    return list(dict.fromkeys(arm for arm, _ in laps))


def _draw_ways(figure: Figure, laps: Laps, noise: tuple[float, float], road: Road) -> None:
    arms = _arms(laps)
    for axes, arm in zip(figure.subplots(1, len(arms)), arms, strict=True):
        _draw_road(axes, road)
        for found in laps[arm, noise]:
            for who, colour in (("clone", CLONE), ("dagger", look.STUDENT)):
                xs, ys = np.asarray(found[who]["way"]).T
                axes.plot(xs, ys, color=colour, linewidth=1.0, alpha=0.8, zorder=3)
                if not found[who]["stays"]:
                    axes.plot(
                        xs[-1:], ys[-1:], "x", color=colour, markersize=5, markeredgewidth=1.4, zorder=4
                    )
        axes.set_title(arm.replace(", ", ",\n", 1).replace(" its ", "\nits ", 1), fontsize=8)
    handles = [Line2D([], [], color=CLONE, label="clone"), Line2D([], [], color=look.STUDENT, label="DAgger")]
    figure.legend(handles=handles, loc="outside lower center", ncols=2)


def _draw_road(axes: Axes, road: Road) -> None:
    outer = road.radius + road.half_width
    axes.add_patch(
        Wedge((0, 0), outer, 0, 360, width=2 * road.half_width, color=look.paler(look.EDGE, 0.35), lw=0)
    )
    angles = np.linspace(0, 2 * np.pi, 361)
    axes.plot(*(road.radius * np.stack([np.cos(angles), np.sin(angles)])), color=look.QUIET, lw=0.5, ls="--")
    axes.plot([outer - 2 * road.half_width, outer], [0, 0], color=look.INK, lw=1.2)
    axes.set_aspect("equal")
    axes.set_xlim(-1.08 * outer, 1.08 * outer)
    axes.set_ylim(-1.08 * outer, 1.08 * outer)
    axes.set_axis_off()


def _draw_offsets(figure: Figure, laps: Laps, road: Road, to_line: float) -> None:
    arms = _arms(laps)[:2]
    biases = sorted({mean for _, (mean, deviation) in laps if not deviation})
    reckoned = np.linspace(min(biases), max(biases), 60)
    by_hand = [settled_offset(road, to_line, bias) for bias in reckoned]
    for axes, arm in zip(figure.subplots(1, len(arms), sharey=True), arms, strict=True):
        axes.axhline(0, color=look.QUIET, lw=0.6, ls="--")
        axes.axhspan(-road.half_width, road.half_width, color=look.paler(look.EDGE, 0.6), lw=0, zorder=0)
        axes.plot(
            reckoned,
            [np.nan if each is None else each for each in by_hand],
            color=look.INK,
            lw=1,
            label="by hand",
        )
        points = [
            (bias, found["dagger"]["offset"])
            for bias in biases
            for found in laps.get((arm, (bias, 0.0)), ())
            if found["dagger"]["stays"]
        ]
        if points:
            axes.plot(
                *zip(*points, strict=True), "o", color=look.STUDENT, markersize=4, alpha=0.7, label="DAgger"
            )
        axes.set_title(arm, fontsize=8.5)
        axes.set_xlabel("bias of the labels, rad a step")
        axes.legend(loc="lower left")
        axes.set_ylim(-1.05 * road.half_width, 1.05 * road.half_width)
    figure.axes[0].set_ylabel("off the line, outside positive")
