"""Re-stepping recordings: exact, and the first divergence named."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import gymnasium as gym
import h5py
import numpy as np
import pytest

from recordings import Driver, Header, Outcome, Recorder
from recordings.errors import NotReplayable
from recordings.replay import verify
from recordings.schema import installed_versions
from recordings.worldspec import registered_spec
from tests.recordings.worlds import play, record_cartpole


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "demo.h5"
    record_cartpole(path, episodes=4)
    return path


@pytest.fixture
def path(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(sound, tmp_path / "demo.h5"))


def test_a_sound_recording_verifies(path: Path) -> None:
    result = verify(path, atol=0.0)
    assert result.verified
    assert (result.episodes, result.divergence) == (4, None)
    assert verify(path, episodes=[1, 3]).episodes == 2


@pytest.mark.parametrize(
    ("column", "field", "shift"),
    [("observation", "observation", 0), ("reward", "reward", 0), ("action", "any", 1)],
)
def test_the_first_divergence_is_named(path: Path, column: str, field: str, shift: int) -> None:
    with h5py.File(path, "r+") as file:
        start = int(file["episodes/start"][2])
        row = start + 4
        if column == "action":
            file["steps/action"][row] = 1 - file["steps/action"][row]
        else:
            file[f"steps/{column}"][row] += 0.25
    result = verify(path)
    assert not result.verified
    assert result.divergence is not None
    assert result.divergence.episode == 2
    assert result.divergence.step == 4 + shift
    if field != "any":
        assert result.divergence.field == field
    assert set(result.to_json()["divergence"]) == {"episode", "step", "field", "recorded", "found"}
    json.dumps(result.to_json())


def test_a_wrong_flag_is_a_divergence(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        last = int(file["episodes/start"][1]) - 1
        file["steps/terminated"][last] = 0
    divergence = verify(path).divergence
    assert divergence is not None
    assert (divergence.episode, divergence.step, divergence.field) == (0, last, "terminated")
    assert (divergence.recorded, divergence.found) == (False, True)


def test_a_wrong_final_observation_is_a_divergence(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        length = int(file["episodes/length"][0])
        file["episodes/final_observation"][0] += 1
    divergence = verify(path).divergence
    assert divergence is not None
    assert (divergence.episode, divergence.step, divergence.field) == (0, length, "observation")


def test_floats_may_differ_within_the_tolerance(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file["steps/observation"][3] += 2e-7
    assert verify(path).verified
    assert not verify(path, atol=0.0).verified


def test_without_a_seed_nothing_can_be_replayed(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file["episodes/seed"][1] = -1
    with pytest.raises(NotReplayable, match="episode 1: seed"):
        verify(path)
    assert verify(path, episodes=[0, 2, 3]).verified


def test_gridworld_replays_exactly_with_its_time_limit(tmp_path: Path) -> None:
    pytest.importorskip("teleop.worlds")
    env = gym.make("understudy/GridWorld-v0", max_episode_steps=30)
    env.action_space.seed(0)
    with Recorder(tmp_path / "demo.h5", Header.for_env(env)) as recorder:
        lengths = [play(recorder, env, seed) for seed in range(5)]
    assert set(lengths) == {30}
    assert verify(tmp_path / "demo.h5", atol=0.0).to_json() == {
        "verified": True,
        "episodes": 5,
        "steps": 150,
        "divergence": None,
    }


def test_options_are_given_to_reset_again(tmp_path: Path) -> None:
    env = gym.make("CartPole-v1")
    options = {"low": -0.2, "high": 0.2}
    observation, _ = env.reset(seed=3, options=options)
    with Recorder(tmp_path / "demo.h5", Header.for_env(env)) as recorder:
        recorder.begin_episode(observation, seed=3, options=options)
        observation, reward, terminated, truncated, _ = env.step(1)
        recorder.step(1, float(reward), terminated, truncated, observation, driver=Driver.HUMAN)
        recorder.end_episode(Outcome.UNKNOWN)
    assert verify(tmp_path / "demo.h5", atol=0.0).verified


class Everything(gym.Env[object, object]):
    """A world of a Dict observation and a Tuple action."""

    observation_space = gym.spaces.Dict(
        {"place": gym.spaces.Box(-9, 9, (2,), np.float32), "mode": gym.spaces.Discrete(3)}
    )
    action_space = gym.spaces.Tuple([gym.spaces.Discrete(2), gym.spaces.Box(-1, 1, (1,), np.float32)])

    def _seen(self) -> dict[str, object]:
        return {"place": np.full(2, self.total, np.float32), "mode": self.count % 3}

    def reset(
        self, *, seed: int | None = None, options: dict[str, object] | None = None
    ) -> tuple[object, dict]:
        super().reset(seed=seed)
        self.total, self.count = float(self.np_random.random()), 0
        return self._seen(), {}

    def step(self, action: object) -> tuple[object, float, bool, bool, dict]:
        which, amount = action  # type: ignore[misc]
        self.total += float(amount[0]) if which else 0.0
        self.count += 1
        return self._seen(), self.total, False, self.count == 5, {}


def test_dict_and_tuple_spaces_replay(tmp_path: Path) -> None:
    env = Everything()
    env.action_space.seed(0)
    with Recorder(tmp_path / "demo.h5", Header.for_env(env)) as recorder:
        play(recorder, env, 5)
    with pytest.raises(NotReplayable, match="Pass `make`"):
        verify(tmp_path / "demo.h5")
    assert verify(tmp_path / "demo.h5", make=lambda spec: Everything()).verified


def header_naming(**changes: object) -> Header:
    spec = json.loads(Header.for_env(gym.make("CartPole-v1")).env_spec_json) | changes
    space = '{"type": "Discrete", "n": 2, "start": 0}'
    return Header(json.dumps(spec), space, space, versions=installed_versions())


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "this:CartPole-v1"},
        {"id": "nowhere/Nothing-v0"},
        {"id": "GymV26Environment-v0"},
        {"additional_wrappers": [{"name": "X", "entry_point": "os:system", "kwargs": {}}]},
        {"kwargs": ["human"]},
        {"kwargs": {"xml_file": "../elsewhere.xml"}},
        {"kwargs": {"options": [{"textures": "C:\\secret"}]}},
        {"max_episode_steps": -4},
    ],
)
def test_code_named_by_a_file_is_never_run(changes: dict[str, object]) -> None:
    with pytest.raises(NotReplayable):
        registered_spec(header_naming(**changes))


def test_the_entry_point_is_the_one_registered_here() -> None:
    spec = registered_spec(
        header_naming(entry_point="this:run", kwargs={"render_mode": "human"}, max_episode_steps=9)
    )
    assert spec is not None
    assert (spec.entry_point, spec.kwargs, spec.max_episode_steps) == (
        gym.spec("CartPole-v1").entry_point,
        {},
        9,
    )
