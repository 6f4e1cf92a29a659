"""What holds for every learner alike: on the chain each one finds the way right, and says so in the same form."""

from __future__ import annotations

import inspect
from dataclasses import FrozenInstanceError, fields, replace
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec

from learners import LEARNERS
from learners.evaluation import evaluate
from learners.interface import Snapshot
from learners.policies import NetworkPolicy
from recordings.demonstrations import Demonstrations
from tests.learners.conftest import RIGHT

QUICK: dict[str, dict[str, Any]] = {
    "gail": {"copies": 8, "ticks": 16, "iterations": 40},
    "ppo": {"copies": 8, "ticks": 16, "iterations": 40},
}
"""Settings that suit three states; the others are quick as they are."""


class Guide:
    """Knows the way."""

    name = "guide"

    def act(self, observation: Any, tick: int) -> int:
        return RIGHT


def shown(chain: EnvSpec, episodes: int = 20) -> Demonstrations:
    """Episodes that go right twice and arrive."""
    ends = np.tile([False, True], episodes)
    return Demonstrations.from_steps(
        np.tile([0, 1], episodes),
        np.tile([RIGHT, RIGHT], episodes),
        terminated=ends,
        rewards=ends.astype(float),
        lengths=np.full(episodes, 2),
        final_observations=np.full(episodes, 2),
        observation_space=gym.spaces.Discrete(3),
        action_space=gym.spaces.Discrete(2),
        env_spec=chain,
    )


def snapshots(name: str, chain: EnvSpec) -> list[Snapshot]:
    learner = LEARNERS[name]
    config = replace(learner.Config(), **QUICK.get(name, {}))
    extras = {"expert": Guide()} if "expert" in inspect.signature(learner.train).parameters else {}
    return list(learner.train(config, shown(chain), chain, np.random.default_rng(0), **extras))


@pytest.mark.parametrize("name", LEARNERS)
def test_it_recovers_the_way_right(name: str, chain: EnvSpec) -> None:
    found = snapshots(name, chain)
    last = found[-1].policy
    assert isinstance(last, NetworkPolicy), "a policy that can be saved"
    assert last.act(np.array([0, 1])).tolist() == [RIGHT, RIGHT]
    assert evaluate(last, chain).return_mean == pytest.approx(1.0)
    steps = [snapshot.step for snapshot in found]
    assert steps == sorted(steps)
    assert all(np.isfinite(list(snapshot.metrics.values())).all() for snapshot in found)


@pytest.mark.parametrize("name", LEARNERS)
def test_its_settings_cannot_change_while_it_learns(name: str) -> None:
    config = LEARNERS[name].Config()
    with pytest.raises(FrozenInstanceError):
        setattr(config, fields(config)[0].name, None)


@pytest.mark.parametrize("name", LEARNERS)
def test_it_takes_what_every_learner_takes(name: str) -> None:
    names = list(inspect.signature(LEARNERS[name].train).parameters)
    assert names[:4] == ["config", "demonstrations", "world", "rng"]
    assert "start" in names
