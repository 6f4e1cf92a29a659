"""Make the tables and the pictures of docs/teaching.md from finished lessons: `python docs/make_teaching.py`.

Lessons are run, a hundred and more of them, by `python main.py benchmark --only teaching`, which goes on where it was
stopped. Another file of measurements may be named: `python docs/make_teaching.py runs/other.jsonl`.
"""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from teleop.benchmark.ledger import Ledger, NotMeasured  # noqa: E402
from teleop.benchmark.teaching import BEST, SEEDS, Curve, Lesson, Reached, known_curve, reached  # noqa: E402
from teleop.plots.teaching import Study, draw  # noqa: E402
from teleop.teaching.ways import WAYS, Way  # noqa: E402
from teleop.worlds.catalogue import CARTPOLE, GRIDWORLD, World  # noqa: E402

PAGE = ROOT / "docs" / "teaching.md"
PICTURES = ROOT / "docs" / "pictures"
STUDIES = (
    (GRIDWORLD, (-190.0, -90.0, 0.0, 9.0, 9.9), True),
    (CARTPOLE, (0.0, 100.0, 200.0, 300.0, 400.0, 500.0), False),
)
"""World, returns named on the axis, whether they are shown by what they fall short of."""


def main() -> None:
    ledger = Ledger(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "runs" / "benchmark.jsonl")
    page = PAGE.read_text(encoding="utf-8")
    for world, ticks, is_logarithmic in STUDIES:
        curves = _curves(ledger, world)
        study = Study(world.title, BEST[world.name], ticks, is_logarithmic, curves)
        draw(study, PICTURES / f"teaching-{world.name}.png")
        page = _with_table(page, world, _table(curves, BEST[world.name]))
    PAGE.write_text(page, encoding="utf-8")


def _curves(ledger: Ledger, world: World) -> dict[str, list[Curve]]:
    """Title of a way -> the curves that are known."""
    return {way.title: list(_known(ledger, world, way)) for way in WAYS}


def _known(ledger: Ledger, world: World, way: Way) -> Iterator[Curve]:
    for seed in range(SEEDS):
        with contextlib.suppress(NotMeasured):
            yield known_curve(Lesson(world, way, seed), ledger)


def _table(curves: dict[str, list[Curve]], best: float) -> str:
    columns = (
        "way of teaching",
        "seeds",
        "labels to 90 %",
        "to 99 %",
        "seconds to 90 %",
        "to 99 %",
        "in the end",
        "labels",
    )
    lines = [columns, ["---"] * len(columns)]
    for title, of_seeds in curves.items():
        most, all_but_all = ([reached(curve, share * best) for curve in of_seeds] for share in (0.9, 0.99))
        ends = [curve[-1].return_mean for curve in of_seeds]
        lines.append(
            (
                title,
                str(len(of_seeds)),
                _spread(most, lambda found: found.labels),
                _spread(all_but_all, lambda found: found.labels),
                _spread(most, lambda found: found.person_s),
                _spread(all_but_all, lambda found: found.person_s),
                f"{_number(median(ends))} ({_number(min(ends))} to {_number(max(ends))})",
                f"{median(curve[-1].labels for curve in of_seeds):,.0f}",
            )
        )
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _spread(found: Sequence[Reached | None], what: Callable[[Reached], float]) -> str:
    """Median (range) over the seeds; how many came there, where not all did."""
    there = sorted(what(each) for each in found if each is not None)
    n = len(found)
    if not there:
        return "never"
    of_all = "" if len(there) == n else f", {len(there)} of {n}"
    if 2 * len(there) <= n:
        return f"{there[0]:,.0f} to {there[-1]:,.0f}{of_all}"
    padded = there + [float("inf")] * (n - len(there))
    return f"{median(padded):,.0f} ({there[0]:,.0f} to {there[-1]:,.0f}{of_all})"


def _number(value: float) -> str:
    return f"{value:,.{0 if abs(value) >= 100 else 2 if abs(value) >= 1 else 1}f}".replace("-", "−")


def _with_table(page: str, world: World, table: str) -> str:
    begin, end = f"<!-- {world.name} -->", f"<!-- end of {world.name} -->"
    pattern = re.compile(f"{re.escape(begin)}.*{re.escape(end)}", re.DOTALL)
    return pattern.sub(lambda _: f"{begin}\n\n{table}\n\n{end}", page)


if __name__ == "__main__":
    main()
