"""CartPole: how probable each push is over the pole's angle and angular velocity, for nine states of the cart."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import SubFigure
from matplotlib.lines import Line2D

from learners.interface import Array, DiscretePolicy, FloatArray, Policy
from recordings.demonstrations import Demonstrations
from teleop.plots import look

ANGLE_DEG = 12.0
"""Beyond this angle to either side gymnasium's CartPole ends the episode."""
LEAST_TURN_DEG_PER_S = 60.0
PLACES_M = (-1.2, 0.0, 1.2)
"""Where the cart stands, in the small pictures from left to right."""
SPEEDS_M_PER_S = (0.8, 0.0, -0.8)
"""How fast it rolls to the right, from top to bottom."""
CELLS = 81
SHOWN_POINTS = 1500
"""Demonstrated steps shown, evenly picked."""
SCALE = (0.48, 0.07, 0.47, 0.02)
X, SPEED, ANGLE, TURN = range(4)
"""The order of CartPole's observation: m, m/s, rad, rad/s."""


def draw_at_rest(slot: SubFigure, policy: Policy, demonstrations: Demonstrations | None) -> None:
    """The cart in the middle and at rest, and upon it every demonstrated step, wherever the cart then was."""
    axes = slot.add_axes((0.13, 0.195, 0.84, 0.745))
    reach = _turn_reach(demonstrations)
    image = _draw_probability(axes, policy, 0.0, 0.0, reach)
    if demonstrations is not None:
        _draw_points(axes, demonstrations, 2.0)
    axes.set_xlabel("pole angle (degrees, right is positive)", labelpad=1)
    axes.set_ylabel("angular velocity (degrees a second)", labelpad=1)
    look.entitle(axes, "Policy", "cart in the middle, at rest")
    look.scale(slot.add_axes(SCALE), image, "chance of a push right")


def draw_elsewhere(slot: SubFigure, policy: Policy, demonstrations: Demonstrations | None) -> None:
    """Nine states of the cart, each with the demonstrated steps that were nearest to it."""
    reach = _turn_reach(demonstrations)
    nearest = None if demonstrations is None else _nearest(demonstrations.observations)
    all_axes = slot.subplots(3, 3, sharex=True, sharey=True)
    slot.subplots_adjust(0.13, 0.195, 0.97, 0.94, wspace=0.08, hspace=0.08)
    for row, speed in enumerate(SPEEDS_M_PER_S):
        for column, place in enumerate(PLACES_M):
            axes = all_axes[row, column]
            _draw_probability(axes, policy, place, speed, reach)
            if demonstrations is not None and nearest is not None:
                _draw_points(axes, demonstrations, 1.2, nearest == 3 * row + column)
            axes.text(
                0.04, 0.96, f"{place:+g} m\n{speed:+g} m/s".replace("-", "−").replace("+0 ", "0 "),
                transform=axes.transAxes, va="top", fontsize=7, linespacing=1.25,
                bbox={"facecolor": "white", "alpha": 0.75, "linewidth": 0, "pad": 1.5},
            )  # fmt: skip
    look.entitle(all_axes[0, 0], "The cart elsewhere")
    look.entitle(all_axes[0, 2], "", "its place and speed")
    slot.supxlabel("pole angle (degrees)", fontsize=8, color=look.QUIET, x=0.55, y=0.115)
    _draw_legend(slot.add_axes(SCALE), demonstrations)


def _draw_probability(
    axes: Axes, policy: Policy, place: float, speed: float, turn_reach: float
) -> ScalarMappable:
    """The chance of a push to the right over angle and angular velocity, and the line where it is even."""
    angles, turns = np.linspace(-ANGLE_DEG, ANGLE_DEG, CELLS), np.linspace(-turn_reach, turn_reach, CELLS)
    chances = push_right(policy, place, speed, angles, turns)
    bounds = (-ANGLE_DEG, ANGLE_DEG, -turn_reach, turn_reach)
    image = axes.imshow(
        chances,
        cmap=look.LEFT_TO_RIGHT,
        vmin=0,
        vmax=1,
        extent=bounds,
        origin="lower",
        aspect="auto",
        interpolation="bilinear",
    )
    if chances.min() < 0.5 < chances.max():
        axes.contour(angles, turns, chances, [0.5], colors=[look.INK], linewidths=0.9)
    axes.set_xticks([-10, 0, 10])
    return image


def push_right(
    policy: Policy, place: float, speed: float, angles: FloatArray, turns: FloatArray
) -> FloatArray:
    """(turns, angles): the chance of action 1 with the cart at `place` (m) and `speed` (m/s); degrees, degrees/s."""
    mesh = np.stack(np.meshgrid(np.radians(angles), np.radians(turns)), axis=-1).reshape(-1, 2)
    cart = np.broadcast_to([place, speed], mesh.shape)
    observations = np.concatenate([cart, mesh], axis=1).astype(np.float32)
    if isinstance(policy, DiscretePolicy):
        chances = policy.probabilities(observations)[:, 1]
    else:
        chances = np.asarray(policy.act(observations), dtype=np.float64)
    return chances.reshape(len(turns), len(angles))


def _draw_points(
    axes: Axes, demonstrations: Demonstrations, size: float, chosen: Array | None = None
) -> None:
    """Demonstrated steps, in the colour of the demonstrated push; grey where it is not known."""
    rows = np.arange(len(demonstrations)) if chosen is None else np.flatnonzero(chosen)
    rows = (
        rows[np.linspace(0, len(rows) - 1, min(SHOWN_POINTS, len(rows))).astype(int)] if len(rows) else rows
    )
    x, y = np.degrees(demonstrations.observations[rows][:, [ANGLE, TURN]]).T
    colours = np.full((len(rows), 3), look.QUIET)
    if demonstrations.actions is not None:
        pushes = np.array([look.PUSH_LEFT, look.PUSH_RIGHT])[demonstrations.actions[rows].astype(int)]
        colours = np.where(demonstrations.labelled[rows][:, None], pushes, colours)
    axes.scatter(x, y, s=size**2, c=colours, linewidths=0)


def _draw_legend(strip: Axes, demonstrations: Demonstrations | None) -> None:
    handles = [Line2D([], [], color=look.INK, linewidth=0.9, label="even chance")]
    if demonstrations is not None:
        shown = [(look.PUSH_LEFT, "pushed left"), (look.PUSH_RIGHT, "pushed right")]
        if demonstrations.actions is None:
            shown = [(look.QUIET, "demonstrated")]
        handles += [
            Line2D([], [], linestyle="", marker="o", color=colour, markersize=4, label=label)
            for colour, label in shown
        ]
    look.legend(strip, handles)


def _nearest(observations: Array) -> Array:
    """(N,) the small picture, counted row by row, whose cart is nearest to each observation's."""
    columns = np.abs(observations[:, X, None] - np.array(PLACES_M)).argmin(axis=1)
    rows = np.abs(observations[:, SPEED, None] - np.array(SPEEDS_M_PER_S)).argmin(axis=1)
    nearest: Array = 3 * rows + columns
    return nearest


def _turn_reach(demonstrations: Demonstrations | None) -> float:
    """The greatest angular velocity shown, in degrees a second: with room around nearly all that was demonstrated."""
    if demonstrations is None or not len(demonstrations):
        return 2 * LEAST_TURN_DEG_PER_S
    seen = np.degrees(np.percentile(np.abs(demonstrations.observations[:, TURN]), 99))
    return max(LEAST_TURN_DEG_PER_S, 1.3 * float(seen))
