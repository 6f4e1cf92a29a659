"""Key names that belong to no toolkit, and the key codes that gymnasium's environments use for them."""

from __future__ import annotations

import string
from collections.abc import Iterable, Mapping
from types import MappingProxyType

ARROWS = ("up", "down", "left", "right")
DRIVE_KEYS = frozenset((*ARROWS, "space", "return", *string.ascii_lowercase, *string.digits))
"""Every key that may drive a world: no modifiers, no function keys."""

_NAMED_CODES: Mapping[int, str] = MappingProxyType(
    {
        13: "return",
        32: "space",
        # Arrows in SDL 2's numbering, then in SDL 1's, which gymnasium's MountainCar still uses.
        1073741903: "right",
        1073741904: "left",
        1073741905: "down",
        1073741906: "up",
        273: "up",
        274: "down",
        275: "right",
        276: "left",
    }
)


def key_name(key: int | str) -> str | None:
    """The name of a key that gymnasium's `keys_to_action` gives as a code or a character; None if unknown."""
    if isinstance(key, str):
        name = "space" if key == " " else key.lower()
    else:
        name = _NAMED_CODES.get(key) or (chr(key).lower() if 0 <= key < 128 else "")
    return name if name in DRIVE_KEYS else None


def single_keys(keys_to_action: Mapping[object, object]) -> tuple[dict[str, object], object | None]:
    """gymnasium's `keys_to_action` -> (key name -> action, the action for no key or None).

    Combinations of several keys are left out: here the most recent key wins.
    """
    keys: dict[str, object] = {}
    idle: object | None = None
    for combination, action in keys_to_action.items():
        pressed = combination if isinstance(combination, Iterable) else (combination,)
        names = [key_name(key) for key in pressed if isinstance(key, (int, str))]
        if not names:
            idle = action
        elif len(names) == 1 and names[0] is not None:
            keys[names[0]] = action
    return keys, idle
