"""The keys and what they do; a held one looks pressed."""

from __future__ import annotations

import pygame

from teleop.app import card
from teleop.app.cards.plan import Card, Heights, framed, inside_width
from teleop.app.facts import Facts
from teleop.app.keycaps import KeyRow, cap_height, draw_row, flow
from teleop.app.typeface import Typeface

LEAST_ROWS = 5
"""Of the session's own keys, without which a person is lost."""
Places = list[tuple[KeyRow, tuple[int, int]]]


def _heights(typeface: Typeface, width: int, facts: Facts) -> Heights:
    inside, heading = inside_width(typeface, width), card.heading_height(typeface)
    n = len(facts.session_keys)
    return tuple(
        framed(typeface, heading + _places(typeface, facts, inside, shown)[1])
        for shown in range(min(LEAST_ROWS, n), n + 1)
    )


def _places(typeface: Typeface, facts: Facts, width: int, n: int) -> tuple[Places, int]:
    """Where every drive key and the first `n` of the others go, and the height they need."""
    places: Places = []
    y = 0
    for rows in (facts.drive_keys, facts.session_keys[:n]):
        if rows:
            y += typeface.px(10) if places else 0
            group = flow(typeface, rows, width)
            places += [(row, (x, y + down)) for row, (x, down) in group]
            y += group[-1][1][1] + cap_height(typeface)
    return places, y


def _paint(picture: pygame.Surface, typeface: Typeface, area: pygame.Rect, facts: Facts) -> None:
    inside = card.draw_card(picture, typeface, area)
    used = card.draw_heading(picture, typeface, inside, "keys")
    inside.y, inside.height = inside.y + used, inside.height - used
    for n in range(len(facts.session_keys), 0, -1):
        places, height = _places(typeface, facts, inside.width, n)
        if height <= inside.height:
            break
    for row, (x, y) in places:
        draw_row(
            picture, typeface, (inside.x + x, inside.y + y), row, held=facts.held, held_colour=facts.colour
        )


KEYS = Card(
    "keys",
    lambda facts: (facts.drive_keys, facts.session_keys, facts.held, facts.colour),
    _heights,
    _paint,
)
