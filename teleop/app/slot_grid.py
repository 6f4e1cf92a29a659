"""Keys to choose, in columns: each with what it does, and the cap of the key that does it now."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pygame

from teleop.app.answers import ACCENT
from teleop.app.keycaps import KeyRow, cap_height, draw_row, row_width
from teleop.app.settings_form import Slot
from teleop.app.typeface import Role, Typeface
from teleop.preferences.palette import BACKGROUND, CARD, CARD_EDGE, FAINT, MUTED, TEXT, mix

LINE, GAP = 34, 4
"""Height of a slot and the space below it, in design pixels."""
MOST = 8
"""Slots in a column, where the window has room for more."""


class SlotGrid:
    """Columns of slots under headings, and which of them has the keyboard."""

    def __init__(self) -> None:
        self.columns: list[tuple[str, list[Slot]]] = []
        """Heading and slots of each column."""
        self.at: tuple[int, int] | None = None
        """Column and line that have the keyboard; None: none has."""
        self._areas: dict[tuple[int, int], pygame.Rect] = {}

    def show(self, groups: Sequence[tuple[str, Sequence[Slot]]], typeface: Typeface, height: int) -> None:
        """Lay groups out in columns, as few as `height` pixels allow, and those of a group alike."""
        room = height - typeface.height(Role.LABEL) - typeface.px(6)
        most, self.columns = min(MOST, max(1, room // typeface.px(LINE + GAP))), []
        for heading, slots in groups:
            columns = math.ceil(len(slots) / most)
            lines = math.ceil(len(slots) / max(1, columns))
            for column in range(columns):
                some = list(slots[column * lines : (column + 1) * lines])
                self.columns.append((heading if column == 0 else "", some))
        if self.at is not None:
            self.at = self._nearest(*self.at)

    @property
    def slot(self) -> Slot | None:
        """The slot that has the keyboard."""
        return None if self.at is None else self.columns[self.at[0]][1][self.at[1]]

    def enter(self) -> None:
        """Give the keyboard to the first slot."""
        self.at = self._nearest(0, 0)

    def move(self, right: int, down: int) -> None:
        """To a neighbour; over the top the keyboard leaves the grid, at the other edges it stays."""
        if self.at is None:
            return
        column, line = self.at
        self.at = None if line + down < 0 else self._nearest(column + right, line + down)

    def press(self, place: tuple[int, int]) -> bool:
        """Give the keyboard to the slot under the mouse, if there is one."""
        found = next((at for at, area in self._areas.items() if area.collidepoint(place)), None)
        self.at = found or self.at
        return found is not None

    def _nearest(self, column: int, line: int) -> tuple[int, int] | None:
        if not self.columns:
            return None
        column = min(len(self.columns) - 1, max(0, column))
        return column, min(len(self.columns[column][1]) - 1, max(0, line))

    def draw(
        self,
        surface: pygame.Surface,
        typeface: Typeface,
        area: pygame.Rect,
        *,
        pointer: tuple[int, int],
        waiting: bool,
    ) -> None:
        """waiting: the slot that has the keyboard waits for its new key."""
        px, self._areas = typeface.px, {}
        gap = px(14)
        width = (area.width - gap * (len(self.columns) - 1)) // max(1, len(self.columns))
        head = typeface.height(Role.LABEL) + px(6)
        for column, (heading, slots) in enumerate(self.columns):
            left = area.x + column * (width + gap)
            typeface.draw(surface, heading.upper(), Role.LABEL, FAINT, topleft=(left, area.y))
            for line, slot in enumerate(slots):
                place = pygame.Rect(left, area.y + head + line * px(LINE + GAP), width, px(LINE))
                self._areas[column, line] = place
                here = (column, line) == self.at
                over = place.collidepoint(pointer)
                _draw_slot(surface, typeface, place, slot, here=here, over=over, waiting=waiting and here)


def _draw_slot(
    surface: pygame.Surface,
    typeface: Typeface,
    area: pygame.Rect,
    slot: Slot,
    *,
    here: bool,
    over: bool,
    waiting: bool,
) -> None:
    px = typeface.px
    ground = mix(CARD, ACCENT, 0.25) if waiting else mix(CARD, BACKGROUND, 0.2 if over else 0.6)
    pygame.draw.rect(surface, ground, area, border_radius=px(6))
    edge = ACCENT if here else CARD_EDGE
    pygame.draw.rect(surface, edge, area, px(2) if here else 1, border_radius=px(6))
    inset = px(10)
    if waiting:
        text = typeface.draw(
            surface, "press", Role.STRONG, ACCENT, midright=(area.right - inset, area.centery)
        )
        left = text.x
    else:
        row = KeyRow((slot.key,), "") if slot.key else KeyRow((), "none")
        left = area.right - inset - row_width(typeface, row)
        draw_row(surface, typeface, (left + px(6), area.centery - cap_height(typeface) // 2), row)
    role = Role.BODY if typeface.width(slot.does, Role.BODY) < left - area.x - inset else Role.SMALL
    colour = TEXT if here else MUTED
    typeface.draw(surface, slot.does, role, colour, midleft=(area.x + inset, area.centery))
