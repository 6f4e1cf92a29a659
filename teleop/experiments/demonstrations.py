"""Demonstrations for the cells of an experiment, recorded by the program itself, once for all cells that need them."""

from __future__ import annotations

from pathlib import Path

from recordings.demonstrations import Demonstrations, Filter, load
from teleop.benchmark.runs import run_command
from teleop.experiments.experiment import made_once


def recorded(
    folder: Path, world: str, episodes: int, seed: int, *, driver: str = "scripted", state_only: bool = False
) -> Demonstrations:
    """So many episodes of a listed world, driven by its scripted expert or by a policy file."""
    return load(recording(folder, world, episodes, seed, driver=driver), Filter(state_only=state_only))


def recording(folder: Path, world: str, episodes: int, seed: int, *, driver: str = "scripted") -> Path:
    """Their file."""
    name = f"{world}-{Path(driver).stem}-{episodes}-{seed}.h5"
    words = ("record", "--env", world, "--driver", driver, "--headless", "--episodes", str(episodes))
    return made_once(folder / name, lambda path: _run(*words, "--seed", str(seed), "--out", str(path)))


def _run(*words: str) -> None:
    run_command(*words)
