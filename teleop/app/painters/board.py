"""GridWorld's map with a layer on it, as one picture in which only what changed is painted again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pygame

from learners.interface import IntArray
from teleop.app.painters.arrows import arrow
from teleop.app.painters.looks import UNTOUCHED, Look
from teleop.preferences.palette import DEAD_END, FREE, GOAL, INK, PENALTY, STAGE, Colour, mix
from teleop.worlds.gridworld_map import GridWorldMap

GROUNDS = (FREE, DEAD_END, PENALTY)
"""A cell with a lossless way to the goal, one without, and one that costs."""


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
        self._looks: dict[Look, int] = {}
        """Every look ever laid on this board, numbered."""
        self._tiles: dict[tuple[int, Look], pygame.Surface] = {}
        self._shown = np.full(world.n_cells, -1)
        self.show(np.zeros(world.n_cells, np.int64), (UNTOUCHED,))

    def show(self, codes: IntArray, looks: Sequence[Look]) -> None:
        """Give each cell its look: codes (S,) into `looks`."""
        numbers = np.array([self._looks.setdefault(look, len(self._looks)) for look in looks])
        shown = numbers[codes]
        changed = np.flatnonzero(shown != self._shown)
        self._shown = shown
        wanted = (self._grounds * len(looks) + codes)[changed]
        tiles = {
            tile: self._tile(tile // len(looks), looks[tile % len(looks)]) for tile in set(wanted.tolist())
        }
        painted = zip(wanted.tolist(), changed.tolist(), strict=True)
        self.picture.fblits([(tiles[tile], self._corners[state]) for tile, state in painted])
        _draw_goal(self.picture, self._corners[self._goal], self.cell_px)

    def _tile(self, ground: int, look: Look) -> pygame.Surface:
        tile = self._tiles.get((ground, look))
        if tile is None:
            tile = self._tiles[ground, look] = self._paint_tile(GROUNDS[ground], look)
        return tile

    def _paint_tile(self, ground: Colour, look: Look) -> pygame.Surface:
        """A cell of this ground with this look."""
        tile = pygame.Surface((self.cell_px, self.cell_px))
        size = self.cell_px - self._gap
        tile.fill(STAGE)
        tile.fill(mix(ground, look.tint, look.share), (0, 0, size, size))
        if look.arrow is not None:
            tile.blit(arrow(size, look.arrow.direction, look.arrow.colour, look.arrow.opacity), (0, 0))
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
