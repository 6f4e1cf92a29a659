"""Small charts: dots that are episodes, or a curve over the session.

Reading order: Chart (what is shown), `draw_chart`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log10
from typing import TypeVar

import pygame

from teleop.app.typeface import Role, Typeface
from teleop.app.words import figure, number
from teleop.preferences.palette import CARD_EDGE, FAINT, MUTED, TEXT, Colour, mix

Point = TypeVar("Point")
SHOWN = 60
"""Episodes worth giving to a chart: more would run into one another."""


@dataclass(frozen=True)
class Dot:
    """One thing that happened."""

    x: float
    y: float
    colour: Colour = TEXT
    is_ring: bool = False


@dataclass(frozen=True)
class Chart:
    """One chart; equal charts look the same."""

    title: str
    remark: str
    x_name: str
    """What is counted from left to right."""
    dots: tuple[Dot, ...]
    """From left to right."""
    empty: str
    """What to say while there are none."""
    is_curve: bool = False
    """A line alone, not each dot."""
    bounds: tuple[float, float] | None = None
    """The lowest and highest value there can be; None: as they are found."""
    percent: bool = False
    is_log: bool = False
    """Each step up is a factor; for values above 0."""


def draw_chart(surface: pygame.Surface, typeface: Typeface, area: pygame.Rect, chart: Chart) -> None:
    """Draw it into `area`, oldest left; says so where there is nothing yet."""
    if not chart.dots:
        lines = typeface.wrap(chart.empty, Role.SMALL, area.width)
        y = area.centery - len(lines) * typeface.height(Role.SMALL) // 2
        for text in lines:
            typeface.draw(surface, text, Role.SMALL, FAINT, midtop=(area.centerx, y))
            y += typeface.height(Role.SMALL)
        return
    low, high = _bounds(chart)
    words = [_word(chart, value) for value in (low, high)]
    gutter = max(typeface.width(word, Role.SMALL) for word in words) + typeface.px(8)
    line = typeface.height(Role.SMALL)
    plot = pygame.Rect(
        area.x + gutter, area.y + line // 2, area.width - gutter - typeface.px(6), area.height - 2 * line
    )
    for word, y in zip(words, (plot.bottom, plot.top), strict=True):
        pygame.draw.line(surface, CARD_EDGE, (plot.left, y), (plot.right, y))
        typeface.draw(surface, word, Role.SMALL, MUTED, midright=(plot.left - typeface.px(6), y))
    _draw_dots(surface, typeface, plot, chart, (low, high))
    _draw_x(surface, typeface, plot, chart)


def _draw_x(surface: pygame.Surface, typeface: Typeface, plot: pygame.Rect, chart: Chart) -> None:
    """What is counted, and from where to where."""
    below = plot.bottom + typeface.px(5)
    first, last = number(chart.dots[0].x), number(chart.dots[-1].x)
    typeface.draw(surface, f"{chart.x_name} {first}", Role.SMALL, FAINT, topleft=(plot.left, below))
    if last != first:
        typeface.draw(surface, last, Role.SMALL, FAINT, topright=(plot.right, below))


def _draw_dots(
    surface: pygame.Surface,
    typeface: Typeface,
    plot: pygame.Rect,
    chart: Chart,
    bounds: tuple[float, float],
) -> None:
    places = _places(plot, chart, bounds)
    if len(places) > 1:
        colour = chart.dots[-1].colour if chart.is_curve else mix(CARD_EDGE, MUTED, 0.5)
        pygame.draw.aalines(surface, colour, False, places)
    gap = plot.width / max(len(places) - 1, 1)
    radius = max(2.0, min(typeface.scale * 4, gap / 3))
    shown = list(zip(places, chart.dots, strict=True))
    for place, dot in shown[-1:] if chart.is_curve else shown:
        pygame.draw.aacircle(surface, dot.colour, place, radius, 2 if dot.is_ring and radius > 2.5 else 0)


def _places(plot: pygame.Rect, chart: Chart, bounds: tuple[float, float]) -> list[tuple[float, float]]:
    low, high = (_height(chart, value) for value in bounds)
    first, last = chart.dots[0].x, chart.dots[-1].x
    span = last - first or 1.0
    return [
        (
            plot.left + (dot.x - first) / span * plot.width,
            plot.bottom - (_height(chart, dot.y) - low) / (high - low) * plot.height,
        )
        for dot in chart.dots
    ]


def _height(chart: Chart, value: float) -> float:
    return log10(max(value, 1e-9)) if chart.is_log else value


def _bounds(chart: Chart) -> tuple[float, float]:
    """Lowest and highest value, apart from each other even where all are equal."""
    if chart.bounds is not None:
        return chart.bounds
    values = [dot.y for dot in chart.dots]
    low, high = min(values), max(values)
    if chart.is_log:
        return (low, high) if high > low else (low / 2, low * 2)
    return (low, high) if high > low else (low - 1, high + 1)


def _word(chart: Chart, value: float) -> str:
    if chart.percent:
        return f"{100 * value:.0f} %"
    return figure(value) if chart.is_log else number(value)


def thinned(curve: Sequence[Point], most: int) -> Sequence[Point]:
    """At most about `most` of its points, evenly spread, the last one included."""
    every = -(-len(curve) // most)
    return curve if every <= 1 else (*curve[:-1][::every], curve[-1])
