"""What the side panel shows of a live session, as plain values: equal facts look the same.

`teleop.app.reading` reads them from a session, `teleop.app.cards` paints them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from recordings.schema import Driver, Outcome
from teleop.app.chart import Chart
from teleop.app.keycaps import KeyRow
from teleop.app.painters.view import Legend
from teleop.preferences.palette import TEXT, Colour
from teleop.studio.score import Count


@dataclass(frozen=True)
class Finished:
    """An episode that has ended."""

    episode: int
    """Counted from 0, as in the file."""
    return_: float
    length: int
    outcome: Outcome
    mostly: Driver
    """Who drove most of it."""
    is_alone: bool = True
    """One and the same drove all of it."""


class Line(NamedTuple):
    """A caption and its value."""

    caption: str
    value: str
    colour: Colour = TEXT


@dataclass(frozen=True)
class StudentFacts:
    """About whoever is taught."""

    version: str
    """"v34, 4 s old"; "–" before the first."""
    agreement: Count
    """Of the last labels, those on which it agreed."""
    lines: tuple[Line, ...]
    """What matters most first."""
    trouble: str = ""
    """Why there will be no newer student."""
    legend: Legend | None = None
    """What the colours on the map mean."""


@dataclass(frozen=True)
class Choice:
    """One action that could be taken."""

    word: str
    keys: tuple[str, ...] = ()
    """That give it; none where keys do not matter."""
    percent: int | None = None
    """How probable the student finds it; None: it does not say."""
    is_student_s: bool = False
    """What the student would do."""
    is_label: bool = False
    """What the state was labelled with."""


@dataclass(frozen=True)
class Asked:
    """A state a person is to say something about: at the timeline, or because the student asks."""

    title: str
    remark: str
    """Where it lies."""
    reason: str
    """Why this one."""
    lines: tuple[Line, ...]
    choices: tuple[Choice, ...]


@dataclass(frozen=True)
class Facts:
    """Everything on the panel."""

    title: str
    description: str
    """What there is to do in this world."""
    purpose: str
    episode: int
    return_: float
    length: int
    last: Finished | None
    student: StudentFacts | None
    """None where there is nobody to teach."""
    asked: Asked | None
    """None while nothing is asked."""
    odds: tuple[Choice, ...]
    """What the student would do now and how sure it is; empty where that is not known, or told beside the world."""
    file: str
    recording: tuple[Line, ...]
    """What matters most first."""
    drive_keys: tuple[KeyRow, ...]
    session_keys: tuple[KeyRow, ...]
    """What matters most first."""
    held: frozenset[str]
    colour: Colour
    """Of a held key."""
    charts: tuple[Chart, ...]
