"""Whether two recordings hold the same: every table, column and row; who recorded them and when aside.

Texts are compared by what they say, not by where they lie; labelers by their names.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

import recordings
from recordings.reader import Reader
from recordings.schema import Table, tables

ROWS_AT_ONCE = 1 << 14
_TEXTS = frozenset({("episodes", "options"), ("edits", "note")})
"""Columns of places in /text."""


@dataclass(frozen=True)
class Difference:
    """The first place where two recordings differ."""

    table: str
    column: str
    """"rows" where one of them has more."""
    row: int
    one: Any
    other: Any

    def __str__(self) -> str:
        return f"/{self.table}/{self.column}, row {self.row}: {self.one} and {self.other}"


def first_difference(
    one: str | os.PathLike[str], other: str | os.PathLike[str], *, common: bool = False
) -> Difference | None:
    """The first difference between two recordings of one world, or None.

    common: compare what both hold, but not the last episode's row; for a recording whose end is missing.
    Raises what `recordings.open` raises.
    """
    with recordings.open(one) as first, recordings.open(other) as second:
        for table in tables(first.header):
            if table.name not in ("sessions", "labelers"):
                found = _of_table(first, second, table, common)
                if found is not None:
                    return found
        return None


def _of_table(one: Reader, other: Reader, table: Table, common: bool) -> Difference | None:
    counts = one.row_counts()[table.name], other.row_counts()[table.name]
    rows = min(counts)
    if common and table.name == "episodes":
        rows = max(0, rows - 1)
    for start in range(0, rows, ROWS_AT_ONCE):
        stop = min(rows, start + ROWS_AT_ONCE)
        for column in table.columns:
            parts = [_read(each, table.name, column.name, start, stop) for each in (one, other)]
            row = _first_unequal(*parts)
            if row is not None:
                return Difference(table.name, column.name, start + row, parts[0][row], parts[1][row])
    return None if common else _of_counts(table.name, counts)


def _read(reader: Reader, table: str, column: str, start: int, stop: int) -> npt.NDArray[Any]:
    """Rows of a column; what is a place elsewhere is looked up there."""
    values = reader.read(table, column, start, stop)
    if (table, column) in _TEXTS:
        return np.array([reader.text(at) if at >= 0 else None for at in values.tolist()], object)
    if (table, column) == ("labels", "labeler"):
        return np.array([reader.labelers[code] for code in values.tolist()], object)
    return values


def _of_counts(table: str, counts: tuple[int, int]) -> Difference | None:
    return None if counts[0] == counts[1] else Difference(table, "rows", min(counts), *counts)


def _first_unequal(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> int | None:
    """The first row in which two arrays of equal length differ; two nan are the same."""
    if one.shape != other.shape or one.dtype != other.dtype:
        return 0
    same = one == other
    if one.dtype.kind == "f":
        same |= np.isnan(one) & np.isnan(other)
    by_row = same.reshape(len(same), -1).all(1)
    return None if by_row.all() else int(np.argmin(by_row))
