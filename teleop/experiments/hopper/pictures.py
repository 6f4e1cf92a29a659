"""The pictures of the Hopper experiment."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import FancyBboxPatch
from matplotlib.ticker import MaxNLocator, StrMethodFormatter
from matplotlib.transforms import Affine2D

from teleop.experiments.experiment import Findings, Found
from teleop.experiments.hopper import rows
from teleop.experiments.hopper.rows import Row
from teleop.experiments.hopper.strong import ENOUGH, correct, imitate, observe
from teleop.plots import look
from teleop.worlds.hopper_body import Limb, limbs

Style = Literal["-", ":"]
APART_M = 0.75
"""Between two drawings of the body that are shown side by side."""
ABOVE = 1.08
"""How far up a picture of returns goes, as a share of the expert's."""


def hop(figure: Figure, observations: Sequence[Sequence[float]]) -> None:
    """One body beside the other, each as it was in its own frame."""
    axes = figure.subplots()
    for number, observation in enumerate(observations):
        for limb in limbs(observation, number * APART_M):
            _draw_limb(axes, limb)
    axes.axhline(0.0, color=look.INK, linewidth=1)
    axes.set_xlim(-0.6, (len(observations) - 1) * APART_M + 0.6)
    axes.set_ylim(-0.05, 1.75)
    axes.set_aspect("equal")
    axes.set_axis_off()


def _draw_limb(axes: Axes, limb: Limb) -> None:
    along, up = limb.end[0] - limb.start[0], limb.end[1] - limb.start[1]
    shape = FancyBboxPatch(
        (-limb.radius, -limb.radius),
        math.hypot(along, up) + 2 * limb.radius,
        2 * limb.radius,
        boxstyle=f"round,pad=0,rounding_size={limb.radius}",
        linewidth=0.6,
        facecolor=look.paler(look.STUDENT, 0.35),
        edgecolor=look.darker(look.STUDENT, 0.5),
    )
    turned = Affine2D().rotate(math.atan2(up, along)).translate(*limb.start)
    shape.set_transform(turned + axes.transData)
    axes.add_patch(shape)


def losses(figure: Figure, findings: Findings) -> None:
    """The source's plot, for both activations, and SGD's at the best of its step sizes."""
    panels = (
        (rows.TANH_ADAM, rows.TANH_SGD, rows.SGD_RATES[:2]),
        (rows.RELU_ADAM, rows.RELU_SGD, rows.SGD_RATES[2:]),
    )
    for axes, (adam, sgd, others) in zip(figure.subplots(1, 2, sharey=True), panels, strict=True):
        best = min(others, key=lambda row: min(rows.final_losses(findings, row)))
        lines: tuple[tuple[str, Row, look.Rgb, Style], ...] = (
            ("Adam", adam, look.STUDENT, "-"),
            ("SGD", sgd, look.DEMONSTRATED, "-"),
            ("SGD", best, look.darker(look.DEMONSTRATED, 0.45), ":"),
        )
        for _, row, colour, style in lines:
            _lines(axes, rows.runs(findings, row), "updates", "losses", colour, style)
        axes.set_yscale("log")
        axes.set_title(adam.name.split(",")[0])
        axes.set_xlabel("updates")
        axes.grid(True, axis="y")
        axes.legend(
            handles=[
                Line2D(
                    [],
                    [],
                    color=colour,
                    linestyle=style,
                    label=f"{name}, {row.settings.get('rate', rows.RATE):g}",
                )
                for name, row, colour, style in lines
            ]
        )
        if axes.get_subplotspec().is_first_col():
            axes.set_ylabel("squared error")


def strong(figure: Figure, findings: Findings, expert_return: float) -> None:
    """DAgger over its labels, BCO and GAIL over their own steps; GAIL from the clone that it goes on from."""
    imitators = [
        {"env_steps": [0, *run["env_steps"]], "returns": [run["before"], *run["returns"]]}
        for run in findings.of(imitate, control=False)
    ]
    panels: tuple[tuple[str, str, str, Sequence[Found]], ...] = (
        ("DAgger", "labels", "labels, the demonstration's included", findings.of(correct)),
        ("BCO", "env_steps", "own steps", findings.of(observe)),
        ("GAIL after BC", "env_steps", "own steps", imitators),
    )
    all_axes = figure.subplots(1, len(panels), sharey=True)
    for axes, (title, over, label, found) in zip(all_axes, panels, strict=True):
        _lines(axes, found, over, "returns", look.STUDENT, "-")
        axes.axhline(expert_return, color=look.DEMONSTRATED, linewidth=1, linestyle="--")
        axes.axhline(ENOUGH * expert_return, color=look.DEMONSTRATED, linewidth=1, linestyle=":")
        axes.set_title(title)
        axes.set_xlabel(label)
        axes.xaxis.set_major_locator(MaxNLocator(3))
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        axes.set_ylim(0, expert_return * ABOVE)
        axes.grid(True, axis="y")
    all_axes[0].set_ylabel("return")


def _lines(axes: Axes, found: Sequence[Found], x: str, y: str, colour: look.Rgb, style: Style) -> None:
    for run in found:
        points = [(a, b) for a, b in zip(run[x], run[y], strict=True) if b is not None]
        if points:
            axes.plot(*zip(*points, strict=True), color=colour, linestyle=style, linewidth=0.9, alpha=0.7)
