"""The keys and what they do; a held one looks pressed."""

from __future__ import annotations

from functools import lru_cache

import pygame

from teleop.app import card
from teleop.app.cards.plan import Card, Heights, framed, inside_width
from teleop.app.facts import Facts
from teleop.app.keycaps import KeyRow, cap_height, draw_row, flow
from teleop.app.typeface import Typeface
from teleop.preferences.look import look
from teleop.preferences.palette import BACKGROUND, TEXT, Colour

LEAST_ROWS = 5
"""Of the session's own keys, without which a person is lost."""
Places = list[tuple[KeyRow, tuple[int, int]]]


def _heights(typeface: Typeface, width: int, facts: Facts) -> Heights:
    inside, heading = inside_width(typeface, width), card.heading_height(typeface)
    n = len(facts.session_keys)
    return tuple(
        framed(typeface, heading + _places(typeface, facts.drive_keys, facts.session_keys[:shown], inside)[1])
        for shown in range(min(LEAST_ROWS, n), n + 1)
    )


@lru_cache(maxsize=128)
def _places(
    typeface: Typeface, drive_keys: tuple[KeyRow, ...], session_keys: tuple[KeyRow, ...], width: int
) -> tuple[Places, int]:
    """Where the keys go, and the height they need."""
    places: Places = []
    y = 0
    for rows in (drive_keys, session_keys):
        if rows:
            y += typeface.px(10) if places else 0
            group = flow(typeface, rows, width)
            places += [(row, (x, y + down)) for row, (x, down) in group]
            y += group[-1][1][1] + cap_height(typeface)
    return places, y


def _paint(picture: pygame.Surface, typeface: Typeface, area: pygame.Rect, facts: Facts) -> None:
    picture.blit(_picture(typeface, area.size, *_shows(facts), look().palette.name), area)


@lru_cache(maxsize=16)
def _picture(
    typeface: Typeface,
    size: tuple[int, int],
    drive_keys: tuple[KeyRow, ...],
    session_keys: tuple[KeyRow, ...],
    held: frozenset[str],
    held_colour: Colour,
    _palette: str,
) -> pygame.Surface:
    """The card as it stands. Kept: the dearest of the panel, and the same few return as a person comes and goes."""
    picture = pygame.Surface(size)
    picture.fill(BACKGROUND)
    inside = card.draw_card(picture, typeface, picture.get_rect())
    used = card.draw_heading(picture, typeface, inside, "keys")
    inside.y, inside.height = inside.y + used, inside.height - used
    for n in range(len(session_keys), 0, -1):
        places, height = _places(typeface, drive_keys, session_keys[:n], inside.width)
        if height <= inside.height:
            break
    for row, (x, y) in places:
        draw_row(picture, typeface, (inside.x + x, inside.y + y), row, held=held, held_colour=held_colour)
    return picture


def _shows(facts: Facts) -> tuple[tuple[KeyRow, ...], tuple[KeyRow, ...], frozenset[str], Colour]:
    """The colour counts only where a key is held."""
    return facts.drive_keys, facts.session_keys, facts.held, facts.colour if facts.held else TEXT


KEYS = Card("keys", _shows, _heights, _paint)
