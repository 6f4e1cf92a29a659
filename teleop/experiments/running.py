"""Doing the cells of an experiment: several at once, each once, and none again that is known."""

from __future__ import annotations

import importlib.util
import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from pathlib import Path

from recordings.errors import UnderstudyError
from teleop.benchmark.ledger import Ledger
from teleop.experiments.experiment import Cell, Experiment, Findings, Found

Say = Callable[[str], None]
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""Small networks train several times slower on two threads of a busy machine."""


class ExperimentError(UnderstudyError):
    """An experiment cannot be run, or some of its cells failed."""


def require(experiment: Experiment) -> None:
    """Raise ExperimentError, with the remedy, where an extra is missing."""
    missing = [module for module in experiment.needs if importlib.util.find_spec(module) is None]
    if missing:
        raise ExperimentError(
            f"reproduce {experiment.name}: expected the module {missing[0]}, found none. Install it: "
            f'pip install "understudy[{missing[0]}]".'
        )


def carry_out(
    experiment: Experiment, seeds: range, ledger: Ledger, folder: Path, *, workers: int, say: Say
) -> Findings:
    """Everything that the cells found; those that are known are not done again.

    folder: what cells share, kept from one run to the next. Raises ExperimentError after the last cell, where some
    failed: what the others found is kept.
    """
    cells = experiment.cells(seeds)
    open_ones = [cell for cell in cells if not ledger.is_known(cell.key)]
    failures = _do(open_ones, ledger, folder, workers, say) if open_ones else []
    if failures:
        raise ExperimentError(
            f"reproduce {experiment.name}: {len(failures)} of {len(cells)} cells failed, the first with "
            f"{failures[0]}. The others are kept: the same command does only what is missing."
        )
    return Findings([(cell, ledger.once(cell.key, None)) for cell in cells])


def _do(cells: Sequence[Cell], ledger: Ledger, folder: Path, workers: int, say: Say) -> list[str]:
    """Do the cells, keep what each found as soon as it is there, and return what went wrong."""
    failures: list[str] = []
    for name in THREADS:
        os.environ.setdefault(name, "1")
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(
        min(workers, len(cells)), mp_context=context, initializer=_end_with_parent
    ) as pool:
        futures: dict[Future[Found], Cell] = {pool.submit(_timed, cell, folder): cell for cell in cells}
        try:
            for n, future in enumerate(as_completed(futures), 1):
                cell = futures[future]
                error = future.exception()
                if error is not None:
                    failures.append(f"{cell.key}: {type(error).__name__}: {error}")
                    say(f"{n}/{len(cells)} FAILED {failures[-1]}")
                    continue
                found = ledger.once(cell.key, future.result)
                say(f"{n}/{len(cells)} {cell.key}: {found['seconds']:.1f} s")
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return failures


def _end_with_parent() -> None:
    """Let this process end when the one that started it does: else a kill would leave it waiting for work for ever."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _timed(cell: Cell, folder: Path) -> Found:
    began_s, processor_s = time.perf_counter(), time.process_time()
    found = cell.work(folder, **cell.arguments)
    return {
        **found,
        "seconds": time.perf_counter() - began_s,
        "processor_seconds": time.process_time() - processor_s,
    }
