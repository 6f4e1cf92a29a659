"""A journal played back: the same session, on a clock that stands still between two events; minutes pass at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from teleop.clock import StepClock
from teleop.journals.journal import WORDS, Journal
from teleop.journals.journal_head import settings_of, start
from teleop.session import Session


def rerun(
    journal: Journal,
    out: Path,
    tell: Callable[[int], None] = lambda events: None,
    *,
    trust_code: bool = False,
) -> Session:
    """The session of a journal, gone through again and recorded to `out`; returned closed.

    tell: is told of every thousandth event. A journal whose end is missing ends there.
    trust_code: code that comes with policies from elsewhere may run; a journal cannot allow it itself.
    Raises UnusableJournal, and what starting and recording raise.
    """
    clock = StepClock(journal.began_ns)
    session = start(settings_of(journal, out, trust_code=trust_code), clock)
    try:
        for number, (nanoseconds, word, argument) in enumerate(journal.events(), 1):
            clock.advance(nanoseconds)
            WORDS[word](session, argument)
            if number % 1000 == 0:
                tell(number)
    finally:
        session.close()
    return session
