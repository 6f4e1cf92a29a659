"""How figures look: dark ink on white, and the colours of the window where they mean the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import SubFigure

from recordings.schema import Driver
from teleop.preferences.palette import DRIVERS, Colour
from teleop.worlds import gridworld_picture

Rgb = tuple[float, float, float]

INK: Rgb = (0.13, 0.15, 0.19)
QUIET: Rgb = (0.42, 0.45, 0.51)
EDGE: Rgb = (0.80, 0.82, 0.85)

STYLE: dict[Any, Any] = {
    "figure.facecolor": "white",
    "font.family": "DejaVu Sans",
    "font.size": 8.5,
    "text.color": INK,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 5,
    "axes.labelcolor": QUIET,
    "axes.labelsize": 8,
    "axes.edgecolor": EDGE,
    "axes.axisbelow": True,
    "axes.grid": False,
    "grid.color": EDGE,
    "grid.linewidth": 0.5,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "legend.frameon": False,
    "legend.fontsize": 8,
}
"""matplotlib's settings, in force while a figure is drawn and no longer."""


def rgb(colour: Colour) -> Rgb:
    """A colour of the palette (0 to 255) as matplotlib takes it (0 to 1)."""
    red, green, blue = (value / 255 for value in colour)
    return red, green, blue


def darker(colour: Rgb, share: float) -> Rgb:
    """`share` of black (0 to 1) mixed into a colour."""
    red, green, blue = (value * (1 - share) for value in colour)
    return red, green, blue


def paler(colour: Rgb, share: float) -> Rgb:
    """`share` of white (0 to 1) mixed into a colour."""
    red, green, blue = (value + (1 - value) * share for value in colour)
    return red, green, blue


STUDENT = darker(rgb(DRIVERS[Driver.STUDENT]), 0.15)
DEMONSTRATED = rgb(DRIVERS[Driver.HUMAN])
FREE = rgb(gridworld_picture.FREE)
COSTLY = paler(rgb(gridworld_picture.COSTLY), 0.55)
GOAL = rgb(gridworld_picture.GOAL)
GOAL_MARK = rgb(gridworld_picture.GOAL_MARK)

LOSS_TO_GAIN = LinearSegmentedColormap.from_list(
    "loss to gain",
    [(0.36, 0.14, 0.02), (0.84, 0.44, 0.10), (0.97, 0.96, 0.94), (0.22, 0.55, 0.75), (0.03, 0.16, 0.34)],
)
"""From brown (least) through white (0) to blue (most): told apart without red and green, and in grey by its ends."""
PUSH_LEFT, PUSH_RIGHT = darker(rgb(DRIVERS[Driver.STUDENT]), 0.55), darker(rgb(DRIVERS[Driver.HUMAN]), 0.5)
LEFT_TO_RIGHT = LinearSegmentedColormap.from_list(
    "left to right", [paler(STUDENT, 0.3), (0.97, 0.96, 0.94), paler(DEMONSTRATED, 0.3)]
)
"""The chance of one of two actions: blue the one, orange the other, white neither."""
SELDOM_TO_OFTEN = LinearSegmentedColormap.from_list(
    "seldom to often", [(0.80, 0.90, 0.96), (0.40, 0.72, 0.87), (0.10, 0.42, 0.68), (0.05, 0.13, 0.34)]
)
"""Visits, pale to dark, so that grey print keeps the order."""


ARROW = darker(STUDENT, 0.45)
BORROWED = (0.60, 0.57, 0.53)
"""Of an arrow that a state has taken over from another one."""


def map_and_strip(slot: SubFigure) -> tuple[Axes, Axes]:
    """A map's axes, without ticks, and those of a scale or a legend under it."""
    axes = slot.add_axes((0.03, 0.135, 0.94, 0.805))
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_anchor("N")
    return axes, slot.add_axes(STRIP)


STRIP = (0.4, 0.085, 0.52, 0.02)
"""Where the scale of a picture lies in its slot; its unit stands to the left."""
Ends = Literal["neither", "min", "max", "both"]


def scale(strip: Axes, image: ScalarMappable, unit: str, extend: Ends = "neither") -> None:
    """What the colours of a map mean; extend: at which ends there is more than is shown."""
    bar = strip.figure.colorbar(image, cax=strip, orientation="horizontal", extend=extend)
    bar.outline.set_visible(False)
    strip.text(-0.06, 0.5, unit, ha="right", va="center", transform=strip.transAxes, color=QUIET)


def entitle(axes: Axes, title: str, remark: str = "") -> None:
    """A title to the left, and a remark on the same line to the right."""
    axes.set_title(title)
    axes.set_title(remark, loc="right", color=QUIET, fontsize=8, fontweight="normal")


def legend(place: Axes, handles: Sequence[Artist]) -> None:
    """One line of what the colours mean, over the axes of a scale."""
    place.set_axis_off()
    place.legend(
        handles=handles,
        ncols=len(handles),
        loc="center right",
        bbox_to_anchor=(1.04, 0.5),
        handletextpad=0.3,
        columnspacing=1.2,
        borderpad=0,
    )


def number(value: float, digits: int = 4) -> str:
    """So many digits of what is no whole number, thousands apart, a real minus sign."""
    is_whole = float(value).is_integer() and abs(value) < 1e9
    return (f"{value:,.0f}" if is_whole else f"{value:.{digits}g}").replace("-", "−")
