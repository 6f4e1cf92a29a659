"""GridWorld's map with a student's policy on it, as one picture in which only what changed is painted again."""

from __future__ import annotations

import numpy as np
import pygame

from learners.interface import DiscretePolicy, IntArray, Policy
from recordings.schema import Driver
from teleop.app.painters.arrows import DIRECTIONS, arrow
from teleop.palette import DRIVERS, INK, STAGE, Colour
from teleop.worlds.gridworld_map import GridWorldMap

START: Colour = (58, 64, 75)
"""A free cell with a lossless way to the goal."""
DEAD_END: Colour = (39, 43, 51)
"""A free cell without one."""
PENALTY: Colour = (112, 56, 38)
GOAL: Colour = (240, 228, 66)
SHADES = 8
"""Steps from an arrow that can hardly be seen to a full one."""
FAINTEST = 0.12
LEANING = 0.02
"""How far a probability must lie above chance to count as a preference."""
ARROW_CODES = 1 + DIRECTIONS * SHADES
"""Of which 0 is no arrow."""
GROUNDS = (START, DEAD_END, PENALTY)


class Board:
    """The map at one size of a cell."""

    def __init__(self, world: GridWorldMap, cell_px: int) -> None:
        self._goal, self._n_cells, self.cell_px = world.goal, world.n_cells, cell_px
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
        self.show(None)

    def show(self, policy: Policy | None) -> None:
        """Put this policy's arrows on the map; none without a policy."""
        codes = np.zeros(self._n_cells, np.int64) if policy is None else arrow_codes(policy, self._n_cells)
        tiles = self._grounds * ARROW_CODES + codes
        changed = np.flatnonzero(tiles != self._shown)
        self._shown = tiles
        for tile in set(tiles[changed].tolist()) - self._tiles.keys():
            self._tiles[tile] = self._paint_tile(GROUNDS[tile // ARROW_CODES], tile % ARROW_CODES)
        painted = zip(tiles[changed].tolist(), changed.tolist(), strict=True)
        self.picture.fblits([(self._tiles[tile], self._corners[state]) for tile, state in painted])
        _draw_goal(self.picture, self._corners[self._goal], self.cell_px)

    def _paint_tile(self, colour: Colour, code: int) -> pygame.Surface:
        """A cell of this colour under this arrow."""
        tile = pygame.Surface((self.cell_px, self.cell_px))
        tile.fill(STAGE)
        tile.fill(colour, (0, 0, self.cell_px - self._gap, self.cell_px - self._gap))
        if code:
            shade, action = divmod(code - 1, DIRECTIONS)
            opacity = FAINTEST + (1 - FAINTEST) * (shade + 1) / SHADES
            size = self.cell_px - self._gap
            tile.blit(arrow(size, action, DRIVERS[Driver.STUDENT], opacity), (0, 0))
        return tile


def arrow_codes(policy: Policy, n_states: int) -> IntArray:
    """(S,) 0 where the policy has no preference, else 1 + DIRECTIONS * (shade - 1) + action.

    Shade 1 is a guess taken over from other states, SHADES is certainty.
    """
    states = np.arange(n_states)
    if not isinstance(policy, DiscretePolicy):
        return 1 + DIRECTIONS * (SHADES - 1) + np.asarray(policy.act(states), dtype=np.int64)
    probabilities = policy.probabilities(states)
    most = probabilities.max(1)
    confidence = getattr(policy, "confidence", None)
    sureness = most if confidence is None else confidence(states)
    guess = 1 / probabilities.shape[1]
    shades = np.rint((sureness - guess) / (1 - guess) * SHADES).astype(np.int64)
    shades = np.maximum(shades, most > guess + LEANING)
    codes: IntArray = np.where(shades > 0, 1 + DIRECTIONS * (shades - 1) + probabilities.argmax(1), 0)
    return codes


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
