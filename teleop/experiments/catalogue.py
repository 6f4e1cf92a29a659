"""The experiments by name; each is a module or a folder of its own, imported only when it is run."""

from __future__ import annotations

import importlib

from teleop.experiments.experiment import Experiment

NAMES: tuple[str, ...] = (
    "loop",
    "cma-es",
    "hopper",
    "observation",
    "bc-versus-dagger",
    "fine-tune",
    "tutorial",
    "partial",
    "methods",
    "profile",
)
"""Each names the module that has it as EXPERIMENT, a minus for an underscore; in the order of the report."""


def find(name: str) -> Experiment:
    """The experiment of this name."""
    module = importlib.import_module(f"teleop.experiments.{name.replace('-', '_')}")
    experiment: Experiment = module.EXPERIMENT
    return experiment
