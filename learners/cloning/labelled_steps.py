"""The labelled steps of demonstrations, checked, and which episodes are held out: what cloning is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import gymnasium as gym
import numpy as np

from learners.errors import NothingToLearnError
from learners.interface import Array, IntArray
from recordings.demonstrations import Demonstrations
from recordings.held_out import held_out

Symmetry = Callable[[Array, Array], tuple[Array, Array]]
"""A mirror of the world: observations (N, *o), actions (N, *a) -> the same, mirrored."""


@dataclass(frozen=True)
class Steps:
    """N steps in E episodes, one after the other."""

    observations: Array
    """(N, *o)"""
    actions: Array
    """(N, *a), meaningful where `labelled`."""
    labelled: Array
    """(N,) bool"""
    lengths: IntArray
    """(E,)"""
    held_out: Array
    """(E,) bool: not to be trained on."""

    def pairs(self) -> tuple[Array, Array]:
        """Observations (L, *o) and actions (L, *a) of the labelled steps."""
        return self.observations[self.labelled], self.actions[self.labelled]

    def mirrored(self, symmetry: Symmetry) -> Steps:
        """Every episode twice, the second time mirrored."""
        observations, actions = symmetry(self.observations, self.actions)
        return Steps(
            np.concatenate([self.observations, observations]),
            np.concatenate([self.actions, actions]),
            *(np.tile(each, 2) for each in (self.labelled, self.lengths, self.held_out)),
        )

    def of(self, episodes: Array) -> Steps:
        """episodes (E,) bool -> these alone."""
        rows = np.repeat(episodes, self.lengths)
        return Steps(
            *(each[rows] for each in (self.observations, self.actions, self.labelled)),
            *(each[episodes] for each in (self.lengths, self.held_out)),
        )


def labelled_steps(demonstrations: Demonstrations, held_out: float, rng: np.random.Generator) -> Steps:
    """Every step, those with a label known to lie in the spaces.

    held_out: share of the episodes to hold out, none of fewer than ten, nor where either part had no label.
    Raises NothingToLearnError where there is no label, or one that does not fit the spaces.
    """
    check_labels(demonstrations)
    if not demonstrations.labelled.any():
        raise no_label(len(demonstrations))
    assert demonstrations.actions is not None
    return Steps(
        demonstrations.observations,
        demonstrations.actions,
        demonstrations.labelled,
        demonstrations.lengths,
        _held_out(demonstrations, held_out, rng),
    )


def no_label(n_steps: int) -> NothingToLearnError:
    """That none of so many steps has a label."""
    return NothingToLearnError(
        f"labels: expected at least one labelled step, found none in {n_steps} steps. "
        "Choose other drivers, labels or episodes, or record some."
    )


def check_labels(demonstrations: Demonstrations) -> None:
    """Raises NothingToLearnError where there are no actions to imitate, or labels that do not fit the spaces."""
    if demonstrations.actions is None:
        raise NothingToLearnError(
            "actions: expected the actions to imitate, found observations alone. "
            "Cloning needs actions: load the demonstrations with them, or choose a learner from observation."
        )
    if demonstrations.labelled.any():
        observations, actions = demonstrations.pairs()
        _check(observations, demonstrations.observation_space, "observations")
        _check(actions, demonstrations.action_space, "actions")


def _held_out(demonstrations: Demonstrations, share: float, rng: np.random.Generator) -> Array:
    chosen = held_out(share, len(demonstrations.lengths), rng)
    of_a_label = np.repeat(chosen, demonstrations.lengths)[demonstrations.labelled]
    return chosen if of_a_label.any() and not of_a_label.all() else np.zeros_like(chosen)


def _check(values: Array, space: gym.Space, what: str) -> None:  # type: ignore[type-arg]
    if isinstance(space, gym.spaces.Discrete):
        low, high = int(space.start), int(space.start + space.n) - 1
        fits = values.min() >= low and values.max() <= high
        expected = f"whole numbers from {low} to {high}"
    else:
        fits = bool(np.isfinite(values).all())
        expected = "finite numbers"
    if not fits:
        raise NothingToLearnError(
            f"{what}: expected {expected}, found {values.min()} to {values.max()}. "
            "The demonstrations are of another world, or damaged."
        )
