"""LoopTrack from above as an image, drawn with numpy alone."""

from __future__ import annotations

from functools import lru_cache
from math import cos, pi, sin

import numpy as np
import numpy.typing as npt

from learners.interface import FloatArray
from teleop.worlds.looptrack_road import Road

Image = npt.NDArray[np.uint8]
"""(height, width, 3) red, green, blue."""
Rgb = tuple[int, int, int]

GRASS: Rgb = (206, 219, 190)
ASPHALT: Rgb = (92, 96, 106)
EDGE: Rgb = (250, 250, 250)
CENTRE: Rgb = (222, 204, 120)
CAR: Rgb = (240, 120, 30)
OUTLINE: Rgb = (40, 30, 25)
MARGIN = 1.0
"""Grass around the road's outer edge."""
CAR_LENGTH, CAR_WIDTH = 0.55, 0.3
"""In half-widths of the road: as large as a car of a road with two lanes."""
DASHES = 60
"""Of the centre line."""


def draw(road: Road, pose: FloatArray, pixels: int) -> Image:
    """The track with the car at `pose` (3,): (pixels, pixels, 3)."""
    image = _background(road, pixels).copy()
    scale = _pixels_per_unit(road, pixels)
    across, up = _grid(road, pixels)
    x, y, heading = (float(number) for number in pose)
    ahead = (across - x) * cos(heading) + (up - y) * sin(heading)
    aside = (up - y) * cos(heading) - (across - x) * sin(heading)
    length, width = CAR_LENGTH * road.half_width, CAR_WIDTH * road.half_width
    for grown, colour in ((2.0 / scale, OUTLINE), (0.0, CAR)):
        _blend(
            image, _within(np.maximum(np.abs(ahead) - length, np.abs(aside) - width) - grown, scale), colour
        )
    _blend(image, _within(np.hypot(ahead - length / 2, aside) - width * 0.6, scale), OUTLINE)
    return image


@lru_cache(maxsize=8)
def _background(road: Road, pixels: int) -> Image:
    scale = _pixels_per_unit(road, pixels)
    across, up = _grid(road, pixels)
    image = np.empty((pixels, pixels, 3), np.uint8)
    image[:] = GRASS
    off = np.abs(np.hypot(across, up) - road.radius)
    line = max(0.06 * road.half_width, 0.7 / scale)
    _blend(image, _within(off - road.half_width, scale), ASPHALT)
    _blend(image, _within(np.abs(off - road.half_width + line) - line, scale), EDGE)
    is_dash = np.floor(np.arctan2(up, across) / (2 * pi) * 2 * DASHES) % 2 == 0
    _blend(image, _within(off - line / 2, scale) * is_dash, CENTRE)
    start = np.maximum(np.abs(up) - line, np.where(across > 0, off - road.half_width, np.inf))
    _blend(image, _within(start, scale), EDGE)
    image.flags.writeable = False
    return image


def _pixels_per_unit(road: Road, pixels: int) -> float:
    return pixels / (2 * (road.radius + road.half_width + MARGIN))


def _grid(road: Road, pixels: int) -> tuple[FloatArray, FloatArray]:
    """Where the pixels' middles lie on the ground: x as a row, y as a column, up."""
    middles = (np.arange(pixels, dtype=np.float64) + 0.5 - pixels / 2) / _pixels_per_unit(road, pixels)
    return middles[None, :], -middles[:, None]


def _within(distance: FloatArray, scale: float) -> FloatArray:
    """(H, W) how much of each pixel a shape covers, by its distance from the shape's rim (inside: below 0)."""
    return np.clip(0.5 - distance * scale, 0.0, 1.0)


def _blend(image: Image, coverage: FloatArray, colour: Rgb) -> None:
    """Paint `colour` over an image in place, as opaque as the shape covers each pixel (0 to 1)."""
    painted = coverage > 0
    opacity = coverage[painted][:, None]
    image[painted] = np.rint(image[painted] * (1 - opacity) + np.array(colour) * opacity)
