"""The benchmark as a page: what was measured, on what machine, which claims hold, which do not and why."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path

from teleop.benchmark.rows import VERDICTS, Row, figures, marked, number
from teleop.worlds.catalogue import WORLDS

LIBRARIES = ("torch", "numpy", "scipy", "gymnasium", "h5py", "cmaes")

HEAD = """# Benchmark

Made by `understudy benchmark --page docs/benchmark.md` from its own measurements; do not edit by hand.
"""

LEGEND = """Return: median (lowest–highest) over the seeds; exact where the world is a table, else 100 episodes a seed.
Expert: the mean return of whoever demonstrated, or, without demonstrations, the best possible. Random: actions
drawn at random. Control: the first seed's run again, learning nothing from the demonstrations. Seconds: median wall
time from reading the data to the last policy, and in brackets the processor's, which is what a machine with nothing
else to do would need. MB: the most that any run held, the program and its libraries included.
"""

STALE = "† measured with an earlier state of the program."
SHARED = "‡ measured beside other runs or on other machines: its times are not those of this machine at rest."


def as_page(rows: Sequence[Row]) -> str:
    """The page in Markdown."""
    learned = [row for row in rows if row.learner]
    parts = [HEAD, machine([row.date for row in rows]), _tally(rows), LEGEND]
    for world in WORLDS:
        here = [row for row in learned if row.world == world.name]
        if here:
            parts.append(f"## {world.title}\n\n{_learned(here)}")
    timed = [row for row in rows if not row.learner]
    if timed:
        parts.append(f"## Speed, cost, latency\n\n{_timed(timed)}")
    if not all(row.current for row in rows):
        parts.append(STALE + "\n")
    if any(row.shared for row in rows):
        parts.append(SHARED + "\n")
    return "\n".join(parts)


def machine(dates: Sequence[str]) -> str:
    """When and on what it was measured, in a sentence. dates: of the measurements, empty ones left out."""
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    known = sorted({date for date in dates if date})
    when = " to ".join(dict.fromkeys((known[0], known[-1]))) if known else "never"
    return (
        f"Measured {when} on {os.cpu_count()} cores ({_processor()}), {platform.system()}, one thread a learner; "
        f"Python {platform.python_version()}, {libraries}.\n"
    )


def _processor() -> str:
    """The processor's name, where the system tells it."""
    told = Path("/proc/cpuinfo")
    lines = told.read_text().splitlines() if told.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine() or sys.platform)


def _tally(rows: Sequence[Row]) -> str:
    judged = [row for row in rows if row.met is not None]
    met = sum(row.met is True for row in judged)
    return f"{met} of {len(judged)} claims hold.\n"


def _learned(rows: Sequence[Row]) -> str:
    columns = (
        *("learner", "from", "return", "seeds", "expert", "random", "control"),
        *("seconds", "MB", "labels", "own steps", "claim", ""),
    )
    cells = [
        (
            marked(row),
            row.data,
            f"{_return(row.return_median)} ({_return(row.return_min)}–{_return(row.return_max)})",
            str(row.seeds),
            _return(row.ceiling),
            _return(row.floor),
            "" if row.control is None else _return(row.control),
            f"{number(row.seconds)} ({number(row.processor_seconds)})",
            "" if row.peak_mb is None else f"{row.peak_mb:,.0f}",
            "" if row.labels is None else f"{row.labels:,.0f}",
            "" if row.env_steps is None else f"{row.env_steps:,.0f}",
            row.claim,
            VERDICTS[row.met],
        )
        for row in rows
    ]
    return markdown_table(columns, cells) + _reasons(rows)


def _return(value: float | None) -> str:
    if value is None:
        return "–"
    digits = 1 if abs(value) >= 100 else 2 if abs(value) >= 1 else 3
    return f"{value:,.{digits}f}"


def _reasons(rows: Iterable[Row]) -> str:
    missed = [f"- {row.name}, {row.data}: {row.reason}" for row in rows if row.reason]
    return "\nMissed, and why:\n\n" + "\n".join(missed) + "\n" if missed else ""


def _timed(rows: Sequence[Row]) -> str:
    cells = []
    for row in rows:
        middle, lowest, highest, unit = figures(row)
        cells.append(
            (marked(row), row.world, f"{middle} ({lowest}–{highest})", unit, row.claim, VERDICTS[row.met])
        )
    return markdown_table(("what", "world", "median (range)", "unit", "claim", ""), cells)


def markdown_table(columns: Sequence[str], cells: Sequence[Sequence[str]]) -> str:
    """Columns and rows as Markdown has them."""
    lines = [columns, ["---"] * len(columns), *cells]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"
