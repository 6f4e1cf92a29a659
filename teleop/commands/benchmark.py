"""`benchmark`: measure every claimed figure again."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import tyro

from learners.settings import Count, Seed, Settings
from recordings.errors import UnderstudyError
from teleop.benchmark.claims import CLAIMS, Claim
from teleop.benchmark.learning import learned_row
from teleop.benchmark.ledger import Entry, Ledger, NotMeasured
from teleop.benchmark.page import SHARED, as_page
from teleop.benchmark.rows import VERDICTS, Row, figures, marked, number
from teleop.benchmark.teaching import SEEDS, TAUGHT, Lesson, taught_row
from teleop.benchmark.timings import WORLDS, Timings
from teleop.benchmark.training import tasks
from teleop.commands.report import Report, progress_console, table
from teleop.metrics import Metrics, open_metrics
from teleop.sweeps.engine import Task
from teleop.sweeps.sweep import engine_for, sweep
from teleop.teaching.ways import WAYS, Way
from teleop.worlds.catalogue import World

REPETITIONS = 5
"""Of each timing, where nobody says otherwise."""


@dataclass(frozen=True)
class Benchmark(Settings):
    """Measure every claimed figure again, and say which claims hold on this machine."""

    only: tuple[str, ...] = ()
    """Rows to measure, by words of theirs: a learner, a world, learners, sessions, tutorial, 1000, latency, frames,
    throughput, recording, replay, exchange, merge, teaching (by a simulated person), soak (ten minutes of correction in
    the window). A row must have all the words that are joined by a plus: gail+cartpole."""
    seeds: Count | None = None
    """Runs of each learner, repetitions of each timing. Default: as many as each claim is about (5 or 10)."""
    seed: Seed = 0
    """The first seed."""
    out: Path = Path("runs/benchmark.jsonl")
    """Where finished measurements are kept: started again, the benchmark goes on where it stopped."""
    workers: Count = 1
    """Runs of learners and lessons done at once on this machine, one thread each. From 2 on their times are those of a
    shared machine, which the row says; timings of the program itself are always made alone, after all runs."""
    cluster: str | None = None
    """Do those runs on a Ray cluster instead: HOST:PORT, or auto for the one that runs here (extra ray; see
    docs/sweeps.md)."""
    again: bool = False
    """Measure anew what is asked for, also where --out has it already."""
    csv: Path | None = None
    """Add every figure to this CSV as it comes, a row a value; an earlier one is continued. Default: none."""
    tensorboard: Path | None = None
    """Write every figure into a new folder under this one, for TensorBoard (extra `tensorboard`). Default: none."""
    page: Path | None = None
    """Write all rows that --out knows, asked for or not, into this page (Markdown)."""
    json: bool = False
    """Print one JSON object and nothing else."""

    def run(self) -> Report:
        asked = [case for case in CASES if _is_asked_for(case, self.only)]
        if not asked:
            words = ", ".join(sorted({word for case in CASES for word in case.words}))
            raise UnderstudyError(
                f"--only {' '.join(self.only)}: expected words of a row ({words}), found no such row."
            )
        metrics = open_metrics("benchmark", csv_file=self.csv, tensorboard=self.tensorboard)
        ledger = Ledger(self.out, again=self.again, tell=lambda entry: _tell(metrics, entry))
        with tempfile.TemporaryDirectory(prefix="understudy-") as folder:
            failures = self._sweep(asked, ledger, Path(folder) / "benchmark")
            rows = self._known(asked, ledger, Path(folder), measures=True)
            if self.page is not None:
                self.page.parent.mkdir(parents=True, exist_ok=True)
                known = self._known(CASES, ledger, Path(folder), measures=False)
                self.page.write_text(as_page(known), encoding="utf-8")
        return Report(
            {"rows": [asdict(row) for row in rows], "failures": failures},
            "\n".join([_text(rows), *(f"FAILED twice, its row is missing: {each}" for each in failures)]),
            status=1 if failures else 0,
        )

    def _sweep(self, cases: Sequence[Case], ledger: Ledger, folder: Path) -> list[str]:
        """Do the runs that rows need; which of them failed."""
        engine = engine_for(self.workers, self.cluster)
        wanted = [task for case in cases for task in case.tasks(self._range(case), engine.shares)]
        return sweep(wanted, engine, ledger, folder, progress_console().print)

    def _known(self, cases: Sequence[Case], ledger: Ledger, folder: Path, *, measures: bool) -> list[Row]:
        """Every row of which all runs are known. measures: make timings that are not."""
        rows: list[Row] = []
        for case in cases:
            ledger.used()
            try:
                rows += self._rows(case, ledger, folder, measures=measures)
            except NotMeasured:
                continue
        return rows

    def _range(self, case: Case) -> range:
        return range(self.seed, self.seed + (self.seeds or case.seeds))

    def _rows(self, case: Case, ledger: Ledger, folder: Path, *, measures: bool) -> list[Row]:
        if measures and case.is_timing:
            progress_console().print(f"measuring {' '.join(case.words)} ...")
        rows = case.rows(ledger, folder, self._range(case), measures)
        used = ledger.used()
        date = max((entry.date for entry in used), default="")
        current = all(ledger.is_current(entry) for entry in used)
        return [replace(row, date=date, current=current) for row in rows]


def _tell(metrics: Metrics, entry: Entry) -> None:
    """What was found goes by the seed that ends its key, or by the place in a list of repetitions."""
    key, is_of_seed, seed = entry.key.rpartition(" | seed ")
    if is_of_seed and seed.isdigit() and isinstance(entry.found, dict):
        metrics.write(int(seed), {f"{key} | {name}": value for name, value in entry.found.items()})
        return
    found = entry.found if isinstance(entry.found, list) else [entry.found]
    for step, value in enumerate(found):
        values = value if isinstance(value, dict) else {"value": value}
        metrics.write(step, {f"{entry.key} | {name}": each for name, each in values.items()})


def parse(prog: str, words: list[str]) -> Benchmark:
    return tyro.cli(Benchmark, prog=prog, args=words)


@dataclass(frozen=True)
class Case:
    """Rows that are measured together."""

    words: tuple[str, ...]
    """What `--only` may ask for them by."""
    rows: Callable[[Ledger, Path, range, bool], list[Row]]
    """Ledger, folder to work in, seeds, whether to make timings that are not known (else: NotMeasured)."""
    seeds: int = REPETITIONS
    tasks: Callable[[range, bool], Sequence[Task]] = lambda seeds, shared: ()
    """Seeds, whether they share machines -> the runs it sums up, which any machine may make."""
    is_timing: bool = False
    """Of this program on this machine: without tasks, made here and alone."""


def _is_asked_for(case: Case, only: Sequence[str]) -> bool:
    return not only or any(set(words.split("+")) <= set(case.words) for words in only)


def _learned(claim: Claim) -> Case:
    def rows(ledger: Ledger, folder: Path, seeds: range, measures: bool) -> list[Row]:
        return [learned_row(claim, seeds, ledger)]

    return Case(claim.words, rows, claim.seeds, lambda seeds, shared: tasks(claim, seeds, shared=shared))


def _timed(
    words: tuple[str, ...], of: Callable[[Timings], list[Row]], repetitions: int = REPETITIONS
) -> Case:
    def rows(ledger: Ledger, folder: Path, seeds: range, measures: bool) -> list[Row]:
        return of(Timings(ledger, folder, seeds, measures=measures))

    return Case(words, rows, repetitions, is_timing=True)


def _taught(world: World, way: Way) -> Case:
    def rows(ledger: Ledger, folder: Path, seeds: range, measures: bool) -> list[Row]:
        return [taught_row(world, way, seeds, ledger)]

    def lessons(seeds: range, shared: bool) -> Sequence[Task]:
        return [Lesson(world, way, seed) for seed in seeds]

    return Case(("teaching", world.name, way.name), rows, SEEDS, lessons)


CASES = (
    *(_learned(claim) for claim in CLAIMS),
    *(_taught(world, way) for world in TAUGHT for way in WAYS),
    _timed(("throughput", "gridworld", "vector"), Timings.throughput),
    _timed(("recording", "cartpole"), Timings.recording),
    _timed(("recording", "replay", "gridworld", "cartpole"), Timings.replay),
    _timed(("recording", "opening", "cartpole"), Timings.opening),
    _timed(("exchange", "cartpole", "gridworld"), Timings.exchange),
    _timed(("merge", "cartpole"), Timings.merging),
    _timed(("frames", "gridworld", "cartpole"), Timings.frames),
    _timed(("latency", "gridworld", "cartpole"), Timings.latency),
    *(_timed(("soak", world.name), partial(Timings.soak, world=world), 1) for world in WORLDS),
)


def _text(rows: Sequence[Row]) -> str:
    """The rows as a table for a terminal."""
    cells = [
        (
            f"{marked(row)}, {row.data}" if row.data else marked(row),
            row.world,
            *figures(row),
            row.seeds,
            number(row.labels),
            number(row.seconds),
            VERDICTS[row.met],
            row.claim,
        )
        for row in rows
    ]
    columns = (
        "row",
        "world",
        "median",
        "lowest",
        "highest",
        "unit",
        "runs",
        "labels",
        "seconds",
        "",
        "claim",
    )
    sheet = table(f"benchmark, {time.strftime('%Y-%m-%d')}", columns, cells, width=160)
    return f"{sheet}\n{SHARED}" if any(row.shared for row in rows) else sheet
