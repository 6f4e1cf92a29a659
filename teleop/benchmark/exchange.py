"""How fast recordings become what other programs read, and come back, and how fast they are put together."""

from __future__ import annotations

import shutil
import time
from importlib.util import find_spec
from pathlib import Path

import recordings
from recordings.exchange.catalogue import FORMATS
from recordings.merging import merge
from recordings.recorder import Recorder
from recordings.schema import Driver, Header, LabelKind
from teleop.benchmark.measure import recording_cost
from teleop.worlds.catalogue import CARTPOLE, GRIDWORLD, World

STEPS = 50_000
MERGED = 4
"""Recordings that are put together."""
WORLD_OF = {name: GRIDWORLD if name == "tutorial" else CARTPOLE for name in FORMATS}
"""Format -> the world that is measured: the tutorial's has room for its own alone."""


def is_there(name: str) -> bool:
    """Is what this format needs installed?"""
    return name != "imitation" or find_spec("pyarrow") is not None


def labelled_recording(world: World, folder: Path, seed: int = 0) -> Path:
    """The scripted expert's, with a label on every other step; made once."""
    path = folder / f"labelled-{world.name}-{seed}.h5"
    if not path.exists():
        recording_cost(world, folder, STEPS, expert=True, seed=seed)
        (folder / f"cost-{world.name}-True-{seed}.h5").rename(path)
        env = world.make()
        with Recorder(path, Header.for_env(env), resume=True) as recorder:
            for step in range(0, STEPS, 2):
                recorder.label(step, 0, labeler="human", kind=LabelKind.RETROSPECTIVE)
        env.close()
    return path


def conversion_steps_per_second(name: str, source: Path, folder: Path) -> tuple[float, float]:
    """Of a recording into this format, and of that back into a recording."""
    there, back = folder / f"there-{name}", folder / f"back-{name}.h5"
    began_s = time.perf_counter()
    with recordings.open(source) as reader:
        FORMATS[name].export(reader, there)
    middle_s = time.perf_counter()
    FORMATS[name].take_in(there, back, Driver.SCRIPTED, None)
    ended_s = time.perf_counter()
    back.unlink()
    if there.is_dir():
        shutil.rmtree(there)
    else:
        there.unlink()
    return STEPS / (middle_s - began_s), STEPS / (ended_s - middle_s)


def merged_steps_per_second(sources: list[Path], folder: Path) -> float:
    """Of recordings into one."""
    target = folder / "merged.h5"
    began_s = time.perf_counter()
    merge(sources, target)
    seconds = time.perf_counter() - began_s
    target.unlink()
    return len(sources) * STEPS / seconds
