"""Who agrees with whom: labelers with one another, with the student of that moment, and with themselves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from recordings.contents import Labels
from recordings.reader import Reader

Array = npt.NDArray[Any]
BoolArray = npt.NDArray[np.bool_]

_ROWS = 1 << 20
"""Steps read at once, so that a long recording costs no memory."""


class Share(NamedTuple):
    """How often something held, of how many times."""

    same: int
    of: int

    @property
    def value(self) -> float | None:
        """From 0 to 1; None of none."""
        return self.same / self.of if self.of else None


@dataclass(frozen=True)
class Pair:
    """Two labelers on the steps that both labelled, by the last label of each."""

    one: str
    other: str
    equal: Share
    kappa: float | None
    """Cohen's kappa (1960): agreement beyond that of chance, 1 at most. None: actions that cannot be counted, or chance
    alone agrees always."""
    distance: float | None
    """Mean Euclidean distance of their actions, where actions are no choices."""


def between_labelers(labels: Labels, *, is_choice: bool) -> Iterator[Pair]:
    """Every two labelers who both labelled some step. is_choice: actions are numbers of choices (Discrete)."""
    last = {name: _of(labels, code).last_of_each_step() for code, name in enumerate(labels.names)}
    for one, other in combinations(labels.names, 2):
        _, at_one, at_other = np.intersect1d(last[one].steps, last[other].steps, return_indices=True)
        if len(at_one):
            actions, others = last[one].actions[at_one], last[other].actions[at_other]
            equal = Share(int(equal_actions(actions, others).sum()), len(at_one))
            yield Pair(
                one,
                other,
                equal,
                _kappa(actions, others) if is_choice else None,
                None if is_choice else _distance(actions, others),
            )


def with_student(reader: Reader, labels: Labels) -> dict[str, Share]:
    """For each labeler the labels that the student of that moment would have given too, of those it was asked about."""
    asked, agreed = np.zeros(len(labels.names), np.int64), np.zeros(len(labels.names), np.int64)
    for start in range(0, reader.n_steps, _ROWS):
        rows = (labels.steps >= start) & (labels.steps < start + _ROWS)
        steps, labelers = labels.steps[rows] - start, labels.labelers[rows]
        valid = reader.column("student_action_valid")[start : start + _ROWS][steps]
        proposed = reader.column("student_action")[start : start + _ROWS][steps]
        np.add.at(asked, labelers[valid], 1)
        np.add.at(agreed, labelers[valid & equal_actions(proposed, labels.actions[rows])], 1)
    return {name: Share(int(agreed[code]), int(asked[code])) for code, name in enumerate(labels.names)}


def with_oneself(labels: Labels, reasked: int) -> dict[str, Share]:
    """For each labeler who was asked again: of these labels (of the kind `reasked`), those that repeat the one before.

    Before means the labeler's last label of the same step; a second answer without a first is not counted.
    """
    found = {}
    for code, name in enumerate(labels.names):
        own = _of(labels, code)
        own = own[np.lexsort((own.rows, own.steps))]
        again = np.flatnonzero((own.kinds[1:] == reasked) & (own.steps[1:] == own.steps[:-1]))
        if len(again):
            same = equal_actions(own.actions[again], own.actions[again + 1])
            found[name] = Share(int(same.sum()), len(again))
    return found


def equal_actions(actions: Array, others: Array) -> BoolArray:
    """(L,) where two columns of actions (L, *action shape) are equal."""
    equal: BoolArray = np.all(actions == others, axis=tuple(range(1, actions.ndim)))
    return equal


def _of(labels: Labels, code: int) -> Labels:
    return labels[labels.labelers == code]


def _kappa(actions: Array, others: Array) -> float | None:
    choices = np.union1d(actions, others)
    chance = sum(float((actions == each).mean() * (others == each).mean()) for each in choices)
    observed = float((actions == others).mean())
    return None if chance == 1.0 else (observed - chance) / (1.0 - chance)


def _distance(actions: Array, others: Array) -> float:
    apart = (actions.astype(float) - others.astype(float)).reshape(len(actions), -1)
    return float(np.linalg.norm(apart, axis=1).mean())
