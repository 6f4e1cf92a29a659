"""The side panel of a live session: everything a person wants to know at a glance, and nothing to click.

Reading order: Facts (what is shown), facts_of (read from the session), Panel (redrawn when a fact changes).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pygame

from recordings.schema import Driver, Outcome
from teleop.app import card
from teleop.app.chart import Point, draw_chart
from teleop.app.keycaps import KeyRow, cap_height, draw_row, flow
from teleop.app.painters.view import Legend
from teleop.app.typeface import Role, Typeface
from teleop.app.words import ENDED, age, corrects, expert_driver, number, person_drives
from teleop.palette import BACKGROUND, DRIVERS, MUTED, OUTCOMES, TEXT, WARNING, Colour
from teleop.phases import Order
from teleop.session import Session
from teleop.worlds.catalogue import ControlScheme

ROOMY = 740
"""Height from which the world is described, in design pixels."""
CHART_LEAST = 100
"""Height below which the chart is left out, in design pixels."""


@dataclass(frozen=True)
class Finished:
    """An episode that has ended."""

    episode: int
    """Counted from 1."""
    return_: float
    length: int
    outcome: Outcome
    mostly: Driver
    """Who drove most of it."""


@dataclass(frozen=True)
class Facts:
    """What the panel shows; equal facts look the same."""

    title: str
    description: str
    """What there is to do in this world."""
    purpose: str
    episode: int
    return_: float
    length: int
    last: Finished | None
    steps: int
    labels: int
    hz: str
    file: str
    student: tuple[tuple[str, str], ...] | None
    """Captions and values about the student; None where there is nobody to teach."""
    version: str
    agreement: tuple[int, int]
    """Recently labelled steps on which the student agreed, of how many."""
    trouble: str
    legend: Legend | None
    """What the colours on the map mean."""
    drive_keys: tuple[KeyRow, ...]
    session_keys: tuple[KeyRow, ...]
    held: frozenset[str]
    finished: tuple[Finished, ...]
    colour: Colour
    """Of a held key."""


def facts_of(
    session: Session,
    *,
    finished: Sequence[Finished],
    held: frozenset[str],
    student_age_s: float,
    agreement: tuple[int, int],
    file: str,
    leave_word: str,
    legend: Legend | None = None,
    layer_key: str | None = None,
) -> Facts:
    """Everything the panel shows about a live session. layer_key: the key that lays something else over the map."""
    student = session.student
    return Facts(
        title=session.world.title,
        description=session.world.description,
        purpose="Correct a student" if corrects(session) else "Record demonstrations",
        episode=max(session.episode, 0) + 1,
        return_=session.episode_return,
        length=session.episode_length,
        last=finished[-1] if finished else None,
        steps=session.recorder.steps,
        labels=session.labels,
        hz=_rate(session),
        file=file,
        student=_about_the_student(session, student_age_s) if corrects(session) else None,
        version="–" if student is None else f"v{student.version}",
        agreement=agreement,
        trouble="" if session.trainer is None else session.trainer.trouble,
        legend=legend,
        drive_keys=drive_rows(session.world.keys, session.world.action_names)
        if person_drives(session)
        else (),
        session_keys=session_rows(session, leave_word, layer_key),
        held=held,
        finished=tuple(finished),
        colour=DRIVERS[expert_driver(session)],
    )


def _rate(session: Session) -> str:
    hz = f"{session.metronome.hz:.3g} Hz"
    if person_drives(session) and session.world.scheme is ControlScheme.WAIT:
        return f"at your pace; student {hz}" if corrects(session) else "at your pace"
    return hz


def _about_the_student(session: Session, age_s: float) -> tuple[tuple[str, str], ...]:
    student = session.student
    if student is None:
        return (("student", "none yet: it learns from your first labels"),)
    share = session.student_ticks / session.driven_ticks if session.driven_ticks else 0.0
    return (
        ("learned from", f"{student.labels} labelled steps"),
        ("newest version", f"{age(age_s)} old"),
        ("drove itself", f"{100 * share:.0f} % of steps"),
        ("takeovers", str(session.takeovers)),
    )


def drive_rows(keys: Any, action_names: Sequence[str]) -> tuple[KeyRow, ...]:
    """One row an action, with every key that gives it."""
    by_action: dict[str, list[str]] = {}
    for key, action in keys.items():
        named = isinstance(action, int) and 0 <= action < len(action_names)
        word = action_names[action] if named else str(action)
        by_action.setdefault(f"action {word}" if word.isdigit() else word, []).append(key)
    return tuple(KeyRow(tuple(names), word) for word, names in by_action.items())


def session_rows(session: Session, leave_word: str, layer_key: str | None = None) -> tuple[KeyRow, ...]:
    """The session's own keys and what they do, those without effect left out."""
    words = {
        Order.TAKE_OVER: "hold to take over" if session.rules.takeover == "hold" else "take over, hand back",
        Order.PAUSE: "pause",
        Order.NEXT_EPISODE: "end episode",
    }
    unused = set()
    if not (corrects(session) and person_drives(session) and session.gate is None):
        unused.add(Order.TAKE_OVER)
    pair = tuple(key for key, order in session.keys.items() if order in (Order.SLOWER, Order.FASTER))
    rows = [
        KeyRow((key,), words[order])
        for key, order in session.keys.items()
        if order in words and order not in unused
    ]
    if session.world.scheme is not ControlScheme.WAIT or corrects(session) or not person_drives(session):
        rows.append(KeyRow(pair, "speed"))
    if layer_key is not None:
        rows.append(KeyRow((layer_key,), "change map"))
    return (*rows, KeyRow(("escape",), leave_word))


class Panel:
    """Keeps its picture, and paints again only those sections of it whose facts have changed."""

    def __init__(self) -> None:
        self._picture = pygame.Surface((0, 0))
        self._typeface: Typeface | None = None
        self._painted: dict[str, tuple[Any, int, int]] = {}
        """Section -> its facts, its top and its height."""

    def draw(self, surface: pygame.Surface, typeface: Typeface, area: pygame.Rect, facts: Facts) -> None:
        if self._picture.get_size() != area.size or self._typeface is not typeface:
            self._picture, self._typeface = pygame.Surface(area.size), typeface
            self._picture.fill(BACKGROUND)
            self._painted.clear()
        self._paint(typeface, facts)
        surface.blit(self._picture, area)

    def _paint(self, typeface: Typeface, facts: Facts) -> None:
        """From top to bottom; the chart takes the room that is left."""
        width, height = self._picture.get_size()
        y = 0
        for name, (part_of, paint) in SECTIONS.items():
            part = part_of(facts)
            before = self._painted.get(name)
            if before is None or before[:2] != (part, y):
                rest = pygame.Rect(0, y, width, height - y)
                used = paint(self._picture, typeface, rest, facts)
                if before is None or before[1:] != (y, used):
                    self._picture.fill(BACKGROUND, rest)  # what was below has moved
                    paint(self._picture, typeface, rest, facts)
                self._painted[name] = (part, y, used)
            used = self._painted[name][2]
            y += used + (typeface.px(9) if used else 0)


def _title(picture: pygame.Surface, typeface: Typeface, rest: pygame.Rect, facts: Facts) -> int:
    """The world, what it is for, and, where there is room, what there is to do in it."""
    picture.fill(BACKGROUND, rest)
    title = typeface.draw(picture, facts.title, Role.TITLE, TEXT, topleft=rest.topleft)
    fits = title.right + typeface.px(14) + typeface.width(facts.purpose, Role.BODY) <= rest.right
    if fits:
        typeface.draw(picture, facts.purpose, Role.BODY, MUTED, midright=(rest.right, title.centery))
    if rest.height < typeface.px(ROOMY):
        return title.height
    y = title.bottom + typeface.px(3)
    for line in typeface.wrap(facts.description, Role.SMALL, rest.width):
        typeface.draw(picture, line, Role.SMALL, MUTED, topleft=(rest.x, y))
        y += card.line_height(typeface)
    return y


def _card(
    picture: pygame.Surface, typeface: Typeface, rest: pygame.Rect, height: int
) -> tuple[pygame.Rect, int]:
    """A card across the panel whose contents need `height`; returns its inside and its whole height."""
    whole = height + card.padding(typeface)
    return card.draw_card(picture, typeface, pygame.Rect(rest.x, rest.y, rest.width, whole)), whole


def _episode_card(picture: pygame.Surface, typeface: Typeface, rest: pygame.Rect, facts: Facts) -> int:
    inside, whole = _card(picture, typeface, rest, card.figures_height(typeface) + card.line_height(typeface))
    figures = (
        (str(facts.episode), "episode", TEXT),
        (number(facts.return_), "return", TEXT),
        (str(facts.length), "steps", TEXT),
    )
    inside.y += card.draw_figures(picture, typeface, inside, figures)
    if facts.last is None:
        card.draw_line(picture, typeface, inside, "last episode", "none yet", MUTED)
    else:
        last = facts.last
        text = f"{ENDED[last.outcome]}: {number(last.return_)} in {last.length} steps"
        card.draw_line(picture, typeface, inside, "last episode", text, OUTCOMES[last.outcome])
    return whole


def _student_card(picture: pygame.Surface, typeface: Typeface, rest: pygame.Rect, facts: Facts) -> int:
    if facts.student is None:
        return 0
    trouble = typeface.wrap(facts.trouble, Role.SMALL, rest.width - typeface.px(28)) if facts.trouble else []
    lines = len(facts.student) + 1 + len(trouble[:3]) + (facts.legend is not None)
    height = card.heading_height(typeface) + card.line_height(typeface) * lines
    inside, whole = _card(picture, typeface, rest, height + typeface.px(9))
    inside.y += card.draw_heading(picture, typeface, inside, "student", facts.version)
    for line in trouble[:3]:
        typeface.draw(picture, line, Role.SMALL, WARNING, topleft=inside.topleft)
        inside.y += card.line_height(typeface)
    for caption, value in facts.student:
        inside.y += card.draw_line(picture, typeface, inside, caption, value)
    if facts.legend is not None:
        shown = facts.legend
        inside.y += card.draw_scale(
            picture, typeface, inside, f"map: {shown.caption}", (shown.low, shown.high), shown.colours
        )
    agreed, of = facts.agreement
    text = f"{agreed} of the last {of} labels" if of else "no labels yet"
    inside.y += card.draw_line(picture, typeface, inside, "agreement", text) + typeface.px(2)
    card.draw_bar(picture, typeface, inside, agreed / max(of, 1), DRIVERS[Driver.STUDENT])
    return whole


def _recording_card(picture: pygame.Surface, typeface: Typeface, rest: pygame.Rect, facts: Facts) -> int:
    inside, whole = _card(
        picture, typeface, rest, card.heading_height(typeface) + 3 * card.line_height(typeface)
    )
    inside.y += card.draw_heading(picture, typeface, inside, "recording", facts.file)
    inside.y += card.draw_line(picture, typeface, inside, "steps recorded", f"{facts.steps:,}")
    inside.y += card.draw_line(picture, typeface, inside, "labels given", f"{facts.labels:,}")
    card.draw_line(picture, typeface, inside, "control rate", facts.hz)
    return whole


def _keys_card(picture: pygame.Surface, typeface: Typeface, rest: pygame.Rect, facts: Facts) -> int:
    width = rest.width - 2 * typeface.px(14)
    groups = [flow(typeface, rows, width) for rows in (facts.drive_keys, facts.session_keys) if rows]
    heights = [places[-1][1][1] + cap_height(typeface) for places in groups]
    height = card.heading_height(typeface) + sum(heights) + typeface.px(10) * (len(groups) - 1)
    inside, whole = _card(picture, typeface, rest, height)
    inside.y += card.draw_heading(picture, typeface, inside, "keys")
    for places, group_height in zip(groups, heights, strict=True):
        for row, (x, y) in places:
            corner = (inside.x + x, inside.y + y)
            draw_row(picture, typeface, corner, row, held=facts.held, held_colour=facts.colour)
        inside.y += group_height + typeface.px(10)
    return whole


def _chart_card(picture: pygame.Surface, typeface: Typeface, rest: pygame.Rect, facts: Facts) -> int:
    if rest.height < typeface.px(CHART_LEAST):
        return 0
    inside = card.draw_card(picture, typeface, rest)
    used = card.draw_heading(picture, typeface, inside, "return by episode", "colour: who drove most")
    inside.y, inside.height = inside.y + used, inside.height - used
    points = [Point(each.episode, each.return_, DRIVERS[each.mostly]) for each in facts.finished]
    draw_chart(picture, typeface, inside, points)
    return rest.height


Paint = Callable[[pygame.Surface, Typeface, pygame.Rect, Facts], int]
SECTIONS: dict[str, tuple[Callable[[Facts], Any], Paint]] = {
    "title": (lambda facts: (facts.title, facts.purpose, facts.description), _title),
    "episode": (lambda facts: (facts.episode, facts.return_, facts.length, facts.last), _episode_card),
    "student": (
        lambda facts: (facts.student, facts.version, facts.agreement, facts.trouble, facts.legend),
        _student_card,
    ),
    "recording": (lambda facts: (facts.file, facts.steps, facts.labels, facts.hz), _recording_card),
    "keys": (lambda facts: (facts.drive_keys, facts.session_keys, facts.held, facts.colour), _keys_card),
    "chart": (lambda facts: facts.finished, _chart_card),
}
"""From top to bottom: the facts each section shows, and how it is painted (returning the height it used)."""
