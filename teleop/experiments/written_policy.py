"""A policy as a page keeps it: one action a state, out of a list."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from learners.interface import Array


class WrittenPolicy:
    """Answers as a table does that was written down."""

    def __init__(self, actions: Sequence[int]) -> None:
        """actions (S,)"""
        self._actions = np.asarray(actions, np.int64)

    def act(self, observations: Array, rng: np.random.Generator | None = None) -> Array:
        """observations (B,) -> actions (B,)"""
        chosen: Array = self._actions[observations]
        return chosen
