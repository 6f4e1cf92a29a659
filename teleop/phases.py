"""Who drives is data: the phases of a session, every transition between them, and the keys that ask for one."""

from __future__ import annotations

from enum import Enum, auto

from teleop.worlds.catalogue import World


class Phase(Enum):
    """Who drives."""

    STUDENT = auto()
    """The student drives."""
    HUMAN = auto()
    """The expert drives: the person, or whoever stands in for them."""
    PAUSED = auto()
    """Nobody drives: the world waits."""


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


SESSION_KEYS: dict[Order, tuple[str, ...]] = {
    Order.TAKE_OVER: ("space", "tab"),
    Order.PAUSE: ("p", "f1"),
    Order.SLOWER: ("-", "f2"),
    Order.FASTER: ("=", "f3"),
    Order.NEXT_EPISODE: ("n", "f4"),
}
"""Each order's key, and its stand-in for a world that drives with the first."""


def session_keys(world: World) -> dict[str, Order]:
    """Key name -> order, with stand-ins where the world drives with a key itself."""
    keys = {}
    for order, candidates in SESSION_KEYS.items():
        free = [key for key in candidates if key not in world.keys]
        if free:
            keys[free[0]] = order
    return keys
