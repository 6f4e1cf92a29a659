"""Minari datasets: a recording comes back whole, Minari reads what we write, and we read what it writes."""

from __future__ import annotations

import json
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
from recordings.exchange import minari
from tests.recordings import random_recordings
from tests.recordings.exchange.round_trips import assert_lossless, at_random, there_and_back
from tests.recordings.worlds import record_cartpole, record_counting

RANDOM = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@RANDOM
@given(world=st.sampled_from(random_recordings.WORLDS), seed=st.integers(0, 10**6))
def test_a_recording_comes_back_whole(tmp_path: Path, world: str, seed: int) -> None:
    source = at_random(tmp_path, world, seed)
    assert_lossless(source, there_and_back(tmp_path, "minari", source))


def test_spaces_with_parts_come_back(tmp_path: Path) -> None:
    seen = gym.spaces.Dict(
        {"where": gym.spaces.Box(-np.inf, np.inf, (2,), np.float32), "what": gym.spaces.Discrete(3, start=1)}
    )
    done = gym.spaces.Tuple([gym.spaces.MultiBinary(2), gym.spaces.MultiDiscrete([2, 3])])
    header = Header("", *(recordings.spaces.to_json(space) for space in (seen, done)))  # type: ignore[attr-defined]
    with Recorder(tmp_path / "parts.h5", header) as recorder:
        recorder.begin_episode(seen.sample(), seed=1)
        for _ in range(3):
            recorder.step(done.sample(), 1.0, False, False, seen.sample(), driver=Driver.SCRIPTED)
        recorder.end_episode()
    assert_lossless(tmp_path / "parts.h5", there_and_back(tmp_path, "minari", tmp_path / "parts.h5"))


# -- with Minari itself ----------------------------------------------------------------------------------


def test_minari_reads_what_we_write_and_trains_on_it(tmp_path: Path) -> None:
    reader_of = pytest.importorskip(
        "minari", reason="needs Minari: pip install understudy[minari]"
    ).MinariDataset
    record_cartpole(tmp_path / "demo.h5", episodes=3)
    with recordings.open(tmp_path / "demo.h5") as reader:
        minari.export(reader, tmp_path / "data")
        dataset = reader_of(tmp_path / "data")
        assert dataset.total_episodes == 3
        assert dataset.spec.env_spec.id == "CartPole-v1"
        for theirs, ours in zip(dataset.iterate_episodes(), reader.episodes, strict=True):
            assert np.array_equal(theirs.observations, ours.observations)
            assert np.array_equal(theirs.actions, ours.actions)
            assert np.array_equal(theirs.rewards, ours.rewards)
            assert np.array_equal(theirs.infos["understudy"]["driver"], ours.drivers)
        sampled = dataset.sample_episodes(2)
    seen = np.concatenate([each.observations[:-1] for each in sampled])
    done = np.concatenate([each.actions for each in sampled])
    weights, *_ = np.linalg.lstsq(seen, 2.0 * done - 1.0)
    assert np.isfinite(weights).all()


def test_we_read_what_minari_writes(tmp_path: Path) -> None:
    pytest.importorskip("minari", reason="needs Minari: pip install understudy[minari]")
    from minari.data_collector.episode_buffer import EpisodeBuffer
    from minari.dataset.minari_storage import MinariStorage

    env = gym.make("CartPole-v1")
    (tmp_path / "theirs").mkdir()
    storage = MinariStorage.new(tmp_path / "theirs", env.observation_space, env.action_space, env.spec)
    seen = np.arange(12, dtype=np.float32).reshape(3, 4)
    flags: dict[str, Any] = {"terminations": [False, True], "truncations": [False, False]}
    storage.update_episodes(
        [EpisodeBuffer(seed=5, observations=list(seen), actions=[1, 0], rewards=[1.0, 2.0], **flags)]
    )
    assert minari.take_in(tmp_path / "theirs", tmp_path / "ours.h5", Driver.HUMAN)["steps"] == 2
    with recordings.open(tmp_path / "ours.h5") as reader:
        (episode,) = reader.episodes
        assert np.array_equal(episode.observations, seen)
        assert episode.actions.tolist() == [1, 0]
        assert (episode.seed, episode.terminated.tolist()) == (5, [False, True])
        assert episode.drivers.tolist() == [Driver.HUMAN] * 2
        assert reader.header.env_id == "CartPole-v1"


# -- what is not as it should be -------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    record_counting(tmp_path / "demo.h5", (2, 3))
    with recordings.open(tmp_path / "demo.h5") as reader:
        minari.export(reader, tmp_path / "data")
    return tmp_path / "data"


def change(folder: Path, **values: Any) -> None:
    path = folder / minari.METADATA
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def refused(folder: Path, said: str) -> None:
    target = folder.parent / "new.h5"
    with pytest.raises(UnreadableSource, match=said):
        minari.take_in(folder, target)
    assert not target.exists()
    assert not list(folder.parent.glob(".new.h5*"))


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000, '{"data_format": "arrow"}', "{}"])
def test_metadata_that_is_none(folder: Path, text: str) -> None:
    (folder / minari.METADATA).write_text(text)
    refused(folder, "metadata.json")


@pytest.mark.parametrize(
    "space",
    ['{"type": "Graph"}', '{"type": "Box", "shape": [1e9], "low": 0, "high": 1, "dtype": "float32"}', "7"],
)
def test_spaces_that_are_none(folder: Path, space: str) -> None:
    change(folder, understudy=None, observation_space=space)
    refused(folder, "observation_space: expected a space")


def test_pictures_as_jpeg_are_not_what_was_seen(folder: Path) -> None:
    picture = {"type": "Box", "shape": [32, 32, 3], "low": [0] * 3072, "high": [255] * 3072, "dtype": "uint8"}
    change(folder, understudy=None, observation_space=json.dumps(picture), jpeg_encoding=True)
    refused(folder, "jpeg_encoding: expected false")


def with_file(folder: Path) -> h5py.File:
    return h5py.File(folder / minari.DATA, "a")


def test_what_lies_elsewhere_is_not_followed(folder: Path) -> None:
    with h5py.File(folder.parent / "secret.h5", "w") as file:
        file["rewards"] = np.zeros(2)
    with with_file(folder) as file:
        del file["episode_0/rewards"]
        file["episode_0/rewards"] = h5py.ExternalLink(str(folder.parent / "secret.h5"), "/rewards")
    refused(folder, "/episode_0/rewards: expected a dataset in the file itself")


def test_rows_of_another_file_are_not_read(folder: Path) -> None:
    layout = h5py.VirtualLayout((2,), np.float64)
    layout[:] = h5py.VirtualSource(str(folder.parent / "secret.h5"), "rewards", (2,))
    with with_file(folder) as file:
        del file["episode_0/rewards"]
        file["episode_0"].create_virtual_dataset("rewards", layout)
    refused(folder, "found a reference to other files")


def test_a_few_bytes_that_claim_to_be_many_are_not_unpacked(folder: Path) -> None:
    with with_file(folder) as file:
        del file["episode_0/rewards"]
        file.create_dataset("episode_0/rewards", (10**12,), np.float64, chunks=(10**6,), compression="gzip")
    refused(folder, "claims 8000000000000 bytes")


@pytest.mark.parametrize(
    ("name", "values", "said"),
    [
        ("actions", np.array([0, 5]), "actions: expected whole numbers from 0 to 1"),
        ("actions", np.array([0.5, 1.0]), "expected whole numbers, found fractions"),
        ("observations", np.zeros((2, 4)), "observations: expected 3 rows"),
        ("observations", np.zeros((3, 5)), "observations: expected rows of shape"),
        ("infos/understudy/driver", np.array([9, 9]), "driver: expected codes up to 4"),
        ("infos/understudy/label_step", np.array([7]), "episode 0: labelers: expected 1 names"),
    ],
)
def test_values_that_cannot_be(folder: Path, name: str, values: np.ndarray[Any, Any], said: str) -> None:
    with with_file(folder) as file:
        del file[f"episode_0/{name}"]
        file[f"episode_0/{name}"] = values
    refused(folder, said)


def test_a_missing_episode_and_a_file_that_is_none(folder: Path) -> None:
    with with_file(folder) as file:
        file.move("episode_0", "episode_7")
    refused(folder, "/episode_0: expected a group")
    (folder / minari.DATA).write_bytes(b"no HDF5")
    refused(folder, "expected an HDF5 file")


def test_nothing_is_overwritten(folder: Path) -> None:
    with recordings.open(folder.parent / "demo.h5") as reader, pytest.raises(RecordingExists):
        minari.export(reader, folder)
    with pytest.raises(RecordingExists):
        minari.take_in(folder, folder.parent / "demo.h5")
