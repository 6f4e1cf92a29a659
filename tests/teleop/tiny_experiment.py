"""Cells that are done in no time; in a module of their own, so that a process that does them starts fast."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Generator, Sequence
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


def stumble(folder: Path, *, seed: int, counted: str, times: int, killed: bool = False) -> Found:
    """Fails so many times, by an error or by being killed. counted: the file in which it counts."""
    with Path(counted).open("a") as file:
        file.write(".")
    if Path(counted).stat().st_size <= times:
        if killed:
            os.kill(os.getpid(), signal.SIGKILL)
        raise MemoryError("no room")
    return {"seed": seed}


def outlive(folder: Path, *, seed: int, counted: str) -> Found:
    """Goes on for a second after another cell has begun to stumble."""
    wait_until(Path(counted).exists)
    time.sleep(1)
    return {"seed": seed}


def place(folder: Path, *, seed: int) -> Found:
    """Where it is done; long enough for another to be begun beside it."""
    time.sleep(1)
    return {"folder": str(folder)}


def no_json(folder: Path, *, seed: int) -> Found:
    return {"folder": folder}


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


def wait_until(holds: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 100
    while not holds():
        assert time.monotonic() < deadline_s, "waited in vain"
        time.sleep(0.05)


def runs(process: int) -> bool:
    """A process that has ended and that nobody has asked about is still listed, as Z."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
