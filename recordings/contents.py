"""What a reader hands out: episodes, columns, labels, edits. Rows are read when they are looked at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, overload

import numpy as np
import numpy.typing as npt

from recordings.schema import EditKind, Outcome

Array = npt.NDArray[Any]

EPISODE_BLOCK = 512
"""Episodes whose rows are read at once."""
_TRUTH_VALUES = frozenset({"terminated", "truncated", "student_action_valid"})


class Source(Protocol):
    """Where rows are read from: an open recording."""

    @property
    def n_steps(self) -> int: ...

    @property
    def n_episodes(self) -> int: ...

    def read(self, table: str, column: str, start: int, stop: int) -> Array: ...

    def labels(self, start: int = 0, stop: int | None = None) -> Labels: ...

    def json_text(self, offset: int) -> dict[str, Any]: ...

    def episode_block(self, block: int) -> list[Episode]: ...

    def outcome_of(self, episode: int, recorded: Outcome) -> Outcome: ...


@dataclass(frozen=True)
class Labels:
    """Labels, in the order in which they were given; a later one of the same labeler and step overrides."""

    rows: npt.NDArray[np.int64]
    """(L,) rows of /labels, by which a label can be withdrawn."""
    steps: npt.NDArray[np.int64]
    """(L,) rows of /steps."""
    actions: Array
    """(L, *action shape)"""
    labelers: npt.NDArray[np.int16]
    """(L,) codes; `names[code]` is the labeler."""
    kinds: npt.NDArray[np.uint8]
    """(L,) LabelKind"""
    time_ns: npt.NDArray[np.int64]
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, rows: Any) -> Labels:
        return Labels(
            self.rows[rows],
            self.steps[rows],
            self.actions[rows],
            self.labelers[rows],
            self.kinds[rows],
            self.time_ns[rows],
            self.names,
        )

    def on_steps(self, steps: npt.NDArray[np.int64]) -> Labels:
        """The same labels about other steps."""
        return replace(self, steps=steps)

    def last_of_each_step(self) -> Labels:
        """One label a step, the last given; by step, ascending."""
        _, from_the_end = np.unique(self.steps[::-1], return_index=True)
        return self[len(self) - 1 - from_the_end]


@dataclass(frozen=True)
class Edit:
    """One curation act."""

    row: int
    """Its row in /edits, by which it can be taken back."""
    kind: EditKind
    episode: int
    start: int
    """First step concerned, counted from the episode's start."""
    stop: int
    """The step after the last; -1: to the episode's end."""
    value: int
    """UNDO: row of /edits; WITHDRAW: row of /labels (-1: one that a crash lost); JUDGE: Outcome."""
    note: str
    time_ns: int


@dataclass(frozen=True)
class Episode:
    """One episode; its columns are read when asked for."""

    index: int
    start: int
    """Row of /steps at which it begins."""
    length: int
    seed: int
    """-1: none was given."""
    parent: int
    branch_step: int
    recorded_outcome: Outcome
    """How its recorder said it ended."""
    _options_at: int
    _reader: Source

    @property
    def stop(self) -> int:
        return self.start + self.length

    @property
    def outcome(self) -> Outcome:
        """How it ended: as it was judged last, or else as recorded. RUNNING until its recorder ends it."""
        return self._reader.outcome_of(self.index, self.recorded_outcome)

    @property
    def options(self) -> dict[str, Any] | None:
        """What was passed to `reset` as options, or None."""
        return None if self._options_at < 0 else self._reader.json_text(self._options_at)

    @property
    def observations(self) -> Array:
        """(T + 1, *observation shape): before each step, and after the last.

        While the episode runs and its last flush is not complete the final one may be missing.
        """
        seen = self._reader.read("steps", "observation", self.start, self.stop)
        return np.concatenate([seen, self.final_observation[None]])

    @property
    def final_observation(self) -> Array:
        """(*observation shape) what was seen after the last step."""
        if self.recorded_outcome is Outcome.RUNNING:
            return np.asarray(self._reader.read("steps", "observation", self.stop, self.stop + 1)[0])
        return np.asarray(self._reader.read("episodes", "final_observation", self.index, self.index + 1)[0])

    @property
    def actions(self) -> Array:
        """(T, *action shape) the executed actions."""
        return self._column("action")

    @property
    def rewards(self) -> Array:
        """(T,)"""
        return self._column("reward")

    @property
    def terminated(self) -> Array:
        """(T,) bool"""
        return self._column("terminated")

    @property
    def truncated(self) -> Array:
        """(T,) bool"""
        return self._column("truncated")

    @property
    def drivers(self) -> Array:
        """(T,) Driver codes"""
        return self._column("driver")

    @property
    def student_actions(self) -> Array:
        """(T, *action shape); meaningful where `student_action_valid`."""
        return self._column("student_action")

    @property
    def student_action_valid(self) -> Array:
        """(T,) bool"""
        return self._column("student_action_valid")

    @property
    def student_versions(self) -> Array:
        """(T,) version of the student's policy; -1: none."""
        return self._column("student_version")

    @property
    def time_ns(self) -> Array:
        """(T,) monotonic nanoseconds"""
        return self._column("time_ns")

    @property
    def keys(self) -> Array:
        """(T,) bit masks of the keys held"""
        return self._column("keys")

    @property
    def return_(self) -> float:
        """The sum of rewards."""
        return float(self.rewards.sum())

    def labels(self) -> Labels:
        """The labels of this episode's steps."""
        return self._reader.labels(self.start, self.stop)

    def _column(self, name: str) -> Array:
        return StepColumn(self._reader, name).between(self.start, self.stop)


@dataclass(frozen=True)
class Recovery:
    """What `recordings.recovery` had to make whole before this recording could be opened."""

    path: Path
    episodes: int
    steps: int
    cut_episode: int | None
    """The episode that was running when its recorder was killed, if any."""

    @property
    def notice(self) -> str:
        """One sentence for a person."""
        cut = (
            ""
            if self.cut_episode is None
            else f"; episode {self.cut_episode} was cut short, its outcome is unknown"
        )
        return (
            f"{self.path}: the program that recorded this was ended abruptly. The file was made whole: "
            f"{self.episodes} episodes, {self.steps} steps{cut}."
        )


class Episodes(Sequence[Episode]):
    """The episodes of a recording; rows are read when asked for."""

    def __init__(self, reader: Source) -> None:
        self._reader = reader

    def __len__(self) -> int:
        return self._reader.n_episodes

    @overload
    def __getitem__(self, index: int) -> Episode: ...
    @overload
    def __getitem__(self, index: slice) -> list[Episode]: ...
    def __getitem__(self, index: int | slice) -> Episode | list[Episode]:
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(len(self)))]
        position = index + len(self) if index < 0 else index
        if not 0 <= position < len(self):
            raise IndexError(f"episode: expected below {len(self)}, found {index}")
        return self._reader.episode_block(position // EPISODE_BLOCK)[position % EPISODE_BLOCK]

    def __iter__(self) -> Iterator[Episode]:
        for index in range(len(self)):
            yield self[index]


class StepColumn:
    """A column of /steps that reads what is sliced."""

    def __init__(self, reader: Source, name: str) -> None:
        self._reader = reader
        self._name = name

    def __len__(self) -> int:
        return self._reader.n_steps

    def __getitem__(self, rows: int | slice) -> Any:
        if isinstance(rows, slice):
            start, stop, stride = rows.indices(len(self))
            if stride < 1:
                raise IndexError(f"{self._name}: expected a stride of at least 1, found {stride}")
            return self.between(start, max(start, stop))[::stride]
        position = rows + len(self) if rows < 0 else rows
        if not 0 <= position < len(self):
            raise IndexError(f"{self._name}: expected a step below {len(self)}, found {rows}")
        return self.between(position, position + 1)[0]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.asarray(self[:], dtype)

    def between(self, start: int, stop: int) -> Array:
        """Entries `start` to `stop`."""
        values = self._reader.read("steps", self._name, start, stop)
        return values.astype(bool) if self._name in _TRUTH_VALUES else values
