"""The pictures of `tutorial`: learning curves, all methods on one scale, recovered rewards and policies as maps."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D

from teleop.experiments.experiment import Findings, Found
from teleop.experiments.tutorial.figures import Data, facts, runs, values
from teleop.experiments.tutorial.runs import SIZES, TUTORIAL, clone, correct, model_of
from teleop.experiments.tutorial.sources import METHODS
from teleop.experiments.written_policy import WrittenPolicy
from teleop.plots import look, maps
from teleop.worlds.catalogue import GRIDWORLD

LineStyle = Literal["-", "--", ":"]

LOWEST_SHOWN = -2.0
"""Of a learning curve's return; what is lower is cut off."""
THEIRS = "D"
"""Marker of a figure that is the tutorial's own."""


# -- learning curves -------------------------------------------------------------------------------------


def draw_curves(figure: Figure, findings: Findings) -> None:
    """Return over labels: of an expert who is right everywhere, and of the tutorial's data."""
    optimal, theirs = figure.subplots(1, 2, sharey=True)
    known = facts(findings)
    for gate, style in ((None, "-"), ("beta", ":")):
        for run in findings.of(correct, world=GRIDWORLD.name, gate=gate):
            labels, returns, _ = zip(*run["curve"], strict=True)
            optimal.plot(labels, returns, style, color=look.STUDENT, linewidth=0.9, alpha=0.6)
    for axes, kind in ((optimal, "optimal"), (theirs, TUTORIAL)):
        for prefix, style in (("", "-"), ("as_shown_", ":")):
            _draw_clones(axes, findings.of(clone, world=GRIDWORLD.name, kind=kind), prefix, style)
    bc, dagger = METHODS[0], METHODS[1]
    optimal.plot([dagger.labels], [dagger.published], THEIRS, color=look.INK, markersize=5)
    optimal.annotate("the tutorial's DAgger", (float(dagger.labels or 1), dagger.published or 0), **_BESIDE)
    theirs.plot([known["labels"]], [bc.published], THEIRS, color=look.INK, markersize=5)
    theirs.annotate("the tutorial's BC", (known["labels"], bc.published or 0), **_BESIDE)
    theirs.axhline(known["demonstrator"], color=look.QUIET, linewidth=1, linestyle="--")
    for axes, title in ((optimal, "An expert that is always right"), (theirs, "The tutorial's data")):
        axes.set_title(title)
        axes.set_xscale("log")
        axes.set_xlabel("labels")
        axes.set_ylim(LOWEST_SHOWN, 10.5)
        axes.grid(True, axis="y")
    optimal.set_ylabel("return (exact)")
    _name_lines(figure)


_BESIDE = {
    "xytext": (4, -26),
    "textcoords": "offset points",
    "ha": "right",
    "fontsize": 7.5,
    "color": look.INK,
}


def _draw_clones(axes: Axes, found: Sequence[Found], prefix: str, style: str) -> None:
    """The median of the seeds at every number of demonstrations."""
    points = list(zip(*(run["curve"] for run in found), strict=True))
    labels = [median(point["labels"] for point in each) for each in points]
    returns = [median(point[f"{prefix}return"] for point in each) for each in points]
    axes.plot(labels, returns, style, color=look.DEMONSTRATED, linewidth=1.6, marker="o", markersize=3)


def _name_lines(figure: Figure) -> None:
    names: tuple[tuple[str, look.Rgb, LineStyle], ...] = (
        ("DAgger, asked where nothing near was taught", look.STUDENT, "-"),
        ("DAgger, asked in every state it comes to", look.STUDENT, ":"),
        ("BC", look.DEMONSTRATED, "-"),
        ("BC, as shown", look.DEMONSTRATED, ":"),
        ("the data's own return", look.QUIET, "--"),
    )
    handles = [Line2D([], [], color=colour, linestyle=style, label=name) for name, colour, style in names]
    figure.legend(handles=handles, loc="outside lower center", ncols=3)


# -- all on one scale ------------------------------------------------------------------------------------


def draw_methods(figure: Figure, findings: Findings) -> None:
    """The tutorial's figure of each method, ours from its data, and ours from optimal demonstrations."""
    axes = figure.subplots()
    known = facts(findings)
    for place, method in enumerate(reversed(METHODS)):
        axes.axhline(place, color=look.EDGE, linewidth=0.6)
        if method.published is not None:
            axes.plot(method.published, place, THEIRS, color=look.INK, markersize=6)
        _draw_range(axes, findings, method.learner, TUTORIAL, place - 0.12, look.STUDENT)
        if method.learner != "dagger":
            _draw_range(axes, findings, method.learner, SIZES[-1], place + 0.12, look.DEMONSTRATED)
    axes.axvline(known["demonstrator"], color=look.QUIET, linewidth=1, linestyle="--")
    axes.axvline(known[GRIDWORLD.name]["best"], color=look.QUIET, linewidth=1)
    axes.set_yticks(range(len(METHODS)), [method.title for method in reversed(METHODS)], color=look.INK)
    axes.set_xlabel("return (exact)")
    _name_points(figure)


def _draw_range(
    axes: Axes, findings: Findings, learner: str, data: Data, height: float, colour: look.Rgb
) -> None:
    found = values(runs(findings, learner, GRIDWORLD.name, data), "return")
    axes.plot([min(found), max(found)], [height, height], color=colour, linewidth=2)
    axes.plot(median(found), height, "o", color=colour, markersize=6)


def _name_points(figure: Figure) -> None:
    handles = [
        Line2D([], [], linestyle="", marker=THEIRS, color=look.INK, label="the tutorial's own"),
        Line2D(
            [], [], linestyle="", marker="o", color=look.STUDENT, label="ours, its data (DAgger: our expert)"
        ),
        Line2D(
            [],
            [],
            linestyle="",
            marker="o",
            color=look.DEMONSTRATED,
            label="ours, 1,000 optimal demonstrations",
        ),
        Line2D([], [], color=look.QUIET, linestyle="--", label="its expert"),
        Line2D([], [], color=look.QUIET, label="optimum"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3)


# -- maps ------------------------------------------------------------------------------------------------


REWARDING = ("maxent-irl", "mce-irl", "relent-irl", "gail")


def draw_rewards(figure: Figure, findings: Findings) -> None:
    """What each learner of rewards makes of the tutorial's data, first seed."""
    for slot, learner in zip(_slots(figure, 2), REWARDING, strict=True):
        reward = runs(findings, learner, GRIDWORLD.name, TUTORIAL)[0]["reward"]
        maps.draw_reward(slot, _grid(), np.asarray(reward, np.float64))
        slot.axes[0].set_title(_title(learner))


def draw_policies(figure: Figure, findings: Findings) -> None:
    """The policy of each method from the tutorial's data (DAgger: our expert's labels), first seed."""
    for slot, method in zip(_slots(figure, 3), METHODS, strict=True):
        run = (
            findings.of(clone, world=GRIDWORLD.name, kind=TUTORIAL)
            if method.learner == "bc"
            else runs(findings, method.learner, GRIDWORLD.name, TUTORIAL)
        )[0]
        maps.draw_policy(slot, _grid(), WrittenPolicy(run["actions"]))
        slot.axes[0].set_title(method.title)
        slot.axes[0].set_title("", loc="right")


def _slots(figure: Figure, rows: int) -> list[SubFigure]:
    """Two in a row."""
    figure.set_layout_engine("none")
    return list(np.asarray(figure.subfigures(rows, 2, wspace=0, hspace=0)).flat)


def _grid() -> maps.GridMap:
    grid = maps.grid_map(model_of(GRIDWORLD.name))
    assert grid is not None
    return grid


def _title(learner: str) -> str:
    return next(method.title for method in METHODS if method.learner == learner)
