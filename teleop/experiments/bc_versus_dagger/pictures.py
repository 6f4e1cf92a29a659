"""How students of one loop with different samplers go astray, in pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D

from learners.interface import FloatArray
from learners.worlds import facts_of
from teleop.experiments.bc_versus_dagger.mismatch import STRETCH
from teleop.experiments.experiment import Found
from teleop.plots import look, maps
from teleop.worlds.catalogue import GRIDWORLD

COLOURS = (look.DEMONSTRATED, look.STUDENT, look.INK)
"""Of the samplers, in their order."""
NO_MISTAKE = 1e-4
"""Where students without a mistake stand on a scale of powers."""


@dataclass(frozen=True)
class Scene:
    """What was found in one world."""

    world: str
    """Its title."""
    enough: float
    """The return that counts as imitated."""
    best: float | None
    """The best possible return; given where returns are shown by how far they fall short of it."""
    runs: Mapping[str, Mapping[int, Sequence[Found]]]
    """Sampler -> labels -> a student a seed."""
    shown: int
    """Labels of the students that are shown over time."""

    @property
    def in_colours(self) -> list[tuple[look.Rgb, str, Mapping[int, Sequence[Found]]]]:
        return [
            (colour, name, found) for colour, (name, found) in zip(COLOURS, self.runs.items(), strict=True)
        ]


def draw_returns(figure: Figure, scenes: Sequence[Scene]) -> None:
    for axes, scene in _panels(figure, scenes):
        for colour, _, found in scene.in_colours:
            labels = sorted(found)
            _draw_band(axes, labels, [[run["return"] for run in found[n]] for n in labels], colour)
        axes.axhline(scene.enough, color=look.QUIET, linewidth=0.8, linestyle="--")
        if scene.best is not None:
            _by_shortfall(axes, scene.best)
        axes.set_xscale("log")
        axes.set_xticks(labels, [f"{n:,}" for n in labels])
        axes.minorticks_off()
        axes.set_xlabel("labels")
        axes.set_ylabel("return")


def _by_shortfall(axes: Axes, best: float) -> None:
    """A scale of powers by how far a return falls short of the best."""
    nearest = 0.005 * best
    low, _ = axes.get_ylim()

    def place(returns: FloatArray) -> FloatArray:
        found: FloatArray = -np.log10(np.maximum(best - np.asarray(returns, float), 0.0) + nearest)
        return found

    def back(places: FloatArray) -> FloatArray:
        found: FloatArray = best + nearest - 10 ** -np.asarray(places, float)
        return found

    axes.set_yscale("function", functions=(place, back))
    axes.set_ylim(low, best)
    ticks = [best * share for share in (-4, -1, 0, 0.5, 0.8, 0.9, 0.98, 1) if low <= best * share]
    axes.set_yticks(ticks, [look.number(tick) for tick in ticks])
    axes.minorticks_off()


def draw_time(figure: Figure, scenes: Sequence[Scene]) -> None:
    for axes, scene in _panels(figure, scenes):
        for colour, _, found in scene.in_colours:
            for name, style in (("by_time_own", "-"), ("by_time_expert", "--")):
                steps, errors = median_over_time([run[name] for run in found[scene.shown]])
                axes.plot(steps, errors, style, color=colour, linewidth=1.4 if style == "-" else 1.0)
        axes.set_xlabel("step of the episode")
        axes.set_ylabel("mistakes a step")
        axes.set_ylim(bottom=0)


def median_over_time(curves: Sequence[Sequence[float | None]]) -> tuple[list[float], list[float]]:
    """Middle of each stretch in which more than half of the curves say something, and the median there."""
    steps, errors = [], []
    for index, values in enumerate(zip(*curves, strict=True)):
        known = [value for value in values if value is not None]
        if 2 * len(known) > len(values):
            steps.append((index + 0.5) * STRETCH)
            errors.append(median(known))
    return steps, errors


def draw_horizon(figure: Figure, scenes: Sequence[Scene]) -> None:
    for axes, scene in _panels(figure, scenes):
        for colour, _, found in scene.in_colours:
            costs = np.array([run["cost_own"] for run in found[scene.shown]])
            steps = np.arange(1, costs.shape[1] + 1)
            _draw_band(axes, steps, np.maximum(costs.T, NO_MISTAKE), colour)
            there = np.median([run["cost_expert"] for run in found[scene.shown]], axis=0)
            axes.plot(steps, np.maximum(there, NO_MISTAKE), "--", color=colour, linewidth=1)
        cloned = next(iter(scene.runs.values()))[scene.shown]
        error = median(run["error_expert"] for run in cloned)
        _draw_guide(axes, steps, error * steps.astype(float) ** 2, len(steps), "ε T²")
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_ylim(bottom=0.01, top=2 * steps[-1])
        axes.set_xlabel("T, steps of the episode")
        axes.set_ylabel("mistakes up to T")


def _draw_guide(axes: Axes, places: FloatArray, values: FloatArray, most: float, name: str) -> None:
    """A dotted line as far as there can be so many mistakes."""
    possible = values <= most
    axes.plot(places[possible], values[possible], color=look.QUIET, linewidth=0.9, linestyle=":")
    last = np.flatnonzero(possible)[-1]
    axes.text(places[last], values[last], name, color=look.QUIET, fontsize=8, ha="right", va="bottom")


def draw_alike(figure: Figure, scenes: Sequence[Scene]) -> None:
    for axes, scene in _panels(figure, scenes):
        for colour, _, found in scene.in_colours:
            runs = [run for several in found.values() for run in several]
            errors = [max(run["error_expert"], NO_MISTAKE) for run in runs]
            costs = [max(run["cost_own"][-1], 0.01) for run in runs]
            axes.plot(errors, costs, "o", color=colour, markersize=3, alpha=0.5, markeredgewidth=0)
        horizon, length = len(runs[0]["cost_own"]), runs[0]["expert_steps"]
        error = np.geomspace(NO_MISTAKE, 1, 200)
        for power, name in ((1, "ε T"), (2, "ε T²")):
            _draw_guide(axes, error, error * length**power, horizon, name)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_ylim(bottom=0.007, top=2 * horizon)
        axes.set_xlabel("mistakes a step in the expert's states, ε")
        axes.set_ylabel("mistakes in an episode of its own")


def draw_maps(figure: Figure, visits: Mapping[str, FloatArray]) -> None:
    """visits: whose -> (S,) an episode."""
    model = facts_of(GRIDWORLD.spec()).model
    assert model is not None
    grid = maps.grid_map(model)
    assert grid is not None
    norm = maps.visits_norm(*visits.values())
    slots = cast(Sequence[SubFigure], np.ravel(cast(Any, figure.subfigures(2, 2))))
    for slot, (name, found) in zip(slots, visits.items(), strict=True):
        maps.draw_visits(slot, grid, found, norm, name[0].upper() + name[1:])


def _panels(figure: Figure, scenes: Sequence[Scene]) -> list[tuple[Axes, Scene]]:
    """A chart for each world, and who the colours are above them."""
    all_axes = cast(Sequence[Axes], figure.subplots(1, len(scenes)))
    for axes, scene in zip(all_axes, scenes, strict=True):
        axes.set_title(scene.world)
        axes.grid(True, axis="y")
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
    names = [(colour, name) for colour, name, _ in scenes[0].in_colours]
    figure.legend(
        handles=[Line2D([], [], color=colour, linewidth=2, label=name) for colour, name in names],
        loc="outside upper left",
        ncols=len(names),
    )
    return list(zip(all_axes, scenes, strict=True))


def _draw_band(
    axes: Axes,
    places: Sequence[int] | FloatArray,
    values: Sequence[Sequence[float]] | FloatArray,
    colour: look.Rgb,
) -> None:
    """values (places, seeds): their median, and from the lowest to the highest."""
    found = np.asarray(values)
    axes.fill_between(places, found.min(1), found.max(1), color=colour, alpha=0.18, linewidth=0)
    axes.plot(places, np.median(found, axis=1), color=colour, linewidth=1.5)
