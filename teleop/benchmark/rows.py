"""A row of the benchmark: what was measured, how it came out, and what it is held against."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from teleop.worlds.catalogue import World


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
    exact: bool | None = None
    """Returns are propagated through the world's table, not sampled."""
    seeds: int | None = None
    seconds: float | None = None
    """Median wall time of one run from reading its data to its last policy, without starting the program."""
    processor_seconds: float | None = None
    """Median processor time of the same: what a machine with nothing else to do would need."""
    peak_mb: float | None = None
    """Largest resident memory of any run, the program and its libraries included."""
    labels: float | None = None
    """Median of the distinct labels used."""
    env_steps: float | None = None
    """Median of the learner's own steps."""
    ceiling: float | None = None
    """Mean return of whoever demonstrated; without demonstrations the best possible."""
    floor: float | None = None
    """Mean return of actions drawn at random."""
    control: float | None = None
    """What the first seed's run comes to when it learns nothing from the demonstrations."""
    value: float | None = None
    """Median of what is measured, where that is no return."""
    value_min: float | None = None
    value_max: float | None = None
    unit: str = ""
    claim: str = ""
    """What the figure is held against."""
    met: bool | None = None
    reason: str = ""
    """Where a claim is missed, what limits it."""
    date: str = ""
    """When the last of its runs was made."""
    current: bool = True
    """Measured with the program as it is."""
    shared: bool = False
    """Some of its runs had others beside them or were made on other machines: its times are not this one's at rest."""


def timing_row(
    name: str,
    world: World,
    found: Sequence[float],
    unit: str,
    claim: str = "",
    holds: Callable[[float], bool] | None = None,
) -> Row:
    """Median and range of something that is no return."""
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


VERDICTS = {None: "", True: "met", False: "MISSED"}


def figures(row: Row) -> tuple[str, str, str, str]:
    """Median, lowest, highest and unit of whatever the row measures."""
    if row.value is not None:
        return number(row.value), number(row.value_min), number(row.value_max), row.unit
    return number(row.return_median), number(row.return_min), number(row.return_max), "return"


def marked(row: Row) -> str:
    """Its name with signs for what a reader should know of how it was measured; the page explains them."""
    return row.name + ("" if row.current else " †") + (" ‡" if row.shared else "")


def number(value: float | None) -> str:
    """As many digits as mean something to a reader."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}" if abs(value) < 1 else f"{value:.2f}"
