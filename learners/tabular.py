"""Exact methods for worlds that can be written out as a table: planning and evaluation without a sample.

Everything here is finite-horizon, undiscounted unless asked, and exact up to rounding. The horizon is part of
the problem, not an approximation: where rewards can be collected in a circle, nothing is optimal without one.

Reading order: `plan` (backwards: the best anyone can do), `exact_return` (backwards: what a policy earns),
`propagate` and `occupancy` (forwards: where it goes). Source: Puterman 1994, ch. 4, finite-horizon problems.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from learners.interface import FloatArray, IntArray, TabularModel
from recordings.errors import UnderstudyError

BoolArray = npt.NDArray[np.bool_]

TIE = 1e-9
"""Two actions whose values differ by less than this are equally good."""
ROW_SUM_TOLERANCE = 1e-5
"""How far from 1 a policy's probabilities may sum, single precision in mind."""


class TabularError(UnderstudyError):
    """A table does not fit the world it is meant for."""


@dataclass(frozen=True)
class Plan:
    """The best anyone can do with H steps, in a world of S states and A actions."""

    values: FloatArray
    """(H + 1, S) the greatest expected return from each state after t steps; row H is 0."""
    lengths: FloatArray
    """(H + 1, S) expected steps until the episode ends, hurrying as far as the return allows."""
    optimal: BoolArray
    """(H, S, A) the actions that attain both, at each step."""

    def expected_return(self, model: TabularModel) -> float:
        """The optimum over the world's start states."""
        return float(model.starts @ self.values[0])

    def actions(self) -> IntArray:
        """(S,) the first optimal action of each state with the whole horizon ahead: a stationary policy."""
        first: IntArray = self.optimal[0].argmax(axis=1)
        return first

    def timed_actions(self) -> IntArray:
        """(H, S) the first optimal action of each state at each step."""
        first: IntArray = self.optimal.argmax(axis=2)
        return first


@dataclass(frozen=True)
class ExactReturn:
    """What a policy earns, with no sampling error."""

    mean: float
    """Expected return of an episode."""
    std: float
    """Standard deviation of an episode's return, over starts, the policy's draws and the world's."""
    length_mean: float
    """Expected steps of an episode."""
    success: float
    """Probability of arriving in a terminal state within the horizon."""
    values: FloatArray
    """(S,) expected return from each state."""


def plan(model: TabularModel, discount: float = 1.0, horizon: int | None = None) -> Plan:
    """Finite-horizon value iteration over `horizon` steps (the world's own by default).

    Equal returns are told apart by the expected length: without this, an undiscounted plan with time to spare
    finds stepping back and forth as good as walking home, and a stationary policy made of it never arrives.
    """
    steps = model.horizon if horizon is None else horizon
    transition = _transition_matrix(model)
    rewards = _expected_rewards(model)
    values = np.zeros((steps + 1, model.n_states))
    lengths = np.zeros((steps + 1, model.n_states))
    optimal = np.zeros((steps, model.n_states, model.n_actions), dtype=np.bool_)
    for step in reversed(range(steps)):
        ahead = transition @ np.stack([discount * values[step + 1], lengths[step + 1]], axis=1)
        ahead = ahead.reshape(model.n_actions, model.n_states, 2)
        returns = rewards + ahead[:, :, 0]
        values[step] = returns.max(axis=0)
        best = returns >= values[step] - TIE
        hurried = np.where(best, 1.0 + ahead[:, :, 1], np.inf)
        shortest = hurried.min(axis=0)
        lengths[step] = np.where(model.terminal, 0.0, shortest)
        optimal[step] = (best & (hurried <= shortest + TIE)).T
        if np.array_equal(values[step], values[step + 1]) and np.array_equal(
            lengths[step], lengths[step + 1]
        ):
            # More time changes nothing any more, and so it stays however much more there is.
            values[:step], lengths[:step], optimal[:step] = values[step], lengths[step], optimal[step]
            break
    return Plan(values, lengths, optimal)


def exact_return(model: TabularModel, policy: FloatArray, horizon: int | None = None) -> ExactReturn:
    """What a policy table earns from the world's starts.

    policy (S, A), stationary, or (H, S, A), one table a step; each row sums to 1.
    Raises TabularError on a table of another shape or whose rows are no distributions.
    """
    steps = model.horizon if horizon is None else horizon
    checked_policy(model, policy, steps)
    moments = np.zeros(4 * model.n_states)
    backup = None
    for step in reversed(range(steps)):
        if policy.ndim == 3 or backup is None:
            backup = _moment_backup(model, policy[step] if policy.ndim == 3 else policy)
            backup[0].eliminate_zeros()
        matrix, paid = backup
        moments = matrix @ moments + paid
    by_state = moments.reshape(4, model.n_states)
    mean, square, length, success = (float(total) for total in by_state @ model.starts)
    variance = square - mean * mean
    if variance < TIE * (1.0 + square):  # what is left after cancellation is rounding
        variance = 0.0
    return ExactReturn(mean, variance**0.5, length, success, by_state[0].copy())


def propagate(model: TabularModel, policy: FloatArray, horizon: int | None = None) -> FloatArray:
    """(H + 1, S): the probability of running in, or just having ended in, each state after t steps.

    Row t sums to the probability that the episode lasts t steps or more. Policy, errors: see `exact_return`.
    """
    steps = model.horizon if horizon is None else horizon
    checked_policy(model, policy, steps)
    arrivals = _transition_matrix(model).T.tocsr()
    distribution = np.zeros((steps + 1, model.n_states))
    distribution[0] = model.starts
    for step in range(steps):
        table = policy[step] if policy.ndim == 3 else policy
        distribution[step + 1] = arrivals @ (table.T * distribution[step]).ravel()
    return distribution


def occupancy(model: TabularModel, policy: FloatArray, horizon: int | None = None) -> FloatArray:
    """(S, A): how often an episode is expected to take each action in each state; sums to the mean length."""
    distribution = propagate(model, policy, horizon)[:-1]
    distribution[:, model.terminal] = 0.0
    if policy.ndim == 2:
        return np.asarray(distribution.sum(axis=0)[:, None] * policy)
    visits: FloatArray = np.einsum("ts,tsa->sa", distribution, policy)
    return visits


def deterministic(actions: IntArray, n_actions: int) -> FloatArray:
    """actions (..., S) -> policy table (..., S, A) that always takes them."""
    table: FloatArray = np.eye(n_actions)[actions]
    return table


def uniform_over(choices: BoolArray) -> FloatArray:
    """choices (..., S, A), at least one a row -> policy table that takes each with equal probability."""
    table: FloatArray = choices / choices.sum(axis=-1, keepdims=True)
    return table


def checked_policy(model: TabularModel, policy: FloatArray, steps: int) -> None:
    """Raise TabularError unless `policy` is a table of distributions that fits the world and the horizon."""
    stationary = (model.n_states, model.n_actions)
    if policy.shape not in (stationary, (steps, *stationary)):
        raise TabularError(
            f"policy table: shape: expected {stationary}, or {(steps, *stationary)} with one table a step, "
            f"found {policy.shape}."
        )
    off = float(np.abs(policy.sum(axis=-1) - 1.0).max(initial=0.0))
    lowest = float(policy.min(initial=0.0))
    if not off <= ROW_SUM_TOLERANCE or lowest < 0:  # written so that NaN is refused
        raise TabularError(
            f"policy table: expected rows that sum to 1 with nothing below 0, found a row off by {off:.3g} "
            f"and a lowest entry of {lowest:.3g}. Normalise it first."
        )


def _moment_backup(model: TabularModel, table: FloatArray) -> tuple[csr_array, FloatArray]:
    """One step back in time, as x <- matrix @ x + paid, for four expectations of the time that is left.

    x (4 * S,) stacks the return G of each state, its square, the steps, and the arrivals in a terminal state.
    The squares need E[(r + G)^2] = E[r^2] + 2 E[r G] + E[G^2], where r and the G after it hang together
    through the state reached: hence the second block of their rows, transitions weighted by what they pay.
    """
    n_states = model.n_states
    chances = _chances(model, table)
    rewards = model.rewards.reshape(n_states, -1)
    following = model.next_states.reshape(n_states, -1)
    entries = [chances, np.hstack([2 * chances * rewards, chances]), chances, chances]
    columns = [
        following,
        np.hstack([following, following + n_states]),
        following + 2 * n_states,
        following + 3 * n_states,
    ]
    row_lengths = np.repeat([block.shape[1] for block in entries], n_states)
    matrix = csr_array(
        (
            np.concatenate([block.ravel() for block in entries]),
            np.concatenate([block.ravel() for block in columns]),
            np.concatenate([[0], np.cumsum(row_lengths)]),
        ),
        shape=(4 * n_states, 4 * n_states),
    )
    paid = [
        (chances * rewards).sum(axis=1),
        (chances * rewards**2).sum(axis=1),
        (~model.terminal).astype(np.float64),
        (chances * model.terminal[following]).sum(axis=1),
    ]
    return matrix, np.concatenate(paid)


def _chances(model: TabularModel, table: FloatArray) -> FloatArray:
    """(S, A * K): the chance of each outcome under a table (S, A); none in terminal states."""
    chances: FloatArray = (model.probabilities * table[:, :, None]).reshape(model.n_states, -1)
    chances[model.terminal] = 0.0
    return chances


def _transition_matrix(model: TabularModel) -> csr_array:
    """(A * S, S), action by action: the chance of each next state. Nothing follows a terminal state."""
    chances = np.where(model.terminal[:, None, None], 0.0, model.probabilities).transpose(1, 0, 2)
    following = model.next_states.transpose(1, 0, 2)
    rows = model.n_actions * model.n_states
    row_starts = np.arange(rows + 1) * following.shape[2]
    matrix = csr_array((chances.ravel(), following.flatten(), row_starts), shape=(rows, model.n_states))
    matrix.eliminate_zeros()
    return matrix


def _expected_rewards(model: TabularModel) -> FloatArray:
    """(A, S), 0 in terminal states."""
    rewards: FloatArray = (model.probabilities * model.rewards).sum(axis=2)
    rewards[model.terminal] = 0.0
    return rewards.T.copy()
