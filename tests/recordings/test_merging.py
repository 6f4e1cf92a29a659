"""Recordings put together, chosen from and parted lose nothing, and say who did what."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import recordings
from recordings import Driver, LabelKind, Outcome, Recorder
from recordings.choosing import chooser, operators_of
from recordings.composer import Composer
from recordings.curator import Curator
from recordings.demonstrations import Filter, load
from recordings.errors import DiskFull, InvalidRow, RecordingExists, WorldMismatch
from recordings.merging import Wanted, merge, split
from recordings.sameness import first_difference
from tests.recordings import random_recordings
from tests.recordings.worlds import cartpole_header, record_counting

FRESH = itertools.count()
RANDOM = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def anew(folder: Path) -> Path:
    return folder / f"{next(FRESH)}.h5"


def made(folder: Path, world: str, seed: int) -> Path:
    path = anew(folder)
    random_recordings.make(path, world, seed)
    return path


def n_episodes(path: Path) -> int:
    with recordings.open(path) as reader:
        return reader.n_episodes


def sittings(path: Path) -> list[tuple[str, str, int, int]]:
    with recordings.open(path) as reader:
        return [
            (each["id"], each["operator"], each["first_episode"], each["first_step"])
            for each in reader.sessions()
            if each["first_episode"] < reader.n_episodes
        ]


# -- merging ---------------------------------------------------------------------------------------------


@RANDOM
@given(world=st.sampled_from(random_recordings.WORLDS), seed=st.integers(0, 10**6))
def test_a_copy_of_everything_is_the_same(folder: Path, world: str, seed: int) -> None:
    source, target = made(folder, world, seed), anew(folder)
    if n_episodes(source):
        merge([source], target)
        assert first_difference(source, target) is None
        # Of several sittings without an episode between them only the last has one.
        assert sittings(target) == list({each[2]: each for each in sittings(source)}.values())


@RANDOM
@given(seed=st.integers(0, 10**6))
def test_parts_put_together_are_the_whole(folder: Path, seed: int) -> None:
    source = made(folder, "CartPole-v1", seed)
    n = n_episodes(source)
    with recordings.open(source) as reader:
        families = sorted({_root(reader, index) for index in range(n)})
    if len(families) < 2:
        return
    first, second = anew(folder), anew(folder)
    split([source], (first, second), 0.5, seed=seed)
    together = anew(folder)
    merge([first, second], together)
    for what in (Filter(), Filter(actions="labelled", labels="only"), Filter(include_replayed=True)):
        whole, parts = load(source, what), load(together, what)
        assert sorted(whole.rewards.tolist()) == sorted(parts.rewards.tolist())
        assert sorted(whole.lengths.tolist()) == sorted(parts.lengths.tolist())
        assert whole.labelled.sum() == parts.labelled.sum()
    with recordings.open(source) as a, recordings.open(together) as b:
        assert a.row_counts()["labels"] == b.row_counts()["labels"]
        assert sorted(a.curation.outcome(e.index, e.recorded_outcome) for e in a.episodes) == sorted(
            b.curation.outcome(e.index, e.recorded_outcome) for e in b.episodes
        )


def _root(reader: recordings.reader.Reader, index: int) -> int:  # type: ignore[name-defined]
    parent = reader.episodes[index].parent
    return index if parent < 0 else _root(reader, parent)


def test_rows_name_rows_of_their_own_source(folder: Path) -> None:
    one, other, both = folder / "one.h5", folder / "other.h5", folder / "both.h5"
    for path, names in ((one, ("Ada", "human")), (other, ("human", "Ada"))):
        record_counting(path, (2, 3))
        with Recorder(path, cartpole_header(), resume=True) as recorder:
            for step, name in enumerate(names):
                recorder.label(step, 1, labeler=name, kind=LabelKind.LIVE)
    with Curator(other) as curator:
        curator.withdraw(0)
        curator.undo(curator.discard(1, note="no"))
        curator.mark(0, 1)
    merge([one, other], both)
    with recordings.open(both) as reader:
        assert [each.start for each in reader.episodes] == [0, 2, 5, 7]
        labels = reader.labels()
        assert labels.steps.tolist() == [0, 1, 5, 6]
        assert [labels.names[code] for code in labels.labelers] == ["Ada", "human", "human", "Ada"]
        assert reader.curation.withdrawn.tolist() == [2]
        assert [(act.episode, act.kind.name) for act in reader.curation.acts] == [
            (2, "WITHDRAW"),
            (2, "MARK"),
        ]


def test_a_branch_without_its_parent_stands_alone(folder: Path) -> None:
    path, alone = folder / "family.h5", folder / "alone.h5"
    student, replayed, human = Driver.STUDENT, Driver.REPLAYED, Driver.HUMAN
    with Recorder(path, cartpole_header()) as recorder:
        for parent, drivers in ((-1, (student, human, student)), (0, (replayed, replayed, human))):
            recorder.begin_episode(
                np.zeros(4, np.float32), seed=0, parent=parent, branch_step=2 if parent == 0 else -1
            )
            for driver in drivers:
                recorder.step(0, 1.0, False, False, np.zeros(4, np.float32), driver=driver)
            recorder.end_episode(Outcome.SUCCESS)
    merge([path], alone, Wanted(chooser(["episode=1"])))
    with recordings.open(alone) as reader:
        (episode,) = reader.episodes
        assert (episode.parent, episode.branch_step) == (-1, -1)
        assert episode.drivers.tolist() == [student, human, human]


def test_a_branch_of_an_episode_that_is_there_already_is_a_branch_of_that(folder: Path) -> None:
    student, replayed = Driver.STUDENT, Driver.REPLAYED
    for name, n in (("one", 1), ("other", 2)):
        with Recorder(folder / f"{name}.h5", cartpole_header()) as recorder:
            for parent, driver in ((-1, student), (0, replayed))[:n]:
                recorder.begin_episode(
                    np.zeros(4, np.float32), seed=0, parent=parent, branch_step=2 if parent == 0 else -1
                )
                for step in range(n if parent == 0 else 3):
                    recorder.step(step % 2, 1.0, False, False, np.zeros(4, np.float32), driver=driver)
                recorder.end_episode(Outcome.SUCCESS)
    both = folder / "both.h5"
    merge([folder / "one.h5", folder / "other.h5"], both, Wanted(deduplicate=True))
    with recordings.open(both) as reader:
        assert [each.parent for each in reader.episodes] == [-1, 0]
        assert reader.episodes[1].drivers.tolist() == [replayed, replayed]


def test_what_sources_differ_in_is_kept_for_each(folder: Path) -> None:
    ada, grace = folder / "ada.h5", folder / "grace.h5"
    for path, operator, key_map in ((ada, "Ada", {"a": 1}), (grace, "Grace", {"b": 2})):
        header = replace(cartpole_header(), operator=operator, key_map=key_map, versions={"python": operator})
        with Recorder(path, header) as recorder:
            recorder.begin_episode(np.zeros(4, np.float32), seed=3)
            recorder.step(0, 1.0, True, False, np.zeros(4, np.float32), driver=Driver.HUMAN)
            recorder.end_episode(Outcome.SUCCESS)
    both, again = folder / "both.h5", folder / "again.h5"
    merge([ada, grace], both)
    merge([both], again, Wanted(chooser(["operator=Grace"])))
    with recordings.open(both) as reader:
        assert (reader.header.operator, reader.header.key_map, reader.header.control_hz) == ("", {}, 12.0)
        assert operators_of(reader) == ["Ada", "Grace"]
        assert [each["operator"] for each in reader.header.sources] == ["Ada", "Grace"]
        assert [each["versions"]["python"] for each in reader.header.sources] == ["Ada", "Grace"]
        assert [each["first_episode"] for each in reader.header.sources] == [0, 1]
    with recordings.open(again) as reader:
        (source,) = reader.header.sources
        assert (source["operator"], source["key_map"], source["first_episode"]) == ("Grace", {"b": 2}, 0)


def test_equal_episodes_are_taken_once_with_the_labels_of_all(folder: Path) -> None:
    one, other, both = folder / "one.h5", folder / "other.h5", folder / "both.h5"
    for path, steps in ((one, (0, 3)), (other, (0, 4))):
        record_counting(path, (2, 3))
        with Recorder(path, cartpole_header(), resume=True) as recorder:
            for step in steps:
                recorder.label(step, 1, labeler="human", kind=LabelKind.LIVE)
    with Curator(other) as curator:
        curator.withdraw(0)
    found = merge([one, other], both, Wanted(deduplicate=True))
    assert (found.episodes, found.steps, found.labels, found.duplicates) == (2, 5, 3, 2)
    with recordings.open(both) as reader:
        assert reader.labels().steps.tolist() == [0, 3, 4], "the same label twice is one label"


def test_whoever_is_hidden_is_named_nowhere(folder: Path) -> None:
    path, hidden = folder / "named.h5", folder / "hidden.h5"
    with Recorder(path, replace(cartpole_header(), operator="Lise")) as recorder:
        recorder.begin_episode(np.zeros(4, np.float32), seed=3)
        recorder.step(0, 1.0, True, False, np.zeros(4, np.float32), driver=Driver.HUMAN)
        recorder.end_episode()
    with Recorder(path, replace(cartpole_header(), operator="Grace"), resume=True) as recorder:
        recorder.begin_episode(np.zeros(4, np.float32), seed=4)
        recorder.step(0, 1.0, True, False, np.zeros(4, np.float32), driver=Driver.HUMAN)
        recorder.end_episode()
        recorder.label(0, 1, labeler="Lise", kind=LabelKind.LIVE)
        recorder.label(1, 1, labeler="scripted", kind=LabelKind.LIVE)
    with Curator(path) as curator:
        curator.discard(0, note="lise slipped")
    found = merge([path], hidden, Wanted(redact=True))
    assert found.operators == {"Lise": "operator 1", "Grace": "operator 2"}
    content = hidden.read_bytes().lower()
    assert b"lise" not in content
    assert b"grace" not in content
    with recordings.open(hidden) as reader:
        assert reader.header.operator == "operator 1"
        assert reader.labelers == ("operator 1", "scripted")
        assert reader.curation.acts[0].note == "operator 1 slipped"


# -- choosing and parting --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        (("outcome=success",), [1]),
        (("outcome!=success",), [0, 2]),
        (("length>=3", "length<4"), [1]),
        (("return>20",), [2]),
        (("seed=2",), [2]),
        (("labels>0",), [1]),
        (("labeler=human",), [1]),
        (("labeler!=human",), [0, 2]),
        (("driver=human",), [0, 1, 2]),
        (("driver=student",), []),
        (("discarded=1",), [0]),
        (("operator=Ada", "parent=-1", "student_version=-1"), [0, 1, 2]),
    ],
)
def test_conditions(folder: Path, conditions: tuple[str, ...], expected: list[int]) -> None:
    path = folder / "demo.h5"
    record_counting(path, (2, 3, 4))
    with Recorder(path, cartpole_header(), resume=True) as recorder:
        recorder.label(3, 1, labeler="human", kind=LabelKind.LIVE)
    with Curator(path) as curator:
        curator.discard(0)
    with recordings.open(path) as reader:
        assert np.flatnonzero(chooser(conditions)(reader)).tolist() == expected


@pytest.mark.parametrize(
    "words", ["length", "colour=red", "length>=tall", "outcome<success", "__import__('os')"]
)
def test_a_condition_that_cannot_be_read_is_said(words: str) -> None:
    with pytest.raises(InvalidRow, match="condition: "):
        chooser([words])


def test_whoever_is_in_the_one_part_is_not_in_the_other(folder: Path) -> None:
    paths = []
    for operator in ("Ada", "Grace", "Alan", "Edsger"):
        paths.append(folder / f"{operator}.h5")
        with Recorder(paths[-1], replace(cartpole_header(), operator=operator)) as recorder:
            for seed in range(2):
                recorder.begin_episode(np.zeros(4, np.float32), seed=seed)
                recorder.step(0, 1.0, True, False, np.zeros(4, np.float32), driver=Driver.HUMAN)
                recorder.end_episode()
    first, second = split(paths, (folder / "train.h5", folder / "judge.h5"), 0.25, by="operator", seed=1)
    assert (first.episodes, second.episodes) == (6, 2)
    with recordings.open(first.path) as one, recordings.open(second.path) as other:
        assert not set(operators_of(one)) & set(operators_of(other))


# -- what goes wrong -------------------------------------------------------------------------------------


def test_other_worlds_and_nothing_chosen_leave_no_file(folder: Path) -> None:
    cartpole, grid = made(folder, "CartPole-v1", 3), made(folder, "understudy/GridWorld-v0", 3)
    target = folder / "both.h5"
    with pytest.raises(WorldMismatch, match="must be of one world"):
        merge([cartpole, grid], target)
    with pytest.raises(InvalidRow, match="expected at least one episode"):
        merge([cartpole], target, Wanted(chooser(["length>1000"])))
    with pytest.raises(InvalidRow, match="leaves some on both sides"):
        split([cartpole], (target, folder / "other.h5"), 0.0)
    assert not target.exists()


def test_nothing_is_overwritten(folder: Path) -> None:
    path, target = folder / "demo.h5", folder / "there.h5"
    record_counting(path, (2,))
    target.write_text("mine")
    with pytest.raises(RecordingExists):
        merge([path], target)
    assert target.read_text() == "mine"
    record_counting(folder / "two.h5", (2, 2))
    with pytest.raises(RecordingExists):
        split([folder / "two.h5"], (folder / "first.h5", target), 0.5)
    assert not (folder / "first.h5").exists(), "neither part is written"


def test_a_full_disk_leaves_nothing_behind(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = folder / "demo.h5"
    record_counting(path, (2,))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("recordings.appender.Appender.reserve", full)
    with pytest.raises(DiskFull, match="Nothing was written"):
        merge([path], folder / "copy.h5")
    assert [each.name for each in folder.iterdir()] == ["demo.h5"]


def test_an_error_inside_throws_the_composition_away(folder: Path) -> None:
    with pytest.raises(KeyError), Composer(folder / "new.h5", cartpole_header()):
        raise KeyError("something else")
    assert list(folder.iterdir()) == []
