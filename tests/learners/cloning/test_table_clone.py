"""Tables in closed form, on the chain of three states."""

from __future__ import annotations

import dataclasses

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec

from learners import bc
from learners.cloning.table_clone import Taught, action_weights, shown_ends, stand_ins
from learners.evaluation import evaluate
from learners.interface import Snapshot
from learners.policies import GaussianPolicy, TablePolicy
from recordings.demonstrations import Demonstrations
from tests.learners.conftest import LEFT, RIGHT


def last(
    config: bc.Config, data: Demonstrations, world: EnvSpec | None = None, **options: object
) -> Snapshot:
    *_, snapshot = bc.train(config, data, world, np.random.default_rng(0), **options)  # type: ignore[arg-type]
    return snapshot


def chain_labels(states: list[int], actions: list[int], *, arrived: bool = False) -> Demonstrations:
    """One episode of labels, the last of which leads to 2."""
    ended = np.zeros(len(states), bool)
    ended[-1] = arrived
    return Demonstrations.from_steps(
        np.array(states, np.int64),
        np.array(actions, np.int64),
        terminated=ended,
        final_observations=np.array([2]),
        observation_space=gym.spaces.Discrete(3),
        action_space=gym.spaces.Discrete(2),
    )


def test_a_table_holds_the_share_of_each_action() -> None:
    snapshot = last(bc.Config(smoothing=1.0), chain_labels([0, 0, 0, 1], [1, 1, 0, 1]))
    policy = snapshot.policy
    assert isinstance(policy, TablePolicy)
    expected = [[2 / 5, 3 / 5], [1 / 3, 2 / 3], [1 / 2, 1 / 2]]
    assert policy.probabilities(np.arange(3)) == pytest.approx(np.array(expected))
    log_likelihood = 2 * np.log(3 / 5) + np.log(2 / 5) + np.log(2 / 3)
    assert snapshot.metrics["loss"] == pytest.approx(-log_likelihood / 4)
    assert snapshot.metrics["accuracy"] == pytest.approx(3 / 4)
    assert snapshot.metrics["labels"] == 4
    assert snapshot.metrics["distinct_labels"] == 2


def test_any_demonstrated_action_is_right_where_several_were() -> None:
    assert last(bc.Config(), chain_labels([0, 0], [0, 1])).metrics["accuracy_ties"] == 1
    assert last(bc.Config(), chain_labels([0, 0], [0, 1])).metrics["accuracy"] == 0.5


def test_balanced_labels_count_the_same_for_every_action() -> None:
    """3 labels of left, 1 of right: a left counts 4 / (2 * 3), a right 4 / (2 * 1)."""
    assert action_weights(np.array([3.0, 1.0, 0.0]), "balanced") == pytest.approx([2 / 3, 2, 0])
    data = chain_labels([0, 0, 0, 0], [LEFT, LEFT, LEFT, RIGHT])
    for class_weights, expected in (("equal", [0.75, 0.25]), ("balanced", [0.5, 0.5])):
        policy = last(bc.Config(smoothing=1e-9, class_weights=class_weights), data).policy  # type: ignore[arg-type]
        assert isinstance(policy, TablePolicy)
        assert policy.probabilities(np.array([0]))[0] == pytest.approx(expected)


def test_a_table_goes_on_from_what_it_knew() -> None:
    first = last(bc.Config(), chain_labels([0], [1])).policy
    second = last(bc.Config(), chain_labels([1], [1]), start=first).policy
    assert second.act(np.arange(3)).tolist() == [1, 1, 0]


def test_a_table_of_means_for_box_actions() -> None:
    data = Demonstrations.from_pairs(
        np.array([0, 0, 1]),
        np.array([[1.0], [3.0], [-1.0]], np.float32),
        observation_space=gym.spaces.Discrete(2),
        action_space=gym.spaces.Box(-5, 5, (1,)),
    )
    policy = last(bc.Config(), data).policy
    assert isinstance(policy, GaussianPolicy)
    assert policy.act(np.array([0, 1])).tolist() == [[2.0], [-1.0]]
    assert np.exp(policy.arrays["log_std"]) == pytest.approx([np.sqrt(2 / 3)])


# -- states without label --------------------------------------------------------------------------------

MOVES = np.array([[0, 1], [0, 2], [2, 2]])
PLACES = np.array([[0.0], [1.0], [2.0]])


def test_a_stranger_asks_whoever_is_surest_of_the_way_back() -> None:
    """1 was never taught. Left leads back to 0 at once, right to 2; the first of them is left, which 2 prefers."""
    taught = Taught(
        np.array([[0.0, 3.0], [0.0, 0.0], [1.0, 0.0]]),
        np.array([True, False, True]),
        np.array([[0, 1], [0, 0], [1, 0]], bool),
    )
    assert stand_ins("return", taught, MOVES, PLACES).tolist() == [0, 2, 2]
    assert stand_ins("nearest", taught, MOVES, PLACES)[1] in (0, 2)
    assert stand_ins("none", taught, MOVES, PLACES).tolist() == [0, 1, 2]


def test_where_nobody_prefers_the_way_back_the_nearest_answers(chain: EnvSpec) -> None:
    """From 1 it goes back to 0 by left, which was taught nowhere."""
    data = chain_labels([0], [RIGHT])
    for fallback, expected in (("return", [1, 1, 1]), ("nearest", [1, 1, 1]), ("none", [1, 0, 0])):
        policy = last(bc.Config(fallback=fallback), data, chain).policy  # type: ignore[arg-type]
        assert policy.act(np.arange(3)).tolist() == expected


def test_a_stranger_does_not_borrow_certainty(chain: EnvSpec) -> None:
    policy = last(bc.Config(), chain_labels([0], [RIGHT]), chain).policy
    assert isinstance(policy, TablePolicy)
    assert policy.confidence(np.array([1])).tolist() == [0.5]


# -- circles ---------------------------------------------------------------------------------------------

CIRCLE = ([0, 1, 0, 1, 0, 1], [RIGHT, LEFT, RIGHT, LEFT, RIGHT, RIGHT])
"""0 and 1 point at each other, two times of three; then 1 leads to the end."""


def test_a_circle_is_left_where_an_end_was_shown(chain: EnvSpec) -> None:
    snapshot = last(bc.Config(smoothing=1e-9), chain_labels(*CIRCLE, arrived=True), chain)
    assert isinstance(snapshot.policy, TablePolicy)
    assert evaluate(snapshot.policy, chain).return_mean == 1
    assert snapshot.policy.probabilities(np.array([1]))[0] == pytest.approx([0.5, 0.5], abs=1e-3)
    assert snapshot.metrics["mended_states"] == 1


def test_the_demonstrators_own_actions_stand_unless_asked_to_arrive(chain: EnvSpec) -> None:
    arrived = chain_labels(*CIRCLE, arrived=True)
    assert last(bc.Config(arrive=False), arrived, chain).policy.act(np.array([0, 1])).tolist() == [1, 0]
    assert last(bc.Config(), chain_labels(*CIRCLE), chain).policy.act(np.array([0, 1])).tolist() == [1, 0]
    assert last(bc.Config(), arrived).policy.act(np.array([0, 1])).tolist() == [1, 0]


def test_an_end_counts_where_its_last_step_was_labelled() -> None:
    data = chain_labels(*CIRCLE, arrived=True)
    assert shown_ends(data).tolist() == [False, False, True]
    strayed = dataclasses.replace(data, labelled=np.array([True] * 5 + [False]))
    assert not shown_ends(strayed).any()
    assert not shown_ends(chain_labels(*CIRCLE)).any()
