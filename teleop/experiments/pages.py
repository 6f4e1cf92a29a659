"""An experiment as a page in Markdown with its pictures, and the index of everything that the sources asked for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from teleop.benchmark.page import machine, markdown_table
from teleop.benchmark.rows import number
from teleop.experiments.experiment import Experiment, Findings, Item, Part, Picture, Table
from teleop.plots import look

WIDTH_PX = 1600
INDEX = "README.md"
INDEX_HEAD = """# What the sources asked for, and what we found

Made by `understudy reproduce all --out docs/experiments` from its own measurements; do not edit by hand. Every row
is one thing that a source describes; its figure is the source's own, ours is what the command beside it found.
"""
ELSEWHERE = (
    (
        "002",
        "Relabelling is even more expensive than demonstrating",
        "a simulated person teaches through the live session, six ways",
        "–",
        "labels and person-seconds of each: docs/teaching.md",
        "`benchmark --only teaching`",
    ),
)
"""What was asked for and is measured by another command."""


def write_page(
    experiment: Experiment, findings: Findings, dates: Sequence[str], folder: Path, *, current: bool
) -> Path:
    """The page and its pictures, in `folder`; returns the page. current: measured with the program as it is."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = experiment.page(findings)
    for part in parts:
        if isinstance(part, Picture):
            _save(part, folder / _picture_name(experiment, part))
    path = folder / f"{experiment.name}.md"
    body = "\n\n".join(_markdown(experiment, part).rstrip() for part in parts)
    path.write_text(f"{_head(experiment, findings, dates, current)}\n{body}\n", encoding="utf-8")
    return path


def index_page(known: Sequence[tuple[Experiment, Findings]]) -> str:
    """Every item of every source, in Markdown. known: the experiments whose cells are all done."""
    rows = [
        (
            item.source,
            item.asked,
            item.ran,
            item.its_figure,
            item.ours,
            f"[`reproduce {experiment.name}`]({experiment.name}.md)",
        )
        for experiment, findings in known
        for item in experiment.items(findings)
    ]
    times = [
        (f"[{experiment.name}]({experiment.name}.md)", experiment.title, *_minutes([findings]))
        for experiment, findings in known
    ]
    times.append(("together", "", *_minutes([findings for _, findings in known])))
    columns = ("source", "asked or reported", "what we ran", "its figure", "ours", "command")
    return "\n".join(
        (
            INDEX_HEAD,
            markdown_table(columns, sorted([*rows, *ELSEWHERE], key=lambda row: row[0])),
            "## How long each takes\n",
            markdown_table(
                ("experiment", "", "minutes, one cell after the other", "of the processor"), times
            ),
        )
    )


def _minutes(found: Sequence[Findings]) -> tuple[str, str]:
    """Of the clock, and of the processor."""
    clock = sum(findings.seconds for findings in found)
    return number(clock / 60), number(sum(findings.processor_seconds for findings in found) / 60)


def tables(experiment: Experiment, findings: Findings) -> list[Table]:
    return [part for part in experiment.page(findings) if isinstance(part, Table)]


def table_as_json(table: Table) -> dict[str, Any]:
    return {"title": table.title, "columns": list(table.columns), "rows": [list(row) for row in table.rows]}


def items_as_json(items: Sequence[Item]) -> list[dict[str, str]]:
    return [vars(item) for item in items]


def shown(cell: Any) -> str:
    """A cell of a table for people."""
    return number(cell) if isinstance(cell, float) or cell is None else str(cell)


def _head(experiment: Experiment, findings: Findings, dates: Sequence[str], current: bool) -> str:
    stale = "" if current else "Some of it was measured with an earlier state of the program.\n"
    return (
        f"# {experiment.title}\n\n{experiment.question}\n\n"
        f"`understudy reproduce {experiment.name}`, {len(findings.pairs)} cells, "
        f"{number(findings.seconds / 60)} minutes one after the other. {machine(dates)}{stale}"
    )


def _markdown(experiment: Experiment, part: Part) -> str:
    match part:
        case Table():
            rows = [[shown(cell) for cell in row] for row in part.rows]
            remark = f"\n{part.remark}\n" if part.remark else ""
            return f"## {part.title}\n\n{markdown_table(part.columns, rows)}{remark}"
        case Picture():
            return f"![{part.caption}]({_picture_name(experiment, part)})\n\n{part.caption}\n"
        case _:
            return part


def _picture_name(experiment: Experiment, picture: Picture) -> str:
    return f"{experiment.name}-{picture.name}.png"


def _save(picture: Picture, path: Path) -> None:
    with matplotlib.rc_context(look.STYLE):
        figure = Figure(figsize=picture.size_in, layout="constrained")
        picture.draw(figure)
        figure.savefig(path, format="png", dpi=WIDTH_PX / picture.size_in[0], metadata={"Software": None})
