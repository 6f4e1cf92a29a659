"""What the student is to learn: the teacher's labels that hold, read from a recording while it grows and is edited.

Both trainers read them here, from the file that `train` would read, so a student never knows what the recording
does not say: a label that was withdrawn, or whose step was discarded, is gone at the next look, and the one before
it holds again.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from recordings.curation import lessons
from recordings.demonstrations import Demonstrations
from recordings.reader import Reader

Array = NDArray[Any]
IntArray = NDArray[np.int64]

GAP = 64
"""Steps between two labelled ones up to which both are read at once, with what lies between."""
ROWS_AT_ONCE = 1 << 20


class Lessons:
    """The labels of one labeler, of which the last of each step counts."""

    def __init__(self, reader: Reader, teacher: str) -> None:
        """reader: any open recording; it is refreshed at every look. teacher: the labeler's name."""
        self._reader, self._teacher = reader, teacher
        self._rows = self._steps = np.empty(0, np.int64)
        self._actions = reader.read("labels", "action", 0, 0)
        self._seen_steps = np.empty(0, np.int64)
        self._seen = reader.read("steps", "observation", 0, 0)
        self._endings: set[int] = set()
        """Of the steps seen those with which the world ended."""
        self._after: dict[int, tuple[Array, Array]] = {}
        self.labels_read = 0
        """Rows of /labels known so far, whoever gave them and whether they hold or not."""
        self.was_taken_back = False
        """What held before the last look no longer did then."""

    def __len__(self) -> int:
        """Steps with a label that holds."""
        return len(self._steps)

    def look(self) -> bool:
        """Learn what was flushed since the last look; says whether other labels hold now. Raises RecordingError."""
        self._reader.refresh()
        labels = lessons(self._reader)
        by_teacher = [code for code, name in enumerate(labels.names) if name == self._teacher]
        held = labels[np.isin(labels.labelers, by_teacher)].last_of_each_step()
        self.labels_read = self._reader.n_labels
        if np.array_equal(held.rows, self._rows):
            return False
        self.was_taken_back = _fell_back((self._steps, self._rows), (held.steps, held.rows))
        self._rows, self._steps, self._actions = held.rows, held.steps, held.actions
        self._see(np.setdiff1d(held.steps, self._seen_steps, assume_unique=True))
        return True

    def demonstrations(self) -> Demonstrations:
        """Every lesson that holds, in the order of the steps, as learners eat them."""
        header = self._reader.header
        observations = self._seen[np.searchsorted(self._seen_steps, self._steps)]
        ends, final_observations = self._arrivals(observations)
        return Demonstrations.from_steps(
            observations.astype(header.observation_space.dtype, copy=False),
            self._actions.astype(header.action_space.dtype, copy=False),
            terminated=ends,
            lengths=_lengths(ends),
            final_observations=final_observations.astype(header.observation_space.dtype, copy=False),
            observation_space=header.observation_space,
            action_space=header.action_space,
        )

    def _arrivals(self, observations: Array) -> tuple[Array, Array]:
        """(n,) bool: with this step, done as labelled, the world ended; and what was seen after each such step, and
        last of all the last observation again where none ended with it."""
        ends = np.isin(self._steps, list(self._endings))
        finals = []
        for place in np.flatnonzero(ends):
            executed, after = self._ending(int(self._steps[place]))
            ends[place] = np.array_equal(executed, self._actions[place])
            finals += [after] if ends[place] else []
        if len(ends) and not ends[-1]:
            finals.append(observations[-1])
        return ends, np.asarray(finals, observations.dtype).reshape(-1, *observations.shape[1:])

    def _ending(self, step: int) -> tuple[Array, Array]:
        """The action of an episode's last step, and what was seen after it."""
        if step not in self._after:
            starts = self._reader.read("episodes", "start", 0, self._reader.n_episodes)
            episode = self._reader.episodes[int(np.searchsorted(starts, step, side="right")) - 1]
            executed = self._reader.read("steps", "action", step, step + 1)[0]
            self._after[step] = executed, episode.final_observation
        return self._after[step]

    def _see(self, steps: IntArray) -> None:
        """Read of more steps (n,), ascending, the observations, and whether the world ended with them."""
        if not len(steps):
            return
        observed, terminated = self._reader.column("observation"), self._reader.column("terminated")
        seen = []
        for start, stop in _stretches(steps):
            rows = _within(steps, start, stop)
            seen.append(observed[start:stop][rows])
            self._endings.update((start + rows[terminated[start:stop][rows].astype(bool)]).tolist())
        together = np.concatenate([self._seen_steps, steps])
        order = np.argsort(together, kind="stable")
        self._seen_steps, self._seen = together[order], np.concatenate([self._seen, *seen])[order]


def _stretches(steps: IntArray) -> list[tuple[int, int]]:
    """What to read at once for these steps, ascending, as [start, stop) pairs."""
    runs = np.split(steps, np.flatnonzero(np.diff(steps) > GAP) + 1)
    return [(int(run[0]), int(run[-1]) + 1) for run in runs]


def _within(steps: IntArray, start: int, stop: int) -> IntArray:
    """Those of the steps in a stretch, counted from its start."""
    low, high = np.searchsorted(steps, (start, stop))
    return steps[low:high] - start


def _lengths(ends: Array) -> IntArray:
    """(n,) bool -> the lengths of the stretches that end with an end, and of what comes after the last."""
    stops = np.flatnonzero(ends) + 1
    return np.diff(np.concatenate([[0], stops, [len(ends)] if len(ends) and not ends[-1] else []])).astype(
        np.int64
    )


def _fell_back(before: tuple[IntArray, IntArray], after: tuple[IntArray, IntArray]) -> bool:
    """Whether a step has no label any more, or an earlier one; each (n,) steps ascending and rows of /labels."""
    steps, rows = after
    if not len(steps):
        return len(before[0]) > 0
    at = np.minimum(np.searchsorted(steps, before[0]), len(steps) - 1)
    return bool(np.any((steps[at] != before[0]) | (rows[at] < before[1])))


def newest_version(reader: Reader) -> int:
    """The greatest student version that drove or was asked in a recording; 0 where there was none."""
    versions = reader.column("student_version")
    starts = range(0, reader.n_steps, ROWS_AT_ONCE)
    return max([0, *(int(versions[start : start + ROWS_AT_ONCE].max()) for start in starts)])
