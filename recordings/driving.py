"""Who drove, and how often an expert took over from the student."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from recordings.reader import Reader
from recordings.schema import Driver, by_name

_ROWS = 1 << 20
"""Steps read at once, so that a long recording costs no memory."""


@dataclass
class Driving:
    """Counts over a whole recording, discarded steps included."""

    steps: Counter[str] = field(default_factory=Counter)
    """By driver."""
    takeovers: int = 0
    """Times that an expert began to drive where a student might have."""
    expert_steps: int = 0
    """Driven by an expert where a student might have; replayed ones are not counted again."""
    student_steps: int = 0

    @property
    def takeover_length(self) -> float | None:
        """Mean steps; None: nobody took over."""
        return self.expert_steps / self.takeovers if self.takeovers else None

    @property
    def autonomous(self) -> float | None:
        """Share of the steps that the student drove, of those it might have; None: there was no student."""
        steps = self.student_steps + self.expert_steps
        return self.student_steps / steps if steps else None


def driving(reader: Reader) -> Driving:
    """Who drove a recording, read a slice at a time."""
    found = Driving()
    starts = reader.read("episodes", "start", 0, reader.n_episodes)
    last = (-1, False)
    for start in range(0, reader.n_steps, _ROWS):
        drivers = reader.column("driver")[start : start + _ROWS]
        found.steps.update(by_name(drivers, Driver))
        might = reader.column("student_action_valid")[start : start + _ROWS] | (drivers == Driver.STUDENT)
        rows = np.flatnonzero(might & (drivers != Driver.REPLAYED))
        if not len(rows):
            continue
        is_expert = drivers[rows] != Driver.STUDENT
        episodes = np.searchsorted(starts, rows + start, side="right") - 1
        goes_on = np.concatenate([[last[1]], is_expert[:-1]]) & (
            np.concatenate([[last[0]], episodes[:-1]]) == episodes
        )
        found.takeovers += int((is_expert & ~goes_on).sum())
        found.expert_steps += int(is_expert.sum())
        found.student_steps += int((~is_expert).sum())
        last = (int(episodes[-1]), bool(is_expert[-1]))
    return found
