"""What the runs of `tutorial` come to: the runs of a method, and their figures as a reader wants them."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

from teleop.benchmark.rows import number
from teleop.experiments.experiment import Findings, Found
from teleop.experiments.statistics import median_and_range
from teleop.experiments.tutorial.runs import (
    CLONED,
    SIZES,
    TUTORIAL,
    TUTORIAL_EPISODES,
    bounds,
    clone,
    correct,
    imitate,
    recover,
)
from teleop.experiments.tutorial.sources import METHODS, Method
from teleop.worlds.catalogue import GRIDWORLD

Data = str | int
LABELS = 1_400
"""That DAgger may ask for."""
PLANNERS = ("maxent-irl", "mce-irl", "relent-irl")
"""Those who recover what states pay."""


def runs(findings: Findings, learner: str, world: str, data: Data) -> list[Found]:
    """Every run of a method from these data; of DAgger, whatever the data, with the labels it asked for."""
    match learner:
        case "bc":
            kind, episodes = (TUTORIAL, TUTORIAL_EPISODES) if data == TUTORIAL else ("optimal", data)
            found = findings.of(clone, world=world, kind=kind)
            place = CLONED[kind].index(int(episodes))
            return [run["curve"][place] for run in found]
        case "dagger":
            return findings.of(correct, world=world, gate=None)
        case "relent-irl" | "gail":
            return findings.of(imitate, learner=learner, world=world, data=data, settings={})
        case _:
            return findings.of(recover, learner=learner, world=world, data=data)


def values(found: Sequence[Found], name: str) -> list[float]:
    return [float(run[name]) for run in found if run.get(name) is not None]


def summed(found: Sequence[Found], name: str) -> str:
    """Median and range of one figure."""
    return median_and_range(values(found, name))


def facts(findings: Findings) -> dict[str, Any]:
    """Of the worlds and of the tutorial's data."""
    return dict(findings.of(bounds)[0])


def beside_the_source(findings: Findings, method: Method) -> tuple[Any, ...]:
    """A row of the first table."""
    found = runs(findings, method.learner, GRIDWORLD.name, TUTORIAL)
    ours = median(values(found, "drawn"))
    verdict = "–" if method.published is None else "yes" if ours > method.published else "NO"
    data = "labels of our expert" if method.learner == "dagger" else "its data"
    return (
        method.title,
        data,
        "heat map only" if method.published is None else f"{method.published:g}",
        method.run_again,
        summed(found, "return"),
        summed(found, "drawn") if method.learner != "relent-irl" else "–",
        number(median(values(found, "fit_seconds"))),
        len(found),
        verdict,
    )


def by_size(findings: Findings, world: str, name: str = "return") -> list[tuple[str, ...]]:
    """A row for each method: its figure from 50, 200 and 1,000 optimal demonstrations; DAgger has one figure."""
    rows: list[tuple[str, ...]] = []
    for method in METHODS:
        if method.learner == "dagger":
            found = runs(findings, "dagger", world, TUTORIAL)
            asked = f"{median(values(found, 'distinct_labels')):,.0f} states asked about: "
            rows.append((method.title, "", "", asked + summed(found, name), _seconds(found)))
            continue
        each = [runs(findings, method.learner, world, size) for size in SIZES]
        rows.append((method.title, *(summed(found, name) for found in each), _seconds(each[-1])))
    return rows


def _seconds(found: Sequence[Found]) -> str:
    return number(median(values(found, "fit_seconds")))


def labels_to(found: Sequence[Found], wanted: float) -> str:
    """Labels after which each run of DAgger first returned so much; a run that never did is counted out loud."""
    reached = [next((labels for labels, got, _ in run["curve"] if got >= wanted), None) for run in found]
    known = [labels for labels in reached if labels is not None]
    missing = "" if len(known) == len(reached) else f" ({len(reached) - len(known)} of {len(reached)} never)"
    return counted(known) + missing


def counted(found: Sequence[float]) -> str:
    """Median and range of whole numbers."""
    if not found:
        return "–"
    return f"{median(found):,.0f} ({min(found):,.0f} to {max(found):,.0f})"
