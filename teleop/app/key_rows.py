"""The keys of a live session as the panel lists them: what matters most first, and none without effect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from teleop.app.keycaps import KeyRow
from teleop.app.painters.choose import layer_keys
from teleop.app.painters.view import Painter
from teleop.app.words import corrects, person_drives
from teleop.session import Session
from teleop.studio.phases import DESK_KEYS, DeskOrder, Order
from teleop.worlds.catalogue import ControlScheme, World

CHART_KEYS = ("g", "]")
"""The key that brings the next chart to the front, and its stand-in for a world that drives with the first."""
Rows = tuple[tuple[tuple[Order, ...], str], ...]
DRIVING: Rows = (
    ((Order.TAKE_OVER,), "take over"),
    ((Order.PAUSE,), "pause"),
    ((Order.DESK,), "look back"),
    ((Order.REWIND,), "rewind"),
    ((Order.UNDO, Order.REDO), "undo, redo"),
    ((Order.SUCCESS, Order.FAILURE), "success, failure"),
    ((Order.DISCARD,), "discard"),
    ((Order.NEXT_EPISODE,), "end episode"),
    ((Order.SLOWER, Order.FASTER), "speed"),
)
AT_DESK: Rows = (
    ((Order.TAKE_OVER,), "go on from here"),
    ((Order.DESK,), "close"),
    ((Order.UNDO, Order.REDO), "undo, redo"),
    ((Order.REWIND,), "further back"),
)
DESK_ROWS: tuple[tuple[tuple[DeskOrder, ...], str], ...] = (
    ((DeskOrder.BACK, DeskOrder.FORWARD), "step"),
    ((DeskOrder.PREVIOUS, DeskOrder.NEXT), "worth asking"),
    ((DeskOrder.AGREE,), "student is right"),
    ((DeskOrder.SKIP,), "skip"),
    ((DeskOrder.CRITERION,), "other doubt"),
)


def drive_rows(session: Session) -> tuple[KeyRow, ...]:
    """One row an action, with every key that gives it; none where a card of choices names them, or a script drives."""
    if session.desk is not None or session.question is not None or not person_drives(session):
        return ()
    by_word: dict[str, list[str]] = {}
    for key, action in session.world.keys.items():
        by_word.setdefault(word_of(session.world, action), []).append(key)
    return tuple(KeyRow(tuple(names), word) for word, names in by_word.items())


def word_of(world: World, action: Any) -> str:
    """What this action is called in this world."""
    return world.word_for(action) or action_word(action, world.action_names)


def action_word(action: Any, names: Sequence[str]) -> str:
    """The name of an action, or its number; of several numbers each, to three digits."""
    if np.ndim(action):
        return np.array2string(np.asarray(action), precision=3)
    named = isinstance(action, int | np.integer) and 0 <= action < len(names)
    word = names[int(action)] if named else str(action)
    return f"action {word}" if word.isdigit() else word


def session_rows(session: Session, painter: Painter, leave_word: str) -> tuple[KeyRow, ...]:
    """The session's own keys and what they do now."""
    if session.desk is not None:
        moves = _rows(DESK_ROWS, DESK_KEYS)
        return (*moves, *_rows(AT_DESK, session.keys))
    rows = [
        (orders, _takeover_word(session) if orders[0] is Order.TAKE_OVER else word)
        for orders, word in DRIVING
        if not _is_idle(session, orders[0])
    ]
    layers = layer_keys(painter, session.world) if corrects(session) else None
    more = [KeyRow(layers, "change map")] if layers else []
    chart = chart_key(session.world) if corrects(session) else None
    more += [KeyRow((chart,), "next chart")] if chart else []
    return (*_rows(rows, session.keys), *more, KeyRow(("escape",), leave_word))


def chart_key(world: World) -> str | None:
    """The key that brings the next chart to the front; None where the world drives with every candidate."""
    return next((key for key in CHART_KEYS if key not in world.keys), None)


def _rows(rows: Sequence[tuple[Sequence[Any], str]], keys: Mapping[str, Any]) -> list[KeyRow]:
    found = []
    for orders, word in rows:
        bound = tuple(key for order in orders for key, given in keys.items() if given is order)
        if bound:
            found.append(KeyRow(bound, word))
    return found


def _takeover_word(session: Session) -> str:
    return "hold to take over" if session.rules.takeover == "hold" else "take over, hand back"


def _is_idle(session: Session, order: Order) -> bool:
    """Has this order no effect here?"""
    if order is Order.TAKE_OVER:
        return not (corrects(session) and person_drives(session) and session.gate is None)
    at_own_pace = session.world.scheme is ControlScheme.WAIT and person_drives(session)
    return order is Order.SLOWER and at_own_pace and not corrects(session)
