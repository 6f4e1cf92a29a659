"""A world's table from one's own steps, for a learner that is not given one; and a soft policy on it."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from learners.interface import Array, FloatArray, TabularModel
from learners.rewards.trajectories import Trajectories


def counted_table(own: Trajectories, n_states: int, n_actions: int, horizon: int) -> TabularModel:
    """Each outcome's share of the steps with that action there; states and actions counted from 0.

    An action never tried in a state is taken to lead nowhere. Starts: as often as episodes began there.
    Rewards are 0.
    """
    pairs = own.before.astype(np.int64) * n_actions + own.actions
    outcomes, counts = np.unique(pairs * n_states + own.after, return_counts=True)
    pairs, reached = np.divmod(outcomes, n_states)
    first_of_pair = np.searchsorted(pairs, pairs)
    rank = np.arange(len(pairs)) - first_of_pair
    shape = (n_states * n_actions, int(rank.max(initial=0)) + 1)
    following = np.repeat(np.arange(n_states), n_actions)[:, None] * np.ones(shape, np.int64)
    chances = np.zeros(shape)
    following[pairs, rank], chances[pairs, rank] = reached, counts
    chances[chances.sum(1) == 0, 0] = 1.0
    chances /= chances.sum(1, keepdims=True)
    terminal = np.zeros(n_states, bool)
    terminal[own.after[own.terminated]] = True
    cube = (n_states, n_actions, shape[1])
    return TabularModel(
        following.reshape(cube),
        chances.reshape(cube),
        np.zeros(cube),
        terminal,
        shares(own.before[own.starts], n_states),
        horizon,
    )


def shares(states: Array, n_states: int) -> FloatArray:
    """states (N,), N at least 1 -> (S,): how large a part of them each is."""
    return np.bincount(states, minlength=n_states) / len(states)


class SoftPlanner:
    """Soft planning against a base policy, the uniform one, over and over on one table.

      V(s) = log mean_a exp Q(s, a)    Q(s, a) = E[ reward(s') + V(s') ]    pi(a | s) = exp(Q - V) / A

    Without chance, pi draws each path as often as  base(path) * exp(reward of the path)  asks.
    """

    def __init__(self, model: TabularModel) -> None:
        s, a, k = model.next_states.shape
        self._model = model
        # Action by action, so that sums over actions run along whole rows; nothing follows a terminal state.
        chances = np.where(model.terminal[:, None, None], 0.0, model.probabilities).transpose(1, 0, 2)
        columns = model.next_states.transpose(1, 0, 2).astype(np.int32)
        row_starts = np.arange(a * s + 1, dtype=np.int32) * k
        self._transition = csr_array((chances.ravel(), columns.ravel(), row_starts), shape=(a * s, s))
        self._transition.eliminate_zeros()

    def policy(self, reward: FloatArray) -> FloatArray:
        """reward (S,) for reaching each state, in nats -> (S, A), with the whole horizon ahead."""
        shape = (self._model.n_actions, self._model.n_states)
        alive = (~self._model.terminal).astype(np.float64)
        value = np.zeros(self._model.n_states)
        weights, total = np.empty(shape), np.empty(self._model.n_states)
        for _ in range(self._model.horizon):
            q = (self._transition @ (reward + value)).reshape(shape)
            greatest = q.max(0)
            weights = np.exp(q - greatest)
            total = weights.sum(0)
            value = (greatest + np.log(total / len(weights))) * alive
        found: FloatArray = (weights / total).T
        return found
