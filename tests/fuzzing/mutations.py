"""Chance damage to the bytes of a file."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np

Mutate = Callable[[bytearray, np.random.Generator], None]

EXTREME = (b"\x00", b"\xff", b"\x7f", b"\x80", b"\x01")
NUMBERS = (
    b"-1",
    b"NaN",
    b"1e999",
    b"99999999999999999999",
    b"-Infinity",
    b"null",
    b'"../../x"',
    b"[]",
    b"{}",
)
_NUMBER = re.compile(rb"-?\d+(\.\d+)?")


def mutated(sound: bytes, seed: int) -> bytes:
    """The same bytes with one or two kinds of damage."""
    rng = np.random.default_rng(seed)
    content = bytearray(sound)
    for _ in range(int(rng.integers(1, 3))):
        MUTATIONS[int(rng.integers(len(MUTATIONS)))](content, rng)
    return bytes(content)


def _flip(content: bytearray, rng: np.random.Generator) -> None:
    for at in _places(content, rng, 4):
        content[at] ^= 1 << int(rng.integers(8))


def _overwrite(content: bytearray, rng: np.random.Generator) -> None:
    for at in _places(content, rng, 4):
        content[at] = int(rng.integers(256))


def _extreme(content: bytearray, rng: np.random.Generator) -> None:
    """Whole words of zeros, ones, or the greatest number."""
    for at in _places(content, rng, 2):
        width = int(rng.choice([1, 2, 4, 8]))
        content[at : at + width] = (EXTREME[int(rng.integers(len(EXTREME)))] * width)[: len(content) - at]


def _cut(content: bytearray, rng: np.random.Generator) -> None:
    if content:
        del content[int(rng.integers(len(content))) :]


def _remove(content: bytearray, rng: np.random.Generator) -> None:
    for at in _places(content, rng, 1):
        del content[at : at + int(rng.integers(1, 200))]


def _repeat(content: bytearray, rng: np.random.Generator) -> None:
    for at in _places(content, rng, 1):
        part = bytes(content[at : at + int(rng.integers(1, 200))])
        content[at:at] = part * int(rng.integers(1, 50))


def _swap(content: bytearray, rng: np.random.Generator) -> None:
    """Two stretches of equal length change places."""
    width = int(rng.integers(1, 64))
    one, other = [*_places(content, rng, 2), 0, 0][:2]
    if max(one, other) + width <= len(content) and abs(one - other) >= width:
        content[one : one + width], content[other : other + width] = (
            content[other : other + width],
            content[one : one + width],
        )


def _other_number(content: bytearray, rng: np.random.Generator) -> None:
    """A number that is written in letters becomes another, or none."""
    found = list(_NUMBER.finditer(content[: 1 << 16]))
    if found:
        match = found[int(rng.integers(len(found)))]
        content[match.start() : match.end()] = NUMBERS[int(rng.integers(len(NUMBERS)))]


def _places(content: bytearray, rng: np.random.Generator, most: int) -> list[int]:
    """Where to strike; half of the time near the beginning, where files say what they are."""
    if not content:
        return []
    end = min(len(content), 8_000) if rng.random() < 0.5 else len(content)
    return [int(at) for at in rng.integers(0, end, size=int(rng.integers(1, most + 1)))]


MUTATIONS: tuple[Mutate, ...] = (_flip, _overwrite, _extreme, _cut, _remove, _repeat, _swap, _other_number)
