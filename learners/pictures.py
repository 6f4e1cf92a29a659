"""Observations that are pictures: what counts as one, and the convolutions that read it, in numpy.

The layers are those of DQN (Mnih et al. 2013, 2015): squares of 8, 4 and 3 pixels, moved on by 4, 2 and 1, each
followed by a ReLU. `networks.PicturePerceptron` is the same in torch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from learners.interface import Array

SQUARES: tuple[tuple[int, int], ...] = ((8, 4), (4, 2), (3, 1))
"""Of each layer in turn: pixels along a side of what one filter sees, and pixels from one place to the next."""
AT_ONCE = 32
"""Pictures read together: what the filters see of each is laid out side by side, half a megabyte of it."""


def is_picture(space: gym.Space[Any]) -> bool:
    """Height by width by at most four channels of bytes, and large enough for the first two layers."""
    if not isinstance(space, gym.spaces.Box) or space.dtype != np.uint8 or len(space.shape) != 3:
        return False
    return space.shape[2] <= 4 and min(_sides(space.shape, 2)) >= 1


def filter_shapes(picture: tuple[int, ...], filters: tuple[int, ...]) -> list[tuple[int, int, int, int]]:
    """Of each layer's weights: filters, channels that it reads, rows, columns.

    picture: (height, width, channels). Raises ValueError for more layers than there are, or than fit.
    """
    if len(filters) > len(SQUARES) or min(_sides(picture, len(filters))) < 1:
        raise ValueError(
            f"filters: expected at most {len(SQUARES)} layers that fit a picture of {picture}, found {filters}"
        )
    channels = (picture[2], *filters)
    return [(channels[i + 1], channels[i], side, side) for i, (side, _) in enumerate(SQUARES[: len(filters)])]


def n_features(picture: tuple[int, ...], filters: tuple[int, ...]) -> int:
    """Numbers that the last layer answers."""
    return math.prod(_sides(picture, len(filters))) * filters[-1]


def read(arrays: Mapping[str, Array], pictures: Array) -> Array:
    """pictures (B, height, width, channels) -> (B, features), float32, filter after filter."""
    parts = [_read(arrays, pictures[at : at + AT_ONCE]) for at in range(0, max(1, len(pictures)), AT_ONCE)]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _read(arrays: Mapping[str, Array], pictures: Array) -> Array:
    x = np.asarray((pictures - arrays["mean"]) / arrays["std"], np.float32).transpose(0, 3, 1, 2)
    layer = 0
    while (weight := arrays.get(f"convolutions.{layer}.weight")) is not None:
        side, stride = SQUARES[layer]
        seen = sliding_window_view(x, (side, side), axis=(2, 3))[:, :, ::stride, ::stride]
        answers = np.tensordot(seen, weight, axes=((1, 4, 5), (1, 2, 3)))  # (B, rows, columns, filters)
        x = np.maximum(answers + arrays[f"convolutions.{layer}.bias"], 0.0).transpose(0, 3, 1, 2)
        layer += 1
    return x.reshape(len(x), -1)


def _sides(picture: tuple[int, ...], layers: int) -> tuple[int, int]:
    """Places at which the last of these layers looks: down and across; below 1 where it does not fit."""
    height, width = picture[:2]
    for side, stride in SQUARES[:layers]:
        height, width = (height - side) // stride + 1, (width - side) // stride + 1
    return height, width
