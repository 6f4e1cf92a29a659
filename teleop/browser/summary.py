"""Everything that `info` finds in a recording: figures for `--json`, and the columns that its plots are drawn from.

A recording is read a slice at a time, and never an observation of it: what is kept are a few numbers an episode. Tables
have a row for each of the first episodes and sittings; the others are summed up in one more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from learners.alike import SHARE, tolerance_of
from recordings.agreement import MOST_LABELERS, Agreement, Compared, Pair, stretches
from recordings.curation import tally
from recordings.driving import driving
from recordings.label_times import Latency, rates
from recordings.reader import Reader
from recordings.schema import FORMAT_VERSION, LabelKind, by_name
from recordings.sittings import Sitting, sittings
from recordings.survey import Survey
from teleop.browser.groups import Columns, by_value, figures, finite, listed, rows_of

FloatArray = npt.NDArray[np.float64]

ROWS = 200
"""Episodes, and sittings, that have a row of their own."""
_ROWS = 1 << 20
"""Labels read at once."""


@dataclass(frozen=True)
class Findings:
    """Of one recording."""

    path: str
    data: dict[str, Any]
    """Everything that is a figure or a table; JSON."""
    survey: Survey
    """Columns with an entry an episode."""
    sittings: list[Sitting]
    curve: npt.NDArray[np.int64]
    """(P, 2) labels with which the student was alike, of how many, over stretches of the labels as given."""
    delays_s: dict[str, FloatArray]
    """Occasion -> (n,) seconds from step to label, ascending, without labels given in the very tick."""


def summary(reader: Reader) -> dict[str, Any]:
    """Figures and tables of a recording; JSON."""
    return find(reader).data


def find(reader: Reader, *, rows: int = ROWS, tolerance: float = SHARE) -> Findings:
    """rows: of each table. tolerance: share of an action's range within which two are alike. Raises RecordingError."""
    survey = Survey(reader)
    survey.complete()
    sat = sittings(reader)
    labels = _Labels(reader, sat, tolerance)
    header = reader.header
    everything = figures(Columns.of(survey, slice(None)))
    data = {
        "path": str(reader.path),
        "format_version": FORMAT_VERSION,
        "world": header.env_id,
        "episodes": len(reader.episodes),
        "steps": reader.n_steps,
        **labels.data,
        **_of_driving(reader),
        **asdict(tally(reader)),
        "outcomes": everything["outcomes"],
        "success": everything["success"],
        "returns": everything["returns"],
        "lengths": everything["lengths"],
        "branches": _branches(survey),
        "notes": _notes(reader, rows),
        "operator": header.operator,
        "created_utc": header.created_utc,
        "control_hz": finite(header.control_hz),
        "versions": dict(header.versions),
        **_of_people(reader, survey, sat, rows),
        **_of_episodes(survey, rows),
    }
    return Findings(str(reader.path), data, survey, sat, labels.agreement.curve, labels.delays_s)


def _of_driving(reader: Reader) -> dict[str, Any]:
    found = driving(reader)
    return {
        "drivers": dict(found.steps),
        "takeovers": found.takeovers,
        "takeover_length": found.takeover_length,
        "autonomous": found.autonomous,
    }


def _branches(survey: Survey) -> list[dict[str, int]]:
    return [
        {"episode": index, "parent": int(survey.parents[index]), "step": int(survey.branch_steps[index])}
        for index in np.flatnonzero(survey.parents >= 0).tolist()
    ]


def _notes(reader: Reader, rows: int) -> list[dict[str, Any]]:
    """The acts of curation that stand and have a note, the last ones."""
    noted = [act for act in reader.curation.acts if act.note]
    return [
        {"act": act.kind.name.lower(), "episode": act.episode, "note": act.note}
        for act in noted[max(0, len(noted) - rows) :]
    ]


def _of_people(reader: Reader, survey: Survey, sat: list[Sitting], rows: int) -> dict[str, Any]:
    """The sittings, and each operator's together."""
    seconds = [_duration_s(reader, sitting.steps) for sitting in sat]
    operators = [
        {
            "operator": name,
            "sittings": len(places),
            "seconds": added([seconds[place] for place in places]),
            **figures(Columns.of(survey, rows_of(sat[place].episodes for place in places))),
        }
        for name, places in by_value([sitting.operator for sitting in sat]).items()
    ]
    operators.sort(key=lambda each: -each["steps"])
    shown = [
        {
            "sitting": place,
            "operator": sitting.operator,
            "created_utc": sitting.created_utc,
            "first_episode": sitting.episodes.start,
            "seconds": seconds[place],
            **figures(Columns.of(survey, slice(sitting.episodes.start, sitting.episodes.stop))),
        }
        for place, sitting in enumerate(sat[:rows])
    ]
    rest = (
        figures(Columns.of(survey, rows_of(each.episodes for each in sat[rows:])))
        if len(sat) > rows
        else None
    )
    return {
        "seconds": added(seconds),
        "operators": operators,
        "sittings": shown,
        "sittings_beyond": None if rest is None else {"sittings": len(sat) - rows, **rest},
    }


def _of_episodes(survey: Survey, rows: int) -> dict[str, Any]:
    n = survey.n_episodes
    return {
        "episodes_listed": listed(survey, 0, min(rows, n)),
        "episodes_beyond": figures(Columns.of(survey, slice(rows, n))) if n > rows else None,
    }


def _duration_s(reader: Reader, steps: range) -> float | None:
    """From the first step of a sitting to its last, by its own clock; None of none, or of a clock that went back."""
    if not len(steps):
        return None
    first, last = (int(reader.column("time_ns")[row]) for row in (steps.start, steps.stop - 1))
    return (last - first) / 1e9 if last >= first else None


def added(values: Sequence[float | None]) -> float | None:
    """The sum of those that are known; None of none."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None


class _Labels:
    """What the labels come to, in one pass."""

    def __init__(self, reader: Reader, sat: list[Sitting], share: float) -> None:
        space = reader.header.action_space
        self._is_choice = isinstance(space, gym.spaces.Discrete)
        tolerance = tolerance_of(space, share)
        self._has_tolerance = bool(np.any(tolerance_of(space) > 0))
        self.agreement = Agreement(
            reader.labelers, reader.n_labels, is_choice=self._is_choice, tolerance=tolerance
        )
        self._latency = Latency(reader, sat)
        self._kinds: Counter[str] = Counter()
        self._read(reader)
        self.delays_s: dict[str, FloatArray] = {}
        self.data = self._sums(reader) | {
            "tolerance": share if self._has_tolerance else None,
            "label_latency": self._latencies(),
            "labels_not_timed": self._latency.not_comparable,
        }

    def _read(self, reader: Reader) -> None:
        """Withdrawn labels are counted, and agree with nobody."""
        busiest = np.argsort(-_given_by(reader), kind="stable")[:MOST_LABELERS]
        self._given = np.zeros(len(reader.labelers), np.int64)
        for given, proposed, valid, time_ns in stretches(reader):
            self._given += np.bincount(given.labelers, minlength=len(self._given))
            self._kinds.update(by_name(given.kinds, LabelKind))
            self._latency.add(given, time_ns)
            withdrawn = np.isin(given.rows, reader.curation.withdrawn)
            if withdrawn.any():
                given, proposed, valid = given[~withdrawn], proposed[~withdrawn], valid[~withdrawn]
            self.agreement.add(given, proposed, valid, busiest)

    def _sums(self, reader: Reader) -> dict[str, Any]:
        found, counts = self.agreement, self._counts
        together = sum(found.with_student.values(), Compared())
        student = {name: each for name, each in found.with_student.items() if each.of}
        return {
            "labels": sum(self._kinds.values()),
            "distinct_labelled_steps": found.distinct_steps,
            "label_kinds": {name: self._kinds[name] for name in sorted(self._kinds, key=_place_of_kind)},
            "labelers": dict(zip(reader.labelers, self._given.tolist(), strict=True)),
            "labels_per_minute": rates(reader),
            "agreement_with_student": together.equal_share,
            "alike_with_student": together.alike_share if self._has_tolerance else None,
            "agreement_with_student_by_labeler": {name: counts(each) for name, each in student.items()},
            "agreement_between_labelers": {
                f"{each.one} and {each.other}": each.compared.equal_share for each in found.pairs
            },
            "labelers_compared": [self._compared(each) for each in found.pairs],
            "labelers_not_compared": max(0, len(reader.labelers) - MOST_LABELERS),
            "self_agreement": {name: counts(each) for name, each in sorted(found.with_oneself.items())},
        }

    def _counts(self, found: Compared) -> dict[str, Any]:
        return {
            "same": found.equal,
            "of": found.of,
            "share": found.equal_share,
            "alike": found.alike_share if self._has_tolerance else None,
        }

    def _compared(self, pair: Pair) -> dict[str, Any]:
        return {
            "labelers": [pair.one, pair.other],
            "steps": pair.compared.of,
            "equal": pair.compared.equal_share,
            "alike": pair.compared.alike_share if self._has_tolerance else None,
            "kappa": pair.kappa,
            "distance": pair.distance,
        }

    def _latencies(self) -> list[dict[str, Any]]:
        rows = []
        for kind, labeler, at_once, after_s in self._latency.found():
            occasion = kind.name.lower()
            if len(after_s):
                before = self.delays_s.get(occasion, np.empty(0))
                self.delays_s[occasion] = np.sort(np.concatenate([before, after_s]))
            rows.append(
                {
                    "occasion": occasion,
                    "labeler": labeler,
                    "at_once": at_once,
                    "later": len(after_s),
                    "median_s": float(np.median(after_s)) if len(after_s) else None,
                    "p90_s": float(np.quantile(after_s, 0.9)) if len(after_s) else None,
                    "max_s": float(after_s[-1]) if len(after_s) else None,
                }
            )
        return rows


def _given_by(reader: Reader) -> npt.NDArray[np.int64]:
    """(N,) rows of /labels of each labeler."""
    counts = np.zeros(len(reader.labelers), np.int64)
    for start in range(0, reader.n_labels, _ROWS):
        codes = reader.read("labels", "labeler", start, min(start + _ROWS, reader.n_labels))
        codes = codes[(codes >= 0) & (codes < len(counts))]  # any other is refused where labels are read
        counts += np.bincount(codes, minlength=len(counts))
    return counts


def _place_of_kind(name: str) -> int:
    names = [each.name.lower() for each in LabelKind]
    return names.index(name) if name in names else len(names)
