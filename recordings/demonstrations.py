"""The arrays that learners eat: chosen steps of one or more recordings, and where episodes begin and end.

What was done and what was right are kept apart: `actions` are those executed or those labelled, as asked, and
`labelled` says which rows have an action to imitate. A step without a label is silence, never action 0.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium.envs.registration import EnvSpec

import recordings
from recordings import spaces
from recordings.errors import InvalidRow, NotReplayable, WorldMismatch
from recordings.reader import Reader
from recordings.selection import Filter, Selection, Stretches
from recordings.worldspec import registered_spec

__all__ = ["Demonstrations", "Filter", "load"]

Array = npt.NDArray[Any]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


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
    parts: list[Stretches] = []
    first: Reader | None = None
    for path in files:
        with recordings.open(path) as reader:
            if first is not None:
                require_same_spaces(first, reader)
            first = first or reader
            parts.extend(Selection(reader, wanted).stretches())
    assert first is not None
    return joined(parts, first, wanted)


def joined(parts: list[Stretches], reader: Reader, wanted: Filter) -> Demonstrations:
    """These stretches as arrays; none of them give empty ones."""
    header = reader.header
    observation, action = header.observation_space, header.action_space
    lengths = np.concatenate([*(part.lengths for part in parts), np.empty(0, np.int64)])
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
        final_observations=_concatenated([part.final_observations for part in parts], observation),
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


def require_same_spaces(first: Reader, other: Reader) -> None:
    """Raises WorldMismatch if they are of different worlds."""
    for name in ("observation_space_json", "action_space_json"):
        expected, found = getattr(first.header, name), getattr(other.header, name)
        if expected != found:
            raise WorldMismatch(
                f"{Path(other.path)}: {name}: expected {expected[:200]} as in {first.path}, found "
                f"{found[:200]}. Recordings loaded together must be of one world."
            )
