"""Recordings that are larger than memory: their chosen steps a block at a time, in the file's order or in none.

    with stream(paths, filter) as steps:
        for block in steps.blocks(): ...      # each a Demonstrations of some thousand steps

In memory are one block, and of each file what its labels and acts say.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

import gymnasium as gym
import numpy as np
from gymnasium.envs.registration import EnvSpec

import recordings
from recordings.demonstrations import Array, BoolArray, Demonstrations, Filter, joined, require_same_spaces
from recordings.errors import InvalidRow
from recordings.held_out import held_out
from recordings.reader import Reader
from recordings.selection import Selection

BLOCK = 4096
"""Rows of /steps in a block, or as many as make about four megabytes."""


@dataclass(frozen=True)
class _Part:
    """The chosen steps of one file."""

    reader: Reader
    selection: Selection
    wanted: Filter
    episodes: BoolArray | None = None
    """(E,) these alone; None: every chosen one."""

    def spans(self) -> Iterator[range]:
        """Rows of /steps, block by block."""
        n = self.reader.n_steps
        for first in range(0, n, self.selection.rows):
            yield range(first, min(first + self.selection.rows, n))

    def block(self, rows: range) -> Demonstrations:
        return joined(list(self.selection.among(rows, self.episodes)), self.reader, self.wanted)

    def of(self, episodes: BoolArray) -> _Part:
        return replace(self, episodes=episodes if self.episodes is None else self.episodes & episodes)


class Stream:
    """Steps of files that are open until `close`, and of what was added in memory."""

    def __init__(
        self,
        files: Sequence[_Part],
        added: Sequence[Demonstrations] = (),
        close: Callable[[], None] = lambda: None,
    ) -> None:
        self._files, self._added, self._close = tuple(files), tuple(added), close
        self._totals: dict[Hashable, tuple[Array, int]] = {}
        """Each, and how much of what was added is in it."""
        empty = files[0].block(range(0))
        self.observation_space: gym.Space = empty.observation_space  # type: ignore[type-arg]
        self.action_space: gym.Space = empty.action_space  # type: ignore[type-arg]
        self.env_spec: EnvSpec | None = empty.env_spec
        """The world, or None if it is not registered here."""

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the files."""
        self._close()

    def __len__(self) -> int:
        """Rows to choose from: there may be fewer steps."""
        return sum(part.reader.n_steps for part in self._files) + sum(map(len, self._added))

    def blocks(self, rng: np.random.Generator | None = None) -> Iterator[Demonstrations]:
        """Every step once, in blocks that are not empty; rng: in random order. An episode may lie in several."""
        spans = [(part, rows) for part in self._files for rows in part.spans()]
        order = np.arange(len(spans) + len(self._added))
        if rng is not None:
            rng.shuffle(order)
        for place in order.tolist():
            if place < len(spans):
                part, rows = spans[place]
                block = part.block(rows)
            else:
                block = self._added[place - len(spans)]
            if len(block):
                yield block

    def extended(self, steps: Demonstrations) -> Stream:
        """These, and more that are in memory."""
        longer = Stream(self._files, (*self._added, steps), self._close)
        longer._totals = dict(self._totals)
        return longer

    def split(self, share: float, rng: np.random.Generator) -> tuple[Stream, Stream]:
        """All but a share of the episodes, and those; none of fewer than ten. What was added belongs to the first."""
        sizes = [part.reader.n_episodes for part in self._files]
        masks = np.split(held_out(share, sum(sizes), rng), np.cumsum(sizes)[:-1])
        rest = [part.of(~mask) for part, mask in zip(self._files, masks, strict=True)]
        those = [part.of(mask) for part, mask in zip(self._files, masks, strict=True)]
        return Stream(rest, self._added, self._close), Stream(those, close=self._close)

    def total(self, name: Hashable, of: Callable[[Demonstrations], Array]) -> Array:
        """The sum of `of` over all blocks; remembered under a name, so that what is added later is all that is read."""
        known = self._totals.get(name)
        if known is None:
            found, n_added = of(self._files[0].block(range(0))), 0
            found = sum(map(of, Stream(self._files).blocks()), start=found)
        else:
            found, n_added = known
        found = sum(map(of, self._added[n_added:]), start=found)
        self._totals[name] = found, len(self._added)
        return found


def stream(
    paths: Sequence[str | os.PathLike[str]], wanted: Filter | None = None, block: int = BLOCK
) -> Stream:
    """The chosen steps of recordings of one world; block: rows of /steps that are read together, at most.

    Raises WorldMismatch, and what `recordings.open` raises.
    """
    if not paths:
        raise InvalidRow("paths: expected at least one recording, found none.")
    with ExitStack() as stack:
        readers = [stack.enter_context(recordings.open(path)) for path in paths]
        for reader in readers[1:]:
            require_same_spaces(readers[0], reader)
        chosen = wanted or Filter()
        parts = [_Part(reader, Selection(reader, chosen, block), chosen) for reader in readers]
        return Stream(parts, close=stack.pop_all().close)
