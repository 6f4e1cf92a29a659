"""Rollouts and evaluations: no reset leaks into a step, no short episode is favoured."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from learners.errors import UnsupportedWorldError
from learners.evaluation import evaluate
from learners.interface import Array
from learners.policies import Architecture, policy_from
from learners.rollout import Sampler, run_episodes
from learners.worlds import facts_of, headless
from tests.learners.conftest import LEFT, RIGHT, Chain


class Always:
    """The same action everywhere."""

    def __init__(self, action: int) -> None:
        self.action = action

    def act(self, observations: Array, rng: np.random.Generator | None = None) -> Array:
        return np.full(len(observations), self.action)


@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_every_way_of_resetting_gives_the_same_steps(
    chain: EnvSpec, mode: AutoresetMode, monkeypatch: pytest.MonkeyPatch
) -> None:
    def make_vec(spec: EnvSpec, num_envs: int) -> Any:
        return SyncVectorEnv([lambda: gym.make(spec)] * num_envs, autoreset_mode=mode)

    monkeypatch.setattr(gym, "make_vec", make_vec)
    sampler = Sampler(chain, 2, seed=0)
    rollout = sampler.collect(Always(RIGHT), 6, None)
    sampler.close()
    steps = [
        (
            int(rollout.observations[t, 0]),
            int(rollout.next_observations[t, 0]),
            bool(rollout.terminated[t, 0]),
        )
        for t in range(6)
        if rollout.valid[t, 0]
    ]
    one_episode = [(0, 1, False), (1, 2, True)]
    assert steps == (one_episode * 3 if mode is not AutoresetMode.NEXT_STEP else one_episode * 2)
    assert all(e.return_ == 1 and e.length == 2 and e.terminated for e in rollout.finished)


def test_a_truncated_step_keeps_where_it_led(chain: EnvSpec) -> None:
    sampler = Sampler(chain, 1, seed=0)
    rollout = sampler.collect(Always(LEFT), 7, None)
    sampler.close()
    assert rollout.truncated[:, 0].tolist() == [False, False, False, False, True, False, False]
    assert not rollout.terminated.any()
    assert rollout.valid[:, 0].tolist() == [True] * 5 + [False, True]
    assert [(e.return_, e.length, e.terminated) for e in rollout.finished] == [(0.0, 5, False)]


def test_exactly_as_many_episodes_as_asked_and_no_short_one_favoured(cartpole: EnvSpec) -> None:
    finished = run_episodes(Always(0), cartpole, episodes=7, seed=0, copies=3)
    assert sorted(e.copy for e in finished) == [0, 0, 0, 1, 1, 2, 2]
    assert all(e.return_ == e.length for e in finished)
    with pytest.raises(ValueError, match="at least 1"):
        run_episodes(Always(0), cartpole, episodes=0, seed=0)


def test_a_table_is_evaluated_exactly(chain: EnvSpec) -> None:
    found = evaluate(Always(RIGHT), chain)
    assert (found.return_mean, found.return_std, found.length_mean, found.success) == (1, 0, 2, 1)
    assert found.exact
    assert found.episodes is None
    never = evaluate(Always(LEFT), chain)
    assert (never.return_mean, never.length_mean, never.success) == (0, 5, 0)


def test_a_drawn_table_is_evaluated_exactly_too(chain: EnvSpec) -> None:
    architecture = Architecture(gym.spaces.Discrete(3), gym.spaces.Discrete(2))
    coin = policy_from(architecture, {"outputs": np.zeros((3, 2), np.float32), "stand_in": np.arange(3)})
    # Of 2^5 coin sequences those arrive that have two rights in a row somewhere: 32 - 13 (a Fibonacci number).
    assert evaluate(coin, chain, sample=True).return_mean == pytest.approx(19 / 32)


def test_without_a_table_episodes_are_run(cartpole: EnvSpec) -> None:
    found = evaluate(Always(1), cartpole, episodes=20, seed=1)
    assert not found.exact
    assert found.episodes == 20
    assert 8 <= found.return_mean <= 11
    assert found.return_mean == found.length_mean
    assert found.success == 0
    assert evaluate(Always(1), cartpole, episodes=20, seed=1).return_mean == found.return_mean


def test_success_is_unknown_where_the_world_does_not_define_it() -> None:
    world = EnvSpec("Chain-v1", entry_point="tests.learners.test_rollout:untabled", max_episode_steps=5)
    found = evaluate(Always(RIGHT), world, episodes=3)
    assert not found.exact
    assert found.success is None
    assert found.return_mean == 1


def untabled() -> gym.Env[int, int]:
    """The chain, but it cannot write itself out."""

    class Untabled(gym.Env[int, int]):
        def __init__(self) -> None:
            self._chain = Chain()
            self.observation_space, self.action_space = (
                self._chain.observation_space,
                self._chain.action_space,
            )

        def reset(self, **kwargs: Any) -> Any:
            super().reset(seed=kwargs.get("seed"))
            return self._chain.reset(**kwargs)

        def step(self, action: int) -> Any:
            return self._chain.step(action)

    return Untabled()


def test_a_policy_of_another_world_is_refused(cartpole: EnvSpec) -> None:
    architecture = Architecture(gym.spaces.Discrete(3), gym.spaces.Discrete(2))
    policy = policy_from(architecture, {"outputs": np.zeros((3, 2), np.float32), "stand_in": np.arange(3)})
    with pytest.raises(
        UnsupportedWorldError, match="observation_space: expected a policy for this world's Box"
    ):
        evaluate(policy, cartpole)


def test_the_specs_time_limit_is_the_horizon(chain: EnvSpec) -> None:
    model = facts_of(EnvSpec("Chain-v2", entry_point=chain.entry_point, max_episode_steps=1)).model
    assert model is not None
    assert model.horizon == 1


def test_no_window_opens_in_training() -> None:
    shown = EnvSpec("X-v0", entry_point="x:y", kwargs={"render_mode": "human", "slip": True})
    assert headless(shown).kwargs == {"slip": True}
