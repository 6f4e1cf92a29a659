"""CartPole, drawn from the observation: cart, pole, the limits of both, the last push and the student's own.

Under it the student's odds of either push, and a strip of where cart and pole have been.
"""

from __future__ import annotations

from functools import lru_cache
from math import cos, degrees, radians, sin
from typing import Any

import numpy as np
import pygame

from recordings.schema import Driver
from teleop.app.layout import scale_of
from teleop.app.painters.odds import Odds, draw_balance
from teleop.app.painters.trace import SHOWN_STEPS, Lane, Trace
from teleop.app.painters.view import View
from teleop.app.typeface import Typeface
from teleop.preferences.palette import CARD_EDGE, DRIVERS, FAILURE, FAINT, STAGE, TEXT, Colour, mix

X_LIMIT_M = 2.4
ANGLE_LIMIT_RAD = radians(12.0)
"""Where gymnasium's CartPole ends an episode."""
POLE_M = 1.0
"""gymnasium's `length` of 0.5 m is half of the pole."""
SHOWN_M = 5.4
"""Width of the world that is shown."""
SHOWN_HEIGHT_M = 2.5
GROUND_M = 0.55
"""The track's height over the lower edge."""
CART_M = (0.56, 0.30)
POLE_WIDTH_M = 0.085
PUSH_M = 0.42
STEP_S = 0.02
"""Of the world's own time in one step."""
ODDS_M = 2.9
"""Width of the student's odds with their percentages."""
STRIP_SHARE = 0.27
"""Of the height, for where cart and pole have been."""
OVERSAMPLING = 2
POLE: Colour = (222, 184, 135)
CART: Colour = (66, 73, 87)
LANES = (
    Lane(2, ANGLE_LIMIT_RAD, "pole, ±12°"),
    Lane(0, X_LIMIT_M, f"cart, ±2.4 m; the last {SHOWN_STEPS} steps, a tick under each labelled one"),
)
Point = tuple[float, float]


class CartPolePainter:
    """Draws anew every frame: a handful of shapes, and the strip's picture."""

    aspect = 1.35

    def __init__(self) -> None:
        self._typeface = Typeface(1.0)
        self._odds, self._trace = Odds(), Trace(LANES)

    def draw(self, surface: pygame.Surface, area: pygame.Rect, view: View, now_s: float) -> None:
        if self._typeface.scale != (scale := scale_of(surface.get_size())):
            self._typeface = Typeface(scale)
        strip = area.copy()
        strip.height = round(area.height * STRIP_SHARE)
        strip.bottom = area.bottom
        self._draw_scene(surface, area.copy(), view, strip.top)
        if view.observation is not None:
            self._trace.draw(surface, self._typeface, strip, view)

    def _draw_scene(self, surface: pygame.Surface, area: pygame.Rect, view: View, bottom: int) -> None:
        area.height = bottom - area.top
        scale = min(area.width / SHOWN_M, area.height / SHOWN_HEIGHT_M)
        ground = area.centery + scale * (SHOWN_HEIGHT_M / 2 - GROUND_M)
        _draw_track(surface, area, ground, scale)
        if view.observation is None:
            return
        x, angle = _on_the_way(view)
        centre = (area.centerx + x * scale, ground - CART_M[1] * scale / 2)
        _draw_limits(surface, centre, scale)
        _draw_cart(surface, centre, scale, view.colour)
        _draw_pole(surface, centre, angle, scale)
        _draw_pushes(surface, centre, scale, view)
        self._draw_odds(surface, area, (centre[0], ground), scale, view)

    def _draw_odds(
        self, surface: pygame.Surface, area: pygame.Rect, foot: Point, scale: float, view: View
    ) -> None:
        """Under the cart, and within `area` wherever that is."""
        probabilities = self._odds.of(view.policy, view.observation)
        if probabilities is None:
            return
        place = pygame.Rect(0, 0, round(ODDS_M * scale), round(0.16 * scale))
        place.midtop = round(foot[0]), round(foot[1] + 0.2 * scale)
        place.clamp_ip(area)
        draw_balance(surface, self._typeface, place, float(probabilities[0]), float(probabilities[1]))


def _on_the_way(view: View) -> tuple[float, float]:
    """The cart's place (m) and the pole's angle (rad) between this step and the next.

    What lies between is known: gymnasium's CartPole moves on by the velocities that are observed (explicit Euler), and
    a push changes those alone. So the picture neither jumps from step to step nor lags.
    """
    x, speed, angle, turning = (float(value) for value in np.asarray(view.observation))
    return x + view.ahead * STEP_S * speed, angle + view.ahead * STEP_S * turning


def _draw_track(surface: pygame.Surface, area: pygame.Rect, ground: float, scale: float) -> None:
    """The rail, a mark every half metre, and a post where the cart may not go."""
    reach = X_LIMIT_M * scale
    left, right = area.centerx - reach, area.centerx + reach
    thick = max(2, round(scale * 0.018))
    pygame.draw.line(surface, FAINT, (left, ground), (right, ground), thick)
    for half_metres in range(-4, 5):
        x = area.centerx + half_metres * 0.5 * scale
        length = scale * (0.09 if half_metres % 2 == 0 else 0.05)
        pygame.draw.line(surface, CARD_EDGE, (x, ground + thick * 2), (x, ground + thick * 2 + length), thick)
    post = pygame.Rect(0, 0, max(3, round(scale * 0.035)), round(scale * 0.36))
    for x in (left, right):
        post.midbottom = (round(x), round(ground + thick))
        pygame.draw.rect(surface, FAILURE, post, border_radius=post.width // 2)


def _draw_limits(surface: pygame.Surface, centre: Point, scale: float) -> None:
    """The wedge in which the pole must stay."""
    tips = [_tip(centre, angle, scale * POLE_M * 1.12) for angle in (-ANGLE_LIMIT_RAD, ANGLE_LIMIT_RAD)]
    pygame.draw.polygon(surface, mix(STAGE, TEXT, 0.055), [centre, *_arc(centre, scale * POLE_M * 1.12)])
    for tip in tips:
        pygame.draw.aaline(surface, mix(STAGE, FAILURE, 0.6), centre, tip)


def _draw_cart(surface: pygame.Surface, centre: Point, scale: float, colour: Colour) -> None:
    cart = pygame.Rect(0, 0, round(CART_M[0] * scale), round(CART_M[1] * scale * 0.72))
    cart.midtop = (round(centre[0]), round(centre[1] - CART_M[1] * scale / 2))
    radius = max(3, round(scale * 0.045))
    pygame.draw.rect(surface, CART, cart, border_radius=radius)
    pygame.draw.rect(surface, colour, cart, max(2, round(scale * 0.014)), border_radius=radius)
    wheel = scale * 0.068
    for side in (-1, 1):
        hub = (centre[0] + side * CART_M[0] * scale * 0.28, centre[1] + CART_M[1] * scale / 2 - wheel)
        pygame.draw.aacircle(surface, mix(CART, TEXT, 0.45), hub, wheel)
        pygame.draw.aacircle(surface, STAGE, hub, wheel * 0.45)


def _draw_pole(surface: pygame.Surface, centre: Point, angle: float, scale: float) -> None:
    axle = (centre[0], centre[1] - CART_M[1] * scale * 0.22)
    colour = POLE if abs(angle) < ANGLE_LIMIT_RAD else FAILURE
    upright = _upright_pole(round(scale), colour)
    tilted = pygame.transform.rotozoom(upright, -degrees(angle), 1 / OVERSAMPLING)
    middle = _tip(axle, angle, POLE_M * scale / 2)
    surface.blit(tilted, tilted.get_rect(center=(round(middle[0]), round(middle[1]))))
    pygame.draw.aacircle(surface, mix(colour, STAGE, 0.6), axle, POLE_WIDTH_M * scale * 0.28)


@lru_cache(maxsize=4)
def _upright_pole(pixels_per_m: int, colour: Colour) -> pygame.Surface:
    """The pole, larger than it will be drawn: turned and shrunk at once, its edges come out smooth."""
    width = round(POLE_WIDTH_M * pixels_per_m * OVERSAMPLING)
    pole = pygame.Surface((width, round(POLE_M * pixels_per_m * OVERSAMPLING) + width), pygame.SRCALPHA)
    pole.fill((*colour, 0))
    pygame.draw.rect(pole, colour, pole.get_rect().inflate(-2, -2), border_radius=width // 2)
    return pole


def _draw_pushes(surface: pygame.Surface, centre: Point, scale: float, view: View) -> None:
    """The last push, filled, in the colour of whoever drives; the student's own, in outline above it."""
    middle = centre[1] - CART_M[1] * scale * 0.14
    if view.action is not None:
        _draw_push(surface, (centre[0], middle), scale, view.action, view.colour, outline=False)
    if view.student_action is not None:
        _draw_push(
            surface, (centre[0], middle), scale, view.student_action, DRIVERS[Driver.STUDENT], outline=True
        )


def _draw_push(
    surface: pygame.Surface, centre: Point, scale: float, action: Any, colour: Colour, *, outline: bool
) -> None:
    side = 1 if int(action) == 1 else -1
    start = centre[0] + side * (CART_M[0] / 2 + 0.06) * scale
    thick, head = scale * 0.035, scale * 0.10
    reach = PUSH_M * scale

    def at(along: float, up: float) -> Point:
        return start + side * along, centre[1] + up

    shape = [
        at(0, -thick), at(reach - head, -thick), at(reach - head, -head), at(reach, 0),
        at(reach - head, head), at(reach - head, thick), at(0, thick),
    ]  # fmt: skip
    if not outline:
        pygame.draw.polygon(surface, colour, shape)
    pygame.draw.aalines(surface, colour, True, shape)


def _tip(foot: Point, angle: float, length: float) -> Point:
    return foot[0] + sin(angle) * length, foot[1] - cos(angle) * length


def _arc(centre: Point, radius: float) -> list[Point]:
    angles = np.linspace(-ANGLE_LIMIT_RAD, ANGLE_LIMIT_RAD, 12)
    return [_tip(centre, float(angle), radius) for angle in angles]
