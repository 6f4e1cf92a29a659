"""Students and inverse models (`imitate` and `infer` are the cells), and what the page says of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import gymnasium as gym
import numpy as np

from learners import bco
from learners.evaluation import evaluate
from learners.interface import Array
from teleop.benchmark.rows import number
from teleop.experiments.demonstrations import recorded
from teleop.experiments.experiment import Cell, Experiment, Findings, Found, Item, Part, Picture, Table
from teleop.experiments.observation import pictures, source
from teleop.experiments.observation.ways import INVERSE_TITLES, INVERSES, WAYS, explored
from teleop.experiments.statistics import median_and_range
from teleop.worlds import catalogue

AS_THE_SOURCE = 10
"""Episodes from which the source takes mean and deviation."""
CLOSE = 0.05
"""Share of an action's range by which a number found may be off and count as found."""
NEGLIGIBLE = 0.01
"""Share of the return with actions by which the return from states alone may fall short and count as equal."""


@dataclass(frozen=True)
class Setting:
    """What is compared in one world."""

    world: str
    demonstrations: tuple[int, ...]
    ways: tuple[str, ...]
    """The first two are the same student, that knows the actions and that does not."""
    inverses: tuple[str, ...]
    own_steps: tuple[int, ...]
    """After which the inverse models are asked."""
    taught_after: tuple[int, ...]
    """Own steps before the first clone, of students from the first number of demonstrations."""
    said: str
    """What is particular to this world."""
    episodes: int = 100
    """From which a return is judged."""
    most_seeds: int | None = None
    """No more than these, where a student takes minutes."""

    @property
    def knows(self) -> str:
        """The way of the student that knows the actions."""
        return self.ways[0]

    @property
    def sees(self) -> str:
        """The way of the student that sees states alone."""
        return self.ways[1]


SETTINGS = (
    Setting(
        "cartpole",
        demonstrations=(1, 10),
        ways=("actions", "states", "source-actions", "source-states", "source-short"),
        inverses=("difference", "source", "source-short"),
        own_steps=(10, 30, 100, 300, 1_000, 3_000),
        taught_after=(10, 100, 1_000),
        said="The first two are the same linear student, and count each step also mirrored, as `train` does on "
        "CartPole; the source's networks do not.",
    ),
    Setting(
        "gridworld",
        demonstrations=(1_000,),
        ways=("actions", "states", "states-unpooled"),
        inverses=("pooled", "unpooled"),
        own_steps=(1_000, 3_000, 10_000, 30_000, 100_000),
        taught_after=(1_000, 10_000, 100_000),
        said="Returns are exact: mean and deviation are those of all episodes.",
    ),
    Setting(
        "hopper",
        demonstrations=(4,),
        ways=("actions-wide", "states-wide"),
        inverses=("wide", "difference"),
        own_steps=(1_000, 3_000, 10_000, 30_000),
        taught_after=(),
        said="The demonstrator is a policy, the students are networks with two layers of 256 units; one seed, and more "
        "of the same in [Cloning a hopper](hopper.md).",
        episodes=20,
        most_seeds=1,
    ),
)


# -- cells -----------------------------------------------------------------------------------------------


def imitate(
    folder: Path, *, world: str, how: str, demonstrations: int, seed: int, own_steps: int | None = None
) -> Found:
    """One student, what it returns, and how often it does what the demonstrator did."""
    place, setting = catalogue.find(world), _setting(world)
    shown = recorded(folder, world, demonstrations, seed)
    student, taken = WAYS[how].learn(shown, place, np.random.default_rng(seed), own_steps)
    few, many = (
        evaluate(student, place.spec(), episodes=episodes, seed=1_000 + seed)
        for episodes in (AS_THE_SOURCE, setting.episodes)
    )
    observations, actions = shown.pairs()
    return {
        "mean_of_few": few.return_mean,
        "deviation_of_few": few.return_std,
        "return": many.return_mean,
        "own_steps": taken,
        "agreement": share_right(student.act(observations), actions, shown.action_space),
    }


def infer(folder: Path, *, world: str, how: str, own_steps: int, demonstrations: int, seed: int) -> Found:
    """One inverse model, and how many of the demonstrations' hidden actions it finds."""
    place, rng = catalogue.find(world), np.random.default_rng(seed)
    shown = recorded(folder, world, demonstrations, seed)
    own = explored(place, own_steps, rng)
    found = INVERSES[how](own, bco.demonstrated(shown), place, rng)
    return {"right": share_right(found, shown.pairs()[1], shown.action_space)}


def cells(seeds: range) -> Sequence[Cell]:
    found: list[Cell] = []
    for setting in SETTINGS:
        first = setting.demonstrations[0]
        students = [
            {"how": how, "demonstrations": n} for n in setting.demonstrations for how in setting.ways
        ] + [{"how": setting.sees, "demonstrations": first, "own_steps": n} for n in setting.taught_after]
        models = [
            {"how": how, "own_steps": n, "demonstrations": first}
            for how in setting.inverses
            for n in setting.own_steps
        ]
        for work, kinds in ((imitate, students), (infer, models)):
            found += [
                Cell(work, {"world": setting.world, **kind, "seed": seed})
                for kind in kinds
                for seed in seeds[: setting.most_seeds]
            ]
    return found


def share_right(found: Array, actions: Array, space: gym.Space[Any]) -> float:
    """found, actions (N, *action shape): the share in which they are the same; -1, no answer, never is.

    Where actions are numbers, each of an action's may be off by `CLOSE` of its range.
    """
    if not isinstance(space, gym.spaces.Box):
        return float(np.mean(np.asarray(found) == actions))
    off = np.abs(np.asarray(found).reshape(actions.shape) - actions) / (space.high - space.low)
    return float(np.mean((off <= CLOSE).reshape(len(actions), -1).all(1)))


def _setting(world: str) -> Setting:
    return next(setting for setting in SETTINGS if setting.world == world)


# -- the page --------------------------------------------------------------------------------------------


def page(findings: Findings) -> Sequence[Part]:
    parts: list[Part] = [
        "Demonstrations are the scripted expert's; from states alone their actions are hidden from the learner, and "
        "serve only to count afterwards how many it found. Return: median (lowest to highest) over seeds, each of "
        f"{SETTINGS[0].episodes} episodes ({SETTINGS[-1].episodes} on Hopper) of the most probable actions, or exact; "
        f"and as the source prints it, mean ± deviation over {AS_THE_SOURCE} episodes, for the first seed's student.",
        Table("What the source's code does", ("there", "here"), source.FAULTS, _FAULTS_REMARK),
    ]
    for setting in SETTINGS:
        parts += [_returns(findings, setting), verdict(findings, setting)]
    parts += [
        Picture(
            "causes",
            "Left: share of the demonstrations' hidden actions that are found; right: return of the student. Both "
            "against the steps of its own; a point a seed, a line through the medians. Dashed: with the actions known.",
            lambda figure: pictures.draw(figure, _curves(findings)),
            size_in=(8.0, 8.0),
        ),
        _inverses(findings),
    ]
    return parts


_FAULTS_REMARK = (
    "The source names neither its demonstrations nor how many there are, and gives no figure. Inputs are standardised "
    "here, and the step size falls along half a cosine."
)


def _returns(findings: Findings, setting: Setting) -> Table:
    rows = []
    for n in setting.demonstrations:
        for how in setting.ways:
            found = _students(findings, setting, how, n)
            rows.append(
                (
                    WAYS[how].title,
                    n,
                    as_printed(found[0]),
                    median_and_range([run["return"] for run in found]),
                    f"{median(run['own_steps'] for run in found):,.0f}",
                    f"{median(run['agreement'] for run in found):.1%}",
                )
            )
    columns = ("learner", "demonstrations", "as the source prints it", "return", "own steps", "same action")
    title = catalogue.find(setting.world).title
    return Table(f"{title}: returns", columns, rows, setting.said + _SAME_ACTION)


_SAME_ACTION = (
    " Same action: in the demonstrated states, median; of actions equally good another one counts as wrong, and of an "
    f"action of several numbers each may be off by {CLOSE:.0%} of its range."
)


def verdict(findings: Findings, setting: Setting) -> str:
    """Whether hiding the actions costs anything, for each number of demonstrations."""
    said = []
    for n in setting.demonstrations:
        known, hidden = (
            median(run["return"] for run in _students(findings, setting, how, n))
            for how in (setting.knows, setting.sees)
        )
        if known - hidden <= NEGLIGIBLE * abs(known):
            outcome = "hiding the actions costs nothing"
        else:
            outcome = f"hiding the actions costs {number(known - hidden)}"
        said.append(
            f"From {n:,} demonstration{'s' if n > 1 else ''} {outcome}: {number(hidden)} without them, "
            f"{number(known)} with them (medians)."
        )
    return f"{catalogue.find(setting.world).title}. {' '.join(said)}"


def _inverses(findings: Findings) -> Table:
    rows = [
        (
            catalogue.find(setting.world).title,
            INVERSE_TITLES[how],
            f"{n:,}",
            median_and_range([100 * value for value in _right(findings, setting, how, n)]),
        )
        for setting in SETTINGS
        for how in setting.inverses
        for n in setting.own_steps
    ]
    columns = ("world", "inverse model", "own steps", "hidden actions found, %")
    return Table(
        "How soon the causes are inferred",
        columns,
        rows,
        "Of the demonstrations' steps. A push shows in the change of the velocity: a linear model is given it as "
        "s' − s, the source's networks have to find it in s and s'. Where own steps never were, only a model that "
        "carries over from elsewhere can answer. A transition that nothing explains teaches nothing, and where it is "
        "the last one before the goal all ways end there.",
    )


def items(findings: Findings) -> Sequence[Item]:
    cartpole = SETTINGS[0]
    n = cartpole.demonstrations[-1]
    shown = f"CartPole, {n} demonstrations, {AS_THE_SOURCE} episodes, first seed"
    printed = {how: as_printed(_students(findings, cartpole, how, n)[0]) for how in cartpole.ways}
    steps = cartpole.own_steps[-1]
    causes = {
        how: f"{100 * median(_right(findings, cartpole, how, steps)):.1f} %" for how in cartpole.inverses
    }
    elsewhere = (
        Item(
            "004",
            "The same, elsewhere: states alone, and with the actions",
            f"{catalogue.find(setting.world).title}, {setting.demonstrations[0]:,} demonstrations",
            "–",
            " against ".join(
                median_and_range([run["return"] for run in _students(findings, setting, how, None)])
                for how in (setting.sees, setting.knows)
            ),
        )
        for setting in SETTINGS[1:]
    )
    return (
        Item("004", "Cloning from observation on CartPole-v1", shown, "–", printed["states"]),
        Item("004", "Cloning with the actions known", shown, "–", printed["actions"]),
        Item(
            "004",
            f"Its networks, Adam 1e-3, {source.PASSES} passes; its code does not run",
            f"{shown}, faults mended",
            "–",
            f"{printed['source-short']}; trained to the end {printed['source-states']}",
        ),
        Item(
            "004",
            "An inverse dynamics model (s, s') → a",
            f"hidden actions found after {steps:,} own steps, median",
            "–",
            f"{causes['source-short']} as described; {causes['difference']} from s and s' − s",
        ),
        *elsewhere,
    )


def as_printed(run: Found) -> str:
    """Mean ± deviation over the source's number of episodes."""
    return f"{number(run['mean_of_few'])} ± {number(run['deviation_of_few'])}"


def _students(findings: Findings, setting: Setting, how: str, demonstrations: int | None) -> list[Found]:
    """The runs with the usual number of own steps. demonstrations: None for the first number."""
    n = setting.demonstrations[0] if demonstrations is None else demonstrations
    return findings.of(imitate, world=setting.world, how=how, demonstrations=n, own_steps=None)


def _right(findings: Findings, setting: Setting, how: str, own_steps: int) -> list[float]:
    return findings.values("right", infer, world=setting.world, how=how, own_steps=own_steps)


def _curves(findings: Findings) -> list[pictures.Row]:
    """What the picture shows of each world."""
    return [
        pictures.Row(
            catalogue.find(setting.world).title,
            {
                INVERSE_TITLES[how]: {n: _right(findings, setting, how, n) for n in setting.own_steps}
                for how in setting.inverses
            },
            {
                n: findings.values("return", imitate, world=setting.world, how=setting.sees, own_steps=n)
                for n in setting.taught_after
            },
            median(run["return"] for run in _students(findings, setting, setting.knows, None)),
        )
        for setting in SETTINGS
    ]


EXPERIMENT = Experiment(
    name="observation",
    title="Cloning from observation",
    sources=("004",),
    question="The source infers the demonstrator's actions from states alone, by an inverse model of one's own steps, "
    "and clones them. Its code does not run; what does it come to with its faults mended, what is lost against "
    "knowing the actions, and how many steps of one's own does it take?",
    cells=cells,
    page=page,
    items=items,
    seeds=10,
    needs=("mujoco",),
)
