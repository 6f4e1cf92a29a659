"""What a sweep asks of whatever does its cells. To be read in this order: Task, Outcome, Engine, `carry`."""

from __future__ import annotations

import json
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from recordings.errors import UnderstudyError


class SweepError(UnderstudyError):
    """The cells cannot be handed to this engine."""


class Task(Protocol):
    """One cell of a grid: the same wherever and whenever it is done. It is sent to another process, so it is plain data
    and its class lies in a module."""

    @property
    def key(self) -> str:
        """What it is, in one line; no two of a sweep have the same."""

    def do(self, folder: Path) -> Any:
        """Plain JSON values. folder: of this machine, shared with the other cells done on it (`made_once`)."""


@dataclass(frozen=True)
class Answer:
    """What came of a task, as text: nothing else comes back from another process."""

    found: str = ""
    """JSON."""
    error: str = ""
    """What went wrong, in a line or two; "": nothing."""
    seconds: float = 0.0
    """Wall time."""


@dataclass(frozen=True)
class Outcome:
    """A task that is over, one way or the other."""

    task: Task
    answer: Answer


class Engine(Protocol):
    """Does tasks, several at once."""

    @property
    def shares(self) -> bool:
        """Whether tasks run beside one another or elsewhere, so that their times are not this machine's at rest."""

    def do(self, tasks: Sequence[Task], folder: Path) -> Generator[Outcome, None, None]:
        """Each task's outcome as soon as it is over, in whatever order. One that fails, or whose process is killed,
        harms no other. Raises SweepError before the first where none can be done; closed early, it stops the rest."""


def carry(task: Task, folder: Path) -> Answer:
    """Do one task, in the process that was chosen for it."""
    began_s = time.perf_counter()
    try:
        found = json.dumps(task.do(folder))
    except Exception as error:  # noqa: BLE001 - whatever a cell raises is told with its name, and the others go on
        return Answer(error=f"{type(error).__name__}: {error}")
    return Answer(found, seconds=time.perf_counter() - began_s)
