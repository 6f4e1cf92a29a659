"""The colours and type of pygame_gui's widgets, so that they match what is drawn by hand."""

from __future__ import annotations

from typing import Any

from teleop.app.answers import ACCENT
from teleop.app.typeface import font_path
from teleop.preferences.palette import BACKGROUND, CARD, CARD_EDGE, INK, MUTED, TEXT, Colour

FONT = "dejavu"


def theme(scale: float) -> dict[str, Any]:
    """A theme for `pygame_gui.UIManager`; scale: 1.0 in a window of 1280x800."""
    size = str(max(10, round(14 * scale)))
    font = {
        "name": FONT,
        "size": size,
        "bold": "0",
        "regular_path": font_path(False),
        "bold_path": font_path(True),
        "italic_path": font_path(False),
        "bold_italic_path": font_path(True),
    }
    rounded = {
        "shape": "rounded_rectangle",
        "shape_corner_radius": str(max(2, round(6 * scale))),
        "border_width": "1",
        "shadow_width": "0",
    }
    return {
        "defaults": {"font": font, "colours": {"dark_bg": _hex(CARD), "normal_text": _hex(TEXT)}},
        "text_entry_line": {
            "colours": {
                "dark_bg": _hex(BACKGROUND),
                "normal_text": _hex(TEXT),
                "selected_text": _hex(INK),
                "selected_bg": _hex(ACCENT),
                "normal_border": _hex(CARD_EDGE),
                "focused_border": _hex(MUTED),
                "text_cursor": _hex(TEXT),
            },
            "font": font,
            "misc": {**rounded, "padding": f"{round(8 * scale)},{round(4 * scale)}"},
        },
    }


def _hex(colour: Colour) -> str:
    return "#{:02X}{:02X}{:02X}".format(*colour)
