"""`info`: what a recording holds, who drove and labelled it, who agrees with whom, and what counts after curation."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import gymnasium as gym
import numpy as np
import tyro

import recordings
from recordings import agreement
from recordings.agreement import Pair, Share
from recordings.contents import Labels
from recordings.curation import tally
from recordings.driving import Driving, driving
from recordings.reader import Reader
from recordings.schema import FORMAT_VERSION, LabelKind, by_name
from teleop.commands.recovered import make_whole
from teleop.commands.report import Report, table

PAUSE_S = 60.0
"""Between two labels; whoever gives none for longer does something else."""
_BRANCHES_SHOWN = 6


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
    """Counts of everything, read a slice at a time. Withdrawn labels are counted, and agree with nobody."""
    header = reader.header
    return {
        "format_version": FORMAT_VERSION,
        "world": header.env_id,
        "episodes": len(reader.episodes),
        "steps": reader.n_steps,
        **_of_labels(reader),
        **_of_driving(driving(reader)),
        **asdict(tally(reader)),
        "outcomes": dict(Counter(each.outcome.name.lower() for each in reader.episodes)),
        "branches": _branches(reader),
        "operator": header.operator,
        "created_utc": header.created_utc,
        "control_hz": header.control_hz,
        "versions": dict(header.versions),
    }


def _of_labels(reader: Reader) -> dict[str, Any]:
    given = reader.labels()
    labels = reader.curation.holding(given)
    is_choice = isinstance(reader.header.action_space, gym.spaces.Discrete)
    pairs = list(agreement.between_labelers(labels, is_choice=is_choice))
    student = agreement.with_student(reader, labels)
    together = Share(sum(each.same for each in student.values()), sum(each.of for each in student.values()))
    return {
        "labels": len(given),
        "distinct_labelled_steps": len(np.unique(labels.steps)),
        "label_kinds": by_name(given.kinds, LabelKind),
        "labelers": {name: int((given.labelers == code).sum()) for code, name in enumerate(given.names)},
        "labels_per_minute": _rates(given),
        "agreement_with_student": together.value,
        "agreement_with_student_by_labeler": {
            name: _counts(each) for name, each in student.items() if each.of
        },
        "agreement_between_labelers": {f"{each.one} and {each.other}": each.equal.value for each in pairs},
        "labelers_compared": [_compared(each) for each in pairs],
        "self_agreement": {
            name: _counts(each) for name, each in agreement.with_oneself(labels, LabelKind.REASKED).items()
        },
    }


def _counts(share: Share) -> dict[str, Any]:
    return {"same": share.same, "of": share.of, "share": share.value}


def _compared(pair: Pair) -> dict[str, Any]:
    return {
        "labelers": [pair.one, pair.other],
        "steps": pair.equal.of,
        "equal": pair.equal.value,
        "kappa": pair.kappa,
        "distance": pair.distance,
    }


def _rates(labels: Labels) -> dict[str, float | None]:
    """Labels a minute of each labeler while labelling: longer pauses are left out. None: too few, or without times."""
    found: dict[str, float | None] = {}
    for code, name in enumerate(labels.names):
        gaps_s = np.diff(labels.time_ns[labels.labelers == code]) / 1e9
        gaps_s = gaps_s[(gaps_s >= 0) & (gaps_s <= PAUSE_S)]
        found[name] = 60 * len(gaps_s) / float(gaps_s.sum()) if gaps_s.sum() > 0 else None
    return found


def _of_driving(found: Driving) -> dict[str, Any]:
    return {
        "drivers": dict(found.steps),
        "takeovers": found.takeovers,
        "takeover_length": found.takeover_length,
        "autonomous": found.autonomous,
    }


def _branches(reader: Reader) -> list[dict[str, int]]:
    parents, steps = (
        reader.read("episodes", name, 0, reader.n_episodes) for name in ("parent", "branch_step")
    )
    return [
        {"episode": index, "parent": int(parents[index]), "step": int(steps[index])}
        for index in np.flatnonzero(parents >= 0).tolist()
    ]


def _text(path: Path, data: dict[str, Any]) -> str:
    rows = [
        ("world", data["world"]),
        ("created", data["created_utc"]),
        ("operator", data["operator"] or "not given"),
        ("control rate", f"{data['control_hz']:g} Hz"),
        ("episodes", data["episodes"]),
        ("  by outcome", _listed(data["outcomes"])),
        ("  branches", _branches_in_words(data["branches"])),
        ("steps", data["steps"]),
        ("  by driver", _listed(data["drivers"])),
        ("  driven by the student", _percent(data["autonomous"], "of those it might have driven")),
        ("  takeovers", _takeovers_in_words(data)),
        ("  discarded", _discarded_in_words(data)),
        ("  not to be imitated", data["marked_steps"] or ""),
        ("labels", data["labels"]),
        ("  by occasion", _listed(data["label_kinds"])),
        ("  by labeler", _listed(data["labelers"])),
        ("  a minute", _listed({name: f"{n:.0f}" for name, n in data["labels_per_minute"].items() if n})),
        ("  withdrawn", data["withdrawn_labels"] or ""),
        *_agreement_in_words(data),
        ("recovered", data["recovered"] or "no, it was closed properly"),
    ]
    return table(str(path), ("", ""), [row for row in rows if row[1] != ""], width=80)


def _agreement_in_words(data: dict[str, Any]) -> list[tuple[str, str]]:
    with_student = data["agreement_with_student_by_labeler"]
    rows = [(f"{name} agrees with the student", _of_in_words(each)) for name, each in with_student.items()]
    if not rows:
        rows.append(("agreement with the student", "nobody to compare"))
    for pair in data["labelers_compared"]:
        chance = "" if pair["kappa"] is None else f", kappa {pair['kappa']:.2f}"
        apart = "" if pair["distance"] is None else f", {pair['distance']:.3g} apart on average"
        share = _percent(pair["equal"], f"of {pair['steps']} steps")
        rows.append((f"{' and '.join(pair['labelers'])} agree", f"{share}{chance}{apart}"))
    for name, each in data["self_agreement"].items():
        rows.append((f"{name} asked again", f"the same {each['same']} times of {each['of']}"))
    return rows


def _listed(counts: dict[str, Any]) -> str:
    return ", ".join(f"{name} {n}" for name, n in counts.items())


def _branches_in_words(branches: list[dict[str, int]]) -> str:
    shown = [
        f"{each['episode']} from {each['parent']} at step {each['step']}"
        for each in branches[:_BRANCHES_SHOWN]
    ]
    more = len(branches) - len(shown)
    return ", ".join([*shown, *([f"and {more} more"] if more else [])])


def _takeovers_in_words(data: dict[str, Any]) -> str:
    if data["autonomous"] is None:
        return ""
    length = data["takeover_length"]
    return "none" if length is None else f"{data['takeovers']}, of {length:.1f} steps on average"


def _discarded_in_words(data: dict[str, Any]) -> str:
    whole = len(data["discarded_episodes"])
    return f"{data['discarded_steps']}, whole episodes {whole}" if data["discarded_steps"] or whole else ""


def _percent(share: float | None, of: str) -> str:
    return "" if share is None else f"{100 * share:.1f} % {of}"


def _of_in_words(counts: dict[str, Any]) -> str:
    return _percent(counts["share"], f"of {counts['of']} labels")
