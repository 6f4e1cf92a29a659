"""What a model without any notion of actions (ONNX, TorchScript) may answer with, and the policy that this makes.

    actions Discrete   floats (B, A): logits, or probabilities where the output is named so;
                       or whole numbers (B,): the actions
    actions a Box      floats (B, *action shape), or flat (B, numbers): the actions

It is asked once before it is used, about two made-up states, so that a policy for another world is refused at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import gymnasium as gym
import numpy as np

from learners.elsewhere.answers import ForeignActions, ForeignScores, checked_actions, wrong_answer
from learners.elsewhere.spaces import Spaces
from learners.elsewhere.trust import told
from learners.errors import ForeignPolicyError
from learners.interface import Array

Compute = Callable[[Array], Array]
"""observations (B, *observation shape) -> what the model answers with."""
OBSERVATIONS = (gym.spaces.Box, gym.spaces.Discrete, gym.spaces.MultiDiscrete, gym.spaces.MultiBinary)


def policy_of(
    name: str, spaces: Spaces, compute: Compute, *, are_probabilities: bool = False
) -> ForeignActions | ForeignScores:
    """The policy of a model. Raises ForeignPolicyError where its answers are of another world."""
    answer = _asked(name, compute, example(name, spaces))
    if isinstance(spaces.action, gym.spaces.Discrete) and answer.dtype.kind == "f":
        n_actions = int(spaces.action.n)

        def score(observations: Array) -> Array:
            scores = _asked(name, compute, observations)
            return _checked_scores(scores, (len(observations), n_actions), are_probabilities, name)

        score(example(name, spaces))
        return ForeignScores(name, spaces, score, are_probabilities=are_probabilities)

    def act(observations: Array, rng: np.random.Generator | None) -> Array:
        return _shaped(_asked(name, compute, observations), spaces, len(observations))

    checked_actions(_shaped(answer, spaces, 2), spaces.action, 2, name)
    return ForeignActions(name, spaces, act)


def example(name: str, spaces: Spaces) -> Array:
    """Two states in the middle of everything that can be seen, (2, *observation shape)."""
    space = spaces.observation
    if not isinstance(space, OBSERVATIONS):
        kinds = ", ".join(kind.__name__ for kind in OBSERVATIONS)
        raise ForeignPolicyError(
            f"{name}: observations: expected one of {kinds}, found {space}. Wrap the world, or write a Python expert."
        )
    if isinstance(space, gym.spaces.Discrete):
        return np.full(2, space.start, np.int64)
    zeros = np.zeros((2, *space.shape), space.dtype)
    return np.clip(zeros, space.low, space.high) if isinstance(space, gym.spaces.Box) else zeros


def _asked(name: str, compute: Compute, observations: Array) -> Array:
    with told(name, "acting"):
        return np.asarray(compute(observations))


def _shaped(answer: Array, spaces: Spaces, rows: int) -> Array:
    """A flat action in the form that the world has it."""
    shape = spaces.action.shape or ()
    return answer.reshape(rows, *shape) if answer.shape == (rows, math.prod(shape)) and shape else answer


def _checked_scores(scores: Array, shape: tuple[int, int], are_probabilities: bool, name: str) -> Array:
    if scores.shape != shape:
        raise wrong_answer(name, f"a number for each action, {shape}", f"{scores.shape}")
    if not np.isfinite(scores).all():
        raise wrong_answer(name, "finite numbers", "NaN or infinity")
    if are_probabilities and (scores.min() < 0 or not np.allclose(scores.sum(1), 1.0, atol=1e-3)):
        raise wrong_answer(
            name, "probabilities, whose rows sum to 1", f"rows that sum to {scores.sum(1)[:4]}"
        )
    return scores
