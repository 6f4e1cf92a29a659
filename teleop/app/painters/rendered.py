"""Any other world: its own picture, or, where it has none, its observation: pixels as they are, numbers as bars."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import gymnasium as gym
import numpy as np
import pygame

from learners.interface import Array
from learners.pictures import is_picture
from teleop.app.painters.view import View
from teleop.app.typeface import Role, Typeface
from teleop.preferences.palette import CARD, CARD_EDGE, MUTED

USUAL_ASPECT = 1.5
"""Of gymnasium's worlds."""
BARS = 24
"""Numbers of an observation that are shown as bars."""


class Photograph:
    """A picture that an environment made of itself, scaled once for as long as it is shown."""

    def __init__(self) -> None:
        self._moment: Any = None
        self._picture: pygame.Surface | None = None
        self._scaled: pygame.Surface | None = None

    def take(self, env: gym.Env[Any, Any], moment: Any) -> None:
        """Ask for a picture, unless there is one of this moment."""
        if moment != self._moment:
            self._moment, self._scaled = moment, None
            self._picture = _picture_of(env)

    @property
    def aspect(self) -> float:
        """Width over height; as of most environments where there is no picture yet."""
        return USUAL_ASPECT if self._picture is None else self._picture.width / self._picture.height

    def draw(self, surface: pygame.Surface, area: pygame.Rect) -> None:
        """Draw it into `area`, as large as fits and centred."""
        if self._picture is None:
            return
        size = self._picture.get_rect().fit(area).size
        if self._scaled is None or self._scaled.get_size() != size:
            self._scaled = pygame.transform.smoothscale(self._picture, size)
        surface.blit(self._scaled, self._scaled.get_rect(center=area.center))


class RenderedPainter:
    """Asks the environment for a picture once a step."""

    def __init__(self, env: gym.Env[Any, Any]) -> None:
        """env: made with `render_mode="rgb_array"`."""
        self._env = env
        self._shown: Any = None
        self._moments = 0
        self._photograph = Photograph()

    @property
    def aspect(self) -> float:
        """Of a world that was not reset yet: what is usual."""
        with suppress(gym.error.ResetNeeded):
            self._photograph.take(self._env, self._moments)
        return self._photograph.aspect

    def draw(self, surface: pygame.Surface, area: pygame.Rect, view: View, now_s: float) -> None:
        if view.observation is None:
            return
        if self._shown is not view.observation:
            self._shown = view.observation
            self._moments += 1
        self._photograph.take(self._env, self._moments)
        self._photograph.draw(surface, area)


class NumbersPainter:
    """A bar for each number of the observation, longest at the largest seen so far; of a picture its pixels."""

    aspect = USUAL_ASPECT

    def __init__(self) -> None:
        self._largest = np.zeros(0)
        self._typeface = Typeface(1.0)

    def draw(self, surface: pygame.Surface, area: pygame.Rect, view: View, now_s: float) -> None:
        if view.observation is None:
            return
        if is_pixels(view.observation):
            _draw_pixels(surface, area, view.observation)
            return
        numbers = np.asarray(view.observation, dtype=np.float64).ravel()[:BARS]
        if self._largest.shape != numbers.shape:
            self._largest = np.full(numbers.shape, 1e-9)
        self._largest = np.maximum(self._largest, np.abs(numbers))
        height = min(area.height / len(numbers), 48.0)
        top = area.centery - height * len(numbers) / 2
        for index, value in enumerate(numbers):
            row = pygame.Rect(
                area.x + 120, round(top + index * height) + 3, area.width - 150, round(height) - 6
            )
            pygame.draw.rect(surface, CARD, row)
            end = row.centerx + row.width / 2 * value / self._largest[index]
            bar = pygame.Rect(min(row.centerx, end), row.y, abs(end - row.centerx), row.height)
            pygame.draw.rect(surface, view.colour, bar)
            pygame.draw.line(surface, CARD_EDGE, row.midtop, row.midbottom)
            self._typeface.draw(
                surface, f"{value:.3f}", Role.SMALL, MUTED, midright=(row.x - 10, row.centery)
            )


def is_pixels(observation: Any) -> bool:
    """Is it a picture, (height, width, 1 or 3 channels) of bytes?"""
    shape: tuple[int, ...] = getattr(observation, "shape", ())
    return getattr(observation, "dtype", None) == np.uint8 and len(shape) == 3 and shape[2] in (1, 3)


def _draw_pixels(surface: pygame.Surface, area: pygame.Rect, pixels: Array) -> None:
    """As they are, large enough to see each."""
    picture = _surface_of(np.broadcast_to(pixels, (*pixels.shape[:2], 3)))
    place = picture.get_rect().fit(area)
    surface.blit(pygame.transform.scale(picture, place.size), place)


def _picture_of(env: gym.Env[Any, Any]) -> pygame.Surface | None:
    inner: Any = env.unwrapped
    drawn = getattr(inner, "surf", None)
    if is_picture(env.observation_space) and isinstance(drawn, pygame.Surface):
        return (
            drawn  # CarRacing shrinks this to what is seen; to draw it again takes as long as a step, 25 ms
        )
    pixels = env.render()
    if isinstance(getattr(inner, "screen", None), pygame.Surface):
        inner.screen = (
            None  # an environment that is closed with one shuts pygame down, and our window with it
        )
    if not isinstance(pixels, np.ndarray) or pixels.ndim != 3:
        return None
    return _surface_of(pixels[:, :, :3])


def _surface_of(pixels: Array) -> pygame.Surface:
    """(height, width, 3) bytes as a surface."""
    return pygame.surfarray.make_surface(np.ascontiguousarray(pixels.swapaxes(0, 1)))
