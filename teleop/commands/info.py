"""`info`: what a recording holds."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro
from numpy.typing import NDArray

import recordings
from recordings.contents import Labels
from recordings.reader import Reader
from recordings.schema import FORMAT_VERSION, Driver, LabelKind, Outcome
from teleop.commands.recovered import make_whole
from teleop.commands.report import Report, table

CHUNK = 1 << 20
"""Rows read at once, so that a long recording costs no memory."""


@dataclass(frozen=True)
class Info:
    """What a recording holds: world, episodes, who drove, what was labelled."""

    file: Annotated[Path, tyro.conf.Positional]
    """The recording (HDF5)."""
    seed: int | None = None
    """Not used: nothing here is random."""
    json: bool = False
    """Print one JSON object and nothing else."""

    def run(self) -> Report:
        notices = make_whole([self.file])
        with recordings.open(self.file) as reader:
            data = summary(reader) | {"recovered": notices[0] if notices else None}
        return Report(data, _text(self.file, data))


def parse(prog: str, words: list[str]) -> Info:
    return tyro.cli(Info, prog=prog, args=words)


def summary(reader: Reader) -> dict[str, Any]:
    """Counts of everything, read a slice at a time."""
    header = reader.header
    outcomes = Counter(
        Outcome(int(code)).name.lower()
        for code in reader.read("episodes", "outcome", 0, len(reader.episodes))
    )
    labels = reader.labels()
    return {
        "format_version": FORMAT_VERSION,
        "world": header.env_id,
        "episodes": len(reader.episodes),
        "steps": reader.n_steps,
        "labels": len(labels),
        "distinct_labelled_steps": len(np.unique(labels.steps)),
        "label_kinds": _named(LabelKind, labels.kinds),
        "labelers": {name: int((labels.labelers == code).sum()) for code, name in enumerate(labels.names)},
        "agreement_with_student": _agreement_with_student(reader, labels),
        "agreement_between_labelers": _agreement_between(labels),
        "drivers": _drivers(reader),
        "outcomes": dict(outcomes),
        "operator": header.operator,
        "created_utc": header.created_utc,
        "control_hz": header.control_hz,
        "versions": dict(header.versions),
    }


def _agreement_with_student(reader: Reader, labels: Labels) -> float | None:
    """Share of the labels that the student of that moment would have given too; None where there was none."""
    asked = agreed = 0
    for start in range(0, reader.n_steps, CHUNK):
        rows = (labels.steps >= start) & (labels.steps < start + CHUNK)
        steps = labels.steps[rows] - start
        valid = reader.column("student_action_valid")[start : start + CHUNK][steps]
        proposed = reader.column("student_action")[start : start + CHUNK][steps]
        asked += int(valid.sum())
        agreed += int((_same(proposed, labels.actions[rows]) & valid).sum())
    return agreed / asked if asked else None


def _agreement_between(labels: Labels) -> dict[str, float]:
    """For each two labelers, the share of the steps labelled by both on which their last labels agree."""
    found = {}
    for one, other in combinations(range(len(labels.names)), 2):
        first, second = _last_labels(labels, one), _last_labels(labels, other)
        _, at_first, at_second = np.intersect1d(first.steps, second.steps, return_indices=True)
        if len(at_first):
            same = _same(first.actions[at_first], second.actions[at_second])
            found[f"{labels.names[one]} and {labels.names[other]}"] = float(same.mean())
    return found


def _last_labels(labels: Labels, labeler: int) -> Labels:
    """One label a step: the last that this labeler gave."""
    own = labels[labels.labelers == labeler]
    _, from_the_end = np.unique(own.steps[::-1], return_index=True)
    return own[len(own) - 1 - from_the_end]


def _same(actions: NDArray[Any], others: NDArray[Any]) -> NDArray[np.bool_]:
    """(L,) where two columns of actions (L, *action shape) are equal."""
    equal: NDArray[np.bool_] = np.all(actions == others, axis=tuple(range(1, actions.ndim)))
    return equal


def _drivers(reader: Reader) -> dict[str, int]:
    steps: Counter[str] = Counter()
    column = reader.column("driver")
    for start in range(0, reader.n_steps, CHUNK):
        steps.update(_named(Driver, column[start : start + CHUNK]))
    return dict(steps)


def _named(names: type[Driver] | type[LabelKind], codes: Any) -> dict[str, int]:
    values, counts = np.unique(np.asarray(codes), return_counts=True)
    return {names(int(value)).name.lower(): int(count) for value, count in zip(values, counts, strict=True)}


def _text(path: Path, data: dict[str, Any]) -> str:
    counts = {
        key: ", ".join(f"{name} {n}" for name, n in data[key].items()) or "none"
        for key in ("drivers", "outcomes", "label_kinds", "labelers")
    }
    rows = [
        ("world", data["world"]),
        ("created", data["created_utc"]),
        ("operator", data["operator"] or "not given"),
        ("control rate", f"{data['control_hz']:g} Hz"),
        ("episodes", data["episodes"]),
        ("  by outcome", counts["outcomes"]),
        ("steps", data["steps"]),
        ("  by driver", counts["drivers"]),
        ("labels", data["labels"]),
        ("  by occasion", counts["label_kinds"]),
        ("  by labeler", counts["labelers"]),
        ("agreement with the student", _percent(data["agreement_with_student"])),
        *(
            (f"agreement of {pair}", _percent(share))
            for pair, share in data["agreement_between_labelers"].items()
        ),
        ("recovered", data["recovered"] or "no, it was closed properly"),
    ]
    return table(str(path), ("", ""), rows)


def _percent(share: float | None) -> str:
    return "nobody to compare" if share is None else f"{100 * share:.1f} %"
