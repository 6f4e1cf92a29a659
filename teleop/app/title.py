"""The head of the menu and of the settings, where their rows begin, and the sheet under these."""

from __future__ import annotations

import pygame

from teleop.app.answers import ACCENT, HEIGHT
from teleop.app.layout import scale_of
from teleop.app.typeface import Role, Typeface
from teleop.preferences.palette import CARD, CARD_EDGE, MUTED, TEXT, WARNING

COLUMN, LEAST_HEIGHT = 880, 596
"""Width of the rows, and the least height they all fit into, in design pixels."""
TOP = 112
"""Where the first row begins, in design pixels."""


def scale_of_rows(size: tuple[int, int]) -> float:
    """As of any other text, but never so large that the rows do not fit into the window."""
    return min(scale_of(size), size[1] / LEAST_HEIGHT)


def first_row(typeface: Typeface, size: tuple[int, int]) -> pygame.Rect:
    """Where the first row goes in a window of this size."""
    px = typeface.px
    width = min(px(COLUMN), size[0] - 2 * px(38))
    return pygame.Rect((size[0] - width) // 2, px(TOP), width, px(HEIGHT))


def draw_head(
    surface: pygame.Surface, typeface: Typeface, first: pygame.Rect, title: str, below: str, notice: str
) -> None:
    """The title above the first row, and beside it what there is to tell."""
    px = typeface.px
    head = pygame.Rect(first.x, px(24), first.width, px(76))
    drawn = _draw_title(surface, typeface, head, title, below)
    _draw_notice(surface, typeface, head, drawn.right + px(40), notice)


def draw_sheet(surface: pygame.Surface, typeface: Typeface, area: pygame.Rect) -> None:
    """A card behind `area`, with a margin around it."""
    sheet = area.inflate(2 * typeface.px(20), 2 * typeface.px(12))
    pygame.draw.rect(surface, CARD, sheet, border_radius=typeface.px(10))
    pygame.draw.rect(surface, CARD_EDGE, sheet, 1, border_radius=typeface.px(10))


def _draw_title(
    surface: pygame.Surface, typeface: Typeface, area: pygame.Rect, title: str, below: str
) -> pygame.Rect:
    """Large, behind a bar, and a line under it; returns the place of the title."""
    px = typeface.px
    drawn = typeface.draw(surface, title, Role.LOGO, TEXT, topleft=area.topleft)
    bar = pygame.Rect(area.x - px(20), drawn.y + px(6), px(6), drawn.height - px(10))
    pygame.draw.rect(surface, ACCENT, bar, border_radius=px(3))
    line = typeface.draw(surface, below, Role.HINT, MUTED, topleft=(area.x, drawn.bottom - px(2)))
    return drawn.union(line)


def _draw_notice(
    surface: pygame.Surface, typeface: Typeface, area: pygame.Rect, left: int, notice: str
) -> None:
    """What there is to tell, right of the title: large where that fits, else as many small lines as fit."""
    if not notice:
        return
    for role in (Role.BODY, Role.SMALL):
        height, lines = typeface.height(role), typeface.wrap(notice, role, area.right - left)
        if len(lines) * height <= area.height:
            break
    for index, line in enumerate(lines[: area.height // height]):
        typeface.draw(surface, line, role, WARNING, topleft=(left, area.y + index * height))
