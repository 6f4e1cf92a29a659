"""robomimic's files: what its own reader finds in ours, and what we find in those that are not from a recording."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gymnasium as gym
import h5py
import numpy as np
import pytest

import recordings
from recordings import Driver, EditKind, Header, Outcome, Recorder
from recordings.errors import UnreadableSource
from recordings.exchange import hdf5, robomimic
from tests.recordings import random_recordings
from tests.recordings.worlds import cartpole_header, record_cartpole, record_counting


def exported(path: Path) -> Path:
    with recordings.open(path) as reader:
        robomimic.export(reader, path.with_suffix(".hdf5"))
    return path.with_suffix(".hdf5")


# -- out -------------------------------------------------------------------------------------------------


def test_robomimic_reads_what_we_write_and_trains_on_it(tmp_path: Path) -> None:
    dataset = pytest.importorskip(
        "robomimic.utils.dataset",
        reason="needs robomimic: pip install robomimic, best in an environment of its own",
    )
    import torch

    record_cartpole(tmp_path / "demo.h5", episodes=12)
    theirs = dataset.SequenceDataset(
        hdf5_path=str(exported(tmp_path / "demo.h5")),
        obs_keys=("flat",),
        dataset_keys=("actions", "rewards", "dones"),
        hdf5_cache_mode="all",
        filter_by_attribute="kept",
    )
    with recordings.open(tmp_path / "demo.h5") as reader:
        assert (len(theirs), theirs.n_demos) == (reader.n_steps, 12)
        for number, ours in enumerate(reader.episodes):
            found = theirs[theirs._demo_id_to_start_indices[f"demo_{number}"] + ours.length - 1]
            assert np.array_equal(found["obs"]["flat"][0], ours.observations[-2])
            assert np.array_equal(found["next_obs"]["flat"][0], ours.observations[-1])
            assert found["actions"][0].argmax() == ours.actions[-1]
            assert found["dones"][0] == 1
    policy = torch.nn.Linear(4, 2)
    for batch in torch.utils.data.DataLoader(theirs, batch_size=32):
        loss = ((policy(batch["obs"]["flat"]) - batch["actions"]) ** 2).mean()
        loss.backward()  # type: ignore[no-untyped-call]
    assert policy.weight.grad is not None
    assert policy.weight.grad.isfinite().all()


def test_actions_are_within_what_robomimic_wants(tmp_path: Path) -> None:
    for seed, world in enumerate(random_recordings.WORLDS):
        random_recordings.make(tmp_path / f"{seed}.h5", world, seed)
        with h5py.File(exported(tmp_path / f"{seed}.h5")) as file:
            assert len(file["data"])
            for demo in file["data"].values():
                assert demo["actions"].ndim == 2
                assert (np.abs(demo["actions"]) <= 1).all()
                assert demo.attrs["num_samples"] == len(demo["actions"]) == len(demo["obs/flat"])
            assert file["data"].attrs["total"] == sum(len(demo["dones"]) for demo in file["data"].values())
            assert json.loads(file["data"].attrs["env_args"])["env_name"] == world


def test_numbers_are_scaled_by_their_bounds_or_by_the_greatest(tmp_path: Path) -> None:
    done = gym.spaces.Box(np.array([-2, -np.inf, -0.5]), np.array([6, np.inf, 0.5]), (3,), np.float64)
    seen = gym.spaces.Discrete(3)
    header = Header("", *(recordings.spaces.to_json(space) for space in (seen, done)))  # type: ignore[attr-defined]
    with Recorder(tmp_path / "demo.h5", header) as recorder:
        recorder.begin_episode(2, seed=1)
        for action in ([-2, 10, 0.5], [2, -5, 0.25], [14, np.nan, 0.25]):
            recorder.step(np.array(action), 0.0, False, False, 0, driver=Driver.HUMAN)
        recorder.end_episode()
    with h5py.File(exported(tmp_path / "demo.h5")) as file:
        expected = [[-1, 1, 0.5], [0, -0.5, 0.25], [1, np.nan, 0.25]]
        assert np.array_equal(file["data/demo_0/actions"][()], expected, equal_nan=True)
        assert file["data"].attrs["action_low"].tolist() == [-2, -10, -1]
        assert file["data/demo_0/obs/flat"][0].tolist() == [0, 0, 1]


def test_names_of_observations_are_no_paths(tmp_path: Path) -> None:
    box = gym.spaces.Box(0, 1, (2,), np.float32)
    seen, done = gym.spaces.Dict({"../a": box, ".._a": box, "..": box}), gym.spaces.Discrete(2)
    header = Header("", *(recordings.spaces.to_json(space) for space in (seen, done)))  # type: ignore[attr-defined]
    with Recorder(tmp_path / "demo.h5", header) as recorder:
        recorder.begin_episode(seen.sample(), seed=1)
        recorder.step(0, 0.0, False, True, seen.sample(), driver=Driver.HUMAN)
        recorder.end_episode()
    with h5py.File(exported(tmp_path / "demo.h5")) as file:
        assert sorted(file["data/demo_0/obs"]) == ["_", "_a", "_a_"]


def test_filters_name_what_was_kept_and_how_it_ended(tmp_path: Path) -> None:
    record_counting(tmp_path / "demo.h5", (2, 3, 2, 1))
    with Recorder(tmp_path / "demo.h5", cartpole_header(), resume=True) as recorder:
        recorder.edit(EditKind.DISCARD, episode=1, start=2, stop=-1)
        recorder.edit(EditKind.JUDGE, episode=2, start=0, stop=-1, value=Outcome.SUCCESS)
    with h5py.File(exported(tmp_path / "demo.h5")) as file:
        found = {name: names[()].tolist() for name, names in file["mask"].items()}
    assert found == {
        "kept": [b"demo_0", b"demo_2", b"demo_3"],
        "success": [b"demo_2", b"demo_3"],
        "failure": [b"demo_0"],
    }


# -- in, of files that are not ours ----------------------------------------------------------------------


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """Twelve demonstrations as robomimic's tools leave them, each of which says its number."""
    with h5py.File(tmp_path / "theirs.hdf5", "w") as file:
        file["mask/train"] = np.array(["demo_0"], "S")
        file.create_group("data").attrs["env_args"] = json.dumps(
            {"env_name": "Hopper-v5", "type": 2, "env_kwargs": {}}
        )
        for number in range(12):
            demo = file.create_group(f"data/demo_{number}")
            demo.attrs["num_samples"] = 3
            demo["actions"] = np.full((3, 2), number / 12)
            demo["rewards"], demo["states"] = np.arange(3.0), np.zeros((3, 40))
            demo["dones"] = [1, 0, number % 2]
            for group, first in (("obs", 0), ("next_obs", 1)):
                pose = np.arange(first, first + 3)[:, None] + [0, 0.5]
                demo.create_dataset(f"{group}/pose", data=pose, compression="gzip")
                demo[f"{group}/light"] = np.full((3, 2, 2), number, np.uint8)
    return tmp_path / "theirs.hdf5"


def taken_in(theirs: Path) -> Path:
    robomimic.take_in(theirs, theirs.with_name("ours.h5"), Driver.HUMAN)
    return theirs.with_name("ours.h5")


def test_several_observations_are_a_dict_in_the_order_of_the_demonstrations(theirs: Path) -> None:
    with recordings.open(taken_in(theirs)) as reader:
        space = reader.header.observation_space
        assert isinstance(space, gym.spaces.Dict)
        assert (reader.header.env_id, reader.n_episodes) == ("Hopper-v5", 12)
        assert reader.header.action_space == gym.spaces.Box(-1, 1, (2,), np.float64)
        for number, episode in enumerate(reader.episodes):
            for t, row in enumerate(episode.observations):
                parts = {
                    "light": np.full((2, 2), number, np.uint8),
                    "pose": np.array([t, t + 0.5], np.float32),
                }
                assert np.array_equal(row, gym.spaces.flatten(space, parts))
            assert (episode.actions == number / 12).all()
            assert episode.terminated.tolist() == [False, False, bool(number % 2)]
            assert episode.truncated.tolist() == [False, False, not number % 2]
            assert episode.drivers.tolist() == [Driver.HUMAN] * 3


def test_what_may_be_missing(theirs: Path) -> None:
    with h5py.File(theirs, "a") as file:
        del file["mask"]
        for demo in file["data"].values():
            for name in ("next_obs", "rewards", "dones", "states", "obs/light"):
                del demo[name]
            demo["actions"][0] = 7
            demo["obs/pose"][1] = np.nan
    with recordings.open(taken_in(theirs)) as reader:
        assert reader.header.observation_space == gym.spaces.Box(-np.inf, np.inf, (2,), np.float64)
        assert reader.header.action_space == gym.spaces.Box(-np.inf, np.inf, (2,), np.float64)
        first = reader.episodes[0]
        seen = [[0, 0.5], [np.nan, np.nan], [2, 2.5], [2, 2.5]]
        assert np.array_equal(first.observations, seen, equal_nan=True)
        assert first.rewards.tolist() == [0, 0, 0]
        assert first.truncated.tolist() == [False, False, True]


@pytest.mark.parametrize(
    ("name", "values", "said"),
    [
        ("data/demo_3/obs/pose", np.zeros((2, 2)), "demo_3: observations: pose: expected 3 rows"),
        ("data/demo_3/next_obs/pose", np.zeros((3, 5)), "demo_3: next_obs: expected rows as those of obs"),
        ("data/demo_3/actions", np.zeros((3, 5)), "episode 3: actions: expected rows of shape"),
        ("data/demo_3/actions", np.zeros((4, 2)), "demo_3: num_samples: expected 4"),
        ("data/demo_3/dones", np.zeros(2), "episode 3: terminated: expected 3 rows"),
        ("data/demo_0/actions", np.zeros((3, 0)), "actions: expected rows of numbers"),
        ("data/../demo_3", np.zeros(3), "expected demonstrations called demo_0"),
        ("data/demo_03", np.zeros(3), "expected demonstrations called demo_0"),
        ("data/demo_12", np.zeros(3), "/data/demo_12: expected a group"),
    ],
)
def test_values_that_cannot_be(theirs: Path, name: str, values: np.ndarray[Any, Any], said: str) -> None:
    with h5py.File(theirs, "a") as file:
        if name in file:
            del file[name]
        file[name] = values
    there = sorted(theirs.parent.iterdir())
    with pytest.raises(UnreadableSource, match=said):
        taken_in(theirs)
    assert sorted(theirs.parent.iterdir()) == there


def test_names_that_hold_anything_are_told_in_one_line(theirs: Path) -> None:
    with h5py.File(theirs, "a") as file:
        file["data/demo_0/obs/a\nb\x1b[2J"] = np.zeros(3, "S3")
    with pytest.raises(UnreadableSource, match=r"a\?b\?\[2J: expected rows of numbers") as raised:
        taken_in(theirs)
    assert str(raised.value).isprintable()


def test_raw_files_have_to_be_given_observations(theirs: Path) -> None:
    with h5py.File(theirs, "a") as file:
        del file["data/demo_0/obs"]
    with pytest.raises(UnreadableSource, match="dataset_states_to_obs"):
        taken_in(theirs)


def test_an_array_that_would_fill_the_memory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record_cartpole(tmp_path / "demo.h5", episodes=1)
    source = exported(tmp_path / "demo.h5")
    monkeypatch.setattr(hdf5, "MOST_BYTES", 100)
    with pytest.raises(UnreadableSource, match="expected at most 100 bytes of an episode, found"):
        robomimic.take_in(source, tmp_path / "back.h5")
    assert not (tmp_path / "back.h5").exists()
