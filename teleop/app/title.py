"""The head of the menu and of the settings, and the sheet under their rows."""

from __future__ import annotations

import pygame

from teleop.app.answers import ACCENT
from teleop.app.typeface import Role, Typeface
from teleop.preferences.palette import CARD, CARD_EDGE, MUTED, TEXT, WARNING


def draw_title(
    surface: pygame.Surface, typeface: Typeface, area: pygame.Rect, title: str, below: str
) -> pygame.Rect:
    """Large, behind a bar, and a line under it; returns the place of the title."""
    px = typeface.px
    drawn = typeface.draw(surface, title, Role.LOGO, TEXT, topleft=area.topleft)
    bar = pygame.Rect(area.x - px(20), drawn.y + px(6), px(6), drawn.height - px(10))
    pygame.draw.rect(surface, ACCENT, bar, border_radius=px(3))
    line = typeface.draw(surface, below, Role.HINT, MUTED, topleft=(area.x, drawn.bottom - px(2)))
    return drawn.union(line)


def draw_notice(
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


def draw_sheet(surface: pygame.Surface, typeface: Typeface, area: pygame.Rect) -> None:
    """A card behind `area`, with a margin around it."""
    sheet = area.inflate(2 * typeface.px(20), 2 * typeface.px(12))
    pygame.draw.rect(surface, CARD, sheet, border_radius=typeface.px(10))
    pygame.draw.rect(surface, CARD_EDGE, sheet, 1, border_radius=typeface.px(10))
