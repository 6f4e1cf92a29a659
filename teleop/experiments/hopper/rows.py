"""The source's seven networks on Hopper: what was fitted, and how well each then hops.

What the source leaves open, and what is done here: the step size (1e-3 throughout), the batch (128 labels), how
long (returns are read at three moments), its inputs (as they are; it does not say that it standardised them).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from learners import bc
from teleop.experiments.experiment import Cell, Findings, Found, Item, Table
from teleop.experiments.hopper.data import DEMONSTRATIONS, return_of, shown
from teleop.experiments.statistics import median_and_range

RATE = 1e-3
"""Step size of every row, SGD or Adam."""
OTHER_RATES = (1e-2, 1e-1)
"""Which SGD may try as well."""
L2 = 0.01
MOMENTS = (500, 2_000, 8_000)
"""Updates after which the return is read."""
BATCH = 128
MEMORY = 64
"""Units of the LSTM."""


@dataclass(frozen=True)
class Row:
    """One network of the source's table."""

    name: str
    its_return: float | None
    """As the source has it; None: not in its table."""
    settings: Mapping[str, Any] = field(default_factory=dict)

    def with_rate(self, rate: float) -> Row:
        return Row(f"{self.name}, step size {rate:g}", None, {**self.settings, "rate": rate})


TANH_SGD = Row("tanh, SGD", 213.0, {"activation": "tanh", "optimiser": "sgd"})
TANH_ADAM = Row("tanh, Adam", 771.34, {"activation": "tanh", "optimiser": "adam"})
RELU_SGD = Row("ReLU, SGD", 532.0, {"activation": "relu", "optimiser": "sgd"})
RELU_ADAM = Row("ReLU, Adam", 913.65, {"activation": "relu", "optimiser": "adam"})
TANH_L2 = Row("tanh, L2, Adam", 1169.94, {**TANH_ADAM.settings, "l2": L2})
RELU_L2 = Row("ReLU, L2, Adam", 1127.3, {**RELU_ADAM.settings, "l2": L2})
RELU_L2_LSTM = Row("ReLU, L2, LSTM, Adam", 991.2, {**RELU_L2.settings, "memory": MEMORY})
SOURCE_ROWS = (TANH_SGD, TANH_ADAM, RELU_SGD, RELU_ADAM, TANH_L2, RELU_L2, RELU_L2_LSTM)
SGD_RATES = tuple(row.with_rate(rate) for row in (TANH_SGD, RELU_SGD) for rate in OTHER_RATES)
ROWS = (*SOURCE_ROWS, *SGD_RATES)


def fit_row(
    folder: Path,
    *,
    activation: Any,
    optimiser: Any,
    seed: int,
    rate: float = RATE,
    l2: float = 0.0,
    memory: int = 0,
) -> Found:
    """One fit to the 80 episodes: the loss along the way, and the return at each moment."""
    every = 500 if memory else 250
    config = bc.Config(
        hidden=(128, 64),
        activation=activation,
        memory=memory,
        optimiser=optimiser,
        learning_rate=rate,
        decay="none",
        momentum=0.0,
        standardised=False,
        batch_size=BATCH,
        l2=l2,
        updates=MOMENTS[-1],
        check_every=every,
        patience=MOMENTS[-1],
        held_out=0.0,
    )
    data = shown(folder, DEMONSTRATIONS, seed)
    updates, losses, batch_losses, returns = [], [], [], []
    for snapshot in bc.train(config, data, None, np.random.default_rng(seed)):
        updates.append(snapshot.step)
        losses.append(_finite(snapshot.metrics["loss"]))
        batch_losses.append(_finite(snapshot.metrics["training_loss"]))
        if snapshot.step in MOMENTS:
            returns.append(return_of(snapshot.policy, seed))
    return {"updates": updates, "losses": losses, "batch_losses": batch_losses, "returns": returns}


def cells(seeds: range) -> list[Cell]:
    return [Cell(fit_row, {**row.settings, "seed": seed}) for row in ROWS for seed in seeds]


def runs(findings: Findings, row: Row) -> list[Found]:
    """What the fits of just this network found."""
    return [
        found
        for cell, found in findings.pairs
        if cell.work is fit_row
        and {name: value for name, value in cell.arguments.items() if name != "seed"} == row.settings
    ]


def returns(findings: Findings, row: Row, moment: int) -> list[float]:
    """Of each fit, at the moment of this index."""
    return [run["returns"][moment] for run in runs(findings, row)]


def final_losses(findings: Findings, row: Row) -> list[float]:
    """The mean squared error at the end; infinite where the fit diverged."""
    ends = [run["losses"][-1] for run in runs(findings, row)]
    return [math.inf if end is None else end for end in ends]


def unrest(run: Found) -> float:
    """How much the loss of one batch differs from that of the next one looked at: the mean |log ratio|, second half."""
    half = run["batch_losses"][len(run["batch_losses"]) // 2 :]
    logs = [math.log(max(loss, 1e-12)) for loss in half if loss is not None]
    steps = [abs(b - a) for a, b in pairwise(logs)]
    return sum(steps) / len(steps) if steps else math.inf


def table(findings: Findings) -> Table:
    return Table(
        "The source's seven rows, and what it might have tried besides",
        ("network", "its return", *(f"ours, {n:,} updates" for n in MOMENTS), "squared error at the end"),
        [
            (
                row.name,
                "–" if row.its_return is None else f"{row.its_return:,.0f}",
                *(median_and_range(returns(findings, row, moment)) for moment in range(len(MOMENTS))),
                median_and_range(final_losses(findings, row)),
            )
            for row in ROWS
        ],
        f"{DEMONSTRATIONS} episodes, hidden layers of 128 and 64 units, batches of {BATCH}, inputs as they are, step "
        f"size {RATE:g} where no other is named, plain gradient descent without momentum as SGD. L2: {L2:g} times half "
        "the squared weights, and really in the loss: the source makes the regulariser and never adds it, so that its "
        "rows with and without L2 minimise the same thing. Its returns are of an older version of the world, from an "
        "expert whose return it does not give.",
    )


def items(findings: Findings, seeds: int) -> Sequence[Item]:
    last = len(MOMENTS) - 1
    adam, sgd = (median_and_range(final_losses(findings, row)) for row in (TANH_ADAM, TANH_SGD))
    return [
        Item(
            "001",
            f"Cloning 80 episodes with two layers (128, 64): {row.name}",
            f"Hopper-v5, {MOMENTS[last]:,} updates, {seeds} seeds",
            f"{row.its_return:g}",
            median_and_range(returns(findings, row, last)),
        )
        for row in SOURCE_ROWS
    ] + [
        Item(
            "001",
            "The loss over the updates, SGD beside Adam",
            f"drawn for both activations, {seeds} seeds",
            "picture",
            f"[picture](hopper.md); tanh, squared error at the end: Adam {adam}, SGD {sgd}",
        )
    ]


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
