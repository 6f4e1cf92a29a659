"""Spaces of arrays in files that do not say their spaces."""

from __future__ import annotations

import math
from typing import Any

import gymnasium as gym
import numpy as np

from recordings.exchange.hdf5 import Foreign, refusal

_MOST_ELEMENTS = 1 << 24


def box(group: Foreign, name: str, *, unit: bool = False) -> gym.spaces.Box:
    """The space of the rows of a dataset: from -1 to 1 if they are `unit`, else anything that their type holds.

    Single numbers become vectors of one. Raises UnreadableSource where there are no rows of numbers.
    """
    dtype, shape = _rows(group, name)
    shape = shape or (1,)
    if unit:
        return gym.spaces.Box(-1.0, 1.0, shape, dtype.type)
    if dtype.kind == "f":
        return gym.spaces.Box(-np.inf, np.inf, shape, dtype.type)
    limits = np.iinfo(dtype)
    return gym.spaces.Box(limits.min, limits.max, shape, dtype.type)


def discrete(group: Foreign, name: str, low: int, high: int) -> gym.spaces.Discrete:
    """The space of whole numbers from `low` to `high`. Raises UnreadableSource."""
    if not -(2**62) <= low <= high < 2**62:
        raise refusal(group.path, name, "choices counted in 62 bits", f"{low} to {high}")
    return gym.spaces.Discrete(high - low + 1, start=low)


def is_discrete(group: Foreign, name: str) -> bool:
    """Rows of one whole number each. Raises UnreadableSource."""
    dtype, shape = _rows(group, name)
    return dtype.kind in "iu" and shape == ()


def _rows(group: Foreign, name: str) -> tuple[np.dtype[Any], tuple[int, ...]]:
    """Type, as little-endian numbers of at most 64 bits, and shape of a row."""
    dtype, shape = group.form(name)
    if dtype.kind not in "biuf" or not shape or not 0 < math.prod(shape[1:]) <= _MOST_ELEMENTS:
        raise refusal(group.path, name, "rows of numbers", f"{dtype} of shape {shape}")
    if dtype.kind == "b":
        return np.dtype(np.uint8), shape[1:]
    return np.dtype(f"{dtype.kind}{min(dtype.itemsize, 8)}"), shape[1:]
