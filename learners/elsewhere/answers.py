"""Policies that somebody else's program computes. Every answer is an action of this world, or an error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import gymnasium as gym
import numpy as np

from learners.elsewhere.spaces import Spaces
from learners.elsewhere.trust import told
from learners.errors import ForeignPolicyError
from learners.interface import Array, FloatArray
from learners.policies import draw, softmax

ActBatch = Callable[[Array, np.random.Generator | None], Any]
"""observations (B, *observation shape), rng or None -> actions (B, *action shape)."""
ScoreBatch = Callable[[Array], Array]
"""observations (B, *observation shape) -> (B, A), finite."""


class ForeignActions:
    """A policy that answers with actions."""

    def __init__(self, name: str, spaces: Spaces, answer: ActBatch) -> None:
        self._name, self._spaces, self._answer = name, spaces, answer

    def act(self, observations: Array, rng: np.random.Generator | None = None) -> Array:
        observations = np.asarray(observations)
        with told(self._name, "acting"):
            answer = np.asarray(self._answer(observations, rng))
        return checked_actions(answer, self._spaces.action, len(observations), self._name)


class ForeignScores:
    """A policy that answers with a number for each of the Discrete actions: logits, or probabilities."""

    def __init__(self, name: str, spaces: Spaces, score: ScoreBatch, *, are_probabilities: bool) -> None:
        assert isinstance(spaces.action, gym.spaces.Discrete)
        self._score, self._are_probabilities = score, are_probabilities
        self._first_action = int(spaces.action.start)

    def act(self, observations: Array, rng: np.random.Generator | None = None) -> Array:
        if rng is None:
            return cast(Array, self._score(np.asarray(observations)).argmax(1) + self._first_action)
        return draw(self.probabilities(observations).cumsum(1), rng) + self._first_action

    def probabilities(self, observations: Array) -> FloatArray:
        """observations (B, *observation shape) -> (B, A); rows sum to 1."""
        scores = self._score(np.asarray(observations))
        return scores.astype(np.float64) if self._are_probabilities else softmax(scores)

    def confidence(self, observations: Array) -> FloatArray:
        """observations (B, *observation shape) -> (B,): the probability of the most probable action."""
        return cast(FloatArray, self.probabilities(observations).max(1))


class ForeignExpert:
    """Somebody else's expert, asked one state at a time."""

    def __init__(self, name: str, spaces: Spaces, answer: Callable[[Any, int], Any]) -> None:
        self.name = name
        self._spaces, self._answer = spaces, answer

    def act(self, observation: Any, tick: int) -> Any | None:
        with told(self.name, "acting"):
            answer = self._answer(observation, tick)
        if answer is None:
            return None
        action = checked_actions(np.asarray(answer)[None], self._spaces.action, 1, self.name)[0]
        return action.item() if action.ndim == 0 else action


def checked_actions(answer: Array, space: gym.Space[Any], rows: int, name: str) -> Array:
    """answer (B, *action shape) as actions of the world, clipped to a Box. Raises ForeignPolicyError."""
    if answer.shape != (rows, *(space.shape or ())):
        raise wrong_answer(name, f"actions of shape {(rows, *(space.shape or ()))}", f"{answer.shape}")
    if isinstance(space, gym.spaces.Discrete):
        lowest, highest = int(space.start), int(space.start + space.n) - 1
        if answer.dtype.kind not in "iu" or ((answer < lowest) | (answer > highest)).any():
            raise wrong_answer(name, f"whole numbers from {lowest} to {highest}", _few(answer))
        return answer.astype(np.int64)
    if not isinstance(space, gym.spaces.Box):
        raise wrong_answer(name, "a world whose actions are Discrete or a Box", str(space))
    if answer.dtype.kind not in "fiu" or not np.isfinite(answer).all():
        raise wrong_answer(name, "finite numbers", _few(answer))
    return np.clip(answer, space.low, space.high).astype(space.dtype)


def wrong_answer(name: str, expected: str, found: str) -> ForeignPolicyError:
    return ForeignPolicyError(
        f"{name}: its answer: expected {expected}, found {found}. Give a policy that was made for this world, "
        "exported as docs/experts.md says."
    )


def _few(answer: Array) -> str:
    return f"{answer.dtype} {np.array2string(answer.ravel()[:4], threshold=4)}"
