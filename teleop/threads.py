"""A process of ours computes with one thread (docs/decisions/0028).

On two cores a window's networks would wait for the core on which the trainer works.
"""

from __future__ import annotations

import os

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def compute_with_one() -> None:
    """To be said before numpy is loaded; what was set before holds. Processes started from here inherit it."""
    for name in THREADS:
        os.environ.setdefault(name, "1")
