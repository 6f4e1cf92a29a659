"""A small picture of a whole episode: where it went on GridWorld's map, else how its numbers ran over time."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import gymnasium as gym
import numpy as np
import pygame

from learners.interface import FloatArray
from recordings.contents import Episode
from recordings.reader import Reader
from recordings.schema import Driver
from teleop.app.painters.board import Board
from teleop.app.painters.cartpole import ANGLE_LIMIT_RAD, X_LIMIT_M
from teleop.app.painters.choose import CARTPOLES
from teleop.preferences.palette import CARD_EDGE, DRIVERS, FAINT, STAGE, TEXT, Colour, mix
from teleop.worlds.catalogue import World, made
from teleop.worlds.errors import WorldError
from teleop.worlds.gridworld import GridWorld
from teleop.worlds.gridworld_map import GridWorldMap

READ_BYTES = 1 << 22
"""Of an episode's observations at most so many are read; of a longer one its beginning is shown."""
MOST_TRACES = 3
"""Numbers of an observation that are drawn."""
VEIL = 80
"""How much of the map is covered by the dark, of 255."""
Size = tuple[int, int]
Thumbnail = Callable[[Reader, int, Size], pygame.Surface]
"""Draws the episode of this index at this size. Raises DamagedRecording."""


def thumbnail_for(world: World, space: gym.Space[object]) -> Thumbnail:
    """What suits the world, or, of one that is not known here, the observation space recorded."""
    if world.env_id in CARTPOLES:
        return _draw_cartpole
    try:
        with made(world.spec()) as env:
            if isinstance(env.unwrapped, GridWorld):
                return _Map(env.unwrapped.map).draw
    except (WorldError, gym.error.Error):
        pass
    is_vector = isinstance(space, gym.spaces.Box) and len(space.shape) == 1
    return _draw_numbers if is_vector else _draw_return


# -- GridWorld ------------------------------------------------------------------------------------------------


class _Map:
    """Keeps the map at one size."""

    def __init__(self, world: GridWorldMap) -> None:
        self._map = world
        self._ground: pygame.Surface | None = None

    def draw(self, reader: Reader, index: int, size: Size) -> pygame.Surface:
        episode = reader.episodes[index]
        side = min(size)
        if self._ground is None or self._ground.get_width() != side:
            self._ground = _paint_map(self._map, side)
        cell = side / self._map.side
        rows, columns = np.divmod(episode.observations.astype(np.int64).ravel(), self._map.side)
        places = np.stack([columns + 0.5, rows + 0.5], axis=1) * cell
        map_ = self._ground.copy()
        width = max(2, round(cell))
        drivers = episode.drivers
        for stretch in _stretches(drivers):
            line = places[stretch.start : stretch.stop + 1].tolist()
            if len(line) > 1:
                pygame.draw.lines(map_, DRIVERS[Driver(int(drivers[stretch.start]))], False, line, width)
        for place, colour in ((places[0], TEXT), (places[-1], _last_colour(drivers))):
            pygame.draw.aacircle(map_, STAGE, tuple(place), cell * 2.1)
            pygame.draw.aacircle(map_, colour, tuple(place), cell * 1.5)
        return _centred(map_, size)


def _paint_map(world: GridWorldMap, side: int) -> pygame.Surface:
    """The board, smoothed, since a cell is two or three pixels wide, and faint, since the way upon it matters."""
    ground = pygame.transform.smoothscale(Board(world, 6).picture, (side, side))
    veil = pygame.Surface(ground.get_size())
    veil.fill(STAGE)
    veil.set_alpha(VEIL)
    ground.blit(veil, (0, 0))
    return ground


def _stretches(drivers: Sequence[int] | np.ndarray) -> list[slice]:
    """Runs of steps that one driver drove."""
    if not len(drivers):
        return []
    edges = [0, *(np.flatnonzero(np.diff(np.asarray(drivers, np.int64))) + 1).tolist(), len(drivers)]
    return [slice(start, stop) for start, stop in itertools.pairwise(edges)]


def _last_colour(drivers: Sequence[int] | np.ndarray) -> Colour:
    return DRIVERS[Driver(int(drivers[-1]))] if len(drivers) else TEXT


# -- numbers over time ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Trace:
    """One number over time."""

    values: FloatArray
    """(T + 1,) or fewer"""
    low: float
    high: float
    """What lies at the lower and at the upper edge of its band."""
    limit: float | None = None
    """Beyond plus or minus this the episode ends."""


def _draw_cartpole(reader: Reader, index: int, size: Size) -> pygame.Surface:
    """The pole's angle above the cart's position."""
    episode = reader.episodes[index]
    seen = _observations(reader, episode)
    angle = Trace(seen[:, 2], -1.3 * ANGLE_LIMIT_RAD, 1.3 * ANGLE_LIMIT_RAD, ANGLE_LIMIT_RAD)
    position = Trace(seen[:, 0], -1.1 * X_LIMIT_M, 1.1 * X_LIMIT_M, X_LIMIT_M)
    return _draw_traces([angle, position], episode.drivers, size)


def _draw_numbers(reader: Reader, index: int, size: Size) -> pygame.Surface:
    """The first few numbers of the observation, each as wide as it swings."""
    episode = reader.episodes[index]
    seen = _observations(reader, episode)[:, :MOST_TRACES]
    return _draw_traces([_swinging(values) for values in seen.T], episode.drivers, size)


def _draw_return(reader: Reader, index: int, size: Size) -> pygame.Surface:
    """The return so far."""
    episode = reader.episodes[index]
    rewards = episode.rewards[: READ_BYTES // 8]
    return _draw_traces([_swinging(np.concatenate([[0.0], np.cumsum(rewards)]))], episode.drivers, size)


def _swinging(values: FloatArray) -> Trace:
    known = values[np.isfinite(values)]
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    margin = max((high - low) * 0.08, 1e-6)
    return Trace(values, low - margin, high + margin)


def _observations(reader: Reader, episode: Episode) -> FloatArray:
    """(T + 1, D), of an episode too long to be read whole its beginning."""
    last = episode.final_observation
    affordable = READ_BYTES // max(1, last.nbytes)
    if episode.length < affordable:
        return np.asarray(episode.observations, np.float64)
    stop = episode.start + affordable
    return np.asarray(reader.column("observation").between(episode.start, stop), np.float64)


def _draw_traces(traces: Sequence[Trace], drivers: np.ndarray, size: Size) -> pygame.Surface:
    """Each in a band of its own, one below the other, in the colour of whoever drove."""
    picture = pygame.Surface(size)
    picture.fill(STAGE)
    if not traces:
        return picture
    width, height = size
    band = height / len(traces)
    for index, trace in enumerate(traces):
        top = index * band
        if index:
            pygame.draw.line(picture, CARD_EDGE, (0, round(top)), (width, round(top)))
        area = pygame.Rect(2, round(top) + 3, width - 4, round(band) - 6)
        _draw_limits(picture, area, trace)
        _draw_trace(picture, area, trace, drivers)
    return picture


def _draw_limits(picture: pygame.Surface, area: pygame.Rect, trace: Trace) -> None:
    levels = [0.0] if trace.limit is None else [-trace.limit, 0.0, trace.limit]
    for level in levels:
        if trace.low < level < trace.high:
            y = area.bottom - (level - trace.low) / (trace.high - trace.low) * area.height
            colour = mix(STAGE, FAINT, 0.9 if level else 0.45)
            pygame.draw.line(picture, colour, (area.left, y), (area.right, y))


def _draw_trace(picture: pygame.Surface, area: pygame.Rect, trace: Trace, drivers: np.ndarray) -> None:
    values = np.nan_to_num(np.asarray(trace.values, np.float64), nan=trace.low)
    rows = _thinned(len(values), 2 * area.width)
    shares = np.clip((values[rows] - trace.low) / (trace.high - trace.low), 0, 1)
    x = area.left + rows / max(1, len(values) - 1) * area.width
    y = area.bottom - shares * area.height
    drove = (
        np.asarray(drivers, np.int64)[np.minimum(rows, max(0, len(drivers) - 1))]
        if len(drivers)
        else rows[:0]
    )
    points = np.stack([x, y], axis=1)
    for stretch in _stretches(drove):
        line = points[stretch.start : stretch.stop + 1].tolist()
        if len(line) > 1:
            pygame.draw.lines(picture, DRIVERS[Driver(int(drove[stretch.start]))], False, line, 2)


def _thinned(n: int, most: int) -> np.ndarray:
    """At most `most` of the numbers below n, evenly, both ends among them."""
    return np.arange(n) if n <= most else np.linspace(0, n - 1, most).astype(np.int64)


def _centred(picture: pygame.Surface, size: Size) -> pygame.Surface:
    if picture.get_size() == size:
        return picture
    framed = pygame.Surface(size)
    framed.fill(STAGE)
    framed.blit(picture, picture.get_rect(center=framed.get_rect().center))
    return framed
