"""GridWorld's map with a layer on it, as one picture in which only what changed is painted again."""

from __future__ import annotations

import numpy as np
import pygame

from learners.interface import IntArray
from recordings.schema import Driver
from teleop.app.painters.arrows import arrow
from teleop.app.painters.layers import CODES, DIRECTIONS, NO_ARROW, SHADES, opacity, tint_of
from teleop.palette import DRIVERS, INK, STAGE, Colour, mix
from teleop.worlds.gridworld_map import GridWorldMap

START: Colour = (58, 64, 75)
"""A free cell with a lossless way to the goal."""
DEAD_END: Colour = (39, 43, 51)
"""A free cell without one."""
PENALTY: Colour = (112, 56, 38)
GOAL: Colour = (240, 228, 66)
GROUNDS = (START, DEAD_END, PENALTY)


class Board:
    """The map at one size of a cell."""

    def __init__(self, world: GridWorldMap, cell_px: int) -> None:
        self._goal, self.cell_px = world.goal, cell_px
        side = world.side * cell_px
        self.picture = pygame.Surface((side, side))
        """Everything that does not move."""
        self._gap = 1 if cell_px >= 7 else 0
        self._grounds = _grounds(world)
        self._corners = [
            (column * cell_px, row * cell_px) for row in range(world.side) for column in range(world.side)
        ]
        self._tiles: dict[int, pygame.Surface] = {}
        self._shown = np.full(world.n_cells, -1)
        self.show(np.zeros(world.n_cells, np.int64))

    def show(self, codes: IntArray) -> None:
        """Put this layer on the map: (S,) as `layers.laid_over` makes them."""
        tiles = self._grounds * CODES + codes
        changed = np.flatnonzero(tiles != self._shown)
        self._shown = tiles
        for tile in set(tiles[changed].tolist()) - self._tiles.keys():
            self._tiles[tile] = self._paint_tile(GROUNDS[tile // CODES], tile % CODES)
        painted = zip(tiles[changed].tolist(), changed.tolist(), strict=True)
        self.picture.fblits([(self._tiles[tile], self._corners[state]) for tile, state in painted])
        _draw_goal(self.picture, self._corners[self._goal], self.cell_px)

    def _paint_tile(self, ground: Colour, code: int) -> pygame.Surface:
        """A cell of this ground under an arrow, or tinted."""
        tile = pygame.Surface((self.cell_px, self.cell_px))
        size = self.cell_px - self._gap
        has_arrow = NO_ARROW < code <= DIRECTIONS * SHADES
        if code != NO_ARROW and not has_arrow:
            tint = tint_of(code)
            ground = mix(ground, tint.colour, tint.share)
        tile.fill(STAGE)
        tile.fill(ground, (0, 0, size, size))
        if has_arrow:
            shade, action = divmod(code - 1, DIRECTIONS)
            tile.blit(arrow(size, action, DRIVERS[Driver.STUDENT], opacity(shade + 1)), (0, 0))
        return tile


def _grounds(world: GridWorldMap) -> IntArray:
    """(S,) what each cell is, as an index into GROUNDS."""
    grounds: IntArray = np.where(world.lossless_steps >= 0, 0, 1)
    grounds[world.penalty] = 2
    return grounds


def _draw_goal(picture: pygame.Surface, corner: tuple[int, int], cell_px: int) -> None:
    """A flag-coloured cell with a dark diamond: told from the agent by shape, too."""
    cell = pygame.Rect(corner, (cell_px - 1, cell_px - 1))
    pygame.draw.rect(picture, GOAL, cell)
    reach = cell_px * 0.3
    x, y = cell.center
    pygame.draw.polygon(picture, INK, [(x, y - reach), (x + reach, y), (x, y + reach), (x - reach, y)])
