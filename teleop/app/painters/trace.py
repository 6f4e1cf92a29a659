"""The way here as curves, newest right: a strip with a lane for each number that must stay within limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pygame

from learners.interface import FloatArray
from recordings.schema import Driver, Outcome
from teleop.app.painters.view import View
from teleop.app.typeface import Role, Typeface
from teleop.preferences.palette import CARD, CARD_EDGE, DRIVERS, FAINT, MUTED, OUTCOMES, TEXT, mix

SHOWN_STEPS = 120
"""Ten seconds of CartPole at twelve steps a second."""
GAP = 4
"""Between two lanes, in design pixels."""
TICK = 7
"""Height of the lane in which each label leaves a tick, in design pixels."""
Point = tuple[float, float]


@dataclass(frozen=True)
class Lane:
    """One number of the observation."""

    index: int
    limit: float
    """Beyond this, to either side, an episode ends."""
    caption: str


class Trace:
    """Keeps its picture until there is another step or label: to paint it takes about a millisecond."""

    def __init__(self, lanes: Sequence[Lane]) -> None:
        self._lanes = tuple(lanes)
        self._picture = pygame.Surface((0, 0))
        self._made_from: tuple[Any, ...] = ()

    def draw(self, surface: pygame.Surface, typeface: Typeface, area: pygame.Rect, view: View) -> None:
        start = id(view.path[0]) if len(view.path) else None
        made_from = area.size, start, len(view.path), id(view.observation), len(view.labelled_steps)
        if made_from != self._made_from:
            self._made_from = made_from
            if self._picture.get_size() != area.size:
                self._picture = pygame.Surface(area.size)
            self._paint(typeface, view)
        surface.blit(self._picture, area)

    def _paint(self, typeface: Typeface, view: View) -> None:
        picture = self._picture
        picture.fill(CARD)
        first = max(0, len(view.path) - SHOWN_STEPS)
        seen = np.asarray([*view.path[first:], view.observation], np.float64)
        tick = typeface.px(TICK)
        height = (picture.get_height() - tick) // len(self._lanes)
        xs = _places(len(seen), picture.get_width() - typeface.px(6))
        for number, lane in enumerate(self._lanes):
            area = pygame.Rect(0, number * height, picture.get_width(), height - typeface.px(GAP))
            _paint_limits(picture, typeface, area, lane)
            ys = area.centery - seen[:, lane.index] / lane.limit * area.height / 2
            ways = list(zip(xs.tolist(), np.clip(ys, area.top, area.bottom - 1).tolist(), strict=True))
            _paint_curve(picture, ways, view.drivers[first:])
        floor, colour = picture.get_height() - tick, tuple(TEXT)
        for step in view.labelled_steps:
            if first <= step < len(view.path):
                picture.fill(colour, (round(xs[step - first]) - 1, floor, 2, tick))


def _places(n: int, right: int) -> FloatArray:
    """(n,) from left to right, the newest at `right`."""
    places: FloatArray = right - np.arange(n - 1, -1, -1, dtype=np.float64) * (right / SHOWN_STEPS)
    return places


def _paint_limits(picture: pygame.Surface, typeface: Typeface, area: pygame.Rect, lane: Lane) -> None:
    for y in (area.top, area.bottom - 1):
        pygame.draw.line(picture, mix(CARD, OUTCOMES[Outcome.FAILURE], 0.6), (area.left, y), (area.right, y))
    pygame.draw.line(picture, CARD_EDGE, area.midleft, area.midright)
    corner = area.x + typeface.px(6), area.y + typeface.px(2)
    typeface.draw(picture, lane.caption, Role.SMALL, MUTED, topleft=corner)


def _paint_curve(picture: pygame.Surface, ways: Sequence[Point], drivers: Sequence[Driver | int]) -> None:
    """A line from point to point, each piece in the colour of whoever drove it."""
    start = 0
    for end in range(1, len(ways)):
        if end == len(ways) - 1 or drivers[end] != drivers[start]:
            run = ways[start : end + 1]
            colour = DRIVERS[Driver(drivers[start])]
            pygame.draw.lines(picture, colour, False, run, 2)
            start = end
    pygame.draw.aacircle(picture, TEXT if len(ways) > 1 else FAINT, ways[-1], 3)
