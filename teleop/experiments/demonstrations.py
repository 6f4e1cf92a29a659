"""Demonstrations for the cells of an experiment, recorded by the program itself, once for all cells that need them.

And who gives them: a world's scripted expert, or the policy that is shipped where there is no script.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from learners import load_policy
from learners.data import hopper_expert_path
from learners.interface import Expert
from recordings.demonstrations import Demonstrations, Filter, load
from teleop.benchmark.runs import run_command
from teleop.experiments.experiment import made_once
from teleop.experts import SCRIPTED, PolicyExpert, scripted_expert
from teleop.worlds.catalogue import HOPPER, World

POLICIES: Mapping[str, Callable[[], Path]] = {HOPPER.name: hopper_expert_path}
"""World -> its shipped expert, where no script can drive it."""


def expert_of(world: World) -> Expert:
    """Who labels its states."""
    if world.name not in POLICIES:
        return scripted_expert(world)
    return PolicyExpert(load_policy(POLICIES[world.name]()), "expert")


def recorded(
    folder: Path, world: str, episodes: int, seed: int, *, state_only: bool = False
) -> Demonstrations:
    """So many episodes of a listed world, driven by its expert."""
    return load(recording(folder, world, episodes, seed), Filter(state_only=state_only))


def recording(folder: Path, world: str, episodes: int, seed: int) -> Path:
    """Their file."""
    name = f"{world}-{episodes}-{seed}.h5"
    driver = SCRIPTED if world not in POLICIES else str(POLICIES[world]())
    words = ("record", "--env", world, "--driver", driver, "--headless", "--episodes", str(episodes))
    return made_once(folder / name, lambda path: _run(*words, "--seed", str(seed), "--out", str(path)))


def _run(*words: str) -> None:
    run_command(*words)
