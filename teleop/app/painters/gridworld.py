"""GridWorld: the board with the student's policy, and upon it the agent and its trail."""

from __future__ import annotations

from typing import Any

import pygame

from learners.interface import TabularModel
from recordings.schema import Driver
from teleop.app.painters.arrows import arrow
from teleop.app.painters.board import Board
from teleop.app.painters.layers import Layer, laid_over, layers_of, stamp_of
from teleop.app.painters.view import Legend, View
from teleop.preferences.palette import DRIVERS, STAGE, Colour, mix
from teleop.worlds.gridworld_map import GridWorldMap

HALO: Colour = (255, 255, 255)
GLIDE_S = 0.07
"""How long the agent takes to slide into the cell it has reached; the world itself has stepped already."""
RENEWED_S = 0.25
"""Between two pictures of the same layer: labels and students come faster than anybody can read a map."""
SIZES = 2
"""Boards kept: going to the desk and back must not cost a frame."""
SETTLING_S = 0.05
"""A board that comes back shows at first what it showed last: the frame it comes in has enough else to paint."""
Point = tuple[float, float]


class GridWorldPainter:
    """Keeps board and trail as pictures: a frame in which nothing was stepped costs one blit and the agent."""

    aspect = 1.0

    def __init__(self, world: GridWorldMap, model: TabularModel) -> None:
        """model: `world` as a table, slippery or not."""
        self._map, self._model = world, model
        self._boards: dict[int, Board] = {}
        """By the size of a cell: at the desk the map is smaller than while one drives."""
        self._board: Board | None = None
        self._shown: dict[int, tuple[Layer, tuple[int, ...]]] = {}
        """The layer on each board, and what it was made from."""
        self._shown_s = float("-inf")
        self._layer = Layer.POLICY
        self._layers: tuple[Layer, ...] = ()
        self.legend: Legend | None = None
        self._trailed = pygame.Surface((0, 0))
        """The board with the trail upon it."""
        self._trail_of: tuple[Any, ...] = ()
        self._glide = _Glide()

    def draw(self, surface: pygame.Surface, area: pygame.Rect, view: View, now_s: float) -> None:
        cell_px = max(4, min(area.size) // self._map.side)
        board = self._board_of(cell_px, view, now_s)
        place = board.picture.get_rect(center=area.center)
        trail_of = (cell_px, self._shown[cell_px], view.observation, len(view.path), view.path[:1])
        if trail_of != self._trail_of:
            self._trail_of = trail_of
            self._paint_trail(board, view)
        surface.blit(self._trailed, place)
        if view.observation is None:
            return
        x, y = self._glide.towards(self._centre(view.observation, cell_px), now_s, cell_px)
        _draw_agent(surface, (place.x + x, place.y + y), cell_px, view)

    def show_layer(self, step: int) -> None:
        """Lay another of the things that there are to show over the map: 1 the next one, -1 the one before."""
        if self._layers:
            following = (self._layers.index(self._current()) + step) % len(self._layers)
            self._layer = self._layers[following]

    def _current(self) -> Layer:
        """The chosen layer; where there is nothing of that kind to show, the policy; without a student nothing."""
        candidates = (self._layer, Layer.POLICY)
        return next((layer for layer in candidates if layer in self._layers), Layer.NOTHING)

    def _board_of(self, cell_px: int, view: View, now_s: float) -> Board:
        if self._board is None or self._board.cell_px != cell_px:
            self._board = self._board_of_size(cell_px)
            self._shown_s = now_s - RENEWED_S + SETTLING_S
            self._trailed = pygame.Surface(self._board.picture.get_size())
        self._layers = layers_of(view)
        layer = self._current()
        before, shown = self._shown.get(cell_px), (layer, stamp_of(layer, view))
        is_another = before is None or before[0] is not layer
        if is_another or (before != shown and now_s - self._shown_s >= RENEWED_S):
            self._shown[cell_px], self._shown_s = shown, now_s
            overlay = laid_over(layer, view, self._model)
            self.legend = overlay.legend
            self._board.show(overlay.codes, overlay.looks)
        return self._board

    def _board_of_size(self, cell_px: int) -> Board:
        if cell_px not in self._boards:
            while len(self._boards) >= SIZES:
                oldest = next(iter(self._boards))
                del self._boards[oldest], self._shown[oldest]
            self._boards[cell_px] = Board(self._map, cell_px)
        return self._boards[cell_px]

    def _centre(self, state: Any, cell_px: int) -> Point:
        row, column = divmod(int(state), self._map.side)
        return (column + 0.5) * cell_px, (row + 0.5) * cell_px

    def _paint_trail(self, board: Board, view: View) -> None:
        """Where the episode has been, each piece in the colour of whoever drove it."""
        self._trailed.blit(board.picture, (0, 0))
        if view.observation is None:
            return
        places = [self._centre(state, board.cell_px) for state in (*view.path, view.observation)]
        width = max(2, board.cell_px // 4)
        for start, end, driver in zip(places, places[1:], view.drivers, strict=False):
            pygame.draw.line(self._trailed, DRIVERS[Driver(driver)], start, end, width)


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
