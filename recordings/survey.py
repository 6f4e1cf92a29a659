"""What there is to know of every episode of a recording, found out a little at a time: a window does not wait.

Reading order: Survey (a column for each thing, a row for each episode), `Survey.advance` (reads on for a while).
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from recordings.reader import Reader
from recordings.schema import Driver, Outcome

STEPS_AT_ONCE = 1 << 16
LABELS_AT_ONCE = 1 << 16
EPISODES_AT_ONCE = 1 << 12
BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


class Survey:
    """Columns of E rows, one for each episode; what was not yet found out is nan or zero.

    A recording that is being written grows: `refresh` looks whether it did.
    """

    def __init__(self, reader: Reader) -> None:
        self._take(reader)
        n = reader.n_episodes
        self.starts: IntArray = np.zeros(n, np.int64)
        """(E,) rows of /steps."""
        self.lengths: IntArray = np.zeros(n, np.int64)
        """(E,) steps"""
        self.parents: IntArray = np.full(n, -1, np.int64)
        """(E,) the episode it branched from, -1: none."""
        self.branch_steps: IntArray = np.full(n, -1, np.int64)
        """(E,) steps of the parent that it repeats."""
        self.outcomes: IntArray = np.zeros(n, np.int64)
        """(E,) Outcome, the one that counts."""
        self.discarded: BoolArray = np.zeros(n, bool)
        """(E,) every step of it."""
        self.returns: FloatArray = np.full(n, np.nan)
        """(E,) sum of rewards; nan: not yet known."""
        self.driven: IntArray = np.zeros((n, len(Driver)), np.int64)
        """(E, D) steps that each Driver drove."""
        self.labels: IntArray = np.zeros(n, np.int64)
        """(E,) labels given and not withdrawn."""
        self._listed = self._summed = self._labels_read = 0
        self._last_runs = False
        """Whether the last listed episode may still grow."""
        self._edits_read = -1
        self._totals_of, self._totals = -1, [0] * len(Driver)
        self.changes = 0
        """Rises whenever something was found out."""
        self._work: Iterator[None] = self._find_out()

    def _take(self, reader: Reader) -> None:
        self._reader = reader
        self.n_steps, self.live = reader.n_steps, reader.live

    @property
    def n_episodes(self) -> int:
        return len(self.starts)

    @property
    def listed(self) -> int:
        """Episodes of which everything is known but return, drivers and labels."""
        return self._listed

    @property
    def summed(self) -> int:
        """Episodes of which everything but labels is known."""
        return self._summed

    def steps_of(self, driver: Driver) -> int:
        """Steps that it drove, as far as is known."""
        if self._totals_of != self.changes:
            self._totals_of, self._totals = self.changes, self.driven.sum(axis=0).tolist()
        return self._totals[driver]

    @property
    def is_complete(self) -> bool:
        return self._summed == self.n_episodes and self._labels_read == self._reader.n_labels

    def complete(self) -> None:
        """Read on until everything is known. Raises DamagedRecording."""
        self.advance(float("inf"))

    def advance(self, budget_s: float) -> None:
        """Read on for about so long. Raises DamagedRecording."""
        until_s = time.perf_counter() + budget_s
        for _ in self._work:
            self.changes += 1
            if time.perf_counter() > until_s:
                return

    def refresh(self, reader: Reader) -> None:
        """Look again: at more steps, at what was edited. `reader` is of the same recording, and just refreshed."""
        self._take(reader)
        n_new = reader.n_episodes - self.n_episodes
        if n_new > 0:
            self._grow(n_new)
        if self._last_runs:
            self._listed -= 1
        self._summed = min(self._summed, self._listed)
        self._work = self._find_out()

    def _grow(self, n: int) -> None:
        for name, column in vars(self).items():
            if isinstance(column, np.ndarray):
                fill = np.nan if column.dtype.kind == "f" else 0
                setattr(
                    self, name, np.concatenate([column, np.full((n, *column.shape[1:]), fill, column.dtype)])
                )

    # -- reading ------------------------------------------------------------------------------------------

    def _find_out(self) -> Iterator[None]:
        """Everything that is not yet known, a piece at a time."""
        yield from self._list_episodes()
        if self._edits_read != self._reader.n_edits:
            self._read_edits()
            yield
        yield from self._sum_steps()
        yield from self._count_labels()

    def _list_episodes(self) -> Iterator[None]:
        while self._listed < self.n_episodes:
            first, stop = self._listed, min(self._listed + EPISODES_AT_ONCE, self.n_episodes)
            found = self._reader.episode_columns(first, stop)
            rows = slice(first, stop)
            self.starts[rows], self.lengths[rows] = found["start"], found["length"]
            self.parents[rows], self.branch_steps[rows] = found["parent"], found["branch_step"]
            self._last_runs = bool(found["outcome"][-1] == Outcome.RUNNING)
            self.outcomes[rows] = found["outcome"]
            curation = self._reader.curation
            for index in curation.judged:
                if first <= index < stop:
                    self.outcomes[index] = curation.outcome(index, Outcome(int(self.outcomes[index])))
            self._listed = stop
            yield

    def _read_edits(self) -> None:
        """Which episodes are discarded, and how those ended that were judged anew."""
        curation, episodes = self._reader.curation, self._reader.episodes
        self._edits_read = self._reader.n_edits
        for index in sorted({edit.episode for edit in curation.edits}):
            self.discarded[index] = curation.is_discarded(episodes[index])
            self.outcomes[index] = episodes[index].outcome
        self._labels_read = 0

    def _sum_steps(self) -> Iterator[None]:
        """Returns and drivers, of as many whole episodes at once as are short enough, at least of one."""
        while self._summed < self._listed:
            first = self._summed
            start = int(self.starts[first])
            ends = self.starts[first : self._listed] + self.lengths[first : self._listed]
            stop = first + max(1, int(np.searchsorted(ends, start + STEPS_AT_ONCE, "right")))
            end = int(ends[stop - first - 1])
            lengths = self.lengths[first:stop]
            episode_of = np.repeat(np.arange(stop - first), lengths)
            begins = self.starts[first:stop] - start - (np.cumsum(lengths) - lengths)
            rows = np.repeat(begins, lengths) + np.arange(len(episode_of))
            rewards = self._reader.read("steps", "reward", start, end)[rows]
            drivers = self._reader.read("steps", "driver", start, end)[rows]
            n = stop - first
            self.returns[first:stop] = np.bincount(episode_of, rewards, n)
            kinds = len(Driver)
            counts = np.bincount(episode_of * kinds + np.minimum(drivers, kinds - 1), minlength=n * kinds)
            self.driven[first:stop] = counts.reshape(n, kinds)
            self._summed = stop
            yield

    def _count_labels(self) -> Iterator[None]:
        """Shown when all are counted: a label that is not yet counted is not one that is missing."""
        reader, row = self._reader, self._labels_read
        withdrawn = reader.curation.withdrawn
        counted = self.labels.copy() if row else np.zeros_like(self.labels)
        while row < reader.n_labels and self._listed:
            stop = min(reader.n_labels, row + LABELS_AT_ONCE)
            steps = reader.read("labels", "step", row, stop)
            steps = steps[~np.isin(np.arange(row, stop), withdrawn)]
            episode_of = np.searchsorted(self.starts[: self._listed], steps, "right") - 1
            counted += np.bincount(episode_of[episode_of >= 0], minlength=self.n_episodes)
            row = stop
            yield
        self.labels, self._labels_read = counted, row
        yield
