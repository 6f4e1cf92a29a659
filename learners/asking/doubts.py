"""How much a student should doubt itself in a state: what the gates that ask go by.

Unsureness   the student's own word: one minus the probability of its best action
Novelty      how far the state lies from the nearest labelled one
Disagreement how differently students act that were fitted to resampled labels (EnsembleDAgger, Menda 2019)

Only the first speaks of what the actions are worth (two may be equally right); the other two shrink with every label.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Protocol, cast

import gymnasium as gym
import numpy as np
from scipy.spatial import cKDTree

from learners.errors import UnsupportedWorldError
from learners.interface import Array, DiscretePolicy, FloatArray, Policy
from learners.worlds import WorldFacts

GROWTH = 1.1
"""Spacing is measured again once there are so many times as many labels."""
REFIT_GROWTH = 1.25
"""An ensemble is fitted again once there are so many times as many labels."""


FEW = 50
"""New labels up to which the distance from each is reckoned by itself; from more it is dearer than a search tree."""


class Doubt(Protocol):
    """How much a student should doubt itself."""

    def of(self, observation: Any, student: Policy) -> float:
        """0: not at all."""
        ...

    def learn(self, observation: Any, action: Any) -> None:
        """The expert said that `action` is right here."""
        return

    def forget(self, observation: Any, action: Any) -> None:
        """They took it back; what was never learned changes nothing."""
        return


class Unsureness(Doubt):
    """One minus the student's `confidence`: the probability of its best action, in a state it was taught."""

    def of(self, observation: Any, student: Policy) -> float:
        """Raises UnsupportedWorldError for a student that cannot say how sure it is."""
        confidence = getattr(student, "confidence", None)
        if confidence is None:
            raise UnsupportedWorldError(
                "uncertainty gate: expected a student that can say how sure it is, found "
                f"{type(student).__name__}, which cannot (where actions are a Box, none can). Use the gate `novelty`."
            )
        return 1.0 - float(confidence(np.asarray(observation)[None])[0])


class DoubtOfLabels(Doubt):
    """A doubt that is the labels' own, whoever the student is."""

    def of(self, observation: Any, student: Policy | None = None) -> float:
        raise NotImplementedError

    def of_each(self, observations: Sequence[Any]) -> FloatArray:
        """(T,) the same of each of these observations."""
        return np.asarray([self.of(observation) for observation in observations], np.float64)


class Novelty(DoubtOfLabels):
    """The Euclidean distance from the nearest labelled state."""

    def __init__(self) -> None:
        self._places: list[FloatArray] = []
        self._measured_at = 0
        self._spacing: FloatArray = np.zeros(1)
        self._quantiles: dict[float, float] = {}

    def learn(self, observation: Any, action: Any) -> None:
        self._places.append(self._place(observation))

    def forget(self, observation: Any, action: Any) -> None:
        place = self._place(observation)
        found = next((row for row, each in enumerate(self._places) if np.array_equal(each, place)), None)
        if found is not None:
            del self._places[found]
            self._measured_at, self._spacing = 0, np.zeros(1)
            self._quantiles.clear()
            self._reckon_anew()

    def typical(self, quantile: float) -> float:
        """That quantile of the distances from each labelled state to the nearest other one; 0 of fewer than two."""
        if len(self._places) > GROWTH * self._measured_at:
            self._measure(np.stack(self._places))
        if quantile not in self._quantiles:
            self._quantiles[quantile] = float(np.quantile(self._spacing, quantile))
        return self._quantiles[quantile]

    def _place(self, observation: Any) -> FloatArray:
        """Where a state lies (D,)."""
        raise NotImplementedError

    def _reckon_anew(self) -> None:
        """Forget what was reckoned from the places."""
        raise NotImplementedError

    def _measure(self, places: FloatArray) -> None:
        self._measured_at = len(places)
        self._quantiles.clear()
        distinct = np.unique(places, axis=0)
        if len(distinct) > 1:
            self._spacing = cKDTree(distinct).query(distinct, k=2)[0][:, 1]


class NoveltyOfState(Novelty):
    """In a world that says where its Discrete states lie, in the units in which it does."""

    def __init__(self, coordinates: FloatArray, first_state: int = 0) -> None:
        """coordinates (S, D)."""
        super().__init__()
        self._coordinates, self._first_state = coordinates, first_state
        self._distances = np.full(len(coordinates), np.inf)
        self._reckoned = 0
        """Labels in these distances."""

    def of(self, observation: Any, student: Policy | None = None) -> float:
        new = self._places[self._reckoned :]
        self._reckoned = len(self._places)
        if len(new) > FEW:
            self._distances = np.minimum(
                self._distances, cKDTree(np.unique(new, axis=0)).query(self._coordinates)[0]
            )
        else:
            for place in new:
                away = np.linalg.norm(self._coordinates - place, axis=1)
                self._distances = np.minimum(self._distances, away)
        return float(self._distances[observation - self._first_state])

    def _place(self, observation: Any) -> FloatArray:
        return cast(FloatArray, self._coordinates[int(observation) - self._first_state])

    def _reckon_anew(self) -> None:
        self._distances = np.full(len(self._coordinates), np.inf)
        self._reckoned = 0


class NoveltyOfVector(Novelty):
    """Among observations that are numbers, in units of the labels' deviation."""

    def __init__(self) -> None:
        super().__init__()
        self._scaled: FloatArray = np.zeros((0, 1))
        self._scale: FloatArray | float = 1.0

    def of(self, observation: Any, student: Policy | None = None) -> float:
        if not self._places:
            return np.inf
        away = self._labelled() - self._place(observation) / self._scale
        return float(np.sqrt(np.einsum("nd,nd->n", away, away).min()))

    def of_each(self, observations: Sequence[Any]) -> FloatArray:
        if not self._places or not len(observations):
            return np.full(len(observations), np.inf)
        places = np.stack([self._place(observation) for observation in observations])
        return np.asarray(cKDTree(self._labelled()).query(places / self._scale)[0])

    def _labelled(self) -> FloatArray:
        """(N, D) where the labels lie, in units of their deviation."""
        if len(self._scaled) < len(self._places):
            self._scaled = np.stack(self._places) / self._scale
        return self._scaled

    def _place(self, observation: Any) -> FloatArray:
        return np.asarray(observation, np.float64).reshape(-1)

    def _reckon_anew(self) -> None:
        self._scaled = np.zeros((0, 1))

    def _measure(self, places: FloatArray) -> None:
        self._scale = np.maximum(places.std(0), 1e-8)
        self._scaled = places / self._scale
        super()._measure(self._scaled)


class UnseenState(DoubtOfLabels):
    """1 in a Discrete state that nobody labelled, else 0: novelty where nothing is known of nearness."""

    def __init__(self) -> None:
        self._labels: Counter[int] = Counter()
        """How many each state has."""

    def of(self, observation: Any, student: Policy | None = None) -> float:
        return float(not self._labels[int(observation)])

    def learn(self, observation: Any, action: Any) -> None:
        self._labels[int(observation)] += 1

    def forget(self, observation: Any, action: Any) -> None:
        state = int(observation)
        self._labels[state] = max(0, self._labels[state] - 1)

    def typical(self, quantile: float) -> float:
        return 0.0


class Disagreement(DoubtOfLabels):
    """How far apart students act that were each fitted to labels drawn with replacement from all labels.

    The root of the mean squared distance of their answers (action probabilities, or Box actions) from their mean.
    """

    def __init__(
        self, fit: Callable[[Array, Array], Policy], rng: np.random.Generator, members: int = 5
    ) -> None:
        """fit: observations (N, *o), actions (N, *a) -> a student."""
        self._fit, self._rng, self._n_members = fit, rng, members
        self._members: list[Policy] = []
        self._observations: list[Any] = []
        self._actions: list[Any] = []
        self._fitted_at = 0

    def of(self, observation: Any, student: Policy | None = None) -> float:
        if not self._actions:
            return np.inf
        if len(self._actions) > REFIT_GROWTH * self._fitted_at:
            self._refit()
        answers = np.stack([_answer(member, observation) for member in self._members])
        return float(np.sqrt(((answers - answers.mean(0)) ** 2).sum(1).mean()))

    def learn(self, observation: Any, action: Any) -> None:
        self._observations.append(observation)
        self._actions.append(action)

    def forget(self, observation: Any, action: Any) -> None:
        for row, (seen, said) in enumerate(zip(self._observations, self._actions, strict=True)):
            if np.array_equal(seen, observation) and np.array_equal(said, action):
                del self._observations[row], self._actions[row]
                self._fitted_at = 0
                return

    def _refit(self) -> None:
        self._fitted_at = len(self._actions)
        observations, actions = np.stack(self._observations), np.stack(self._actions)
        drawn = self._rng.integers(self._fitted_at, size=(self._n_members, self._fitted_at))
        self._members = [self._fit(observations[rows], actions[rows]) for rows in drawn]


def _answer(member: Policy, observation: Any) -> FloatArray:
    """A student's action probabilities (A,), or its action, flat, where it has none."""
    batch = np.asarray(observation)[None]
    is_discrete = isinstance(member, DiscretePolicy)
    answer = member.probabilities(batch) if is_discrete else member.act(batch)  # type: ignore[attr-defined]
    return np.asarray(answer, np.float64).reshape(-1)


def novelty_of(facts: WorldFacts) -> Novelty | UnseenState:
    """Novelty as it can be told in this world."""
    if not isinstance(facts.observation_space, gym.spaces.Discrete):
        return NoveltyOfVector()
    if facts.model is None or facts.model.coordinates is None:
        return UnseenState()
    return NoveltyOfState(facts.model.coordinates, int(facts.observation_space.start))
