"""How processes of ours share a machine: each computes with one thread, and those behind the window give way to it.

On two cores a window's networks would otherwise wait for the core on which the trainer works (docs/decisions/0028).
"""

from __future__ import annotations

import math
import os
from pathlib import Path

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
NICENESS = 15
"""Of a process that gives way."""


def compute_with_one_thread() -> None:
    """To be said before numpy is loaded; what was set before holds. Processes started from here inherit it."""
    for name in THREADS:
        os.environ.setdefault(name, "1")


def give_way() -> None:
    """Let other processes go before this one, which goes on slowly where they leave no core free."""
    if hasattr(os, "nice"):  # not on Windows
        os.nice(NICENESS)


def wait_for_idleness() -> None:
    """Work only while a core is free, where the system knows such a thing; else give way."""
    if hasattr(os, "SCHED_IDLE"):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    else:
        give_way()


def stolen_s() -> float:
    """Seconds of processor, over all cores, that the host of a virtual machine gave to others since the start; nan
    where the system does not tell."""
    try:
        total = Path("/proc/stat").read_text().splitlines()[0].split()
    except OSError:
        return math.nan
    return int(total[8]) / os.sysconf("SC_CLK_TCK")
