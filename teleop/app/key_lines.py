"""Keys along the foot of a window: one behind the other, in as many lines as it takes."""

from __future__ import annotations

from collections.abc import Sequence

import pygame

from teleop.app.keycaps import KeyRow, draw_row, packed, row_height
from teleop.app.typeface import Typeface

GAP = 18
"""Between one key and the next, in design pixels."""


def lines_height(typeface: Typeface, rows: Sequence[KeyRow], width: int) -> int:
    """Of these keys in lines of this width, in pixels."""
    places = packed(typeface, rows, width, typeface.px(GAP))
    return max((y for _, (_, y) in places), default=0) + row_height(typeface)


def draw_lines(
    surface: pygame.Surface, typeface: Typeface, corner: tuple[int, int], rows: Sequence[KeyRow], width: int
) -> None:
    """Draw them from this top left corner on."""
    left, top = corner
    for row, (x, y) in packed(typeface, rows, width, typeface.px(GAP)):
        draw_row(surface, typeface, (left + x, top + y), row)
