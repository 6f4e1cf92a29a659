"""A taste of a session in the look just chosen: who drives, keys, text."""

from __future__ import annotations

import pygame

from recordings.schema import Driver
from teleop.app.card import draw_card, draw_heading, draw_line
from teleop.app.keycaps import KeyRow, draw_row
from teleop.app.typeface import Role, Typeface
from teleop.app.words import DRIVES
from teleop.preferences.palette import DRIVERS, INK, PAUSED, SUCCESS, TEXT, WARNING

SHOWN = (Driver.HUMAN, Driver.STUDENT, Driver.SCRIPTED, Driver.POLICY, Driver.REPLAYED)
KEYS = (KeyRow(("up", "left", "down", "right"), "drive"), KeyRow(("space",), "take over"))


def draw_preview(surface: pygame.Surface, typeface: Typeface, area: pygame.Rect) -> None:
    """Left the banners of everybody who can drive, right a card; as large as in a session."""
    before = surface.get_clip()
    surface.set_clip(area)
    px = typeface.px
    banners = pygame.Rect(area.x, area.y, area.width * 11 // 20, min(area.height, px(260)))
    _draw_banners(surface, typeface, banners)
    card = pygame.Rect(banners.right + px(14), area.y, area.right - banners.right - px(14), banners.height)
    _draw_card(surface, typeface, card)
    surface.set_clip(before)


def _draw_banners(surface: pygame.Surface, typeface: Typeface, area: pygame.Rect) -> None:
    words = [(DRIVES[driver], DRIVERS[driver]) for driver in SHOWN]
    words.insert(2, ("PAUSED", PAUSED))
    gap = typeface.px(5)
    height = min(typeface.px(39), (area.height - gap * (len(words) - 1)) // len(words))
    for index, (word, colour) in enumerate(words):
        bar = pygame.Rect(area.x, area.y + index * (height + gap), area.width, height)
        pygame.draw.rect(surface, colour, bar, border_radius=typeface.px(6))
        room = bar.width - 2 * typeface.px(14)
        fits = typeface.height(Role.BANNER) <= height and typeface.width(word, Role.BANNER) <= room
        role = Role.BANNER if fits else Role.BODY
        typeface.draw(surface, word, role, INK, midleft=(bar.x + typeface.px(14), bar.centery))


def _draw_card(surface: pygame.Surface, typeface: Typeface, area: pygame.Rect) -> None:
    inside = draw_card(surface, typeface, area)
    inside.y += draw_heading(surface, typeface, inside, "student", "v7")
    inside.y += draw_line(surface, typeface, inside, "agreement", "93 of 100")
    inside.y += draw_line(surface, typeface, inside, "last episode", "success", SUCCESS)
    inside.y += draw_line(surface, typeface, inside, "trainer", "starting again", WARNING)
    inside.y += typeface.px(8)
    for row in KEYS:
        draw_row(surface, typeface, inside.topleft, row, held=("space",), held_colour=DRIVERS[Driver.HUMAN])
        inside.y += typeface.height(Role.TITLE)
    for line in typeface.wrap("Watch, and correct it when it errs.", Role.HINT, inside.width):
        if inside.y + typeface.height(Role.HINT) > area.bottom:
            break
        typeface.draw(surface, line, Role.HINT, TEXT, topleft=inside.topleft)
        inside.y += typeface.height(Role.HINT)
