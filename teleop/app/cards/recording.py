"""What is being written, and how far the budget goes."""

from __future__ import annotations

import pygame

from teleop.app import card
from teleop.app.cards.plan import Card, Heights, framed, inside_width
from teleop.app.facts import Facts
from teleop.app.typeface import Typeface

LEAST_LINES = 2


def _heights(typeface: Typeface, width: int, facts: Facts) -> Heights:
    inside, heading = inside_width(typeface, width), card.heading_height(typeface)
    return tuple(
        framed(typeface, heading + card.lines_height(typeface, shown, inside))
        for shown in range(LEAST_LINES, len(facts.recording) + 1)
    )


def _paint(picture: pygame.Surface, typeface: Typeface, area: pygame.Rect, facts: Facts) -> None:
    inside = card.draw_card(picture, typeface, area)
    used = card.draw_heading(picture, typeface, inside, "recording", facts.file)
    inside.y, inside.height = inside.y + used, inside.height - used
    card.draw_lines(picture, typeface, inside, facts.recording)


RECORDING = Card("recording", lambda facts: (facts.file, facts.recording), _heights, _paint)
