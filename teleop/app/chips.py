"""A row of questions with the answers given to them, each with the key that gives the next: filters at a glance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pygame

from teleop.app.key_names import key_cap
from teleop.app.keycaps import cap_height
from teleop.app.typeface import Role, Typeface
from teleop.preferences.palette import CAP, CARD, CARD_EDGE, INK, MUTED, TEXT


@dataclass(frozen=True)
class Chip:
    key: str
    asks: str
    answer: str
    """May be empty, where the question says it all."""
    is_lit: bool = False
    """Says something out of the ordinary."""


def chip_height(typeface: Typeface) -> int:
    return cap_height(typeface) + typeface.px(8)


def lay_chips(typeface: Typeface, chips: Sequence[Chip], area: pygame.Rect) -> list[pygame.Rect]:
    """Where each goes, from the top left of `area` on, in as many lines as it takes."""
    places, x, y, gap = [], area.x, area.y, typeface.px(7)
    for chip in chips:
        width = _chip_width(typeface, chip)
        if x > area.x and x + width > area.right:
            x, y = area.x, y + chip_height(typeface) + gap
        places.append(pygame.Rect(x, y, width, chip_height(typeface)))
        x += width + gap
    return places


def draw_chip(surface: pygame.Surface, typeface: Typeface, place: pygame.Rect, chip: Chip) -> None:
    px = typeface.px
    ground = TEXT if chip.is_lit else CARD
    pygame.draw.rect(surface, ground, place, border_radius=px(6))
    pygame.draw.rect(surface, CARD_EDGE, place, 1, border_radius=px(6))
    cap = pygame.Rect(place.x + px(4), 0, _cap_width(typeface, chip), cap_height(typeface))
    cap.centery = place.centery
    pygame.draw.rect(surface, CAP, cap, border_radius=px(4))
    typeface.draw(surface, key_cap(chip.key), Role.LABEL, TEXT, center=cap.center)
    asks = typeface.draw(
        surface,
        chip.asks,
        Role.SMALL,
        INK if chip.is_lit else MUTED,
        midleft=(cap.right + px(7), place.centery),
    )
    if chip.answer:
        colour = INK if chip.is_lit else TEXT
        typeface.draw(surface, chip.answer, Role.SMALL, colour, midleft=(asks.right + px(5), place.centery))


def _cap_width(typeface: Typeface, chip: Chip) -> int:
    return max(cap_height(typeface), typeface.width(key_cap(chip.key), Role.LABEL) + typeface.px(10))


def _chip_width(typeface: Typeface, chip: Chip) -> int:
    words = typeface.width(chip.asks, Role.SMALL)
    if chip.answer:
        words += typeface.px(5) + typeface.width(chip.answer, Role.SMALL)
    return typeface.px(4) + _cap_width(typeface, chip) + typeface.px(7) + words + typeface.px(9)
