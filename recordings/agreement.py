"""Who agrees with whom: labelers with one another, with the student of that moment, and with themselves.

Labels are looked at a stretch of steps at a time, so that a long recording costs no memory: `Agreement.add` takes
one stretch, and everything is a sum over stretches. Two actions are equal, or alike: no further apart than a
tolerance, which is 0 for choices, so that there both are one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from recordings.contents import Labels
from recordings.reader import Reader
from recordings.schema import LabelKind

Array = npt.NDArray[Any]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]

_ROWS = 1 << 18
"""Steps read at once, so that a long recording costs no memory."""
MOST_LABELERS = 16
"""Of more labelers only those are compared with one another who gave most labels."""
CURVE_POINTS = 60
"""Stretches of labels, in the order given, on the curve of the agreement with the student."""


class Share(NamedTuple):
    """How often something held, of how many times."""

    same: int
    of: int

    @property
    def value(self) -> float | None:
        """From 0 to 1; None of none."""
        return self.same / self.of if self.of else None


@dataclass
class Compared:
    """Actions that stood beside one another, and how many of them said the same."""

    of: int = 0
    equal: int = 0
    alike: int = 0
    """No further apart than the tolerance; the equal ones are among them."""

    def add(self, actions: Array, others: Array, tolerance: Any) -> None:
        """Two columns of actions (L, *action shape)."""
        self.of += len(actions)
        self.equal += int(equal_actions(actions, others).sum())
        self.alike += int(alike_actions(actions, others, tolerance).sum())

    def __add__(self, other: Compared) -> Compared:
        return Compared(self.of + other.of, self.equal + other.equal, self.alike + other.alike)

    @property
    def equal_share(self) -> float | None:
        """From 0 to 1; None of none."""
        return Share(self.equal, self.of).value

    @property
    def alike_share(self) -> float | None:
        """From 0 to 1; None of none."""
        return Share(self.alike, self.of).value


@dataclass
class Pair:
    """Two labelers on the steps that both labelled, by the last label of each."""

    one: str
    other: str
    is_choice: bool
    """Actions are numbers of choices (Discrete)."""
    compared: Compared = field(default_factory=Compared)
    _apart: float = 0.0
    _choices: tuple[Counter[int], Counter[int]] = field(default_factory=lambda: (Counter(), Counter()))

    def add(self, actions: Array, others: Array, tolerance: Any) -> None:
        """actions (L, *action shape) of the one on some steps, others of the other on the same steps."""
        self.compared.add(actions, others, tolerance)
        if self.is_choice:
            for seen, given in zip(self._choices, (actions, others), strict=True):
                seen.update(dict(zip(*(each.tolist() for each in _counted(given)), strict=True)))
        else:
            apart = _apart(actions, others).reshape(len(actions), -1)
            self._apart += float(np.linalg.norm(apart, axis=1).sum())

    @property
    def kappa(self) -> float | None:
        """Cohen's kappa (1960): agreement beyond that of chance, 1 at most. None: actions that cannot be counted, or
        chance alone agrees always."""
        one, other = self._choices
        chance = sum(n * other[choice] for choice, n in one.items())
        at_most = self.compared.of**2
        if not self.is_choice or chance == at_most:
            return None
        return (self.compared.equal * self.compared.of - chance) / (at_most - chance)

    @property
    def distance(self) -> float | None:
        """Mean Euclidean distance of their actions; None: actions are choices, or some are no finite numbers."""
        return None if self.is_choice or not np.isfinite(self._apart) else self._apart / self.compared.of


class Agreement:
    """Sums over the labels of a recording; withdrawn ones are to be left out."""

    def __init__(self, names: tuple[str, ...], n_rows: int, *, is_choice: bool, tolerance: Any) -> None:
        """names: the labelers, by code. n_rows: of /labels. is_choice: actions are numbers of choices (Discrete).
        tolerance: a number, or one for each component of an action."""
        self._names, self._n_rows = names, max(1, n_rows)
        self._is_choice, self._tolerance = is_choice, tolerance
        self._pairs: dict[tuple[int, int], Pair] = {}
        self.distinct_steps = 0
        """Steps with a label."""
        self.with_student = {name: Compared() for name in names}
        """Of each labeler the labels that the student of that moment would have given too, of those it was asked
        about."""
        self.with_oneself: dict[str, Compared] = {}
        """Of each labeler who was asked again: of these labels those that repeat the one before. Before means the
        labeler's last label of the same step; a second answer without a first is not counted."""
        self.curve = np.zeros((CURVE_POINTS, 2), np.int64)
        """(P, 2) labels with which the student was alike, of how many, over stretches of the labels as given."""

    @property
    def pairs(self) -> list[Pair]:
        """Every two labelers who both labelled some step, by their codes."""
        return [self._pairs[codes] for codes in sorted(self._pairs)]

    def add(self, labels: Labels, proposed: Array, valid: BoolArray, busiest: IntArray) -> None:
        """labels: all those of some steps, in the order given. proposed (L, *action shape): what the student would
        have done there, and valid (L,) whether there was one. busiest: labelers to compare, by code."""
        in_order = labels[np.lexsort((labels.labelers, labels.steps))]
        self.distinct_steps += len(labels) and 1 + int(np.count_nonzero(np.diff(in_order.steps)))
        self._add_student(labels[valid], proposed[valid])
        self._add_again(in_order)
        is_last = np.ones(len(in_order), bool)
        is_last[:-1] = (np.diff(in_order.steps) != 0) | (np.diff(in_order.labelers) != 0)
        self._add_pairs(in_order[is_last & np.isin(in_order.labelers, busiest)])

    def _add_student(self, labels: Labels, proposed: Array) -> None:
        for code in np.flatnonzero(np.bincount(labels.labelers)).tolist():
            own = labels.labelers == code
            self.with_student[self._names[code]].add(labels.actions[own], proposed[own], self._tolerance)
        points = labels.rows * CURVE_POINTS // self._n_rows
        same = alike_actions(labels.actions, proposed, self._tolerance)
        self.curve[:, 0] += np.bincount(points[same], minlength=CURVE_POINTS)
        self.curve[:, 1] += np.bincount(points, minlength=CURVE_POINTS)

    def _add_again(self, labels: Labels) -> None:
        """labels by step, then labeler, then row."""
        again = np.flatnonzero(
            (labels.kinds[1:] == LabelKind.REASKED)
            & (np.diff(labels.steps) == 0)
            & (np.diff(labels.labelers) == 0)
        )
        for code in np.unique(labels.labelers[again]).tolist():
            own = again[labels.labelers[again] == code]
            counts = self.with_oneself.setdefault(self._names[code], Compared())
            counts.add(labels.actions[own], labels.actions[own + 1], self._tolerance)

    def _add_pairs(self, labels: Labels) -> None:
        """labels by step, then labeler, one of each: those of one step stand beside one another."""
        for apart in range(1, MOST_LABELERS):
            at = np.flatnonzero(labels.steps[apart:] == labels.steps[:-apart])
            if not len(at):
                return
            codes = labels.labelers[at].astype(np.int64) << 16 | labels.labelers[at + apart]
            for both in np.unique(codes).tolist():
                rows, one, other = at[codes == both], both >> 16, both & 0xFFFF
                pair = self._pairs.setdefault(
                    (one, other), Pair(self._names[one], self._names[other], self._is_choice)
                )
                pair.add(labels.actions[rows], labels.actions[rows + apart], self._tolerance)


def stretches(reader: Reader) -> Iterator[tuple[Labels, Array, BoolArray, IntArray]]:
    """The labels of a recording, withdrawn ones too, a stretch of steps at a time, those without labels left out.

    Yields labels, the student's actions (L, *action shape) on their steps, whether there was a student (L,), and the
    steps' times in nanoseconds (L,).
    """
    about = reader.label_steps()
    for start in range(0, reader.n_steps, _ROWS):
        labels = reader.labels_among(about, start, min(start + _ROWS, reader.n_steps))
        if not len(labels):
            continue
        low, high = int(labels.steps.min()), int(labels.steps.max()) + 1
        steps = labels.steps - low
        proposed, valid, time_ns = (
            reader.column(name)[low:high][steps]
            for name in ("student_action", "student_action_valid", "time_ns")
        )
        yield labels, proposed, valid, time_ns


def equal_actions(actions: Array, others: Array) -> BoolArray:
    """(L,) where two columns of actions (L, *action shape) are equal."""
    equal: BoolArray = np.all(actions == others, axis=tuple(range(1, actions.ndim)))
    return equal


def alike_actions(actions: Array, others: Array, tolerance: Any) -> BoolArray:
    """(L,) where no component of two actions (L, *action shape) is further apart than its tolerance."""
    near = (actions == others) | (_apart(actions, others) <= tolerance)
    alike: BoolArray = np.all(near, axis=tuple(range(1, actions.ndim)))
    return alike


def _apart(actions: Array, others: Array) -> Array:
    """By how much each component differs; nan where both are infinite."""
    with np.errstate(invalid="ignore", over="ignore"):
        apart: Array = np.abs(actions.astype(float) - others.astype(float))
        return apart


def _counted(actions: Array) -> tuple[Array, Array]:
    return np.unique(actions, return_counts=True)
