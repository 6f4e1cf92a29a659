"""Lessons from recordings larger than memory: batches drawn from a buffer of blocks that were drawn at random."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from learners.cloning.labelled_steps import Symmetry, check_labels, no_label
from learners.cloning.lessons import Rows, as_tensor
from learners.interface import Array
from learners.networks import Perceptron
from recordings.demonstrations import Demonstrations
from recordings.stream import Stream

BUFFER = 1 << 18
"""Labels in the buffer at most, some sixty blocks of a recording,"""
BUFFER_BYTES = 1 << 27
"""and the room that their observations take at most."""
EXAM = 1 << 16
"""Labels, about, by which a student is judged: those of one episode in ten, so ten times as many steps are read."""
Labels = tuple[Array, Array]
"""Observations (L, *o) and actions (L, *a)."""


class Shuffled:
    """Labels of a stream, in a new order each time around; a sample of them stands for all where all are asked for."""

    def __init__(
        self,
        stream: Stream,
        targets: Callable[[Array], Tensor],
        batch_size: int,
        rng: np.random.Generator,
        *,
        sample: Rows,
        symmetry: Symmetry | None = None,
    ) -> None:
        """targets: of actions (L, *a). symmetry: each label also counts mirrored."""
        self._stream, self._targets, self._symmetry = stream, targets, symmetry
        self._batch_size, self._rng, self._sample = batch_size, rng, sample
        self._batches = self._drawn()

    def __len__(self) -> int:
        """At most so many: which steps have a label is known when they are read."""
        return len(self._stream) * (1 if self._symmetry is None else 2)

    @cached_property
    def alike(self) -> Tensor:
        return self._sample.alike

    def next(self, network: Perceptron) -> tuple[Tensor, Tensor]:
        observations, targets = next(self._batches)
        return network(observations), targets

    def all(self, network: Perceptron) -> tuple[Tensor, Tensor]:
        return self._sample.all(network)

    def _drawn(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Batches without end."""
        while True:
            n_parts = 0
            for part in gathered(self._stream, self._rng, self._symmetry):
                yield from self._in_batches(*part)
                n_parts += 1
            while n_parts == 1:  # everything fits the buffer
                yield from self._in_batches(*part)

    def _in_batches(self, observations: Array, actions: Array) -> Iterator[tuple[Tensor, Tensor]]:
        seen, targets = as_tensor(observations), self._targets(actions)
        order = torch.from_numpy(self._rng.permutation(len(targets)))
        whole = max(self._batch_size, len(order) // self._batch_size * self._batch_size)
        for rows in torch.split(order[:whole], self._batch_size):
            yield seen[rows], targets[rows]


def sampled(
    stream: Stream, rng: np.random.Generator, symmetry: Symmetry | None = None, most: int = BUFFER
) -> Labels:
    """At most so many labels, of blocks drawn at random. Raises NothingToLearnError where there is none."""
    found = next(gathered(stream, rng, symmetry, most), None)
    if found is None:
        raise no_label(len(stream))
    return found[0][:most], found[1][:most]


def gathered(
    stream: Stream, rng: np.random.Generator, symmetry: Symmetry | None = None, most: int = BUFFER
) -> Iterator[Labels]:
    """Every label once: those of blocks drawn at random, as many together as make `most` or fill the buffer."""
    held: list[Labels] = []
    n = room = 0
    for block in stream.blocks(rng):
        observations, actions = labels_of(block, symmetry)
        if not len(actions):
            continue
        held.append((observations, actions))
        n, room = n + len(actions), room + observations.nbytes
        if n >= most or room >= BUFFER_BYTES:
            yield _together(held)
            held, n, room = [], 0, 0
    if held:
        yield _together(held)


def labels_of(block: Demonstrations, symmetry: Symmetry | None) -> Labels:
    """Those of one block, and their mirror images. Raises NothingToLearnError where they do not fit the spaces."""
    check_labels(block)
    observations, actions = block.pairs()
    if symmetry is None:
        return observations, actions
    mirrored = symmetry(observations, actions)
    return np.concatenate([observations, mirrored[0]]), np.concatenate([actions, mirrored[1]])


def _together(held: list[Labels]) -> Labels:
    observations, actions = zip(*held, strict=True)
    return np.concatenate(observations), np.concatenate(actions)
