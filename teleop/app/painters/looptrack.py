"""LoopTrack, drawn from the observations: the track from above with everybody's way, and a lens around the car.

In the track's middle, where nothing else is, the lens shows the road around the car, the car's front up, with the way
that the present turn leads and the way that the student would take.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import pi
from typing import Any

import numpy as np
import pygame

from learners.interface import FloatArray
from recordings.schema import Driver
from teleop.app.layout import scale_of
from teleop.app.painters.looptrack_lens import Lens, draw_car, turn_of
from teleop.app.painters.view import View
from teleop.app.typeface import Role, Typeface
from teleop.preferences.look import look
from teleop.preferences.palette import DRIVERS, FAILURE, FREE, MUTED, STAGE, TEXT, WARNING, mix
from teleop.worlds.looptrack_road import Road, Seen

VERGE = 0.75
"""Width of what is shown beyond the road's outer edge, in half-widths of the road."""
DASHES = 48
"""Of the centre line."""
OVERSAMPLING = 2
LENS_SHARE, LENS_UP = 0.62, 0.13
"""Radius of the lens and how far it lies above the middle, as shares of the radius of the track's inside."""
Point = tuple[float, float]


class LoopTrackPainter:
    """Draws the car and the lens anew in every frame, and of the ways what is new."""

    aspect = 1.08

    def __init__(self, road: Road, seen: Seen) -> None:
        self._road, self._seen = road, seen
        self._typeface = Typeface(1.0)
        self._lens, self._ways = Lens(road), _Ways(road)
        self._way: tuple[tuple[Any, ...], FloatArray] = ((), np.zeros((0, 3)))

    def draw(self, surface: pygame.Surface, area: pygame.Rect, view: View, now_s: float) -> None:
        if self._typeface.scale != (scale := scale_of(surface.get_size())):
            self._typeface = Typeface(scale)
        side = min(area.size)
        place = pygame.Rect(0, 0, side, side)
        place.center = area.center
        if view.observation is None:
            surface.blit(_track(self._road, side, look().palette.name), place)
            return
        way = self._way_of(view)
        pose = way[-1]
        if view.ahead and view.action is not None:
            pose = self._road.moved(pose, turn_of(view.action), view.ahead)
        self._ways.draw(surface, place, way, view)
        self._draw_car(surface, place, way, view)
        self._draw_lens(surface, place, pose, view)

    def _way_of(self, view: View) -> FloatArray:
        """(T + 1, 3) the poses up to now; reckoned once a step."""
        start = id(view.path[0]) if len(view.path) else None
        made_from = start, len(view.path), id(view.observation)
        if made_from != self._way[0]:
            seen = np.asarray([*view.path, view.observation], np.float64)
            self._way = made_from, self._road.poses(seen, self._seen)
        return self._way[1]

    def _draw_car(self, surface: pygame.Surface, place: pygame.Rect, way: FloatArray, view: View) -> None:
        """And the way that the student would take."""
        scale = _scale(self._road, place.width)
        if view.student_action is not None:
            ahead = self._road.moved(way[-1], turn_of(view.student_action), np.arange(21.0))
            points = _on_screen(ahead, scale, place.center)
            pygame.draw.lines(surface, DRIVERS[Driver.STUDENT], False, points, 2)
        car = _on_screen(way[-1:], scale, place.center)[0]
        draw_car(surface, car, float(way[-1, 2]), scale * self._road.half_width, view.colour)

    def _draw_lens(self, surface: pygame.Surface, place: pygame.Rect, pose: FloatArray, view: View) -> None:
        inside = (self._road.radius - self._road.half_width) * _scale(self._road, place.width)
        radius = round(LENS_SHARE * inside)
        centre = place.centerx, round(place.centery - LENS_UP * inside)
        self._lens.draw(surface, centre, radius, pose, view)
        offset = float(self._road.ego(pose)[0])
        is_off = abs(offset) > self._road.half_width
        side = "outside" if offset > 0 else "inside"
        text = "off the road" if is_off else f"{abs(offset):.2f} {side} the centre line"
        below = centre[1] + radius + self._typeface.px(9)
        colour = FAILURE if is_off else MUTED
        self._typeface.draw(surface, text, Role.SMALL, colour, midtop=(centre[0], below))


class _Ways:
    """Where everybody drove, with a dot beside the road at every labelled step.

    Keeps its picture from frame to frame, and paints into it what came to be; it begins anew where something has gone.
    """

    def __init__(self, road: Road) -> None:
        self._road = road
        self._picture = pygame.Surface((0, 0))
        self._of: tuple[Any, ...] = ()
        self._steps = 0
        self._dotted: set[int] = set()

    def draw(self, surface: pygame.Surface, place: pygame.Rect, way: FloatArray, view: View) -> None:
        """way: (T + 1, 3) the poses of `view.path`, and the present one."""
        steps, start = len(way) - 1, id(view.path[0]) if len(view.path) else None
        labelled = {step for step in view.labelled_steps if step < steps}
        made_of = place.width, start, look().palette.name
        if made_of != self._of or steps < self._steps or not self._dotted <= labelled:
            self._picture = _track(self._road, place.width, look().palette.name).copy()
            self._of, self._steps, self._dotted = made_of, 0, set()
        if steps > self._steps:
            self._paint_way(way[self._steps :], view.drivers[self._steps : steps])
        if labelled - self._dotted:
            self._paint_dots(way[sorted(labelled - self._dotted)])
        self._steps, self._dotted = steps, labelled
        surface.blit(self._picture, place)

    def _paint_way(self, way: FloatArray, drivers: Sequence[Driver | int]) -> None:
        points, scale = self._on_picture(way)
        thick = max(2, round(0.13 * scale * self._road.half_width))
        for driver, before, after in zip(drivers, points[:-1], points[1:], strict=True):
            colour = tuple(DRIVERS[Driver(driver)])
            pygame.draw.line(self._picture, colour, before, after, thick)
            pygame.draw.aacircle(self._picture, colour, after, thick / 2)  # else a thick line has notches

    def _paint_dots(self, poses: FloatArray) -> None:
        angles = np.arctan2(poses[:, 1], poses[:, 0])
        points, scale = self._on_picture(self._road.at(angles, 1.3 * self._road.half_width))
        colour, radius = tuple(TEXT), max(1.5, 0.05 * scale)
        for point in points:
            pygame.draw.aacircle(self._picture, colour, point, radius)

    def _on_picture(self, poses: FloatArray) -> tuple[list[Point], float]:
        """And the pixels of a unit."""
        side = self._picture.get_width()
        scale = _scale(self._road, side)
        return _on_screen(poses, scale, (side // 2, side // 2)), scale


@lru_cache(maxsize=4)
def _track(road: Road, side: int, _palette: str) -> pygame.Surface:
    """The track from above, drawn larger than it is shown, so that its edges come out smooth."""
    big = side * OVERSAMPLING
    picture = pygame.Surface((big, big))
    picture.fill(STAGE)
    scale, middle = _scale(road, big), (big / 2, big / 2)
    outer, inner = road.radius + road.half_width, road.radius - road.half_width
    line = max(2, round(0.09 * road.half_width * scale))
    pygame.draw.circle(picture, mix(STAGE, FREE, 0.35), middle, (outer + VERGE * road.half_width) * scale)
    pygame.draw.circle(picture, FREE, middle, outer * scale)
    pygame.draw.circle(picture, STAGE, middle, inner * scale)
    for edge in (outer * scale, inner * scale + line):
        pygame.draw.circle(picture, mix(FREE, TEXT, 0.75), middle, edge, line)
    _dash(picture, road, scale, middle)
    for across in range(8):
        for along in range(2):
            colour = TEXT if (across + along) % 2 else STAGE
            cell = road.half_width / 4 * scale
            left, top = middle[0] + inner * scale + across * cell, middle[1] + (along - 1) * cell
            pygame.draw.rect(picture, colour, (round(left), round(top), round(cell) + 1, round(cell) + 1))
    return pygame.transform.smoothscale(picture, (side, side))


def _dash(picture: pygame.Surface, road: Road, scale: float, middle: Point) -> None:
    """The centre line."""
    angles = np.linspace(0, 2 * pi, DASHES, endpoint=False)
    for angle in angles[1:]:
        ends = road.at(angle + np.linspace(0, pi / DASHES, 4))
        thick = max(2, round(0.05 * road.half_width * scale))
        pygame.draw.lines(picture, mix(FREE, WARNING, 0.45), False, _on_screen(ends, scale, middle), thick)


def _scale(road: Road, side: int) -> float:
    """Pixels of a unit in a picture of this side."""
    return side / 2 / (road.radius + (1 + VERGE) * road.half_width)


def _on_screen(poses: FloatArray, scale: float, middle: Point) -> list[Point]:
    """North up: y grows upwards."""
    xs, ys = middle[0] + poses[:, 0] * scale, middle[1] - poses[:, 1] * scale
    return list(zip(xs.tolist(), ys.tolist(), strict=True))
