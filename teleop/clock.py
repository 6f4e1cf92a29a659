"""Time as an argument: the wall clock for people, a step clock for tests, and a metronome that never drifts."""

from __future__ import annotations

import time
from typing import Protocol

SECOND_NS = 1_000_000_000


class Clock(Protocol):
    """A monotonic source of time."""

    def now_ns(self) -> int:
        """Nanoseconds since an arbitrary origin; never goes back."""
        ...


class WallClock:
    """The machine's monotonic clock."""

    def now_ns(self) -> int:
        return time.monotonic_ns()


class StepClock:
    """Stands still until told to advance: ten minutes pass at once, and a run repeats to the nanosecond."""

    def __init__(self, start_ns: int = 0) -> None:
        self._now_ns = start_ns

    def now_ns(self) -> int:
        return self._now_ns

    def advance(self, duration_ns: int) -> None:
        if duration_ns < 0:
            raise ValueError(f"time does not go back: {duration_ns} ns")
        self._now_ns += duration_ns


class Glance:
    """A clock that is only looked at when told to: what happens between two glances happens at one moment."""

    def __init__(self, source: Clock) -> None:
        self._source = source
        self._seen_ns = source.now_ns()

    def now_ns(self) -> int:
        """When it was last looked at."""
        return self._seen_ns

    def look(self) -> int:
        """Look at it now."""
        self._seen_ns = self._source.now_ns()
        return self._seen_ns


class Metronome:
    """Says when the next tick is due, at `hz` beats a second.

    Beats lie at origin + n / hz, so lateness in one does not add up over the next. A caller that falls more
    than one beat behind (the machine stalled, the person was thinking) gets one beat, not a burst.
    """

    def __init__(self, hz: float, now_ns: int) -> None:
        self._deadline_ns: float = now_ns
        self.hz = hz

    @property
    def hz(self) -> float:
        return SECOND_NS / self._period_ns

    @hz.setter
    def hz(self, value: float) -> None:
        if not value > 0:
            raise ValueError(f"a rate must be above 0 Hz, not {value}")
        self._period_ns = SECOND_NS / value

    @property
    def period_ns(self) -> int:
        """Nanoseconds from one beat to the next."""
        return round(self._period_ns)

    def beat(self, now_ns: int) -> bool:
        """Is a tick due? If so it is taken, and the next deadline set."""
        if now_ns < self._deadline_ns:
            return False
        self._deadline_ns += self._period_ns
        if self._deadline_ns <= now_ns:
            self._deadline_ns = now_ns + self._period_ns
        return True

    def progress(self, now_ns: int) -> float:
        """How much of the time to the next beat has passed, 0 to 1."""
        return min(1.0, max(0.0, 1.0 - (self._deadline_ns - now_ns) / self._period_ns))

    def restart(self, now_ns: int) -> None:
        """The next beat is due a full period from now."""
        self._deadline_ns = now_ns + self._period_ns
