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
        self._episodes = Episodes(reader)
        self._origins: dict[int, IntArray] = {}
        self._rows, self._carriers = self._carried(available)

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
        origins = self._origins.get(episode.index, np.empty(0, np.int64))
        origins = origins[: _n_repeated(episode, self._episodes)]
        if not len(origins):
            return np.empty(0, np.uint8)
        first = int(origins.min())
        drivers = self._reader.read("steps", "driver", first, int(origins.max()) + 1)
        return np.asarray(drivers[origins - first])

    def _carried(self, available: Callable[[Episode], BoolArray]) -> tuple[IntArray, IntArray]:
        """The rows for which another stands, ascending, and that other one."""
        standing_for: dict[int, int] = {}
        rows: list[int] = []
        carriers: list[int] = []
        for index, n_shared in self._families():
            episode = self._episodes[index]
            origins = self._origins_of(episode)[:n_shared]
            self._origins[index] = origins
            own = range(episode.start, episode.start + len(origins))
            for row, origin, is_available in zip(own, origins.tolist(), available(episode), strict=False):
                if is_available and standing_for.setdefault(origin, row) != row:
                    rows.append(row)
                    carriers.append(standing_for[origin])
        return np.array(rows, np.int64), np.array(carriers, np.int64)

    def _families(self) -> list[tuple[int, int]]:
        """Every episode that is a branch or has one, with how many of its steps are lived more than once."""
        parents = self._reader.read("episodes", "parent", 0, self._reader.n_episodes)
        shared: dict[int, int] = {}
        for index in np.flatnonzero(parents >= 0).tolist():
            n = _n_repeated(self._episodes[index], self._episodes)
            for member in (index, int(parents[index])):
                shared[member] = max(shared.get(member, 0), n)
        return sorted(shared.items())

    def _origins_of(self, episode: Episode) -> IntArray:
        """(T,) the rows in which its steps were lived first."""
        origins = np.arange(episode.start, episode.stop)
        n = _n_repeated(episode, self._episodes)
        if n:
            origins[:n] = self._origins[episode.parent][:n]
        return origins


def _n_repeated(episode: Episode, episodes: Episodes) -> int:
    """How many steps of its parent an episode repeats first."""
    if episode.parent < 0:
        return 0
    return max(0, min(episode.branch_step, episode.length, episodes[episode.parent].length))
