"""Planning that is only as determined as its reward: soft values, soft policies, and where they lead.

Two readings of "paths are exponentially likelier the more they pay", which agree where nothing is left to chance:

  causal      V_t(s) = log sum_a exp( sum_k p_k (r_k + V_t+1(s'_k)) )          (Ziebart 2010, ch. 5 and 9)
  trajectory  V_t(s) = log sum_a sum_k p_k exp( r_k + V_t+1(s'_k) )            (Ziebart 2008, eq. 4)

In the first one chooses actions and bears their luck. In the second one chooses whole paths, luck included,
and so counts on good luck: it is optimistic where the dynamics are stochastic.

Finite horizon H, V_H = 0, terminal states absorb with V = 0. Everything is float64 over the model's index
arrays; nothing is S x S. Rewards are (S, A, K), one for each outcome, as in `TabularModel`.

Reading order: `soft_plan` and `soft_visits` (in logs, both readings), then `SoftWorld`: the same as sparse
products, several times faster, and where most of the time of a fit is spent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.sparse import csr_array

from learners.interface import FloatArray, IntArray, TabularModel

Reading = Literal["causal", "trajectory"]

LEAST = 1e-290
"""A weight below this, or above its inverse, is too near the ends of double precision to be divided by."""


@dataclass(frozen=True)
class SoftPlan:
    """What a soft planner expects and does, in a world of S states, A actions and H steps."""

    values: FloatArray
    """(H + 1, S) soft value in nats after t steps; row H and terminal states are 0."""
    policy: FloatArray
    """(H, S, A) one table a step; rows sum to 1."""


@dataclass(frozen=True)
class Visits:
    """What a soft planner is expected to do in one episode."""

    value: float
    """Soft value in nats over the start states: the log of the partition function."""
    reached: FloatArray
    """(S,) arrivals in each state; where an episode starts is not counted, where it ends is."""
    taken: FloatArray
    """(S, A) how often each action is taken in each state."""


def soft_plan(model: TabularModel, rewards: FloatArray, reading: Reading) -> SoftPlan:
    """The soft Bellman recursion from the horizon back, in logs. rewards (S, A, K), in nats."""
    following, log_chances, chances = _by_action(model)
    paid = np.ascontiguousarray(rewards.transpose(2, 1, 0))
    values = np.zeros((model.horizon + 1, model.n_states))
    policy = np.empty((model.horizon, model.n_actions, model.n_states))
    for step in reversed(range(model.horizon)):
        ahead = paid + values[step + 1][following]
        q = (chances * ahead).sum(0) if reading == "causal" else _log_sum_exp(log_chances + ahead)
        value = _log_sum_exp(q)
        policy[step] = np.exp(q - value)
        values[step] = np.where(model.terminal, 0.0, value)
    return SoftPlan(values, policy.transpose(0, 2, 1))


def soft_visits(
    model: TabularModel,
    rewards: FloatArray,
    starts: FloatArray,
    reading: Reading,
    entries: FloatArray | None = None,
) -> Visits:
    """What the soft planner is expected to do from `starts` (S,), in logs. entries: as in `SoftWorld.visits`."""
    plan = soft_plan(model, rewards, reading)
    following, log_chances, chances = _by_action(model)
    paid = rewards.transpose(2, 1, 0)
    alive = ~model.terminal
    present = np.where(alive, starts, 0.0)
    reached, taken = np.zeros(model.n_states), np.zeros((model.n_actions, model.n_states))
    for step in range(model.horizon):
        if entries is not None:
            present = present + np.where(alive, entries[step], 0.0)
        if reading == "causal":
            flow = chances * (present * plan.policy[step].T)
        else:
            # Paths are weighed whole, so luck is tilted as much as choices are.
            ahead = log_chances + paid + plan.values[step + 1][following]
            flow = present * np.exp(ahead - plan.values[step])
        taken += flow.sum(0)
        arrivals = np.bincount(following.ravel(), flow.ravel(), model.n_states)
        reached += arrivals
        present = np.where(alive, arrivals, 0.0)
    return Visits(_worth(plan.values, starts, entries), reached, taken.T.copy())


def _worth(values: FloatArray, starts: FloatArray, entries: FloatArray | None) -> float:
    """Soft value of who begins in `starts` and of who is put in later. values (H + 1, S)."""
    later = 0.0 if entries is None else float(np.vdot(entries, values[:-1]))
    return float(starts @ values[0]) + later


def _by_action(model: TabularModel) -> tuple[IntArray, FloatArray, FloatArray]:
    """next states, log chances and chances, each (K, A, S): sums over K and A then run along whole rows."""
    chances = np.ascontiguousarray(model.probabilities.transpose(2, 1, 0))
    with np.errstate(divide="ignore"):
        log_chances: FloatArray = np.log(chances)
    return np.ascontiguousarray(model.next_states.transpose(2, 1, 0)), log_chances, chances


def _log_sum_exp(terms: FloatArray) -> FloatArray:
    """Over the first axis; the greatest term is finite wherever some outcome can happen."""
    greatest: FloatArray = terms.max(0)
    if len(terms) == 1:
        return greatest
    floor = np.where(np.isfinite(greatest), greatest, 0.0)
    with np.errstate(divide="ignore"):
        total: FloatArray = floor + np.log(np.exp(terms - floor).sum(0))
    return total


class SoftWorld:
    """A model laid out for the many passes of one fit: sparse over the outcomes that can happen."""

    def __init__(self, model: TabularModel, reading: Reading) -> None:
        self.model, self.reading = model, reading
        s, a, k = model.next_states.shape
        possible = np.where(model.terminal[:, None, None], 0.0, model.probabilities)
        chances = possible.transpose(1, 0, 2).ravel()
        self._outcomes = np.flatnonzero(chances)
        columns = model.next_states.transpose(1, 0, 2).ravel()[self._outcomes]
        row_starts = np.searchsorted(self._outcomes, np.arange(a * s + 1) * k)
        # Sparse products like their indices short.
        self._columns, self._row_starts = columns.astype(np.int32), row_starts.astype(np.int32)
        self._transition = self._matrix(chances[self._outcomes])
        self._arrival = self._transition.T.tocsr()
        self._alive = (~model.terminal).astype(np.float64)
        self._is_certain = bool((model.probabilities.max(2) == 1.0).all())

    @property
    def minds_luck(self) -> bool:
        """There is chance, and one answers for one's choices alone."""
        return self.reading == "causal" and not self._is_certain

    def arrivals(self, taken: FloatArray) -> FloatArray:
        """taken (S, A), how often each action is taken in each state -> expected arrivals (S,) of it."""
        reached: FloatArray = self._arrival @ taken.T.ravel()
        return reached

    def visits(self, rewards: FloatArray, starts: FloatArray, entries: FloatArray | None = None) -> Visits:
        """What a soft planner is expected to do from `starts` (S,), paid `rewards` (S, A, K).

        entries (H, S): how many more, or fewer, are put into each state before each step by hand. Their soft
        values join in `value`, and what they go on to do in the counts.
        """
        if self.minds_luck:
            return self._causal_visits(rewards, starts, entries)
        found = self._path_visits(rewards, starts, entries)
        if found is None and self._is_certain:
            return self._causal_visits(rewards, starts, entries)
        return found or soft_visits(self.model, rewards, starts, "trajectory", entries)

    def policy(self, rewards: FloatArray) -> FloatArray:
        """The soft policy (H, S, A) of `rewards` (S, A, K), one table a step."""
        if self.reading == "causal" or self._is_certain:
            return self._causal_plan(rewards)[1].transpose(0, 2, 1)
        return soft_plan(self.model, rewards, "trajectory").policy

    def _matrix(self, weights: FloatArray) -> csr_array:
        """(A * S, S), action by action, of a weight for each outcome that can happen."""
        shape = (self.model.n_actions * self.model.n_states, self.model.n_states)
        return csr_array((weights, self._columns, self._row_starts), shape=shape)

    def _causal_plan(self, rewards: FloatArray) -> tuple[FloatArray, FloatArray]:
        """`soft_plan` of the causal reading: values (H + 1, S), policy (H, A, S), with luck in one sparse product."""
        model = self.model
        shape = (model.n_actions, model.n_states)
        paid = np.ascontiguousarray((model.probabilities * rewards).sum(2).T)
        values, policy = np.zeros((model.horizon + 1, model.n_states)), np.empty((model.horizon, *shape))
        for step in reversed(range(model.horizon)):
            q = (self._transition @ values[step + 1]).reshape(shape)
            q += paid
            greatest = q.max(0)
            q -= greatest
            weights = np.exp(q, out=policy[step])
            total = weights.sum(0)
            weights /= total
            values[step] = (greatest + np.log(total)) * self._alive
        return values, policy

    def _causal_visits(self, rewards: FloatArray, starts: FloatArray, entries: FloatArray | None) -> Visits:
        """`soft_visits` of the causal reading, in sparse products."""
        model, alive = self.model, self._alive
        values, policy = self._causal_plan(rewards)
        present = starts * alive
        reached, taken = np.zeros(model.n_states), np.zeros((model.n_actions, model.n_states))
        for step in range(model.horizon):
            flow = policy[step]
            flow *= present if entries is None else present + entries[step] * alive
            taken += flow
            arrivals = self._arrival @ flow.ravel()
            reached += arrivals
            present = arrivals * alive
        return Visits(_worth(values, starts, entries), reached, taken.T.copy())

    def _path_visits(
        self, rewards: FloatArray, starts: FloatArray, entries: FloatArray | None
    ) -> Visits | None:
        """`soft_visits` of the trajectory reading, without logs: with M_a(s, s') = sum of p exp r,

          Q_t = M_a Z_t+1                       Z_t = sum_a Q_t, 1 in terminal states
          Y_t+1 = sum_a transposed M_a Y_t      Y_0 = starts / Z_0, and to each Y_t is added entries_t / Z_t

        and Z_t Y_t is the chance of being in each state, Q_t Y_t that of taking an action there. None where
        numbers do not reach that far: then only logs will do.
        """
        model, terminal = self.model, self.model.terminal
        shape = (model.n_actions, model.n_states)
        chances = self._transition.data
        with np.errstate(over="ignore", invalid="ignore"):
            matrix = self._matrix(chances * np.exp(rewards.transpose(1, 0, 2).ravel()[self._outcomes]))
            transposed, arrived = matrix.T.tocsr(), terminal.astype(np.float64)
            q = np.empty((model.horizon, *shape))
            z, y = np.ones((model.horizon + 1, shape[1])), np.empty((model.horizon + 1, shape[1]))
            for step in reversed(range(model.horizon)):
                q[step] = (matrix @ z[step + 1]).reshape(shape)
                np.add(q[step].sum(0), arrived, out=z[step])
            if not (z.min() > LEAST and z.max() < 1 / LEAST):
                return None
            y[0] = np.where(terminal, 0.0, starts / z[0])
            each_action = np.empty(shape)
            for step in range(model.horizon):
                if entries is not None:
                    y[step] += entries[step] / z[step]
                each_action[:] = y[step]
                y[step + 1] = transposed @ each_action.ravel()
        reached = np.einsum("ts,ts->s", y[1:], z[1:])
        if entries is not None:
            reached -= entries[1:].sum(0)
        taken = np.einsum("ts,tas->sa", y[:-1], q)
        if not (np.isfinite(reached).all() and np.isfinite(taken).all()):
            return None
        return Visits(_worth(np.log(z), starts, entries), reached, taken)
