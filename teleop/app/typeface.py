"""Text, sharp at every size of the window: DejaVu Sans, which matplotlib (a dependency) carries with it.

pygame's own default font has neither arrows nor good shapes at small sizes.
"""

from __future__ import annotations

from collections import OrderedDict
from enum import Enum
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pygame

from teleop.preferences.palette import TEXT, Colour

RENDERED_TEXTS = 1024
"""Rendered texts kept by one typeface; the least recently used goes first."""


class Role(Enum):
    """What a text is for: size in pixels in a window of 1280x800, and whether it is bold."""

    SMALL = (12.0, False)
    LABEL = (11.0, True)
    BODY = (14.0, False)
    STRONG = (14.0, True)
    HINT = (17.0, False)
    BANNER = (19.0, True)
    TITLE = (21.0, True)
    NUMBER = (25.0, True)
    LOGO = (38.0, True)


@cache
def font_path(bold: bool) -> str | None:
    """The file of DejaVu Sans: matplotlib's, else the system's; None: pygame's default font."""
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    package = find_spec("matplotlib")
    for folder in (package.submodule_search_locations or []) if package is not None else []:
        path = Path(folder, "mpl-data", "fonts", "ttf", name)
        if path.is_file():
            return str(path)
    return pygame.font.match_font(["dejavusans", "notosans", "liberationsans", "arial"], bold=bold)


class Typeface:
    """Renders and remembers texts at one scale."""

    def __init__(self, scale: float) -> None:
        """scale: 1.0 in a window of 1280x800."""
        pygame.font.init()
        self.scale = scale
        self._fonts = {role: _font(role, scale) for role in Role}
        self._rendered: OrderedDict[tuple[str, Role, Colour], pygame.Surface] = OrderedDict()

    def px(self, length: float) -> int:
        """A length of the 1280x800 design in this window's pixels, at least 1."""
        return max(1, round(length * self.scale))

    def height(self, role: Role) -> int:
        """From one line to the next, in pixels."""
        return self._fonts[role].get_linesize()

    def width(self, text: str, role: Role) -> int:
        return self._fonts[role].size(text)[0]

    def render(self, text: str, role: Role, colour: Colour = TEXT) -> pygame.Surface:
        """The text as a surface; not to be drawn upon."""
        key = (text, role, colour)
        surface = self._rendered.pop(key, None)
        if surface is None:
            surface = self._fonts[role].render(text, True, colour)
            if len(self._rendered) >= RENDERED_TEXTS:
                self._rendered.popitem(last=False)
        self._rendered[key] = surface
        return surface

    def draw(
        self, surface: pygame.Surface, text: str, role: Role, colour: Colour = TEXT, **anchor: Any
    ) -> pygame.Rect:
        """Draw the text; `anchor` places its rectangle (`topleft=(x, y)`, `midright=...`)."""
        image = self.render(text, role, colour)
        return surface.blit(image, image.get_rect(**anchor))

    def elide(self, text: str, role: Role, width: int) -> str:
        """The text if it fits into `width` pixels, else an ellipsis and its end, which tells files apart."""
        if self.width(text, role) <= width:
            return text
        while text and self.width("…" + text, role) > width:
            text = text[1:]
        return "…" + text

    def wrap(self, text: str, role: Role, width: int) -> list[str]:
        """The text broken at spaces into lines of at most `width` pixels; a longer word stands alone."""
        lines = [""]
        for word in text.split():
            longer = f"{lines[-1]} {word}".strip()
            if lines[-1] and self.width(longer, role) > width:
                lines.append(word)
            else:
                lines[-1] = longer
        return lines


def _font(role: Role, scale: float) -> pygame.font.Font:
    size, bold = role.value
    return pygame.font.Font(font_path(bold), max(10, round(size * scale)))
