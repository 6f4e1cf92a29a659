"""Adam is torch's, without what torch's optimiser brings along."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch import nn

from learners.gradients.adam import Adam


def losses(network: nn.Module, optimiser: Adam | torch.optim.Optimizer, l2: float) -> list[float]:
    """Of twenty steps on a fixed regression, at a falling rate."""
    x = torch.linspace(-1, 1, 12).reshape(6, 2)
    y = x.sum(1, keepdim=True) ** 2
    found = []
    for step in range(20):
        optimiser.param_groups[0]["lr"] = 0.1 / (1 + step)
        loss = nn.functional.mse_loss(network(x), y)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        found.append(loss.item())
    return found


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))


def test_it_takes_the_steps_that_torch_takes() -> None:
    ours, theirs = network(), network()
    expected = losses(theirs, torch.optim.Adam(theirs.parameters(), lr=0.1), 0.0)
    assert losses(ours, Adam(ours.parameters(), 0.1), 0.0) == pytest.approx(expected, rel=1e-5)
    assert expected[-1] < expected[0]


def test_l2_pulls_weights_and_leaves_biases() -> None:
    pulled = network()
    before = [p.detach().clone() for p in pulled.parameters()]
    optimiser = Adam(pulled.parameters(), 0.01, l2=1.0)
    optimiser.zero_grad()
    (0.0 * pulled(torch.ones(1, 2)).sum()).backward()  # type: ignore[no-untyped-call]
    optimiser.step()
    for parameter, first in zip(pulled.parameters(), before, strict=True):
        moved = (parameter.abs() < first.abs()) if parameter.dim() == 2 else parameter != first
        assert bool(moved.all() if parameter.dim() == 2 else not moved.any())


def test_what_has_no_gradient_stays() -> None:
    used, unused = nn.Parameter(torch.ones(2, 2)), nn.Parameter(torch.ones(2, 2))
    optimiser = Adam([used, unused], 0.1)
    used.sum().backward()  # type: ignore[no-untyped-call]
    optimiser.step()
    assert used.flatten().tolist() == pytest.approx([0.9] * 4)
    assert unused.flatten().tolist() == [1.0] * 4


def test_it_does_not_wait_for_torchs_compiler() -> None:
    program = (
        "import sys, torch; from learners.gradients.adam import Adam; w = torch.ones(1, requires_grad=True);"
        "o = Adam([w], 0.1); w.sum().backward(); o.step(); sys.exit('torch._dynamo' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
