"""GridWorld, cell by cell: costs, goal, start region, the student's policy, the agent and its trail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pygame

from learners.interface import DiscretePolicy, IntArray, Policy
from recordings.schema import Driver
from teleop.app.painters.arrows import DIRECTIONS, arrow
from teleop.app.painters.view import View
from teleop.app.palette import DRIVERS, INK, STAGE, Colour, mix
from teleop.worlds.gridworld_map import GridWorldMap

START: Colour = (58, 64, 75)
"""A free cell with a lossless way to the goal."""
DEAD_END: Colour = (39, 43, 51)
"""A free cell without one."""
PENALTY: Colour = (112, 56, 38)
GOAL: Colour = (240, 228, 66)
HALO: Colour = (255, 255, 255)
SHADES = 8
"""Steps from an arrow that can hardly be seen to a full one."""
FAINTEST = 0.12
LEANING = 0.02
"""How far a probability must lie above chance to count as a preference."""
GLIDE_S = 0.07
"""How long the agent takes to slide into the cell it has reached; the world itself has stepped already."""
Point = tuple[float, float]


class GridWorldPainter:
    """Keeps the map with the policy on it as one picture until the student, or the window's size, changes."""

    aspect = 1.0

    def __init__(self, world: GridWorldMap) -> None:
        self._map = world
        self._board_of: tuple[int, int] | None = None
        self._board = pygame.Surface((1, 1))
        self._glide = _Glide()

    def draw(self, surface: pygame.Surface, area: pygame.Rect, view: View, now_s: float) -> None:
        cell_px = max(4, min(area.size) // self._map.side)
        edge = cell_px * self._map.side
        board = pygame.Rect(0, 0, edge, edge)
        board.center = area.center
        if self._board_of != (cell_px, view.version):
            self._board_of = (cell_px, view.version)
            self._board = self._paint_board(cell_px, view.policy)
        surface.blit(self._board, board)
        if view.observation is None:
            return
        self._draw_trail(surface, board.topleft, cell_px, view)
        place = self._glide.towards(self._centre(view.observation, cell_px), now_s, cell_px)
        _draw_agent(surface, (board.x + place[0], board.y + place[1]), cell_px, view)

    def _centre(self, state: Any, cell_px: int) -> Point:
        row, column = divmod(int(state), self._map.side)
        return (column + 0.5) * cell_px, (row + 0.5) * cell_px

    def _paint_board(self, cell_px: int, policy: Policy | None) -> pygame.Surface:
        side, gap = self._map.side, 1 if cell_px >= 7 else 0
        board = pygame.Surface((side * cell_px, side * cell_px))
        board.fill(STAGE)
        for state in range(self._map.n_cells):
            row, column = divmod(state, side)
            cell = pygame.Rect(column * cell_px, row * cell_px, cell_px - gap, cell_px - gap)
            pygame.draw.rect(board, self._colour(state), cell)
        if policy is not None:
            board.fblits(self._arrows(policy, cell_px))
        _draw_goal(board, self._centre(self._map.goal, cell_px), cell_px)
        return board

    def _colour(self, state: int) -> Colour:
        if self._map.penalty[state]:
            return PENALTY
        return START if self._map.lossless_steps[state] >= 0 else DEAD_END

    def _arrows(self, policy: Policy, cell_px: int) -> list[tuple[pygame.Surface, Point]]:
        """Where the student would go from every cell: fainter where less sure, none where clueless."""
        chosen, shades = _choices(policy, self._map.n_cells)
        colour = DRIVERS[Driver.STUDENT]
        size = cell_px - 1 if cell_px >= 7 else cell_px
        images = {
            (shade, action): arrow(size, action, colour, FAINTEST + (1 - FAINTEST) * shade / SHADES)
            for shade in range(1, SHADES + 1)
            for action in range(DIRECTIONS)
        }
        states = np.flatnonzero((shades > 0) & (np.arange(self._map.n_cells) != self._map.goal))
        return [
            (
                images[int(shades[state]), int(chosen[state])],
                (int(state) % self._map.side * cell_px, int(state) // self._map.side * cell_px),
            )
            for state in states
        ]

    def _draw_trail(self, surface: pygame.Surface, corner: Point, cell_px: int, view: View) -> None:
        """Where the episode has been, each piece in the colour of whoever drove it."""
        places = [self._centre(state, cell_px) for state in (*view.path, view.observation)]
        width = max(2, cell_px // 4)
        for here, there, driver in zip(places, places[1:], _drivers(view), strict=False):
            start = (corner[0] + here[0], corner[1] + here[1])
            end = (corner[0] + there[0], corner[1] + there[1])
            pygame.draw.line(surface, DRIVERS[driver], start, end, width)


class _Glide:
    """Slides from cell to cell; over more than one cell (another episode, a scrub) it jumps."""

    def __init__(self) -> None:
        self._start: Point = (0.0, 0.0)
        self._goal: Point = (0.0, 0.0)
        self._left_s = float("-inf")

    def towards(self, goal: Point, now_s: float, cell_px: int) -> Point:
        if goal != self._goal:
            far = abs(goal[0] - self._goal[0]) + abs(goal[1] - self._goal[1]) > 1.5 * cell_px
            self._start = goal if far else self._at(now_s)
            self._goal, self._left_s = goal, now_s
        return self._at(now_s)

    def _at(self, now_s: float) -> Point:
        share = min(1.0, max(0.0, (now_s - self._left_s) / GLIDE_S))
        return (
            self._start[0] + (self._goal[0] - self._start[0]) * share,
            self._start[1] + (self._goal[1] - self._start[1]) * share,
        )


def _drivers(view: View) -> Sequence[Driver]:
    return [Driver(driver) for driver in view.drivers]


def _choices(policy: Policy, n_states: int) -> tuple[IntArray, IntArray]:
    """The chosen action of every state, and its shade: 0 no idea, 1 guessed, to SHADES certain."""
    states = np.arange(n_states)
    if not isinstance(policy, DiscretePolicy):
        return policy.act(states), np.full(n_states, SHADES)
    probabilities = policy.probabilities(states)
    most = probabilities.max(1)
    confidence = getattr(policy, "confidence", None)
    sureness = most if confidence is None else confidence(states)
    guess = 1 / probabilities.shape[1]
    shades = np.rint((sureness - guess) / (1 - guess) * SHADES).astype(int)
    return probabilities.argmax(1), np.maximum(shades, most > guess + LEANING)


def _draw_goal(board: pygame.Surface, centre: Point, cell_px: int) -> None:
    """A flag-coloured cell with a dark diamond: told from the agent by shape, too."""
    cell = pygame.Rect(0, 0, cell_px - 1, cell_px - 1)
    cell.center = (int(centre[0]), int(centre[1]))
    pygame.draw.rect(board, GOAL, cell)
    reach = cell_px * 0.3
    x, y = cell.center
    pygame.draw.polygon(board, INK, [(x, y - reach), (x + reach, y), (x, y + reach), (x - reach, y)])


def _draw_agent(surface: pygame.Surface, place: Point, cell_px: int, view: View) -> None:
    radius = max(4.0, cell_px * 0.52)
    pygame.draw.aacircle(surface, mix(HALO, STAGE, 0.35), place, radius * 2.1, max(1, cell_px // 8))
    if view.student_action is not None:
        _draw_intention(surface, place, cell_px, int(view.student_action))
    pygame.draw.aacircle(surface, HALO, place, radius + max(1.5, cell_px * 0.12))
    pygame.draw.aacircle(surface, view.colour, place, radius)


def _draw_intention(surface: pygame.Surface, place: Point, cell_px: int, action: int) -> None:
    """An arrow beside the agent: where the student would go from here."""
    size = round(cell_px * 1.5)
    x, y = ((0, -1), (0, 1), (-1, 0), (1, 0))[action]
    image = arrow(size, action, DRIVERS[Driver.STUDENT], 1.0)
    surface.blit(image, image.get_rect(center=(place[0] + x * cell_px * 1.5, place[1] + y * cell_px * 1.5)))
