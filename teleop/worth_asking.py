"""Which of the states gone through are worth asking about: three kinds of doubt, scored over an episode."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any

import numpy as np

from learners.doubts import Doubt
from learners.gates import AskingGate
from learners.interface import DiscretePolicy, Expert, FloatArray, Policy
from learners.recollection import begin
from learners.worlds import facts_of
from teleop.past import Lived
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
    if getattr(getattr(policy, "architecture", None), "memory", 0):
        actor = begin(policy, 1)
        return [actor.act(np.asarray(tick.observation)[None])[0] for tick in episode.ticks]
    return list(policy.act(np.asarray([tick.observation for tick in episode.ticks])))


def probabilities(policy: Policy | None, observation: Any) -> FloatArray | None:
    """(A,) of the student's actions in one state; None where it has none."""
    if not isinstance(policy, DiscretePolicy):
        return None
    return np.asarray(policy.probabilities(np.asarray(observation)[None])[0], np.float64)


class Doubts:
    """Scores episodes; knows the labels so far."""

    def __init__(self, world: World, expert: Expert, rng: np.random.Generator) -> None:
        self._world, self._expert, self._rng = world, expert, rng

    def scores(
        self, criterion: Criterion, episode: Lived, policy: Policy, labels: Sequence[tuple[Any, Any]]
    ) -> FloatArray:
        """(T,) 0 where there is no doubt. labels: observation and action of each."""
        if criterion is Criterion.DISAGREEMENT:
            return _disagreement(episode, choices(policy, episode))
        doubt = self._taught(criterion, labels)
        found = [doubt.of(tick.observation, policy) for tick in episode.ticks]
        unlabelled = [step not in episode.labels for step in range(episode.length)]
        return np.where(unlabelled, np.nan_to_num(np.asarray(found, np.float64), posinf=1e9), 0.0)

    def _taught(self, criterion: Criterion, labels: Sequence[tuple[Any, Any]]) -> Doubt:
        from learners import dagger  # loads torch, which a session can do without

        config = dagger.Config(gate="novelty" if criterion is Criterion.NOVELTY else "ensemble")
        spec = self._world.spec()
        gate = dagger.make_gate(config, spec, facts_of(spec), self._expert, self._rng, self._world.mirror)
        assert isinstance(gate, AskingGate)
        for observation, action in labels:
            gate.doubt.learn(observation, action)
        return gate.doubt


def _disagreement(episode: Lived, chosen: Sequence[Any]) -> FloatArray:
    """1 where the student would do otherwise than the label, or the expert who drove, says; 0.5 where it would now do
    otherwise than it did."""
    scores = np.zeros(episode.length)
    for step, (tick, choice) in enumerate(zip(episode.ticks, chosen, strict=True)):
        right = episode.label_of(step)
        differs = not np.array_equal(choice, tick.action if right is None else right)
        scores[step] = differs * (0.5 if right is None and tick.student_action is not None else 1.0)
    return scores


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
