"""The charts, in what room the other cards leave: as many as fit, side by side where it is wide."""

from __future__ import annotations

import pygame

from teleop.app import card
from teleop.app.cards.plan import GAP, Card, Heights
from teleop.app.chart import Chart, draw_chart
from teleop.app.facts import Facts
from teleop.app.typeface import Role, Typeface

LEAST = 100
"""Height below which a chart is left out, in design pixels."""
COMFORTABLE = 150
"""Height from which one chart would rather have another under it."""
MOST = 8
"""Times that, beyond which charts do not grow."""
NARROWEST = 215
"""Width from which charts stand side by side, in design pixels."""


def _heights(typeface: Typeface, width: int, facts: Facts) -> Heights:
    """They take any height."""
    least = typeface.px(LEAST)
    return tuple(range(least, least * MOST, 4)) if facts.charts else ()


def cells(typeface: Typeface, area: pygame.Rect, n: int) -> list[pygame.Rect]:
    """Where at most `n` charts go in the room that is left, row by row."""
    gap = typeface.px(GAP)
    columns = max(1, min(n, (area.width + gap) // (typeface.px(NARROWEST) + gap)))
    rows = max(1, min(-(-n // columns), (area.height + gap) // (typeface.px(COMFORTABLE) + gap)))
    width, height = (area.width - gap * (columns - 1)) // columns, (area.height - gap * (rows - 1)) // rows
    return [
        pygame.Rect(area.x + column * (width + gap), area.y + row * (height + gap), width, height)
        for row in range(rows)
        for column in range(columns)
    ][:n]


def paint_chart(picture: pygame.Surface, typeface: Typeface, area: pygame.Rect, chart: Chart) -> None:
    inside = card.draw_card(picture, typeface, area)
    words = typeface.width(chart.title.upper(), Role.LABEL) + typeface.width(chart.remark, Role.SMALL)
    remark = chart.remark if words + typeface.px(12) <= inside.width else ""
    used = card.draw_heading(picture, typeface, inside, chart.title, remark)
    inside.y, inside.height = inside.y + used, inside.height - used
    draw_chart(picture, typeface, inside, chart)


def _paint_nothing(picture: pygame.Surface, typeface: Typeface, area: pygame.Rect, facts: Facts) -> None:
    """Each chart is painted by itself, when it changes."""


CHARTS = Card("charts", lambda facts: len(facts.charts), _heights, _paint_nothing)
