"""The GridWorld tutorial's pickle: walks come back, Python reads what we write, and no pickle runs anything here."""

from __future__ import annotations

import os
import pickle
import pickletools
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import recordings
import teleop.worlds  # noqa: F401 - makes GridWorld known to gymnasium
from learners.data import tutorial_demonstrations_path
from recordings import Driver, Header, LabelKind, Outcome, Recorder, replay
from recordings.errors import RecordingExists, UnreadableSource, WorldMismatch
from recordings.exchange import pickles, tutorial
from recordings.exchange.episodes import taken_out
from recordings.sameness import first_difference
from tests.recordings.exchange.round_trips import FRESH, there_and_back
from tests.recordings.worlds import record_cartpole

RANDOM = settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
Arrays = dict[str, np.ndarray[Any, Any]]


def walk(path: Path, seed: int, *, driver: Driver = Driver.POLICY, longest: int = 30) -> None:
    """Some random walks, from anywhere to near the goal; the last one may be as long as an episode can be."""
    rng = np.random.default_rng(seed)
    with gym.make(tutorial.WORLD) as env, Recorder(path, Header.for_env(env)) as recorder:
        for length in [*rng.integers(1, longest, size=rng.integers(4)).tolist(), int(rng.choice([5, 200]))]:
            start = int(rng.choice([rng.integers(2499), 2498, 2449]))
            recorder.begin_episode(start, seed=tutorial.SEED, options={"state": start})
            env.reset(options={"state": start})
            terminated = truncated = False
            for step in range(length):
                action = int(rng.integers(4))
                seen, reward, terminated, truncated, _ = env.step(action)
                truncated |= step == length - 1 and not terminated
                recorder.step(action, float(reward), terminated, truncated, seen, driver=driver)
                if terminated:
                    break
            recorder.end_episode(Outcome.SUCCESS if terminated else Outcome.FAILURE)


@RANDOM
@given(seed=st.integers(0, 10**6))
def test_walks_come_back_whole(tmp_path: Path, seed: int) -> None:
    source = tmp_path / f"walks-{next(FRESH)}.h5"
    walk(source, seed)
    assert first_difference(source, there_and_back(tmp_path, "tutorial", source)) is None


def test_what_the_format_has_no_room_for_is_left_out(tmp_path: Path) -> None:
    source = tmp_path / "walks.h5"
    walk(source, 3, driver=Driver.HUMAN)
    with recordings.open(source) as reader:
        header = reader.header
    with Recorder(source, header, resume=True) as recorder:
        recorder.label(0, 1, labeler="Ada", kind=LabelKind.PAUSED, time_ns=1)
    with (
        recordings.open(source) as one,
        recordings.open(there_and_back(tmp_path, "tutorial", source)) as other,
    ):
        assert len(one.labels()) == 1
        assert len(other.labels()) == 0
        for mine, theirs in zip(one.episodes, other.episodes, strict=True):
            assert np.array_equal(mine.observations, theirs.observations)
            assert np.array_equal(mine.actions, theirs.actions)
            assert np.array_equal(mine.rewards, theirs.rewards)
            assert set(theirs.drivers.tolist()) == {Driver.POLICY}


def test_the_tutorials_own_episodes_come_back_and_replay(tmp_path: Path) -> None:
    """The first fifty of those in the repository."""
    with recordings.open(tutorial_demonstrations_path()) as reader:
        ours = [each for each, _ in zip(taken_out(reader), range(50), strict=False)]
    arrays = {
        "states": np.concatenate([each.observations[:-1] for each in ours]).astype(np.int64),
        "actions": np.concatenate([each.actions for each in ours]).astype(np.int64),
        "rewards": np.concatenate([each.rewards for each in ours]).astype(np.float32),
        "timestep_lens": np.array([len(each.rewards) for each in ours]),
    }
    tutorial.take_in(pickled(tmp_path, arrays), tmp_path / "back.h5")
    with recordings.open(tmp_path / "back.h5") as reader:
        for mine, theirs in zip(ours, taken_out(reader), strict=True):
            for name in ("observations", "actions", "rewards", "terminated", "truncated", "seed", "options"):
                assert np.array_equal(getattr(mine, name), getattr(theirs, name)), name
            assert mine.about["outcome"] == theirs.about["outcome"]
    assert replay.verify(tmp_path / "back.h5").verified


def test_only_its_own_world_has_this_format(tmp_path: Path) -> None:
    record_cartpole(tmp_path / "demo.h5", episodes=1)
    with (
        recordings.open(tmp_path / "demo.h5") as reader,
        pytest.raises(WorldMismatch, match="found CartPole-v1"),
    ):
        tutorial.export(reader, tmp_path / "demo.pkl")
    assert [each.name for each in tmp_path.iterdir()] == ["demo.h5"]


# -- pickle itself ---------------------------------------------------------------------------------------


@pytest.fixture
def arrays() -> Arrays:
    """Two steps down the left edge, then one onto the goal."""
    world = tutorial._World.stepped()
    moves = np.array([0, 50, 2498]), np.array([1, 1, 3])
    return {
        "states": moves[0],
        "actions": moves[1],
        "rewards": world.rewards[moves].astype(np.float32),
        "timestep_lens": np.array([2, 1]),
    }


def pickled(folder: Path, value: Any, protocol: int = 4) -> Path:
    path = folder / "ckpt0.pkl"
    path.write_bytes(pickle.dumps(value, protocol))
    return path


def test_python_reads_what_we_write(tmp_path: Path) -> None:
    walk(tmp_path / "walks.h5", 1)
    with recordings.open(tmp_path / "walks.h5") as reader:
        counts = tutorial.export(reader, tmp_path / "ckpt0.pkl")
        found = pickle.loads((tmp_path / "ckpt0.pkl").read_bytes())  # noqa: S301 - our own
        assert {name: array.dtype.str for name, array in found.items()} == tutorial.TYPES
        assert found["timestep_lens"].tolist() == [len(each.rewards) for each in reader.episodes]
        assert np.array_equal(found["states"], reader.read("steps", "observation", 0, counts["steps"]))
        assert np.array_equal(found["actions"], reader.read("steps", "action", 0, counts["steps"]))
        assert np.array_equal(found["rewards"], reader.read("steps", "reward", 0, counts["steps"]))


@pytest.mark.parametrize("protocol", [3, 4, 5])
def test_we_read_what_python_writes(tmp_path: Path, arrays: Arrays, protocol: int) -> None:
    found = pickles.read(pickled(tmp_path, arrays, protocol))
    assert list(found) == list(arrays)
    assert all(np.array_equal(found[name], array) for name, array in arrays.items())
    tutorial.take_in(tmp_path / "ckpt0.pkl", tmp_path / "back.h5", Driver.HUMAN)
    with recordings.open(tmp_path / "back.h5") as reader:
        assert [each.observations.tolist() for each in reader.episodes] == [[0, 50, 100], [2498, 2499]]
        assert [int(each.recorded_outcome) for each in reader.episodes] == [Outcome.FAILURE, Outcome.SUCCESS]
        assert set(reader.episodes[0].drivers.tolist()) == {Driver.HUMAN}


def test_older_numpys_names_are_known(tmp_path: Path, arrays: Arrays) -> None:
    path = pickled(tmp_path, arrays, 3)
    path.write_bytes(path.read_bytes().replace(b"numpy._core.multiarray", b"numpy.core.multiarray"))
    assert list(pickles.read(path)) == list(arrays)


@pytest.mark.parametrize("dtype", [">i8", "<u2", ">f4", "?", "i1", "f2"])
def test_every_kind_of_number(tmp_path: Path, dtype: str) -> None:
    array = np.array([0, 1, 1], dtype)
    found = pickles.read(pickled(tmp_path, {"a": array, "again": array}))
    assert (found["a"].tolist(), found["a"].dtype) == (array.tolist(), array.dtype)
    assert found["again"].tolist() == array.tolist()


# -- what is not as it should be -------------------------------------------------------------------------


class Runs:
    """Unpickled, it would call a function of the system."""

    def __init__(self, call: Callable[..., Any], *words: Any) -> None:
        self._call, self._words = call, words

    def __reduce__(self) -> Any:
        return self._call, self._words


def refused(path: Path, said: str) -> None:
    target = path.with_name("new.h5")
    with pytest.raises(UnreadableSource, match=said) as caught:
        tutorial.take_in(path, target)
    assert len(str(caught.value)) < 1000
    assert not target.exists()
    assert not list(path.parent.glob(".new.h5*"))


@pytest.mark.parametrize("protocol", range(6))
def test_nothing_runs(tmp_path: Path, arrays: Arrays, protocol: int) -> None:
    sign = tmp_path / "it-ran"
    evil = pickle.dumps({**arrays, "states": Runs(os.mkdir, str(sign))}, protocol)
    path = tmp_path / "ckpt0.pkl"
    path.write_bytes(evil)
    refused(path, "expected a pickled dict of numpy arrays")
    assert not sign.exists()
    pickle.loads(evil)  # noqa: S301 - it makes a folder
    assert sign.exists(), "the pickle would not have run anything anywhere"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([1, 2], "the instruction EMPTY_LIST"),
        (7, "found int"),
        ({}, "keys: expected states"),
        ({"states": np.array([None])}, "an array of something else than numbers"),
        ({"states": np.array(["a"])}, "an array of something else than numbers"),
        ({"states": np.zeros(2, "i4,i4")}, "an array of something else than numbers"),
        ({"states": np.zeros((2, 2))}, "not one row of numbers"),
        ({"states": np.float64(1)}, "a call of numpy._core.multiarray.scalar"),
        ({"states": 1}, "a dict of other things"),
        ({1: np.zeros(2)}, "int for a name"),
        ({"states": {"a": np.zeros(2)}}, "a dict of other things"),
        (Runs(eval, "1"), "a call of builtins.eval"),
        (Runs(np.ndarray, (10**12,)), "a call of numpy.ndarray"),
        (Runs(np.zeros, 10**12), "a call of numpy.zeros"),
        (Runs(np.dtype, "O"), "an array of something else than numbers"),
    ],
)
def test_other_things_than_arrays(tmp_path: Path, value: Any, said: str) -> None:
    refused(pickled(tmp_path, value), said)


REBUILD = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R"


@pytest.mark.parametrize(
    ("program", "said"),
    [
        (b"", "pickle exhausted"),
        (b"no pickle", "found"),
        (b"\x80\x04" + b"(" * 10**6 + b".", "more than 10000 instructions"),
        (b"\x80\x04" + b"}" * 10**6 + b".", "more than 10000 instructions"),
        (b"\x80\x04" + b"N\x85" + b"\x85" * 5_000 + b".", "found tuple"),
        (b"\x80\x04N\x94" + b"h\x00h\x00\x86\x94" * 60 + b".", "values"),
        (b"\x80\x04)" + b"\x940h\x000h\x00" + b".", "the instruction POP"),
        (
            b"\x80\x04N" + b"q\x00" + b"".join(b"h%ch%c\x86q%c" % (i, i, i + 1) for i in range(99)) + b".",
            "values",
        ),
        (b"\x80\x04Nr\xff\xff\xff\x7f.", "found NoneType"),
        (b"\x80\x04h\x07.", "never kept"),
        (b"\x80\x04\x8e" + b"\xff" * 8 + b"abc.", "found"),
        (b"\x80\x04\x8e\x00\x00\x00\x00\xff\x00\x00\x00abc.", "found"),
        (b"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\x00N.", "found"),
        (b"\x80\x04R.", "without its values"),
        (b"\x80\x04b.", "without its values"),
        (b"\x80\x04(u.", "without its value"),
        (b"\x80\x04t.", "without its mark"),
        (b"\x80\x04" + REBUILD + b"}b.", "a state that is no tuple"),
        (b"\x80\x04" + REBUILD + b")b.", "found"),
        (b"\x80\x04}\x8c\x01a" + REBUILD + b"s.", "a dict of other things"),
        (b"\x80\x04}q\x00\x8c\x01ah\x00s.", "a dict of other things"),
        (b"I" + b"9" * 10**5 + b"\n.", "found"),
        (b"\x80\x02cos\nmkdir\nX\x01\x00\x00\x00a\x85R.", "a call of os.mkdir"),
        (b"\x80\x04P7\n.", "the instruction PERSID"),
        (b"\x80\x04\x82\x01.", "the instruction EXT1"),
    ],
)
def test_bombs_and_torn_programs(tmp_path: Path, program: bytes, said: str) -> None:
    path = tmp_path / "ckpt0.pkl"
    path.write_bytes(program)
    tracemalloc.start()
    try:
        refused(path, said)
        assert tracemalloc.get_traced_memory()[1] < 30_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.filterwarnings("error")
def test_a_name_with_half_an_escape_is_refused_without_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "ckpt0.pkl"
    path.write_bytes(b"\x80\x04cnum\\\tpy\nndarray\n).")
    refused(path, "found")


def test_an_array_of_more_than_its_bytes(tmp_path: Path, arrays: Arrays) -> None:
    path = tmp_path / "ckpt0.pkl"
    pickles.write(path, arrays)
    whole = path.read_bytes()
    long = (b"\x8a\x08" + (3).to_bytes(8, "little"), b"\x8a\x08" + (10**15).to_bytes(8, "little"))
    path.write_bytes(whole.replace(*long, 1))
    refused(path, "bytes are not those of its shape")
    path.write_bytes(whole.replace(long[0], b"\x8a\x08" + (-1).to_bytes(8, "little", signed=True), 1))
    refused(path, "bytes are not those of its shape")


def test_a_file_cut_short_anywhere(tmp_path: Path, arrays: Arrays) -> None:
    whole = pickle.dumps(arrays)
    path = tmp_path / "ckpt0.pkl"
    for n in range(len(whole)):
        path.write_bytes(whole[:n])
        with pytest.raises(UnreadableSource):
            pickles.read(path)


def test_every_byte_may_be_wrong(tmp_path: Path, arrays: Arrays) -> None:
    whole = bytearray(pickle.dumps(arrays))
    rng = np.random.default_rng(0)
    path = tmp_path / "ckpt0.pkl"
    read = 0
    for _ in range(1000):
        changed = whole.copy()
        changed[rng.integers(len(changed))] = rng.integers(256)
        path.write_bytes(changed)
        try:
            assert all(each.dtype.kind in "biuf" for each in pickles.read(path).values())
            read += 1
        except UnreadableSource:
            pass
    assert 0 < read < 1000


def test_what_is_no_file_or_too_large(tmp_path: Path) -> None:
    refused(tmp_path / "nowhere.pkl", "no such file")
    (tmp_path / "folder").mkdir()
    refused(tmp_path / "folder", "or a folder")
    with (tmp_path / "large.pkl").open("wb") as file:
        file.truncate(pickles.LARGEST + 1)
    refused(tmp_path / "large.pkl", "which are more than")


@pytest.mark.parametrize(
    ("name", "values", "said"),
    [
        ("states", [0, 51, 2498], "row 0: expected action 1 in state 0 to lead to 50"),
        ("states", [0, 50, 2499], "states: expected 0 to 2498, found 0 to 2499"),
        ("states", [0, -1, 2498], "states: expected 0 to 2498"),
        ("states", [0, 50], "states: expected 3 rows"),
        ("states", [0.0, 50.0, 2498.0], "states: expected whole numbers"),
        ("actions", [1, 1, 4], "actions: expected 0 to 3"),
        ("rewards", [7.0, 0.0, 10.0], "row 0: expected action 1 in state 0"),
        ("rewards", [float("nan"), 0.0, 10.0], "row 0: expected action 1 in state 0"),
        ("timestep_lens", [1, 3], "expected 4 rows|states: expected"),
        ("timestep_lens", [0, 3], "timestep_lens: expected 1 to 200, found 0 to 3"),
        ("timestep_lens", [2**62, 2**62], "timestep_lens: expected 1 to 200"),
        ("timestep_lens", [3], "row 1: expected action 1 in state 50 to lead to 100"),
        ("timestep_lens", [], "states: expected 0 rows"),
    ],
)
def test_episodes_that_cannot_be(
    tmp_path: Path, arrays: Arrays, name: str, values: list[Any], said: str
) -> None:
    kind = None if values else np.int64
    refused(pickled(tmp_path, {**arrays, name: np.array(values, kind)}), said)


def test_nothing_is_overwritten(tmp_path: Path, arrays: Arrays) -> None:
    walk(tmp_path / "walks.h5", 1)
    pickled(tmp_path, arrays)
    with recordings.open(tmp_path / "walks.h5") as reader, pytest.raises(RecordingExists):
        tutorial.export(reader, tmp_path / "ckpt0.pkl")
    with pytest.raises(RecordingExists):
        tutorial.take_in(tmp_path / "ckpt0.pkl", tmp_path / "walks.h5")


def test_what_we_write_needs_few_instructions(tmp_path: Path, arrays: Arrays) -> None:
    pickles.write(tmp_path / "ckpt0.pkl", arrays)
    assert sum(1 for _ in pickletools.genops((tmp_path / "ckpt0.pkl").read_bytes())) < 250
