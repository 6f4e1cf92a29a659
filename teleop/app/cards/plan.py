"""Which cards there is room for, and how much of each: what matters most first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pygame

from teleop.app.card import padding
from teleop.app.facts import Facts
from teleop.app.typeface import Typeface

GAP = 9
"""Between two cards, in design pixels."""


Heights = tuple[int, ...]


@dataclass(frozen=True)
class Card:
    """One kind of card."""

    name: str
    shows: Callable[[Facts], Any]
    """What it is painted from; None or empty where there is nothing to show."""
    heights: Callable[[Typeface, int, Facts], Heights]
    """(typeface, width of the panel, facts) -> the heights that make sense, rising: from the least it can do with to
    one that shows everything. Empty where there is nothing to show."""
    paint: Callable[[pygame.Surface, Typeface, pygame.Rect, Facts], None]
    """Into just this rectangle."""


def plan(
    heights: Mapping[str, Heights], room: int, gap: int, order: Sequence[tuple[Card, bool]]
) -> dict[str, int]:
    """Card -> its height; those for which there is no room, or nothing to show, are missing.

    order: who is served first. A card is served its least height, or (True) as much as there is room for.
    """
    given: dict[str, int] = {}
    for card, is_all in order:
        possible = heights.get(card.name, ())
        for height in possible if is_all else possible[:1]:
            more = height - given[card.name] if card.name in given else height + (gap if given else 0)
            if more <= room:
                given[card.name] = height
                room -= more
    return given


def inside_width(typeface: Typeface, width: int) -> int:
    """Of a card that is `width` wide."""
    return width - 2 * typeface.px(14)


def framed(typeface: Typeface, content: int) -> int:
    """Height of a card whose contents need this."""
    return content + padding(typeface)
