"""`curate`, as its users meet it: what holds is listed, and every act can be taken back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import pytest

import recordings
from recordings import LabelKind, Outcome, Recorder
from teleop.cli import main
from tests.recordings.worlds import cartpole_header, record_counting


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Episodes of steps 0-29, 30-39, 40-44; labels 0 to 3 of steps 5, 5, 6 and 31."""
    record_counting(tmp_path / "demo.h5", (30, 10, 5))
    with Recorder(tmp_path / "demo.h5", cartpole_header(), resume=True) as recorder:
        for step, labeler in ((5, "human"), (5, "scripted"), (6, "human"), (31, "human")):
            recorder.label(step, 1, labeler=labeler, kind=LabelKind.PAUSED)
    return tmp_path / "demo.h5"


def curate(capsys: pytest.CaptureFixture[str], path: Path, *words: str) -> dict[str, Any]:
    assert main(["curate", str(path), *words, "--json"]) == 0
    out: dict[str, Any] = json.loads(capsys.readouterr().out)
    return out


def says(found: dict[str, Any]) -> list[str]:
    return [act["says"] for act in found["acts"]]


def test_acts_are_done_listed_and_taken_back(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = curate(
        capsys, path, "--discard", "1-3", "0:10-20", "--mark", "0:4", "0:25-", "--outcome", "0=success",
        "--withdraw", "0:5", "3", "--note", "try-outs",
    )  # fmt: skip
    assert says(found) == [
        "discard episode 1",
        "discard episode 2",
        "discard steps 10 to 19 of episode 0",
        "do not imitate step 4 of episode 0",
        "do not imitate episode 0 from step 25 on",
        "episode 0 ended: success",
        "withdraw label 0, of step 5 of episode 0",
        "withdraw label 1, of step 5 of episode 0",
        "withdraw label 3, of step 1 of episode 1",
    ]
    assert {act["note"] for act in found["acts"]} == {"try-outs"}
    assert (found["discarded_episodes"], found["discarded_steps"]) == ([1, 2], 25)
    assert (found["marked_steps"], found["withdrawn_labels"], found["acts_taken_back"]) == (6, 3, 0)

    found = curate(capsys, path, "--undo", "--undo-label")
    assert found["done"] == [
        "act 8 taken back: withdraw label 3, of step 1 of episode 1",
        "act 10: withdraw label 3, of step 1 of episode 1",
    ]
    found = curate(capsys, path, "--undo", "10", "0", "--restore", "0")
    assert (found["discarded_episodes"], found["discarded_steps"], found["marked_steps"]) == ([2], 5, 0)
    found = curate(capsys, path, "--undo")
    assert found["done"] == ["act 13 taken back: restore episode 0"]
    assert curate(capsys, path, "--redo")["done"] == ["act 13 holds again: restore episode 0"]
    assert curate(capsys, path)["acts"] == curate(capsys, path, "--list")["acts"]


def test_everything_undone_is_as_recorded(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    curate(capsys, path, "--discard", "0", "--outcome", "1=failure")
    for _ in range(2):
        curate(capsys, path, "--undo")
    assert curate(capsys, path, "--undo")["done"] == ["no act to undo"]
    assert main(["curate", str(path)]) == 0
    assert "no act holds; all of it counts as recorded" in capsys.readouterr().out
    with recordings.open(path) as reader:
        assert reader.n_edits == 4, "nothing is erased"
        assert reader.episodes[1].outcome is Outcome.SUCCESS


def test_the_list_fits_80_columns(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--discard", "0:10-20", "--withdraw", "3", "--note", "the pole had fallen " * 8]
    assert main(["curate", str(path), *words]) == 0
    said = capsys.readouterr().out
    assert "discard steps 10 to 19" in said
    assert max(len(line) for line in said.splitlines() if str(path) not in line) <= 80


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--discard", "three"], "--discard: expected EPISODE, FIRST-LAST"),
        (["--discard", "3"], "--discard: episode: expected a number below 3, found 3"),
        (["--mark", "1:3-11"], "--mark: step of episode 1: expected a number below 11, found 11"),
        (["--outcome", "0=running"], "expected EPISODE=success|failure|unknown, found '0=running'"),
        (["--withdraw", "9"], "--withdraw: label: expected a number below 4, found 9"),
        (["--undo", "4"], "expected an act below 0, found 4"),
        (["--discard", "0", "--restore", "99"], "--restore: episode"),
    ],
)
def test_what_is_not_there_is_said_and_nothing_done(
    path: Path, words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = path.read_bytes()
    assert main(["curate", str(path), *words]) == 1
    said = capsys.readouterr()
    assert says in said.err
    assert len(said.err.splitlines()) == 1
    assert path.read_bytes() == before


def test_a_recording_in_progress_is_left_to_its_recorder(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Recorder(path, cartpole_header(), resume=True):
        assert main(["curate", str(path), "--discard", "0"]) == 1
    assert "is writing this file" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["curate"], ["info"], ["train", "bc", "--data"]])
@pytest.mark.parametrize(("column", "value"), [("kind", 99), ("value", 7)])
def test_damaged_acts_are_one_paragraph(
    path: Path, command: list[str], column: str, value: int, capsys: pytest.CaptureFixture[str]
) -> None:
    curate(capsys, path, "--discard", "0")
    curate(capsys, path, "--undo")
    with h5py.File(path, "r+") as file:
        file[f"edits/{column}"][1] = value
    assert main([*command, str(path)]) == 1
    said = capsys.readouterr()
    assert "demo.h5: /edits: row 1" in said.err
    assert len(said.err.splitlines()) == 1
    assert said.out == ""


def test_out_writes_what_was_chosen_and_touches_nothing(
    capsys: pytest.CaptureFixture[str], path: Path, tmp_path: Path
) -> None:
    before = path.read_bytes()
    words = ["--out", str(tmp_path / "new.h5"), "--where", "length>0", "--redact", "--json"]
    assert main(["curate", str(path), str(path), "--deduplicate", *words]) == 0
    (written,) = json.loads(capsys.readouterr().out)["written"]
    with recordings.open(path) as reader:
        assert (written["episodes"], written["duplicates"]) == (reader.n_episodes, reader.n_episodes)
    assert path.read_bytes() == before

    assert main(["curate", str(path), "--out", str(tmp_path / "part.h5"), "--split", "0.5"]) == 0
    assert "validation" in capsys.readouterr().out
    with (
        recordings.open(tmp_path / "part.train.h5") as one,
        recordings.open(tmp_path / "part.validation.h5") as other,
    ):
        assert one.n_episodes + other.n_episodes == written["episodes"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--out", "new.h5", "--discard", "0"], "expected no acts with --out"),
        (["--out", "new.h5", "--where", "colour=red"], "condition: expected FIELD"),
        (["another.h5"], "expected one recording, or --out FILE"),
    ],
)
def test_what_does_not_go_together_is_said(
    capsys: pytest.CaptureFixture[str],
    path: Path,
    words: list[str],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(path.parent)
    assert main(["curate", str(path), *words]) == 1
    told = " ".join(capsys.readouterr().err.split())
    assert said in told
    assert not (path.parent / "new.h5").exists()
