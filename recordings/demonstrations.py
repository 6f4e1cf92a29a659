"""The arrays that learners eat: chosen steps of one or more recordings, and where episodes begin and end.

What was done and what was right are kept apart: `actions` are those executed or those labelled, as asked, and
`labelled` says which rows have an action to imitate. A step without a label is silence, never action 0.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium.envs.registration import EnvSpec

import recordings
from recordings import spaces
from recordings.contents import Edit, Episode
from recordings.errors import InvalidRow, NotReplayable, WorldMismatch
from recordings.reader import Reader
from recordings.schema import Driver, EditKind, Outcome
from recordings.window import Window
from recordings.worldspec import registered_spec

Array = npt.NDArray[Any]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Filter:
    """Which steps to take. An empty tuple leaves a criterion open."""

    drivers: tuple[int | str, ...] = ()
    """Only steps driven by these (Driver or its name in any case)."""
    outcomes: tuple[int | str, ...] = ()
    """Only episodes that ended so (Outcome or its name)."""
    episodes: range | tuple[int, ...] | None = None
    """Only these episodes of every file; None: all."""
    actions: Literal["executed", "labelled"] = "executed"
    """What to imitate: what was done, or what an expert said was right."""
    labels: Literal["only"] | None = None
    """"only": just the steps that somebody labelled."""
    labelers: tuple[str, ...] = ()
    """Whose labels count. Of several for one step the latest holds."""
    state_only: bool = False
    """Observations without any actions."""
    include_discarded: bool = False
    """Take what was discarded in curation too."""
    include_marked: bool = False
    """Imitate executed actions that were marked as mistakes (the moments before a takeover) too."""

    def __post_init__(self) -> None:
        _codes(Driver, self.drivers, "drivers")
        _codes(Outcome, self.outcomes, "outcomes")


@dataclass(frozen=True)
class Demonstrations:
    """N steps in E contiguous stretches; where steps were left out, an episode gives several stretches."""

    observations: Array
    """(N, *observation shape) before each step; Discrete as int64."""
    actions: Array | None
    """(N, *action shape); meaningful where `labelled`. None: state-only."""
    labelled: BoolArray
    """(N,) has an action to imitate."""
    rewards: Array
    """(N,)"""
    terminated: BoolArray
    """(N,) the world ended here."""
    truncated: BoolArray
    """(N,) the time limit ended it."""
    starts: IntArray
    """(E,) first row of each stretch."""
    lengths: IntArray
    """(E,)"""
    final_observations: Array
    """(E, *observation shape) what was seen after each stretch."""
    observation_space: gym.Space[Any]
    action_space: gym.Space[Any]
    env_spec: EnvSpec | None = None
    """The world, or None if it is not registered here."""

    def __post_init__(self) -> None:
        n, e = len(self.observations), len(self.starts)
        for name in ("actions", "labelled", "rewards", "terminated", "truncated"):
            values = getattr(self, name)
            if values is not None and len(values) != n:
                raise InvalidRow(f"{name}: expected {n} rows, one for each observation, found {len(values)}.")
        if len(self.lengths) != e or len(self.final_observations) != e or self.lengths.sum() != n:
            raise InvalidRow(
                f"starts, lengths, final_observations: expected {e} of each and lengths that sum to {n}, "
                f"found {len(self.lengths)} and {len(self.final_observations)}, summing to "
                f"{self.lengths.sum()}."
            )

    def __len__(self) -> int:
        return len(self.observations)

    def pairs(self) -> tuple[Array, Array]:
        """observations (L, *o) and actions (L, *a) of the labelled rows. Raises InvalidRow if state-only."""
        if self.actions is None:
            raise InvalidRow(
                "actions: expected actions to imitate, found none. Load the demonstrations with actions."
            )
        return self.observations[self.labelled], self.actions[self.labelled]

    @classmethod
    def from_steps(
        cls,
        observations: Array,
        actions: Array | None,
        *,
        observation_space: gym.Space[Any],
        action_space: gym.Space[Any],
        labelled: BoolArray | None = None,
        rewards: Array | None = None,
        terminated: BoolArray | None = None,
        truncated: BoolArray | None = None,
        lengths: IntArray | None = None,
        final_observations: Array | None = None,
        env_spec: EnvSpec | None = None,
    ) -> Demonstrations:
        """From arrays in memory. What is left out: all labelled, no reward, never ended, one episode.

        observations (N, *o), actions (N, *a), lengths (E,), final_observations (E, *o); without the latter
        the last observation of each episode stands in for it.
        """
        n = len(observations)
        sizes = np.array([n] if n else [], np.int64) if lengths is None else np.asarray(lengths, np.int64)
        starts = np.cumsum(sizes) - sizes
        last = np.maximum(starts + sizes - 1, 0)
        return cls(
            observations=observations,
            actions=actions,
            labelled=np.full(n, actions is not None) if labelled is None else np.asarray(labelled, bool),
            rewards=np.zeros(n) if rewards is None else rewards,
            terminated=np.zeros(n, bool) if terminated is None else terminated,
            truncated=np.zeros(n, bool) if truncated is None else truncated,
            starts=starts,
            lengths=sizes,
            final_observations=observations[last] if final_observations is None else final_observations,
            observation_space=observation_space,
            action_space=action_space,
            env_spec=env_spec,
        )

    @classmethod
    def from_pairs(
        cls,
        observations: Array,
        actions: Array,
        *,
        observation_space: gym.Space[Any],
        action_space: gym.Space[Any],
    ) -> Demonstrations:
        """From observations and the right action in each: every row labelled, order without meaning."""
        return cls.from_steps(
            observations, actions, observation_space=observation_space, action_space=action_space
        )


def load(
    paths: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    filter: Filter | None = None,  # noqa: A002 - the word of the command line
) -> Demonstrations:
    """The chosen steps of one or more recordings of one world.

    Raises WorldMismatch if the files' spaces differ, and what `recordings.open` raises. Memory holds the
    chosen steps and one slice of a file.
    """
    files = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    if not files:
        raise InvalidRow("paths: expected at least one recording, found none.")
    wanted = filter or Filter()
    parts: list[_Stretch] = []
    first: Reader | None = None
    for path in files:
        with recordings.open(path) as reader:
            if first is not None:
                _require_same_spaces(first, reader)
            first = first or reader
            parts.extend(_Selection(reader, wanted).stretches())
    assert first is not None
    return _joined(parts, first, wanted)


@dataclass(frozen=True)
class _Stretch:
    """Consecutive chosen steps of one episode."""

    columns: dict[str, Array]
    final_observation: Array


class _Selection:
    """The chosen steps of one file."""

    def __init__(self, reader: Reader, wanted: Filter) -> None:
        self._reader, self._wanted = reader, wanted
        self._drives = np.zeros(256, bool)
        self._drives[list(_codes(Driver, wanted.drivers, "drivers")) or slice(None)] = True
        self._outcomes = _codes(Outcome, wanted.outcomes, "outcomes")
        self._edits: dict[int, list[Edit]] = {}
        for edit in reader.edits():
            self._edits.setdefault(edit.episode, []).append(edit)
        self._label_steps, self._label_actions = self._last_labels()
        names = ["observation", "reward", "terminated", "truncated", "driver"]
        self._steps = Window(reader, "steps", [*names, "action"])
        self._ends = Window(reader, "episodes", ["final_observation"])

    def stretches(self) -> Iterator[_Stretch]:
        n = self._reader.n_episodes
        chosen = self._wanted.episodes
        indices = range(n) if chosen is None else [index for index in chosen if 0 <= index < n]
        for index in indices:
            episode = self._reader.episodes[index]
            if self._outcomes and episode.outcome not in self._outcomes:
                continue
            yield from self._of_episode(episode)

    def _of_episode(self, episode: Episode) -> Iterator[_Stretch]:
        discarded, marked = self._edited(episode)
        for start in range(episode.start, episode.stop, self._steps.rows):
            stop = min(start + self._steps.rows, episode.stop)
            rows = slice(start - episode.start, stop - episode.start)
            columns = self._steps.between(start, stop)
            has_label, actions = self._labels_of(start, stop, columns["action"])
            keep = np.ones(stop - start, bool) if self._wanted.include_discarded else ~discarded[rows]
            keep &= self._drives[columns["driver"]]
            if self._wanted.labels == "only":
                keep &= has_label
            chosen = {
                "observations": columns["observation"],
                "actions": actions,
                "labelled": has_label
                if self._wanted.actions == "labelled"
                else self._imitable(columns, marked[rows]),
                "rewards": columns["reward"],
                "terminated": columns["terminated"] != 0,
                "truncated": columns["truncated"] != 0,
            }
            for low, high in _runs(keep):
                after = self._observation_after(episode, start + high, columns["observation"], high)
                yield _Stretch({name: values[low:high].copy() for name, values in chosen.items()}, after)

    def _imitable(self, columns: dict[str, Array], marked: BoolArray) -> BoolArray:
        """A replayed prefix repeats its parent's steps, and a marked step was a mistake: neither is imitated."""
        wanted = np.ones(len(marked), bool) if self._wanted.include_marked else ~marked
        if not self._wanted.drivers:
            wanted &= columns["driver"] != Driver.REPLAYED
        return wanted

    def _edited(self, episode: Episode) -> tuple[BoolArray, BoolArray]:
        """(T,) discarded and (T,) marked, by the last edit of each step."""
        discarded, marked = np.zeros(episode.length, bool), np.zeros(episode.length, bool)
        for edit in self._edits.get(episode.index, ()):
            rows = slice(edit.start, episode.length if edit.stop < 0 else edit.stop)
            if edit.kind is EditKind.DISCARD:
                discarded[rows] = True
            elif edit.kind is EditKind.RESTORE:
                discarded[rows] = marked[rows] = False
            elif edit.kind is EditKind.MARK:
                marked[rows] = True
        return discarded, marked

    def _last_labels(self) -> tuple[IntArray, Array]:
        """Labelled steps in ascending order, and the last label of each by the chosen labelers."""
        labels = self._reader.labels()
        if self._wanted.labelers:
            codes = [code for code, name in enumerate(labels.names) if name in self._wanted.labelers]
            labels = labels[np.isin(labels.labelers, codes)]
        steps, from_the_end = np.unique(labels.steps[::-1], return_index=True)
        return steps, labels.actions[::-1][from_the_end]

    def _labels_of(self, start: int, stop: int, executed: Array) -> tuple[BoolArray, Array]:
        """Which of the rows are labelled, and the actions: labels where asked for, else what was executed."""
        low, high = np.searchsorted(self._label_steps, (start, stop))
        rows = self._label_steps[low:high] - start
        has_label = np.zeros(stop - start, bool)
        has_label[rows] = True
        if self._wanted.actions == "executed":
            return has_label, executed
        actions = executed.copy()
        actions[rows] = self._label_actions[low:high]
        return has_label, actions

    def _observation_after(self, episode: Episode, stop: int, held: Array, row: int) -> Array:
        if row < len(held):
            return np.array(held[row])
        if stop < episode.stop:
            return np.array(self._reader.read("steps", "observation", stop, stop + 1)[0])
        if episode.outcome is Outcome.RUNNING:
            return episode.final_observation
        return np.array(self._ends.between(episode.index, episode.index + 1)["final_observation"][0])


def _runs(keep: BoolArray) -> list[tuple[int, int]]:
    """Where `keep` is true, as [start, stop) pairs."""
    if keep.all():
        return [(0, len(keep))] if len(keep) else []
    edges = np.flatnonzero(np.diff(np.concatenate([[False], keep, [False]]).astype(np.int8)))
    return [(int(low), int(high)) for low, high in edges.reshape(-1, 2)]


def _joined(parts: list[_Stretch], reader: Reader, wanted: Filter) -> Demonstrations:
    header = reader.header
    observation, action = header.observation_space, header.action_space
    lengths = np.array([len(part.columns["rewards"]) for part in parts], np.int64)
    columns = {
        "observations": _concatenated([part.columns["observations"] for part in parts], observation),
        "actions": _concatenated([part.columns["actions"] for part in parts], action),
        "labelled": _concatenated([part.columns["labelled"] for part in parts], None, bool),
        "rewards": _concatenated([part.columns["rewards"] for part in parts], None, float),
        "terminated": _concatenated([part.columns["terminated"] for part in parts], None, bool),
        "truncated": _concatenated([part.columns["truncated"] for part in parts], None, bool),
    }
    if wanted.state_only:
        columns["labelled"] = np.zeros(len(columns["labelled"]), bool)
    return Demonstrations(
        observations=columns["observations"],
        actions=None if wanted.state_only else columns["actions"],
        labelled=columns["labelled"],
        rewards=columns["rewards"],
        terminated=columns["terminated"],
        truncated=columns["truncated"],
        starts=np.cumsum(lengths) - lengths,
        lengths=lengths,
        final_observations=_concatenated([part.final_observation[None] for part in parts], observation),
        observation_space=spaces.stored_space(observation),
        action_space=spaces.stored_space(action),
        env_spec=_spec_or_none(reader),
    )


def _concatenated(parts: list[Array], space: spaces.Space | None, dtype: Any = None) -> Array:
    """The parts as one array: Discrete as int64, other spaces in their own type."""
    if space is None:
        return np.concatenate([*parts, np.empty(0, dtype)]).astype(dtype, copy=False)
    stored = spaces.storage(space)
    wanted = np.int64 if isinstance(space, gym.spaces.Discrete) else spaces.stored_space(space).dtype
    return np.concatenate([*parts, np.empty((0, *stored.shape), stored.dtype)]).astype(wanted, copy=False)


def _spec_or_none(reader: Reader) -> EnvSpec | None:
    try:
        return registered_spec(reader.header)
    except NotReplayable:
        return None


def _require_same_spaces(first: Reader, other: Reader) -> None:
    for name in ("observation_space_json", "action_space_json"):
        expected, found = getattr(first.header, name), getattr(other.header, name)
        if expected != found:
            raise WorldMismatch(
                f"{Path(other.path)}: {name}: expected {expected[:200]} as in {first.path}, found "
                f"{found[:200]}. Recordings loaded together must be of one world."
            )


def _codes(kind: type[Driver] | type[Outcome], wanted: Sequence[int | str], name: str) -> tuple[int, ...]:
    choices = {member.name.lower(): int(member) for member in kind}
    codes = tuple(choices.get(each.lower(), -1) if isinstance(each, str) else int(each) for each in wanted)
    if not set(codes) <= set(choices.values()):
        found = ", ".join(map(str, wanted))
        raise InvalidRow(f"{name}: expected some of {', '.join(choices)}, found {found}.")
    return codes
