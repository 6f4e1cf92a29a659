"""Where the time of the slow experiments goes, and what bounds it: the simulator, torch, numpy, or Python itself."""

from __future__ import annotations

import cProfile
import dataclasses
import pstats
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from teleop.experiments.demonstrations import recorded
from teleop.experiments.experiment import Cell, Experiment, Findings, Found, Item, Part, Picture, Table
from teleop.experiments.fitting import fits
from teleop.experiments.hopper.strong import IN_A_ROUND, OBSERVER, STUDENT
from teleop.experiments.methods import ASKED_EVERYWHERE
from teleop.plots import look
from teleop.worlds import catalogue

WORK: Mapping[str, tuple[str, str, int, int, Mapping[str, Any]]] = {
    "BC on CartPole": ("bc", "cartpole", 10, 0, {}),
    "DAgger on CartPole": ("dagger", "cartpole", 0, 0, {"labels": 200}),
    "BCO on CartPole": ("bco", "cartpole", 1, 0, {}),
    "GAIL on CartPole": ("gail", "cartpole", 1, 10, {}),
    "GAIL by CMA-ES on CartPole": ("gail", "cartpole", 10, 10, {"generator": "cma-es"}),
    "MCE IRL on GridWorld": ("mce-irl", "gridworld", 200, 0, {}),
    "GAIL on GridWorld": ("gail", "gridworld", 200, 40, {}),
    "PPO on GridWorld": ("ppo", "gridworld", 0, 20, {}),
    "BC on Hopper": ("bc", "hopper", 4, 0, dataclasses.asdict(STUDENT)),
    "DAgger on Hopper": (
        "dagger",
        "hopper",
        0,
        0,
        {**ASKED_EVERYWHERE, "student": IN_A_ROUND, "labels": 1_000},
    ),
    "BCO on Hopper": ("bco", "hopper", 4, 2, dataclasses.asdict(OBSERVER)),
    "PPO on Hopper": ("ppo", "hopper", 0, 4, {"standardised": True}),
}
"""What is fitted: learner, world, demonstrations, snapshots after which it is stopped (0: none), settings."""
PARTS: tuple[tuple[str, Callable[[str, str], bool]], ...] = (
    ("the world's steps", lambda file, name: "/envs/" in file or "mj_step" in name or "/worlds/" in file),
    ("torch", lambda file, name: "torch" in file or "torch" in name),
    ("numpy and scipy", lambda file, name: any(each in file + name for each in ("numpy", "scipy", "ufunc"))),
    ("gymnasium's wrappers", lambda file, name: "gymnasium" in file),
    (
        "our Python",
        lambda file, name: any(f"/{each}/" in file for each in ("learners", "teleop", "recordings")),
    ),
)
"""Each function counts for the first part that claims it; what nobody claims is "the rest"."""
REST = "the rest"
COLOURS = ("#d0702a", "#b23a48", "#3b6fb6", "#8a5aa8", "#4a9a5b", "#9a9a9a")


def run(folder: Path, *, what: str) -> Found:
    """Fit once under Python's profiler; shares of the time spent in each part's own functions."""
    learner, name, demonstrations, stop, settings = WORK[what]
    world = catalogue.find(name)
    data = recorded(folder, name, demonstrations, 0, state_only=learner == "bco") if demonstrations else None
    profiler = cProfile.Profile()
    profiler.enable()
    snapshots = list(islice(fits(learner, data, world, 0, **settings), stop or None))
    profiler.disable()
    shares, dearest = _shares(pstats.Stats(profiler))
    return {"shares": shares, "dearest": dearest, "env_steps": snapshots[-1].env_steps}


def cells(seeds: range) -> Sequence[Cell]:
    return [Cell(run, {"what": what}) for what in WORK]


def page(findings: Findings) -> Sequence[Part]:
    names = [name for name, _ in PARTS] + [REST]
    rows = []
    for what in WORK:
        found = findings.of(run, what=what)[0]
        shares = found["shares"]
        most = max(names, key=lambda name: shares[name])
        took = f"{found['seconds']:.1f} s"
        rows.append((what, took, *(f"{shares[name]:.0%}" for name in names), most, f"`{found['dearest']}`"))
    return (
        "Each fit once under Python's profiler, by the time a function spends in itself; one thread. The profiler "
        "makes small Python functions look dearer than they are: the shares of torch and numpy are lower bounds. The "
        "rest is Python's own built-in functions and other libraries; what a fit took includes its demonstrations.",
        Table("Where the time goes", ("fit", "took", *names, "bound by", "dearest function"), rows),
        Picture("shares", "Shares of a fit's time.", lambda figure: _draw(figure, findings), (8.0, 4.0)),
    )


def items(findings: Findings) -> Sequence[Item]:
    return ()


def _shares(stats: pstats.Stats) -> tuple[dict[str, float], str]:
    """Share of each part, and the dearest single function."""
    totals = dict.fromkeys([name for name, _ in PARTS] + [REST], 0.0)
    own: dict[str, float] = {}
    entries: Mapping[tuple[str, int, str], tuple[int, int, float, float, Any]] = stats.stats  # type: ignore[attr-defined]
    for (file, _, name), (_, _, seconds, _, _) in entries.items():
        part = next((part for part, claims in PARTS if claims(file, name)), REST)
        totals[part] += seconds
        own[f"{Path(file).stem}: {name}" if file != "~" else _plain(name)] = seconds
    whole = sum(totals.values())
    return {part: seconds / whole for part, seconds in totals.items()}, max(own, key=lambda each: own[each])


def _plain(name: str) -> str:
    """A compiled function's name without its brackets, in which a page would take it for a tag."""
    if (method := re.fullmatch(r"<method '(.+)' of '(.+)' objects>", name)) is not None:
        return f"{method[2]}.{method[1]}"
    return name.removeprefix("<built-in method ").removesuffix(">")


def _draw(figure: Figure, findings: Findings) -> None:
    axes = figure.subplots()
    names = [name for name, _ in PARTS] + [REST]
    left = np.zeros(len(WORK))
    for name, colour in zip(names, COLOURS, strict=True):
        width = np.array([findings.of(run, what=what)[0]["shares"][name] for what in WORK])
        axes.barh(list(WORK), width, left=left, color=colour, label=name)
        left += width
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    axes.set_title("Where the time of a fit goes")
    figure.legend(loc="outside lower center", ncols=len(names))
    axes.tick_params(colors=look.INK)


EXPERIMENT = Experiment(
    name="profile",
    title="Where the time goes",
    sources=(),
    question="What bounds the slow parts of these experiments: the simulator, torch, numpy, or Python itself?",
    cells=cells,
    page=page,
    items=items,
    seeds=1,
    needs=("mujoco",),
)
