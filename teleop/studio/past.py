"""What a session has lived through, in memory: the episodes one may still scrub, relabel, rewind and take back.

Only the latest are kept; the recording keeps them all.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from recordings.schema import Driver, Outcome

KEPT = 20
"""Episodes kept, the running one included."""


class Tick(NamedTuple):
    """What one step of the world was."""

    episode: int
    step: int
    """Row in the recording's /steps."""
    observation: Any
    action: Any
    reward: float
    next_observation: Any
    driver: Driver
    student_action: Any | None
    label: Any | None
    terminated: bool
    truncated: bool
    repeats: int = -1
    """Row of the step that a branch repeats here, lived first; -1: none."""

    @property
    def moment(self) -> int:
        """The row in which it was lived first."""
        return self.step if self.repeats < 0 else self.repeats


class Given(NamedTuple):
    """A label that was given."""

    row: int
    """In the recording's /labels."""
    action: Any


@dataclass(eq=False)
class Lived:
    """One episode."""

    index: int
    """Row in the recording's /episodes."""
    seed: int
    parent: int = -1
    """The episode it branched from; -1: none."""
    branch_step: int = -1
    ticks: list[Tick] = field(default_factory=list)
    labels: dict[int, list[Given]] = field(default_factory=dict)
    """Step, counted from the episode's start -> the labels that hold, of which the last is in force."""
    outcome: Outcome = Outcome.RUNNING
    is_discarded: bool = False

    @property
    def length(self) -> int:
        return len(self.ticks)

    @property
    def first_row(self) -> int:
        """Row in /steps of its first step; -1 before it."""
        return self.ticks[0].step if self.ticks else -1

    def student_runs(self, start: int) -> list[tuple[int, int]]:
        """Where, from a step on, the student drove, as [first, stop) pairs."""
        runs: list[tuple[int, int]] = []
        for step in range(start, self.length):
            if self.ticks[step].driver is not Driver.STUDENT:
                continue
            if runs and runs[-1][1] == step:
                runs[-1] = runs[-1][0], step + 1
            else:
                runs.append((step, step + 1))
        return runs

    def label_of(self, step: int) -> Any | None:
        """The label in force at a step, or None."""
        given = self.labels.get(step)
        return given[-1].action if given else None


class Past:
    """The latest episodes, the running or last one at the end."""

    def __init__(self) -> None:
        self.episodes: deque[Lived] = deque(maxlen=KEPT)

    def begin(self, episode: Lived) -> None:
        self.episodes.append(episode)

    @property
    def latest(self) -> Lived | None:
        """The running or the last episode."""
        return self.episodes[-1] if self.episodes else None

    def with_steps(self) -> Lived | None:
        """The latest episode in which anything has happened."""
        return next((each for each in reversed(self.episodes) if each.ticks), None)

    def of_row(self, row: int) -> tuple[Lived, int] | None:
        """The episode that holds a row of /steps, and which of its steps that is; None where it is not kept."""
        for episode in reversed(self.episodes):
            if episode.ticks and 0 <= row - episode.first_row < episode.length:
                return episode, row - episode.first_row
        return None
