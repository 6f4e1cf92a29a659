"""Source 002's own form of GAIL: the discriminator sees states alone, log D(s) is paid, CMA-ES finds the policy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

from learners import gail
from learners.evaluation import evaluate
from teleop.experiments.demonstrations import recorded
from teleop.experiments.experiment import Cell, Experiment, Findings, Found, Item, Part, Picture, Table
from teleop.experiments.statistics import median_and_range
from teleop.plots import look
from teleop.worlds.catalogue import CARTPOLE

DEMONSTRATIONS = 10
SOLVED = 475.0
"""Mean return from which CartPole-v1 counts as solved; its reward threshold."""
EPISODES = 50
"""From which a return is judged."""
ARMS = (
    ("log D, ends absorbed", {"reward": "log-d", "absorbing": True}),
    ("log D, ends end", {"reward": "log-d", "absorbing": False}),
    ("logit D, ends absorbed", {"reward": "logit", "absorbing": True}),
    ("control: learns nothing, ends absorbed", {"reward": "log-d", "absorbing": True, "control": True}),
    ("control: learns nothing, ends end", {"reward": "log-d", "absorbing": False, "control": True}),
)
"""What is paid, and whether an end is a state like any other."""


def search(folder: Path, *, seed: int, **settings: Any) -> Found:
    """One run; the return of the policy given after every generation that improved on nothing but imitation."""
    world = CARTPOLE.spec()
    data = recorded(folder, CARTPOLE.name, DEMONSTRATIONS, seed, state_only=True)
    config = gail.Config(generator="cma-es", **settings)
    curve = [
        (
            snapshot.env_steps,
            evaluate(snapshot.policy, world, episodes=EPISODES, seed=1000 + seed).return_mean,
        )
        for snapshot in gail.train(config, data, world, np.random.default_rng(seed))
    ]
    steps, returns = zip(*curve, strict=True)
    solved = next((taken for taken, found in curve if found >= SOLVED), None)
    return {"env_steps": steps, "returns": returns, "return": returns[-1], "steps_to_solved": solved}


def cells(seeds: range) -> Sequence[Cell]:
    return [Cell(search, {**settings, "seed": seed}) for _, settings in ARMS for seed in seeds]


def page(findings: Findings) -> Sequence[Part]:
    rows = []
    for name, settings in ARMS:
        found = _of(findings, settings)
        solved = [run["steps_to_solved"] for run in found if run["steps_to_solved"] is not None]
        rows.append(
            (
                name,
                median_and_range([run["return"] for run in found]),
                f"{len(solved)} of {len(found)}",
                f"{median(solved):,.0f}" if solved else "–",
                f"{median(run['env_steps'][-1] for run in found):,.0f}",
            )
        )
    columns = (
        "reward",
        "return at the end",
        f"reached {SOLVED:.0f}",
        "steps to there, median",
        "steps in all",
    )
    return (
        f"{DEMONSTRATIONS} demonstrations of the scripted expert, their actions hidden; linear policies, one "
        "episode a candidate. Return: median (lowest to highest) over seeds, each of "
        f"{EPISODES} episodes.",
        Table("What absorbing states change", columns, rows, _remark()),
        Picture(
            "curves",
            "Return against steps in the world; a line a seed.",
            lambda figure: _draw(figure, findings),
        ),
    )


def items(findings: Findings) -> Sequence[Item]:
    absorbed, plain = (
        [run["return"] for run in _of(findings, settings)] for _, settings in (ARMS[0], ARMS[1])
    )
    return (
        Item(
            "002",
            "GAIL with a discriminator of states alone, reward log D(s), CMA-ES as the generator",
            f"CartPole, {DEMONSTRATIONS} demonstrations, {len(plain)} seeds",
            "–",
            f"{median_and_range(plain)} as described; {median_and_range(absorbed)} with absorbing states",
        ),
    )


def _remark() -> str:
    return (
        "log D is never positive: where an end simply ends, whoever falls at once is charged least. An "
        "absorbed end is judged like any state and goes on costing. The controls never train their "
        "discriminator: what they reach is not imitation."
    )


def _of(findings: Findings, settings: dict[str, Any]) -> list[Found]:
    """The runs of just these settings."""
    wanted = {"control": False, **settings}
    return [
        found
        for cell, found in findings.pairs
        if {"control": False, **{k: v for k, v in cell.arguments.items() if k != "seed"}} == wanted
    ]


def _draw(figure: Figure, findings: Findings) -> None:
    all_axes = figure.subplots(1, len(ARMS), sharey=True)
    for axes, (name, settings) in zip(all_axes, ARMS, strict=True):
        for run in _of(findings, settings):
            axes.plot(run["env_steps"], run["returns"], color=look.STUDENT, linewidth=0.9, alpha=0.6)
        axes.axhline(500, color=look.DEMONSTRATED, linewidth=1, linestyle="--")
        axes.set_title(name.replace(", ", ",\n"), fontsize=7.5)
        axes.set_xlabel("steps")
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))  # 100k
        axes.grid(True, axis="y")
    all_axes[0].set_ylabel("return")


EXPERIMENT = Experiment(
    name="cma-es",
    title="State-only GAIL without a gradient",
    sources=("002",),
    question="The source's homework: judge states alone, pay log D(s), let CMA-ES find the policy. Does it work on "
    "CartPole as described, and what do absorbing states change?",
    cells=cells,
    page=page,
    items=items,
    seeds=10,
)
