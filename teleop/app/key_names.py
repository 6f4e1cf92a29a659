"""From pygame's key constants to the names that worlds and sessions use: the one place where the two meet."""

from __future__ import annotations

import string

import pygame

KEY_NAMES: dict[int, str] = {
    pygame.K_LEFT: "left",
    pygame.K_RIGHT: "right",
    pygame.K_UP: "up",
    pygame.K_DOWN: "down",
    pygame.K_SPACE: "space",
    pygame.K_TAB: "tab",
    pygame.K_RETURN: "return",
    pygame.K_BACKSPACE: "backspace",
    pygame.K_DELETE: "delete",
    pygame.K_ESCAPE: "escape",
    pygame.K_MINUS: "-",
    pygame.K_KP_MINUS: "-",
    pygame.K_EQUALS: "=",
    pygame.K_PLUS: "=",
    pygame.K_KP_PLUS: "=",
    pygame.K_COMMA: ",",
    pygame.K_PERIOD: ".",
    pygame.K_SLASH: "/",
    pygame.K_SEMICOLON: ";",
    pygame.K_LEFTBRACKET: "[",
    pygame.K_RIGHTBRACKET: "]",
    pygame.K_QUOTE: "'",
    pygame.K_BACKSLASH: "\\",
    pygame.K_BACKQUOTE: "`",
    pygame.K_LSHIFT: "left shift",
    pygame.K_RSHIFT: "right shift",
    pygame.K_HOME: "home",
    pygame.K_END: "end",
    pygame.K_PAGEUP: "page up",
    pygame.K_PAGEDOWN: "page down",
    **{getattr(pygame, f"K_{letter}"): letter for letter in string.ascii_lowercase},
    **{getattr(pygame, f"K_{digit}"): digit for digit in string.digits},
    **{getattr(pygame, f"K_KP{digit}"): digit for digit in string.digits},
    **{getattr(pygame, f"K_F{number}"): f"f{number}" for number in range(1, 13)},
}
"""pygame key constant -> name. Ctrl, Alt and Super are left out on purpose: chords belong to the desktop."""

KEY_CODES = {name: code for code, name in reversed(KEY_NAMES.items())}
"""Name -> the pygame constant of its first bearer on the keyboard."""

KEY_CAPS: dict[str, str] = {
    "left": "←",
    "right": "→",
    "up": "↑",
    "down": "↓",
    "return": "ENTER",
    "page up": "PG UP",
    "page down": "PG DN",
    "escape": "ESC",
    "delete": "DEL",
    "backspace": "BKSP",
    "-": "−",
    "left shift": "SHIFT",
    "right shift": "SHIFT",
}
"""How a name is written on a drawn key, where that is not the name in capitals."""


def key_name(event: pygame.Event) -> str | None:
    """The name of the key of a KEYDOWN or KEYUP event, or None for a key nothing is bound to."""
    return KEY_NAMES.get(event.key)


def key_cap(name: str) -> str:
    """What stands on the drawn key: "←" for "left", "A" for "a"."""
    return KEY_CAPS.get(name, name.upper())
