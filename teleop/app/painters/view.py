"""What a painter is shown, by a live session and by a replay alike, and what it must be able to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import pygame

from learners.interface import Policy
from recordings.schema import Driver
from teleop.palette import Colour


@dataclass(frozen=True)
class View:
    """One moment of a world."""

    observation: Any
    """Where the agent is now; None before the first episode."""
    path: Sequence[Any] = ()
    """The observations of this episode, oldest first, `observation` not included."""
    drivers: Sequence[Driver | int] = ()
    """Who drove away from each entry of `path`."""
    colour: Colour = (255, 255, 255)
    """Of whoever drives now."""
    action: Any | None = None
    """The action that led here, or, in a replay, that is executed next."""
    student_action: Any | None = None
    """What the student would do now."""
    policy: Policy | None = None
    """The student, for painters that can show a whole policy."""
    version: int = -1
    """Of the student; a painter may keep a policy's picture until this changes."""


class Painter(Protocol):
    """Draws one world."""

    @property
    def aspect(self) -> float:
        """Width of the world's picture divided by its height."""
        ...

    def draw(self, surface: pygame.Surface, area: pygame.Rect, view: View, now_s: float) -> None:
        """Draw the world into `area` of `surface`, as large as fits and centred."""
        ...
