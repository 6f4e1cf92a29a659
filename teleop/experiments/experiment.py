"""What an experiment is: cells of work that do not depend on one another, and a page about what they found.

Reading order: Cell, Findings, the parts of a page (Table, Picture, Item), Experiment.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from teleop.sweeps.made_once import made_once as made_once

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Found = Mapping[str, Any]
"""What a cell found: plain JSON values."""
Work = Callable[..., Found]
"""A module's function (folder, **arguments) -> Found. The folder keeps what several need (`made_once`)."""


@dataclass(frozen=True)
class Cell:
    """One piece of work: the same wherever and whenever it is done, so that once is enough."""

    work: Work
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """Plain JSON values; a seed among them, where chance has a part."""

    @property
    def key(self) -> str:
        """What the cell is, in one line."""
        return f"{self.work.__name__} {json.dumps(dict(self.arguments), sort_keys=True)}"

    def do(self, folder: Path) -> Found:
        """What it finds, and what it took: `seconds` of wall time, `processor_seconds`."""
        began_s, processor_s = time.perf_counter(), time.process_time()
        found = self.work(folder, **self.arguments)
        return {
            **found,
            "seconds": time.perf_counter() - began_s,
            "processor_seconds": time.process_time() - processor_s,
        }


class Findings:
    """What the cells of an experiment found."""

    def __init__(self, pairs: Sequence[tuple[Cell, Found]]) -> None:
        self.pairs = tuple(pairs)

    def of(self, work: Work, **arguments: Any) -> list[Found]:
        """Of every cell that does this work with (at least) these arguments, in the order of the cells."""
        return [
            found
            for cell, found in self.pairs
            if cell.work is work
            and all(cell.arguments.get(name) == value for name, value in arguments.items())
        ]

    def values(self, name: str, work: Work, **arguments: Any) -> list[float]:
        """One figure of each of them."""
        return [float(found[name]) for found in self.of(work, **arguments)]

    @property
    def seconds(self) -> float:
        """Wall time of all cells, one after the other."""
        return sum(float(found["seconds"]) for _, found in self.pairs)

    @property
    def processor_seconds(self) -> float:
        """The processor's time of all cells, which other work beside them does not lengthen."""
        return sum(float(found["processor_seconds"]) for _, found in self.pairs)


@dataclass(frozen=True)
class Table:
    """Rows under a heading."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    remark: str = ""
    """Under it: how to read it."""


@dataclass(frozen=True)
class Picture:
    """A figure with a caption."""

    name: str
    """Of its file, after the experiment's own."""
    caption: str
    draw: Callable[[Figure], None]
    size_in: tuple[float, float] = (8.0, 3.6)


Part = str | Table | Picture
"""Of a page: a paragraph or several, a table, a picture. Every figure in them is computed from the findings."""


@dataclass(frozen=True)
class Item:
    """One thing that a source asked for, or reported."""

    source: str
    """Its leading number: "002"."""
    asked: str
    ran: str
    its_figure: str
    """As the source has it; "–" where it has none."""
    ours: str


@dataclass(frozen=True)
class Experiment:
    """One experiment of a source, rebuilt."""

    name: str
    title: str
    sources: tuple[str, ...]
    """Leading numbers of the documents it comes from."""
    question: str
    """What it answers, in a sentence or two."""
    cells: Callable[[range], Sequence[Cell]]
    """The grid, for these seeds."""
    page: Callable[[Findings], Sequence[Part]]
    items: Callable[[Findings], Sequence[Item]]
    seeds: int = 5
    """How many, where nobody says otherwise."""
    needs: tuple[str, ...] = ()
    """Modules of extras without which it cannot run: "mujoco"."""
