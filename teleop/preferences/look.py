"""How the window looks to this process: one palette, one size of text.

A look is the one thing here that is neither passed along nor made anew: every part of the window that draws would
have to carry it. The window puts it on when it opens and when a person chooses another; nothing else changes it.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass

from teleop.preferences.palettes import STANDARD, Palette


@dataclass(frozen=True)
class Look:
    palette: Palette = STANDARD
    text_size: float = 1.0
    """Times the size that suits the window."""


_WORN: ContextVar[Look] = ContextVar("look", default=Look())  # noqa: B039  # a Look is frozen


def look() -> Look:
    """The look in use."""
    return _WORN.get()


def put_on(chosen: Look) -> None:
    """Use this look from the next picture on; scenes made before may keep parts of their last one."""
    _WORN.set(chosen)
