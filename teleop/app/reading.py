"""What the side panel shows, read from a live session.

Reading order: Reading (at every frame), then its parts: the student, the recording, what is asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

import numpy as np

from learners.interface import FloatArray
from teleop.app.curves import Charts
from teleop.app.facts import Asked, Choice, Facts, Finished, Line, StudentFacts
from teleop.app.key_rows import action_word, drive_rows, session_rows, word_of
from teleop.app.keycaps import KeyRow
from teleop.app.painters.cartpole import CartPolePainter
from teleop.app.painters.choose import legend_of
from teleop.app.painters.odds import Odds, odds
from teleop.app.painters.view import Painter
from teleop.app.words import DROVE, age, corrects, expert_driver, figure, number, person_drives
from teleop.preferences.palette import DRIVERS
from teleop.session import Session
from teleop.studio.desk import Desk
from teleop.studio.questions import Question
from teleop.studio.score import MINUTE_NS, Count, Returns, Score, share
from teleop.training.student import StudentVersion
from teleop.worlds.catalogue import ControlScheme

MOST_CHOICES = 8
"""Actions beyond which they are not listed one by one."""


class Reading:
    """Reads one session at every frame; keeps what is dear to make, and since when there has been this student."""

    def __init__(self, session: Session, painter: Painter, *, file: str, leave_word: str) -> None:
        """file: the recording, for showing. leave_word: what the key that leaves leads to."""
        self._session, self._painter, self._file, self._leave_word = session, painter, file, leave_word
        self._charts = Charts(corrects=corrects(session))
        self._odds = Odds()
        self._rows: tuple[tuple[bool, ...], tuple[tuple[KeyRow, ...], tuple[KeyRow, ...]]] | None = None
        self._student: StudentVersion | None = None
        self._student_since_s = 0.0

    def at(self, now_s: float, *, finished: Sequence[Finished], held: frozenset[str]) -> Facts:
        """Everything the panel shows. finished: the episodes that have ended."""
        session = self._session
        if session.student is not self._student:
            self._student, self._student_since_s = session.student, now_s
        asked = asked_of(session)
        drive_keys, session_keys = self._key_rows()
        return Facts(
            title=session.world.title,
            description=session.world.description,
            purpose="Correct a student" if corrects(session) else "Record demonstrations",
            episode=max(session.episode, 0),
            return_=session.episode_return,
            length=session.episode_length,
            last=finished[-1] if finished else None,
            student=self._about_the_student(now_s),
            asked=asked,
            odds=() if asked else self._odds_now(),
            file=self._file,
            recording=tuple(recording_lines(session)),
            drive_keys=drive_keys,
            session_keys=session_keys,
            held=held,
            colour=DRIVERS[expert_driver(session)],
            charts=self._charts.of(session.score, finished, now_s),
        )

    def _key_rows(self) -> tuple[tuple[KeyRow, ...], tuple[KeyRow, ...]]:
        """Those that drive and those of the session; they change when something else is going on."""
        session = self._session
        going_on = session.desk is None, session.question is None, session.gate is None, corrects(session)
        if self._rows is None or self._rows[0] != going_on:
            rows = drive_rows(session), session_rows(session, self._painter, self._leave_word)
            self._rows = going_on, rows
        return self._rows[1]

    def _about_the_student(self, now_s: float) -> StudentFacts | None:
        session = self._session
        if not corrects(session):
            return None
        trouble = "" if session.trainer is None else session.trainer.trouble
        if session.student is None:
            line = Line("student", "none yet: it learns from your first labels")
            return StudentFacts("–", Count(0, 0), (line,), trouble)
        version = f"v{session.student.version}, {age(now_s - self._student_since_s)} old"
        lines = tuple(student_lines(session.student, session.score))
        legend = legend_of(self._painter)
        return StudentFacts(version, session.score.recent_agreement, lines, trouble, legend)

    def _odds_now(self) -> tuple[Choice, ...]:
        session = self._session
        if session.student is None or not session.running or isinstance(self._painter, CartPolePainter):
            return ()
        odds = self._odds.of(session.student.policy, session.observation)
        return choices_of(session, odds, session.student_action)


# -- the student -----------------------------------------------------------------------------------------


def student_lines(student: StudentVersion, score: Score) -> list[Line]:
    """How it does, what matters most first; what has not happened yet is left out."""
    lines = []
    if score.agreement.of > score.recent_agreement.of:
        lines.append(Line("of all labels", f"{100 * share(score.agreement):.0f} % of {score.agreement.of:,}"))
    if isfinite(score.autonomous):
        lines.append(Line("drove itself", f"{100 * score.autonomous:.0f} % of steps"))
    lines.append(Line("takeovers", _takeovers(score)))
    lines += [
        Line(caption, _returns(returns))
        for caption, returns in (("return alone", score.alone), ("return, helped", score.assisted))
        if returns.n
    ]
    lines.append(Line("learned from", f"{student.labels:,} labelled steps"))
    if isfinite(student.loss):
        lines.append(Line("loss", figure(student.loss)))
    if score.queries:
        lines.append(Line("asked", f"{score.queries} times"))
    if score.self_agreement.of:
        again = score.self_agreement
        lines.append(Line("asked again", f"{again.yes} of {again.of} alike"))
    return lines


def _takeovers(score: Score) -> str:
    if not score.takeovers:
        return "none"
    length = number(round(score.takeover_length, 1))
    return f"{score.takeovers}, {length} step{'' if length == '1' else 's'} each"


def _returns(returns: Returns) -> str:
    return f"{number(returns.mean)}, mean of {returns.n}" if returns.n > 1 else number(returns.last)


# -- the recording ---------------------------------------------------------------------------------------


def recording_lines(session: Session) -> list[Line]:
    """What is written and how fast, what matters most first."""
    score, rules, now_ns = session.score, session.rules, session.clock.now_ns()
    budget = rules.label_budget
    given = (
        f"{score.labels:,}" if budget is None else f"{score.labels:,}, {max(0, budget - score.labels):,} left"
    )
    minutes = (now_ns - score.began_ns) / MINUTE_NS
    time = f"{int(minutes)} min"
    if rules.minutes_budget is not None:
        time += f", {max(0.0, rules.minutes_budget - minutes):.0f} left"
    return [
        Line("labels given", given),
        Line("labels a minute", f"{score.labels_per_minute(now_ns):.0f}"),
        Line("steps recorded", f"{session.recorder.steps:,}"),
        Line("time", time),
        Line("control rate", _rate(session)),
    ]


def _rate(session: Session) -> str:
    hz = f"{session.metronome.hz:.3g} Hz"
    if person_drives(session) and session.world.scheme is ControlScheme.WAIT:
        return f"your pace; student {hz}" if corrects(session) else "at your pace"
    return hz


# -- what is asked ---------------------------------------------------------------------------------------


def asked_of(session: Session) -> Asked | None:
    """The state that a person is to say something about now; None while there is none."""
    if session.desk is not None:
        return _at_desk(session, session.desk)
    return None if session.question is None else _question(session, session.question)


def _at_desk(session: Session, desk: Desk) -> Asked:
    tick, worth = desk.tick, desk.worth()
    place = f"step {desk.step} of {desk.length}"
    if tick is None:
        return Asked("timeline", place, "The end: go back to a state to label it.", (), ())
    lines = (
        Line("drove here", DROVE[tick.driver], DRIVERS[tick.driver]),
        Line("did", word_of(session.world, tick.action)),
    )
    known = _odds_in(session, desk.observation)
    choices = choices_of(session, known, desk.student_action, desk.label_keys, desk.label)
    return Asked("timeline", place, _reason(desk, worth), lines, choices)


def _reason(desk: Desk, worth: Sequence[int]) -> str:
    """Whether this step is worth asking about, and what that means now."""
    kind = desk.criterion.value
    if desk.step in worth:
        return f"Worth asking: {kind}. One of {len(worth)} such states."
    if desk.is_looking:
        return f"Looking for states worth asking: {kind}."
    return f"{len(worth)} states worth asking: {kind}." if worth else f"No state worth asking: {kind}."


def _question(session: Session, question: Question) -> Asked:
    """What the student would do is not told where a person is to agree with themselves."""
    if question.is_again:
        reason = "You were asked about this state before."
        return Asked("asked again", "", reason, (), choices_of(session, None, None, session.world.keys))
    known = _odds_in(session, question.observation)
    choices = choices_of(session, known, session.student_action, session.world.keys)
    return Asked("the student asks", "", "What is right here?", (), choices)


def _odds_in(session: Session, observation: Any) -> FloatArray | None:
    """(A,) of what the present student might do in one state, as `odds`."""
    return odds(None if session.student is None else session.student.policy, observation)


def choices_of(
    session: Session,
    probabilities: FloatArray | None,
    student_action: Any | None,
    keys: Mapping[str, Any] | None = None,
    label: Any | None = None,
) -> tuple[Choice, ...]:
    """Every action, in their order; nothing where they are not numbered, or where there is nothing to say of them."""
    names = session.world.action_names
    n = len(names) if probabilities is None else len(probabilities)
    if n > MOST_CHOICES or (probabilities is None and keys is None):
        return ()
    return tuple(
        Choice(
            action_word(action, names),
            tuple(key for key, given in (keys or {}).items() if np.array_equal(given, action)),
            None if probabilities is None else round(100 * float(probabilities[action])),
            is_student_s=student_action is not None and np.array_equal(student_action, action),
            is_label=label is not None and np.array_equal(label, action),
        )
        for action in range(n)
    )
