"""Ways of teaching, measured: one lesson a seed, kept as a curve; and what the curves of several seeds come to."""

from __future__ import annotations

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


class Teaching:
    """The lessons of some seeds."""

    def __init__(self, ledger: Ledger, folder: Path, seeds: range, *, measures: bool) -> None:
        """measures: False only looks up what was found before (`Ledger.once` raises NotMeasured)."""
        self._ledger, self._folder, self._seeds, self._measures = ledger, folder, seeds, measures

    def row(self, world: World, way: Way) -> Row:
        """How the student did when the lesson was over."""
        curves = self.curves(world, way)
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

    def curves(self, world: World, way: Way) -> list[Curve]:
        """One a seed."""
        return [self._curve(world, way, seed) for seed in self._seeds]

    def _curve(self, world: World, way: Way, seed: int) -> Curve:
        budget, person = BUDGETS[world.name], Person()

        def lesson() -> list[dict[str, float]]:
            points = teach(world, way, budget, self._folder, person=person, seed=seed)
            return [asdict(point) for point in points]

        key = f"teaching | {way.name} | {world.name} | seed {seed}"
        found = self._ledger.once(key, lesson if self._measures else None)
        return tuple(Point(**point) for point in found)


def reached(curve: Sequence[Point], level: float) -> Reached | None:
    """The first point at this return or above whose follower, if there is one, is so too; None: never."""
    for point, following in zip(curve, [*curve[1:], None], strict=True):
        stays = following is None or following.return_mean >= level
        if point.return_mean >= level and stays:
            return Reached(point.labels, point.person_s)
    return None
