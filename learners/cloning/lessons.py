"""Batches of labelled steps for a network: in any order, or, for one that remembers, episode by episode.

    outputs, targets = lessons.next(network)     # the next batch
    outputs, targets = lessons.all(network)      # every label, once

Both are flat: one row a label, whatever the batch looked like on its way through the network.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from learners.interface import Array, IntArray
from learners.networks import LstmState, Perceptron

AT_ONCE = 256
"""Episodes, or pictures, that `all` sends through a network together."""


class Lessons(Protocol):
    """Labels, and what a network answers to them."""

    def __len__(self) -> int:
        """Labels."""
        ...

    @property
    def alike(self) -> Tensor:
        """(N,) int64, less than N: equal for labels whose situation is the same, in the order of `all`."""
        ...

    def next(self, network: Perceptron) -> tuple[Tensor, Tensor]:
        """outputs (B, outputs) and targets (B,) or (B, outputs) of the next batch."""
        ...

    def all(self, network: Perceptron) -> tuple[Tensor, Tensor]:
        """outputs (N, outputs) and targets (N,) or (N, outputs) of every label."""
        ...


class Rows:
    """Labels that stand for themselves, in a new order each time around."""

    def __init__(
        self, observations: Array, targets: Tensor, batch_size: int, rng: np.random.Generator
    ) -> None:
        """observations (N, *o), targets (N,) or (N, outputs)."""
        self._observations = as_tensor(observations)
        self._targets = targets
        self._batches = _batches(len(targets), batch_size, rng)

    def __len__(self) -> int:
        return len(self._targets)

    @cached_property
    def alike(self) -> Tensor:
        """The same observation is the same situation."""
        if self._observations.dtype == torch.uint8:
            seen: dict[bytes, int] = {}
            return torch.tensor(
                [seen.setdefault(row.tobytes(), len(seen)) for row in self._observations.numpy()]
            )
        return torch.from_numpy(
            np.unique(self._observations.numpy(), axis=0, return_inverse=True)[1].reshape(-1)
        )

    def next(self, network: Perceptron) -> tuple[Tensor, Tensor]:
        rows = next(self._batches)
        return network(self._observations[rows]), self._targets[rows]

    def all(self, network: Perceptron) -> tuple[Tensor, Tensor]:
        if self._observations.dtype == torch.uint8:  # convolutions fill a hundred times an observation's room
            parts = torch.split(self._observations, AT_ONCE)
            return torch.cat([network(part) for part in parts]), self._targets
        return network(self._observations), self._targets


def as_tensor(observations: Array) -> Tensor:
    """float32; bytes stay bytes, for pictures would take four times their room."""
    dtype = np.uint8 if observations.dtype == np.uint8 else np.float32
    return torch.from_numpy(np.ascontiguousarray(observations, dtype=dtype))


def _batches(n: int, batch_size: int, rng: np.random.Generator) -> Iterator[Tensor | slice]:
    """Rows of each update: all of them if they fit one batch, else every row once an epoch."""
    while n <= batch_size:
        yield slice(None)
    while True:
        order = torch.from_numpy(rng.permutation(n))
        yield from torch.split(order, batch_size)[: n // batch_size]


class Sequences:
    """Episodes read from their start, a window of steps in each batch (truncated backpropagation through time).

    The gradient ends where a window begins; the memory does not. Steps without label are seen, and only seen.
    """

    def __init__(
        self,
        observations: Array,
        targets: Tensor,
        labelled: Array,
        lengths: IntArray,
        window: int,
        batch_size: int,
        rng: np.random.Generator,
    ) -> None:
        """observations (N, *o), targets, labelled (N,) bool: one episode after the other, of `lengths` (E,).

        A batch is a window of as many episodes at once as make about `batch_size` steps.
        """
        self._observations = as_tensor(observations)
        self._targets = targets
        self._labelled = torch.from_numpy(np.asarray(labelled, dtype=bool))
        self._ends = torch.from_numpy(np.cumsum(lengths))
        self._starts = self._ends - torch.from_numpy(np.asarray(lengths, dtype=np.int64))
        self._window = window
        self._batches = _batches(len(lengths), max(1, batch_size // window), rng)
        self._steps: Iterator[Tensor] = iter(())
        self._memory: LstmState | None = None

    def __len__(self) -> int:
        return int(self._labelled.sum())

    @property
    def alike(self) -> Tensor:
        """No two situations are the same to one who remembers."""
        return torch.arange(len(self))

    def next(self, network: Perceptron) -> tuple[Tensor, Tensor]:
        while True:
            steps = next(self._steps, None)
            if steps is None:
                episodes = next(self._batches)
                self._memory = None
                self._steps = iter(torch.split(self._laid_out(episodes), self._window, dim=1))
                continue
            outputs, targets, (h, c) = self._answers(network, steps, self._memory)
            self._memory = h.detach(), c.detach()
            if len(targets):
                return outputs, targets

    def all(self, network: Perceptron) -> tuple[Tensor, Tensor]:
        parts = []
        for first in range(0, len(self._starts), AT_ONCE):
            outputs, targets, _ = self._answers(network, self._laid_out(slice(first, first + AT_ONCE)), None)
            parts.append((outputs, targets))
        every_output, every_target = zip(*parts, strict=True)
        return torch.cat(every_output), torch.cat(every_target)

    def _laid_out(self, episodes: Tensor | slice) -> Tensor:
        """(B, T) the rows of some episodes, one after the other; -1 after the end of one."""
        starts, ends = self._starts[episodes], self._ends[episodes]
        steps = starts[:, None] + torch.arange(int((ends - starts).max()))
        return torch.where(steps < ends[:, None], steps, -1)

    def _answers(
        self, network: Perceptron, steps: Tensor, memory: LstmState | None
    ) -> tuple[Tensor, Tensor, LstmState]:
        """steps (B, T) rows -> outputs and targets of those with a label, and what is remembered then."""
        outputs, memory = network.recall(self._observations[steps], memory)
        counts = (steps >= 0) & self._labelled[steps]
        return outputs[counts], self._targets[steps[counts]], memory
