"""Which acts of curation a recording can hold: what their rows of /edits may say."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from recordings.errors import InvalidRow
from recordings.schema import EditKind, Outcome

LOST = -1
"""The value of a WITHDRAW whose label a crash took with it."""


def values_of(kind: int, *, n_edits: int, n_labels: int) -> range:
    """What an act's `value` may be, with so many acts and labels before it."""
    match kind:
        case EditKind.UNDO:
            return range(n_edits)
        case EditKind.WITHDRAW:
            return range(n_labels)
        case EditKind.JUDGE:
            return range(Outcome.SUCCESS, max(Outcome) + 1)
    return range(-(2**63), 2**63)


def require_sound(
    path: Path, kind: int, episode: int, start: int, stop: int, value: int, rows: Mapping[str, int]
) -> None:
    """Raises InvalidRow unless the act can follow what is there: `rows` of each table."""
    name = EditKind(kind).name
    if not 0 <= episode < rows["episodes"] or start < 0 or (stop != -1 and stop < start):
        raise InvalidRow(
            f"{path}: edit: {name}: expected an episode below {rows['episodes']} and 0 <= start <= stop (or stop "
            f"-1), found episode {episode}, start {start}, stop {stop}."
        )
    allowed = values_of(kind, n_edits=rows["edits"], n_labels=rows["labels"])
    if int(value) not in allowed:
        raise InvalidRow(
            f"{path}: edit: {name}: value: expected {allowed.start} to {allowed.stop - 1}, found {value}."
        )
