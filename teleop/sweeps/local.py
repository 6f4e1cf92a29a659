"""Cells on this machine: joblib's process pool (loky), one pool of a single process for each cell done at once.

In a pool of several processes a killed worker ends every cell that was under way, and leaves open which one it was.
Alone in its pool, it takes only its own cell with it.
"""

from __future__ import annotations

import multiprocessing
import os
import re
import threading
from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

from loky.process_executor import ProcessPoolExecutor

from teleop.processes import compute_with_one_thread
from teleop.sweeps.engine import Answer, Outcome, Task, carry


@dataclass(frozen=True)
class Local:
    """So many processes here, one thread each."""

    workers: int

    @property
    def shares(self) -> bool:
        return self.workers > 1

    def do(self, tasks: Sequence[Task], folder: Path) -> Generator[Outcome, None, None]:
        compute_with_one_thread()
        waiting = deque(tasks)
        free = [_process() for _ in range(min(self.workers, len(tasks)))]
        running: dict[Future[Answer], tuple[Task, ProcessPoolExecutor]] = {}
        try:
            while waiting or running:
                while waiting and free:
                    task, pool = waiting.popleft(), free.pop()
                    running[pool.submit(carry, task, folder)] = task, pool
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    task, pool = running.pop(future)
                    free.append(_whole(pool, future))
                    yield Outcome(task, _answer(future))
        finally:
            for pool in [*free, *(pool for _, pool in running.values())]:
                pool.shutdown(kill_workers=True)


def _process() -> ProcessPoolExecutor:
    """A pool of one, which starts with its first cell."""
    return ProcessPoolExecutor(
        1, context=multiprocessing.get_context("spawn"), initializer=_end_with_parent, timeout=None
    )


def _whole(pool: ProcessPoolExecutor, future: Future[Answer]) -> ProcessPoolExecutor:
    """The pool, or another one where its process ended with the cell."""
    if not isinstance(future.exception(), BrokenProcessPool):
        return pool
    pool.shutdown(kill_workers=True)
    return _process()


def _answer(future: Future[Answer]) -> Answer:
    error = future.exception()
    if error is None:
        return future.result()
    if isinstance(error, BrokenProcessPool):
        told = re.search(r"exit codes of the workers are \{(.*?)\}", str(error))
        return Answer(error=f"its process ended ({told.group(1) if told else type(error).__name__})")
    return Answer(error=f"{type(error).__name__}: {error}")


def _end_with_parent() -> None:
    """Let this process end when the one that started it does: else a kill would leave it waiting for work for ever."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
