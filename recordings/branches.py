"""Branches repeat the first steps of the episode they were rewound from; learners are to see each such step once.

A replayed step and the step it repeats are one moment, lived twice. One row stands for it: the first that is
available, which is the original unless that was discarded or not chosen. So discarding an episode that went wrong
leaves its branch whole, and a label given on a replayed step is a label of that one moment.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from recordings.contents import Episode, Episodes, Source

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]


class Branches:
    """Which rows of /steps are repetitions, and which row stands for them."""

    def __init__(self, reader: Source, available: Callable[[Episode], BoolArray]) -> None:
        """available: which steps (T,) of an episode may stand for others."""
        self._reader = reader
        self._n_repeated, shared = _families(reader)
        episodes = Episodes(reader)
        family = [(episodes[index], n) for index, n in sorted(shared.items())]
        self._moments: dict[int, IntArray] = {}
        """For each episode with steps lived more than once: a number for each such moment, in order."""
        self._first_lived = _joined([np.arange(each.start, each.start + n) for each, n in family])
        """(M,) the row of /steps in which each moment was lived first."""
        self._rows, self._carriers = self._carried(family, available)

    def repeated(self, episode: Episode) -> BoolArray:
        """(T,) for which of its available steps another row stands."""
        low, high = np.searchsorted(self._rows, (episode.start, episode.stop))
        found = np.zeros(episode.length, bool)
        found[self._rows[low:high] - episode.start] = True
        return found

    def carriers(self, steps: IntArray) -> IntArray:
        """The rows that stand for these rows of /steps: nearly always themselves."""
        if not len(self._rows):
            return steps
        at = np.minimum(np.searchsorted(self._rows, steps), len(self._rows) - 1)
        return np.where(self._rows[at] == steps, self._carriers[at], steps)

    def drivers(self, episode: Episode) -> npt.NDArray[np.uint8]:
        """(n,) who first drove the n steps that this branch repeats; (0,) if it is none."""
        n = self._n_repeated.get(episode.index, 0)
        if not n:
            return np.empty(0, np.uint8)
        rows = self._first_lived[self._moments[episode.index][:n]]
        first = int(rows.min())
        return np.asarray(self._reader.read("steps", "driver", first, int(rows.max()) + 1)[rows - first])

    def _carried(
        self, family: list[tuple[Episode, int]], available: Callable[[Episode], BoolArray]
    ) -> tuple[IntArray, IntArray]:
        """The rows for which another stands, ascending, and that other one."""
        standing_for = np.full(len(self._first_lived), -1)
        rows, carriers, n_moments = [], [], 0
        for episode, n_shared in family:
            moments = np.arange(n_moments, n_moments + n_shared)
            own = self._first_lived[moments]
            n_moments += n_shared
            n_repeated = self._n_repeated.get(episode.index, 0)
            moments[:n_repeated] = self._moments.get(episode.parent, moments)[:n_repeated]
            self._moments[episode.index] = moments
            is_available = available(episode)[:n_shared]
            is_first = is_available & (standing_for[moments] < 0)
            standing_for[moments[is_first]] = own[is_first]
            is_repetition = is_available & ~is_first
            rows.append(own[is_repetition])
            carriers.append(standing_for[moments[is_repetition]])
        return _joined(rows), _joined(carriers)


def _families(reader: Source) -> tuple[dict[int, int], dict[int, int]]:
    """For each branch how many of its parent's steps it repeats, and for each episode with such steps how many."""
    columns = ("start", "length", "parent", "branch_step")
    starts, lengths, parents, steps = (
        reader.read("episodes", name, 0, reader.n_episodes) for name in columns
    )
    lengths = np.where(lengths < 0, reader.n_steps - starts, lengths)
    branches = np.flatnonzero((parents >= 0) & (parents < np.arange(len(parents))))
    parents = parents[branches]
    n_repeated = np.minimum(steps[branches], np.minimum(lengths[branches], lengths[parents]))
    repeated = {int(index): int(n) for index, n in zip(branches, n_repeated, strict=True) if n > 0}
    shared = dict(repeated)
    for index, parent in zip(branches.tolist(), parents.tolist(), strict=True):
        if index in repeated:
            shared[parent] = max(shared.get(parent, 0), repeated[index])
    return repeated, shared


def _joined(parts: list[IntArray]) -> IntArray:
    return np.concatenate([np.empty(0, np.int64), *parts])
