"""The colours and type of pygame_gui's widgets, so that they match what is drawn by hand."""

from __future__ import annotations

from typing import Any

from recordings.schema import Driver
from teleop.app.typeface import font_path
from teleop.palette import BACKGROUND, CARD, CARD_EDGE, DRIVERS, FAINT, INK, MUTED, TEXT, Colour, mix

ACCENT: Colour = DRIVERS[Driver.HUMAN]
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
    button = {
        "normal_bg": _hex(mix(CARD, CARD_EDGE, 0.5)),
        "hovered_bg": _hex(CARD_EDGE),
        "active_bg": _hex(ACCENT),
        "selected_bg": _hex(ACCENT),
        "disabled_bg": _hex(CARD),
        "normal_text": _hex(TEXT),
        "hovered_text": _hex(TEXT),
        "active_text": _hex(INK),
        "selected_text": _hex(INK),
        "disabled_text": _hex(FAINT),
        "normal_border": _hex(CARD_EDGE),
        "hovered_border": _hex(FAINT),
        "active_border": _hex(ACCENT),
        "selected_border": _hex(ACCENT),
        "disabled_border": _hex(CARD),
    }
    return {
        "defaults": {"font": font, "colours": {"dark_bg": _hex(CARD), "normal_text": _hex(TEXT)}},
        "button": {"colours": button, "font": font, "misc": rounded},
        "@start": {"colours": {**button, **_start()}, "font": {**font, "bold": "1"}, "misc": rounded},
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
        "selection_list": {
            "colours": {"dark_bg": _hex(BACKGROUND), "normal_border": _hex(CARD_EDGE)},
            "font": font,
            "misc": {**rounded, "list_item_height": str(round(30 * scale))},
        },
        "selection_list.@selection_list_item": {
            "colours": {**button, "normal_bg": _hex(BACKGROUND), "normal_border": _hex(BACKGROUND)},
            "font": font,
            "misc": {**rounded, "text_horiz_alignment": "left", "text_horiz_alignment_padding": "10"},
        },
    }


def _start() -> dict[str, str]:
    """The one button that matters is filled."""
    green = DRIVERS[Driver.SCRIPTED]
    return {
        "normal_bg": _hex(green),
        "hovered_bg": _hex(mix(green, TEXT, 0.2)),
        "active_bg": _hex(mix(green, INK, 0.2)),
        "normal_text": _hex(INK),
        "hovered_text": _hex(INK),
        "active_text": _hex(INK),
        "normal_border": _hex(green),
        "hovered_border": _hex(green),
    }


def _hex(colour: Colour) -> str:
    return "#{:02X}{:02X}{:02X}".format(*colour)
