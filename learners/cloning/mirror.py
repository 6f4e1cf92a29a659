"""Demonstrations as they would be seen in a mirror of the world, episode by episode."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from learners.cloning.labelled_steps import Symmetry
from learners.interface import Array
from recordings.demonstrations import Demonstrations


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
