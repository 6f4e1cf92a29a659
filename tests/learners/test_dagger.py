"""Gates and the loop that cloning and DAgger share."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec

from learners import bc, dagger
from learners.errors import NothingToLearnError, UnsupportedWorldError
from learners.evaluation import evaluate
from learners.gates import BetaGate, ExpertGate, UncertaintyGate, beta_of_round
from learners.interface import Array, FloatArray, Snapshot
from recordings.demonstrations import Demonstrations

RNG = np.random.default_rng(0)


class Sure:
    """A student that is sure of even observations alone."""

    def act(self, observations: Array, rng: np.random.Generator | None = None) -> Array:
        return np.zeros(len(observations), np.int64)

    def confidence(self, observations: Array) -> FloatArray:
        return np.where(observations % 2 == 0, 0.9, 0.5)


class Right:
    """An expert who always goes right, and remembers what it was asked."""

    name = "right"

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def act(self, observation: Any, tick: int) -> int:
        self.asked.append(observation)
        return 1


class Silent(Right):
    def act(self, observation: Any, tick: int) -> Any:
        return None


def test_the_uncertainty_gate_hands_over_where_unsure_and_in_circles() -> None:
    gate = UncertaintyGate(0.6)
    gate.begin_episode()
    wants = [gate.wants_expert(state, Sure(), RNG) for state in (2, 3, 4, 2)]
    assert wants == [False, True, False, True]
    gate.begin_episode()
    assert not gate.wants_expert(2, Sure(), RNG)
    patient = UncertaintyGate(0.6, on_revisit=False)
    assert [patient.wants_expert(2, Sure(), RNG) for _ in range(2)] == [False, False]


def test_the_uncertainty_gate_needs_a_student_that_knows_itself() -> None:
    class Mute:
        def act(self, observations: Array, rng: np.random.Generator | None = None) -> Array:
            return observations

    with pytest.raises(UnsupportedWorldError, match="Use the gate `beta`"):
        UncertaintyGate().wants_expert(np.zeros(2), Mute(), RNG)
    with pytest.raises(ValueError, match="threshold"):
        UncertaintyGate(1.5)


def test_the_other_gates() -> None:
    assert ExpertGate().wants_expert(0, Sure(), RNG)
    assert BetaGate(1.0).wants_expert(0, Sure(), RNG)
    assert not BetaGate(0.0).wants_expert(0, Sure(), RNG)
    share = np.mean([BetaGate(0.3).wants_expert(0, Sure(), RNG) for _ in range(4000)])
    assert share == pytest.approx(0.3, abs=0.03)
    with pytest.raises(ValueError, match="beta"):
        BetaGate(-0.1)


def test_the_schedules() -> None:
    table = {
        "first-only": [1, 0, 0],
        "exponential": [1, 0.5, 0.25],
        "linear": [1, 0.5, 0],
        "constant": [0.2, 0.2, 0.2],
    }
    for schedule, betas in table.items():
        assert [beta_of_round(schedule, i, 3, 0.2) for i in range(3)] == betas  # type: ignore[arg-type]


def labels(states: list[int], labelled: list[bool] | None = None) -> Demonstrations:
    return Demonstrations.from_steps(
        np.array(states),
        np.ones(len(states), np.int64),
        labelled=None if labelled is None else np.array(labelled),
        observation_space=gym.spaces.Discrete(3),
        action_space=gym.spaces.Discrete(2),
    )


def test_cloning_is_the_loop_with_one_round_of_the_expert(chain: EnvSpec) -> None:
    config = dagger.Config(rounds=1, gate="beta", labels_per_round=4)
    expert = Right()
    snapshots = list(dagger.train(config, None, chain, np.random.default_rng(0), expert=expert))
    assert [snapshot.step for snapshot in snapshots] == [1]
    assert expert.asked == [0, 1, 0, 1]
    cloned = list(bc.train(config.student, labels([0, 1, 0, 1]), chain, np.random.default_rng(0)))[-1]
    assert (snapshots[-1].policy.act(np.arange(3)) == cloned.policy.act(np.arange(3))).all()


def test_the_loop_aggregates_and_ends_when_nothing_is_left_to_ask() -> None:
    rounds = iter([labels([0, 1], [True, False]), labels([1, 1]), labels([0], [False])])
    asked: list[dagger.Round] = []

    def sample(round_: dagger.Round) -> Demonstrations:
        asked.append(round_)
        return next(rounds)

    fitted: list[list[int]] = []

    def fit(data: Demonstrations, student: Any) -> Snapshot:
        fitted.append(data.pairs()[0].tolist())
        return Snapshot(1, Sure())

    snapshots = list(dagger.imitate(sample, fit, [1.0, 0.5, 0.25, 0.125]))
    assert fitted == [[0], [0, 1, 1]]
    assert [s.metrics["labels"] for s in snapshots] == [1, 3]
    assert [s.metrics["distinct_labels"] for s in snapshots] == [1, 2]
    assert [s.env_steps for s in snapshots] == [2, 4]
    assert [(r.index, r.beta, r.student is None) for r in asked] == [
        (0, 1.0, True),
        (1, 0.5, False),
        (2, 0.25, False),
    ]


def test_joined_demonstrations_keep_their_episodes() -> None:
    joined = dagger.concatenate([labels([0, 1]), labels([2])])
    assert joined.observations.tolist() == [0, 1, 2]
    assert joined.starts.tolist() == [0, 2]
    assert joined.lengths.tolist() == [2, 1]


def test_a_student_asks_only_where_it_was_not_taught(chain: EnvSpec) -> None:
    config = dagger.Config(rounds=5, labels_per_round=1, steps_per_round=50)
    expert = Right()
    snapshots = list(dagger.train(config, None, chain, np.random.default_rng(0), expert=expert))
    assert expert.asked == [0, 1]
    assert evaluate(snapshots[-1].policy, chain).return_mean == 1


def test_what_is_known_already_is_fitted_first(chain: EnvSpec) -> None:
    expert = Right()
    config = dagger.Config(rounds=3, labels_per_round=1, steps_per_round=50)
    snapshots = list(dagger.train(config, labels([0]), chain, np.random.default_rng(0), expert=expert))
    assert expert.asked == [1]
    assert snapshots[-1].metrics["labels"] == 2


def test_under_the_beta_gate_every_state_is_labelled(chain: EnvSpec) -> None:
    practice = dagger.Practice(
        dagger.Config(gate="beta", labels_per_round=7), chain, Right(), np.random.default_rng(0)
    )
    data = practice(dagger.Round(3, 0.0, Sure()))
    assert data.observations.tolist() == [0] * 7, "the student goes left and stays"
    assert data.labelled.all()
    assert data.pairs()[1].tolist() == [1] * 7
    assert data.lengths.tolist() == [5, 2]
    assert data.truncated.tolist() == [False] * 4 + [True, False, False]


def test_silence_is_not_an_action(chain: EnvSpec) -> None:
    with pytest.raises(NothingToLearnError, match="found silence"):
        list(dagger.train(dagger.Config(), None, chain, np.random.default_rng(0), expert=Silent()))


def test_dagger_needs_an_expert(chain: EnvSpec) -> None:
    with pytest.raises(NothingToLearnError, match="found no expert"):
        dagger.train(dagger.Config(), None, chain, np.random.default_rng(0))
