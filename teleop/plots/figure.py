"""One page about what was learned: pictures of the policy and of the demonstrations, and the learning curve.

Reading order: Lesson (what is drawn), `draw` (the page), `pictures_of` (which pictures a world has).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import matplotlib
from gymnasium.envs.registration import EnvSpec
from matplotlib.figure import Figure, SubFigure

from learners.interface import Policy, Snapshot
from learners.worlds import WorldFacts, facts_of
from recordings.demonstrations import Demonstrations
from recordings.errors import UnderstudyError
from teleop.plots import cartpole, look, maps
from teleop.plots.curves import Moment, draw_metric, is_measured_once, shown_metrics
from teleop.visits import demonstrated_visits, policy_visits

CARTPOLES = ("CartPole-v0", "CartPole-v1")
WIDTH_IN = 8.0
HEADER_IN, PICTURE_IN, CURVES_IN, NUMBERS_IN, TITLE_IN = 0.62, 4.5, 1.75, 0.75, 0.24
PNG = ".png"


class PlotError(UnderstudyError):
    """A figure cannot be written where it was asked for."""


@dataclass(frozen=True)
class Lesson:
    """What was learned, from what, and how it went."""

    learner: str
    world: str
    """The world's title."""
    spec: EnvSpec
    snapshot: Snapshot
    """The student that is kept."""
    curve: Sequence[Moment]
    demonstrations: Demonstrations | None = None
    remark: str = ""
    """What else is to stand at the top: the return, say."""


Picture = Callable[[SubFigure], None]


def check(path: Path) -> None:
    """Raise PlotError unless `path` is the name of a PNG, so that nobody trains first and hears of it then."""
    if path.suffix.lower() != PNG:
        found = path.suffix or "none"
        raise PlotError(f"--plot: {path}: expected a file name with the ending {PNG}, found {found}.")


def draw(lesson: Lesson, path: Path, width_px: int = 1600) -> None:
    """Write the page as a PNG of this width, legible from 1,200 up. Raises PlotError where it cannot be written."""
    check(path)
    with matplotlib.rc_context(look.STYLE):
        figure = page(lesson)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            figure.savefig(path, format="png", dpi=width_px / WIDTH_IN, metadata={"Software": None})
        except OSError as error:
            raise PlotError(
                f"{path}: expected a place to write the figure, found: {error.strerror or error}. Choose another path."
            ) from error


def page(lesson: Lesson) -> Figure:
    """Pictures two in a row; the metrics in the place that is left, else in a row of their own."""
    pictures = pictures_of(lesson)
    names = shown_metrics(lesson.curve)
    has_gap = len(pictures) % 2 == 1
    rows = [PICTURE_IN] * ((len(pictures) + 1) // 2)
    if names and not has_gap:
        rows.append(NUMBERS_IN if all(is_measured_once(lesson.curve, name) for name in names) else CURVES_IN)
    figure = Figure(figsize=(WIDTH_IN, HEADER_IN + sum(rows)))
    grid = figure.add_gridspec(
        1 + len(rows),
        2,
        height_ratios=[HEADER_IN, *rows],
        wspace=0,
        hspace=0,
        left=0,
        right=1,
        bottom=0,
        top=1,
    )
    _draw_header(figure.add_subfigure(grid[0, :]), lesson)
    for index, picture in enumerate(pictures):
        picture(figure.add_subfigure(grid[1 + index // 2, index % 2]))
    if names:
        place = grid[len(rows), 1] if has_gap else grid[len(rows), :]
        _draw_curves(figure.add_subfigure(place), lesson.curve, names, columns=2 if has_gap else len(names))
    return figure


def pictures_of(lesson: Lesson) -> list[Picture]:
    """What can be drawn of this world: a map where states are cells, CartPole's pushes, else nothing."""
    facts = facts_of(lesson.spec)
    policy, shown = lesson.snapshot.policy, lesson.demonstrations
    if lesson.spec.id in CARTPOLES:
        return [
            partial(cartpole.draw_at_rest, policy=policy, demonstrations=shown),
            partial(cartpole.draw_elsewhere, policy=policy, demonstrations=shown),
        ]
    return _map_pictures(facts, policy, lesson)


def _map_pictures(facts: WorldFacts, policy: Policy, lesson: Lesson) -> list[Picture]:
    grid = None if facts.model is None else maps.grid_map(facts.model)
    if grid is None:
        return []
    pictures: list[Picture] = [partial(maps.draw_policy, grid=grid, policy=policy)]
    if lesson.snapshot.reward is not None:
        pictures.insert(0, partial(maps.draw_reward, grid=grid, reward=lesson.snapshot.reward))
    visits = {"Where the policy goes": policy_visits(grid.model, policy)}
    if lesson.demonstrations is not None and len(lesson.demonstrations):
        visits["Where the demonstrations went"] = demonstrated_visits(grid.model, lesson.demonstrations)
    norm = maps.visits_norm(*visits.values())
    for title, values in visits.items():
        pictures.append(partial(maps.draw_visits, grid=grid, visits=values, norm=norm, title=title))
    return pictures


def _draw_header(slot: SubFigure, lesson: Lesson) -> None:
    slot.text(0.015, 0.62, f"{lesson.learner} on {lesson.world}", fontsize=15, fontweight="bold", va="center")
    slot.text(0.015, 0.18, "; ".join(_facts(lesson)), fontsize=9, color=look.QUIET, va="center")
    slot.text(
        0.985,
        0.62,
        lesson.remark,
        fontsize=12,
        color=look.STUDENT,
        fontweight="bold",
        ha="right",
        va="center",
    )


def _facts(lesson: Lesson) -> list[str]:
    """What the student learned from."""
    facts = []
    if lesson.demonstrations is not None:
        facts.append(_extent(lesson.demonstrations))
    if lesson.snapshot.env_steps:
        facts.append(f"{lesson.snapshot.env_steps:,} steps of its own in the world")
    return facts


def _extent(demonstrations: Demonstrations) -> str:
    """How much was demonstrated; where steps were left out, what is left of an episode are stretches."""
    n, steps = len(demonstrations.starts), len(demonstrations)
    last = (demonstrations.starts + demonstrations.lengths - 1)[demonstrations.lengths > 0]
    is_whole = bool((demonstrations.terminated | demonstrations.truncated)[last].all())
    one, several = ("demonstration", "demonstrations") if is_whole else ("taught stretch", "taught stretches")
    return f"{n:,} {one if n == 1 else several}, {steps:,} steps"


def _draw_curves(slot: SubFigure, curve: Sequence[Moment], names: Sequence[str], columns: int) -> None:
    rows = -(-len(names) // columns)
    all_axes = slot.subplots(rows, columns, squeeze=False)
    if rows == 1:
        top = 1 - TITLE_IN * slot.dpi / slot.bbox.height
        slot.subplots_adjust(0.065, 0.27, 0.98, top, wspace=0.36)
    else:
        slot.subplots_adjust(0.15, 0.135, 0.97, 0.94, wspace=0.5, hspace=0.45)
    for axes, name in zip(all_axes.flat, names, strict=False):
        draw_metric(axes, curve, name)
    for axes in all_axes.flat[len(names) :]:
        axes.set_axis_off()
