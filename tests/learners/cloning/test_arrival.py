"""Ways to an end, on tables of moves small enough to walk by hand."""

from __future__ import annotations

import numpy as np
import pytest

from learners.cloning.arrival import (
    arriving,
    cheapest_ways,
    likeliest_moves,
    ways_back,
    ways_on,
    with_preference,
)
from learners.interface import TabularModel
from tests.learners.conftest import LEFT, RIGHT, Chain

FOUR = np.array([[0, 1], [0, 2], [1, 3], [-1, -1]])
"""Four states in a row; left stays at 0, and nobody ever left 3."""


def test_an_action_leads_where_it_most_probably_does() -> None:
    model = TabularModel(
        next_states=np.array([[[0, 1]], [[0, 1]]]),
        probabilities=np.array([[[0.4, 0.6]], [[0.7, 0.3]]]),
        rewards=np.zeros((2, 1, 2)),
        terminal=np.zeros(2, bool),
        starts=np.array([1.0, 0.0]),
        horizon=5,
    )
    assert likeliest_moves(model).tolist() == [[1], [0]]


def test_the_shortest_way_back_to_what_was_shown() -> None:
    assert ways_back(FOUR, np.array([False, False, True, False])).tolist() == [RIGHT, RIGHT, -1, -1]
    assert ways_back(FOUR, np.array([True, False, False, False])).tolist() == [-1, LEFT, LEFT, -1]


def test_a_way_costs_what_its_steps_cost() -> None:
    """From 0, one step of 5 or two of 1 lead to 2."""
    moves = np.array([[2, 1], [2, 2], [2, 2]])
    ways, costs = cheapest_ways(
        moves, np.array([[5.0, 1.0], [1.0, 3.0], [1.0, 1.0]]), np.array([False, False, True])
    )
    assert ways[:2].tolist() == [1, 0]
    assert costs.tolist() == [2, 1, 0]


def test_the_way_on_leaves_the_circle_where_it_concedes_least() -> None:
    """0 and 1 point at each other. To 3 it goes through 2, or from 0 at once; the first concedes log 2, the
    second log 9."""
    moves = np.array([[1, 3], [0, 2], [2, 3], [3, 3]])
    logits = np.log(np.array([[0.9, 0.1], [2 / 3, 1 / 3], [0.5, 0.5], [0.5, 0.5]]))
    ends = np.array([False, False, False, True])
    everything = np.ones((4, 2), bool)
    assert ways_on(moves, logits, everything, ends).tolist() == [0, 1, 1, -1]
    without = everything & ~np.array([[0, 0], [0, 1], [0, 0], [0, 0]], bool)
    assert ways_on(moves, logits, without, ends).tolist() == [1, 0, 1, -1]
    assert ways_on(moves, logits, everything, ends & False).tolist() == [-1] * 4


def test_whoever_may_arrive_by_luck_arrives() -> None:
    chain = Chain().tabular_model()
    end = np.array([False, False, True])
    assert arriving(chain, np.array([RIGHT, LEFT, LEFT]), end).tolist() == [False, False, True]
    assert arriving(chain, np.array([RIGHT, RIGHT, LEFT]), end).tolist() == [True, True, True]
    lucky = TabularModel(
        next_states=np.array([[[0, 1]], [[1, 1]]]),
        probabilities=np.array([[[0.9, 0.1]], [[1.0, 0.0]]]),
        rewards=np.zeros((2, 1, 2)),
        terminal=np.array([False, True]),
        starts=np.array([1.0, 0.0]),
        horizon=5,
    )
    assert arriving(lucky, np.zeros(2, np.int64), np.array([False, True])).tolist() == [True, True]


@pytest.mark.parametrize(
    ("shares", "action", "expected"),
    [
        ([0.7, 0.1, 0.2], 2, [0.45, 0.1, 0.45]),
        ([0.5, 0.4, 0.1], 2, [1 / 3, 1 / 3, 1 / 3]),
        ([0.6, 0.25, 0.15], 2, [0.375, 0.25, 0.375]),
        ([0.7, 0.1, 0.2], 0, [0.7, 0.1, 0.2]),
    ],
)
def test_a_preference_is_shared_out_among_those_above(
    shares: list[float], action: int, expected: list[float]
) -> None:
    logits = with_preference(np.log(shares), action)
    assert np.exp(logits) / np.exp(logits).sum() == pytest.approx(expected, abs=1e-3)
    assert logits.argmax() == action
