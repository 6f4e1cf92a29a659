"""The actions of one state: what the student would do there, how sure it is, and which keys say otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pygame

from recordings.schema import Driver
from teleop.app import card
from teleop.app.cards.plan import Card, Heights, framed, inside_width
from teleop.app.facts import Asked, Choice, Facts
from teleop.app.keycaps import cap_height, caps_width, draw_caps
from teleop.app.typeface import Role, Typeface
from teleop.preferences.palette import CARD_EDGE, DRIVERS, MUTED, TEXT, WARNING, mix

REASON_LINES = 2
LABEL = "✓ label"


# -- what the student would do now -----------------------------------------------------------------------


def _odds_heights(typeface: Typeface, width: int, facts: Facts) -> Heights:
    """What the student would do alone, or all that it might."""
    inside, heading = inside_width(typeface, width), card.heading_height(typeface)
    return tuple(
        framed(typeface, heading + _rows_height(typeface, choices, inside))
        for choices in (_its_choice(facts), facts.odds)
        if choices
    )


def _its_choice(facts: Facts) -> Sequence[Choice]:
    return [choice for choice in facts.odds if choice.is_student_s][:1] or facts.odds[:1]


def _paint_odds(picture: pygame.Surface, typeface: Typeface, area: pygame.Rect, facts: Facts) -> None:
    inside = card.draw_card(picture, typeface, area)
    shows_all = area.height >= _odds_heights(typeface, area.width, facts)[-1]
    inside.y += card.draw_heading(picture, typeface, inside, "the student would", "how sure it is")
    _paint_rows(picture, typeface, inside, facts.odds if shows_all else _its_choice(facts))


# -- what is asked ---------------------------------------------------------------------------------------


def _asked_heights(typeface: Typeface, width: int, facts: Facts) -> Heights:
    asked = facts.asked
    if asked is None:
        return ()
    inside = inside_width(typeface, width)
    height = card.heading_height(typeface) + len(_reason(typeface, inside, asked)) * card.line_height(
        typeface
    )
    height += card.lines_height(typeface, len(asked.lines), inside)
    if asked.choices:
        height += typeface.px(4) + _rows_height(typeface, asked.choices, inside)
    return (framed(typeface, height),)


def _reason(typeface: Typeface, width: int, asked: Asked) -> list[str]:
    return typeface.wrap(asked.reason, Role.SMALL, width)[:REASON_LINES]


def _paint_asked(picture: pygame.Surface, typeface: Typeface, area: pygame.Rect, facts: Facts) -> None:
    asked = facts.asked
    if asked is None:
        return
    inside = card.draw_card(picture, typeface, area)
    pygame.draw.rect(picture, WARNING, area, max(1, typeface.px(1.4)), border_radius=typeface.px(8))
    inside.y += card.draw_heading(picture, typeface, inside, asked.title, asked.remark)
    for line in _reason(typeface, inside.width, asked):
        typeface.draw(picture, line, Role.SMALL, TEXT, topleft=inside.topleft)
        inside.y += card.line_height(typeface)
    inside.height = card.lines_height(typeface, len(asked.lines), inside.width)
    card.draw_lines(picture, typeface, inside, asked.lines)
    inside.y += inside.height + typeface.px(4)
    _paint_rows(picture, typeface, inside, asked.choices)


# -- one row an action -----------------------------------------------------------------------------------


def _row_height(typeface: Typeface, choices: Sequence[Choice]) -> int:
    has_keys = any(choice.keys for choice in choices)
    return cap_height(typeface) + typeface.px(5) if has_keys else card.line_height(typeface)


def _columns(typeface: Typeface, choices: Sequence[Choice], width: int) -> int:
    """Two where there is room and there are more than two rows."""
    return card.columns_of(typeface, width) if len(choices) > 2 else 1


def _rows_height(typeface: Typeface, choices: Sequence[Choice], width: int) -> int:
    return -(-len(choices) // _columns(typeface, choices, width)) * _row_height(typeface, choices)


@dataclass(frozen=True)
class _Columns:
    """Widths that the rows of one list share."""

    keys: int
    word: int
    mark: int

    @classmethod
    def of(cls, typeface: Typeface, choices: Sequence[Choice]) -> _Columns:
        return cls(
            max(caps_width(typeface, choice.keys) for choice in choices),
            max(typeface.width(choice.word, Role.STRONG) for choice in choices) + typeface.px(10),
            typeface.width(LABEL, Role.SMALL) + typeface.px(8) if any(c.is_label for c in choices) else 0,
        )


def _paint_rows(
    picture: pygame.Surface, typeface: Typeface, area: pygame.Rect, choices: Sequence[Choice]
) -> None:
    if not choices:
        return
    columns, height = _columns(typeface, choices, area.width), _row_height(typeface, choices)
    rows, gap = -(-len(choices) // columns), typeface.px(card.COLUMN_GAP)
    cell = pygame.Rect(0, 0, (area.width - gap * (columns - 1)) // columns, height)
    widths = _Columns.of(typeface, choices)
    for index, choice in enumerate(choices):
        column, row = divmod(index, rows)
        cell.topleft = area.x + column * (cell.width + gap), area.y + row * height
        _paint_choice(picture, typeface, cell, choice, widths)


def _paint_choice(
    picture: pygame.Surface, typeface: Typeface, area: pygame.Rect, choice: Choice, widths: _Columns
) -> None:
    """Its keys, its name, how probable the student finds it, and whether it was the label."""
    middle = area.y + (cap_height(typeface) if widths.keys else area.height) // 2
    draw_caps(picture, typeface, area.topleft, choice.keys)
    colour = DRIVERS[Driver.STUDENT] if choice.is_student_s else MUTED
    role = Role.STRONG if choice.is_student_s else Role.BODY
    x = area.x + widths.keys + (typeface.px(6) if widths.keys else 0)
    typeface.draw(picture, choice.word, role, colour, midleft=(x, middle))
    if choice.is_label:
        typeface.draw(picture, LABEL, Role.SMALL, TEXT, midright=(area.right, middle))
    if choice.percent is not None:
        right = area.right - widths.mark
        typeface.draw(picture, f"{choice.percent} %", Role.SMALL, colour, midright=(right, middle))
        x += widths.word
        room = typeface.width("100 %", Role.SMALL) + typeface.px(8)
        bar = pygame.Rect(x, 0, max(0, right - room - x), typeface.px(7))
        bar.centery = middle
        _paint_bar(picture, bar, choice)


def _paint_bar(picture: pygame.Surface, bar: pygame.Rect, choice: Choice) -> None:
    student = DRIVERS[Driver.STUDENT]
    pygame.draw.rect(picture, CARD_EDGE, bar, border_radius=bar.height // 2)
    bar.width = round(bar.width * (choice.percent or 0) / 100)
    filled = student if choice.is_student_s else mix(CARD_EDGE, student, 0.5)
    pygame.draw.rect(picture, filled, bar, border_radius=bar.height // 2)


ASKED = Card("asked", lambda facts: facts.asked, _asked_heights, _paint_asked)
ODDS = Card("odds", lambda facts: facts.odds, _odds_heights, _paint_odds)
