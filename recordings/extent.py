"""How many rows of a recording are complete: columns differ in length by what was in flight.

The last episode says which steps there must be. A recorder that flushes while the lengths are read makes them
disagree; they are read again until they do not.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from recordings.contents import Array
from recordings.errors import DamagedRecording
from recordings.schema import Outcome, Table

_TRIES = 200
_PAUSE_S = 0.001

Read = Callable[[str, str, int, int], Array]
"""table, column, start, stop -> those rows."""


def complete_rows(
    path: Path, tables: Mapping[str, Table], datasets: Mapping[str, Any], read: Read, *, live: bool
) -> dict[str, int]:
    """Complete rows of every table. live: a recorder may be writing. Raises DamagedRecording."""
    for attempt in range(_TRIES if live else 1):
        if attempt:
            time.sleep(_PAUSE_S)
        if live:
            for name in sorted(datasets, key=_refresh_order):
                datasets[name].refresh()
        lengths = {name: _column_lengths(table, datasets) for name, table in tables.items()}
        seen = lengths["steps"].pop("observation")
        rows = {name: min(columns.values()) for name, columns in lengths.items()}
        acted = rows["steps"]
        episode = _last_episode(rows["episodes"], read)
        if live and episode is not None and episode[2] == Outcome.RUNNING and seen <= episode[0]:
            rows["episodes"] -= 1  # its row came to the disk, its first observation not yet
            episode = _last_episode(rows["episodes"], read)
        if episode is None:
            return rows | {"steps": 0}
        start, length, outcome = episode
        is_running = outcome == Outcome.RUNNING
        n_steps = max(start, min(acted, seen - 1)) if is_running else start + length
        if 0 <= start <= n_steps <= acted and n_steps < seen + (not is_running):
            return rows | {"steps": n_steps}
    raise DamagedRecording(
        f"{path}: /episodes: the last episode starts at {start} and ends at {n_steps}, but "
        f"/steps has {acted} rows. The file is damaged; restore it from a copy."
    )


def _refresh_order(dataset: str) -> int:
    """What names rows of other tables is looked at before them, so that what it names is there."""
    return {"edits": 0, "labels": 1}.get(dataset.partition("/")[0], 2)


def _column_lengths(table: Table, datasets: Mapping[str, Any]) -> dict[str, int]:
    return {column.name: int(datasets[f"{table.name}/{column.name}"].shape[0]) for column in table.columns}


def _last_episode(n_episodes: int, read: Read) -> tuple[int, int, int] | None:
    """Start, length and outcome of the last of so many episodes."""
    if n_episodes == 0:
        return None
    row = n_episodes - 1
    start, length, outcome = (
        int(read("episodes", name, row, row + 1)[0]) for name in ("start", "length", "outcome")
    )
    return start, length, outcome
