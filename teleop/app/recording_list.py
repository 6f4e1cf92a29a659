"""A list of recordings to pick one from, with keys, mouse and wheel."""

from __future__ import annotations

from collections.abc import Sequence

import pygame

from teleop.app.answers import ACCENT
from teleop.app.form import Option
from teleop.app.typeface import Role, Typeface
from teleop.preferences.palette import BACKGROUND, CARD_EDGE, INK, MUTED, TEXT, mix

LINE = 32
"""Height of one recording, in design pixels."""
WHEEL_LINES = 3


class RecordingList:
    """Shows as many as fit, the picked one always among them."""

    def __init__(self, options: Sequence[Option]) -> None:
        """options: each a recording: its path, its name, and what else is known about it."""
        self.options = list(options)
        self.picked = 0
        self._first = 0
        self._area = pygame.Rect(0, 0, 0, 0)
        self._line = 1

    @property
    def path(self) -> str:
        """Of the picked recording; empty where there is none."""
        return self.options[self.picked].value if self.options else ""

    def move(self, by: int) -> bool:
        """Pick another; says whether there was one."""
        if not 0 <= self.picked + by < len(self.options):
            return False
        self.picked += by
        return True

    def press(self, place: tuple[int, int]) -> bool:
        """Pick what lies under the mouse; says whether that was picked already."""
        if not self._area.collidepoint(place):
            return False
        index = self._first + (place[1] - self._area.y) // self._line
        again = index == self.picked
        self.picked = min(index, len(self.options) - 1)
        return again

    def scroll(self, lines: int) -> None:
        self.picked = max(0, min(len(self.options) - 1, self.picked - lines * WHEEL_LINES))

    def draw(
        self, surface: pygame.Surface, typeface: Typeface, area: pygame.Rect, pointer: tuple[int, int]
    ) -> None:
        px = typeface.px
        pygame.draw.rect(surface, BACKGROUND, area, border_radius=px(6))
        pygame.draw.rect(surface, CARD_EDGE, area, 1, border_radius=px(6))
        self._area, self._line = area.inflate(-px(8), -px(8)), px(LINE)
        fits = max(1, self._area.height // self._line)
        self._first = min(max(self._first, self.picked - fits + 1), self.picked)
        if not self.options:
            text = "No recordings yet: record a demonstration first."
            typeface.draw(surface, text, Role.BODY, MUTED, center=area.center)
        for index, option in enumerate(self.options[self._first : self._first + fits], self._first):
            line = pygame.Rect(self._area.x, self._area.y + (index - self._first) * self._line, 0, self._line)
            line.width = self._area.width - (px(12) if fits < len(self.options) else 0)
            self._draw_line(surface, typeface, line, option, index == self.picked, line.collidepoint(pointer))
        if fits < len(self.options):
            self._draw_bar(surface, typeface, fits)

    def _draw_line(
        self,
        surface: pygame.Surface,
        typeface: Typeface,
        line: pygame.Rect,
        option: Option,
        picked: bool,
        over: bool,
    ) -> None:
        px, inset = typeface.px, typeface.px(10)
        if picked or over:
            ground = ACCENT if picked else mix(BACKGROUND, CARD_EDGE, 0.7)
            pygame.draw.rect(surface, ground, line, border_radius=px(5))
        colour = INK if picked else TEXT
        name = typeface.elide(option.word, Role.BODY, line.width // 2)
        drawn = typeface.draw(surface, name, Role.BODY, colour, midleft=(line.x + inset, line.centery))
        room = line.right - inset - drawn.right - px(16)
        note = typeface.elide(option.note, Role.SMALL, room)
        place = (line.right - inset, line.centery)
        typeface.draw(surface, note, Role.SMALL, INK if picked else MUTED, midright=place)

    def _draw_bar(self, surface: pygame.Surface, typeface: Typeface, fits: int) -> None:
        """Which part of the list is seen."""
        count, width = len(self.options), typeface.px(5)
        top = self._area.y + self._area.height * self._first // count
        height = max(typeface.px(12), self._area.height * fits // count)
        bar = pygame.Rect(self._area.right - width, min(top, self._area.bottom - height), width, height)
        pygame.draw.rect(surface, MUTED, bar, border_radius=width)
