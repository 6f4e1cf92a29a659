"""What source 003 left for later: every method on every world, return against the number of demonstrations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from learners.evaluation import evaluate
from teleop.benchmark.training import random_return
from teleop.experiments.demonstrations import recorded
from teleop.experiments.experiment import Cell, Experiment, Findings, Found, Item, Part, Picture, Table
from teleop.experiments.fitting import fitted
from teleop.experiments.hopper.strong import IN_A_ROUND
from teleop.experiments.statistics import median_and_range
from teleop.plots import look
from teleop.worlds import catalogue

EPISODES = 20
"""From which a return is judged where a world is no table."""
COLOURS = {"bc": "#3b6fb6", "dagger": "#d0702a", "bco": "#4a9a5b", "mce-irl": "#8a5aa8", "gail": "#b23a48"}
APART = 0.14
"""Of the way from one number of demonstrations to the next: how far learners stand from one another in the picture."""
TITLES = {"bc": "BC", "dagger": "DAgger", "bco": "BCO", "mce-irl": "MCE IRL", "gail": "GAIL"}


@dataclass(frozen=True)
class Field:
    """A world, how many demonstrations are tried there, and who can learn there."""

    world: str
    demonstrations: tuple[int, ...]
    learners: Mapping[str, Mapping[str, Any]]
    """Learner -> settings that differ from its own."""
    missing: Mapping[str, str] = field(default_factory=dict)
    """Learner -> why it cannot learn there."""


ASKED_EVERYWHERE = {
    "gate": "beta",
    "schedule": "first-only",
    "labels_per_round": 500,
    "rounds": 60,
    "alone_episodes": 0,
}
"""Where the actions are numbers the student does not say how sure it is: it is labelled wherever it goes."""
NO_CELLS = "its actions are not discrete: there is no table to plan on"


FIELDS = (
    Field("gridworld", (10, 50, 200, 1000), {"bc": {}, "dagger": {}, "bco": {}, "mce-irl": {}, "gail": {}}),
    Field("cartpole", (1, 2, 5, 10), {"bc": {}, "dagger": {}, "bco": {}, "mce-irl": {}, "gail": {}}),
    Field(
        "looptrack",
        (1, 2, 5, 10),
        {"bc": {}, "dagger": ASKED_EVERYWHERE, "bco": {}, "gail": {}},
        missing={"mce-irl": NO_CELLS},
    ),
    Field(
        "hopper",
        (1, 2, 4, 8),
        {"bc": {"updates": 8_000}, "dagger": {**ASKED_EVERYWHERE, "student": IN_A_ROUND}, "bco": {}},
        missing={
            "mce-irl": NO_CELLS,
            "gail": "from nothing it takes millions of steps: see `reproduce hopper`",
        },
    ),
)


def learn(folder: Path, *, world: str, learner: str, demonstrations: int, seed: int) -> Found:
    """One fit from so many demonstrations; dagger is given as many labels as those have steps, and none of them."""
    here, place = catalogue.find(world), _field(world)
    data = recorded(folder, world, demonstrations, seed, state_only=learner == "bco")
    steps = int(data.lengths.sum())
    settings = dict(place.learners[learner])
    if learner == "dagger":
        settings["labels"] = steps
    snapshot = fitted(learner, None if learner == "dagger" else data, here, seed, **settings)
    found = evaluate(snapshot.policy, here.spec(), episodes=EPISODES, seed=1000 + seed)
    return {
        "return": found.return_mean,
        "exact": found.exact,
        "steps": steps,
        "env_steps": snapshot.env_steps,
    }


def show(folder: Path, *, world: str, seed: int) -> Found:
    """What the demonstrators earned, and what actions drawn at random do."""
    place = _field(world)
    data = recorded(folder, world, _most(place), seed)
    return {
        "expert": float(data.rewards.sum() / len(data.lengths)),
        "random": random_return(catalogue.find(world)),
    }


def cells(seeds: range) -> Sequence[Cell]:
    learned = [
        Cell(learn, {"world": place.world, "learner": learner, "demonstrations": n, "seed": seed})
        for place in FIELDS
        for learner in place.learners
        for n in place.demonstrations
        for seed in seeds
    ]
    return [*learned, *(Cell(show, {"world": place.world, "seed": seeds[0]}) for place in FIELDS)]


def page(findings: Findings) -> Sequence[Part]:
    return (
        "Every learner with its own settings, but for Hopper's clones, which are trained longer, and for DAgger where "
        "actions are numbers: there it is asked in every state. No mirror images of what was shown. DAgger sees "
        "none of the demonstrations: it is given as many labels of the same expert as they have steps. BCO sees no "
        f"action. Returns are exact on GridWorld, elsewhere of {EPISODES} episodes; median (lowest to highest) over "
        f"seeds. BCO's own settings give it about {_own_steps(findings):,.0f} steps in Hopper's world, from which it "
        "cannot tell what its demonstrators did; `reproduce hopper` gives it more.",
        *(_table(place, findings) for place in FIELDS),
        Picture(
            "returns",
            "Return against the number of demonstrations: median and range over seeds; dashed the expert. What "
            "belongs to one number stands side by side; each world has a scale of its own, which does not begin at 0.",
            lambda figure: _draw(figure, findings),
            (8.0, 3.4),
        ),
    )


def items(findings: Findings) -> Sequence[Item]:
    return tuple(
        Item(
            "003",
            f"“Experiments and results”, announced for later: {TITLES[learner]}",
            f"{catalogue.find(place.world).title}, {_most(place)} demonstrations or as many labels",
            "–",
            median_and_range(
                findings.values(
                    "return", learn, world=place.world, learner=learner, demonstrations=_most(place)
                )
            ),
        )
        for place in FIELDS
        for learner in place.learners
    )


def _field(world: str) -> Field:
    return next(place for place in FIELDS if place.world == world)


def _most(place: Field) -> int:
    return place.demonstrations[-1]


def _own_steps(findings: Findings) -> float:
    """Of BCO on Hopper."""
    return median(findings.values("env_steps", learn, world="hopper", learner="bco"))


def _table(place: Field, findings: Findings) -> Table:
    shown = findings.of(show, world=place.world)[0]
    rows: list[tuple[str, ...]] = []
    for learner in TITLES:
        if learner in place.learners:
            found = [
                findings.of(learn, world=place.world, learner=learner, demonstrations=n)
                for n in place.demonstrations
            ]
            seconds = median(run["seconds"] for run in found[-1])
            returns = (median_and_range([run["return"] for run in runs]) for runs in found)
            rows.append((TITLES[learner], *returns, f"{seconds:.1f} s"))
        elif learner in place.missing:
            rows.append((TITLES[learner], place.missing[learner], *[""] * len(place.demonstrations)))
    return Table(
        catalogue.find(place.world).title,
        ("method", *(str(n) for n in place.demonstrations), f"time of a fit from {_most(place)}"),
        rows,
        f"Expert {shown['expert']:.2f}, random actions {shown['random']:.2f}.",
    )


def _draw(figure: Figure, findings: Findings) -> None:
    all_axes = figure.subplots(1, len(FIELDS), squeeze=False)[0]
    for axes, place in zip(all_axes, FIELDS, strict=True):
        _draw_field(axes, place, findings)
    all_axes[0].set_ylabel("return")
    handles = {
        label: line
        for axes in all_axes
        for line, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=len(handles))


def _draw_field(axes: Axes, place: Field, findings: Findings) -> None:
    places = np.arange(len(place.demonstrations))
    for number, learner in enumerate(TITLES):
        if learner not in place.learners:
            continue
        runs = np.array(
            [
                findings.values("return", learn, world=place.world, learner=learner, demonstrations=n)
                for n in place.demonstrations
            ]
        )
        middle = np.median(runs, axis=1)
        axes.errorbar(
            places + APART * (number - len(TITLES) // 2),
            middle,
            yerr=(middle - runs.min(1), runs.max(1) - middle),
            fmt="o",
            markersize=4,
            linewidth=1.2,
            color=COLOURS[learner],
            label=TITLES[learner],
        )
    shown = findings.of(show, world=place.world)[0]
    axes.axhline(shown["expert"], color=look.QUIET, linewidth=0.9, linestyle="--")
    axes.set_xticks(places, [str(n) for n in place.demonstrations])
    axes.set_title(catalogue.find(place.world).title)
    axes.set_xlabel("demonstrations")
    axes.grid(True, axis="y")


EXPERIMENT = Experiment(
    name="methods",
    title="Every method on every world",
    sources=("003",),
    question="The tutorial describes cloning, IRL and GAIL and leaves experiments for later: how do they, and BCO and "
    "DAgger, compare where the demonstrations are few and where they are many?",
    cells=cells,
    page=page,
    items=items,
    needs=("mujoco",),
)
