"""Which steps of a recording are asked for, and those steps, a stretch at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from recordings.branches import Branches
from recordings.contents import Episode, Labels
from recordings.errors import InvalidRow
from recordings.reader import Reader
from recordings.schema import Driver, LabelKind, Outcome
from recordings.window import MOST_ROWS, Window

Array = npt.NDArray[Any]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Filter:
    """Which steps to take. An empty tuple leaves a criterion open."""

    drivers: tuple[int | str, ...] = ()
    """Only steps driven by these (Driver or its name in any case); of a replayed step whoever drove it first."""
    outcomes: tuple[int | str, ...] = ()
    """Only episodes that ended so (Outcome or its name), as judged last."""
    episodes: range | tuple[int, ...] | None = None
    """Only these episodes of every file; None: all."""
    actions: Literal["executed", "labelled"] = "executed"
    """What to imitate: what was done, or what an expert said was right."""
    labels: Literal["only"] | None = None
    """"only": just the steps that somebody labelled."""
    labelers: tuple[str, ...] = ()
    """Whose labels count; empty: everybody's but advisers'. Of several for one step the latest that was not withdrawn
    holds, whatever its kind."""
    state_only: bool = False
    """Observations without any actions."""
    include_discarded: bool = False
    """Take what was discarded in curation too."""
    include_marked: bool = False
    """Imitate executed actions that were marked as mistakes (the moments before a takeover) too."""
    include_replayed: bool = False
    """Take what branches repeat of their parents' steps even where the parents' own are taken: whole trajectories, and
    some moments twice."""

    def __post_init__(self) -> None:
        _codes(Driver, self.drivers, "drivers")
        _codes(Outcome, self.outcomes, "outcomes")


@dataclass(frozen=True)
class Stretches:
    """Chosen steps of one episode: consecutive ones, and where some were left out more of them behind the gap."""

    columns: dict[str, Array]
    lengths: IntArray
    """(K,) steps before each gap, and before the end."""
    final_observations: Array
    """(K, *observation shape) what was seen after each."""


class Selection:
    """The chosen steps of one file."""

    def __init__(self, reader: Reader, wanted: Filter, most_rows: int = MOST_ROWS) -> None:
        """most_rows: read ahead at most; few, for somebody who goes about the file in no order."""
        self._reader, self._wanted = reader, wanted
        self._drives = np.zeros(256, bool)
        self._drives[list(_codes(Driver, wanted.drivers, "drivers")) or slice(None)] = True
        self._outcomes = _codes(Outcome, wanted.outcomes, "outcomes")
        self._curation = reader.curation
        self._branches = Branches(reader, self._available)
        self._labels = self._labels_that_hold()
        names = ["observation", "reward", "terminated", "truncated", "driver"]
        self._steps = Window(reader, "steps", [*names, "action"], most_rows)
        self._ends = Window(reader, "episodes", ["final_observation"], most_rows)

    @property
    def rows(self) -> int:
        """Steps that are read together."""
        return self._steps.rows

    def stretches(self) -> Iterator[Stretches]:
        n = self._reader.n_episodes
        chosen = self._wanted.episodes
        indices = range(n) if chosen is None else [index for index in chosen if 0 <= index < n]
        for index in indices:
            episode = self._reader.episodes[index]
            if self._is_chosen(episode):
                yield from self._of_episode(episode, range(episode.start, episode.stop))

    def among(self, rows: range, episodes: BoolArray | None = None) -> Iterator[Stretches]:
        """Those in these rows of /steps; where an episode is cut, in several. episodes (E,): these alone."""
        first = max(0, int(np.searchsorted(self._starts, rows.start, "right")) - 1)
        last = int(np.searchsorted(self._starts, rows.stop))
        for index in range(first, last):
            episode = self._reader.episodes[index]
            if self._is_chosen(episode) and (episodes is None or episodes[index]):
                yield from self._of_episode(episode, rows)

    @cached_property
    def _starts(self) -> IntArray:
        """(E,) the row of /steps at which each episode begins."""
        return self._reader.read("episodes", "start", 0, self._reader.n_episodes).astype(np.int64)

    def _is_chosen(self, episode: Episode) -> bool:
        chosen = self._wanted.episodes
        return (chosen is None or episode.index in chosen) and (
            not self._outcomes or episode.outcome in self._outcomes
        )

    def _available(self, episode: Episode) -> BoolArray:
        """(T,) the steps to choose from, whoever drove them."""
        if not self._is_chosen(episode):
            return np.zeros(episode.length, bool)
        if self._wanted.include_discarded:
            return np.ones(episode.length, bool)
        return ~self._curation.discarded(episode)

    def _of_episode(self, episode: Episode, among: range) -> Iterator[Stretches]:
        available, marked = self._available(episode), self._curation.marked(episode)
        if not self._wanted.include_replayed:
            available &= ~self._branches.repeated(episode)
        first_drivers = self._branches.drivers(episode)
        last = min(episode.stop, among.stop)
        for start in range(max(episode.start, among.start), last, self._steps.rows):
            stop = min(start + self._steps.rows, last)
            own = slice(start - episode.start, stop - episode.start)
            columns = self._steps.between(start, stop)
            has_label, actions = self._labels_of(start, stop, columns["action"])
            drivers = columns["driver"].copy()
            drivers[: len(first_drivers[own])] = first_drivers[own]
            keep = available[own] & (self._drives[drivers] | self._drives[columns["driver"]])
            if self._wanted.labels == "only":
                keep &= has_label
            imitated = (
                has_label if self._wanted.actions == "labelled" else self._imitable(drivers, marked[own])
            )
            chosen = {
                "observations": columns["observation"],
                "actions": actions,
                "labelled": imitated,
                "rewards": columns["reward"],
                "terminated": columns["terminated"] != 0,
                "truncated": columns["truncated"] != 0,
            }
            if keep.any():
                yield self._stretches(episode, start, chosen, keep)

    def _stretches(
        self, episode: Episode, start: int, columns: dict[str, Array], keep: BoolArray
    ) -> Stretches:
        """Where `keep` is true, of rows from `start` on."""
        lows, highs = _runs(keep)
        held, end = columns["observations"], int(highs[-1])
        last_after = self._observation_after(episode, start + end, held, end)
        rows = slice(lows[0], end) if len(lows) == 1 else keep
        return Stretches(
            {name: np.array(values[rows]) for name, values in columns.items()},
            highs - lows,
            np.concatenate([held[highs[:-1]], last_after[None]]),
        )

    def _imitable(self, drivers: Array, marked: BoolArray) -> BoolArray:
        """A marked step was a mistake, and a replayed one of unknown origin nobody's choice: neither is imitated."""
        wanted = np.ones(len(marked), bool) if self._wanted.include_marked else ~marked
        return wanted if self._wanted.drivers else wanted & (drivers != Driver.REPLAYED)

    def _labels_that_hold(self) -> Labels:
        """One label a step, the last by the chosen labelers, by the row that stands for the step; ascending.

        None where nobody asks for them: they are read as a whole.
        """
        if self._wanted.actions == "executed" and self._wanted.labels is None:
            return self._reader.labels_among(np.empty(0, np.int64), 0, 0)
        labels = self._curation.holding(self._reader.labels())
        if self._wanted.labelers:
            codes = [code for code, name in enumerate(labels.names) if name in self._wanted.labelers]
            labels = labels[np.isin(labels.labelers, codes)]
        else:
            labels = labels[labels.kinds != LabelKind.ADVISED]
        if not self._wanted.include_replayed:
            labels = labels.on_steps(self._branches.carriers(labels.steps))
        return labels.last_of_each_step()

    def _labels_of(self, start: int, stop: int, executed: Array) -> tuple[BoolArray, Array]:
        """Which of the rows are labelled, and the actions: labels where asked for, else what was executed."""
        low, high = np.searchsorted(self._labels.steps, (start, stop))
        rows = self._labels.steps[low:high] - start
        has_label = np.zeros(stop - start, bool)
        has_label[rows] = True
        if self._wanted.actions == "executed":
            return has_label, executed
        actions = executed.copy()
        actions[rows] = self._labels.actions[low:high]
        return has_label, actions

    def _observation_after(self, episode: Episode, stop: int, held: Array, row: int) -> Array:
        if row < len(held):
            return np.array(held[row])
        if stop < episode.stop:
            return np.array(self._reader.read("steps", "observation", stop, stop + 1)[0])
        if episode.recorded_outcome is Outcome.RUNNING:
            return episode.final_observation
        return np.array(self._ends.between(episode.index, episode.index + 1)["final_observation"][0])


def _runs(keep: BoolArray) -> tuple[IntArray, IntArray]:
    """(K,) and (K,) where `keep` begins to be true, and where it ends."""
    if keep.all():  # as mostly, and twice as fast
        return np.array([0]), np.array([len(keep)])
    edges = np.flatnonzero(np.diff(keep, prepend=False, append=False))
    return edges[::2], edges[1::2]


def _codes(kind: type[Driver] | type[Outcome], wanted: Sequence[int | str], name: str) -> tuple[int, ...]:
    choices = {member.name.lower(): int(member) for member in kind}
    codes = tuple(choices.get(each.lower(), -1) if isinstance(each, str) else int(each) for each in wanted)
    if not set(codes) <= set(choices.values()):
        found = ", ".join(map(str, wanted))
        raise InvalidRow(f"{name}: expected some of {', '.join(choices)}, found {found}.")
    return codes
