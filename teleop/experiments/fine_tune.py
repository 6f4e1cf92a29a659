"""Sources 000 and 002: going on from a clone by reinforcement learning, against reinforcement learning alone.

Reading order: `climb` (a cell: one learner, judged as it goes), Climb (what a curve comes to), then the page.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from learners import bc, ppo
from learners.evaluation import evaluate
from learners.interface import Policy
from recordings.demonstrations import Demonstrations
from teleop.benchmark.rows import number
from teleop.experiments.demonstrations import recorded
from teleop.experiments.experiment import Cell, Experiment, Findings, Found, Item, Part, Picture, Table
from teleop.experiments.statistics import median_and_range
from teleop.plots import look
from teleop.worlds import catalogue

EPISODES = 100
"""From which a return is judged where it is not exact."""
NOTICEABLE = 0.05
"""Share of the target by which the return lies below the clone's where that is called a loss."""
LASTING = 5
"""Looks in a row at the highest target after which CartPole's learner is done; GridWorld's is at the first."""


@dataclass(frozen=True)
class Arm:
    """What one learner is given."""

    title: str
    demonstrations: int = 0
    """Whole episodes to clone first; 0: none."""
    labels: int | None = None
    """The first steps of these, if not all."""
    cautious: bool = True
    """The values learn alone at first, and a table's clone is mixed with some doubt."""

    @property
    def arguments(self) -> dict[str, object]:
        return {"demonstrations": self.demonstrations, "labels": self.labels, "cautious": self.cautious}


@dataclass(frozen=True)
class Setting:
    """What is compared in one world."""

    world: str
    targets: tuple[float, ...]
    iterations: int
    """After which a learner is given up."""
    lasting: int
    arms: tuple[Arm, ...]


ALONE = Arm("PPO alone")
SETTINGS = (
    Setting(
        "gridworld",
        (9.0, 9.9),
        500,
        1,
        (
            ALONE,
            Arm("clone of 10 demonstrations, then PPO", 10),
            Arm("clone of 10 demonstrations, PPO with cold values", 10, cautious=False),
            Arm("clone of 50 demonstrations, then PPO", 50),
            Arm("clone of 50 demonstrations, PPO with cold values", 50, cautious=False),
        ),
    ),
    Setting(
        "cartpole",
        (475.0,),
        30,
        LASTING,
        (
            ALONE,
            Arm("clone of 50 steps, then PPO", 1, labels=50),
            Arm("clone of 50 steps, PPO with cold values", 1, labels=50, cautious=False),
            Arm("clone of 1 demonstration, then PPO", 1),
            Arm("clone of 1 demonstration, PPO with cold values", 1, cautious=False),
        ),
    ),
)


# -- cells -----------------------------------------------------------------------------------------------


def climb(
    folder: Path, *, world: str, demonstrations: int, labels: int | None, cautious: bool, seed: int
) -> Found:
    """The return of a learner's most probable actions after each iteration of PPO, until it has reached all."""
    setting = _setting(world)
    spec, rng = catalogue.find(world).spec(), np.random.default_rng(seed)
    start = None
    if demonstrations:
        shown = first_steps(recorded(folder, world, demonstrations, seed), labels)
        *_, cloned = bc.train(bc.Config(), shown, spec, rng)
        start = cloned.policy

    def judged(policy: Policy, look_number: int) -> float:
        chance = 10_000 * (1 + seed) + look_number
        return evaluate(policy, spec, episodes=EPISODES, seed=chance).return_mean

    config = ppo.Config() if cautious else ppo.Config(start_doubt=0.0, start_rounds=0)
    curve = [] if start is None else [(0, judged(start, 0))]
    for snapshot in ppo.train(config, None, spec, rng, start=start):
        curve.append((snapshot.env_steps, judged(snapshot.policy, snapshot.step)))
        is_done = all(found >= setting.targets[-1] for _, found in curve[-setting.lasting :])
        if snapshot.step == setting.iterations or (is_done and snapshot.step >= setting.lasting):
            break
    return {"env_steps": [steps for steps, _ in curve], "returns": [found for _, found in curve]}


def first_steps(shown: Demonstrations, n: int | None) -> Demonstrations:
    """The labels of the first n steps alone; None: of all."""
    if n is None:
        return shown
    return replace(shown, labelled=shown.labelled & (np.arange(len(shown)) < n))


def cells(seeds: range) -> Sequence[Cell]:
    return [
        Cell(climb, {"world": setting.world, **arm.arguments, "seed": seed})
        for setting in SETTINGS
        for arm in setting.arms
        for seed in seeds
    ]


# -- what a curve comes to -------------------------------------------------------------------------------


def steps_to(run: Found, target: float) -> int | None:
    """Steps in the world up to the first look at this return or above; None: never."""
    looks = zip(run["env_steps"], run["returns"], strict=True)
    return next((int(steps) for steps, found in looks if found >= target), None)


def lost(run: Found, target: float) -> float:
    """How far the return falls below the clone's at worst, on the way to this return; 0: it never is below."""
    return float(max(run["returns"][0] - found for _, found in _way(run, target)))


def lost_at(run: Found, target: float) -> int | None:
    """Steps in the world up to the first look at a loss that counts, on the same way; None: there is none."""
    least = run["returns"][0] - NOTICEABLE * target
    return next((int(steps) for steps, found in _way(run, target) if found < least), None)


def _way(run: Found, target: float) -> list[tuple[int, float]]:
    """The looks up to the first at this return or above; all, if there is none."""
    end = steps_to(run, target)
    looks = zip(run["env_steps"], run["returns"], strict=True)
    return [look for look in looks if end is None or look[0] <= end]


# -- the page --------------------------------------------------------------------------------------------


def page(findings: Findings) -> Sequence[Part]:
    return (
        "Demonstrations are the scripted expert's, cloned as `train bc` does (CartPole's without its mirror), and the "
        "clone is where PPO's policy starts. Judged after every iteration, by the most probable actions: GridWorld "
        f"exactly, CartPole in {EPISODES} episodes. Values cold: the policy learns from the first iteration on, by "
        "values that know nothing yet; else the values learn alone in the first "
        f"{ppo.Config().start_rounds} iterations, and on GridWorld the clone is mixed with "
        f"{ppo.Config().start_doubt:.0%} doubt. CartPole's is not: of the actions of which a perceptron's clone is "
        "certain, PPO hardly sees another.",
        *(part for setting in SETTINGS for part in _of_world(findings, setting)),
        Picture(
            "curves",
            "Return against steps in the world, a line a seed. A dot at the left edge is the clone, before any step. "
            "Dashed: the targets.",
            lambda figure: _draw(figure, findings),
            size_in=(8.0, 5.6),
        ),
    )


def _of_world(findings: Findings, setting: Setting) -> Sequence[Part]:
    rows = []
    for arm in setting.arms:
        found = _runs(findings, setting, arm)
        rows.append(
            (
                arm.title,
                median_and_range([run["returns"][0] for run in found]) if arm.demonstrations else "–",
                *(_steps(found, target) for target in setting.targets),
                *(_losses(found, setting) if arm.demonstrations else ("–", "–")),
            )
        )
    columns = (
        "learner",
        "the clone's return",
        *(f"steps to {target:g}" for target in setting.targets),
        "furthest below the clone",
        "first lost after",
    )
    title = catalogue.find(setting.world).title
    remark = (
        "Median (lowest to highest) over seeds; in brackets how many seeds, where not all. On the way to the last "
        f"target; lost is what lies more than {NOTICEABLE:.0%} of it below the clone. A learner is given up after "
        f"{setting.iterations} iterations."
    )
    return Table(f"{title}: steps in the world", columns, rows, remark), verdict(findings, setting)


def verdict(findings: Findings, setting: Setting) -> str:
    """Whether a clone saves steps, and whether fine-tuning first loses what cloning gave."""
    title = catalogue.find(setting.world).title
    said = []
    for target in setting.targets:
        alone = _median_steps(_runs(findings, setting, ALONE), target)
        for arm in setting.arms[1:]:
            if not arm.cautious:
                continue
            begun = _median_steps(_runs(findings, setting, arm), target)
            said.append(f"{arm.title}: {_compared(alone, begun)} to {target:g}")
    fell = [
        f"{arm.title}: {sum(lost_at(run, setting.targets[-1]) is not None for run in found)} of {len(found)} seeds"
        for arm in setting.arms[1:]
        for found in [_runs(findings, setting, arm)]
    ]
    return (
        f"{title}, medians. {'; '.join(said)}. Lost on the way some of what cloning gave: {'; '.join(fell)}."
    )


def _compared(alone: float | None, begun: float | None) -> str:
    if begun is None:
        return "does not get"
    if alone is None:
        return "gets where PPO alone does not, that is"
    if begun == 0:
        return "needs no step"
    if begun < alone:
        return f"needs {number(alone / begun)} times fewer steps than PPO alone"
    return f"needs {number(begun / alone)} times the steps of PPO alone"


def _steps(found: Sequence[Found], target: float) -> str:
    return _counted([steps_to(run, target) for run in found], "not reached")


def _counted(steps: Sequence[int | None], nobody: str) -> str:
    """Median and range of those that there are, and how many."""
    known = [each for each in steps if each is not None]
    if not known:
        return nobody
    middle, low, high = (f"{value:,.0f}" for value in (median(known), min(known), max(known)))
    share = "" if len(known) == len(steps) else f" [{len(known)} of {len(steps)}]"
    return f"{middle} ({low} to {high}){share}"


def _median_steps(found: Sequence[Found], target: float) -> float | None:
    """None: fewer than half arrive."""
    steps = [steps_to(run, target) for run in found]
    middle = median(np.inf if each is None else each for each in steps)
    return None if np.isinf(middle) else float(middle)


def _losses(found: Sequence[Found], setting: Setting) -> tuple[str, str]:
    target = setting.targets[-1]
    return median_and_range([lost(run, target) for run in found]), _counted(
        [lost_at(run, target) for run in found], "never"
    )


def items(findings: Findings) -> Sequence[Item]:
    return tuple(
        Item(
            source,
            asked,
            f"{catalogue.find(setting.world).title}, steps in the world to {setting.targets[0]:g}",
            "–",
            "; ".join(
                f"{arm.title}: {_steps(_runs(findings, setting, arm), setting.targets[0])}"
                for arm in setting.arms
                if arm.cautious
            ),
        )
        for source, asked in (
            ("000", "Refine a clone by reinforcement learning afterwards"),
            ("002", "Fine-tune the cloned policy by RL, which bypasses the phase of random exploration"),
        )
        for setting in SETTINGS
    )


def _setting(world: str) -> Setting:
    return next(setting for setting in SETTINGS if setting.world == world)


def _runs(findings: Findings, setting: Setting, arm: Arm) -> list[Found]:
    return findings.of(climb, world=setting.world, **arm.arguments)


# -- the picture -----------------------------------------------------------------------------------------


def _draw(figure: Figure, findings: Findings) -> None:
    """A row for each world, a chart for each arm."""
    columns = max(len(setting.arms) for setting in SETTINGS)
    all_axes = figure.subplots(len(SETTINGS), columns, sharey="row", sharex="row", squeeze=False)
    for row, setting in zip(all_axes, SETTINGS, strict=True):
        for axes, arm in zip(row, setting.arms, strict=True):
            _draw_arm(axes, _runs(findings, setting, arm), setting)
            axes.set_title(textwrap.fill(arm.title, 21), fontsize=7.5)
        row[0].set_ylabel(f"{catalogue.find(setting.world).title}: return")


def _draw_arm(axes: Axes, found: Sequence[Found], setting: Setting) -> None:
    left = min(run["env_steps"][1] for run in found) / 2
    for run in found:
        steps = [max(each, left) for each in run["env_steps"]]
        axes.plot(steps, run["returns"], color=look.STUDENT, linewidth=0.9, alpha=0.65)
        if run["env_steps"][0] == 0:
            axes.plot(steps[:1], run["returns"][:1], "o", color=look.DEMONSTRATED, markersize=4)
    for target in setting.targets:
        axes.axhline(target, color=look.QUIET, linewidth=0.8, linestyle="--")
    if setting.world == "gridworld":
        axes.set_ylim(0, 10.4)  # the first looks of a learner without a clone lie far below
    axes.set_xscale("log")
    axes.set_xlabel("steps in the world")
    axes.grid(True, axis="y")


EXPERIMENT = Experiment(
    name="fine-tune",
    title="Cloning, then reinforcement learning",
    sources=("000", "002"),
    question="Both sources advise to refine a clone by reinforcement learning. How many steps in the world does that "
    "save on the way to a given return, and does fine-tuning first lose what cloning gave?",
    cells=cells,
    page=page,
    items=items,
    seeds=5,
)
