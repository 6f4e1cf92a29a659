"""Doing the cells of an experiment: each once, and none again that is known."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from recordings.errors import UnderstudyError
from teleop.benchmark.ledger import Ledger
from teleop.experiments.experiment import Experiment, Findings
from teleop.sweeps.engine import Engine
from teleop.sweeps.sweep import Say, sweep


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
    experiment: Experiment, seeds: range, ledger: Ledger, folder: Path, *, engine: Engine, say: Say
) -> Findings:
    """Everything that the cells found; those that are known are not done again.

    folder: what cells share, kept from one run to the next. Raises ExperimentError after the last cell, where some
    failed: what the others found is kept.
    """
    cells = experiment.cells(seeds)
    failures = sweep(cells, engine, ledger, folder, say)
    if failures:
        raise ExperimentError(
            f"reproduce {experiment.name}: {len(failures)} of {len(cells)} cells failed twice, the first with "
            f"{failures[0]}. The others are kept: the same command does only what is missing."
        )
    return Findings([(cell, ledger.once(cell.key, None)) for cell in cells])
