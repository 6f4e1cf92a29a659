"""Cloning from observation, on worlds whose every transition can be counted by hand."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium.envs.registration import EnvSpec
from torch.nn import functional

from learners import LEARNERS, bco
from learners.errors import NothingToLearnError, UnsupportedWorldError
from learners.evaluation import evaluate
from learners.interface import FloatArray, Snapshot
from learners.policies import CategoricalPolicy, TablePolicy
from recordings import Driver, Header, Outcome, Recorder
from recordings.demonstrations import Demonstrations, Filter, load
from recordings.errors import InvalidRow

NO_STEPS = bco.OwnTransitions(*(np.empty(0, np.int64) for _ in range(3)))
QUICK = bco.Config(exploration=200, iterations=2)


def last(config: bco.Config, data: Demonstrations, world: EnvSpec | None, **options: object) -> Snapshot:
    *_, snapshot = bco.train(config, data, world, np.random.default_rng(0), **options)  # type: ignore[arg-type]
    return snapshot


def chain_seen(actions: list[int] | None = None) -> Demonstrations:
    """One walk through the chain: 0, 1, 2."""
    return Demonstrations.from_steps(
        np.array([0, 1]),
        None if actions is None else np.array(actions),
        final_observations=np.array([2]),
        observation_space=gym.spaces.Discrete(3),
        action_space=gym.spaces.Discrete(2),
    )


def counted(steps: list[tuple[int, int, int]], **options: object) -> bco.CountedInverse:
    before, actions, after = np.array(steps).T
    given: dict[str, object] = {"coordinates": None, "pooling": 0.0} | options
    return bco.CountedInverse(bco.OwnTransitions(before, after, actions), 3, 2, **given)  # type: ignore[arg-type]


def causes(inverse: bco.CountedInverse, before: int, after: int) -> FloatArray:
    return inverse.causes(np.array([before]), np.array([after]))[0]


# -- what is read ----------------------------------------------------------------------------------------


def test_the_last_transition_of_an_episode_leads_to_what_was_seen_after_it() -> None:
    data = Demonstrations.from_steps(
        np.array([0, 1, 0]),
        None,
        lengths=np.array([2, 1]),
        final_observations=np.array([2, 1]),
        observation_space=gym.spaces.Discrete(3),
        action_space=gym.spaces.Discrete(2),
    )
    assert bco.demonstrated(data).after.tolist() == [1, 2, 1]


def test_wrong_actions_change_nothing(chain: EnvSpec) -> None:
    without = last(QUICK, chain_seen(), chain).policy
    wrong = last(QUICK, chain_seen([0, 0]), chain).policy
    assert isinstance(without, TablePolicy)
    assert isinstance(wrong, TablePolicy)
    for name, array in without.arrays.items():
        assert np.array_equal(array, wrong.arrays[name])
    assert without.act(np.array([0, 1])).tolist() == [1, 1]


def test_a_state_only_recording_leaks_no_action(tmp_path: Path) -> None:
    env = gym.make("CartPole-v1")
    path = tmp_path / "seen.h5"
    with Recorder(path, Header.for_env(env)) as recorder:
        observation, _ = env.reset(seed=3)
        recorder.begin_episode(observation, seed=3)
        for action in (1, 0, 1):
            observation, reward, *_ = env.step(action)
            step = recorder.step(action, float(reward), False, False, observation, driver=Driver.HUMAN)
            recorder.label(step, action, labeler="human", kind=0)
        recorder.end_episode(Outcome.UNKNOWN)
    for actions in ("executed", "labelled"):
        data = load(path, Filter(state_only=True, actions=actions))  # type: ignore[arg-type]
        assert data.actions is None
        assert not data.labelled.any()
        held = [getattr(data, each.name) for each in dataclasses.fields(data)]
        integers = [each for each in held if isinstance(each, np.ndarray) and each.dtype.kind in "iu"]
        assert sorted(each.tolist() for each in integers) == [[0], [3]]  # starts and lengths alone
        with pytest.raises(InvalidRow, match="expected actions"):
            data.pairs()


# -- the inverse model -----------------------------------------------------------------------------------


def test_the_cause_of_a_counted_transition() -> None:
    inverse = counted([(0, 1, 1), (0, 0, 0)])
    assert causes(inverse, 0, 1).tolist() == [0, 1]
    assert causes(inverse, 0, 0).tolist() == [1, 0]


def test_how_often_an_action_is_chosen_does_not_make_it_a_likelier_cause() -> None:
    """In 0, left bumps always and right in one of two: 2 to 1, though right was taken ten times as often."""
    inverse = counted([(0, 0, 0), *[(0, 1, 0)] * 5, *[(0, 1, 1)] * 5])
    assert causes(inverse, 0, 0) == pytest.approx(np.array([2 / 3, 1 / 3]))


def test_nothing_is_known_of_a_transition_that_never_happened() -> None:
    assert causes(counted([(0, 1, 1)]), 1, 2).tolist() == [0, 0]


def test_moves_are_pooled_where_states_have_places() -> None:
    """Right was seen to lead one on from 0 alone, left to stay: from 1 to 2 it must have been right."""
    places = np.array([[0.0], [1.0], [2.0]])
    inverse = counted([(0, 1, 1), (0, 0, 0)], coordinates=places, pooling=1.0)
    assert causes(inverse, 1, 2).tolist() == [0, 1]


def test_a_states_own_steps_outweigh_the_pool() -> None:
    """In 1 right always stays: p(stay | right) = (3 + 3/4) / (3 + 1), p(stay | left) = (0 + 0) / (1 + 1)."""
    places = np.array([[0.0], [1.0], [2.0]])
    inverse = counted([(0, 1, 1), *[(1, 1, 1)] * 3, (1, 0, 0)], coordinates=places, pooling=1.0)
    assert causes(inverse, 1, 1).tolist() == [0, 1]
    assert causes(inverse, 1, 2) == pytest.approx(np.array([0, 1]))


def test_a_bump_keeps_its_distribution_in_the_clone() -> None:
    """Two causes alike, and the student is as undecided: log 2 nats a transition."""
    world = counted([(0, 0, 0), (0, 1, 0)])
    student = bco._first_student(bco.Config(), chain_seen(), None, np.random.default_rng(0))
    facts = bco.WorldFacts(gym.spaces.Discrete(3), gym.spaces.Discrete(2), None)
    found, metrics = bco._fit_table(
        bco.Config(fallback="none"), student, np.array([0]), causes(world, 0, 0)[None], facts, NO_STEPS
    )
    assert isinstance(found, TablePolicy)
    assert found.probabilities(np.array([0]))[0].tolist() == [0.5, 0.5]
    assert metrics["loss"] == pytest.approx(np.log(2))


def test_states_and_actions_may_start_anywhere() -> None:
    inverse = bco.CountedInverse(
        bco.OwnTransitions(np.array([0]), np.array([1]), np.array([1])), 3, 2, None, 0.0, first_state=7
    )
    assert causes(inverse, 7, 8).tolist() == [0, 1]


def test_the_velocity_tells_the_action_of_cartpole(cartpole: EnvSpec) -> None:
    """Pushing right makes the cart faster to the right, whatever else happens."""
    rng = np.random.default_rng(0)
    sampler = bco.Sampler(cartpole, 4, seed=1)
    explorer = bco._first_student(bco.Config(), cartpole_seen(), None, rng)
    own = bco.own_transitions(sampler, explorer, 400, rng)
    fresh = bco.own_transitions(sampler, explorer, 400, rng)
    sampler.close()
    assert np.array_equal(fresh.after[:, 1] > fresh.before[:, 1], fresh.actions == 1)
    inverse = bco.LearnedInverse(bco.Config(inverse_updates=100), gym.spaces.Discrete(2), own, rng)
    assert np.array_equal(inverse.causes(fresh.before, fresh.after).argmax(1), fresh.actions)


def cartpole_seen() -> Demonstrations:
    """A cart that is pushed to the side to which its pole falls."""
    env = gym.make("CartPole-v1")
    observation, _ = env.reset(seed=0)
    seen = [observation]
    for _ in range(100):
        observation, *_ = env.step(int(observation[2] + 0.5 * observation[3] > 0))
        seen.append(observation)
    return Demonstrations.from_steps(
        np.array(seen[:-1]),
        None,
        final_observations=np.array(seen[-1:]),
        observation_space=env.observation_space,
        action_space=env.action_space,
    )


# -- the clone -------------------------------------------------------------------------------------------


def test_soft_labels_are_fitted_as_the_loss_says() -> None:
    """A linear student of a constant observation can only answer with the mean cause."""
    plane = gym.spaces.Box(-1.0, 1.0, (1,))
    data = Demonstrations.from_steps(
        np.zeros((2, 1), np.float32), None, observation_space=plane, action_space=gym.spaces.Discrete(2)
    )
    student = bco._first_student(bco.Config(), data, None, np.random.default_rng(0))
    soft = np.array([[0.9, 0.1], [0.5, 0.5]])
    found, metrics = bco._fit_perceptron(
        bco.Config(), student, data.observations, soft, np.random.default_rng(0)
    )
    assert isinstance(found, CategoricalPolicy)
    assert found.probabilities(data.observations)[0] == pytest.approx(np.array([0.7, 0.3]), abs=1e-3)
    expected = functional.cross_entropy(torch.tensor([[np.log(7 / 3), 0.0]] * 2), torch.tensor(soft)).item()
    assert metrics["loss"] == pytest.approx(expected, abs=1e-4)


def test_an_action_leads_where_it_led_most_often() -> None:
    own = bco.OwnTransitions(np.array([0, 0, 0, 0]), np.array([1, 2, 2, 1]), np.array([0, 0, 0, 1]))
    assert bco.likeliest_own_moves(own, 3, 2).tolist() == [[2, 1], [-1, -1], [-1, -1]]


def test_the_chain_is_walked_after_having_been_watched(chain: EnvSpec) -> None:
    snapshot = last(QUICK, chain_seen(), chain)
    assert evaluate(snapshot.policy, chain).return_mean == 1
    assert snapshot.step == 2
    assert snapshot.env_steps >= 240  # 200, and alpha = 0.2 of them with the first clone
    assert snapshot.metrics["explained"] == 1


def test_without_alpha_nobody_acts_after_the_first_clone(chain: EnvSpec) -> None:
    config = dataclasses.replace(QUICK, alpha=0.0)
    first, second = bco.train(config, chain_seen(), chain, np.random.default_rng(0))
    assert first.env_steps == second.env_steps


def test_cartpole_is_balanced_after_having_been_watched(cartpole: EnvSpec) -> None:
    config = bco.Config(exploration=400, iterations=1, updates=100, inverse_updates=100)
    found = evaluate(last(config, cartpole_seen(), cartpole).policy, cartpole, episodes=5)
    assert found.return_mean > 100  # at random: 22


def test_a_mirrored_transition_is_another_transition() -> None:
    data = cartpole_seen()
    shown = bco.demonstrated(data, lambda observations, actions: (-observations, 1 - actions))
    assert np.array_equal(shown.before[100:], -shown.before[:100])
    assert np.array_equal(shown.after[100:], -shown.after[:100])


def test_box_actions_are_inferred_too() -> None:
    world = gym.spec("Pendulum-v1")
    env = gym.make(world)
    observation, _ = env.reset(seed=0)
    seen = [observation]
    for _ in range(8):  # then its speed is at the world's limit, and says nothing more of the push
        observation, *_ = env.step(np.array([1.5], np.float32))
        seen.append(observation)
    data = Demonstrations.from_steps(
        np.array(seen[:-1]),
        None,
        final_observations=np.array(seen[-1:]),
        observation_space=env.observation_space,
        action_space=env.action_space,
    )
    config = bco.Config(exploration=1_000, iterations=1, updates=200, inverse_updates=400)
    answered = last(config, data, world).policy.act(data.observations)
    assert answered.mean() == pytest.approx(1.5, abs=0.2)


# -- errors ----------------------------------------------------------------------------------------------


def test_no_world_no_interaction() -> None:
    with pytest.raises(UnsupportedWorldError, match="expected a world"):
        last(QUICK, chain_seen(), None)


def test_demonstrations_of_another_world(cartpole: EnvSpec) -> None:
    with pytest.raises(UnsupportedWorldError, match="observation_space"):
        last(QUICK, chain_seen(), cartpole)


def test_no_steps(chain: EnvSpec) -> None:
    data = Demonstrations.from_steps(
        np.empty(0, np.int64),
        None,
        observation_space=gym.spaces.Discrete(3),
        action_space=gym.spaces.Discrete(2),
    )
    with pytest.raises(NothingToLearnError, match="at least one step"):
        last(QUICK, data, chain)


def test_it_has_a_name() -> None:
    assert LEARNERS["bco"] is bco
