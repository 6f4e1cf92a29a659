"""`benchmark`: measure every claimed figure again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import tyro

from learners.data import tutorial_demonstrations_path
from recordings.errors import UnderstudyError
from teleop import measure
from teleop.commands.report import Report, progress_console, table
from teleop.worlds.catalogue import CARTPOLE, GRIDWORLD, World
from teleop.worlds.throughput import measure_steps_per_second


@dataclass(frozen=True)
class Row:
    """One measured claim."""

    name: str
    world: str = ""
    learner: str = ""
    data: str = ""
    return_median: float | None = None
    return_min: float | None = None
    return_max: float | None = None
    seeds: int | None = None
    seconds: float | None = None
    """Median wall time of one run, without starting the program."""
    peak_mb: float | None = None
    labels: float | None = None
    """Median of the distinct labels used."""
    env_steps: float | None = None
    control: float | None = None
    """What the same run comes to without demonstrations, or untrained."""
    value: float | None = None
    """Median of what is measured, where that is no return."""
    value_min: float | None = None
    value_max: float | None = None
    unit: str = ""
    claim: str = ""
    """What the figure is held against."""
    met: bool | None = None


@dataclass(frozen=True)
class Benchmark:
    """Measure every claimed figure again, and say which claims hold on this machine."""

    only: tuple[str, ...] = ()
    """Rows to measure, by any word of theirs: a world, a learner, or latency, frames, throughput, recording."""
    seeds: int = 5
    """Runs of each learner; repetitions of each timing."""
    seed: int = 0
    """The first seed."""
    json: bool = False
    """Print one JSON object and nothing else."""

    def run(self) -> Report:
        import torch

        torch.set_num_threads(1)
        cases = [case for case in CASES if _is_asked_for(case, self.only)]
        if not cases:
            words = ", ".join(sorted({word for case in CASES for word in case.words}))
            raise UnderstudyError(
                f"--only {' '.join(self.only)}: expected words of a row ({words}), found no such row."
            )
        console = progress_console()
        rows: list[Row] = []
        with tempfile.TemporaryDirectory(prefix="understudy-") as folder:
            for case in cases:
                console.print(f"measuring {' '.join(case.words)} ...")
                rows += case.measure(Path(folder), range(self.seed, self.seed + self.seeds))
        return Report({"rows": [asdict(row) for row in rows]}, _text(rows))


def parse(prog: str, words: list[str]) -> Benchmark:
    return tyro.cli(Benchmark, prog=prog, args=words)


@dataclass(frozen=True)
class Case:
    """Rows that are measured together."""

    words: tuple[str, ...]
    """What `--only` may ask for them by."""
    measure: Callable[[Path, Sequence[int]], list[Row]]


def _is_asked_for(case: Case, only: Sequence[str]) -> bool:
    return not only or any(word in case.words for word in only)


PEER_STEPS_PER_SECOND = {1: 8.4e3, 128: 1.0e6, 1024: 5.7e6}
"""The GridWorld tutorial's torch environment, by batch size, on two cores."""


def _throughput(_: Path, seeds: Sequence[int]) -> list[Row]:
    rows = []
    for batch, peer in PEER_STEPS_PER_SECOND.items():
        found = [measure_steps_per_second(batch, 1.0) for _ in seeds]
        claim = f"more than {peer:,.0f}, the tutorial's environment"
        rows.append(_timing(f"vector steps, batch {batch}", GRIDWORLD, found, "steps/s", claim, peer.__lt__))
    return rows


def _recording(folder: Path, seeds: Sequence[int]) -> list[Row]:
    rows = []
    for expert, episodes in ((True, "500-step episodes"), (False, "22-step episodes")):
        costs = [measure.recording_cost(CARTPOLE, folder, 50_000, expert=expert, seed=seed) for seed in seeds]
        microseconds, size = [cost.step_us for cost in costs], [cost.step_bytes for cost in costs]
        name = f"recording, {episodes}"
        rows.append(
            _timing(
                name,
                CARTPOLE,
                microseconds,
                "µs/step",
                "at most 20 (Minari's collector: 212)",
                lambda v: v <= 20,
            )
        )
        rows.append(
            _timing(name, CARTPOLE, size, "bytes/step", "at most 100 (Minari: 768)", lambda v: v <= 100)
        )
    return rows


def _replay(folder: Path, seeds: Sequence[int]) -> list[Row]:
    rows = []
    for world in (GRIDWORLD, CARTPOLE):
        measure.recording_cost(world, folder, 50_000, expert=True, seed=90)
        path = folder / f"cost-{world.name}-True-90.h5"
        found = [measure.replay_steps_per_second(path) for _ in seeds]
        rows.append(_timing("replay, re-stepped and compared", world, found, "steps/s", "", None))
    return rows


def _opening(folder: Path, seeds: Sequence[int]) -> list[Row]:
    rows = []
    for steps in (10_000, 1_000_000):
        path = measure.long_recording(CARTPOLE, folder / f"long-{steps}.h5", steps)
        found = [measure.opening_ms(path) for _ in seeds]
        rows.append(_timing(f"open a recording of {steps:,} steps", CARTPOLE, found, "ms", "", None))
    return rows


def _latency(folder: Path, seeds: Sequence[int]) -> list[Row]:
    rows = []
    for world in (GRIDWORLD, CARTPOLE):
        found = measure.correction_latencies_ms(world, folder, 10 * len(seeds))
        claim = (
            "median at most 300 ms (from the key press to the first tick by a student that learned from it)"
        )
        rows.append(_timing("correction to behaviour", world, found, "ms", claim, lambda v: v <= 300))
        slowest = sorted(found)[int(0.95 * (len(found) - 1))]
        rows.append(
            _timing(
                "correction to behaviour, 95th percentile",
                world,
                [slowest],
                "ms",
                "at most 600 ms",
                lambda v: v <= 600,
            )
        )
    return rows


def _frames(folder: Path, seeds: Sequence[int]) -> list[Row]:
    """The window's frames while the trainer works beside it: one run of ten seconds for each seed."""
    from teleop.app.frames import frames_while_training

    rows = []
    for world in (GRIDWORLD, CARTPOLE):
        runs = [frames_while_training(world, folder, 10.0, seed) for seed in seeds]
        where = "hidden window" if runs[0].is_hidden else "window"
        slowest = [run.period_ms.percentile(99) for run in runs]
        work = [run.work_ms.percentile(99) for run in runs]
        claim = "60 frames a second: at most 16.7 ms"
        rows.append(
            _timing(
                f"frame period while training, 99 %, {where}",
                world,
                slowest,
                "ms",
                claim,
                lambda v: v <= 16.7,
            )
        )
        rows.append(_timing(f"frame work while training, 99 %, {where}", world, work, "ms", "", None))
    return rows


def _timing(
    name: str,
    world: World,
    found: Sequence[float],
    unit: str,
    claim: str,
    holds: Callable[[float], bool] | None,
) -> Row:
    middle = median(found)
    return Row(
        name,
        world.name,
        value=middle,
        value_min=min(found),
        value_max=max(found),
        unit=unit,
        seeds=len(found),
        claim=claim,
        met=None if holds is None else holds(middle),
    )


@dataclass(frozen=True)
class Run:
    """One run of a command, in a process of its own."""

    data: dict[str, Any]
    """What it printed with --json."""
    peak_mb: float


def run_command(*words: str) -> Run:
    """Run a command with --json. Raises UnderstudyError with what it said where it fails."""
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "main", *words, "--json"], stdout=subprocess.PIPE, stderr=said
        )
        assert process.stdout is not None
        printed = process.stdout.read()
        process.stdout.close()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            raise UnderstudyError(f"{' '.join(words)}: {said.read().decode(errors='replace')[-500:]}")
    return Run(json.loads(printed), usage.ru_maxrss / 1024)


@dataclass(frozen=True)
class Claim:
    """What a learner is to reach from demonstrations on GridWorld."""

    learner: str
    demonstrations: int | None
    """Of the optimal scripted expert, other ones for each seed; None: the tutorial's 10,000."""
    least: float | None
    """Median of the exact returns; None: nothing is claimed."""
    within_s: float


CLAIMS = (
    Claim("bc", None, 8.85, 5),
    Claim("bc", 1000, 9.85, 5),
    Claim("bco", 1000, 9.8, 30),
    Claim("maxent-irl", None, 9.7, 20),
    Claim("maxent-irl", 1000, 9.85, 20),
    Claim("mce-irl", None, 9.7, 20),
    Claim("mce-irl", 1000, 9.85, 20),
    Claim("gail", None, 8.8, 30),
    Claim("gail", 1000, 9.95, 40),
)


def _from_demonstrations(learner: str) -> Callable[[Path, Sequence[int]], list[Row]]:
    """The rows of one learner: what it makes of the tutorial's demonstrations, and of the optimal expert's."""

    def measured(folder: Path, seeds: Sequence[int]) -> list[Row]:
        return [_claimed(claim, folder, seeds) for claim in CLAIMS if claim.learner == learner]

    return measured


def _claimed(claim: Claim, folder: Path, seeds: Sequence[int]) -> Row:
    runs = []
    for seed in seeds:
        data, out = (
            _demonstrations(claim.demonstrations, folder, seed),
            folder / f"{claim.learner}.safetensors",
        )
        runs.append(
            run_command("train", claim.learner, "--data", str(data), "--seed", str(seed), "--out", str(out))
        )
    what = "the tutorial's 10,000" if claim.demonstrations is None else f"{claim.demonstrations:,} optimal"
    row = _returns(claim.learner, GRIDWORLD, claim.learner, f"{what} demonstrations", runs, "", None)
    if claim.least is None:
        return row
    met = row.return_median is not None and row.return_median >= claim.least
    return replace(row, claim=f"at least {claim.least:g} (learning: {claim.within_s:g} s)", met=met)


def _demonstrations(episodes: int | None, folder: Path, seed: int) -> Path:
    if episodes is None:
        return tutorial_demonstrations_path()
    path = folder / f"optimal-{episodes}-{seed}.h5"
    if not path.exists():
        words = ("record", "--driver", "scripted", "--headless", "--episodes", str(episodes))
        run_command(*words, "--seed", str(seed), "--out", str(path))
    return path


def _correction(folder: Path, seeds: Sequence[int]) -> list[Row]:
    rows = []
    for world, budget, least in ((GRIDWORLD, 2000, 9.9), (CARTPOLE, 500, 500.0)):
        runs = [_corrected(world, "scripted", budget, folder, seed) for seed in seeds]
        claim = f"at least {least:g} from at most {budget} distinct labels"
        rows.append(
            _returns("DAgger, uncertainty gate", world, "dagger", "scripted expert", runs, claim, least)
        )
    return rows


def _reward(folder: Path, seeds: Sequence[int]) -> list[Row]:
    """PPO on the world's own reward, and DAgger with what came out as the expert."""
    rows = []
    for world, least, limit_s in ((GRIDWORLD, 9.7, 120), (CARTPOLE, 500.0, 60)):
        experts = [folder / f"ppo-{world.name}-{seed}.safetensors" for seed in seeds]
        words = ("train", "ppo", "--env", world.name, "--target", str(least), "--limit-s", str(limit_s))
        runs = [
            run_command(*words, "--seed", str(seed), "--out", str(expert))
            for seed, expert in zip(seeds, experts, strict=True)
        ]
        claim = f"at least {least:g} within {limit_s} s"
        rows.append(_returns("PPO", world, "ppo", "the world's reward", runs, claim, least))
        taught = [
            _corrected(world, str(expert), 2000, folder, seed)
            for seed, expert in zip(seeds, experts, strict=True)
        ]
        rows.append(_returns("DAgger, uncertainty gate", world, "dagger", "PPO expert", taught, "", None))
    return rows


def _corrected(world: World, expert: str, budget: int, folder: Path, seed: int) -> Run:
    stem = folder / f"dagger-{world.name}-{Path(expert).stem}-{seed}"
    files = ("--out", f"{stem}.h5", "--policy", f"{stem}.safetensors", "--label-budget", str(budget))
    return run_command(
        "dagger", "--env", world.name, "--expert", expert, "--headless", "--seed", str(seed), *files
    )


def _returns(
    name: str, world: World, learner: str, data: str, runs: Sequence[Run], claim: str, least: float | None
) -> Row:
    """Median and range over seeds. A claim is met where every seed meets it."""
    returns = [run.data["return_mean"] for run in runs]
    labels = [run.data["distinct_labels"] for run in runs if "distinct_labels" in run.data]
    env_steps = [run.data["env_steps"] for run in runs if run.data.get("env_steps")]
    return Row(
        f"{name}, {data}",
        world.name,
        learner,
        data,
        return_median=median(returns),
        return_min=min(returns),
        return_max=max(returns),
        seeds=len(runs),
        seconds=median(run.data["seconds"] for run in runs),
        peak_mb=max(run.peak_mb for run in runs),
        labels=median(labels) if labels else None,
        env_steps=median(env_steps) if env_steps else None,
        claim=claim,
        met=None if least is None else min(returns) >= least,
    )


CASES = (
    *(
        Case((learner, "demonstrations", "gridworld"), _from_demonstrations(learner))
        for learner in dict.fromkeys(claim.learner for claim in CLAIMS)
    ),
    Case(("dagger", "gridworld", "cartpole"), _correction),
    Case(("ppo", "gridworld", "cartpole"), _reward),
    Case(("throughput", "gridworld", "vector"), _throughput),
    Case(("recording", "cartpole"), _recording),
    Case(("recording", "replay", "gridworld", "cartpole"), _replay),
    Case(("recording", "opening", "cartpole"), _opening),
    Case(("frames", "gridworld", "cartpole"), _frames),
    Case(("latency", "gridworld", "cartpole"), _latency),
)


def _text(rows: Sequence[Row]) -> str:
    verdicts = {None: "", True: "met", False: "MISSED"}
    cells = [
        (
            row.name,
            row.world,
            *_figures(row),
            row.seeds,
            _number(row.labels),
            _number(row.seconds),
            verdicts[row.met],
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
    return table(f"benchmark, {time.strftime('%Y-%m-%d')}", columns, cells, width=160)


def _figures(row: Row) -> tuple[str, str, str, str]:
    """Median, lowest, highest and unit of whatever the row measures."""
    if row.value is not None:
        return _number(row.value), _number(row.value_min), _number(row.value_max), row.unit
    return _number(row.return_median), _number(row.return_min), _number(row.return_max), "return"


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}" if abs(value) < 1 else f"{value:.2f}"
