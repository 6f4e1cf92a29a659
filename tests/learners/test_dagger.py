"""Gates and the loop that cloning and DAgger share."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec

from learners import bc, dagger
from learners.asking.gates import BetaGate, ExpertGate, Gate
from learners.asking.practice import Practice, Round, Tally
from learners.errors import NothingToLearnError
from learners.evaluation import evaluate
from learners.interface import Array, Expert, Snapshot
from recordings.demonstrations import Demonstrations


class Lefty:
    """A student that always goes left."""

    def act(self, observations: Array, rng: np.random.Generator | None = None) -> Array:
        return np.zeros(len(observations), np.int64)


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
    asked: list[Round] = []

    def sample(round_: Round) -> Demonstrations:
        asked.append(round_)
        return next(rounds)

    fitted: list[list[int]] = []

    def fit(data: Demonstrations, student: Any) -> Snapshot:
        fitted.append(data.pairs()[0].tolist())
        return Snapshot(1, Lefty())

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


def practice(
    chain: EnvSpec, expert: Expert, gate: Gate, labels: int, *, steps: int = 100, noise: Any = 0.0
) -> Practice:
    return Practice(
        chain,
        expert,
        gate,
        np.random.default_rng(0),
        labels_per_round=lambda _: labels,
        steps_per_round=steps,
        noise=noise,
    )


def test_a_student_is_not_asked_again_what_it_was_taught_before(chain: EnvSpec) -> None:
    *_, taught = bc.train(bc.Config(), labels([0]), chain, np.random.default_rng(0))
    expert = Right()
    config = dagger.Config(labels_per_round=1, steps_per_round=50)
    list(dagger.train(config, None, chain, np.random.default_rng(0), expert=expert, start=taught.policy))
    assert expert.asked == [1]


def test_under_the_beta_gate_every_state_is_labelled(chain: EnvSpec) -> None:
    sampler = practice(chain, Right(), BetaGate(0.0), 7)
    data = sampler(Round(3, 0.0, Lefty()))
    assert data.observations.tolist() == [0] * 7, "the student goes left and stays"
    assert data.labelled.all()
    assert data.pairs()[1].tolist() == [1] * 7
    assert data.lengths.tolist() == [5, 2]
    assert data.truncated.tolist() == [False] * 4 + [True, False, False]
    assert sampler.tally.metrics() == {
        "takeovers": 0, "switches": 0, "takeover_length": 0, "autonomous": 1, "return_assisted": 0,
    }  # fmt: skip


def test_an_episode_goes_on_in_the_next_round(chain: EnvSpec) -> None:
    sampler = practice(chain, Right(), BetaGate(0.0), 3)
    rounds = [sampler(Round(i, 0.0, Lefty())) for i in range(2)]
    assert [data.truncated.tolist() for data in rounds] == [[False] * 3, [False, True, False]]
    assert [data.lengths.tolist() for data in rounds] == [[3], [2, 1]]


def test_on_discrete_states_a_takeover_is_seen_through_unless_the_labels_are_used_up(chain: EnvSpec) -> None:
    assert practice(chain, Right(), ExpertGate(), 1)(Round(0, 0.0, Lefty())).observations.tolist() == [0, 1]
    cut = practice(chain, Right(), ExpertGate(), 1)(Round(0, 0.0, Lefty(), labels_left=1))
    assert cut.observations.tolist() == [0]


def test_no_more_labels_are_given_than_there_are(chain: EnvSpec) -> None:
    config = dagger.Config(labels=5, gate="expert", labels_per_round=2)
    expert = Right()
    *_, last = dagger.train(config, None, chain, np.random.default_rng(0), expert=expert)
    assert len(expert.asked) == last.metrics["labels"] == 5


def test_training_ends_when_it_changes_nothing(chain: EnvSpec) -> None:
    config = dagger.Config(gate="expert", labels_per_round=2, settled=0.01)
    snapshots = list(dagger.train(config, None, chain, np.random.default_rng(0), expert=Right()))
    assert [snapshot.metrics["changed"] for snapshot in snapshots] == [1.0, 0.0, 0.0]


def test_the_metrics_say_how_the_student_does_alone_and_with_help(chain: EnvSpec) -> None:
    *_, last = dagger.train(
        dagger.Config(steps_per_round=50), None, chain, np.random.default_rng(0), expert=Right()
    )
    assert last.metrics["return_alone"] == 1
    assert last.metrics["return_assisted"] == 1


def test_a_tally_by_hand() -> None:
    tally = Tally()
    tally.begin_episode()
    for is_last, expert_drives in enumerate([False, True, True, False, True]):
        tally.count(expert_drives, 1.0, is_last == 4)
    tally.begin_episode()
    for expert_drives in (True, False, False):
        tally.count(expert_drives, 1.0, False)
    assert tally.metrics() == {
        "takeovers": 3, "switches": 4, "takeover_length": 4 / 3, "autonomous": 0.5, "return_assisted": 5,
    }  # fmt: skip


def test_who_is_asked_and_stays_silent_leaves_the_driving_to_the_student(chain: EnvSpec) -> None:
    data = practice(chain, Silent(), ExpertGate(), 1, steps=3)(Round(1, 0.0, Lefty()))
    assert not data.labelled.any()
    assert data.observations.tolist() == [0, 0, 0]


def test_dart_disturbs_what_is_executed_and_leaves_the_labels_clean(chain: EnvSpec) -> None:
    data = practice(chain, Right(), ExpertGate(), 4, noise=1.0)(Round(0, 1.0, None))
    assert data.observations.tolist() == [0] * 5, "disturbed, the expert goes left"
    assert data.pairs()[1].tolist() == [1] * 5


def test_dart_estimates_its_level_from_the_students_error(chain: EnvSpec) -> None:
    sampler = practice(chain, Right(), ExpertGate(), 2, noise="estimated")
    assert sampler(Round(0, 1.0, Lefty())).observations.tolist() == [0, 1], "nothing is estimated yet"
    assert sampler(Round(1, 0.0, Lefty())).observations.tolist() == [0] * 5, "the student is always wrong"


@pytest.mark.parametrize("gate", ["expert", "beta", "human", "uncertainty", "novelty", "ensemble", "thrifty"])
def test_every_gate_teaches_the_way(chain: EnvSpec, gate: Any) -> None:
    config = dagger.Config(gate=gate, labels=30, rounds=5, steps_per_round=50)
    *_, last = dagger.train(config, None, chain, np.random.default_rng(0), expert=Right())
    assert last.policy.act(np.arange(2)).tolist() == [1, 1]


def test_silence_is_not_an_action(chain: EnvSpec) -> None:
    with pytest.raises(NothingToLearnError, match="found silence"):
        list(dagger.train(dagger.Config(), None, chain, np.random.default_rng(0), expert=Silent()))


def test_dagger_needs_an_expert(chain: EnvSpec) -> None:
    with pytest.raises(NothingToLearnError, match="found no expert"):
        dagger.train(dagger.Config(), None, chain, np.random.default_rng(0))
