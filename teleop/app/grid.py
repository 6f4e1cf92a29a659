"""Cards in rows under a scroll bar: which card lies where, and which of them can be seen."""

from __future__ import annotations

from dataclasses import dataclass

import pygame

SCROLL_SHARE = 0.28
"""Of what is left to scroll, covered in one frame of a sixtieth of a second."""


@dataclass(frozen=True)
class Grid:
    """n cards in equal columns."""

    area: pygame.Rect
    columns: int
    card: tuple[int, int]
    """Width and height."""
    gap: int
    n: int
    bar: pygame.Rect
    """The groove of the scroll bar."""

    @property
    def pitch(self) -> int:
        """From one row to the next."""
        return self.card[1] + self.gap

    @property
    def rows_seen(self) -> int:
        """Whole rows that fit."""
        return max(1, (self.area.height + self.gap) // self.pitch)

    @property
    def furthest(self) -> int:
        """How far one can scroll, in pixels."""
        rows = -(-self.n // self.columns)
        return max(0, rows * self.pitch - self.gap - self.area.height)

    def place(self, card: int, scroll: float) -> pygame.Rect:
        """Where the card lies when scrolled so far down; it may lie outside."""
        row, column = divmod(card, self.columns)
        x = self.area.x + column * (self.card[0] + self.gap)
        return pygame.Rect(x, self.area.y + row * self.pitch - round(scroll), *self.card)

    def seen(self, scroll: float) -> range:
        """The cards of which some can be seen."""
        first = int(scroll) // self.pitch
        last = int(scroll + self.area.height) // self.pitch
        return range(min(self.n, first * self.columns), min(self.n, (last + 1) * self.columns))

    def at(self, place: tuple[int, int], scroll: float) -> int | None:
        """The card under the mouse."""
        if not self.area.collidepoint(place):
            return None
        return next(
            (card for card in self.seen(scroll) if self.place(card, scroll).collidepoint(place)), None
        )

    def showing(self, card: int, scroll: float) -> float:
        """How far to scroll, at least, to see the whole of this card."""
        top = self.place(card, 0).y - self.area.y
        return min(max(scroll, top + self.card[1] - self.area.height), top)

    def handle(self, scroll: float) -> pygame.Rect:
        """The handle of the scroll bar; of no size where everything can be seen."""
        if not self.furthest:
            return pygame.Rect(self.bar.topleft, (0, 0))
        share = self.area.height / (self.furthest + self.area.height)
        height = max(self.bar.width * 2, round(self.bar.height * share))
        top = self.bar.y + round(scroll / self.furthest * (self.bar.height - height))
        return pygame.Rect(self.bar.x, top, self.bar.width, height)

    def scrolled_to(self, y: float) -> float:
        """How far to scroll for the handle's middle to lie at y."""
        height = self.handle(0).height
        share = (y - self.bar.y - height / 2) / max(1, self.bar.height - height)
        return min(1.0, max(0.0, share)) * self.furthest


def lay_grid(area: pygame.Rect, n: int, least: tuple[int, int], gap: int) -> Grid:
    """As many columns of cards of at least this width as fit, next to a scroll bar."""
    bar = pygame.Rect(area.right - gap, area.y, max(6, gap * 3 // 4), area.height)
    width = area.width - 2 * gap
    columns = max(1, (width + gap) // (least[0] + gap))
    card = ((width - gap * (columns - 1)) // columns, least[1])
    return Grid(pygame.Rect(area.x, area.y, width, area.height), columns, card, gap, n, bar)
