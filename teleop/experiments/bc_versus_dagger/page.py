"""`teach` (a cell: one student, and how far it goes astray), `go` (where one goes), then the page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from learners.evaluation import evaluate
from learners.interface import Array
from learners.worlds import facts_of
from teleop.benchmark.rows import number
from teleop.experiments.bc_versus_dagger import mismatch, pictures
from teleop.experiments.bc_versus_dagger.samplers import (
    ASKING,
    CLONING,
    DAGGER,
    SAMPLERS,
    SETTINGS,
    Setting,
    taught,
)
from teleop.experiments.experiment import Cell, Experiment, Findings, Found, Item, Part, Picture, Table
from teleop.experiments.statistics import median_and_range
from teleop.visits import policy_visits
from teleop.worlds.catalogue import GRIDWORLD

EPISODES = 100
"""From which a return is judged where it is not exact."""


# -- cells -----------------------------------------------------------------------------------------------


def teach(folder: Path, *, world: str, sampler: str, labels: int, seed: int) -> Found:
    """A student of so many labels, what it returns, where it goes and how often it errs there."""
    setting = _setting(world)
    student, data = taught(setting, sampler, labels, seed)
    ground = mismatch.ground_of(setting.world, seed=20_000 + seed)
    found = ground.mismatch(student, seed=10_000 + seed)
    own, expert = found.on_own, found.on_expert
    return {
        "return": evaluate(student, setting.world.spec(), episodes=EPISODES, seed=1_000 + seed).return_mean,
        "labels": int(data.labelled.sum()),
        "steps": len(data),
        "distinct": len(np.unique(data.observations[data.labelled], axis=0)),
        "expert_steps": float(expert.running.sum()),
        "elsewhere": ground.never_visited(data.observations[data.labelled]),
        "error_expert": expert.error,
        "error_own": own.error,
        "distance": found.distance,
        "floor": found.floor,
        "cost_expert": expert.cost().round(5).tolist(),
        "cost_own": own.cost().round(5).tolist(),
        "by_time_expert": expert.by_time(),
        "by_time_own": own.by_time(),
    }


def go(folder: Path, *, sampler: str, labels: int, seed: int) -> Found:
    """How often an episode of such a student visits each cell of GridWorld; sampler "": the expert itself."""
    setting = _setting(GRIDWORLD.name)
    model = facts_of(GRIDWORLD.spec()).model
    assert model is not None
    driver = taught(setting, sampler, labels, seed)[0] if sampler else mismatch.ExactGround(model).expert
    return {"visits": policy_visits(model, driver).round(6).tolist()}


def cells(seeds: range) -> Sequence[Cell]:
    shown = SETTINGS[0].shown
    return [
        Cell(teach, {"world": setting.world.name, "sampler": sampler, "labels": labels, "seed": seed})
        for setting in SETTINGS
        for sampler in SAMPLERS
        for labels in setting.labels
        for seed in seeds
    ] + [Cell(go, {"sampler": who, "labels": shown, "seed": seeds[0]}) for who in ("", *SAMPLERS)]


# -- the page --------------------------------------------------------------------------------------------


def page(findings: Findings) -> Sequence[Part]:
    return (
        _INTRODUCTION,
        *(
            part
            for setting in SETTINGS
            for part in (_by_labels(findings, setting), verdict(findings, setting))
        ),
        Picture(
            "labels",
            "Return over labels: line, median; band, all seeds; dashed, the return that counts as imitated. "
            "GridWorld's scale shows how far a return falls short of the best.",
            lambda figure: pictures.draw_returns(figure, _scenes(findings)),
        ),
        Picture(
            "time",
            f"Mistakes a step over time, {_labels_shown()}: solid, in the states to which the student comes by itself; "
            "dashed, in the expert's. A line through the medians; it ends where hardly an episode still runs.",
            lambda figure: pictures.draw_time(figure, _scenes(findings)),
        ),
        Picture(
            "where",
            f"Where GridWorld's expert goes, and where students of {SETTINGS[0].shown} labels go, first seed.",
            lambda figure: pictures.draw_maps(figure, _visits(findings)),
            size_in=(8.0, 9.0),
        ),
        *(_compounding(findings, setting) for setting in SETTINGS),
        Picture(
            "horizon",
            f"Mistakes up to step T, {_labels_shown()}: solid, in an episode of the student's own, median and range; "
            "dashed, in the expert's. Dotted: ε T², with the cloned student's mistakes a step in the expert's states "
            "as ε.",
            lambda figure: pictures.draw_horizon(figure, _scenes(findings)),
        ),
        Picture(
            "alike",
            "Mistakes in a whole episode of the student's own, against its mistakes a step in the expert's states; a "
            "point a student, of any number of labels. Where two samplers have points one above the other, students "
            "that know the expert's states equally well differ in how they do alone. Dotted: ε T, what it would be if "
            "the student's states were the expert's, and ε T², as Ross's bound for cloning grows, T being the steps of "
            "the expert's episode. Students without a mistake "
            "stand at the left edge.",
            lambda figure: pictures.draw_alike(figure, _scenes(findings)),
            size_in=(8.0, 4.2),
        ),
        *(alike(findings, setting) for setting in SETTINGS),
    )


_INTRODUCTION = (
    "One function samples, labels, fits and repeats (`learners.dagger.imitate`); the rows differ in its `gate` alone. "
    "All may ask for the same number of labels. In the first round the expert drives, for there is no student yet. "
    "The third row is the source's DAgger in the hands of a student that asks where it is unsure or far from every "
    "label, and lets the expert drive there; only these steps are labelled.\n\n"
    "On GridWorld the student is a table, and a cell without label answers as the nearest one that has one; ways back "
    "by the world's moves, which cloning has here otherwise, are left out, for they would hide what is measured. On "
    "CartPole it is linear. Mistakes: steps in whose state the student's choice is none of the best (GridWorld), or "
    "not the expert's (CartPole); after a fall each step that is left counts as one. Distance: total variation between "
    "the states that student and expert come to, 0 the same, 1 none in common. On GridWorld it is exact; on CartPole "
    f"{mismatch.EPISODES} episodes are watched and states sorted into {mismatch.PARTS}⁴ boxes, cut at the expert's "
    "quartiles, so that it is blind to differences within a box; the floor is what the expert's own other episodes "
    "come to, as many states of them.\n\n"
    "A student acts by its most probable actions. On GridWorld it may so circle between two cells until the round is "
    "over, and where all it does is labelled, the labels go there again and again: the fewer distinct states, the more "
    "of them were spent so. Who asks is asked about a circle at its second visit, and the expert leads out of it."
)


def _by_labels(findings: Findings, setting: Setting) -> Table:
    rows = []
    for sampler, title in SAMPLERS.items():
        for labels in setting.labels:
            found = _runs(findings, setting, sampler, labels)
            rows.append(
                (
                    title,
                    f"{median(run['labels'] for run in found):,.0f}",
                    f"{median(run['distinct'] for run in found):,.0f}",
                    median_and_range([run["return"] for run in found]),
                    *(_percent(found, name) for name in ("error_expert", "error_own")),
                    number(median(run["distance"] for run in found)),
                    number(median(run["floor"] for run in found)),
                    _percent(found, "elsewhere"),
                )
            )
    columns = (
        "who drives",
        "labels",
        "in distinct states",
        "return",
        "mistakes, expert's states",
        "mistakes, own states",
        "distance",
        "floor",
        "labels where the expert never goes",
    )
    return Table(
        f"{setting.world.title}: the same number of labels",
        columns,
        rows,
        "Return: median (lowest to highest). The others: medians. Who has nothing left to ask uses fewer labels.",
    )


def verdict(findings: Findings, setting: Setting) -> str:
    """Whether "DAGGER is always better" holds here, and what each sampler needs."""
    said = []
    for sampler in (DAGGER, ASKING):
        ahead = [
            labels
            for labels in setting.labels
            if _median(findings, setting, sampler, labels) > _median(findings, setting, CLONING, labels)
        ]
        said.append(
            f"{SAMPLERS[sampler]}: ahead of cloning at {len(ahead)} of {len(setting.labels)} numbers of labels"
        )
    needs = [f"{SAMPLERS[sampler]} {_needed(findings, setting, sampler)}" for sampler in SAMPLERS]
    return (
        f"{setting.world.title}, medians: {'; '.join(said)}. Labels to a return of {setting.enough:.0f}: "
        f"{'; '.join(needs)}."
    )


def _needed(findings: Findings, setting: Setting, sampler: str) -> str:
    for labels in setting.labels:
        if _median(findings, setting, sampler, labels) >= setting.enough:
            return f"{labels:,}"
    return f"more than {setting.labels[-1]:,}"


def _compounding(findings: Findings, setting: Setting) -> Table:
    rows = []
    for sampler, title in SAMPLERS.items():
        found = _runs(findings, setting, sampler, setting.shown)
        expected = median(run["cost_expert"][-1] for run in found)
        own = median(run["cost_own"][-1] for run in found)
        rows.append(
            (
                title,
                _percent(found, "error_expert"),
                number(expected),
                number(own),
                f"{own / expected:.1f}" if expected else "–",
            )
        )
    columns = (
        "who drives",
        "mistakes a step, expert's states",
        "in an episode there",
        "in one of its own",
        "ratio",
    )
    return Table(
        f"{setting.world.title}, {setting.shown} labels: how mistakes add up",
        columns,
        rows,
        "Medians. A ratio of 1 would be mistakes that lead nowhere: the same number as if the expert had put "
        "everything right after each. What is above comes of the states to which mistakes lead.",
    )


def alike(findings: Findings, setting: Setting) -> str:
    """Students matched by their error in the expert's states: whose own episodes hold more mistakes."""
    said = []
    for sampler in (DAGGER, ASKING):
        pairs = matched(_of_all(findings, setting, CLONING), _of_all(findings, setting, sampler))
        if not pairs:
            said.append(f"{SAMPLERS[sampler]}: no cloned student has a like error")
            continue
        factor = median(_cost(clone) / max(_cost(other), 1e-9) for clone, other in pairs)
        said.append(
            f"{SAMPLERS[sampler]}: {len(pairs)} pairs, the cloned student's cost is {number(factor)} times the "
            "other's (median)"
        )
    return (
        f"{setting.world.title}, each student beside the cloned one of the nearest error in the expert's states, "
        f"at most a tenth apart: {'; '.join(said)}."
    )


def matched(clones: Sequence[Found], others: Sequence[Found]) -> list[tuple[Found, Found]]:
    """Each of the others with the clone whose error in the expert's states is nearest, within a tenth; none of 0."""
    pairs = []
    for other in others:
        error = other["error_expert"]
        clone = min(clones, key=lambda each: abs(each["error_expert"] - error))
        if error > 0 and abs(clone["error_expert"] - error) <= 0.1 * error:
            pairs.append((clone, other))
    return pairs


def items(findings: Findings) -> Sequence[Item]:
    return tuple(item for setting in SETTINGS for item in _items(findings, setting))


def _items(findings: Findings, setting: Setting) -> Sequence[Item]:
    title = setting.world.title

    def of_each(name: str) -> str:
        found = {
            sampler: median(run[name] for run in _runs(findings, setting, sampler, setting.shown))
            for sampler in SAMPLERS
        }
        return "; ".join(f"{SAMPLERS[sampler]} {number(value)}" for sampler, value in found.items())

    return (
        Item(
            "002",
            "One four-step loop; cloning and DAgger differ only in whose states are sampled",
            f"{title}, {setting.shown} labels each, return",
            "–",
            of_each("return"),
        ),
        Item(
            "002",
            "Train and test distribution differ: p(s) of student and expert",
            f"{title}, total variation, {setting.shown} labels",
            "–",
            of_each("distance"),
        ),
        Item(
            "002",
            "Relabelling needs an expert who can be asked in any state",
            f"{title}, share of {setting.shown} labels where the expert never goes",
            "–",
            of_each("elsewhere"),
        ),
        Item(
            "004",
            "Cloning suffers from compounding errors",
            f"{title}, mistakes in an episode of one's own, {setting.shown} labels",
            "–",
            "; ".join(
                f"{name} {number(median(_cost(run) for run in _runs(findings, setting, sampler, setting.shown)))}"
                for sampler, name in SAMPLERS.items()
            ),
        ),
    )


# -- what was found --------------------------------------------------------------------------------------


def _setting(world: str) -> Setting:
    return next(setting for setting in SETTINGS if setting.world.name == world)


def _runs(findings: Findings, setting: Setting, sampler: str, labels: int) -> list[Found]:
    return findings.of(teach, world=setting.world.name, sampler=sampler, labels=labels)


def _of_all(findings: Findings, setting: Setting, sampler: str) -> list[Found]:
    return findings.of(teach, world=setting.world.name, sampler=sampler)


def _median(findings: Findings, setting: Setting, sampler: str, labels: int) -> float:
    return float(median(run["return"] for run in _runs(findings, setting, sampler, labels)))


def _percent(found: Sequence[Found], name: str) -> str:
    return f"{median(run[name] for run in found):.1%}"


def _cost(run: Found) -> float:
    return float(run["cost_own"][-1])


def _labels_shown() -> str:
    return " and ".join(f"{setting.shown} labels on {setting.world.title}" for setting in SETTINGS)


def _scenes(findings: Findings) -> list[pictures.Scene]:
    return [
        pictures.Scene(
            setting.world.title,
            setting.enough,
            setting.best,
            {
                title: {labels: _runs(findings, setting, sampler, labels) for labels in setting.labels}
                for sampler, title in SAMPLERS.items()
            },
            setting.shown,
        )
        for setting in SETTINGS
    ]


def _visits(findings: Findings) -> dict[str, Array]:
    titles: dict[str, Any] = {"": "the expert itself", **SAMPLERS}
    return {
        title: np.array(found["visits"])
        for sampler, title in titles.items()
        for found in findings.of(go, sampler=sampler)
    }


EXPERIMENT = Experiment(
    name="bc-versus-dagger",
    title="One loop, two samplers: cloning and DAgger",
    sources=("002", "004"),
    question="The source has cloning and DAgger as one loop, in which only the states' sampler differs, and DAgger "
    "always ahead. How far do the states of a cloned student lie from the expert's, how do its mistakes add up over "
    "an episode, and what does DAgger change at the same number of labels?",
    cells=cells,
    page=page,
    items=items,
    seeds=10,
)
