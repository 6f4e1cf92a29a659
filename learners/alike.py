"""When two actions count as the same: numbers of a Box are never quite equal."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np

from learners.interface import FloatArray

SHARE = 0.05
"""Of the range between a Box's bounds, within which two of its actions are alike."""
UNBOUNDED = 0.1
"""The same where there are no bounds, in the action's own units."""


def tolerance_of(space: gym.Space[Any], share: float = SHARE) -> FloatArray:
    """How far apart two actions of a space may lie and still count as the same; 0 unless it is a Box.

    share: of the range between a Box's bounds; without bounds twice as much in the action's own units.
    """
    if not isinstance(space, gym.spaces.Box) or not np.issubdtype(space.dtype, np.floating):
        return np.zeros(())
    reach = space.high.astype(np.float64) - space.low.astype(np.float64)
    return np.where(np.isfinite(reach), share * reach, share / SHARE * UNBOUNDED)


def alike(one: Any, other: Any, tolerance: Any) -> bool:
    """Whether two actions lie no further apart than that."""
    apart = np.abs(np.asarray(one, np.float64) - np.asarray(other, np.float64))
    return bool((apart <= tolerance).all())
