"""Run a session with nobody watching: the step clock stands in for time, so that minutes pass at once."""

from __future__ import annotations

from collections.abc import Callable

from teleop.clock import StepClock
from teleop.session import Session
from teleop.studio.past import Tick

STUCK_TICKS = 1000
"""Ticks in a row without a step after which nobody is going to drive any more."""


def run(
    session: Session,
    clock: StepClock,
    until: Callable[[Session], bool],
    watch: Callable[[Tick], None] | None = None,
) -> None:
    """Tick until `until(session)`, which is asked before each tick; `watch` sees every step.

    Returns early when nobody drives: the world waits for a key that no one is there to press.
    """
    idle = 0
    while not until(session) and idle < STUCK_TICKS:
        tick = session.update()
        clock.advance(session.metronome.period_ns)
        idle = 0 if tick is not None else idle + 1
        if tick is not None and watch is not None:
            watch(tick)
