"""Inverse soft Q-learning on tables: the objective in closed form over counted steps (Garg et al. 2021, section 5).

What the numbers stand for is said in `iq_learn`. P = S * A pairs of state and action; one entry more, the last, is
staying in the absorbing state.

Reading order: Steps, counted, soft_values, objective, recovered, planned.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
from scipy.sparse import csr_array

from learners.interface import Array, FloatArray, IntArray


@dataclass(frozen=True)
class Steps:
    """N steps of either side. Discrete states and actions count from 0."""

    before: Array
    """(N, *o)"""
    actions: IntArray
    """(N,)"""
    after: Array
    """(N, *o)"""
    ended: Array
    """(N,) bool: the world ended there; time that ran out is no end."""

    def and_then(self, later: Steps) -> Steps:
        names = ("before", "actions", "after", "ended")
        return Steps(*(np.concatenate([getattr(self, name), getattr(later, name)]) for name in names))


@dataclass(frozen=True)
class Counted:
    """Steps of both sides by what was done: P pairs (s, a), s * A + a, and a last one, staying absorbed."""

    expert: FloatArray
    """(P + 1,) share of the demonstrations."""
    both: FloatArray
    """(P + 1,) mean of that and the share of the policy's own steps."""
    moves: csr_array
    """(P + 1, S + 1) chance of each state after a pair, as far as it was seen; the last state absorbs."""
    tried: Array
    """(P + 1,) bool: what is known to lead anywhere."""


def counted(expert: Steps, own: Steps, n_states: int, n_actions: int, discount: float) -> Counted:
    """An end counts as discount / (1 - discount) steps in the absorbing state: what is left of the discounted time."""
    n_pairs, stay = n_states * n_actions, discount / (1 - discount)
    shares, seen = [], np.zeros(0, dtype=np.int64)
    for steps in (expert, own):
        pairs = steps.before * n_actions + steps.actions
        counts = np.append(np.bincount(pairs, minlength=n_pairs).astype(float), steps.ended.sum() * stay)
        shares.append(counts / counts.sum())
        seen = np.append(seen, pairs * (n_states + 1) + np.where(steps.ended, n_states, steps.after))
    seen, times = np.unique(np.append(seen, n_pairs * (n_states + 1) + n_states), return_counts=True)
    pairs, after = np.divmod(seen, n_states + 1)
    total = np.bincount(pairs, times, minlength=n_pairs + 1)
    moves = csr_array((times / total[pairs], (pairs, after)), shape=(n_pairs + 1, n_states + 1))
    return Counted(shares[0], 0.5 * (shares[0] + shares[1]), moves, total > 0)


def soft_values(q: FloatArray, n_actions: int, temperature: float) -> tuple[FloatArray, FloatArray]:
    """q (P + 1,) -> V (S + 1,), pi (S, A). The absorbing state, where nothing is chosen, is worth its q."""
    table = q[:-1].reshape(-1, n_actions)
    greatest = table.max(1, keepdims=True)
    weights = np.exp((table - greatest) / temperature)
    total = weights.sum(1, keepdims=True)
    return np.append(greatest + temperature * np.log(total), q[-1]), weights / total


def recovered(
    q: FloatArray, steps: Counted, n_actions: int, discount: float, temperature: float
) -> FloatArray:
    """(P + 1,) the reward r = Q - g E V under which q is the soft optimum."""
    values, _ = soft_values(q, n_actions, temperature)
    return cast(FloatArray, q - discount * (steps.moves @ values))


def objective(
    q: FloatArray, steps: Counted, n_actions: int, discount: float, temperature: float, bound: float
) -> tuple[float, FloatArray]:
    """What is maximised, and its gradient, (P + 1,)."""
    values, policy = soft_values(q, n_actions, temperature)
    expected = steps.moves @ values
    reward = q - discount * expected
    earned = np.append(np.repeat(values[:-1], n_actions), values[-1]) - discount * expected
    value = steps.expert @ reward - steps.both @ (earned + reward**2 / (2 * bound))
    by_reward = steps.expert - steps.both * reward / bound
    # What a unit of V is worth in each state: it is lost where steps start, and comes back where they lead.
    by_value = steps.moves.T @ (discount * (steps.both - by_reward))
    by_value[:-1] -= steps.both[:-1].reshape(-1, n_actions).sum(1)
    by_value[-1] -= steps.both[-1]
    gradient = by_reward + np.append((by_value[:-1, None] * policy).ravel(), by_value[-1])
    return float(value), gradient


def planned(reward: FloatArray, steps: Counted, n_actions: int, discount: float) -> FloatArray:
    """(P + 1,) worth of each pair to who then does the best of what was tried: Q-learning, replayed to its end.

    What was never tried is taken to be as bad as the worst step for ever.
    """
    never = reward[steps.tried].min() / (1 - discount) - 1
    q = np.zeros_like(reward)
    while True:
        known = np.where(steps.tried, q, never)
        values = np.append(known[:-1].reshape(-1, n_actions).max(1), known[-1])
        following = reward + discount * (steps.moves @ values)
        if np.abs(following - q)[steps.tried].max() < 1e-7 * (1 + np.abs(reward).max()):
            return cast(FloatArray, np.where(steps.tried, following, never))
        q = following
