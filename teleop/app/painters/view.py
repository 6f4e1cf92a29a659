"""What a painter is shown, by a live session and by a replay alike, and what it must be able to do."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import pygame

from learners.interface import FloatArray, IntArray, Policy
from recordings.schema import Driver
from teleop.app.episode_view import EpisodeView
from teleop.preferences.palette import Colour
from teleop.studio.past import Lived


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
    reward: FloatArray | None = None
    """What the student's learner took the demonstrators' reward to be, (S,) or (S, A); None: it recovered none."""
    labels: Mapping[int, Any] = field(default_factory=dict)
    """In a world of finitely many states, the last label of each labelled one."""
    version_of_labels: int = 0
    """Rises whenever `labels` change."""
    visited: IntArray | None = None
    """(S,) how often anybody came to each state while this was recorded; None: not counted."""
    labelled_steps: Collection[int] = ()
    """Which entries of `path` were labelled."""
    ahead: float = 0.0
    """The share of the step from `observation` on that has passed, 0 to 1, in a world that does not wait."""
    episode: EpisodeView | None = None
    """In a replay, the whole episode, of which `path` is the beginning."""
    again: tuple[Lived, int] | None = None
    """In a live session that shows another moment than the present one, its episode and step; else None."""


@dataclass(frozen=True)
class Legend:
    """What the colours on a map mean."""

    caption: str
    """What is shown."""
    low: str
    high: str
    """What the first and the last colour stand for."""
    colours: tuple[Colour, ...]


class Painter(Protocol):
    """Draws one world."""

    @property
    def aspect(self) -> float:
        """Width of the world's picture divided by its height."""
        ...

    def draw(self, surface: pygame.Surface, area: pygame.Rect, view: View, now_s: float) -> None:
        """Draw the world into `area` of `surface`, as large as fits and centred."""
        ...


@runtime_checkable
class LayeredPainter(Painter, Protocol):
    """Draws a world with something about the student laid over it: one thing of several at a time."""

    @property
    def legend(self) -> Legend | None:
        """What the layer drawn last means; None where there was none."""
        ...

    def show_layer(self, step: int) -> None:
        """Lay another thing over the world: 1 the next one, -1 the one before; around the ends."""
        ...
