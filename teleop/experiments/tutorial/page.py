"""The tutorial's cells, and what its page says of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from statistics import median

from teleop.benchmark.rows import number
from teleop.experiments.experiment import Cell, Experiment, Findings, Item, Part, Picture, Table
from teleop.experiments.tutorial.figures import (
    LABELS,
    PLANNERS,
    Data,
    beside_the_source,
    by_size,
    counted,
    facts,
    labels_to,
    runs,
    summed,
    values,
)
from teleop.experiments.tutorial.pictures import draw_curves, draw_methods, draw_policies, draw_rewards
from teleop.experiments.tutorial.runs import (
    EXPERT_AT,
    SIZES,
    TUTORIAL,
    TUTORIAL_EPISODES,
    bounds,
    clone,
    correct,
    explore,
    imitate,
    recover,
)
from teleop.experiments.tutorial.sources import METHODS, PPO_EXPERT
from teleop.worlds.catalogue import GRIDWORLD, SLIPPERY_GRIDWORLD

PLAIN, SLIP = GRIDWORLD.name, SLIPPERY_GRIDWORLD.name
SOME, FEW = 5, 3
"""Seeds of a fit that takes several seconds, and of one that takes about twenty; all of them where it is cheap."""
CARRIED: tuple[Data, ...] = (TUTORIAL, SIZES[-1])
"""What is learned from where slips come only afterwards."""
EVERYWHERE = 2_000
"""Labels of the DAgger that asks in every state it comes to."""


def cells(seeds: range) -> Sequence[Cell]:
    some, few = seeds[:SOME], seeds[:FEW]
    of_data: list[tuple[str, Data]] = [(PLAIN, TUTORIAL)]
    of_data += [(world, size) for world in (PLAIN, SLIP) for size in SIZES]
    grid = [Cell(bounds)]
    grid += [
        Cell(clone, {"world": PLAIN, "kind": kind, "seed": seed})
        for kind in (TUTORIAL, "optimal")
        for seed in seeds
    ]
    grid += [Cell(clone, {"world": SLIP, "kind": "optimal", "seed": seed}) for seed in some]
    grid += [_corrected(PLAIN, gate, seed) for gate in (None, "beta") for seed in seeds]
    grid += [_corrected(SLIP, None, seed) for seed in some]
    grid += [
        Cell(recover, {"learner": learner, "world": world, "data": data, "seed": seed})
        for learner in ("maxent-irl", "mce-irl")
        for world, data in of_data
        for seed in (some if world == PLAIN else few)
    ]
    grid += [
        _imitated(learner, world, data, seed)
        for learner in ("relent-irl", "gail")
        for world, data in of_data
        for seed in few
    ]
    grid += [_imitated("gail", PLAIN, TUTORIAL, seed, control=True) for seed in seeds[:1]]
    return [*grid, *(Cell(explore, {"seed": seed}) for seed in few)]


def _corrected(world: str, gate: str | None, seed: int) -> Cell:
    labels = LABELS if gate is None else EVERYWHERE
    return Cell(correct, {"world": world, "gate": gate, "labels": labels, "seed": seed})


def _imitated(learner: str, world: str, data: Data, seed: int, **settings: bool) -> Cell:
    return Cell(
        imitate, {"learner": learner, "world": world, "data": data, "seed": seed, "settings": settings}
    )


# -- the page --------------------------------------------------------------------------------------------


def page(findings: Findings) -> Sequence[Part]:
    return (
        _preface(findings),
        _of_its_data(findings),
        Picture(
            "methods",
            "Each method on one scale; bars: the range over seeds.",
            partial(draw_methods, findings=findings),
        ),
        Picture(
            "curves",
            "Return over labels. DAgger: a line a seed; BC: medians. Diamonds: where the tutorial's own runs ended. "
            "What lies below the frame is cut off.",
            partial(draw_curves, findings=findings),
            size_in=(8.0, 4.2),
        ),
        _about_dagger(findings),
        _of_optimal_data(findings),
        _under_slip(findings),
        _carried_over(findings),
        Picture(
            "rewards",
            "Recovered rewards, from the tutorial's data, first seed.",
            partial(draw_rewards, findings=findings),
            size_in=(8.0, 9.0),
        ),
        Picture(
            "policies",
            "The most probable actions of each method, from the tutorial's data (DAgger: from our expert's labels), "
            "first seed.",
            partial(draw_policies, findings=findings),
            size_in=(8.0, 13.5),
        ),
    )


def _preface(findings: Findings) -> str:
    known = facts(findings)
    plain, slip = known[PLAIN], known[SLIP]
    return (
        f"The tutorial's GridWorld has {known['start_cells']:,} start cells; the best policy returns "
        f"{number(plain['best'])}, chance {number(plain['random'])}. With slip an action succeeds with probability "
        f"{slip['intended']:.1f}; then the best returns {number(slip['best'])}. Its data are {known['episodes']:,} "
        f"episodes of a PPO expert, {known['labels']:,} steps; {known['truncated']:.1%} of the episodes run out of "
        f"time; their mean return is {number(known['demonstrator'])}. It leaves out each episode's final state, which "
        "is put back here: the goal is reached nowhere else. Optimal demonstrations are our scripted expert's.\n\n"
        "All returns are exact; median (lowest to highest) over seeds. *Most probable*: of each state's most probable "
        "action; for the learners of rewards, of a plan on the recovered reward. *Drawn*: as the tutorial's policies "
        "act; for MaxEnt and MCE, the soft policy. Seconds: the processor's, one thread, from reading the data on."
    )


def _of_its_data(findings: Findings) -> Table:
    rows = [beside_the_source(findings, method) for method in METHODS]
    columns = (
        *("method", "from", "published", "its code, run again"),
        *("ours, most probable", "ours, drawn", "seconds", "seeds", "ours, drawn, above the published"),
    )
    control = findings.of(imitate, settings={"control": True})
    return Table(
        "From the tutorial's data",
        columns,
        rows,
        f"GAIL without demonstrations (its discriminator never learns) returns {summed(control, 'drawn')} drawn: that "
        "is chance. BC here goes back to taught states by the world's moves and leaves circles; without both "
        f"it returns {_as_shown(findings)}. The tutorial's PPO expert: {PPO_EXPERT}; ours passes {EXPERT_AT:g}, drawn, "
        f"after {counted(values(findings.of(explore), 'env_steps'))} steps, in "
        f"{summed(findings.of(explore), 'fit_seconds')} s.",
    )


def _as_shown(findings: Findings) -> str:
    return summed(runs(findings, "bc", PLAIN, TUTORIAL), "as_shown_return")


def _about_dagger(findings: Findings) -> str:
    asked, everywhere = (findings.of(correct, world=PLAIN, gate=gate) for gate in (None, "beta"))
    dagger = METHODS[1]
    assert dagger.labels is not None
    assert dagger.published is not None
    return (
        f"DAgger first returns what the tutorial's did ({dagger.published}, from {dagger.labels:,} labels) after "
        f"{labels_to(asked, dagger.published)} labels where it asks in states near which nothing was taught and the "
        "expert drives until it is back. Asked in every state that the student comes to, as in the paper, "
        f"{EVERYWHERE:,} labels are of {counted(values(everywhere, 'distinct_labels'))} states, and end at "
        f"{summed(everywhere, 'return')}: where a table's most probable actions go in circles, the same states are "
        "asked about again and again."
    )


def _of_optimal_data(findings: Findings) -> Table:
    columns = ("method", *(f"{size:,} demonstrations" for size in SIZES), "seconds, the most data")
    return Table(
        "From optimal demonstrations",
        columns,
        by_size(findings, PLAIN),
        "Most probable actions, or plans. DAgger's expert labels what it is asked; its one figure stands on the right.",
    )


def _under_slip(findings: Findings) -> Table:
    columns = ("method", *(f"{size:,} demonstrations" for size in SIZES), "seconds, the most data")
    known = facts(findings)[SLIP]
    causal, path = (
        median(values(runs(findings, learner, SLIP, SIZES[-1]), "drawn"))
        for learner in ("mce-irl", "maxent-irl")
    )
    finding = "does" if causal > path else "does NOT"
    return Table(
        "Taught and judged with slip",
        columns,
        by_size(findings, SLIP),
        f"Demonstrations of the best plan, which returns {number(known['best'])}; chance returns "
        f"{number(known['random'])}. MaxEnt weighs paths, luck included, and so counts on good luck; MCE weighs "
        f"choices alone. The soft policies tell: from {SIZES[-1]:,} demonstrations MCE's returns {number(causal)}, "
        f"MaxEnt's {number(path)}: MCE {finding} come out ahead.",
    )


def _carried_over(findings: Findings) -> Table:
    rows = []
    for method in METHODS:
        row = [method.title]
        for data in CARRIED:
            found = runs(findings, method.learner, PLAIN, data)
            again = summed(found, "replanned") if method.learner in PLANNERS else "–"
            row += [summed(found, "return_slipping"), again]
        rows.append(row)
    sources = ("the tutorial's data", f"{SIZES[-1]:,} optimal")
    columns = [f"{source}: {what}" for source in sources for what in ("acts as taught", "plans again")]
    return Table(
        "Taught without slip, judged with it",
        ("method", *columns),
        rows,
        "How to act was learned for another world. Why carries over as far as the reward is known off the demonstrated "
        "ways, where slips lead; the tutorial's noisy expert strays from them and so shows more. Planning again on the "
        f"recovered reward returns more, by medians: {_carried_verdict(findings)}.",
    )


def _carried_verdict(findings: Findings) -> str:
    """For which learners of rewards planning anew returns more than acting as before."""
    better = []
    for data, source in zip(CARRIED, ("the tutorial's data", "optimal demonstrations"), strict=True):
        ahead = [
            method.title
            for method in METHODS
            if method.learner in PLANNERS
            and _middle(findings, method.learner, data, "replanned")
            > _middle(findings, method.learner, data, "return_slipping")
        ]
        better.append(f"from {source}, {' and '.join(ahead) or 'none'}")
    return "; ".join(better)


def _middle(findings: Findings, learner: str, data: Data, name: str) -> float:
    return median(values(runs(findings, learner, PLAIN, data), name))


# -- the index -------------------------------------------------------------------------------------------


def items(findings: Findings) -> Sequence[Item]:
    known = facts(findings)
    return (
        *(_item_of_method(findings, index) for index in range(len(METHODS))),
        Item(
            "000",
            "a PPO expert, which makes the dataset",
            f"our PPO, stopped once it returns {EXPERT_AT:g}, drawn",
            PPO_EXPERT,
            f"{counted(values(findings.of(explore), 'env_steps'))} steps, "
            f"{summed(findings.of(explore), 'fit_seconds')} s",
        ),
        Item(
            "000",
            f"the dataset: states, actions, rewards, lengths of {TUTORIAL_EPISODES:,} episodes",
            "the same as a recording, final states put back, every step verified",
            "–",
            f"{known['labels']:,} steps, return {number(known['demonstrator'])}, {known['truncated']:.1%} truncated",
        ),
        Item(
            "000",
            "transition_prob: an action succeeds with probability 0.7",
            "all six methods taught and judged with slip",
            "–",
            f"optimum {number(known[SLIP]['best'])}; from {SIZES[-1]:,} demonstrations MCE "
            f"{summed(runs(findings, 'mce-irl', SLIP, SIZES[-1]), 'return')}, BC "
            f"{summed(runs(findings, 'bc', SLIP, SIZES[-1]), 'return')}",
        ),
        Item(
            "000",
            "reward heat maps and arrow maps of the policies",
            "drawn for all six from its data",
            "pictures",
            "[pictures](tutorial.md)",
        ),
    )


def _item_of_method(findings: Findings, index: int) -> Item:
    method = METHODS[index]
    found = runs(findings, method.learner, PLAIN, TUTORIAL)
    from_optimal = (
        ""
        if method.learner == "dagger"
        else f"; from 1,000 optimal {summed(runs(findings, method.learner, PLAIN, SIZES[-1]), 'return')}"
    )
    data = (
        f"{counted(values(found, 'labels'))} labels of our expert"
        if method.learner == "dagger"
        else "the tutorial's data"
    )
    return Item(
        "000",
        f"{method.title} on GridWorld",
        f"{data}, {len(found)} seeds",
        "heat map only" if method.published is None else f"{method.published}; {method.run_again}",
        f"{summed(found, 'return')} in {number(median(values(found, 'fit_seconds')))} s{from_optimal}",
    )


EXPERIMENT = Experiment(
    name="tutorial",
    title="The GridWorld tutorial's six methods",
    sources=("000",),
    question="What do BC, DAgger, MaxEnt, MCE and relative entropy IRL and GAIL reach on the tutorial's world, from "
    "its data and from optimal data, with and without slip, and how long do they take?",
    cells=cells,
    page=page,
    items=items,
    seeds=10,
)
