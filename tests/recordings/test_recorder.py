"""Writing, reading back, tailing and resuming."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest

import recordings
from recordings import Driver, EditKind, Header, LabelKind, Outcome, Recorder
from recordings.errors import InvalidRow, RecordingBusy, RecordingError, RecordingExists, WorldMismatch
from tests.recordings.worlds import cartpole_header, play, record_cartpole, record_counting


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "demo.h5"


def test_every_column_comes_back(path: Path) -> None:
    with Recorder(path, cartpole_header()) as recorder:
        index = recorder.begin_episode(np.array([1, 2, 3, 4], np.float32), seed=7, options={"low": -0.1})
        seen = np.array([5, 6, 7, 8], np.float32)
        first = recorder.step(1, 0.5, False, False, seen, driver=Driver.HUMAN, time_ns=99, keys=3)
        second = recorder.step(
            0, -2.0, True, True, seen + 1, driver=Driver.STUDENT, student_action=1, student_version=4
        )
        recorder.label(second, 1, labeler="human", kind=LabelKind.TAKEOVER, time_ns=5)
        recorder.edit(EditKind.MARK, episode=0, start=0, stop=1, note="too late", time_ns=6)
        recorder.end_episode(Outcome.SUCCESS)
    assert (index, first, second) == (0, 0, 1)
    with recordings.open(path) as reader:
        episode = reader.episodes[0]
        assert (episode.start, episode.length, episode.seed, episode.outcome) == (0, 2, 7, Outcome.SUCCESS)
        assert (episode.parent, episode.branch_step, episode.options) == (-1, -1, {"low": -0.1})
        np.testing.assert_array_equal(episode.observations, [[1, 2, 3, 4], [5, 6, 7, 8], [6, 7, 8, 9]])
        assert episode.observations.dtype == np.float32
        assert episode.actions.tolist() == [1, 0]
        assert episode.rewards.tolist() == [0.5, -2.0]
        assert episode.return_ == -1.5
        assert episode.terminated.tolist() == [False, True]
        assert episode.truncated.tolist() == [False, True]
        assert episode.drivers.tolist() == [Driver.HUMAN, Driver.STUDENT]
        assert episode.student_action_valid.tolist() == [False, True]
        assert episode.student_actions.tolist()[1] == 1
        assert episode.student_versions.tolist() == [-1, 4]
        assert episode.time_ns.tolist() == [99, 0]
        assert episode.keys.tolist() == [3, 0]
        labels = episode.labels()
        assert (labels.steps.tolist(), labels.actions.tolist(), labels.names) == ([1], [1], ("human",))
        assert labels.kinds.tolist() == [LabelKind.TAKEOVER]
        edit = reader.edits()[0]
        assert (edit.kind, edit.episode, edit.start, edit.stop, edit.note) == (
            EditKind.MARK,
            0,
            0,
            1,
            "too late",
        )


def test_the_header_comes_back(path: Path) -> None:
    header = cartpole_header()
    Recorder(path, header).close()
    with recordings.open(path) as reader:
        assert reader.header == header
        assert reader.header.env_id == "CartPole-v1"
        assert reader.header.action_space == gym.spaces.Discrete(2)


def test_columns_slice_like_arrays(path: Path) -> None:
    record_counting(path, (3, 4))
    with recordings.open(path) as reader:
        rewards = reader.column("reward")
        assert len(rewards) == 7
        assert rewards[2:5].tolist() == [3, 4, 5]
        assert rewards[::3].tolist() == [1, 4, 7]
        assert rewards[-1] == 7
        with pytest.raises(IndexError):
            rewards[7]
        assert [episode.length for episode in reader.episodes] == [3, 4]
        assert reader.episodes[-1].start == 3
        with pytest.raises(IndexError):
            reader.episodes[2]


def test_rows_across_many_chunks_and_buffers(path: Path) -> None:
    record_counting(path, (5000, 1, 3000))
    with recordings.open(path) as reader:
        assert reader.column("reward")[:].tolist() == list(range(1, 8002))
        np.testing.assert_array_equal(reader.episodes[2].observations[:, 0], np.arange(5001, 8002))


def test_resuming_appends(path: Path) -> None:
    record_counting(path, (3,))
    record_counting(path, (2, 2), resume=True)
    with recordings.open(path) as reader:
        assert reader.recovered is None
        assert reader.column("reward")[:].tolist() == [1, 2, 3, 4, 5, 6, 7]
        assert [each["first_step"] for each in reader.sessions()] == [0, 3]


def test_labelers_keep_their_codes_when_resumed(path: Path) -> None:
    for name in ("human", "scripted", "human"):
        with Recorder(path, cartpole_header(), resume=True) as recorder:
            recorder.begin_episode(np.zeros(4, np.float32), seed=0)
            step = recorder.step(0, 0.0, False, False, np.zeros(4, np.float32), driver=Driver.HUMAN)
            recorder.label(step, 1, labeler=name, kind=LabelKind.LIVE)
    with recordings.open(path) as reader:
        assert reader.labelers == ("human", "scripted")
        assert reader.labels().labelers.tolist() == [0, 1, 0]


def test_an_existing_file_is_never_overwritten(path: Path) -> None:
    record_counting(path, (3,))
    before = path.read_bytes()
    with pytest.raises(RecordingExists, match=r"demo\.h5.*resuming"):
        Recorder(path, cartpole_header())
    assert path.read_bytes() == before


def test_another_world_is_refused(path: Path) -> None:
    record_counting(path, (3,))
    other = gym.make("CartPole-v1", sutton_barto_reward=True)
    with pytest.raises(WorldMismatch, match=r"settings.*another world"):
        Recorder(path, Header.for_env(other), resume=True)
    with pytest.raises(WorldMismatch, match="MountainCar"):
        Recorder(path, Header.for_env(gym.make("MountainCar-v0")), resume=True)
    record_counting(path, (1,), resume=True)


def test_rendering_does_not_make_another_world(path: Path) -> None:
    record_counting(path, (1,))
    with Recorder(path, cartpole_header(render_mode="rgb_array"), resume=True) as recorder:
        assert recorder.steps == 1


def test_a_second_writer_is_refused(path: Path) -> None:
    with Recorder(path, cartpole_header()) as recorder:
        with pytest.raises(RecordingBusy, match=rf"another recorder \(process {os.getpid()} on .+, since 2"):
            Recorder(path, cartpole_header(), resume=True)
        recorder.begin_episode(np.zeros(4, np.float32), seed=0)
        recorder.step(0, 0.0, False, False, np.zeros(4, np.float32), driver=Driver.HUMAN)
    with recordings.open(path) as reader:
        assert reader.n_steps == 1


@pytest.mark.parametrize(
    "note", ["", "[1]", '{"process": "\\u001b[2J", "host": "", "since": ""}', "[" * 2000]
)
def test_a_note_that_says_nothing_sensible_is_not_repeated(path: Path, note: str) -> None:
    with Recorder(path, cartpole_header()):
        path.with_name(f".{path.name}.writer").write_text(note)
        with pytest.raises(RecordingBusy, match="another recorder is writing"):
            Recorder(path, cartpole_header(), resume=True)


def test_no_note_is_left_behind_and_an_old_one_keeps_nobody_out(path: Path) -> None:
    path.with_name(f".{path.name}.writer").write_text('{"process": 1, "host": "ada", "since": "2020"}')
    record_counting(path, (1,))
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_a_folder_without_locks_is_said(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record_counting(path, (1,))

    def none(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("recordings.locking.fcntl.fcntl", none)
    with pytest.raises(RecordingError, match=r"cannot be locked \(No locks available\)"):
        Recorder(path, cartpole_header(), resume=True)
    with recordings.open(path) as reader:
        assert reader.n_steps == 1


def test_a_live_file_is_read_but_not_recovered(path: Path) -> None:
    with Recorder(path, cartpole_header()) as recorder:
        recorder.begin_episode(np.zeros(4, np.float32), seed=0)
        recorder.step(1, 2.5, False, False, np.ones(4, np.float32), driver=Driver.HUMAN)
        recorder.flush()
        with recordings.open(path) as reader:
            assert (reader.recovered, reader.live, reader.n_steps) == (None, True, 1)
            running = reader.episodes[0]
            assert running.outcome is Outcome.RUNNING
            np.testing.assert_array_equal(running.observations, [np.zeros(4), np.ones(4)])
            recorder.step(0, 3.5, False, False, np.full(4, 2, np.float32), driver=Driver.HUMAN)
            recorder.end_episode(Outcome.SUCCESS)
            assert reader.n_steps == 1
            reader.refresh()
            assert reader.n_steps == 2
            assert reader.episodes[0].rewards.tolist() == [2.5, 3.5]
            assert reader.episodes[0].outcome is Outcome.SUCCESS


def test_a_reader_in_the_same_program_outlives_its_recorder(path: Path) -> None:
    record_counting(path, (2,))
    with Recorder(path, cartpole_header(), resume=True) as recorder:
        reader = recordings.open(path, tail=True)
        recorder.begin_episode(np.zeros(4, np.float32), seed=0)
        recorder.step(1, 3.0, False, False, np.ones(4, np.float32), driver=Driver.HUMAN)
    reader.refresh()
    assert reader.n_steps == 3
    with recordings.open(path) as other:
        assert (other.recovered, other.n_steps) == (None, 3)
    record_counting(path, (1,), resume=True)
    reader.refresh()
    assert reader.n_steps == 4
    reader.close()
    with recordings.open(path) as other:
        assert (other.recovered, other.live, other.n_steps) == (None, False, 4)


def test_a_reader_sees_that_the_recording_is_continued(path: Path) -> None:
    record_counting(path, (2,))
    with recordings.open(path) as reader:
        script = "import sys; from pathlib import Path; from tests.recordings.worlds import record_counting; "
        script += "record_counting(Path(sys.argv[1]), (3,), resume=True)"
        subprocess.run([sys.executable, "-c", script, str(path)], check=True)
        assert reader.n_steps == 2
        reader.refresh()
        assert reader.n_steps == 5


_TAIL = """
import sys, recordings
with recordings.open(sys.argv[1], tail=True) as reader:
    for line in sys.stdin:
        reader.refresh()
        print(reader.n_steps, reader.column("reward")[:].sum(), len(reader.labels()), flush=True)
"""


def test_another_process_tails(path: Path) -> None:
    env = gym.make("CartPole-v1")
    with (
        Recorder(path, cartpole_header()) as recorder,
        subprocess.Popen(
            [sys.executable, "-c", _TAIL, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as tail,
    ):
        assert tail.stdin is not None
        assert tail.stdout is not None
        seen = []
        for seed in range(5):
            play(recorder, env, seed)
            recorder.label(recorder.steps - 1, 1, labeler="human", kind=LabelKind.LIVE)
            recorder.flush()
            tail.stdin.write("\n")
            tail.stdin.flush()
            seen.append(
                (
                    tail.stdout.readline().split(),
                    [str(recorder.steps), f"{recorder.steps}.0", str(seed + 1)],
                )
            )
        tail.stdin.close()
    assert tail.returncode == 0
    for found, expected in seen:
        assert found == expected


def test_steps_are_flushed_when_due_and_not_before(path: Path) -> None:
    now_s = [0.0]
    with Recorder(path, cartpole_header(), now_s=lambda: now_s[0]) as recorder:
        recorder.begin_episode(np.zeros(4, np.float32), seed=0)
        for _ in range(3):
            recorder.step(0, 0.0, False, False, np.zeros(4, np.float32), driver=Driver.HUMAN)
            now_s[0] += 0.02
        assert (recorder.steps, recorder.flushed_steps) == (3, 0)
        now_s[0] = 0.11
        recorder.flush_if_due()
        assert recorder.flushed_steps == 3
        now_s[0] = 0.22
        recorder.step(0, 0.0, False, False, np.zeros(4, np.float32), driver=Driver.HUMAN)
        assert recorder.flushed_steps == 4
        recorder.step(0, 0.0, False, False, np.zeros(4, np.float32), driver=Driver.HUMAN)
        assert recorder.flushed_steps == 4
        recorder.end_episode()
        assert recorder.flushed_steps == 5


def test_two_recordings_of_the_same_are_the_same(tmp_path: Path) -> None:
    for name in ("a.h5", "b.h5"):
        record_cartpole(tmp_path / name)
    with recordings.open(tmp_path / "a.h5") as a, recordings.open(tmp_path / "b.h5") as b:
        for name in ("observation", "action", "reward", "time_ns"):
            np.testing.assert_array_equal(a.column(name)[:], b.column(name)[:])


def test_a_short_file_is_small(path: Path) -> None:
    record_counting(path, (10,))
    assert path.stat().st_size < 150_000


def test_a_long_file_costs_at_most_100_bytes_a_step(path: Path) -> None:
    record_counting(path, (22,) * 1000)
    assert path.stat().st_size < 100 * 22 * 1000


def test_closing_ends_the_running_episode(path: Path) -> None:
    with Recorder(path, cartpole_header()) as recorder:
        recorder.begin_episode(np.zeros(4, np.float32), seed=0)
        recorder.step(0, 1.0, False, False, np.ones(4, np.float32), driver=Driver.HUMAN)
    recorder.close()
    assert recorder.closed
    with recordings.open(path) as reader:
        assert (reader.live, reader.episodes[0].outcome, reader.episodes[0].length) == (
            False,
            Outcome.UNKNOWN,
            1,
        )


def test_what_does_not_fit_is_refused_and_the_file_stays_sound(path: Path) -> None:
    nothing = np.zeros(4, np.float32)
    with Recorder(path, cartpole_header()) as recorder:
        with pytest.raises(InvalidRow, match="begin_episode before step"):
            recorder.step(0, 0.0, False, False, nothing, driver=Driver.HUMAN)
        with pytest.raises(InvalidRow, match="seed"):
            recorder.begin_episode(nothing, seed=-5)
        with pytest.raises(InvalidRow, match="JSON"):
            recorder.begin_episode(nothing, seed=5, options={"state": object()})
        with pytest.raises(InvalidRow, match=r"expected shape \(4,\), found \(3,\)"):
            recorder.begin_episode(np.zeros(3), seed=5)
        recorder.begin_episode(nothing, seed=5)
        with pytest.raises(InvalidRow, match="end_episode first"):
            recorder.begin_episode(nothing, seed=6)
        for action in (0.5, 300, None):
            with pytest.raises(InvalidRow, match="does not fit"):
                recorder.step(action, 0.0, False, False, nothing, driver=Driver.HUMAN)
        with pytest.raises(InvalidRow, match="below 0"):
            recorder.label(0, 1, labeler="human", kind=LabelKind.LIVE)
        with pytest.raises(InvalidRow, match="edit"):
            recorder.edit(EditKind.DISCARD, episode=1, start=0, stop=-1)
        recorder.step(1, 1.0, True, False, nothing, driver=Driver.HUMAN)
        with pytest.raises(InvalidRow, match="labeler"):
            recorder.label(0, 1, labeler="x" * 256, kind=LabelKind.LIVE)
        with pytest.raises(InvalidRow, match="RUNNING"):
            recorder.end_episode(Outcome.RUNNING)
    with pytest.raises(InvalidRow, match="closed"):
        recorder.flush()
    with recordings.open(path) as reader:
        assert (reader.n_steps, reader.n_episodes, reader.n_labels) == (1, 1, 0)
