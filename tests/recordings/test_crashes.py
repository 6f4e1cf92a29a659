"""Killed recorders, full disks, and what comes back afterwards."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

import recordings
from recordings import Driver, Header, LabelKind, Outcome, Recorder, emergency
from recordings.appender import Appender
from recordings.diskspace import Reserve
from recordings.errors import DiskFull, NotARecording, WorldMismatch
from recordings.recovery import recover
from recordings.replay import verify
from tests.disks import small_disk
from tests.recordings.kill_storm import storm
from tests.recordings.worlds import cartpole_header, record_counting


@pytest.mark.parametrize("world", ["CartPole-v1", "understudy/GridWorld-v0"])
def test_nothing_acknowledged_is_lost_when_killed(tmp_path: Path, world: str) -> None:
    report = storm(tmp_path / "storm.h5", world, kills=10, seed=3, longest_s=0.3)
    assert report.is_clean, report
    assert report.recoveries > 0


_DIE = """
import os, sys, numpy as np
from recordings import Driver, LabelKind, Recorder
from tests.recordings.worlds import cartpole_header, record_counting
record_counting(sys.argv[1], (3, 4))
recorder = Recorder(sys.argv[1], cartpole_header(), resume=True)
recorder.begin_episode(np.full(4, 7, np.float32), seed=9, options={"low": -0.1})
for count in (8, 9):
    step = recorder.step(count % 2, float(count), False, False, np.full(4, count, np.float32), driver=Driver.HUMAN)
recorder.label(step, 1, labeler="human", kind=LabelKind.LIVE)
recorder.flush()
recorder.step(0, 10.0, False, False, np.full(4, 10, np.float32), driver=Driver.HUMAN)
os.kill(os.getpid(), 9)
"""


@pytest.fixture
def killed(tmp_path: Path) -> Path:
    path = tmp_path / "killed.h5"
    subprocess.run([sys.executable, "-c", _DIE, str(path)], check=False)
    return path


def test_a_running_episode_keeps_its_flushed_steps(killed: Path) -> None:
    with recordings.open(killed) as reader:
        assert reader.recovered is not None
        assert "episode 2 was cut short" in reader.recovered.notice
        assert (reader.n_steps, reader.live) == (9, False)
        episode = reader.episodes[2]
        assert (episode.outcome, episode.length, episode.options) == (Outcome.UNKNOWN, 2, {"low": -0.1})
        assert episode.observations[:, 0].tolist() == [7, 8, 9]
        assert episode.labels().steps.tolist() == [8]
        assert len(reader.sessions()) == 2
    with recordings.open(killed) as reader:
        assert reader.recovered is None
    assert [each.name for each in killed.parent.iterdir()] == ["killed.h5"]


def test_a_killed_recording_is_resumed(killed: Path) -> None:
    with Recorder(killed, cartpole_header(), resume=True) as recorder:
        assert recorder.recovered is not None
        assert (recorder.steps, recorder.episodes) == (9, 3)
    record_counting(killed, (2,), resume=True)
    with recordings.open(killed) as reader:
        assert reader.column("reward")[:].tolist() == list(range(1, 12))


def test_a_sound_or_live_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "demo.h5"
    record_counting(path, (3,))
    assert recover(path) is None
    with Recorder(path, cartpole_header(), resume=True):
        assert recover(path) is None


def test_recovery_without_room_changes_nothing(killed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = killed.read_bytes()

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Reserve, "extend_to", full)
        with pytest.raises(DiskFull, match="Nothing was changed"):
            recordings.open(killed)
    assert killed.read_bytes() == before
    assert {each.name for each in killed.parent.iterdir()} <= {"killed.h5", ".killed.h5.writer"}
    with recordings.open(killed) as reader:
        assert reader.n_steps == 9


def record_until_full(path: Path, stop_at: int) -> tuple[Recorder, DiskFull]:
    recorder = Recorder(path, cartpole_header())
    with pytest.raises(DiskFull) as caught:
        record_thousands(recorder, stop_at)
    return recorder, caught.value


def record_thousands(recorder: Recorder, stop_at: int) -> None:
    while recorder.steps < stop_at:
        recorder.begin_episode(np.full(4, recorder.steps, np.float32), seed=recorder.steps)
        record_steps(recorder, 1000)
        recorder.end_episode(Outcome.SUCCESS)


def record_steps(recorder: Recorder, n: int) -> None:
    for count in range(recorder.steps + 1, recorder.steps + n + 1):
        seen = np.full(4, count, np.float32)
        recorder.step(count % 2, float(count), False, False, seen, driver=Driver.HUMAN)


def test_a_disk_that_fills_stops_recording_with_everything_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, real = tmp_path / "demo.h5", Reserve.extend_to

    def extend_to(reserve: Reserve, end: int) -> None:
        if end > 2_000_000:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(reserve, end)

    monkeypatch.setattr(Reserve, "extend_to", extend_to)
    recorder, error = record_until_full(path, 100_000)
    assert error.emergency is None
    assert "Free some space and resume" in str(error)
    assert recorder.closed
    recorder.close()
    with recordings.open(path) as reader:
        assert reader.recovered is None
        assert reader.column("reward")[:].tolist() == list(range(1, recorder.steps + 1))


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk", "4m") as folder:
        if folder is None:
            pytest.skip("mounting a small tmpfs needs more rights than this user has")
        yield folder


def test_a_small_disk_filled_by_the_recording(disk: Path) -> None:
    recorder, _ = record_until_full(disk / "demo.h5", 200_000)
    with recordings.open(disk / "demo.h5") as reader:
        assert reader.recovered is None
        assert reader.n_steps == recorder.steps > 10_000
        assert reader.column("reward")[:].tolist() == list(range(1, recorder.steps + 1))


def test_a_small_disk_filled_by_someone_else(disk: Path) -> None:
    path = disk / "demo.h5"
    recorder = Recorder(path, cartpole_header())
    recorder.begin_episode(np.zeros(4, np.float32), seed=0)
    with pytest.raises(OSError, match="No space"):
        fill(disk / "other")
    with pytest.raises(DiskFull):
        record_steps(recorder, 100_000)
    with recordings.open(path) as reader:
        assert reader.recovered is None
        assert reader.column("reward")[:].tolist() == list(range(1, recorder.steps + 1))


def fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))


def break_commits(monkeypatch: pytest.MonkeyPatch, after_writing: bool) -> None:
    real = Appender.commit

    def commit(appender: Appender, batch: Any) -> None:
        if after_writing:
            real(appender, batch)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Appender, "commit", commit)


@pytest.mark.parametrize("after_writing", [False, True])
@pytest.mark.parametrize("ended", [False, True])
def test_rows_that_the_file_refuses_are_saved_elsewhere_and_taken_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after_writing: bool, ended: bool
) -> None:
    path = tmp_path / "demo.h5"
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    record_counting(path, (3,))
    recorder = Recorder(path, cartpole_header(), resume=True, now_s=lambda: 0.0)
    recorder.begin_episode(np.full(4, 3, np.float32), seed=1, options={"high": 0.1})
    for count in (4, 5):
        recorder.step(
            count % 2, float(count), False, False, np.full(4, count, np.float32), driver=Driver.HUMAN
        )
    recorder.label(4, 1, labeler="human", kind=LabelKind.LIVE)
    with monkeypatch.context() as patch:
        break_commits(patch, after_writing)
        with pytest.raises(DiskFull, match=r"take_in") as caught:
            recorder.end_episode(Outcome.SUCCESS) if ended else recorder.flush()
    saved = caught.value.emergency
    assert saved is not None
    for _ in range(2):
        assert emergency.take_in(path, saved) == 5
    with recordings.open(path) as reader:
        assert reader.column("reward")[:].tolist() == [1, 2, 3, 4, 5]
        episode = reader.episodes[1]
        assert episode.outcome is (Outcome.SUCCESS if ended else Outcome.UNKNOWN)
        assert episode.observations[:, 0].tolist() == [3, 4, 5]
        assert episode.options == {"high": 0.1}
        assert episode.labels().names == ("human",)
    record_counting(path, (1,), resume=True)


def test_an_emergency_file_goes_only_where_it_belongs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, other = tmp_path / "demo.h5", tmp_path / "other.h5"
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    record_counting(path, (3,))
    recorder = Recorder(path, cartpole_header(), resume=True)
    with monkeypatch.context() as patch:
        break_commits(patch, False)
        recorder.begin_episode(np.zeros(4, np.float32), seed=1)
        with pytest.raises(DiskFull) as caught:
            recorder.flush()
    saved = caught.value.emergency
    assert saved is not None
    Recorder(other, cartpole_header()).close()
    with pytest.raises(WorldMismatch, match="another recording"):
        emergency.take_in(other, saved)
    with pytest.raises(NotARecording, match="emergency file"):
        emergency.take_in(path, path)


_EXIT = """
import errno, sys, numpy as np
from h5py import h5f
from recordings import Recorder, Driver, appender
from recordings.errors import DiskFull
from tests.recordings.worlds import cartpole_header
import resource, signal
recorder = Recorder(sys.argv[1], cartpole_header())
recorder.begin_episode(np.zeros(4, np.float32), seed=0)
recorder.step(0, 1.0, False, False, np.zeros(4, np.float32), driver=Driver.HUMAN)
recorder.flush()
recorder._appender._reserve.extend_to = lambda end: None
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    for count in range(20_000):
        recorder.step(0, 1.0, False, False, np.zeros(4, np.float32), driver=Driver.HUMAN)
        if count % 100 == 0:
            recorder.flush()
except DiskFull as error:
    print(error.emergency, recorder.flushed_steps)
"""


def test_a_write_that_fails_inside_hdf5_neither_crashes_nor_hangs(tmp_path: Path) -> None:
    path = tmp_path / "demo.h5"
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", _EXIT, str(path)], capture_output=True, text=True, timeout=60, env=environment
    )
    assert (done.returncode, done.stderr) == (0, "")
    flushed = int(done.stdout.split()[-1])
    with recordings.open(path) as reader:
        assert reader.recovered is not None
        assert reader.n_steps >= flushed > 0


def test_recovered_episodes_replay(tmp_path: Path) -> None:
    env = gym.make("CartPole-v1")
    path = tmp_path / "demo.h5"
    child = os.fork()
    if child == 0:
        recorder = Recorder(path, Header.for_env(env))
        observation, _ = env.reset(seed=4)
        recorder.begin_episode(observation, seed=4)
        for action in (0, 1, 0, 1):
            observation, reward, terminated, truncated, _ = env.step(action)
            recorder.step(action, float(reward), terminated, truncated, observation, driver=Driver.SCRIPTED)
        recorder.flush()
        os._exit(0)
    os.waitpid(child, 0)
    assert verify(path).to_json() == {"verified": True, "episodes": 1, "steps": 4, "divergence": None}
