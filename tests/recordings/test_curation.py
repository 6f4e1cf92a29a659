"""What counts after curation: nothing is erased, everything can be taken back, and damage is told."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import recordings
from recordings import Driver, EditKind, LabelKind, Outcome, Recorder
from recordings.appender import Appender
from recordings.contents import Edit
from recordings.curation import Curation, lessons, standing
from recordings.curator import Curator, curating
from recordings.demonstrations import Filter, load
from recordings.errors import DamagedRecording, InvalidRow, RecordingBusy
from recordings.reader import Reader
from tests.recordings.worlds import cartpole_header, record_counting

LENGTHS = (3, 4, 2)
LABELLED = (0, 1, 1, 4, 8)
"""Steps of the labels in rows 0 to 4; the two of step 1 say 0 and then 1, the others 0."""


def edit(
    row: int, kind: EditKind, *, start: int = 0, stop: int = -1, value: int = 0, episode: int = 0
) -> Edit:
    return Edit(row, kind, episode, start, stop, value, "", 0)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Episodes of steps 0-2, 3-6, 7-8 (failure, success, failure)."""
    path = tmp_path_factory.mktemp("curated") / "demo.h5"
    record_counting(path, LENGTHS)
    with Recorder(path, cartpole_header(), resume=True) as recorder:
        for row, step in enumerate(LABELLED):
            recorder.label(step, int(row == 2), labeler="human", kind=LabelKind.PAUSED)
    return path


@pytest.fixture
def path(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(original, tmp_path / "demo.h5"))


def taken(path: Path) -> list[int]:
    """The steps that learners get."""
    return (load(path).rewards.astype(int) - 1).tolist()


def labelled(path: Path) -> dict[int, int]:
    """Step and action of every label that learners get."""
    found = load(path, Filter(actions="labelled"))
    assert found.actions is not None
    steps = found.rewards.astype(int) - 1
    return dict(zip(steps[found.labelled].tolist(), found.actions[found.labelled].tolist(), strict=True))


def test_an_undo_of_an_undo_restores() -> None:
    acts = [
        edit(0, EditKind.DISCARD),
        edit(1, EditKind.MARK),
        edit(2, EditKind.UNDO, value=0),
        edit(3, EditKind.UNDO, value=2),
        edit(4, EditKind.UNDO, value=1),
    ]
    assert [act.row for act in standing(acts[:3])] == [1]
    assert [act.row for act in standing(acts[:4])] == [0, 1]
    assert [act.row for act in standing(acts)] == [0]


def test_later_acts_about_a_step_override_earlier_ones(path: Path) -> None:
    with Curator(path) as curator:
        curator.discard(0)
        curator.mark(0, 1, 3)
        curator.restore(0, 2)
    with recordings.open(path) as reader:
        first, second = reader.episodes[0], reader.episodes[1]
        assert reader.curation.discarded(first).tolist() == [True, True, False]
        assert reader.curation.marked(first).tolist() == [False, True, False]
        assert not reader.curation.discarded(second).any()
        assert not reader.curation.is_discarded(first)
    assert taken(path) == [2, 3, 4, 5, 6, 7, 8]


def test_an_undone_restore_discards_again(path: Path) -> None:
    with Curator(path) as curator:
        curator.discard(1)
        restored = curator.restore(1)
        curator.undo(restored)
        assert [act.kind for act in curator.curation.acts] == [EditKind.DISCARD]
    with recordings.open(path) as reader:
        assert reader.curation.is_discarded(reader.episodes[1])
    assert taken(path) == [0, 1, 2, 7, 8]


def test_a_withdrawn_label_lets_the_one_before_it_hold(path: Path) -> None:
    assert labelled(path) == {0: 0, 1: 1, 4: 0, 8: 0}
    with Curator(path) as curator:
        curator.withdraw(2)
        assert curator.last_label() == 4
        curator.withdraw(4)
        assert curator.edits[-1].episode == 2
        assert (curator.edits[-1].start, curator.edits[-1].stop) == (1, 2)
    assert labelled(path) == {0: 0, 1: 0, 4: 0}
    with recordings.open(path) as reader:
        assert reader.labels().rows.tolist() == [0, 1, 2, 3, 4]
        assert reader.curation.holding(reader.labels()).rows.tolist() == [0, 1, 3]
        assert lessons(reader).rows.tolist() == [0, 1, 3]
    with Curator(path) as curator:
        curator.undo(0)
        curator.discard(1)
    assert labelled(path) == {0: 0, 1: 1}
    with recordings.open(path) as reader:
        assert lessons(reader).rows.tolist() == [0, 1, 2]


def test_withdrawing_every_label_ends(path: Path) -> None:
    with Curator(path) as curator:
        for row in (4, 3, 2, 1, 0):
            assert curator.last_label() == row
            curator.withdraw(row)
        assert curator.last_label() is None
    assert labelled(path) == {}


def test_what_an_adviser_said_beside_it_is_not_the_last_label(path: Path) -> None:
    with Recorder(path, cartpole_header(), resume=True) as recorder:
        recorder.label(8, 1, labeler="scripted", kind=LabelKind.ADVISED)
    with Curator(path) as curator:
        assert curator.last_label() == 4


def test_an_episode_is_judged_anew(path: Path) -> None:
    with Curator(path) as curator:
        curator.judge(0, Outcome.SUCCESS)
        curator.judge(0, Outcome.UNKNOWN)
        curator.judge(2, Outcome.SUCCESS)
    with recordings.open(path) as reader:
        assert [each.outcome.name for each in reader.episodes] == ["UNKNOWN", "SUCCESS", "SUCCESS"]
        assert [each.recorded_outcome.name for each in reader.episodes] == ["FAILURE", "SUCCESS", "FAILURE"]
    assert (load(path, Filter(outcomes=("success",))).rewards - 1).tolist() == [3, 4, 5, 6, 7, 8]
    with Curator(path) as curator:
        curator.undo()
    assert (load(path, Filter(outcomes=("success",))).rewards - 1).tolist() == [3, 4, 5, 6]


def test_a_running_episode_runs_whatever_was_judged(path: Path) -> None:
    with Recorder(path, cartpole_header(), resume=True) as recorder:
        index = recorder.begin_episode(np.zeros(4, np.float32), seed=3)
        recorder.edit(EditKind.JUDGE, episode=index, start=0, stop=-1, value=Outcome.SUCCESS)
        recorder.flush()
        with recordings.open(path, tail=True) as reader:
            assert reader.episodes[index].outcome is Outcome.RUNNING
            assert reader.episodes[index].final_observation.tolist() == [0, 0, 0, 0]
            recorder.end_episode()
            reader.refresh()
            assert reader.episodes[index].outcome is Outcome.SUCCESS


def test_undo_and_redo_go_back_and_forth(path: Path) -> None:
    with Curator(path) as curator:
        for episode in range(3):
            curator.discard(episode)
        undone = [curator.undo(), curator.undo()]
        assert [act.row for act in undone if act] == [2, 1]
        assert [act.row for act in (curator.redo(), curator.redo()) if act] == [1, 2]
        assert curator.redo() is None
        curator.undo()
        curator.mark(0, 0)
        assert curator.redo() is None, "something else was done since"
        assert [act.row for act in curator.curation.acts] == [0, 1, curator.edits[-1].row]


def test_an_act_is_taken_back_but_once(path: Path) -> None:
    with Curator(path) as curator:
        act = curator.discard(0)
        curator.undo(act)
        with pytest.raises(InvalidRow, match=r"taken back already, by act 1\. Undo that"):
            curator.undo(act)
        with pytest.raises(InvalidRow, match="expected an act below 2, found 7"):
            curator.undo(7)
        curator.undo(1)
        assert [each.row for each in curator.curation.acts] == [0]
    assert taken(path) == [3, 4, 5, 6, 7, 8]


ACTS = st.one_of(
    st.tuples(
        st.sampled_from(["discard", "restore", "mark"]),
        st.integers(0, 2),
        st.integers(0, 3),
        st.integers(-1, 4),
    ),
    st.tuples(st.just("judge"), st.integers(0, 2), st.integers(1, 3), st.just(0)),
    st.tuples(st.just("withdraw"), st.integers(0, 4), st.just(0), st.just(0)),
    st.tuples(st.just("undo"), st.just(0), st.just(0), st.just(0)),
    st.tuples(st.just("redo"), st.just(0), st.just(0), st.just(0)),
)


def perform(curator: Curator, act: tuple[str, int, int, int]) -> None:
    name, which, start, stop = act
    if name in ("discard", "restore", "mark"):
        getattr(curator, name)(which, start, -1 if stop < start else stop)
    elif name == "judge":
        curator.judge(which, start)
    elif name == "withdraw":
        curator.withdraw(which)
    else:
        getattr(curator, name)()


def state(curation: Curation, reader: Reader) -> tuple[object, ...]:
    episodes = list(reader.episodes)
    return (
        [curation.discarded(each).tolist() for each in episodes],
        [curation.marked(each).tolist() for each in episodes],
        [curation.outcome(each.index, each.recorded_outcome) for each in episodes],
        curation.judged,
        curation.withdrawn.tolist(),
    )


@settings(max_examples=20, deadline=None)
@given(acts=st.lists(ACTS, max_size=8))
def test_undoing_everything_is_as_if_nothing_was_done(
    original: Path, acts: list[tuple[str, int, int, int]]
) -> None:
    path = Path(shutil.copy(original, original.with_name("undone.h5")))
    with Curator(path) as curator, Reader(original) as reader:
        for act in acts:
            perform(curator, act)
        done = state(curator.curation, reader)
        n_undone = 0
        while curator.undo():
            n_undone += 1
        assert state(curator.curation, reader) == state(Curation(), reader)
        for _ in range(n_undone):
            assert curator.redo()
        assert state(curator.curation, reader) == done
        n_acts = len(curator.edits)
    with recordings.open(path) as reader:
        assert state(reader.curation, reader) == done
        assert reader.n_edits == n_acts
        assert [each.row for each in reader.edits(2)] == list(range(2, n_acts))


def test_what_was_recorded_is_never_touched(path: Path) -> None:
    def recorded() -> dict[str, list[object]]:
        with h5py.File(path, "r") as file:
            return {
                f"{table}/{name}": column[:].tolist()
                for table in ("steps", "episodes", "labels", "sessions", "labelers")
                for name, column in file[table].items()
            }

    before = recorded()
    with Curator(path) as curator:
        curator.discard(0, note="a try-out")
        curator.judge(1, Outcome.FAILURE, note="it missed")
        curator.withdraw(0)
    assert recorded() == before
    with recordings.open(path) as reader:
        assert [each.note for each in reader.edits()] == ["a try-out", "it missed", ""]
        assert [each.note for each in reader.edits(1)] == ["it missed", ""]
    record_counting(path, (2,), resume=True)
    assert taken(path) == list(range(3, 11))


def test_a_tailing_reader_sees_acts_as_they_come(path: Path) -> None:
    with Recorder(path, cartpole_header(), resume=True) as recorder:
        with recordings.open(path, tail=True) as reader:
            assert len(reader.curation.acts) == 0
            row = recorder.edit(EditKind.DISCARD, episode=1, start=0, stop=-1)
            recorder.flush()
            reader.refresh()
            assert reader.curation.is_discarded(reader.episodes[1])
            recorder.edit(EditKind.UNDO, episode=1, start=0, stop=-1, value=row)
            recorder.edit(EditKind.WITHDRAW, episode=0, start=0, stop=1, value=0)
            recorder.flush()
            reader.refresh()
            assert reader.n_edits == 3
            assert not reader.curation.is_discarded(reader.episodes[1])
            assert lessons(reader).rows.tolist() == [1, 2, 3, 4]
        with pytest.raises(RecordingBusy):
            Curator(path)


def test_a_reader_lets_go_for_a_curator_and_sees_its_acts(path: Path) -> None:
    with recordings.open(path) as reader:
        with curating(reader) as curator:
            curator.discard(2)
        assert reader.curation.is_discarded(reader.episodes[2])
        with pytest.raises(InvalidRow, match="expected an episode below 3"), curating(reader) as curator:
            curator.discard(3)
        assert len(reader.curation.edits) == 1


def test_a_killed_recording_is_made_whole_and_curated(path: Path) -> None:
    child = os.fork()
    if child == 0:
        recorder = Recorder(path, cartpole_header(), resume=True)
        recorder.begin_episode(np.zeros(4, np.float32), seed=3)
        step = recorder.step(0, 10.0, False, False, np.zeros(4, np.float32), driver=Driver.HUMAN)
        label = recorder.label(step, 1, labeler="human", kind=LabelKind.LIVE)
        recorder.edit(EditKind.WITHDRAW, episode=3, start=0, stop=1, value=label)
        recorder.flush()
        os._exit(0)
    os.waitpid(child, 0)
    with Curator(path) as curator:
        assert curator.recovered is not None
        assert curator.curation.withdrawn.tolist() == [5]
        curator.discard(0)
    assert taken(path) == [*range(3, 10)]


def test_a_label_that_a_crash_lost_is_withdrawn_by_nobody_else(path: Path) -> None:
    with Recorder(path, cartpole_header(), resume=True) as recorder:
        for label in (1, 2, 4):
            recorder.edit(EditKind.WITHDRAW, episode=0, start=0, stop=1, value=label)
    with h5py.File(path, "r+") as file:
        file["labels/step"][1] = 99
    leave_as_if_killed(path)
    with recordings.open(path) as reader:
        assert reader.recovered is not None
        assert reader.labels().steps.tolist() == [0, 1, 4, 8]
        assert [each.value for each in reader.edits()] == [-1, 1, 3]
        assert reader.curation.withdrawn.tolist() == [1, 3]


def leave_as_if_killed(path: Path) -> None:
    """Still marked as being written."""
    child = os.fork()
    if child == 0:
        appender = Appender(path, cartpole_header())
        os._exit(int(appender is None))
    os.waitpid(child, 0)


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        ("kind", 99, "kind 99"),
        ("episode", 7, "episode 7"),
        ("start", -3, "start -3"),
        ("value", 1, "kind 4"),
        ("value", -1, "kind 4"),
        ("note", 10_000, "/text: expected a text ended by a zero byte at 10000"),
    ],
)
def test_damaged_acts_are_told_in_a_paragraph(path: Path, column: str, value: int, says: str) -> None:
    with Curator(path) as curator:
        curator.discard(0)
        curator.undo()
    with h5py.File(path, "r+") as file:
        file[f"edits/{column}"][1] = value
    for look in (load, Curator, lambda path: recordings.open(path).edits()):
        with pytest.raises(DamagedRecording, match=says) as caught:
            look(path)
        assert "demo.h5: /" in str(caught.value)
    with recordings.open(path) as reader:
        assert reader.episodes[0].rewards.tolist() == [1, 2, 3], "what was recorded is still there"


@pytest.mark.parametrize(("kind", "value"), [(5, 5), (5, -2), (6, 0), (6, 4)])
def test_acts_name_labels_and_outcomes_that_are_there(path: Path, kind: int, value: int) -> None:
    with Curator(path) as curator:
        curator.discard(0)
    with h5py.File(path, "r+") as file:
        file["edits/kind"][0], file["edits/value"][0] = kind, value
    with recordings.open(path) as reader, pytest.raises(DamagedRecording, match=f"value {value}"):
        _ = reader.curation
    with Recorder(path, cartpole_header(), resume=True) as recorder, pytest.raises(InvalidRow, match="value"):
        recorder.edit(kind, episode=0, start=0, stop=-1, value=value)
