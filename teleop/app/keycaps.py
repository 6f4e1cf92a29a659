"""Keys as they look on a keyboard, with what they do beside them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import pygame

from teleop.app.key_names import key_cap
from teleop.app.typeface import Role, Typeface
from teleop.preferences.palette import CAP, CARD_EDGE, FAINT, INK, MUTED, TEXT, Colour, mix


@dataclass(frozen=True)
class KeyRow:
    """One thing to do, and the keys that do it."""

    keys: tuple[str, ...]
    """Names of keys."""
    does: str


def cap_height(typeface: Typeface) -> int:
    return typeface.height(Role.LABEL) + typeface.px(8)


def draw_row(
    surface: pygame.Surface,
    typeface: Typeface,
    corner: tuple[int, int],
    row: KeyRow,
    *,
    held: Collection[str] = (),
    held_colour: Colour = TEXT,
) -> int:
    """Draw one row from its top left corner; keys in `held` look pressed. Returns its width in pixels."""
    x, y = corner
    x += draw_caps(surface, typeface, corner, row.keys, held=held, held_colour=held_colour) + typeface.px(4)
    text = typeface.draw(surface, row.does, Role.SMALL, MUTED, midleft=(x, y + cap_height(typeface) // 2))
    return text.right - corner[0]


def draw_caps(
    surface: pygame.Surface,
    typeface: Typeface,
    corner: tuple[int, int],
    keys: Sequence[str],
    *,
    held: Collection[str] = (),
    held_colour: Colour = TEXT,
) -> int:
    """Draw keys side by side; those in `held` look pressed. Returns their width in pixels."""
    x, y = corner
    for name in keys:
        pressed = held_colour if name in held else None
        x += _draw_cap(surface, typeface, (x, y), name, pressed) + typeface.px(4)
    return x - corner[0]


def caps_width(typeface: Typeface, keys: Sequence[str]) -> int:
    """Of these keys side by side."""
    return sum(_cap_width(typeface, name) + typeface.px(4) for name in keys)


def row_width(typeface: Typeface, row: KeyRow) -> int:
    return caps_width(typeface, row.keys) + typeface.px(4) + typeface.width(row.does, Role.SMALL)


def row_height(typeface: Typeface) -> int:
    """From one line of keys to the next."""
    return cap_height(typeface) + typeface.px(6)


def flow(typeface: Typeface, rows: Sequence[KeyRow], width: int) -> list[tuple[KeyRow, tuple[int, int]]]:
    """Where each row goes, from (0, 0): in equal columns, or packed where `width` has room for only one."""
    if not rows:
        return []
    widest = max(row_width(typeface, row) for row in rows) + typeface.px(14)
    columns = max(1, min(len(rows), width // widest))
    if columns == 1:
        return packed(typeface, rows, width, typeface.px(14))
    line = row_height(typeface)
    return [
        (row, (index % columns * (width // columns), index // columns * line))
        for index, row in enumerate(rows)
    ]


def packed(
    typeface: Typeface, rows: Sequence[KeyRow], width: int, gap: int
) -> list[tuple[KeyRow, tuple[int, int]]]:
    """Where each row goes, from (0, 0): one behind the other, and on to the next line where the width is used up."""
    places, x, y = [], 0, 0
    for row in rows:
        needed = row_width(typeface, row)
        if x and x + needed > width:
            x, y = 0, y + row_height(typeface)
        places.append((row, (x, y)))
        x += needed + gap
    return places


def _cap_width(typeface: Typeface, name: str) -> int:
    return max(cap_height(typeface), typeface.width(key_cap(name), Role.LABEL) + typeface.px(12))


def _draw_cap(
    surface: pygame.Surface, typeface: Typeface, corner: tuple[int, int], name: str, pressed: Colour | None
) -> int:
    """Draw one key and return its width; a pressed one lies lower and is lit."""
    cap = pygame.Rect(corner, (_cap_width(typeface, name), cap_height(typeface)))
    radius, depth = typeface.px(4), typeface.px(2)
    pygame.draw.rect(surface, mix(CAP, INK, 0.5), cap, border_radius=radius)
    top = cap.move(0, depth if pressed else 0)
    top.height -= depth
    pygame.draw.rect(surface, pressed or CAP, top, border_radius=radius)
    pygame.draw.rect(surface, mix(pressed or CARD_EDGE, FAINT, 0.3), top, 1, border_radius=radius)
    typeface.draw(surface, key_cap(name), Role.LABEL, INK if pressed else TEXT, center=top.center)
    return cap.width
