"""Which keys a person drives and commands with: the usual ones, those for one hand, and those they chose.

bindings(settings)          the session orders' keys, as `phases.session_keys` takes them
driven(world, settings)     a world with the drive keys of this person
rebound(settings, ...)      the settings after a key was pressed for something, or why that cannot be
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

import numpy as np

from recordings.errors import UnderstudyError
from teleop.preferences.settings import Hands, Settings
from teleop.studio.phases import DESK_KEYS, Order, session_keys
from teleop.worlds.catalogue import World
from teleop.worlds.keys import ARROWS, DRIVE_KEYS

LETTERS = ("w", "a", "s", "d")
UNDER: Mapping[Hands, Mapping[Order, str]] = MappingProxyType(
    {
        "two": {},
        "left": {
            Order.PAUSE: "q",
            Order.SLOWER: "4",
            Order.FASTER: "5",
            Order.NEXT_EPISODE: "r",
            Order.SUCCESS: "e",
            Order.DISCARD: "f",
            Order.UNDO: "z",
            Order.REDO: "`",
            Order.REWIND: "b",
        },
        "right": {Order.FAILURE: "l", Order.DESK: "o"},
    }
)
"""Keys within reach of the hand that drives, where the usual one is not."""
TAKEN: Mapping[str, str] = MappingProxyType(
    {"escape": "leaves", "c": "changes the map", "v": "changes the map", "g": "changes the chart"}
)
"""Keys with a meaning of their own in the window, and what they do."""
DOES: Mapping[Order, str] = MappingProxyType(
    {
        Order.TAKE_OVER: "take over",
        Order.PAUSE: "pause",
        Order.SLOWER: "slower",
        Order.FASTER: "faster",
        Order.NEXT_EPISODE: "end episode",
        Order.SUCCESS: "success",
        Order.FAILURE: "failure",
        Order.DISCARD: "discard episode",
        Order.UNDO: "undo",
        Order.REDO: "redo",
        Order.DESK: "timeline",
        Order.REWIND: "rewind",
    }
)
"""Each order in a word or two."""


class KeyTaken(UnderstudyError):
    """The key means something else already."""


@dataclass(frozen=True)
class Bound:
    """Something that a key does."""

    kind: Literal["order", "drive"]
    name: str
    """The order's name in lower case, or the drive key that is the usual one."""


def bindings(settings: Settings) -> dict[str, str]:
    """An order's name in lower case -> the key preferred for it; orders with their usual key are left out."""
    under = {order.name.lower(): key for order, key in UNDER[settings.hands].items()}
    return {**under, **settings.session_keys}


def driven(world: World, settings: Settings) -> World:
    """The world with the keys that this person drives it with."""
    chosen = settings.drive_keys.get(world.name, {})
    usual = usual_keys(world, settings.hands)
    return replace(world, keys={chosen.get(key, key): world.keys[key] for key in usual})


def usual_keys(world: World, hands: Hands) -> list[str]:
    """The world's own drive keys that lie under these hands: all, or none of the other hand's where both can drive."""
    other: tuple[str, ...] = {"two": (), "left": ARROWS, "right": LETTERS}[hands]
    kept = [key for key in world.keys if key not in other]
    actions = [world.keys[key] for key in kept]
    lost = [
        action for action in world.keys.values() if not any(np.array_equal(action, has) for has in actions)
    ]
    return list(world.keys) if lost else kept


def key_of(bound: Bound, world: World, settings: Settings) -> str:
    """The key that does this now in this world; empty where none is left for it."""
    if bound.kind == "drive":
        return settings.drive_keys.get(world.name, {}).get(bound.name, bound.name)
    keys = session_keys(driven(world, settings), bindings(settings))
    return next((key for key, order in keys.items() if order.name.lower() == bound.name), "")


def owner_of(key: str, world: World, settings: Settings) -> Bound | None:
    """What this key does now in this world, where another could be chosen for it."""
    for usual in usual_keys(world, settings.hands):
        if key_of(Bound("drive", usual), world, settings) == key:
            return Bound("drive", usual)
    order = session_keys(driven(world, settings), bindings(settings)).get(key)
    return None if order is None else Bound("order", order.name.lower())


def rebound(settings: Settings, world: World, bound: Bound, key: str) -> Settings:
    """The settings with this key for it; two drive keys, or two orders', are swapped.

    Raises KeyTaken, which says what the key does already.
    """
    why_not = _why_not(bound, key)
    if why_not:
        raise KeyTaken(why_not)
    owner = owner_of(key, world, settings)
    if owner == bound:
        return settings
    chosen = _with(settings, world, bound, key)
    if owner is None:
        return chosen
    before = key_of(bound, world, settings)
    if owner.kind != bound.kind or not before or _why_not(owner, before):
        what = f"for “{DOES[Order[owner.name.upper()]]}”" if owner.kind == "order" else "a drive key"
        raise KeyTaken(f"is {what} already")
    return _with(chosen, world, owner, before)


def _why_not(bound: Bound, key: str) -> str:
    """Why nobody may choose this key for such a thing; empty: they may."""
    if key in TAKEN:
        return f"{TAKEN[key]} already"
    if bound.kind == "order" and key in DESK_KEYS:
        return "is for the timeline"
    if bound.kind == "drive" and key not in DRIVE_KEYS:
        return "cannot drive: letters, digits, arrows, SPACE and ENTER can"
    return ""


def _with(settings: Settings, world: World, bound: Bound, key: str) -> Settings:
    if bound.kind == "order":
        return replace(settings, session_keys={**settings.session_keys, bound.name: key})
    chosen = {**settings.drive_keys.get(world.name, {}), bound.name: key}
    return replace(settings, drive_keys={**settings.drive_keys, world.name: chosen})


def as_usual(settings: Settings, world: World) -> Settings:
    """The settings with the usual keys for every order, and for driving this world."""
    others = {name: keys for name, keys in settings.drive_keys.items() if name != world.name}
    return replace(settings, session_keys={}, drive_keys=others)
