"""Whether two recordings hold the same: every table, column and row; who recorded them and when aside."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

import recordings
from recordings.reader import Reader
from recordings.schema import TEXT, Table, tables

ROWS_AT_ONCE = 1 << 14


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
            if table.name != "sessions":
                found = _of_table(first, second, table, common)
                if found is not None:
                    return found
        return _of_text(first, second, common)


def _of_table(one: Reader, other: Reader, table: Table, common: bool) -> Difference | None:
    counts = one.row_counts()[table.name], other.row_counts()[table.name]
    rows = min(counts)
    if common and table.name == "episodes":
        rows = max(0, rows - 1)
    for start in range(0, rows, ROWS_AT_ONCE):
        stop = min(rows, start + ROWS_AT_ONCE)
        for column in table.columns:
            parts = [each.read(table.name, column.name, start, stop) for each in (one, other)]
            row = _first_unequal(*parts)
            if row is not None:
                return Difference(table.name, column.name, start + row, parts[0][row], parts[1][row])
    return None if common else _of_counts(table.name, counts)


def _of_text(one: Reader, other: Reader, common: bool) -> Difference | None:
    counts = one.text_bytes, other.text_bytes
    texts = [each.read_text(0, min(counts)) for each in (one, other)]
    if texts[0] != texts[1]:
        at = next(i for i, (a, b) in enumerate(zip(*texts, strict=True)) if a != b)
        return Difference(TEXT.name, "bytes", at, texts[0][at], texts[1][at])
    return None if common else _of_counts(TEXT.name, counts)


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
