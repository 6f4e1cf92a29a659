"""robomimic's and D4RL's files: a recording comes back whole, and what is not as it should be is refused unwritten."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium as gym
import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import recordings
from recordings import Driver, Header, Recorder
from recordings.errors import RecordingExists, UnreadableSource
from recordings.exchange.catalogue import FORMATS
from tests.recordings import random_recordings
from tests.recordings.exchange.round_trips import assert_lossless, at_random, there_and_back
from tests.recordings.worlds import cartpole_header, record_counting

RANDOM = settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
NAMES = ("robomimic", "d4rl")
REWARDS = {"robomimic": "data/demo_0/rewards", "d4rl": "rewards"}


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


# -- there and back --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
@RANDOM
@given(world=st.sampled_from(random_recordings.WORLDS), seed=st.integers(0, 10**6))
def test_a_recording_comes_back_whole(tmp_path: Path, name: str, world: str, seed: int) -> None:
    source = at_random(tmp_path, world, seed)
    assert_lossless(source, there_and_back(tmp_path, name, source))


def test_a_recording_of_nothing_and_episodes_without_a_step(tmp_path: Path, name: str) -> None:
    with Recorder(tmp_path / "none.h5", cartpole_header()):
        pass
    assert_lossless(tmp_path / "none.h5", there_and_back(tmp_path, name, tmp_path / "none.h5"))
    with Recorder(tmp_path / "brief.h5", cartpole_header()) as recorder:
        for seed in range(12):
            recorder.begin_episode(np.full(4, seed, np.float32), seed=seed)
            if seed % 3 == 1:
                recorder.step(1, 1.0, False, False, np.full(4, np.nan, np.float32), driver=Driver.HUMAN)
            recorder.end_episode()
    assert_lossless(tmp_path / "brief.h5", there_and_back(tmp_path, name, tmp_path / "brief.h5"))


BOX = gym.spaces.Box(-np.inf, np.inf, (2,), np.float32)
PAIRS = [
    (gym.spaces.Dict({"../a/b": BOX, "": gym.spaces.Discrete(3, start=1)}), gym.spaces.Discrete(3, start=-1)),
    (gym.spaces.Tuple([gym.spaces.Dict({"x": BOX}), BOX]), gym.spaces.MultiDiscrete([2, 3])),
    (gym.spaces.MultiBinary(3), gym.spaces.Box(-np.inf, np.array([5, np.inf]), (2,), np.float64)),
    (gym.spaces.Box(0, 255, (4, 4, 3), np.uint8), gym.spaces.Box(-5, 300, (), np.int16)),
    (gym.spaces.Discrete(10**6), gym.spaces.Dict({"a": gym.spaces.Discrete(2), "b": BOX})),
]


@pytest.mark.parametrize(("seen", "done"), PAIRS)
def test_all_kinds_of_spaces_come_back(
    tmp_path: Path, name: str, seen: gym.Space[Any], done: gym.Space[Any]
) -> None:
    header = Header("", *(recordings.spaces.to_json(space) for space in (seen, done)))  # type: ignore[attr-defined]
    with Recorder(tmp_path / "parts.h5", header) as recorder:
        recorder.begin_episode(seen.sample(), seed=1)
        for _ in range(3):
            recorder.step(done.sample(), 1.0, False, False, seen.sample(), driver=Driver.SCRIPTED)
        recorder.end_episode()
    assert_lossless(tmp_path / "parts.h5", there_and_back(tmp_path, name, tmp_path / "parts.h5"))


# -- what is not as it should be -------------------------------------------------------------------------


@pytest.fixture
def path(tmp_path: Path, name: str) -> Path:
    record_counting(tmp_path / "demo.h5", (2, 3))
    with recordings.open(tmp_path / "demo.h5") as reader:
        FORMATS[name].export(reader, tmp_path / "data.hdf5")
    return tmp_path / "data.hdf5"


def refused(path: Path, name: str, said: str) -> None:
    there = sorted(path.parent.iterdir())
    with pytest.raises(UnreadableSource, match=said) as raised:
        FORMATS[name].take_in(path, path.parent / "new.h5", Driver.POLICY, None)
    assert "\n" not in str(raised.value)
    assert sorted(path.parent.iterdir()) == there


def test_what_lies_elsewhere_is_not_followed(path: Path, name: str) -> None:
    with h5py.File(path.parent / "secret.h5", "w") as file:
        file["rewards"] = np.zeros(2)
    with h5py.File(path, "a") as file:
        del file[REWARDS[name]]
        file[REWARDS[name]] = h5py.ExternalLink(str(path.parent / "secret.h5"), "/rewards")
    refused(path, name, "rewards: expected a dataset in the file itself")


def test_rows_of_another_file_are_not_read(path: Path, name: str) -> None:
    layout = h5py.VirtualLayout((2,), np.float64)
    layout[:] = h5py.VirtualSource(str(path.parent / "secret.h5"), "rewards", (2,))
    with h5py.File(path, "a") as file:
        del file[REWARDS[name]]
        file.create_virtual_dataset(REWARDS[name], layout)
    refused(path, name, "found a reference to other files")


def test_a_few_bytes_that_claim_to_be_many_are_not_unpacked(path: Path, name: str) -> None:
    with h5py.File(path, "a") as file:
        del file[REWARDS[name]]
        file.create_dataset(REWARDS[name], (10**12,), np.float64, chunks=(10**6,), compression="gzip")
    refused(path, name, "claims 8000000000000 bytes")


def test_columns_of_another_length_and_of_no_numbers(path: Path, name: str) -> None:
    n = 2 if name == "robomimic" else 5
    for values, said in ((np.zeros(1), "rows"), (np.zeros(n, "S3"), "numbers"), (np.float64(1), "rows")):
        with h5py.File(path, "a") as file:
            del file[REWARDS[name]]
            file[REWARDS[name]] = values
        refused(path, name, said)


def test_a_file_that_is_none_and_one_of_another_kind(path: Path, name: str) -> None:
    with h5py.File(path, "w") as file:
        file["other"] = np.zeros(2)
    refused(path, name, "expected a")
    path.write_bytes(b"no HDF5")
    refused(path, name, "expected an HDF5 file")


def test_nothing_is_overwritten(path: Path, name: str) -> None:
    with recordings.open(path.parent / "demo.h5") as reader, pytest.raises(RecordingExists):
        FORMATS[name].export(reader, path)
    with pytest.raises(RecordingExists):
        FORMATS[name].take_in(path, path.parent / "demo.h5", Driver.POLICY, None)
