"""Ways of teaching, measured: one lesson a seed, kept as a curve; and what the curves of several seeds come to."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from teleop.benchmark.ledger import Ledger
from teleop.benchmark.rows import Row
from teleop.teaching.budget import BUDGETS
from teleop.teaching.lesson import teach
from teleop.teaching.person import Person
from teleop.teaching.point import Point
from teleop.teaching.ways import Way
from teleop.worlds.catalogue import CARTPOLE, GRIDWORLD, World

TAUGHT = (GRIDWORLD, CARTPOLE)
BEST = {"gridworld": 10.0, "cartpole": 500.0}
"""What the scripted expert returns, from every start."""
SEEDS = 10

Curve = tuple[Point, ...]


@dataclass(frozen=True)
class Reached:
    """What it took to come to some return."""

    labels: int
    person_s: float


@dataclass(frozen=True)
class Lesson:
    """One way of teaching with one seed, as a cell of a sweep."""

    world: World
    way: Way
    seed: int

    @property
    def key(self) -> str:
        return f"teaching | {self.way.name} | {self.world.name} | seed {self.seed}"

    def do(self, folder: Path) -> list[dict[str, float]]:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="lesson-", dir=folder) as own:
            budget = BUDGETS[self.world.name]
            points = teach(self.world, self.way, budget, Path(own), person=Person(), seed=self.seed)
        return [asdict(point) for point in points]


def taught_row(world: World, way: Way, seeds: range, ledger: Ledger) -> Row:
    """How the student did when the lesson was over. Raises NotMeasured unless all is known."""
    curves = [known_curve(Lesson(world, way, seed), ledger) for seed in seeds]
    returns = [curve[-1].return_mean for curve in curves]
    return Row(
        f"taught by a person: {way.title}",
        world.name,
        "dagger",
        "a simulated person: 250 ms, 5 % slips",
        return_median=median(returns),
        return_min=min(returns),
        return_max=max(returns),
        exact=world is GRIDWORLD,
        seeds=len(returns),
        labels=median(curve[-1].distinct for curve in curves),
        ceiling=BEST[world.name],
    )


def known_curve(lesson: Lesson, ledger: Ledger) -> Curve:
    """Raises NotMeasured."""
    return tuple(Point(**point) for point in ledger.once(lesson.key, None))


def reached(curve: Sequence[Point], level: float) -> Reached | None:
    """The first point at this return or above whose follower, if there is one, is so too; None: never."""
    for point, following in zip(curve, [*curve[1:], None], strict=True):
        stays = following is None or following.return_mean >= level
        if point.return_mean >= level and stays:
            return Reached(point.labels, point.person_s)
    return None
