"""Cells that are done in no time; in a module of their own, so that a process that does them starts fast."""

from __future__ import annotations

import os
import time
from collections.abc import Generator, Sequence
from pathlib import Path

from teleop.experiments.experiment import Cell, Found
from teleop.sweeps.engine import Outcome, Task, carry


def double(folder: Path, *, seed: int, breaks: bool = False) -> Found:
    """Twice the seed; leaves a line in the folder each time it is done."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "done").open("a") as file:
        file.write(f"{seed}\n")
    if breaks:
        raise ValueError(f"cell {seed} is broken")
    return {"twice": 2 * seed}


def sleep(folder: Path, *, seed: int) -> Found:
    """Tells its process, and on how many threads a learner would run; does not end by itself while a test runs."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".process").write_text(f"{os.getpid()} {os.environ['OMP_NUM_THREADS']}")
    (folder / ".process").rename(folder / "process")
    time.sleep(200)
    return {}


class OneAfterAnother:
    """An engine that starts at once, where a process takes a second: for who does what, and what is kept."""

    shares = False

    def do(self, tasks: Sequence[Task], folder: Path) -> Generator[Outcome, None, None]:
        for task in tasks:
            yield Outcome(task, carry(task, folder))


def cells(seeds: range) -> Sequence[Cell]:
    return [Cell(double, {"seed": seed}) for seed in seeds]


def done(folder: Path) -> list[int]:
    """The seeds whose cells were begun, in order."""
    return [int(line) for line in (folder / "done").read_text().split()]
