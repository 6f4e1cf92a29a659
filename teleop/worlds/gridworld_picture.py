"""GridWorld as an image, drawn with numpy alone."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from learners.interface import FloatArray
from teleop.worlds.gridworld_map import GridWorldMap

Image = npt.NDArray[np.uint8]
"""(height, width, 3) red, green, blue."""

FREE = (244, 241, 234)
DEAD_END = (222, 217, 206)
"""Free to enter, but without a lossless way to the goal."""
COSTLY = (71, 77, 105)
GOAL = (42, 157, 143)
AGENT = (240, 120, 30)
OUTLINE = (40, 30, 25)
GOAL_MARK = (255, 255, 255)
LINE_SHADE = 0.94
"""Brightness of the lines between cells, relative to the cell."""
SAMPLES = 8
"""Samples along each edge of a pixel, for smooth rims."""


def draw(world: GridWorldMap, cell: int, cell_pixels: int) -> Image:
    """The map with the agent on `cell`: (side * cell_pixels, side * cell_pixels, 3)."""
    image = _background(world, cell_pixels).copy()
    row, column = divmod(cell, world.side)
    top, left = row * cell_pixels, column * cell_pixels
    tile = image[top : top + cell_pixels, left : left + cell_pixels]
    _blend(tile, _disc(cell_pixels, 0.44), OUTLINE)
    _blend(tile, _disc(cell_pixels, 0.36), AGENT)
    return image


@lru_cache(maxsize=8)
def _background(world: GridWorldMap, cell_pixels: int) -> Image:
    colours = np.empty((world.n_cells, 3), dtype=np.uint8)
    colours[:] = FREE
    colours[world.lossless_steps < 0] = DEAD_END
    colours[world.penalty] = COSTLY
    colours[world.goal] = GOAL
    image = colours.reshape(world.side, world.side, 3).repeat(cell_pixels, axis=0).repeat(cell_pixels, axis=1)
    if cell_pixels >= 6:
        image[::cell_pixels] = image[::cell_pixels] * LINE_SHADE
        image[:, ::cell_pixels] = image[:, ::cell_pixels] * LINE_SHADE
    _blend(image[-cell_pixels:, -cell_pixels:], _diamond(cell_pixels), GOAL_MARK)
    image.flags.writeable = False
    return image


def _blend(tile: Image, coverage: FloatArray, colour: tuple[int, int, int]) -> None:
    """Paint `colour` over a tile in place, as opaque as the shape covers each pixel (0 to 1)."""
    opacity = coverage[:, :, None]
    tile[:] = np.rint(tile * (1 - opacity) + np.array(colour) * opacity)


def _disc(pixels: int, radius: float) -> FloatArray:
    """(pixels, pixels) coverage of a centred disc; the radius in cells."""
    y, x = _sample_points(pixels)
    return _coverage(x**2 + y**2 <= radius**2, pixels)


def _diamond(pixels: int) -> FloatArray:
    y, x = _sample_points(pixels)
    return _coverage(np.abs(x) + np.abs(y) <= 0.3, pixels)


def _sample_points(pixels: int) -> tuple[FloatArray, FloatArray]:
    """Where a cell is sampled, from its centre: a column of y and a row of x, in cells."""
    along = (np.arange(pixels * SAMPLES) + 0.5) / (pixels * SAMPLES) - 0.5
    return along[:, None], along[None, :]


def _coverage(inside: npt.NDArray[np.bool_], pixels: int) -> FloatArray:
    """The share of each pixel's samples that lie inside."""
    share: FloatArray = inside.reshape(pixels, SAMPLES, pixels, SAMPLES).mean((1, 3))
    return share
