"""Policies that remember: in numpy as in torch, within an episode and no further."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium.envs.registration import EnvSpec
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from learners import bc
from learners.cloning.lessons import Sequences
from learners.interface import Array
from learners.networks import Perceptron, build, freeze, thaw
from learners.policies import Architecture, NetworkPolicy
from learners.recollection import begin
from learners.rollout import Sampler, run_episodes
from recordings.demonstrations import Demonstrations

CUE = gym.spaces.Box(-1.0, 1.0, (1,), np.float32)
STEPS = 4


class Recall(gym.Env[Array, int]):
    """-1 or 1 is shown once, then 0. Each step pays 1 for the action that was shown, 0 for -1 and 1 for 1."""

    observation_space = CUE
    action_space = gym.spaces.Discrete(2)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Array, dict[str, Any]]:
        super().reset(seed=seed)
        self._shown, self._step = int(self.np_random.integers(2)), 0
        return np.array([2.0 * self._shown - 1.0], np.float32), {}

    def step(self, action: int) -> tuple[Array, float, bool, bool, dict[str, Any]]:
        self._step += 1
        return np.zeros(1, np.float32), float(action == self._shown), self._step == STEPS, False, {}


@pytest.fixture
def recall() -> EnvSpec:
    return EnvSpec("Recall-v0", entry_point="tests.learners.test_memory:Recall")


def demonstrations(n_episodes: int) -> Demonstrations:
    """Every other episode shows 1."""
    shown = np.arange(n_episodes) % 2
    observations = np.zeros((n_episodes, STEPS, 1), np.float32)
    observations[:, 0, 0] = 2 * shown - 1
    return Demonstrations.from_steps(
        observations.reshape(-1, 1),
        np.repeat(shown, STEPS),
        lengths=np.full(n_episodes, STEPS),
        observation_space=CUE,
        action_space=gym.spaces.Discrete(2),
    )


def recurrent(seed: int = 0, action_space: gym.Space[Any] | None = None) -> tuple[Perceptron, NetworkPolicy]:
    """A network with answers of its own, and the policy that it is."""
    architecture = Architecture(CUE, action_space or gym.spaces.Discrete(2), (5,), "tanh", memory=3)
    network = build(architecture, np.random.default_rng(seed))
    assert isinstance(network, Perceptron)
    torch.nn.init.normal_(network.layers[-1].weight, std=3.0)
    return network, freeze(network, architecture)


def test_numpy_remembers_as_torch_does() -> None:
    network, policy = recurrent()
    seen = np.random.default_rng(1).normal(size=(6, 7, 1)).astype(np.float32)
    expected = network.recall(torch.from_numpy(seen), None)[0].detach().numpy()
    memory = None
    for t in range(seen.shape[1]):
        outputs, memory = policy.recall(seen[:, t], memory)
        assert outputs == pytest.approx(expected[:, t], abs=1e-5)
    assert policy.probabilities(seen[:, 0]).argmax(1).tolist() == expected[:, 0].argmax(1).tolist()  # type: ignore[attr-defined]
    again = thaw(policy)(torch.from_numpy(seen[:, 0])).detach().numpy()
    assert again == pytest.approx(expected[:, 0], abs=1e-5)


def test_a_huge_input_saturates_without_a_warning() -> None:
    _, policy = recurrent()
    assert np.isfinite(policy.recall(np.array([[1e20], [-1e20]], np.float32), None)[0]).all()


def test_an_actor_forgets_the_rows_whose_episode_is_over() -> None:
    _, policy = recurrent(action_space=gym.spaces.Box(-9.0, 9.0, (1,)))
    seen = np.array([[1.0], [1.0]], np.float32)
    actor = begin(policy, 2)
    first = actor.act(seen)
    second = actor.act(seen)
    assert first == pytest.approx(policy.act(seen))
    assert abs(second - first).min() > 1e-3
    actor.forget(np.array([False, True]))
    third = actor.act(seen)
    assert third[1] == pytest.approx(first[1])
    assert abs(third[0] - first[0]) > 1e-3
    actor.forget()
    assert actor.act(seen) == pytest.approx(first)


@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_an_episode_remembers_nothing_of_the_one_before(
    recall: EnvSpec, mode: AutoresetMode, monkeypatch: pytest.MonkeyPatch
) -> None:
    def make_vec(spec: EnvSpec, num_envs: int) -> Any:
        return SyncVectorEnv([lambda: gym.make(spec)] * num_envs, autoreset_mode=mode)

    monkeypatch.setattr(gym, "make_vec", make_vec)
    policy = last(bc.Config(hidden=(4,), memory=4, updates=150, learning_rate=0.05), demonstrations(20))
    sampler = Sampler(recall, 3, seed=0)
    parts = [sampler.collect(policy, 5, None) for _ in range(5)]
    sampler.close()
    finished = [episode for part in parts for episode in part.finished]
    assert len(finished) >= 15
    assert all(episode.return_ == STEPS for episode in finished)


def last(config: bc.Config, data: Demonstrations) -> NetworkPolicy:
    *_, snapshot = bc.train(config, data, None, np.random.default_rng(0))
    assert isinstance(snapshot.policy, NetworkPolicy)
    return snapshot.policy


def test_what_was_shown_once_is_remembered_by_memory_alone(recall: EnvSpec) -> None:
    """Without memory the first step is right, the other three by chance: 2.5 of 4 in the mean."""
    returns = {}
    for memory in (4, 0):
        config = bc.Config(hidden=(4,), memory=memory, updates=150, learning_rate=0.05, window=2)
        found = run_episodes(last(config, demonstrations(20)), recall, episodes=100, seed=0)
        returns[memory] = np.mean([episode.return_ for episode in found])
    assert returns[4] == STEPS
    assert returns[0] < 3.2


def test_windows_carry_the_memory_along() -> None:
    """Five episodes in windows of two steps give the answers of whole episodes; the unlabelled give none."""
    network, _ = recurrent()
    rng = np.random.default_rng(0)
    lengths = np.array([1, 5, 2, 4, 3])
    seen = rng.normal(size=(15, 1)).astype(np.float32)
    labelled = rng.random(15) < 0.6
    names = torch.arange(15.0)[:, None]
    lessons = Sequences(seen, names, labelled, lengths, 2, 100, rng)
    with torch.no_grad():
        outputs, rows = lessons.all(network)
        whole = {int(row): output for row, output in zip(rows[:, 0], outputs, strict=True)}
        found: dict[int, torch.Tensor] = {}
        for _ in range(3):  # the longest episode has three windows
            outputs, rows = lessons.next(network)
            found |= {int(row): output for row, output in zip(rows[:, 0], outputs, strict=True)}
        starts = np.cumsum(lengths) - lengths
        for start, length in zip(starts, lengths, strict=True):
            alone = network.recall(torch.from_numpy(seen[None, start : start + length]), None)[0][0]
            for t in range(length):
                if labelled[start + t]:
                    assert torch.allclose(whole[start + t], alone[t], atol=1e-6)
    assert sorted(whole) == np.flatnonzero(labelled).tolist()
    assert sorted(found) == sorted(whole)
    assert all(torch.allclose(found[row], whole[row], atol=1e-6) for row in whole)
