"""Metrics on their way to a CSV and to TensorBoard, read back with other people's readers."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from learners.asking.gates import BetaGate
from teleop import metrics as metrics_module
from teleop.benchmark.ledger import Ledger
from teleop.cli import main
from teleop.commands import benchmark
from teleop.metrics import COLUMNS, Appended, MetricsError, open_metrics
from teleop.training.observed import ObservedTrainer
from teleop.training.student import StudentVersion
from tests.teleop.live import Always, Begin


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def scalars_of(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """Every scalar of the runs below a folder, by TensorBoard's own reader."""
    reading = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator",
        reason='TensorBoard is not installed: pip install "understudy[tensorboard]"',
    )
    (run,) = folder.iterdir()
    events = reading.EventAccumulator(str(run))
    events.Reload()
    return {
        tag: [(each.step, pytest.approx(each.value)) for each in events.Scalars(tag)]
        for tag in events.Tags()["scalars"]
    }


def test_a_row_a_value_in_columns_that_stay(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "m.csv"
    metrics = open_metrics("train bc, seed 0", csv_file=path, tensorboard=None)
    metrics.write(1, {"loss": 0.1 + 0.2, "accuracy": 1})
    metrics.write(2, {"return": float("nan"), "exact": True, "note": "left out", "none": None})
    rows = rows_of(path)
    assert tuple(rows[0]) == COLUMNS
    assert [(row["step"], row["name"]) for row in rows] == [
        ("1", "loss"), ("1", "accuracy"), ("2", "return"), ("2", "exact"),
    ]  # fmt: skip
    assert [float(row["value"]) for row in rows[:2]] == [0.1 + 0.2, 1.0], "to the last digit"
    assert rows[2]["value"] == "nan"
    assert all(row["run"].startswith("train bc, seed 0, 20") for row in rows)
    assert all(float(row["seconds"]) >= 0 for row in rows)


def test_another_run_continues_the_file(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    for run in ("one", 'two, with a comma and a "quote"'):
        open_metrics(run, csv_file=path, tensorboard=None).write(1, {"loss": 1.0})
    assert path.read_text().count("seconds") == 1
    assert [row["run"].rsplit(",", 1)[0] for row in rows_of(path)] == [
        "one",
        'two, with a comma and a "quote"',
    ]


def test_what_a_kill_left_of_a_row_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    open_metrics("one", csv_file=path, tensorboard=None).write(1, {"loss": 1.0, "return": 2.0})
    for left in (path.read_bytes()[:-7], path.read_bytes()[:4]):
        path.write_bytes(left)
        open_metrics("two", csv_file=path, tensorboard=None).write(9, {"loss": 3.0})
        assert [row["value"] for row in rows_of(path)][-1] == "3.0"
        assert all(None not in row.values() for row in rows_of(path))


@pytest.mark.parametrize("content", ["my notes\n", "step,loss\n1,2\n", "\x89HDF\r\n"])
def test_a_file_of_something_else_is_refused_and_left_alone(
    tmp_path: Path, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "m.csv"
    path.write_text(content, encoding="latin-1", newline="")
    before = path.read_bytes()
    words = ["dagger", "--env", "gridworld", "--expert", "scripted", "--headless", "--csv", str(path)]
    assert main(words) == 1
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1
    assert "m.csv: expected a new file" in said
    assert path.read_bytes() == before


def test_a_killed_writer_loses_no_row(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    code = (
        "import os, signal, sys; from pathlib import Path; from teleop.metrics import open_metrics\n"
        "metrics = open_metrics('killed', csv_file=Path(sys.argv[1]), tensorboard=None)\n"
        "for step in range(50): metrics.write(step, {'loss': step / 7})\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    root = Path(__file__).parents[2]
    ended = subprocess.run([sys.executable, "-c", code, str(path)], cwd=root, check=False)
    assert ended.returncode == -signal.SIGKILL
    assert [float(row["value"]) for row in rows_of(path)] == [step / 7 for step in range(50)]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk_is_said_once_and_stops_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    metrics = open_metrics("full", csv_file=Path("/dev/full"), tensorboard=None)
    for step in range(20):
        metrics.write(step, {"loss": 1.0})
    said = capsys.readouterr().err
    assert said.count("/dev/full: metrics cannot be written (No space left on device)") == 1
    assert len(said.splitlines()) == 1


def test_a_folder_that_cannot_be_made_stops_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    words = ["dagger", "--env", "gridworld", "--expert", "scripted", "--headless", "--rounds", "1"]
    words += ["--out", str(tmp_path / "d.h5"), "--policy", str(tmp_path / "d.safetensors")]
    assert main([*words, "--csv", str(tmp_path / "file" / "m.csv")]) == 0
    assert capsys.readouterr().err.count("metrics cannot be written") == 1


def test_rows_wait_for_room_and_none_is_torn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    room = [5]
    write = os.write

    def little_room(descriptor: int, data: bytes) -> int:
        if not room[0]:
            raise OSError(28, "No space left on device")
        written = write(descriptor, data[: room[0]])
        room[0] -= written
        return written

    monkeypatch.setattr(metrics_module.os, "write", little_room)
    said: list[str] = []
    file = Appended(tmp_path / "rows", said.append)
    for row in (b"first\n", b"second\n"):
        file.add(row)
    assert (tmp_path / "rows").read_bytes() == b"first"
    room[0] = 100
    file.add(b"third\n")
    assert (tmp_path / "rows").read_bytes() == b"first\nsecond\nthird\n"
    assert len(said) == 1


def test_what_waits_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics_module, "MOST_WAITING", 10)
    file = Appended(tmp_path, lambda _: None)  # a folder is no file
    for _ in range(5):
        file.add(b"abcd")
    assert len(file._waiting) == 8


def test_events_are_read_by_tensorboard_itself(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason='not installed: pip install "understudy[tensorboard]"')
    metrics = open_metrics("train bc: seed/0", csv_file=None, tensorboard=tmp_path)
    metrics.write(1, {"loss": 0.5, "return": -1.0})
    metrics.write(3, {"loss": 0.25})
    assert scalars_of(tmp_path) == {"loss": [(1, 0.5), (3, 0.25)], "return": [(1, -1.0)]}, (
        "without being closed"
    )


def test_without_the_extra_it_is_said_before_anything_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard.compat.proto", None)
    with pytest.raises(MetricsError, match=r'pip install "understudy\[tensorboard\]"'):
        open_metrics("x", csv_file=None, tensorboard=tmp_path / "t")
    assert not (tmp_path / "t").exists()


def test_training_tells_what_its_report_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("tensorboard", reason='not installed: pip install "understudy[tensorboard]"')
    data, path, folder = tmp_path / "e.h5", tmp_path / "m.csv", tmp_path / "tb"
    words = ["record", "--env", "gridworld", "--driver", "scripted", "--headless", "--episodes", "3"]
    assert main([*words, "--out", str(data), "--seed", "0"]) == 0
    words = ["train", "bc", "--data", str(data), "--out", str(tmp_path / "p.safetensors")]
    assert main([*words, "--csv", str(path), "--tensorboard", str(folder)]) == 0
    capsys.readouterr()
    rows = rows_of(path)
    assert {"loss", "accuracy", "return_mean"} <= {row["name"] for row in rows}
    told = {(row["name"], int(row["step"])): float(row["value"]) for row in rows}
    read = {(name, step): value for name, points in scalars_of(folder).items() for step, value in points}
    assert set(told) == set(read)
    assert all(read[each] == value for each, value in told.items())


def test_every_round_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "m.csv"
    words = [
        "dagger",
        "--env",
        "gridworld",
        "--expert",
        "scripted",
        "--headless",
        "--rounds",
        "2",
        "--seed",
        "0",
    ]
    words += [
        "--out",
        str(tmp_path / "d.h5"),
        "--policy",
        str(tmp_path / "d.safetensors"),
        "--csv",
        str(path),
    ]
    assert main(words) == 0
    capsys.readouterr()
    labels = [(row["step"], float(row["value"])) for row in rows_of(path) if row["name"] == "labels"]
    assert labels == [("1", 100.0), ("2", 200.0)]


class OneStudent:
    """A trainer with one student to give."""

    trouble = ""

    def __init__(self) -> None:
        self.students = [StudentVersion(Always(3), 1, 5, 0.25)]

    def look_again(self) -> None:
        pass

    def poll(self) -> StudentVersion | None:
        return self.students.pop() if self.students else None

    def close(self) -> None:
        pass


def test_a_live_session_tells_of_students_and_of_episodes(begin: Begin) -> None:
    live = begin()
    told: list[tuple[int, dict[str, Any]]] = []
    live.session.trainer = ObservedTrainer(
        OneStudent(), live.session, lambda step, values: told.append((step, dict(values)))
    )
    live.session.gate = BetaGate(beta=0.0)
    live.frames(30)
    assert told[0] == (0, {"student_version": 1, "student_labels": 5, "loss": 0.25})
    assert len(told) == 1
    steps = live.session.driven_ticks
    live.close()
    (step, values) = told[1]
    assert (step, values["episodes"], values["episode_length"]) == (steps, 1, steps)
    assert values["autonomous"] == 1.0
    assert "agreement" not in values, "nobody labelled"


def test_the_benchmark_tells_each_figure_once(tmp_path: Path) -> None:
    told: list[tuple[int, dict[str, Any]]] = []

    class Told:
        def write(self, step: int, values: dict[str, Any]) -> None:
            told.append((step, values))

    tell: Callable[[Any], None] = lambda entry: benchmark._tell(Told(), entry)  # type: ignore[arg-type]  # noqa: E731
    ledger = Ledger(tmp_path / "b.jsonl", tell=tell)
    for _ in range(2):
        ledger.once("train bc | gridworld | 10 | seed 7", lambda: {"return_mean": 9.5, "exact": True})
        ledger.once("frames | gridworld", lambda: [1.0, 2.0])
        ledger.once("optimum | gridworld", lambda: 10.0)
    assert told == [
        (7, {"train bc | gridworld | 10 | return_mean": 9.5, "train bc | gridworld | 10 | exact": True}),
        (0, {"frames | gridworld | value": 1.0}),
        (1, {"frames | gridworld | value": 2.0}),
        (0, {"optimum | gridworld | value": 10.0}),
    ]
