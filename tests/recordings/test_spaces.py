"""Spaces as JSON: what is written is read, and nothing else is."""

from __future__ import annotations

import json

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Sequence, Text, Tuple

from recordings import spaces
from recordings.errors import DamagedRecording, UnsupportedSpace

EXAMPLES = [
    Discrete(2500),
    Discrete(3, start=-1),
    Box(-np.inf, np.inf, (3,), np.float32),
    Box(np.array([-1.5, -np.inf]), np.array([1.5, 0.1]), dtype=np.float64),
    Box(0, 255, (4, 5, 3), np.uint8),
    Box(0, 1, (0,), np.float32),
    MultiDiscrete([3, 4], start=[1, 0]),
    MultiBinary(5),
    MultiBinary([2, 3]),
    Dict({"b": Discrete(2), "a": Tuple([Box(-1, 1, (2,), np.float32), MultiBinary(2)])}),
]


@pytest.mark.parametrize("space", EXAMPLES, ids=str)
def test_a_space_comes_back(space: gym.Space) -> None:
    text = spaces.to_json(space)
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert spaces.from_json(text) == space


@pytest.mark.parametrize("space", EXAMPLES, ids=str)
def test_elements_come_back(space: gym.Space) -> None:
    space.seed(0)
    stored = spaces.storage(space)
    element = space.sample()
    rows = np.asarray(spaces.encoder(space)(element), stored.dtype)[None]
    assert rows.shape[1:] == stored.shape
    (found,) = spaces.decoder_of_rows(space)(rows)
    assert space.contains(found)
    assert str(found) == str(element)


def test_discrete_takes_as_few_bytes_as_it_can() -> None:
    assert [spaces.storage(Discrete(n)).dtype.itemsize for n in (2, 128, 129, 2500, 70_000)] == [
        1,
        1,
        2,
        2,
        4,
    ]


@pytest.mark.parametrize("space", [Text(5), Sequence(Discrete(2)), Dict({"x": Text(3)})], ids=str)
def test_spaces_without_a_size_are_refused(space: gym.Space) -> None:
    with pytest.raises(UnsupportedSpace, match="fixed size"):
        spaces.to_json(space)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        '{"type": "Discrete"}',
        '{"type": "Discrete", "n": "2", "start": 0}',
        '{"type": "Discrete", "n": -1, "start": 0}',
        '{"type": "Text", "max_length": 5}',
        '{"type": "Box", "shape": [2], "dtype": "object", "low": 0, "high": 1}',
        '{"type": "Box", "shape": [2], "dtype": "float32", "low": [0], "high": 1}',
        '{"type": "Box", "shape": [2], "dtype": "float32", "low": "__import__", "high": 1}',
        '{"type": "Box", "shape": [99999, 99999], "dtype": "float32", "low": 0, "high": 1}',
        '{"type": "MultiDiscrete", "nvec": ["a"], "start": [0], "dtype": "int64"}',
        '{"type": "Tuple", "spaces": ' * 40 + "[]" + "}" * 40,
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(DamagedRecording):
        spaces.from_json(text)
