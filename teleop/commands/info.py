"""`info`: what a recording holds."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro

import recordings
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
        "drivers": _drivers(reader),
        "outcomes": dict(outcomes),
        "operator": header.operator,
        "created_utc": header.created_utc,
        "control_hz": header.control_hz,
        "versions": dict(header.versions),
    }


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
        for key in ("drivers", "outcomes", "label_kinds")
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
        ("recovered", data["recovered"] or "no, it was closed properly"),
    ]
    return table(str(path), ("", ""), rows)
