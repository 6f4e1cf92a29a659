"""Adam (Kingma & Ba 2015), as torch computes it.

The computation is torch's own function. Its optimiser class is left out: the first one made in a process imports
torch's compiler, which takes 2.5 s of every run and of the first student in a live session, and is of no use here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim.adam import adam

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8


class Adam:
    """Follows the gradient of the loss + l2/2 |weights|^2; weights have two dimensions or more, biases are free."""

    def __init__(self, parameters: Iterable[Tensor], learning_rate: float, l2: float = 0.0) -> None:
        self.param_groups: list[dict[str, Any]] = [{"lr": learning_rate}]
        """As torch's optimisers have it: `lr` may change between steps."""
        parameters = list(parameters)
        self._groups = [
            _Moments([p for p in parameters if p.dim() >= 2], l2),
            _Moments([p for p in parameters if p.dim() < 2], 0.0),
        ]

    def zero_grad(self) -> None:
        for group in self._groups:
            for parameter in group.parameters:
                parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """One update of every parameter that has a gradient."""
        for group in self._groups:
            group.step(self.param_groups[0]["lr"])


class _Moments:
    """Parameters, and the running moments of their gradients."""

    def __init__(self, parameters: list[Tensor], l2: float) -> None:
        self.parameters, self._l2 = parameters, l2
        self._means = [torch.zeros_like(p) for p in parameters]
        self._squares = [torch.zeros_like(p) for p in parameters]
        self._steps = [torch.zeros((), dtype=torch.float32) for _ in parameters]

    def step(self, learning_rate: float) -> None:
        rows = [row for row, p in enumerate(self.parameters) if p.grad is not None]
        if not rows:
            return
        adam(
            [self.parameters[row] for row in rows],
            [self._gradient(row) for row in rows],
            [self._means[row] for row in rows],
            [self._squares[row] for row in rows],
            [],
            [self._steps[row] for row in rows],
            fused=True,
            amsgrad=False,
            beta1=BETA_1,
            beta2=BETA_2,
            lr=learning_rate,
            weight_decay=self._l2,
            eps=EPSILON,
            maximize=False,
        )

    def _gradient(self, row: int) -> Tensor:
        gradient = self.parameters[row].grad
        assert gradient is not None
        return gradient
