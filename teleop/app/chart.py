"""A small chart of episode returns: one dot an episode, in the colour of whoever drove most of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pygame

from teleop.app.typeface import Role, Typeface
from teleop.app.words import number
from teleop.palette import CARD_EDGE, FAINT, MUTED, Colour, mix

SHOWN = 60
"""Episodes worth giving to the chart: more would run into one another."""


@dataclass(frozen=True)
class Point:
    """One finished episode."""

    episode: int
    """Counted from 1."""
    value: float
    """Its return."""
    colour: Colour


def draw_chart(
    surface: pygame.Surface, typeface: Typeface, area: pygame.Rect, points: Sequence[Point]
) -> None:
    """Draw the points into `area`, oldest left; says so where there are none yet."""
    if not points:
        typeface.draw(surface, "Finished episodes will show here.", Role.SMALL, FAINT, center=area.center)
        return
    low, high = _range([point.value for point in points])
    gutter = max(typeface.width(number(value), Role.SMALL) for value in (low, high)) + typeface.px(8)
    line = typeface.height(Role.SMALL)
    plot = pygame.Rect(
        area.x + gutter, area.y + line // 2, area.width - gutter - typeface.px(6), area.height - 2 * line
    )
    for value in (low, high):
        y = _y(value, low, high, plot)
        pygame.draw.line(surface, CARD_EDGE, (plot.left, y), (plot.right, y))
        typeface.draw(surface, number(value), Role.SMALL, MUTED, midright=(plot.left - typeface.px(6), y))
    _draw_points(surface, typeface, plot, points, (low, high))
    below = plot.bottom + typeface.px(5)
    typeface.draw(surface, f"episode {points[0].episode}", Role.SMALL, FAINT, topleft=(plot.left, below))
    if len(points) > 1:
        typeface.draw(surface, str(points[-1].episode), Role.SMALL, FAINT, topright=(plot.right, below))


def _draw_points(
    surface: pygame.Surface,
    typeface: Typeface,
    plot: pygame.Rect,
    points: Sequence[Point],
    bounds: tuple[float, float],
) -> None:
    gap = plot.width / max(len(points) - 1, 1)
    places = [(plot.left + index * gap, _y(point.value, *bounds, plot)) for index, point in enumerate(points)]
    if len(places) > 1:
        pygame.draw.aalines(surface, mix(CARD_EDGE, MUTED, 0.5), False, places)
    radius = max(2.0, min(typeface.scale * 4, gap / 3))
    for place, point in zip(places, points, strict=True):
        pygame.draw.aacircle(surface, point.colour, place, radius)


def _range(values: Sequence[float]) -> tuple[float, float]:
    """Lowest and highest value, apart from each other even where all are equal."""
    low, high = min(values), max(values)
    return (low, high) if high > low else (low - 1, high + 1)


def _y(value: float, low: float, high: float, plot: pygame.Rect) -> float:
    return plot.bottom - (value - low) / (high - low) * plot.height
