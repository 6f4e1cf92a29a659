"""D4RL's files: what its own functions find in ours, and what we find in those that are not from a recording."""

from __future__ import annotations

import contextlib
import os
import warnings
from pathlib import Path
from typing import Any

import gymnasium as gym
import h5py
import numpy as np
import pytest

import recordings
from recordings import Driver, Header, Recorder
from recordings.errors import UnreadableSource
from recordings.exchange import d4rl
from tests.recordings import random_recordings
from tests.recordings.exchange.round_trips import assert_lossless
from tests.recordings.worlds import cartpole_header, record_cartpole, record_counting


def exported(path: Path) -> Path:
    with recordings.open(path) as reader:
        d4rl.export(reader, path.with_suffix(".hdf5"))
    return path.with_suffix(".hdf5")


def datasets_of(path: Path) -> dict[str, np.ndarray[Any, Any]]:
    """Every dataset in the file, as D4RL's `get_dataset` takes them."""
    found: dict[str, np.ndarray[Any, Any]] = {}

    def keep(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            found[name] = item[()]

    with h5py.File(path) as file:
        file.visititems(keep)
    return found


# -- out -------------------------------------------------------------------------------------------------


def test_d4rl_reads_what_we_write_and_trains_on_it(tmp_path: Path) -> None:
    # It imports gym, and says on import which simulators it lacks.
    with warnings.catch_warnings(), open(os.devnull, "w") as nowhere, contextlib.redirect_stderr(nowhere):
        warnings.simplefilter("ignore")
        theirs = pytest.importorskip(
            "d4rl", reason="needs D4RL: pip install d4rl, in an environment of its own, as it is made for gym"
        )
    record_cartpole(tmp_path / "demo.h5", episodes=3)
    data = datasets_of(exported(tmp_path / "demo.h5"))
    with recordings.open(tmp_path / "demo.h5") as reader:
        for found, ours in zip(theirs.sequence_dataset(None, data), reader.episodes, strict=True):
            assert np.array_equal(found["observations"], ours.observations[:-1])
            assert np.array_equal(found["next_observations"], ours.observations[1:])
            assert np.array_equal(found["actions"], ours.actions)
            assert np.array_equal(found["infos/understudy/driver"], ours.drivers)
            assert found["terminals"].tolist() == ours.terminated.tolist()
        transitions = theirs.qlearning_dataset(None, data)
        assert len(transitions["rewards"]) == reader.n_steps - 1
    weights, *_ = np.linalg.lstsq(transitions["observations"], 2.0 * transitions["actions"] - 1.0)
    assert np.isfinite(weights).all()


def test_every_dataset_has_a_row_a_step(tmp_path: Path) -> None:
    for seed, world in enumerate(random_recordings.WORLDS):
        random_recordings.make(tmp_path / f"{seed}.h5", world, seed)
        with recordings.open(tmp_path / f"{seed}.h5") as reader:
            n = reader.n_steps
            ends = [episode.stop - 1 for episode in reader.episodes]
        data = datasets_of(exported(tmp_path / f"{seed}.h5"))
        assert {len(values) for values in data.values()} == {n}
        assert np.flatnonzero(data["terminals"] | data["timeouts"]).tolist() == ends


def test_many_labels_have_room(tmp_path: Path) -> None:
    record_counting(tmp_path / "demo.h5", (50,))
    with Recorder(tmp_path / "demo.h5", cartpole_header(), resume=True) as recorder:
        for label in range(9000):
            recorder.label(label % 50, label % 2, labeler="Ada", kind=0, time_ns=label)
    with h5py.File(exported(tmp_path / "demo.h5")) as file:
        assert file["infos/understudy"].attrs["label_time_ns"].tolist() == list(range(9000))
    d4rl.take_in(tmp_path / "demo.hdf5", tmp_path / "back.h5")
    assert_lossless(tmp_path / "demo.h5", tmp_path / "back.h5")


# -- in, of files that are not ours ----------------------------------------------------------------------


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """Ten steps: three to a terminal, four to a time limit, and three that the file breaks off in."""
    with h5py.File(tmp_path / "theirs.hdf5", "w") as file:
        columns = {
            "observations": np.arange(20, dtype=np.float32).reshape(10, 2),
            "actions": np.linspace(-1, 1, 10)[:, None],
            "rewards": np.arange(10.0)[:, None],
            "terminals": np.arange(10) == 2,
            "timeouts": np.arange(10) == 6,
            "infos/qpos": np.zeros((10, 3)),
        }
        for name, values in columns.items():
            file.create_dataset(name, data=values, compression="gzip")
        file["metadata/algorithm"] = "SAC"
    return tmp_path / "theirs.hdf5"


def taken_in(theirs: Path) -> Path:
    d4rl.take_in(theirs, theirs.with_name("ours.h5"), Driver.SCRIPTED)
    return theirs.with_name("ours.h5")


@pytest.mark.parametrize("block_bytes", [1, 200, 1 << 24])
def test_episodes_end_where_it_says_so(
    theirs: Path, block_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(d4rl, "_BLOCK_BYTES", block_bytes)
    with recordings.open(taken_in(theirs)) as reader:
        assert [episode.length for episode in reader.episodes] == [3, 4, 3]
        assert reader.header.action_space == gym.spaces.Box(-1, 1, (1,), np.float64)
        first, second, third = reader.episodes
        assert first.observations.tolist() == [[0, 1], [2, 3], [4, 5], [4, 5]]
        assert (first.terminated.tolist(), first.truncated.any()) == ([False, False, True], False)
        assert (second.truncated.tolist(), second.terminated.any()) == ([False] * 3 + [True], False)
        assert not third.terminated.any()
        assert not third.truncated.any()
        assert second.rewards.tolist() == [3, 4, 5, 6]
        assert first.drivers.tolist() == [Driver.SCRIPTED] * 3


def test_what_was_seen_last_is_in_next_observations(theirs: Path) -> None:
    with h5py.File(theirs, "a") as file:
        file["next_observations"] = file["observations"][()] + 100
        file["observations"][4] = np.nan
        del file["timeouts"]
    with recordings.open(taken_in(theirs)) as reader:
        assert [episode.length for episode in reader.episodes] == [3, 7]
        assert reader.episodes[0].final_observation.tolist() == [104, 105]
        assert np.isnan(reader.episodes[1].observations[1]).all()


def test_whole_numbers_are_choices(theirs: Path) -> None:
    with h5py.File(theirs, "a") as file:
        del file["actions"], file["observations"]
        file["actions"], file["observations"] = np.arange(10) % 3 + 1, np.arange(10, dtype=np.uint64)
    with recordings.open(taken_in(theirs)) as reader:
        assert reader.header.action_space == gym.spaces.Discrete(3, start=1)
        assert reader.header.observation_space == gym.spaces.Discrete(10)


@pytest.mark.parametrize(
    ("name", "values", "said"),
    [
        ("actions", np.zeros((9, 1)), "actions: expected 10 rows"),
        ("actions", np.zeros((10, 0)), "actions: expected rows of numbers"),
        ("actions", np.arange(10) * 2**60, "actions: expected choices counted in 62 bits"),
        ("next_observations", np.zeros((10, 3)), "next_observations: expected shape"),
        ("timeouts", np.zeros(7), "timeouts: expected 10 rows"),
        ("terminals", np.zeros((10, 2)), "episode 0: terminated: expected rows of shape"),
    ],
)
def test_values_that_cannot_be(theirs: Path, name: str, values: np.ndarray[Any, Any], said: str) -> None:
    with h5py.File(theirs, "a") as file:
        if name in file:
            del file[name]
        file[name] = values
    refused(theirs, said)


def refused(path: Path, said: str) -> None:
    there = sorted(path.parent.iterdir())
    with pytest.raises(UnreadableSource, match=said):
        taken_in(path)
    assert sorted(path.parent.iterdir()) == there


# -- in, of what we wrote and somebody changed -----------------------------------------------------------

LINE = b'{"length": %d, "seed": 1, "options": null, "labels": %d, "about": %s}\n'


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("header", "{", "header: expected a JSON object"),
        ("header", "[" * 100_000, "header: expected a JSON object"),
        ("header", np.arange(3), "header: expected a JSON object"),
        ("header", "{}", "format: expected"),
        ("episodes", 7, "episodes: expected lines of JSON"),
        ("episodes", b"[" * 100_000, "expected a JSON object"),
        ("episodes", LINE % (2, 0, b"{}"), "episodes: expected 5 steps in all, found 2"),
        ("episodes", LINE % (-2, 0, b"{}"), "episode 0 beyond"),
        ("episodes", LINE % (10**30, 0, b"{}"), "episode 0 beyond"),
        ("episodes", LINE % (5, -1, b"{}"), "episode 0 beyond"),
        ("episodes", LINE % (0, 0, b"{}") + LINE % (5, 0, b"{}"), "episode 0: observations: expected 1 rows"),
        ("episodes", LINE % (5, 0, b"7"), "expected length, seed, labels and about"),
        ("episodes", b'{"length": true, "seed": 1, "labels": 0, "about": {}}', "expected length, seed"),
        ("episodes", LINE % (5, 0, b'{"outcome": 9}'), "outcome: expected 1, 2 or 3"),
        ("label_step", np.array([9]), "labelers: expected 1 names"),
    ],
)
def test_extras_that_cannot_be(tmp_path: Path, name: str, value: Any, said: str) -> None:
    record_counting(tmp_path / "demo.h5", (5,))
    with h5py.File(exported(tmp_path / "demo.h5"), "a", libver="latest") as file:
        attributes = file["infos/understudy"].attrs
        attributes[name] = np.frombuffer(value, np.uint8) if isinstance(value, bytes) else value
        if name == "label_step":
            attributes["episodes"] = np.frombuffer(LINE % (5, 1, b"{}"), np.uint8)
    refused(tmp_path / "demo.hdf5", said)


def test_half_a_letter_becomes_a_question_mark(tmp_path: Path) -> None:
    record_counting(tmp_path / "demo.h5", (5,))
    about = rb'{"session": {"operator": "\ud800A"}, "labelers": ["\udc00"], "edits": [[0, 0, 0, 1, 0, "\ud801", 0]]}'
    with h5py.File(exported(tmp_path / "demo.h5"), "a") as file:
        attributes = file["infos/understudy"].attrs
        attributes["header"] = attributes["header"].replace("Ada", r"\ud800a")
        attributes["episodes"] = np.frombuffer(LINE % (5, 1, about), np.uint8)
        for name in ("row", "step", "action", "kind", "time_ns"):
            attributes[f"label_{name}"] = np.zeros(1, np.int64)
    with recordings.open(taken_in(tmp_path / "demo.hdf5")) as reader:
        assert (reader.header.operator, reader.sessions()[0]["operator"]) == ("?a", "?A")
        assert (reader.labelers, reader.edits()[0].note) == (("?",), "?")


@pytest.mark.parametrize(
    ("name", "values", "said"),
    [
        ("actions", np.full(5, np.nan), "actions: expected whole numbers"),
        ("actions", np.full(5, 2**70, np.float64), "actions: expected whole numbers from 0 to 1"),
        ("infos/understudy/keys", np.full(5, -1), "keys: expected numbers that fit uint32"),
        ("infos/understudy/driver", np.full(5, 9), "driver: expected codes up to 4"),
    ],
)
def test_columns_that_cannot_be(tmp_path: Path, name: str, values: np.ndarray[Any, Any], said: str) -> None:
    record_counting(tmp_path / "demo.h5", (5,))
    with h5py.File(exported(tmp_path / "demo.h5"), "a") as file:
        del file[name]
        file[name] = values
    refused(tmp_path / "demo.hdf5", said)


def test_spaces_of_parts_are_flat(tmp_path: Path) -> None:
    seen = gym.spaces.Dict({"a": gym.spaces.Discrete(3), "b": gym.spaces.Box(0, 1, (2,), np.float32)})
    header = Header("", *(recordings.spaces.to_json(space) for space in (seen, gym.spaces.Discrete(2))))  # type: ignore[attr-defined]
    with Recorder(tmp_path / "demo.h5", header) as recorder:
        recorder.begin_episode({"a": 1, "b": np.zeros(2, np.float32)}, seed=1)
        recorder.step(0, 0.0, True, False, {"a": 2, "b": np.ones(2, np.float32)}, driver=Driver.HUMAN)
        recorder.end_episode()
    data = datasets_of(exported(tmp_path / "demo.h5"))
    assert data["observations"].tolist() == [[0, 1, 0, 0, 0]]
    assert data["next_observations"].tolist() == [[0, 0, 1, 1, 1]]
