"""What a reward may be made of, and how much of it the demonstrators collected.

A reward is linear in its features: theta_s is paid on each arrival in state s, theta_sa on each action a taken in
state s, or both. Together, few numbers that many demonstrations share (states) say where one wants to be, and
many small ones (actions) take up what states cannot express, such as habits among ways that are equally good.

Reading order: `Features`, then `demonstrated`, which counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import gymnasium as gym
import numpy as np

from learners.errors import NothingToLearnError
from learners.interface import Array, FloatArray, IntArray, TabularModel
from learners.soft_planning import SoftWorld
from recordings.demonstrations import Demonstrations

What = Literal["state", "state-action", "both"]
"""What pays: states reached (the goal among them), actions taken in a state, or one on top of the other."""


@dataclass(frozen=True)
class Features:
    """The features of one model. theta (F,) has the states' prices first, then the actions', row by row."""

    model: TabularModel
    what: What

    @property
    def size(self) -> int:
        """F."""
        n_states, n_actions = self.model.n_states, self.model.n_actions
        return n_states * {"state": 1, "state-action": n_actions, "both": 1 + n_actions}[self.what]

    def of_states(self, theta: FloatArray) -> FloatArray | None:
        """(S,) the part of theta paid on reaching a state, a view; None where states do not pay."""
        return None if self.what == "state-action" else theta[: self.model.n_states]

    def of_actions(self, theta: FloatArray) -> FloatArray | None:
        """(S, A) the part of theta paid for an action, a view; None where actions do not pay."""
        if self.what == "state":
            return None
        return theta[self.size - self.model.n_states * self.model.n_actions :].reshape(
            self.model.n_states, -1
        )

    def rewards(self, theta: FloatArray) -> FloatArray:
        """What each outcome pays, (S, A, K)."""
        states, actions = self.of_states(theta), self.of_actions(theta)
        paid = np.zeros(self.model.next_states.shape)
        if states is not None:
            paid += states[self.model.next_states]
        if actions is not None:
            paid += actions[:, :, None]
        return paid

    def counts(self, reached: FloatArray, taken: FloatArray | None) -> FloatArray:
        """(F,) of arrivals in each state (S,) and actions taken there (S, A); None: not known, nor asked for."""
        parts = [] if self.what == "state-action" else [reached]
        if self.what != "state":
            assert taken is not None
            parts.append(taken.ravel())
        return np.concatenate(parts)


@dataclass(frozen=True)
class Demonstrated:
    """What is matched: means over the episodes."""

    starts: FloatArray
    """(S,) share of the episodes that begin in each state."""
    counts: FloatArray
    """(F,) mean feature counts of an episode."""
    seen: Array
    """(S,) bool: an episode was in this state."""
    entries: FloatArray | None = None
    """(H, S) by how much more an episode is in each state after t steps than what came before leads one to expect:
    by luck, and where it stops short."""


def has_actions(demonstrations: Demonstrations) -> bool:
    """Every step has an action to learn from."""
    return demonstrations.actions is not None and bool(demonstrations.labelled.all())


def demonstrated(
    features: Features, world: SoftWorld, demonstrations: Demonstrations, episodes: IntArray
) -> Demonstrated:
    """Means over these episodes. The state in which an episode ends counts as reached; its start does not.

    Where chance is the world's and actions are known, arrivals are those that the actions lead one to expect,
    and what came otherwise is luck. Of an episode that stops short, neither at an end nor at the horizon (steps
    were discarded, or a session broke off), nothing is claimed of what would have followed.

    Raises NothingToLearnError without episodes, with states that are not the model's, or, where actions pay,
    without actions.
    """
    model = world.model
    states, finals = _states(model, demonstrations)
    chosen = np.zeros(len(demonstrations.lengths), bool)
    chosen[episodes] = True
    steps = np.repeat(chosen, demonstrations.lengths)
    visits = np.bincount(states[steps], minlength=model.n_states)
    visits += np.bincount(finals[episodes], minlength=model.n_states)
    starts = np.bincount(states[demonstrations.starts[episodes]], minlength=model.n_states) / len(episodes)
    reached = visits / len(episodes) - starts
    taken = None
    entries = _stops(model, demonstrations.lengths[episodes], finals[episodes])
    if features.what != "state" or has_actions(demonstrations):
        pairs = states * model.n_actions + _actions(model, demonstrations)
        taken = np.bincount(pairs[steps], minlength=model.n_states * model.n_actions) / len(episodes)
        if world.minds_luck:
            ticks = np.arange(len(states)) - np.repeat(demonstrations.starts, demonstrations.lengths)
            entries = _luck(world, starts, ticks[steps], pairs[steps], len(episodes))
            reached = world.arrivals(taken.reshape(model.n_states, -1))
    counts = features.counts(reached, None if taken is None else taken)
    return Demonstrated(starts, counts, visits > 0, entries)


def _stops(model: TabularModel, lengths: IntArray, finals: IntArray) -> FloatArray | None:
    """(H, S): who is taken out where an episode stops short; None where none does. lengths, finals (E,).

    A stretch of L steps to s is as likely as all paths that go on from there: its dual is less by V_L(s). Taken for
    a whole episode it would be one whose demonstrator stopped of their own accord, which no policy can, and the dual
    would have no minimum.
    """
    short = (lengths < model.horizon) & ~model.terminal[finals]
    if not short.any():
        return None
    stops = np.zeros((model.horizon, model.n_states))
    np.subtract.at(stops, (lengths[short], finals[short]), 1 / len(lengths))
    return stops


def _luck(
    world: SoftWorld, starts: FloatArray, ticks: IntArray, pairs: IntArray, n_episodes: int
) -> FloatArray:
    """(H, S): where the demonstrations were, less where their last actions lead one to expect them. Stops are in it.

    pairs: state * A + action. With luck the dual is the demonstrations' causal likelihood to the letter. Without
    it the world's chance deviations, of which a finite sample has many, would be taken for wishes of the demonstrators.
    """
    model = world.model
    by_tick = np.argsort(ticks, kind="stable")
    at = np.searchsorted(ticks[by_tick], np.arange(model.horizon + 1))
    luck, expected = np.zeros((model.horizon, model.n_states)), starts
    for step in range(model.horizon):
        now = np.bincount(pairs[by_tick[at[step] : at[step + 1]]], minlength=model.n_states * model.n_actions)
        taken = (now / n_episodes).reshape(model.n_states, -1)
        luck[step] = taken.sum(1) - expected
        expected = world.arrivals(taken)
    luck[:, model.terminal] = 0.0
    return luck


def _states(model: TabularModel, demonstrations: Demonstrations) -> tuple[IntArray, IntArray]:
    """States (N,) and final states (E,), counted from 0."""
    if len(demonstrations) == 0:
        raise NothingToLearnError("demonstrations: expected at least one step, found none. Record some.")
    space = demonstrations.observation_space
    states = _from_zero(demonstrations.observations, space, model.n_states, "observations")
    return states, _from_zero(demonstrations.final_observations, space, model.n_states, "final_observations")


def _actions(model: TabularModel, demonstrations: Demonstrations) -> IntArray:
    if not has_actions(demonstrations) or demonstrations.actions is None:
        raise NothingToLearnError(
            "actions: expected one at every step, found steps without. "
            "Load the demonstrations with executed actions, or choose features=state."
        )
    return _from_zero(demonstrations.actions, demonstrations.action_space, model.n_actions, "actions")


def _from_zero(values: Array, space: gym.Space[Any], n: int, what: str) -> IntArray:
    fits_space = isinstance(space, gym.spaces.Discrete) and int(space.n) == n
    indices = np.asarray(values).astype(np.int64) - int(getattr(space, "start", 0))
    if not fits_space or indices.min() < 0 or indices.max() >= n:
        raise NothingToLearnError(
            f"{what}: expected {n} of them as the world's table has, found {space} with "
            f"{values.min()} to {values.max()}. The demonstrations are of another world, or damaged."
        )
    return indices
