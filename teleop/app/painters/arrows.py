"""Small arrows, drawn large and scaled down, so that they are smooth at every size of a cell."""

from __future__ import annotations

import pygame

from teleop.preferences.palette import Colour

OVERSAMPLING = 8
DIRECTIONS = 4
"""Up, down, left, right: the order of GridWorld's actions."""


def arrow(size: int, direction: int, colour: Colour, opacity: float) -> pygame.Surface:
    """A (size, size) arrow with a shaft. opacity: 0 to 1."""
    big = size * OVERSAMPLING
    image = pygame.Surface((big, big), pygame.SRCALPHA)
    image.fill((*colour, 0))
    shape = ((0.5, 0.16), (0.82, 0.52), (0.59, 0.52), (0.59, 0.84), (0.41, 0.84), (0.41, 0.52), (0.18, 0.52))
    pygame.draw.polygon(
        image, (*colour, round(255 * opacity)), [_turned(point, direction, big) for point in shape]
    )
    return pygame.transform.smoothscale(image, (size, size))


def _turned(point: tuple[float, float], direction: int, size: int) -> tuple[float, float]:
    """A point of the arrow that points up (unit square), for an arrow in `direction`."""
    x, y = point
    turned = {0: (x, y), 1: (x, 1 - y), 2: (y, x), 3: (1 - y, x)}[direction]
    return turned[0] * size, turned[1] * size
