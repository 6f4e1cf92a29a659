"""Keys along the foot of a window: one behind the other, in as many lines as it takes."""

from __future__ import annotations

from collections.abc import Sequence

import pygame

from teleop.app.keycaps import KeyRow, cap_height, draw_row, row_width
from teleop.app.typeface import Typeface


def lines_height(typeface: Typeface, rows: Sequence[KeyRow], width: int) -> int:
    """Of these keys in lines of this width, in pixels."""
    return sum(_line_height(typeface) for _ in _lines(typeface, rows, width))


def draw_lines(
    surface: pygame.Surface, typeface: Typeface, corner: tuple[int, int], rows: Sequence[KeyRow], width: int
) -> None:
    """Draw them from this top left corner on."""
    left, y = corner
    for line in _lines(typeface, rows, width):
        x = left
        for row in line:
            draw_row(surface, typeface, (x, y), row)
            x += row_width(typeface, row) + _gap(typeface)
        y += _line_height(typeface)


def _lines(typeface: Typeface, rows: Sequence[KeyRow], width: int) -> list[list[KeyRow]]:
    lines: list[list[KeyRow]] = [[]]
    used = 0
    for row in rows:
        needed = row_width(typeface, row)
        if lines[-1] and used + needed > width:
            lines.append([])
            used = 0
        lines[-1].append(row)
        used += needed + _gap(typeface)
    return lines


def _gap(typeface: Typeface) -> int:
    return typeface.px(18)


def _line_height(typeface: Typeface) -> int:
    return cap_height(typeface) + typeface.px(6)
