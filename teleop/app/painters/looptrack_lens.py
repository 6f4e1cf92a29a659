"""A lens over LoopTrack's car: the road around it, enlarged, the car's front up, and where it is about to go."""

from __future__ import annotations

from functools import lru_cache
from math import asin, cos, pi, sin
from typing import Any

import numpy as np
import pygame

from learners.interface import FloatArray
from recordings.schema import Driver
from teleop.app.painters.view import View
from teleop.preferences.look import look
from teleop.preferences.palette import CARD_EDGE, DRIVERS, FREE, INK, STAGE, TEXT, WARNING, Colour, mix
from teleop.worlds.looptrack_road import Road

ACROSS = 6.4
"""What is seen from one side of the lens to the other, in half-widths of the road."""
FORWARD = 0.28
"""How far behind the lens's middle the car stands, as a share of its radius, for what comes matters more."""
AHEAD_STEPS = 17
"""Of the way shown ahead."""
WHEELS_TURNED = 6.0
"""How much more the drawn wheels turn than the car does in a step, so that it can be seen."""
DASH = pi / 48
"""Of the centre line, and between two, rad."""
Point = tuple[float, float]


def turn_of(action: Any) -> float:
    """The turn of an action of LoopTrack, rad a step."""
    return float(np.ravel(action)[0])


class Lens:
    """Draws anew every frame: a few shapes."""

    def __init__(self, road: Road) -> None:
        self._road = road

    def draw(
        self, surface: pygame.Surface, centre: tuple[int, int], radius: int, pose: FloatArray, view: View
    ) -> None:
        """A disc of this radius around `centre`, in pixels."""
        picture, mask = _canvas(radius, look().palette.name)
        picture.fill((*mix(STAGE, FREE, 0.35), 255))
        scale = 2 * radius / (ACROSS * self._road.half_width)
        place = _Place(pose, scale, (radius, radius * (1 + FORWARD)))
        self._draw_road(picture, place, 1.35 * radius / scale)
        turn = None if view.action is None else turn_of(view.action)
        if view.student_action is not None:
            self._draw_way(
                picture, place, turn_of(view.student_action), DRIVERS[Driver.STUDENT], outline=True
            )
        if turn is not None:
            self._draw_way(picture, place, turn, view.colour, outline=False)
        draw_car(picture, place.foot, pi / 2, scale * self._road.half_width, view.colour, turn or 0.0)
        picture.blit(mask, (0, 0), special_flags=pygame.BLEND_RGBA_MULT)
        surface.blit(picture, (centre[0] - radius, centre[1] - radius))
        pygame.draw.aacircle(surface, CARD_EDGE, centre, radius, 2)

    def _draw_road(self, picture: pygame.Surface, place: _Place, reach: float) -> None:
        """Both edges, the centre line, and the start line where it is near."""
        road, angle = self._road, float(np.arctan2(place.pose[1], place.pose[0]))
        half = asin(min(1.0, reach / (road.radius - road.half_width)))
        angles = angle + np.linspace(-half, half, 25)
        line = 0.06 * road.half_width
        road_itself = (-road.half_width, road.half_width)
        _band(picture, place, road, angles, road_itself, FREE, is_smooth=False)
        for edge in (-road.half_width, road.half_width - line):
            _band(picture, place, road, angles, (edge, edge + line), mix(FREE, TEXT, 0.75))
        first = np.ceil((angle - half) / (2 * DASH)) * 2 * DASH
        for start in np.arange(first, angle + half, 2 * DASH):
            dash = start + np.linspace(0, DASH, 5)
            _band(picture, place, road, dash, (-line / 2, line / 2), mix(FREE, WARNING, 0.45))
        if abs((angle + pi) % (2 * pi) - pi) < half:
            thick = np.array([-1, 1]) * line / road.radius
            _band(picture, place, road, thick, road_itself, mix(FREE, TEXT, 0.75))

    def _draw_way(
        self, picture: pygame.Surface, place: _Place, turn: float, colour: Colour, *, outline: bool
    ) -> None:
        """The way ahead at this turn, as a line with a head; outline: two thin lines beside it."""
        steps = np.arange(3.0, AHEAD_STEPS + 1)
        poses = self._road.moved(place.pose, turn, steps)
        size = 0.07 * self._road.half_width
        middle = poses[:, :2]
        left = np.column_stack([-np.sin(poses[:, 2]), np.cos(poses[:, 2])])
        forward = np.column_stack([np.cos(poses[:, 2]), np.sin(poses[:, 2])])[-1]
        head = [middle[-1] + side * 3.2 * size * left[-1] for side in (1, -1)]
        shape = [*(middle + size * left), head[0], middle[-1] + 6 * size * forward, head[1]]
        shape += [*(middle - size * left)[::-1]]
        points = place.of(np.asarray(shape))
        if not outline:
            pygame.draw.polygon(picture, colour, points)
        pygame.draw.aalines(picture, colour, True, points)


class _Place:
    """Where things lie in a picture in which the car stands at `foot`, its front up."""

    def __init__(self, pose: FloatArray, scale: float, foot: Point) -> None:
        self.pose, self.foot = pose, foot
        self._scale = scale
        heading = float(pose[2])
        self._right, self._up = (
            np.array([sin(heading), -cos(heading)]),
            np.array([cos(heading), sin(heading)]),
        )

    def of(self, places: FloatArray) -> list[Point]:
        """Places (N, 2) or poses (N, 3) on the ground -> pixels."""
        away = places[:, :2] - self.pose[:2]
        xs = self.foot[0] + self._scale * (away @ self._right)
        ys = self.foot[1] - self._scale * (away @ self._up)
        return list(zip(xs.tolist(), ys.tolist(), strict=True))


def _band(
    picture: pygame.Surface,
    place: _Place,
    road: Road,
    angles: FloatArray,
    offsets: tuple[float, float],
    colour: Colour,
    *,
    is_smooth: bool = True,
) -> None:
    """What lies between two offsets from the centre line, along these angles. is_smooth: at its rim."""
    near, far = (road.at(angles, offset) for offset in offsets)
    points = place.of(np.concatenate([near, far[::-1]]))
    pygame.draw.polygon(picture, colour, points)
    if is_smooth:
        pygame.draw.aalines(picture, colour, True, points)


@lru_cache(maxsize=2)
def _canvas(radius: int, _palette: str) -> tuple[pygame.Surface, pygame.Surface]:
    """What the lens is painted on, and the disc that is left of it."""
    size = (2 * radius, 2 * radius)
    mask = pygame.Surface(size, pygame.SRCALPHA)
    mask.fill((255, 255, 255, 0))
    pygame.draw.aacircle(mask, (255, 255, 255, 255), (radius, radius), radius - 1)
    return pygame.Surface(size, pygame.SRCALPHA), mask


def draw_car(
    surface: pygame.Surface,
    middle: Point,
    heading: float,
    half_road: float,
    colour: Colour,
    turn: float = 0.0,
) -> None:
    """From above, in the colour of whoever drives. heading: rad from the right, upwards. half_road: pixels of half the
    road's width. turn: of the front wheels, as an action."""
    length, width = max(0.46 * half_road, 6.0), max(0.25 * half_road, 3.4)

    def at(along: float, left: float) -> Point:
        x = middle[0] + cos(heading) * along * length - sin(heading) * left * width
        y = middle[1] - sin(heading) * along * length - cos(heading) * left * width
        return x, y

    def box(centre: Point, along: float, left: float, angle: float = 0.0) -> list[Point]:
        """Around `centre`, given along and to the left in lengths and widths of the car."""
        c, s = cos(angle), sin(angle)
        ratio = width / length
        corners = ((along, left), (along, -left), (-along, -left), (-along, left))
        return [at(centre[0] + a * c - b * s * ratio, centre[1] + a * s / ratio + b * c) for a, b in corners]

    for front, side in ((0.62, 1), (0.62, -1), (-0.62, 1), (-0.62, -1)):
        angle = WHEELS_TURNED * turn if front > 0 else 0.0
        pygame.draw.polygon(surface, INK, box((front, side * 0.95), 0.22, 0.16, angle))
    body = [at(1, 0.55), at(1, -0.55), at(0.7, -0.9), at(-1, -0.9), at(-1, 0.9), at(0.7, 0.9)]
    pygame.draw.polygon(surface, colour, body)
    pygame.draw.aalines(surface, mix(colour, INK, 0.7), True, body)
    pygame.draw.polygon(
        surface, mix(colour, INK, 0.75), [at(0.5, 0.55), at(0.5, -0.55), at(0.12, -0.7), at(0.12, 0.7)]
    )
    pygame.draw.polygon(surface, mix(colour, INK, 0.45), box((-0.55, 0.0), 0.22, 0.6))
