"""Hopper, drawn from the observation: its limbs, the turn of each motor, the ground going by, and where it fails.

MuJoCo's own picture wants OpenGL, which a machine without a display may not have; this wants nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, pi, sin
from typing import Any

import numpy as np
import pygame

from recordings.schema import Driver
from teleop.app.painters.view import View
from teleop.preferences.palette import CARD_EDGE, DRIVERS, FAILURE, FAINT, STAGE, TEXT, Colour, mix
from teleop.worlds.hopper_body import (
    GREATEST_TILT_RAD,
    LEAST_HEIGHT_M,
    STEP_S,
    Limb,
    Point,
    joints,
    limbs,
)

SHOWN_M = 3.4
"""Width of the world that is shown."""
SHOWN_HEIGHT_M = 2.2
GROUND_M = 0.3
"""The ground's height over the lower edge."""
MARK_M = 0.5
"""Between two marks on the ground."""
SPEED = 5
"""Of an observation's numbers, the speed forwards (m/s)."""
BODY: Colour = (222, 184, 135)
TURN_M = 0.13
"""Radius of the arc that shows a motor's turn."""
FULL_TURN_RAD = 1.5 * pi
"""Of that arc at full power."""


class HopperPainter:
    """Draws anew every frame: a handful of shapes."""

    aspect = SHOWN_M / SHOWN_HEIGHT_M

    def __init__(self) -> None:
        self._gone_m = 0.0
        self._steps = 0

    def draw(self, surface: pygame.Surface, area: pygame.Rect, view: View, now_s: float) -> None:
        scale = min(area.width / SHOWN_M, area.height / SHOWN_HEIGHT_M)
        ground = area.centery + scale * (SHOWN_HEIGHT_M / 2 - GROUND_M)

        def at(point: Point) -> Point:
            return area.centerx + point[0] * scale, ground - point[1] * scale

        _draw_ground(surface, area, ground, scale, self._distance(view.path))
        if view.observation is None:
            return
        seen: list[float] = np.asarray(view.observation, dtype=np.float64).tolist()
        _draw_limits(surface, at, scale)
        for limb in limbs(seen):
            _draw_limb(surface, at, limb, scale, _colour(seen))
        _draw_turns(surface, at, seen, view, scale)

    def _distance(self, path: Sequence[Any]) -> float:
        """Metres gone in this episode: the place is not observed, the speed is."""
        if len(path) < self._steps:
            self._gone_m, self._steps = 0.0, 0
        self._gone_m += sum(float(path[step][SPEED]) for step in range(self._steps, len(path))) * STEP_S
        self._steps = len(path)
        return self._gone_m


def _draw_ground(
    surface: pygame.Surface, area: pygame.Rect, ground: float, scale: float, gone_m: float
) -> None:
    thick = max(2, round(scale * 0.018))
    reach = SHOWN_M / 2 * scale
    pygame.draw.line(surface, FAINT, (area.centerx - reach, ground), (area.centerx + reach, ground), thick)
    first = -SHOWN_M / 2 + (-gone_m + SHOWN_M / 2) % MARK_M
    number = round((first + gone_m) / MARK_M)
    while first <= SHOWN_M / 2:
        x = area.centerx + first * scale
        length = scale * (0.10 if number % 2 == 0 else 0.05)
        pygame.draw.line(surface, CARD_EDGE, (x, ground + thick * 2), (x, ground + thick * 2 + length), thick)
        first, number = first + MARK_M, number + 1


def _draw_limits(surface: pygame.Surface, at: Any, scale: float) -> None:
    """Where the torso's middle may not fall."""
    colour, dash = mix(STAGE, FAILURE, 0.6), 0.08
    x = -SHOWN_M / 2
    while x < SHOWN_M / 2:
        ends = at((x, LEAST_HEIGHT_M)), at((x + dash, LEAST_HEIGHT_M))
        pygame.draw.line(surface, colour, *ends, max(1, round(scale * 0.008)))
        x += 2 * dash


def _colour(seen: Any) -> Colour:
    is_well = seen[0] > LEAST_HEIGHT_M and abs(seen[1]) < GREATEST_TILT_RAD
    return BODY if is_well else FAILURE


def _draw_limb(surface: pygame.Surface, at: Any, limb: Limb, scale: float, colour: Colour) -> None:
    edge = mix(colour, STAGE, 0.55)
    for radius, shade in ((limb.radius + 0.012, edge), (limb.radius, colour)):
        start, end = at(limb.start), at(limb.end)
        pygame.draw.polygon(surface, shade, _sides(start, end, radius * scale))
        for tip in (start, end):
            pygame.draw.aacircle(surface, shade, tip, radius * scale)


def _sides(start: Point, end: Point, half: float) -> list[Point]:
    """The corners of a bar."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = max((dx**2 + dy**2) ** 0.5, 1e-9)
    across, down = -dy / length * half, dx / length * half
    return [
        (start[0] + across, start[1] + down),
        (end[0] + across, end[1] + down),
        (end[0] - across, end[1] - down),
        (start[0] - across, start[1] - down),
    ]


def _draw_turns(surface: pygame.Surface, at: Any, seen: Any, view: View, scale: float) -> None:
    """At each joint an arc as long as its motor's turn: the executed one thick, the student's own thin around it."""
    for number, joint in enumerate(joints(seen)):
        centre = at(joint)
        pygame.draw.aacircle(surface, mix(BODY, STAGE, 0.6), centre, scale * 0.022)
        if view.action is not None:
            turn = float(np.asarray(view.action)[number])
            _draw_arc(surface, centre, TURN_M * scale, turn, view.colour, max(3, round(scale * 0.022)))
        if view.student_action is not None:
            turn = float(np.asarray(view.student_action)[number])
            colour = DRIVERS[Driver.STUDENT]
            _draw_arc(surface, centre, TURN_M * 1.35 * scale, turn, colour, max(1, round(scale * 0.008)))


def _draw_arc(
    surface: pygame.Surface, centre: Point, radius: float, turn: float, colour: Colour, thick: int
) -> None:
    """turn: -1 to 1, clockwise where it is positive; it begins on top."""
    reach = FULL_TURN_RAD * max(-1.0, min(1.0, turn))
    angles = np.linspace(0.0, reach, max(2, int(abs(reach) * 8)))
    points = [(centre[0] + sin(a) * radius, centre[1] - cos(a) * radius) for a in angles]
    pygame.draw.lines(surface, colour, False, points, thick)
    pygame.draw.aacircle(surface, mix(colour, TEXT, 0.3), points[-1], thick * 0.9)
