"""The map of GridWorld: which cells cost, where an episode may start, and where each action leads.

Cells are numbered row by row from the top left; the goal is the last cell, at the bottom right.
Rules after the GridWorld of the imitation learning tutorial (tsmatz), itself after Boularias et al. 2011.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from learners.interface import FloatArray, IntArray, TabularModel
from teleop.worlds.errors import WorldError

UP, DOWN, LEFT, RIGHT = range(4)
GOAL_REWARD = 10.0
PENALTY = -1.0
"""Paid on reaching a penalty cell, and on bumping into the border."""
SLIP_SUCCESS = 0.7
"""Under slip, the chance that the action does what was asked; the other three share the rest equally."""


@dataclass(frozen=True, eq=False)
class GridWorldMap:
    """A square of side * side cells, S in all, written out once and shared by every environment on it."""

    side: int
    """Cells along each edge."""
    penalty: npt.NDArray[np.bool_]
    """(S,) reaching this cell costs 1."""
    lossless_steps: IntArray
    """(S,) fewest steps to the goal without any loss; -1 where there is no such way."""
    starts: IntArray
    """The cells an episode may start from: free cells with a lossless way to the goal, in ascending order."""
    next_cells: IntArray
    """(S, 4) where each action leads; the goal leads to itself."""
    rewards: FloatArray
    """(S, 4) what that move pays; 0 at the goal."""

    @property
    def n_cells(self) -> int:
        return self.side * self.side

    @property
    def goal(self) -> int:
        return self.n_cells - 1

    def tabular_model(self, *, slip: bool = False, horizon: int = 200) -> TabularModel:
        """The whole world as a table: one outcome an action, or four (up, down, left, right) under slip."""
        starts = np.zeros(self.n_cells)
        starts[self.starts] = 1 / len(self.starts)
        outcomes = 4 if slip else 1
        shape = (self.n_cells, 4, outcomes)
        chances = _slip_chances() if slip else np.ones((4, 1))
        next_cells = self.next_cells[:, None, :] if slip else self.next_cells[:, :, None]
        rewards = self.rewards[:, None, :] if slip else self.rewards[:, :, None]
        return TabularModel(
            next_states=np.broadcast_to(next_cells, shape).copy(),
            probabilities=np.broadcast_to(chances, shape).copy(),
            rewards=np.broadcast_to(rewards, shape).copy(),
            terminal=np.arange(self.n_cells) == self.goal,
            starts=starts,
            horizon=horizon,
            coordinates=np.stack(np.divmod(np.arange(self.n_cells), self.side), axis=1).astype(np.float64),
        )


@lru_cache(maxsize=8)
def draw_map(seed: int = 1000, side: int = 50) -> GridWorldMap:
    """Draw the map of a seed: floor((S - 1) / 3) penalty cells anywhere but on the goal.

    Raises WorldError where both neighbours of the goal cost, so that no lossless way exists.
    """
    n_cells = side * side
    penalty = np.zeros(n_cells, dtype=np.bool_)
    penalty[np.random.default_rng(seed).choice(n_cells - 1, size=(n_cells - 1) // 3, replace=False)] = True
    return map_with(penalty)


def map_with(penalty: npt.NDArray[np.bool_]) -> GridWorldMap:
    """The map with these penalty cells, (S,) with S a square number; the goal itself is never one."""
    side = round(len(penalty) ** 0.5)
    if side * side != len(penalty) or side < 2 or penalty[-1]:
        raise WorldError(
            f"GridWorld map: penalty: expected side * side cells (side at least 2) with a free last cell, "
            f"found {len(penalty)} cells, last one {'costly' if penalty[-1:].any() else 'free'}."
        )
    next_cells, rewards = _moves(side, penalty)
    lossless_steps = _lossless_steps(side, penalty)
    starts = np.flatnonzero((lossless_steps > 0) & ~penalty)
    if not len(starts):
        raise WorldError(
            "GridWorld map: expected a lossless way to the goal, found penalties on both cells beside it. "
            "Choose another map_seed (1000 is the usual one)."
        )
    for array in (penalty, lossless_steps, starts, next_cells, rewards):
        array.flags.writeable = False
    return GridWorldMap(side, penalty, lossless_steps, starts, next_cells, rewards)


def _moves(side: int, penalty: npt.NDArray[np.bool_]) -> tuple[IntArray, FloatArray]:
    """Where each action leads and what it pays, both (S, 4); a bump at the border stays and costs 1."""
    row, column = np.divmod(np.arange(side * side), side)
    new_row = np.stack([row - 1, row + 1, row, row], axis=1)
    new_column = np.stack([column, column, column - 1, column + 1], axis=1)
    inside = (new_row >= 0) & (new_row < side) & (new_column >= 0) & (new_column < side)
    here = np.arange(side * side)[:, None]
    next_cells = np.where(inside, new_row * side + new_column, here)
    goal = side * side - 1
    rewards = np.where(~inside | penalty[next_cells], PENALTY, 0.0)
    rewards[inside & (next_cells == goal)] = GOAL_REWARD
    next_cells[goal] = goal
    rewards[goal] = 0.0
    return next_cells, rewards


def _lossless_steps(side: int, penalty: npt.NDArray[np.bool_]) -> IntArray:
    """Breadth first from the goal over free cells. A penalty cell may be left without loss, never entered."""
    steps = np.full(side * side, -1, dtype=np.int64)
    goal = side * side - 1
    steps[goal] = 0
    frontier = deque([goal])
    while frontier:
        cell = frontier.popleft()
        if penalty[cell]:
            continue
        for neighbour in _neighbours(cell, side):
            if steps[neighbour] < 0:
                steps[neighbour] = steps[cell] + 1
                frontier.append(neighbour)
    return steps


def _neighbours(cell: int, side: int) -> list[int]:
    row, column = divmod(cell, side)
    beside = ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1))
    return [r * side + c for r, c in beside if 0 <= r < side and 0 <= c < side]


def _slip_chances() -> FloatArray:
    """(4, 4): the chance that a chosen action (row) turns into another (column)."""
    others = (1 - SLIP_SUCCESS) / 3
    return np.full((4, 4), others) + np.eye(4) * (SLIP_SUCCESS - others)
