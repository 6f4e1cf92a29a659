"""Rows of a table, read ahead a stretch at a time: many short episodes cost one read, a long one little memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from recordings import schema
from recordings.reader import Reader

_WINDOW_BYTES = 1 << 22
MOST_ROWS = 1 << 16

Array = npt.NDArray[Any]


class Window:
    """Some columns of one table; at most `rows` rows of them are in memory."""

    def __init__(
        self, reader: Reader, table: str, columns: Sequence[str], most_rows: int = MOST_ROWS
    ) -> None:
        known = {column.name: column for column in schema.table(table, reader.header).columns}
        self._columns = {name: known[name] for name in columns}
        row_bytes = max(1, sum(column.entry_bytes for column in self._columns.values()))
        self.rows = max(1, min(most_rows, _WINDOW_BYTES // row_bytes))
        self._reader, self._table = reader, table
        self._n = reader.row_counts()[table]
        self._start = self._stop = 0
        self._held: dict[str, Array] = {}

    def dtype(self, column: str) -> np.dtype[Any]:
        return self._columns[column].dtype

    def between(self, start: int, stop: int) -> dict[str, Array]:
        """Rows `start` to `stop`, at most `rows` of them, by column."""
        if not (self._held and self._start <= start and stop <= self._stop):
            self._start, self._stop = start, max(stop, min(start + self.rows, self._n))
            self._held = {
                name: self._reader.read(self._table, name, self._start, self._stop) for name in self._columns
            }
        return {name: rows[start - self._start : stop - self._start] for name, rows in self._held.items()}
