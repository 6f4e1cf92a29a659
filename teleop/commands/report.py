"""What a command hands back: data for `--json`, text for people, and an exit status."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from teleop.plain_text import plain


@dataclass(frozen=True)
class Report:
    data: Mapping[str, Any]
    """One JSON object; the keys are part of the contract."""
    text: str = ""
    """The same for a person."""
    status: int = 0
    """0 done, 1 failed."""


def progress_console() -> Console:
    """Where progress goes: standard error, so that standard output stays machine-readable."""
    return Console(stderr=True, highlight=False)


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], *, width: int = 110) -> str:
    """A table as text, at most `width` characters wide; numbers to the right. Cells are shown as they are."""
    sheet = Table(
        title=Text(plain(title)), title_justify="left", box=box.SIMPLE_HEAD, show_header=any(columns)
    )
    for index, column in enumerate(columns):
        is_number = all(isinstance(row[index], int | float | None) for row in rows)
        sheet.add_column(column, justify="right" if is_number else "left")
    for row in rows:
        sheet.add_row(*(Text(plain(_shown(cell))) for cell in row))
    console = Console(file=io.StringIO(), width=width, highlight=False)
    console.print(sheet)
    return str(console.file.getvalue()).rstrip()  # type: ignore[attr-defined]


def _shown(cell: Any) -> str:
    if cell is None:
        return "–"
    return (
        f"{cell:.3g}"
        if isinstance(cell, float) and abs(cell) < 0.01
        else f"{cell:.2f}"
        if isinstance(cell, float)
        else str(cell)
    )
