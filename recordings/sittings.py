"""The sittings of a recording, and whose each episode is: continuing a file begins another one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from recordings.errors import DamagedRecording
from recordings.reader import Reader

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Sitting:
    """One row of /sessions, and the stretch of the recording that is of it."""

    operator: str
    """Who sat at the keyboard; "" where nobody was named."""
    created_utc: str
    episodes: range
    steps: range


def sittings(reader: Reader) -> list[Sitting]:
    """In the order in which they began; each episode and each step is of one. Raises DamagedRecording."""
    rows = reader.sessions()
    header = reader.header
    if not rows or rows[0]["first_episode"] > 0:
        first = {"operator": header.operator, "created_utc": header.created_utc}
        rows.insert(0, {**first, "first_episode": 0, "first_step": 0})
    episodes = _starts(reader, "first_episode", [row["first_episode"] for row in rows], reader.n_episodes)
    steps = _starts(reader, "first_step", [row["first_step"] for row in rows], reader.n_steps)
    return [
        Sitting(
            str(row["operator"]),
            str(row["created_utc"]),
            range(episodes[index], episodes[index + 1]),
            range(steps[index], steps[index + 1]),
        )
        for index, row in enumerate(rows)
    ]


def sitting_of(starts: IntArray, rows: IntArray) -> IntArray:
    """(n,) the sitting of each row: the last that begins at or before it. starts: (S,) ascending."""
    return np.searchsorted(starts, rows, side="right") - 1


def _starts(reader: Reader, column: str, starts: list[int], end: int) -> list[int]:
    """The starts and the end, none beyond it: of a file that is being written rows may not be complete yet."""
    wrong = [row for row, start in enumerate(starts) if start < (starts[row - 1] if row else 0)]
    if wrong or (starts[-1] > end and not reader.live):
        row = wrong[0] if wrong else len(starts) - 1
        raise DamagedRecording(
            f"{reader.path}: /sessions/{column}: row {row}: expected sittings that follow one another within {end}, "
            f"found {starts[row]}. The file is damaged; restore it from a copy."
        )
    return [0, *(min(start, end) for start in starts[1:]), end]
