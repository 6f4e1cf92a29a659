"""What a comparison looks like: two stages beside each other over one bar each, under one playhead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pygame

from teleop.app.episode_view import EpisodeView, episode_name
from teleop.app.key_lines import draw_lines, lines_height
from teleop.app.keycaps import KeyRow
from teleop.app.layout import Layout, scale_of
from teleop.app.painters.view import Painter
from teleop.app.replay_panel import named
from teleop.app.replay_picture import colour_of, view_of, word_of
from teleop.app.stage import Sign, Stage
from teleop.app.timeline import draw_button, draw_playhead, paint_strip, step_under, x_of
from teleop.app.typeface import Role, Typeface
from teleop.app.words import number
from teleop.preferences.palette import BACKGROUND, MUTED, TEXT

LETTERS = ("A", "B")
BELOW = 92
"""Height between the stages and the keys, in design pixels."""


@dataclass(frozen=True, eq=False)
class Pair:
    """What the picture shows."""

    title: str
    """Of the world."""
    action_names: tuple[str, ...]
    episodes: tuple[EpisodeView, EpisodeView]
    step: int
    length: int
    """Steps of the longer one."""
    parting: int
    """The first step in which they differ; 0: they have nothing in common."""
    playing: bool
    speed: str
    keys: tuple[KeyRow, ...]


class ComparePicture:
    """Keeps the stages and the bars at one size."""

    def __init__(self, painters: tuple[Painter, Painter]) -> None:
        self._painters, self._stages = painters, (Stage(), Stage())
        self._typeface = Typeface(1.0)
        self._size = (0, 0)
        self._sides: tuple[tuple[pygame.Rect, pygame.Surface, Layout], ...] = ()
        self._button = pygame.Rect(0, 0, 1, 1)
        self._bars: list[pygame.Rect] = []
        self._strips: list[pygame.Surface] = []

    def on_button(self, place: tuple[int, int]) -> bool:
        return self._button.collidepoint(place)

    def on_bar(self, place: tuple[int, int]) -> bool:
        return bool(self._bars) and self._bars[0].unionall(self._bars[1:]).inflate(0, 24).collidepoint(place)

    def step_at(self, x: int, length: int) -> int:
        """The step (0 to `length`) under a mouse at x."""
        return step_under(x, self._bars[0], length)

    def draw(self, surface: pygame.Surface, pair: Pair, now_s: float) -> None:
        """Cover `surface`."""
        self._lay_out(surface.get_size(), pair)
        surface.fill(BACKGROUND)
        for index, (place, side, layout) in enumerate(self._sides):
            episode = pair.episodes[index]
            step = min(pair.step, episode.length)
            self._stages[index].draw(side, self._typeface, layout, _sign(pair, index, step))
            side.set_clip(layout.inside)
            self._painters[index].draw(side, layout.world, view_of(episode, step), now_s)
            side.set_clip(None)
            surface.blit(side, place)
        self._draw_bars(surface, pair)
        self._draw_keys(surface, pair)

    def _lay_out(self, size: tuple[int, int], pair: Pair) -> None:
        if size == self._size:
            return
        self._size, self._typeface = size, Typeface(scale_of(size))
        px = self._typeface.px
        margin = px(16)
        foot = lines_height(self._typeface, pair.keys, size[0] - 2 * margin)
        width, height = (size[0] - 3 * margin) // 2, size[1] - 2 * margin - px(BELOW) - foot
        places = [pygame.Rect(margin + index * (width + margin), margin, width, height) for index in (0, 1)]
        self._sides = tuple(
            (place, pygame.Surface(place.size), _lay_side(place.size, px)) for place in places
        )
        y = places[0].bottom + px(14)
        self._button = pygame.Rect(margin, y, px(40), px(40))
        left = self._button.right + px(40)
        bar = pygame.Rect(left, y, size[0] - margin - px(8) - left, px(17))
        self._bars = [bar, bar.move(0, bar.height + px(6))]
        self._strips = []
        for episode, lane in zip(pair.episodes, self._bars, strict=True):
            lane_width = max(1, round(lane.width * episode.length / max(1, pair.length)))
            self._strips.append(paint_strip(episode, (lane_width, lane.height)))

    def _draw_bars(self, surface: pygame.Surface, pair: Pair) -> None:
        typeface, px = self._typeface, self._typeface.px
        draw_button(surface, typeface, self._button, pair.playing)
        for letter, bar, strip in zip(LETTERS, self._bars, self._strips, strict=True):
            typeface.draw(surface, letter, Role.STRONG, MUTED, midright=(bar.left - px(10), bar.centery))
            surface.blit(strip, bar)
        both = self._bars[0].unionall(self._bars[1:])
        if pair.parting:
            x = x_of(pair.parting, both, pair.length)
            pygame.draw.line(surface, TEXT, (x, both.top - px(5)), (x, both.bottom + px(5)), 1)
        draw_playhead(surface, typeface, both, x_of(pair.step, both, pair.length))
        below = both.bottom + px(8)
        typeface.draw(surface, _where(pair), Role.SMALL, TEXT, topleft=(both.left, below))
        typeface.draw(surface, pair.speed, Role.SMALL, MUTED, topright=(both.right, below))

    def _draw_keys(self, surface: pygame.Surface, pair: Pair) -> None:
        typeface, px = self._typeface, self._typeface.px
        width, height = surface.get_size()
        room = width - 2 * px(16)
        top = height - lines_height(typeface, pair.keys, room) - px(6)
        draw_lines(surface, typeface, (px(16), top), pair.keys, room)


def _lay_side(size: tuple[int, int], px: Any) -> Layout:
    width, height = size
    banner, hint, frame, inner = px(44), px(42), px(5), px(10)
    inside = pygame.Rect(frame, banner, width - 2 * frame, height - banner - hint - frame)
    return Layout(
        scale=1.0,
        stage=pygame.Rect(0, 0, width, height),
        banner=pygame.Rect(0, 0, width, banner),
        inside=inside,
        world=inside.inflate(-2 * inner, -2 * inner),
        hint=pygame.Rect(frame, height - frame - hint, width - 2 * frame, hint),
        panel=pygame.Rect(0, 0, 0, 0),
    )


def _sign(pair: Pair, index: int, step: int) -> Sign:
    episode = pair.episodes[index]
    note = f"{LETTERS[index]}: {episode_name(episode.index)}"
    so_far = f"Return {number(float(episode.returns[step]))} after {step} of {episode.length} steps"
    if step < episode.length:
        so_far += f"; next: {named(episode.actions[step], pair.action_names)}"
    return Sign(word_of(episode, step), note, f"{so_far}.", colour_of(episode, step))


def _where(pair: Pair) -> str:
    words = f"step {pair.step} of {pair.length}"
    first, second = pair.episodes
    for letter, branch, parent in (("B", second, first), ("A", first, second)):
        if branch.parent == parent.index:
            return f"{words}; {letter} branches off at step {pair.parting}"
    return f"{words}; the same up to step {pair.parting}" if pair.parting else words
