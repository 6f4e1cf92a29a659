"""The side panel of a live session: everything a person wants to know at a glance, and nothing to click.

`teleop.app.reading` says what there is to show, `teleop.app.cards` how each card looks, `ORDER` what stays where
the window is too small for all.
"""

from __future__ import annotations

from typing import Any

import pygame

from teleop.app.cards.charts import CHARTS, cells, paint_chart
from teleop.app.cards.choices import ASKED, ODDS
from teleop.app.cards.keys import KEYS
from teleop.app.cards.plan import GAP, Heights, plan
from teleop.app.cards.recording import RECORDING
from teleop.app.cards.student import STUDENT
from teleop.app.cards.top import EPISODE, TITLE
from teleop.app.chart import Chart
from teleop.app.facts import Facts
from teleop.app.typeface import Typeface
from teleop.preferences.palette import BACKGROUND

CARDS = (TITLE, ASKED, EPISODE, STUDENT, ODDS, RECORDING, KEYS, CHARTS)
"""From top to bottom."""
ORDER = (
    (TITLE, False), (ASKED, True), (EPISODE, False), (STUDENT, False), (KEYS, False), (RECORDING, False),
    (KEYS, True), (CHARTS, False), (ODDS, False), (STUDENT, True), (RECORDING, True), (EPISODE, True),
    (ODDS, True), (TITLE, True), (CHARTS, True),
)  # fmt: skip
"""Who gets room first, the least it can do with or all it can use: what stays where the window is too small for all."""


class Panel:
    """Keeps its picture, and paints again only those cards whose facts have changed."""

    def __init__(self) -> None:
        self._picture = pygame.Surface((0, 0))
        self._typeface: Typeface | None = None
        self._first_chart = 0
        self._shown: dict[str, Any] = {}
        """Card -> what it was painted from."""
        self._heights: dict[str, Heights] = {}
        self._places: dict[str, pygame.Rect] = {}
        self._charts: list[tuple[Chart, pygame.Rect]] = []

    def show_next_chart(self) -> None:
        """Bring another chart to the front, where there is no room for all."""
        self._first_chart += 1

    def draw(self, surface: pygame.Surface, typeface: Typeface, area: pygame.Rect, facts: Facts) -> None:
        if self._picture.get_size() != area.size or self._typeface is not typeface:
            self._picture, self._typeface = pygame.Surface(area.size), typeface
            self._shown, self._heights, self._places = {}, {}, {}
        self._paint(typeface, facts)
        surface.blit(self._picture, area)

    def _paint(self, typeface: Typeface, facts: Facts) -> None:
        changed = self._changed(typeface, facts)
        places = self._planned(typeface) if changed else self._places
        if places != self._places:
            self._picture.fill(BACKGROUND)
            self._places, self._charts = places, []
            changed = set(places)
        for card in CARDS:
            if card.name in changed and card.name in places:
                card.paint(self._picture, typeface, places[card.name], facts)
        if CHARTS.name in places:
            self._paint_charts(typeface, places[CHARTS.name], facts)

    def _changed(self, typeface: Typeface, facts: Facts) -> set[str]:
        """The cards that show something else than they did."""
        changed = set()
        for card in CARDS:
            shown = card.shows(facts)
            if card.name not in self._shown or self._shown[card.name] != shown:
                changed.add(card.name)
                self._shown[card.name] = shown
                self._heights[card.name] = card.heights(typeface, self._picture.get_width(), facts)
        return changed

    def _planned(self, typeface: Typeface) -> dict[str, pygame.Rect]:
        width, room = self._picture.get_size()
        gap = typeface.px(GAP)
        places, y = {}, 0
        given = plan(self._heights, room, gap, ORDER)
        for card in CARDS:
            if card.name in given:
                places[card.name] = pygame.Rect(0, y, width, given[card.name])
                y += given[card.name] + gap
        return places

    def _paint_charts(self, typeface: Typeface, area: pygame.Rect, facts: Facts) -> None:
        """Those that changed; all of them where another one comes to the front."""
        n = len(facts.charts)
        turned = [facts.charts[(index + self._first_chart) % n] for index in range(n)]
        charts = list(zip(turned, cells(typeface, area, n), strict=False))
        for index, (chart, cell) in enumerate(charts):
            if index >= len(self._charts) or self._charts[index] != (chart, cell):
                paint_chart(self._picture, typeface, cell, chart)
        self._charts = charts
