"""The pieces a side panel is made of: cards, headings, figures with their captions, bars."""

from __future__ import annotations

from collections.abc import Sequence

import pygame

from teleop.app.typeface import Role, Typeface
from teleop.preferences.palette import CARD, CARD_EDGE, FAINT, MUTED, TEXT, Colour

TWO_COLUMNS = 400
"""Inside width of a card from which lines stand in two columns, in design pixels."""
COLUMN_GAP = 26
SCALE_WIDTH = 66
"""Of a bar of colours, in design pixels."""


def draw_card(surface: pygame.Surface, typeface: Typeface, area: pygame.Rect) -> pygame.Rect:
    """An empty card; returns the area inside its padding."""
    radius = typeface.px(8)
    pygame.draw.rect(surface, CARD, area, border_radius=radius)
    pygame.draw.rect(surface, CARD_EDGE, area, 1, border_radius=radius)
    return area.inflate(-2 * typeface.px(14), -2 * typeface.px(10))


def padding(typeface: Typeface) -> int:
    """What a card adds to the height of its contents."""
    return 2 * typeface.px(10)


def draw_heading(
    surface: pygame.Surface, typeface: Typeface, area: pygame.Rect, left: str, right: str = ""
) -> int:
    """A card's small capitals, with a remark to the right. Returns the height used."""
    drawn = typeface.draw(surface, left.upper(), Role.LABEL, FAINT, topleft=area.topleft)
    room = area.right - drawn.right - typeface.px(10)
    if right:
        text = typeface.elide(right, Role.SMALL, room)
        typeface.draw(surface, text, Role.SMALL, MUTED, midright=(area.right, drawn.centery))
    return heading_height(typeface)


def heading_height(typeface: Typeface) -> int:
    return typeface.height(Role.LABEL) + typeface.px(5)


def draw_figures(
    surface: pygame.Surface,
    typeface: Typeface,
    area: pygame.Rect,
    figures: Sequence[tuple[str, str, Colour]],
) -> int:
    """Large figures side by side, each (figure, caption, colour). Returns the height used."""
    width = area.width // len(figures)
    roles = (Role.NUMBER, Role.TITLE, Role.STRONG)
    room = width - typeface.px(10)
    role = next((r for r in roles if all(typeface.width(f, r) <= room for f, _, _ in figures)), Role.STRONG)
    number, caption_y = typeface.height(Role.NUMBER), area.y + typeface.height(Role.NUMBER)
    for index, (figure, caption, colour) in enumerate(figures):
        x = area.x + index * width
        typeface.draw(surface, figure, role, colour, midleft=(x, area.y + number // 2))
        typeface.draw(surface, caption, Role.SMALL, MUTED, topleft=(x, caption_y))
    return figures_height(typeface)


def figures_height(typeface: Typeface) -> int:
    return typeface.height(Role.NUMBER) + typeface.height(Role.SMALL) + typeface.px(6)


def draw_line(
    surface: pygame.Surface,
    typeface: Typeface,
    area: pygame.Rect,
    caption: str,
    value: str,
    colour: Colour = TEXT,
) -> int:
    """A caption to the left and its value to the right. Returns the height used."""
    drawn = typeface.draw(surface, caption, Role.SMALL, MUTED, topleft=area.topleft)
    text = typeface.elide(value, Role.SMALL, area.right - drawn.right - typeface.px(10))
    typeface.draw(surface, text, Role.SMALL, colour, topright=area.topright)
    return line_height(typeface)


def line_height(typeface: Typeface) -> int:
    return typeface.height(Role.SMALL) + typeface.px(4)


def columns_of(typeface: Typeface, width: int) -> int:
    """In how many columns lines stand in a card of this inside width."""
    return 2 if width >= typeface.px(TWO_COLUMNS) else 1


def lines_height(typeface: Typeface, n: int, width: int) -> int:
    """Of so many lines in a card of this inside width."""
    return -(-n // columns_of(typeface, width)) * line_height(typeface)


def draw_lines(
    surface: pygame.Surface, typeface: Typeface, area: pygame.Rect, lines: Sequence[tuple[str, str, Colour]]
) -> None:
    """As many lines as fit into `area`, down its columns."""
    columns, height = columns_of(typeface, area.width), line_height(typeface)
    rows = min(-(-len(lines) // columns), area.height // height)
    gap = typeface.px(COLUMN_GAP)
    cell = pygame.Rect(0, 0, (area.width - gap * (columns - 1)) // columns, height)
    for index, line in enumerate(lines[: rows * columns]):
        column, row = divmod(index, rows)
        cell.topleft = area.x + column * (cell.width + gap), area.y + row * height
        draw_line(surface, typeface, cell, *line)


def draw_scale(
    surface: pygame.Surface,
    typeface: Typeface,
    area: pygame.Rect,
    caption: str,
    ends: tuple[str, str],
    colours: Sequence[Colour],
) -> int:
    """A caption to the left; right, a bar of `colours` between the words for its ends. Returns the height used."""
    drawn = typeface.draw(surface, caption, Role.SMALL, MUTED, topleft=area.topleft)
    low, high = ends
    right = typeface.draw(surface, high, Role.SMALL, TEXT, topright=area.topright)
    gap, swatch = typeface.px(6), max(1, typeface.px(SCALE_WIDTH) // len(colours))
    bar = pygame.Rect(0, 0, swatch * len(colours), typeface.px(9))
    bar.midright = (right.left - gap, drawn.centery)
    for index, colour in enumerate(colours):
        surface.fill(colour, (bar.x + index * swatch, bar.y, swatch, bar.height))
    typeface.draw(surface, low, Role.SMALL, TEXT, midright=(bar.left - gap, drawn.centery))
    return line_height(typeface)


def draw_bar(
    surface: pygame.Surface, typeface: Typeface, area: pygame.Rect, share: float, colour: Colour
) -> None:
    """A bar filled to `share` (0 to 1) along the top of `area`."""
    height = typeface.px(5)
    groove = pygame.Rect(area.x, area.y, area.width, height)
    pygame.draw.rect(surface, CARD_EDGE, groove, border_radius=height)
    if share > 0:
        groove.width = max(height, round(area.width * share))
        pygame.draw.rect(surface, colour, groove, border_radius=height)
