"""Rows of questions with their answers to press: side by side where they fit, else one at a time between two arrows."""

from __future__ import annotations

from dataclasses import dataclass

import pygame

from recordings.schema import Driver
from teleop.app.form import Option, Question
from teleop.app.keycaps import KeyRow, cap_height, draw_row, row_width
from teleop.app.typeface import Role, Typeface
from teleop.preferences.palette import CARD, CARD_EDGE, DRIVERS, FAINT, INK, MUTED, SUCCESS, TEXT, Colour, mix

HEIGHT, GAP, LABEL = 38, 6, 138
"""Of a row, between rows, and the width of a question, in design pixels."""
ACCENT = DRIVERS[Driver.HUMAN]
BUTTON = mix(CARD, CARD_EDGE, 0.5)


@dataclass(frozen=True)
class Row:
    """One question on the screen."""

    question: Question
    chosen: Option
    area: pygame.Rect
    slots: tuple[tuple[pygame.Rect, Option], ...]
    """Where to press, and what that answers."""
    side_by_side: bool
    """Every answer is seen; else only the chosen one, between two arrows."""

    def option_at(self, place: tuple[int, int]) -> Option | None:
        """The answer that is given by a press here."""
        return next((option for area, option in self.slots if area.collidepoint(place)), None)


def make_row(typeface: Typeface, question: Question, value: str, area: pygame.Rect) -> Row:
    """Lay a question out in `area`; value: of the chosen option."""
    px, chosen, count = typeface.px, question.option(value), len(question.options)
    room = pygame.Rect(area.x + px(LABEL), area.y, area.width - px(LABEL), area.height).inflate(0, -px(4))
    gap = px(8)
    width = (room.width - gap * (count - 1)) // count
    if all(typeface.width(option.word, Role.BODY) + px(16) <= width for option in question.options):
        areas = [pygame.Rect(room.x + i * (width + gap), room.y, width, room.height) for i in range(count)]
        return Row(question, chosen, area, tuple(zip(areas, question.options, strict=True)), True)
    arrow = pygame.Rect(room.x, room.y, room.height, room.height)
    ends = (arrow, arrow.move(room.width - arrow.width, 0))
    turns = [question.beside(chosen.value, by) for by in (-1, 1)]
    return Row(question, chosen, area, tuple(zip(ends, turns, strict=True)), False)


def draw_answers(
    surface: pygame.Surface, typeface: Typeface, row: Row, *, focused: bool, pointer: tuple[int, int]
) -> None:
    """Draw a row; pointer: where the mouse is."""
    draw_label(surface, typeface, row.area, row.question.asks, focused=focused)
    for area, option in row.slots:
        over = area.collidepoint(pointer)
        if row.side_by_side:
            draw_button(surface, typeface, area, option.word, chosen=option == row.chosen, over=over)
        else:
            _draw_arrow(
                surface, typeface, area, left=area is row.slots[0][0], ends=option == row.chosen, over=over
            )
    if not row.side_by_side:
        _draw_chosen(surface, typeface, row)


def draw_label(
    surface: pygame.Surface, typeface: Typeface, area: pygame.Rect, asks: str, *, focused: bool
) -> None:
    """A question, and the mark beside it that says the keyboard is there."""
    px = typeface.px
    if focused:
        mark = pygame.Rect(area.x - px(12), area.y + px(7), px(4), area.height - px(14))
        pygame.draw.rect(surface, ACCENT, mark, border_radius=px(2))
    role, colour = (Role.STRONG, TEXT) if focused else (Role.BODY, MUTED)
    text = typeface.elide(asks, role, px(LABEL) - px(8))
    typeface.draw(surface, text, role, colour, midleft=(area.x, area.centery))


def draw_button(
    surface: pygame.Surface,
    typeface: Typeface,
    area: pygame.Rect,
    word: str,
    *,
    chosen: bool = False,
    over: bool = False,
    fill: Colour = ACCENT,
) -> None:
    """A button; chosen: filled."""
    radius = typeface.px(6)
    ground = mix(fill, TEXT, 0.2 if over else 0) if chosen else mix(BUTTON, CARD_EDGE, 0.8 if over else 0)
    pygame.draw.rect(surface, ground, area, border_radius=radius)
    pygame.draw.rect(surface, fill if chosen else FAINT if over else CARD_EDGE, area, 1, border_radius=radius)
    typeface.draw(surface, word, Role.BODY, INK if chosen else TEXT, center=area.center)


def draw_key_button(
    surface: pygame.Surface, typeface: Typeface, area: pygame.Rect, row: KeyRow, *, over: bool
) -> None:
    """A button with the key that does the same."""
    draw_button(surface, typeface, area, "", over=over)
    left = area.x + (area.width - row_width(typeface, row)) // 2
    draw_row(surface, typeface, (left, area.centery - cap_height(typeface) // 2), row)


def key_button(typeface: Typeface, row: KeyRow, **anchor: tuple[int, int]) -> pygame.Rect:
    """Room for such a button; `anchor` places it."""
    area = pygame.Rect(
        0, 0, row_width(typeface, row) + typeface.px(20), cap_height(typeface) + typeface.px(12)
    )
    for side, place in anchor.items():
        setattr(area, side, place)
    return area


def draw_start(
    surface: pygame.Surface, typeface: Typeface, area: pygame.Rect, word: str, *, over: bool
) -> None:
    """The one button that matters."""
    pygame.draw.rect(surface, mix(SUCCESS, TEXT, 0.2 if over else 0), area, border_radius=typeface.px(6))
    typeface.draw(surface, word, Role.STRONG, INK, center=area.center)


def _draw_arrow(
    surface: pygame.Surface, typeface: Typeface, area: pygame.Rect, *, left: bool, ends: bool, over: bool
) -> None:
    """ends: there is nothing further on this side."""
    draw_button(surface, typeface, area, "", over=over and not ends)
    x, y, reach = area.centerx, area.centery, typeface.px(5) * (-1 if left else 1)
    triangle = [(x - reach // 2, y - abs(reach)), (x + reach, y), (x - reach // 2, y + abs(reach))]
    pygame.draw.polygon(surface, CARD_EDGE if ends else TEXT, triangle)


def _draw_chosen(surface: pygame.Surface, typeface: Typeface, row: Row) -> None:
    """The answer between its arrows, with how many there are."""
    px, (first, _), (last, _) = typeface.px, *row.slots
    between = pygame.Rect(first.right + px(6), first.y, last.x - first.right - px(12), first.height)
    pygame.draw.rect(surface, ACCENT, between, border_radius=px(6))
    options = row.question.options
    count = f"{options.index(row.chosen) + 1} of {len(options)}"
    wide = between.width > px(230)
    room = between.width - px(20) - (2 * typeface.width(count, Role.SMALL) + px(16) if wide else 0)
    word = typeface.elide(row.chosen.word, Role.BODY, room)
    typeface.draw(surface, word, Role.BODY, INK, center=between.center)
    if wide:
        typeface.draw(surface, count, Role.SMALL, INK, midright=(between.right - px(10), between.centery))
