"""Learning from recordings that are read a block at a time."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest

from learners import bc, dagger
from learners.cloning.shuffled import gathered, sampled
from learners.errors import NothingToLearnError
from learners.interface import Array
from recordings import Driver, Header, Recorder
from recordings.curator import Curator
from recordings.demonstrations import Demonstrations, Filter, load
from recordings.stream import stream
from teleop.experts import scripted_expert
from teleop.worlds.catalogue import GRIDWORLD
from tests.learners.test_bc import QUICK
from tests.recordings import random_recordings


class Plane(gym.Env[Array, int]):
    """Points; nothing moves."""

    observation_space = gym.spaces.Box(-10.0, 10.0, (2,))
    action_space = gym.spaces.Discrete(2)


@pytest.fixture
def points(tmp_path: Path) -> Path:
    """Forty episodes of 25 points of the plane; the action says whether x > 0."""
    rng = np.random.default_rng(0)
    with Recorder(tmp_path / "points.h5", Header.for_env(Plane())) as recorder:
        for _ in range(40):
            seen = rng.uniform(-1, 1, (26, 2)).astype(np.float32)
            recorder.begin_episode(seen[0], seed=None)
            for before, after in pairwise(seen):
                recorder.step(int(before[0] > 0), 0.0, False, False, after, driver=Driver.HUMAN)
            recorder.end_episode()
    return tmp_path / "points.h5"


def last(config: bc.Config, data: object, **options: object) -> bc.Snapshot:
    *_, snapshot = bc.train(config, data, None, np.random.default_rng(0), **options)  # type: ignore[arg-type]
    return snapshot


def test_a_perceptron_finds_the_line_as_it_does_in_memory(points: Path) -> None:
    whole = last(QUICK, load(points))
    with stream([points], block=64) as steps:
        found = last(QUICK, steps)
    assert found.metrics["accuracy"] > 0.97
    assert found.metrics["loss"] == pytest.approx(whole.metrics["loss"], rel=0.3)
    assert found.policy.act(np.array([[0.3, 0.9], [-0.3, 0.9]])).tolist() == [1, 0]


def test_every_label_is_gathered_once_and_mirrored_where_it_is_to_be(points: Path) -> None:
    def mirror(observations: Array, actions: Array) -> tuple[Array, Array]:
        return -observations, 1 - actions

    with stream([points], block=64) as steps:
        parts = list(gathered(steps, np.random.default_rng(0), most=300))
        mirrored = list(gathered(steps, np.random.default_rng(0), mirror, most=10**6))
        some = sampled(steps, np.random.default_rng(0), most=10)
    seen = np.concatenate([observations for observations, _ in parts])
    assert all(len(actions) >= 300 for _, actions in parts[:-1])
    assert sorted(map(tuple, seen)) == sorted(map(tuple, load(points).observations))
    ((observations, actions),) = mirrored
    assert len(actions) == 2000
    assert np.array_equal(actions, observations[:, 0] > 0)
    assert len(some[0]) == len(some[1]) == 10


@pytest.mark.parametrize("labels", ["executed", "labelled"])
def test_a_table_is_the_same_to_the_last_bit(tmp_path: Path, labels: str) -> None:
    random_recordings.make(tmp_path / "grid.h5", "understudy/GridWorld-v0", 3, sittings=4)
    wanted = Filter(actions=labels)  # type: ignore[arg-type]
    whole = last(bc.Config(), load(tmp_path / "grid.h5", wanted))
    with stream([tmp_path / "grid.h5"], wanted, block=3) as steps:
        found = last(bc.Config(), steps)
    assert found.metrics == whole.metrics
    states = np.arange(GRIDWORLD.make().observation_space.n)  # type: ignore[attr-defined]
    assert np.array_equal(found.policy.probabilities(states), whole.policy.probabilities(states))  # type: ignore[attr-defined]


def test_a_student_that_remembers_wants_them_in_memory(points: Path) -> None:
    with stream([points]) as steps, pytest.raises(NothingToLearnError, match="whole episodes"):
        last(bc.Config(memory=4), steps)


@pytest.mark.parametrize("world", ["understudy/GridWorld-v0", "CartPole-v1"])
def test_without_a_label_nothing_is_learned(tmp_path: Path, world: str) -> None:
    random_recordings.make(tmp_path / "some.h5", world, 3)
    with (
        stream([tmp_path / "some.h5"], Filter(actions="labelled", labelers=("nobody",))) as steps,
        pytest.raises(NothingToLearnError, match="at least one labelled step"),
    ):
        last(bc.Config(), steps)


def test_dagger_goes_on_from_a_stream(tmp_path: Path) -> None:
    random_recordings.make(tmp_path / "grid.h5", "understudy/GridWorld-v0", 3, sittings=4)
    config = dagger.Config(rounds=3, alone_episodes=0)
    expert, world = scripted_expert(GRIDWORLD), GRIDWORLD.spec()

    def rounds(data: object) -> list[dict[str, float]]:
        rng = np.random.default_rng(0)
        return [dict(each.metrics) for each in dagger.train(config, data, world, rng, expert=expert)]  # type: ignore[arg-type]

    with stream([tmp_path / "grid.h5"], block=5) as steps:
        found = rounds(steps)
    whole = rounds(load(tmp_path / "grid.h5"))
    assert [each["labels"] for each in found] == [each["labels"] for each in whole]
    assert [each["distinct_labels"] for each in found] == [each["distinct_labels"] for each in whole]


def test_labels_that_fit_the_buffer_are_read_once(points: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with stream([points], block=64) as steps:
        read = []
        blocks = steps.blocks

        def counted(rng: np.random.Generator | None = None) -> Iterator[Demonstrations]:
            for block in blocks(rng):
                read.append(len(block))
                yield block

        monkeypatch.setattr(steps, "blocks", counted)
        last(dataclasses.replace(QUICK, held_out=0.0), steps)
    assert sum(read) <= 3 * 1000


def test_where_every_label_was_held_out_they_are_learned_all_the_same(points: Path) -> None:
    with Curator(points) as curator:
        for episode in range(1, 40):
            curator.discard(episode)
    with stream([points]) as steps:
        for seed in range(8):
            *_, found = bc.train(QUICK, steps, None, np.random.default_rng(seed))
            assert found.metrics["accuracy"] > 0.8
