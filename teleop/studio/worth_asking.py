"""Which of the states gone through are worth asking about: three kinds of doubt, scored over an episode."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from enum import Enum
from typing import Any

import numpy as np

from learners.asking.doubts import novelty_of
from learners.interface import FloatArray, Policy
from learners.recollection import begin
from learners.worlds import facts_of
from teleop.studio.doubting import Beside, doubts, ensemble_doubts
from teleop.studio.past import Lived
from teleop.worlds.catalogue import World

MOST = 0.75
"""Worth asking are states whose score is above 0, and not below this quantile of those above 0."""


class Criterion(Enum):
    """Why a state may be worth asking about; the value is how a person would say it."""

    DISAGREEMENT = "the student disagrees"
    NOVELTY = "far from every label"
    ENSEMBLE = "students like it disagree"


def choices(policy: Policy, episode: Lived) -> list[Any]:
    """What the student would do in each step's state, as it would have come there."""
    if not episode.ticks:
        return []
    return list(begin(policy, 1).through(np.asarray([tick.observation for tick in episode.ticks])))


class Doubts:
    """Scores episodes of one world."""

    def __init__(self, world: World, *, aside: bool = False) -> None:
        """aside: fit an ensemble in a process of its own, for it takes seconds and a frame must not wait; else at once,
        so that a session repeats."""
        self._world = world
        self._beside = Beside(world) if aside else None
        self._facts = facts_of(world.spec())

    def scores(
        self, criterion: Criterion, episode: Lived, chosen: Sequence[Any], labels: Sequence[tuple[Any, Any]]
    ) -> Future[FloatArray]:
        """(T,) 0 where there is no doubt; an ensemble's may come later.

        chosen: what the student would do at each step. labels: observation and action of each.
        """
        match criterion:
            case Criterion.DISAGREEMENT:
                return _ready(_disagreement(episode, chosen))
            case Criterion.NOVELTY:
                found = doubts(novelty_of(self._facts), _seen(episode), labels)
                return _ready(_of_unlabelled(episode, found))
            case Criterion.ENSEMBLE if self._beside is not None:
                return _later(episode, self._beside.doubts(_seen(episode), labels))
            case Criterion.ENSEMBLE:
                return _ready(_of_unlabelled(episode, ensemble_doubts(self._world, _seen(episode), labels)))

    def close(self) -> None:
        """End the process beside."""
        if self._beside is not None:
            self._beside.close()


def _seen(episode: Lived) -> list[Any]:
    return [tick.observation for tick in episode.ticks]


def _of_unlabelled(episode: Lived, scores: FloatArray) -> FloatArray:
    """What is labelled is not in doubt."""
    return np.where([step not in episode.labels for step in range(len(scores))], scores, 0.0)


def _later(episode: Lived, coming: Future[FloatArray]) -> Future[FloatArray]:
    """Of what is not labelled by the time they are there."""
    future: Future[FloatArray] = Future()
    coming.add_done_callback(lambda found: future.set_result(_of_unlabelled(episode, found.result())))
    return future


def _ready(scores: FloatArray) -> Future[FloatArray]:
    future: Future[FloatArray] = Future()
    future.set_result(scores)
    return future


def _disagreement(episode: Lived, chosen: Sequence[Any]) -> FloatArray:
    """1 where the student would do otherwise than the label, or the expert who drove, says; 0.5 where it would now do
    otherwise than it did."""
    if not episode.ticks:
        return np.zeros(0)
    labels = [episode.label_of(step) for step in range(episode.length)]
    right = [
        tick.action if label is None else label for tick, label in zip(episode.ticks, labels, strict=True)
    ]
    differs = (np.asarray(chosen) != np.asarray(right)).reshape(episode.length, -1).any(1)
    is_its_own = [
        label is None and tick.student_action is not None
        for tick, label in zip(episode.ticks, labels, strict=True)
    ]
    return np.where(differs, np.where(is_its_own, 0.5, 1.0), 0.0)


def worth_asking(scores: FloatArray) -> list[int]:
    """The steps whose scores are among the greatest, in order; of such steps in a row the first of the greatest.

    What was gone through after a mistake mostly follows from it: told there, the student may never come there again.
    """
    positive = scores[scores > 0]
    if not len(positive):
        return []
    great = np.flatnonzero(scores >= np.quantile(positive, MOST))
    runs = np.split(great, np.flatnonzero(np.diff(great) > 1) + 1)
    return [int(run[scores[run].argmax()]) for run in runs]
