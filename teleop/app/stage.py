"""The frame around the world: its colour and its word say who drives, its foot says what to do now."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import pygame

from teleop.app.layout import Layout
from teleop.app.typeface import Role, Typeface
from teleop.preferences.palette import BACKGROUND, INK, STAGE, TEXT, Colour, mix


@dataclass(frozen=True)
class Sign:
    """What stands around the world."""

    word: str
    """Who drives."""
    note: str
    """What that means."""
    hint: str
    """What to do now."""
    colour: Colour


class Stage:
    """Paints the whole window's background when a word or its size changes, else the dark under the world alone.

    A window keeps what was drawn on it in the last frame, and to paint all of it again is the dearest part of one.
    """

    def __init__(self) -> None:
        self._painted: tuple[Sign, Layout, pygame.Surface] | None = None

    def draw(self, surface: pygame.Surface, typeface: Typeface, layout: Layout, sign: Sign) -> None:
        """Cover `surface`; `layout.inside` is left dark, for the world to be drawn into."""
        if self._painted is not None and self._painted[2] is surface and self._painted[:2] == (sign, layout):
            surface.fill(STAGE, layout.inside)
            return
        self._painted = (sign, layout, surface)
        _paint(surface, typeface, layout, sign)


def draw_countdown(surface: pygame.Surface, typeface: Typeface, layout: Layout, seconds: float) -> None:
    """Over the world, until an episode's first step; nothing at 0."""
    if seconds <= 0:
        return
    radius = typeface.px(52)
    centre = layout.world.center
    pygame.draw.aacircle(surface, mix(STAGE, TEXT, 0.12), centre, radius)
    pygame.draw.aacircle(surface, TEXT, centre, radius, max(2, typeface.px(3)))
    typeface.draw(surface, str(ceil(seconds)), Role.LOGO, TEXT, center=centre)


def _paint(picture: pygame.Surface, typeface: Typeface, layout: Layout, sign: Sign) -> None:
    for band in _around(layout.stage, picture.get_size(), typeface.px(8)):
        picture.fill(BACKGROUND, band)
    pygame.draw.rect(picture, sign.colour, layout.stage, border_radius=typeface.px(8))
    picture.fill(STAGE, layout.inside)
    _draw_banner(picture, typeface, layout.banner, sign)
    _draw_hint(picture, typeface, layout.hint, sign)


def _around(stage: pygame.Rect, size: tuple[int, int], corner: int) -> list[pygame.Rect]:
    """All of a window but the stage, whose corners are left in: to fill the whole window takes twice as long."""
    width, height = size
    right = stage.right - corner
    return [
        pygame.Rect(0, 0, stage.left + corner, height),
        pygame.Rect(right, 0, width - right, height),
        pygame.Rect(0, 0, width, stage.top),
        pygame.Rect(0, stage.bottom, width, height - stage.bottom),
    ]


def _draw_banner(picture: pygame.Surface, typeface: Typeface, bar: pygame.Rect, sign: Sign) -> None:
    """Who drives, large, and what that means, small, where there is room for it."""
    inset = typeface.px(16)
    fitting = (r for r in (Role.BANNER, Role.STRONG) if typeface.width(sign.word, r) <= bar.width - 2 * inset)
    word_role = next(fitting, Role.SMALL)
    drawn = typeface.draw(picture, sign.word, word_role, INK, midleft=(bar.x + inset, bar.centery))
    room = bar.right - inset - drawn.right - typeface.px(20)
    for role in (Role.STRONG, Role.SMALL):
        if typeface.width(sign.note, role) <= room:
            typeface.draw(picture, sign.note, role, INK, midright=(bar.right - inset, bar.centery))
            return


def _draw_hint(picture: pygame.Surface, typeface: Typeface, bar: pygame.Rect, sign: Sign) -> None:
    """In the middle under the world; in a smaller type, or on two lines, where it is long."""
    radius = typeface.px(4)
    pygame.draw.rect(
        picture,
        mix(STAGE, sign.colour, 0.13),
        bar,
        border_bottom_left_radius=radius,
        border_bottom_right_radius=radius,
    )
    width = bar.width - typeface.px(24)
    fitting = (role for role in (Role.HINT, Role.BODY) if typeface.width(sign.hint, role) <= width)
    role = next(fitting, Role.SMALL)
    height = typeface.height(role)
    lines = typeface.wrap(sign.hint, role, width)[: max(1, bar.height // height)]
    top = bar.centery - height * len(lines) / 2
    for index, line in enumerate(lines):
        typeface.draw(picture, line, role, TEXT, midtop=(bar.centerx, round(top + index * height)))
