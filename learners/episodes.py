"""Demonstrations taken apart, and doubled, by whole episodes: what follows what is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from learners.interface import Array
from recordings.demonstrations import Demonstrations

Symmetry = Callable[[Array, Array], tuple[Array, Array]]
"""A mirror of the world: observations (N, *o), actions (N, *a) -> the same, mirrored."""


def split(
    demonstrations: Demonstrations, share: float, rng: np.random.Generator
) -> tuple[Demonstrations, Demonstrations]:
    """Episodes to learn from, and others to choose by; with fewer than ten, all of them for both."""
    n_episodes = len(demonstrations.lengths)
    n_kept = round(share * n_episodes)
    if n_episodes < 10 or n_kept == 0:
        return demonstrations, demonstrations
    kept = np.zeros(n_episodes, dtype=bool)
    kept[rng.permutation(n_episodes)[:n_kept]] = True
    return _episodes(demonstrations, ~kept), _episodes(demonstrations, kept)


def _episodes(demonstrations: Demonstrations, chosen: Array) -> Demonstrations:
    rows = np.repeat(chosen, demonstrations.lengths)
    lengths = demonstrations.lengths[chosen]
    columns: dict[str, Any] = {name: values[rows] for name, values in _columns(demonstrations).items()}
    return replace(
        demonstrations,
        **columns,
        starts=np.cumsum(lengths) - lengths,
        lengths=lengths,
        final_observations=demonstrations.final_observations[chosen],
    )


def with_mirror_images(demonstrations: Demonstrations, symmetry: Symmetry) -> Demonstrations:
    """Each episode, and then each as it would be seen in the mirror."""
    columns, starts = _columns(demonstrations), demonstrations.starts
    n_steps, n_episodes = len(demonstrations), len(starts)
    nothing = np.zeros(max(n_steps, n_episodes), dtype=np.int64)
    observations, actions = symmetry(columns["observations"], columns.get("actions", nothing[:n_steps]))
    last, _ = symmetry(demonstrations.final_observations, nothing[:n_episodes])
    images = columns | {"observations": observations, "actions": actions}
    both: dict[str, Any] = {name: np.concatenate([columns[name], images[name]]) for name in columns}
    return replace(
        demonstrations,
        **both,
        starts=np.concatenate([starts, starts + n_steps]),
        lengths=np.tile(demonstrations.lengths, 2),
        final_observations=np.concatenate([demonstrations.final_observations, last]),
    )


def _columns(demonstrations: Demonstrations) -> dict[str, Array]:
    """What there is one row of for each step."""
    names = ("observations", "actions", "labelled", "rewards", "terminated", "truncated")
    columns = {name: getattr(demonstrations, name) for name in names}
    return {name: values for name, values in columns.items() if values is not None}
