"""imitation's datasets: a recording comes back whole, others' are read, and what is none is refused."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import recordings
from recordings import Driver, Header, Recorder, spaces
from recordings.errors import RecordingError, RecordingExists, UnreadableSource
from recordings.exchange import arrow, imitation
from teleop.cli import main
from tests.recordings import random_recordings
from tests.recordings.exchange.round_trips import assert_lossless, at_random, there_and_back
from tests.recordings.worlds import record_counting

pa = pytest.importorskip("pyarrow", reason="needs pyarrow: pip install understudy[imitation]")
RANDOM = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@RANDOM
@given(world=st.sampled_from(random_recordings.WORLDS), seed=st.integers(0, 10**6))
def test_a_recording_comes_back_whole(tmp_path: Path, world: str, seed: int) -> None:
    source = at_random(tmp_path, world, seed)
    assert_lossless(source, there_and_back(tmp_path, "imitation", source))


NUMBERS = [np.uint8, np.int16, np.int64, np.float16, np.float32, np.float64]


@pytest.mark.parametrize("dtype", NUMBERS)
def test_every_number_type_comes_back_as_it_was(tmp_path: Path, dtype: type[Any]) -> None:
    low, high = (0, 255) if dtype is np.uint8 else (-9, 9)
    seen, done = gym.spaces.Box(low, high, (2, 3, 2), dtype), gym.spaces.Box(low, high, (2,), dtype)
    seen.seed(1)
    done.seed(2)
    _record(tmp_path / "numbers.h5", seen, done)
    assert_lossless(tmp_path / "numbers.h5", there_and_back(tmp_path, "imitation", tmp_path / "numbers.h5"))


def test_spaces_with_parts_come_back(tmp_path: Path) -> None:
    seen = gym.spaces.Dict(
        {"where": gym.spaces.Box(-np.inf, np.inf, (2,), np.float32), "what": gym.spaces.Discrete(3, start=1)}
    )
    done = gym.spaces.Tuple([gym.spaces.MultiBinary(2), gym.spaces.MultiDiscrete([2, 3])])
    _record(tmp_path / "parts.h5", seen, done)
    assert_lossless(tmp_path / "parts.h5", there_and_back(tmp_path, "imitation", tmp_path / "parts.h5"))


def _record(path: Path, seen: gym.Space[Any], done: gym.Space[Any]) -> None:
    with Recorder(path, Header("", spaces.to_json(seen), spaces.to_json(done))) as recorder:
        for length in (3, 1):
            recorder.begin_episode(seen.sample(), seed=1)
            for _ in range(length):
                recorder.step(done.sample(), 0.1, False, False, seen.sample(), driver=Driver.SCRIPTED)
            recorder.end_episode()


def test_only_an_episode_without_a_step_is_lost(tmp_path: Path) -> None:
    record_counting(tmp_path / "demo.h5", (2, 0, 3))
    with recordings.open(there_and_back(tmp_path, "imitation", tmp_path / "demo.h5")) as reader:
        assert [len(episode.rewards) for episode in reader.episodes] == [2, 3]


def test_a_recording_without_episodes(tmp_path: Path) -> None:
    record_counting(tmp_path / "demo.h5", ())
    assert_lossless(tmp_path / "demo.h5", there_and_back(tmp_path, "imitation", tmp_path / "demo.h5"))


# -- datasets of others ----------------------------------------------------------------------------------


def foreign(folder: Path, **columns: Any) -> Path:
    """A dataset as imitation writes one; a column that is None is left out."""
    plain: dict[str, Any] = {
        "obs": [[[0.5, 1.5], [2.5, 3.5], [4.5, 5.5]]],
        "acts": [[0, 2]],
        "infos": [["{}", "{}"]],
        "terminal": [True],
        "rews": [[1.0, 2.0]],
    }
    kept = {name: values for name, values in (plain | columns).items() if values is not None}
    batch = pa.RecordBatch.from_pydict(kept)
    (folder / "theirs").mkdir()
    with pa.ipc.new_stream(str(folder / "theirs" / arrow.DATA), batch.schema) as stream:
        stream.write_batch(batch)
    arrow.write_words(folder / "theirs", {"features": None})
    return folder / "theirs"


def test_spaces_follow_from_what_is_there(tmp_path: Path) -> None:
    imitation.take_in(foreign(tmp_path), tmp_path / "ours.h5")
    with recordings.open(tmp_path / "ours.h5") as reader:
        assert reader.header.action_space == gym.spaces.Discrete(3)
        assert reader.header.observation_space == gym.spaces.Box(-np.inf, np.inf, (2,), np.float64)
        (episode,) = reader.episodes
        assert episode.observations.tolist() == [[0.5, 1.5], [2.5, 3.5], [4.5, 5.5]]
        assert (episode.terminated.tolist(), episode.truncated.tolist()) == ([False, True], [False, False])
        assert episode.drivers.tolist() == [Driver.POLICY] * 2


@pytest.mark.parametrize(
    "columns", [{"terminal": [False]}, {"infos": [["{}", '{"TimeLimit.truncated": true}']]}]
)
def test_a_time_limit_is_no_end_of_the_world(tmp_path: Path, columns: dict[str, Any]) -> None:
    foreign(tmp_path, **columns)
    imitation.take_in(tmp_path / "theirs", tmp_path / "ours.h5")
    with recordings.open(tmp_path / "ours.h5") as reader:
        (episode,) = reader.episodes
        assert (episode.terminated.tolist(), episode.truncated.tolist()) == ([False, False], [False, True])


def test_without_rewards_they_are_unknown(tmp_path: Path) -> None:
    imitation.take_in(foreign(tmp_path, rews=None, infos=None), tmp_path / "ours.h5")
    with recordings.open(tmp_path / "ours.h5") as reader:
        assert np.isnan(reader.episodes[0].rewards).all()


def test_an_info_is_never_made_an_object(tmp_path: Path) -> None:
    sign = tmp_path / "it-ran"
    evil = json.dumps({"py/reduce": [{"py/function": "os.mkdir"}, {"py/tuple": [str(sign)]}]})
    counts = imitation.take_in(foreign(tmp_path, infos=[[evil, "{}"]]), tmp_path / "ours.h5")
    assert counts["infos_dropped"] == 1
    assert not sign.exists()


def test_options_of_a_recording_are_no_objects_to_jsonpickle(tmp_path: Path) -> None:
    evil = {"py/reduce": [{"py/function": "os.mkdir"}, {"py/tuple": ["it-ran"]}]}
    space = spaces.to_json(gym.spaces.Discrete(2))
    with Recorder(tmp_path / "demo.h5", Header("", space, space)) as recorder:
        recorder.begin_episode(0, seed=1, options=evil)
        recorder.step(1, 0.0, True, False, 1, driver=Driver.HUMAN)
        recorder.end_episode()
    assert_lossless(tmp_path / "demo.h5", there_and_back(tmp_path, "imitation", tmp_path / "demo.h5"))
    with recordings.open(tmp_path / "demo.h5") as reader:
        imitation.export(reader, tmp_path / "data")
    names: list[str] = []
    for row in imitation._rows(tmp_path / "data"):
        for text in row.infos():
            json.loads(text, object_hook=names.extend)
    assert names
    assert not [name for name in names if name.startswith("py/")]


def test_convert_says_how_many_infos_were_dropped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = foreign(tmp_path, infos=[['{"speed": 1.5}', "{}"]])
    assert main(["convert", str(folder), str(tmp_path / "ours.h5"), "--from", "imitation"]) == 0
    assert "2 steps; 1 infos dropped" in capsys.readouterr().out


# -- what is not as it should be -------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    record_counting(tmp_path / "demo.h5", (2, 3))
    with recordings.open(tmp_path / "demo.h5") as reader:
        imitation.export(reader, tmp_path / "data")
    return tmp_path / "data"


def refused(folder: Path, said: str) -> None:
    target = folder.parent / "new.h5"
    with pytest.raises(UnreadableSource, match=said):
        imitation.take_in(folder, target)
    assert not target.exists()
    assert not list(folder.parent.glob(".new.h5*"))


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000, "{}"])
def test_a_state_that_is_none(folder: Path, text: str) -> None:
    (folder / arrow.STATE).write_text(text)
    refused(folder, "state.json")


@pytest.mark.parametrize("name", ["../secret.arrow", "/etc/passwd", "..", "a\\b", "link", 7, None])
def test_files_elsewhere_are_not_opened(folder: Path, name: Any) -> None:
    (folder / arrow.DATA).rename(folder.parent / "secret.arrow")
    (folder / "link").symlink_to(folder.parent / "secret.arrow")
    (folder / arrow.STATE).write_text(json.dumps({"_data_files": [{"filename": name}]}))
    refused(folder, "expected names of files in the folder")


def test_a_name_longer_than_any_files(folder: Path) -> None:
    """`resolve` and `is_file` of such a path: the one may pass, the other raises."""
    (folder / arrow.STATE).write_text(json.dumps({"_data_files": [{"filename": "a" * 300}]}))
    refused(folder, "which state.json names, found none")


def test_a_file_that_is_missing_cut_short_or_none(folder: Path) -> None:
    whole = (folder / arrow.DATA).read_bytes()
    (folder / arrow.DATA).unlink()
    refused(folder, "which state.json names, found none")
    for content in (b"", b"no Arrow", whole[:100], whole[: len(whole) // 2], bytes(len(whole))):
        (folder / arrow.DATA).write_bytes(content)
        refused(folder, "expected")


def test_a_few_bytes_that_claim_to_be_many_are_not_unpacked(folder: Path) -> None:
    batch = pa.RecordBatch.from_pydict({"obs": [[0.0] * 10**6], "acts": [[0.0] * (10**6 - 1)]})
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_stream(str(folder / arrow.DATA), batch.schema, options=options) as stream:
        stream.write_batch(batch)
    refused(folder, "found compressed ones")


def test_every_byte_may_be_wrong(folder: Path) -> None:
    whole = bytearray((folder / arrow.DATA).read_bytes())
    rng = np.random.default_rng(0)
    read = 0
    for _ in range(200):
        changed = whole.copy()
        for at in rng.integers(len(changed), size=4):
            changed[at] = rng.integers(256)
        (folder / arrow.DATA).write_bytes(changed)
        try:
            for row in imitation._rows(folder):
                imitation._episode(row, row.infos(), folder, 0)
            read += 1
        except UnreadableSource:
            pass
    assert 0 < read < 200


def test_a_name_that_is_no_text(folder: Path) -> None:
    whole = (folder / arrow.DATA).read_bytes()
    (folder / arrow.DATA).write_bytes(whole.replace(b"infos", b"in\xff\xfes", 1))
    refused(folder, "expected an Arrow stream")


def claiming(folder: Path, name: str, values: Any) -> None:
    """One trajectory whose column of this name is the given one."""
    columns = {"obs": pa.array([[0.5, 1.5]]), "acts": pa.array([[1]]), "terminal": pa.array([True])}
    batch = pa.RecordBatch.from_pydict({**columns, name: values})
    with pa.ipc.new_stream(str(folder / arrow.DATA), batch.schema) as stream:
        stream.write_batch(batch)
    arrow.write_words(folder, {})


@pytest.mark.parametrize("name", ["obs", "acts"])
def test_kinds_of_columns_that_nobody_writes(folder: Path, name: str) -> None:
    many = 2**31 - 1
    endless = pa.FixedSizeListArray.from_arrays(pa.nulls(many), many)
    empty = pa.FixedSizeListArray.from_buffers(
        pa.list_(pa.float64(), 0), many, [None], children=[pa.array([0.5])[:0]]
    )
    for values in (
        endless,
        pa.FixedSizeListArray.from_arrays(empty, many),
        pa.array(["a"]).dictionary_encode(),
        pa.array([[1, 2]], pa.list_view(pa.int64())),
        pa.array([b"ab"]),
        pa.array([{"a": 1}]),
        pa.array([1.5]),
    ):
        claiming(folder, name, values)
        refused(folder, "expected")


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"obs": [[[0.5, 1.5], [2.5, 3.5]]]}, "observations: expected 3 rows"),
        ({"obs": [[[0.5, 1.5], [2.5], [4.5, 5.5]]]}, "obs: expected rows of one shape"),
        ({"obs": [[["a"], ["b"], ["c"]]]}, "obs: expected lists of numbers"),
        ({"obs": [[[0.5], [None], [1.5]]]}, "obs: expected numbers, found missing ones"),
        ({"obs": [None]}, "obs: expected numbers, found missing ones"),
        ({"obs": None}, "obs: expected one column of this name"),
        ({"acts": [[]], "obs": [[[0.5]]], "infos": [[]], "rews": [[]]}, "acts: expected lists of numbers"),
        ({"acts": [[-(2**62), 2**62]]}, "expected choices that can be counted"),
        ({"rews": [[1.0]]}, "a reward and an info each"),
        ({"infos": [["{}"]]}, "a reward and an info each"),
        ({"infos": [[1, 2]]}, "infos: expected lists of texts"),
        ({"infos": [[None, "{}"]]}, "infos: expected lists of texts"),
        ({"infos": [['{"understudy": {}}', "{}"]]}, "expected infos as they were exported"),
        ({"infos": [['{"understudy": ' + "[" * 10**5, "{}"]]}, "about: expected a JSON object"),
        ({"terminal": [1]}, "terminal: expected true or false"),
        ({"terminal": [None]}, "terminal: expected true or false"),
    ],
)
def test_columns_that_cannot_be(tmp_path: Path, columns: dict[str, Any], said: str) -> None:
    refused(foreign(tmp_path, **columns), said)


def test_values_of_ours_that_cannot_be(folder: Path, tmp_path: Path) -> None:
    with pa.ipc.open_stream(str(folder / arrow.DATA)) as stream:
        table = stream.read_all().to_pydict()
    good = json.loads(table["infos"][0][0])["understudy"]
    cases: list[tuple[dict[str, Any], str]] = [
        ({"driver": 9}, "driver: expected codes up to 4"),
        ({"driver": "0"}, "driver: expected numbers"),
        ({"driver": [[0]]}, "expected infos as they were exported|driver: expected numbers"),
        ({"student_version": 10**30}, "student_version: expected numbers"),
        ({"labels": [[0, 0, 0, 0]]}, "expected infos as they were exported"),
        ({"labels": [[0, 0, 256, 0, "Ada"]]}, "label_kind: expected numbers that fit uint8"),
        ({"labels": [[0, 0, 99, 0, "Ada"]]}, "labels: expected steps below 2"),
        ({"labels": [[0, 0, 0, 0, "a" * 300]]}, "labelers: expected names of 1 to 255 bytes"),
        ({"episode": {**good["episode"], "outcome": 9}}, "outcome: expected 1, 2 or 3"),
        ({"episode": 7}, "expected infos as they were exported"),
        ({"labels": [[10**30, 0, 0, 0, "Ada"]]}, "label_row: expected"),
        ({"labels": [["0", 0, 0, 0, "Ada"]]}, "label_row: expected"),
        (
            {"episode": {**good["episode"], "edits": [[0, 0, 0, -1, 10**30, "", 0]]}},
            "expected numbers of 64 bits",
        ),
    ]
    for number, (change, said) in enumerate(cases):
        changed = json.dumps({"understudy": {**good, **change}})
        mine = tmp_path / str(number)
        mine.mkdir()
        rows = {name: values[:1] for name, values in table.items()}
        made = foreign(mine, **{**rows, "infos": [[changed, *table["infos"][0][1:]]]})
        (made / arrow.INFO).write_text((folder / arrow.INFO).read_text())
        refused(made, said)


def test_without_pyarrow_it_says_what_to_install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(RecordingError, match=r"pip install 'understudy\[imitation\]'"):
        imitation.take_in(folder, folder.parent / "new.h5")
    with (
        recordings.open(folder.parent / "demo.h5") as reader,
        pytest.raises(RecordingError, match="expected pyarrow"),
    ):
        imitation.export(reader, folder.parent / "more")
    assert sorted(each.name for each in folder.parent.iterdir()) == ["data", "demo.h5"]


def test_nothing_is_overwritten(folder: Path) -> None:
    with recordings.open(folder.parent / "demo.h5") as reader, pytest.raises(RecordingExists):
        imitation.export(reader, folder)
    with pytest.raises(RecordingExists):
        imitation.take_in(folder, folder.parent / "demo.h5")
