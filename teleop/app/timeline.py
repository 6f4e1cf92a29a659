"""The bar to scrub along: who drove each step as its colour, labels as ticks, the playhead."""

from __future__ import annotations

import numpy as np
import pygame

from recordings.schema import Driver
from teleop.app.episode_view import EpisodeView
from teleop.app.typeface import Role, Typeface
from teleop.preferences.palette import BACKGROUND, CARD, CARD_EDGE, DRIVERS, MUTED, TEXT

HEIGHT = 80
"""Of the whole strip under the stage, in design pixels."""


class Timeline:
    """Keeps the picture of one episode at one size."""

    def __init__(self) -> None:
        self._bar = pygame.Rect(0, 0, 1, 1)
        self._button = pygame.Rect(0, 0, 1, 1)
        self._strip = pygame.Surface((1, 1))
        self._strip_of: tuple[EpisodeView, tuple[int, int]] | None = None

    def on_button(self, place: tuple[int, int]) -> bool:
        """Is this on the play button?"""
        return self._button.collidepoint(place)

    def on_bar(self, place: tuple[int, int]) -> bool:
        return self._bar.inflate(0, 24).collidepoint(place)

    def step_at(self, x: int, length: int) -> int:
        """The step (0 to `length`) under a mouse at x, also beyond the bar's ends."""
        return step_under(x, self._bar, length)

    def place_of(self, step: float, length: int) -> tuple[int, int]:
        """Where on the bar's upper edge a step is."""
        return x_of(step, self._bar, length), self._bar.top

    def draw(
        self,
        surface: pygame.Surface,
        typeface: Typeface,
        area: pygame.Rect,
        episode: EpisodeView,
        step: int,
        *,
        playing: bool | None,
        speed: str,
    ) -> None:
        """playing: None leaves the button out."""
        pygame.draw.rect(surface, BACKGROUND, area)
        side = 0 if playing is None else typeface.px(40)
        self._button = pygame.Rect(area.x, area.y + typeface.px(13), side, side)
        left = self._button.right + (0 if playing is None else typeface.px(16))
        self._bar = pygame.Rect(left, self._button.y, area.right - typeface.px(8) - left, typeface.px(28))
        if playing is not None:
            draw_button(surface, typeface, self._button, playing)
        if self._strip_of is None or self._strip_of[0] is not episode or self._strip_of[1] != self._bar.size:
            self._strip_of = (episode, self._bar.size)
            self._strip = paint_strip(episode, self._bar.size)
        surface.blit(self._strip, self._bar)
        draw_playhead(surface, typeface, self._bar, x_of(step, self._bar, episode.length))
        below = self._bar.bottom + typeface.px(9)
        text = f"step {step} of {episode.length}"
        typeface.draw(surface, text, Role.SMALL, TEXT, topleft=(self._bar.x, below))
        typeface.draw(surface, speed, Role.SMALL, MUTED, topright=(self._bar.right, below))


def step_under(x: int, bar: pygame.Rect, length: int) -> int:
    """The step (0 to `length`) at this x of a bar, also beyond the bar's ends."""
    share = (x - bar.left) / max(bar.width, 1)
    return round(min(1.0, max(0.0, share)) * length)


def x_of(step: float, bar: pygame.Rect, length: int) -> int:
    """Where along a bar a step begins."""
    return bar.left + round(step / max(length, 1) * bar.width)


def draw_playhead(surface: pygame.Surface, typeface: Typeface, bar: pygame.Rect, x: int) -> None:
    """A line across the bar at x, and a little beyond it, with a knob on top."""
    reach = typeface.px(5)
    line = pygame.Rect(0, 0, typeface.px(3), bar.height + 2 * reach)
    line.center = (x, bar.centery)
    pygame.draw.rect(surface, BACKGROUND, line.inflate(typeface.px(4), 0))
    pygame.draw.rect(surface, TEXT, line, border_radius=reach)
    pygame.draw.aacircle(surface, TEXT, (x, line.top), reach + 1)


def draw_button(surface: pygame.Surface, typeface: Typeface, button: pygame.Rect, playing: bool) -> None:
    pygame.draw.rect(surface, CARD, button, border_radius=typeface.px(8))
    pygame.draw.rect(surface, CARD_EDGE, button, 1, border_radius=typeface.px(8))
    x, y, reach = button.centerx, button.centery, button.width // 5
    if playing:
        for side in (-1, 1):
            bar = pygame.Rect(0, 0, max(3, reach * 2 // 3), reach * 2)
            bar.center = (x + side * reach * 2 // 3, y)
            pygame.draw.rect(surface, TEXT, bar)
    else:
        triangle = [(x - reach * 0.7, y - reach), (x + reach, y), (x - reach * 0.7, y + reach)]
        pygame.draw.polygon(surface, TEXT, triangle)
        pygame.draw.aalines(surface, TEXT, True, triangle)


def paint_strip(episode: EpisodeView, size: tuple[int, int]) -> pygame.Surface:
    """Who drove, step by step, over a lane in which each label leaves a tick."""
    strip = pygame.Surface(size)
    strip.fill(CARD)
    if not episode.length:
        return strip
    width, height = size
    lane = max(4, height // 4)
    steps = np.arange(width) * episode.length // width
    drivers = np.asarray(episode.drivers)[steps]
    starts = np.flatnonzero(np.diff(drivers, prepend=-1))
    for x, end in zip(starts.tolist(), [*starts[1:].tolist(), width], strict=True):
        strip.fill(DRIVERS[Driver(int(drivers[x]))], (x, 0, end - x, height - lane - 1))
    for step in episode.labels:
        first, end = (each * width // episode.length for each in (step, step + 1))
        strip.fill(TEXT, (first, height - lane, max(1, end - first - (end - first > 3)), lane))
    return strip
