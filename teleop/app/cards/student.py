"""Whoever is taught: how far it agrees with its teacher, and how it does."""

from __future__ import annotations

import pygame

from recordings.schema import Driver
from teleop.app import card
from teleop.app.cards.plan import Card, Heights, framed, inside_width
from teleop.app.facts import Facts, StudentFacts
from teleop.app.typeface import Role, Typeface
from teleop.preferences.palette import DRIVERS, WARNING
from teleop.studio.score import share

LEAST_LINES = 2
"""Without which the card says too little."""
TROUBLE_LINES = 3


def _heights(typeface: Typeface, width: int, facts: Facts) -> Heights:
    student = facts.student
    if student is None:
        return ()
    inside = inside_width(typeface, width)
    line = card.line_height(typeface)
    fixed = card.heading_height(typeface) + line * len(_trouble(typeface, inside, student))
    fixed += _agreement_height(typeface, student) + (line if student.legend is not None else 0)
    n = len(student.lines)
    return tuple(
        framed(typeface, fixed + card.lines_height(typeface, shown, inside))
        for shown in range(min(LEAST_LINES, n), n + 1)
    )


def _trouble(typeface: Typeface, width: int, student: StudentFacts) -> list[str]:
    return typeface.wrap(student.trouble, Role.SMALL, width)[:TROUBLE_LINES] if student.trouble else []


def _agreement_height(typeface: Typeface, student: StudentFacts) -> int:
    return card.line_height(typeface) + typeface.px(11) if student.agreement.of else 0


def _paint(picture: pygame.Surface, typeface: Typeface, area: pygame.Rect, facts: Facts) -> None:
    student = facts.student
    if student is None:
        return
    inside = card.draw_card(picture, typeface, area)
    bottom = inside.bottom
    inside.y += card.draw_heading(picture, typeface, inside, "student", student.version)
    for line in _trouble(typeface, inside.width, student):
        typeface.draw(picture, line, Role.SMALL, WARNING, topleft=inside.topleft)
        inside.y += card.line_height(typeface)
    inside.y += _paint_agreement(picture, typeface, inside, student)
    shown = student.legend
    if shown is not None:
        ends = shown.low, shown.high
        inside.y += card.draw_scale(picture, typeface, inside, f"map: {shown.caption}", ends, shown.colours)
    inside.height = bottom - inside.y
    card.draw_lines(picture, typeface, inside, student.lines)


def _paint_agreement(
    picture: pygame.Surface, typeface: Typeface, area: pygame.Rect, student: StudentFacts
) -> int:
    """Of the last labels, in words and as a bar."""
    agreement = student.agreement
    if not agreement.of:
        return 0
    text = f"{100 * share(agreement):.0f} % of the last {agreement.of}"
    used = card.draw_line(picture, typeface, area, "agrees with the labels", text)
    bar = area.move(0, used + typeface.px(1))
    card.draw_bar(picture, typeface, bar, share(agreement), DRIVERS[Driver.STUDENT])
    return _agreement_height(typeface, student)


STUDENT = Card("student", lambda facts: facts.student, _heights, _paint)
