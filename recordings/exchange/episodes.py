"""One episode on its way from a recording to another format, or back.

What a format has no words for (who drove, labels, acts of curation, ...) travels as `own`: a few named arrays, and
`about`, a JSON text. A format that has room for named arrays beside an episode's own loses nothing.

Reading order: `EpisodeTables`, then `taken_out`; `recordings.exchange.importer` brings them in again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from recordings.contents import Edit, Episode, Labels
from recordings.errors import RecordingError, UnreadableSource
from recordings.reader import Reader
from recordings.schema import Header, Outcome

Array = npt.NDArray[Any]

OF_STEPS = ("driver", "student_action", "student_action_valid", "student_version", "time_ns", "keys")
"""Columns of /steps for which other formats have no place."""
OF_LABELS = ("step", "action", "kind", "time_ns")
"""Columns of /labels; a step is counted from its episode's first."""
ABOUT = "about"
_LONGEST_JSON = 1 << 24


@dataclass(frozen=True)
class EpisodeTables:
    """An episode of T steps; observations and actions in the form in which a recording stores them."""

    observations: Array
    """(T + 1, *O)"""
    actions: Array
    """(T, *A)"""
    rewards: Array
    """(T,)"""
    terminated: Array
    """(T,)"""
    truncated: Array
    """(T,)"""
    seed: int = -1
    options: Mapping[str, Any] | None = None
    own: Mapping[str, Array] = field(default_factory=dict)
    """Steps' columns (T, ...), labels' as `label_step` and so on (L, ...), `label_row` (L,)."""
    about: Mapping[str, Any] = field(default_factory=dict)
    """JSON: the rest; empty where the episode is not from a recording."""


def taken_out(reader: Reader) -> Iterator[EpisodeTables]:
    """Every episode that does not run any more, one at a time; labels and acts are in memory."""
    labels = reader.labels()
    order = np.argsort(labels.steps, kind="stable")
    in_order = labels.steps[order]
    edits: dict[int, list[Edit]] = {}
    for edit in reader.curation.edits:
        edits.setdefault(edit.episode, []).append(edit)
    sittings = reader.sessions()
    firsts = [each["first_episode"] for each in sittings]
    for episode in reader.episodes:
        if episode.recorded_outcome is not Outcome.RUNNING:
            mine = np.sort(order[slice(*np.searchsorted(in_order, (episode.start, episode.stop)))])
            sitting = int(np.searchsorted(firsts, episode.index, side="right")) - 1
            about = _about(episode, edits.get(episode.index, []))
            about["session"] = sittings[sitting] if sitting >= 0 else None
            yield _tables(episode, labels[mine], about)


def _tables(episode: Episode, labels: Labels, about: dict[str, Any]) -> EpisodeTables:
    reader = episode._reader
    own = {name: reader.read("steps", name, episode.start, episode.stop) for name in OF_STEPS}
    own |= {
        "label_row": labels.rows,
        "label_step": labels.steps - episode.start,
        "label_action": labels.actions,
        "label_kind": labels.kinds,
        "label_time_ns": labels.time_ns,
    }
    about["labelers"] = [labels.names[code] for code in labels.labelers.tolist()]
    return EpisodeTables(
        observations=episode.observations,
        actions=episode.actions,
        rewards=episode.rewards,
        terminated=episode.terminated,
        truncated=episode.truncated,
        seed=episode.seed,
        options=episode.options,
        own=own,
        about=about,
    )


def _about(episode: Episode, edits: list[Edit]) -> dict[str, Any]:
    return {
        "episode": episode.index,
        "parent": episode.parent,
        "branch_step": episode.branch_step,
        "outcome": int(episode.recorded_outcome),
        "edits": [
            [each.row, int(each.kind), each.start, each.stop, each.value, each.note, each.time_ns]
            for each in edits
        ],
    }


def about_as_json(episode: EpisodeTables) -> str:
    return json.dumps(dict(episode.about))


def about_from_json(text: str | bytes, source: Path, number: int) -> dict[str, Any]:
    """Raises UnreadableSource for what is no JSON object, or too long to be one."""
    found = None
    if len(text) <= _LONGEST_JSON:
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            found = None
    if not isinstance(found, dict):
        raise UnreadableSource(
            f"{source}: episode {number}: {ABOUT}: expected a JSON object, found {str(text[:60])!r}. The source is "
            "damaged; nothing was written."
        )
    return found


def header_as_json(header: Header) -> str:
    return json.dumps(header.to_attributes())


def header_from_json(text: Any, source: Path) -> Header:
    """What `header_as_json` wrote. Raises UnreadableSource."""
    try:
        attributes = json.loads(text)
    except (TypeError, ValueError, RecursionError):
        attributes = None
    if not isinstance(attributes, dict):
        raise UnreadableSource(
            f"{source}: header: expected a JSON object, found {str(text)[:60]!r}. The source is damaged; nothing was "
            "written."
        )
    return header_from_attributes(attributes, source)


def header_from_attributes(attributes: Mapping[str, Any], source: Path) -> Header:
    """What `Header.to_attributes` gave. Raises UnreadableSource."""
    try:
        return Header.from_attributes(attributes, str(source))
    except RecordingError as error:
        raise UnreadableSource(str(error)) from error
