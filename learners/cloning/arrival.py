"""Where a table's most probable actions lead, and how to have them arrive where demonstrations ended.

A noisy demonstrator never circles for long: it draws its actions. Its most probable actions can, as two
neighbouring cells that point at each other; and where nobody ever was there is no action to take at all. Both
are mended here with the moves that the world, or one's own steps, are known to make. No reward is read.

  `ways_back`: from a state that was not shown, the fewest steps to one that was.
  `ways_on`: from a state that was shown, the way to an end that concedes least: at each step an action costs
      log p(most probable action) - log p(it), so the most probable actions themselves are free.

Both are shortest paths over a table of moves (S, A): where each action leads, -1 where nobody knows.
"""

from __future__ import annotations

from typing import cast

import numpy as np

from learners.interface import Array, FloatArray, IntArray, TabularModel

STEP = 1e-6  # nats
"""What each step costs beside its concession: of two free ways the shorter is taken, and none circles."""
WIN = 1e-3  # nats
"""By this the preferred action of `with_preference` beats those that are as probable."""


def likeliest_moves(model: TabularModel) -> IntArray:
    """(S, A): the state that each action most probably leads to."""
    likeliest = model.probabilities.argmax(2)[:, :, None]
    return np.take_along_axis(model.next_states, likeliest, axis=2)[:, :, 0]


def ways_back(moves: IntArray, shown: Array) -> IntArray:
    """moves (S, A), shown (S,) bool -> (S,): the action towards a shown state in the fewest steps.

    -1 where the state itself was shown, or no way back is known.
    """
    shown = np.asarray(shown, dtype=bool)
    ways, steps = cheapest_ways(moves, np.ones(moves.shape), shown)
    return cast(IntArray, np.where(shown | ~np.isfinite(steps), -1, ways))


def ways_on(moves: IntArray, logits: FloatArray, allowed: Array, ends: Array) -> IntArray:
    """moves, logits, allowed (S, A), ends (S,) bool -> (S,): the action towards an end that concedes least.

    Only `allowed` actions are taken. -1 at an end, and where they reach none.
    """
    concessions = logits.max(1, keepdims=True) - logits
    ways, cost = cheapest_ways(moves, np.where(allowed, concessions + STEP, np.inf), ends)
    return cast(IntArray, np.where(ends | ~np.isfinite(cost), -1, ways))


def cheapest_ways(moves: IntArray, costs: FloatArray, goals: Array) -> tuple[IntArray, FloatArray]:
    """moves, costs over 0 (S, A), goals (S,) bool -> the first action (S,) and cost (S,) of the cheapest way.

    Bellman and Ford's iteration; the cost is infinite where no goal can be reached.
    """
    distance = np.where(goals, 0.0, np.inf)
    while True:
        ahead = costs + np.where(moves >= 0, distance[moves], np.inf)
        shorter = np.minimum(distance, ahead.min(1))
        if np.array_equal(shorter, distance):
            return ahead.argmin(1), distance
        distance = shorter


def arriving(model: TabularModel, actions: IntArray, ends: Array) -> Array:
    """actions (S,), ends (S,) bool -> (S,) bool: some chance, be it by luck, brings one to an end."""
    states = np.arange(model.n_states)
    following = model.next_states[states, actions]
    possible = model.probabilities[states, actions] > 0
    arrives = np.asarray(ends, dtype=bool)
    while True:
        more = arrives | (possible & arrives[following]).any(1)
        if np.array_equal(more, arrives):
            return arrives
        arrives = more


def with_preference(logits: FloatArray, action: int) -> FloatArray:
    """logits (A,) -> logits (A,) of the nearest distribution in which no action is likelier than this one.

    Nearest in KL(given | answer), that is, the most likely one: the actions above it share their probability
    with it equally.
    """
    shares = np.exp(logits - logits.max())
    pool = [action]
    for other in np.argsort(-shares, kind="stable"):
        if other != action and shares[other] > shares[pool].mean():
            pool.append(int(other))
    shares[pool] = shares[pool].mean()
    preferred = np.log(shares)
    preferred[action] += WIN
    return cast(FloatArray, preferred)
