"""Who drives is data: the phases of a session, every transition between them, and the keys that ask for one."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto
from types import MappingProxyType
from typing import Any

from teleop.worlds.catalogue import World


class Phase(Enum):
    """Who drives."""

    STUDENT = auto()
    """The student drives."""
    HUMAN = auto()
    """The expert drives: the person, or whoever stands in for them."""
    PAUSED = auto()
    """Nobody drives: the world waits, for the person to go on, to answer a question, or to be done at the desk."""


class Wish(Enum):
    """What a key, a gate or the window asks for."""

    TAKE_OVER = auto()
    HAND_BACK = auto()
    PAUSE = auto()
    RESUME = auto()


NEXT: dict[tuple[Phase, Wish], Phase] = {
    (Phase.STUDENT, Wish.TAKE_OVER): Phase.HUMAN,
    (Phase.STUDENT, Wish.PAUSE): Phase.PAUSED,
    (Phase.HUMAN, Wish.HAND_BACK): Phase.STUDENT,
    (Phase.HUMAN, Wish.PAUSE): Phase.PAUSED,
    (Phase.PAUSED, Wish.TAKE_OVER): Phase.HUMAN,
    (Phase.PAUSED, Wish.RESUME): Phase.STUDENT,
}
"""Every transition there is; a wish that is not listed changes nothing."""


class Order(Enum):
    """What a session key does; drive keys are the world's own."""

    TAKE_OVER = auto()
    PAUSE = auto()
    SLOWER = auto()
    FASTER = auto()
    NEXT_EPISODE = auto()
    SUCCESS = auto()
    FAILURE = auto()
    DISCARD = auto()
    UNDO = auto()
    REDO = auto()
    DESK = auto()
    """Open the timeline of what the student did, or close it."""
    REWIND = auto()
    """Open it some steps back; once more: further back."""


SESSION_KEYS: dict[Order, tuple[str, ...]] = {
    Order.TAKE_OVER: ("space", "tab"),
    Order.PAUSE: ("p", "f1"),
    Order.SLOWER: ("-", "f2"),
    Order.FASTER: ("=", "f3"),
    Order.NEXT_EPISODE: ("n", "f4"),
    Order.SUCCESS: ("y", "f6"),
    Order.FAILURE: ("x", "f7"),
    Order.DISCARD: ("delete", "f8"),
    Order.UNDO: ("u", "f9"),
    Order.REDO: ("i", "f10"),
    Order.DESK: ("t", "f11"),
    Order.REWIND: ("backspace", "f12"),
}
"""Each order's key, and its stand-in for a world that drives with the first."""


class DeskOrder(Enum):
    """What a key does at the desk, beside the orders that go on counting there."""

    BACK = auto()
    FORWARD = auto()
    START = auto()
    END = auto()
    PREVIOUS = auto()
    """To the state worth asking about before this one."""
    NEXT = auto()
    """To the next state worth asking about."""
    SKIP = auto()
    """Leave this state without a label, and go on to the next one worth asking about."""
    AGREE = auto()
    """The student is right here."""
    CRITERION = auto()
    """Look for another kind of doubt."""


DESK_KEYS: Mapping[str, DeskOrder] = MappingProxyType(
    {
        "left": DeskOrder.BACK,
        "right": DeskOrder.FORWARD,
        "home": DeskOrder.START,
        "end": DeskOrder.END,
        "up": DeskOrder.PREVIOUS,
        "down": DeskOrder.NEXT,
        "tab": DeskOrder.SKIP,
        "return": DeskOrder.AGREE,
        "/": DeskOrder.CRITERION,
    }
)
"""At the desk the arrows move through time, so labels are given with a world's other keys."""


def session_keys(world: World, chosen: Mapping[str, str] = MappingProxyType({})) -> dict[str, Order]:
    """Key name -> order, with stand-ins where the world drives with a key itself.

    chosen: an order's name in lower case ("take_over") -> the key a person prefers for it.
    """
    keys: dict[str, Order] = {}
    for order in sorted(SESSION_KEYS, key=lambda order: order.name.lower() not in chosen):
        preferred = chosen.get(order.name.lower())
        candidates = (*((preferred,) if preferred else ()), *SESSION_KEYS[order])
        free = [key for key in candidates if key not in world.keys and key not in keys]
        if free:
            keys[free[0]] = order
    return keys


def label_keys(keys: Mapping[str, Any]) -> dict[str, Any]:
    """Key -> the action it labels a state with at the desk: the drive keys that do not move through time.

    An action that is left without a key is given a digit, counted from 1 in the order of the actions.
    """
    labels = {key: action for key, action in keys.items() if key not in DESK_KEYS}
    digits = (digit for digit in "123456789" if digit not in keys)
    missing = [action for action in _distinct(keys) if not _has(labels, action)]
    return labels | dict(zip(digits, missing, strict=False))


def _distinct(keys: Mapping[str, Any]) -> list[Any]:
    found: dict[str, Any] = {}
    for action in keys.values():
        found.setdefault(repr(action), action)
    return list(found.values())


def _has(labels: Mapping[str, Any], action: Any) -> bool:
    return any(repr(action) == repr(each) for each in labels.values())
