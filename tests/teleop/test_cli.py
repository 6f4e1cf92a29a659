"""The command line as its users meet it: the same program, other words."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import recordings
from teleop.cli import COMMANDS, main


@pytest.fixture(autouse=True)
def _somewhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(capsys: pytest.CaptureFixture[str], *words: str, status: int = 0) -> dict[str, Any]:
    """One command with --json; what it printed."""
    assert main([*words, "--json"]) == status
    out: dict[str, Any] = json.loads(capsys.readouterr().out)
    return out


def test_the_whole_loop_without_a_window(capsys: pytest.CaptureFixture[str]) -> None:
    recorded = run(
        capsys,
        "record",
        "--driver",
        "scripted",
        "--headless",
        "--episodes",
        "20",
        "--seed",
        "0",
        "--out",
        "e.h5",
    )
    assert recorded["verified"] is True
    assert recorded["episodes"] == 20

    trained = run(capsys, "train", "bc", "--data", "e.h5", "--out", "clone.safetensors")
    assert trained["learner"] == "bc"
    assert trained["peak_mb"] > 0

    streamed = run(
        capsys,
        "train",
        "bc",
        "--data",
        "e.h5",
        "--stream",
        "always",
        "--plot",
        "s.png",
        "--out",
        "s.safetensors",
    )
    assert streamed["metrics"] == trained["metrics"]

    judged = run(capsys, "evaluate", "clone.safetensors")
    assert judged["exact"] is True
    assert judged["episodes"] is None
    assert judged["return_mean"] == pytest.approx(trained["return_mean"])

    corrected = run(
        capsys, "dagger", "--expert", "scripted", "--headless", "--rounds", "3", "--seed", "0",
        "--student", "clone.safetensors", "--out", "d.h5", "--policy", "s.safetensors",
    )  # fmt: skip
    assert [set(each) for each in corrected["rounds"]] == [{"return_mean", "labels", "seconds"}] * 3
    assert corrected["return_mean"] > judged["return_mean"]
    assert corrected["labels"] >= corrected["distinct_labels"] > 0

    replayed = run(capsys, "replay", "d.h5", "--headless")
    assert replayed["verified"] is True
    assert replayed["divergence"] is None

    held = run(capsys, "info", "d.h5")
    assert held["labels"] == corrected["labels"]
    assert held["world"] == "understudy/GridWorld-v0"
    assert held["recovered"] is None
    assert set(held["drivers"]) == {"student", "scripted"}


def test_an_existing_recording_is_continued_and_another_world_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ("record", "--driver", "scripted", "--headless", "--episodes", "2", "--out", "e.h5")
    run(capsys, *words)
    run(capsys, *words)
    assert run(capsys, "info", "e.h5")["episodes"] == 4
    assert main([*words, "--env", "cartpole"]) == 1
    said = capsys.readouterr().err
    assert "e.h5" in said
    assert "CartPole" in said
    assert "Traceback" not in said
    assert run(capsys, "info", "e.h5")["episodes"] == 4


def test_a_policy_can_be_the_expert(capsys: pytest.CaptureFixture[str]) -> None:
    run(
        capsys,
        "record",
        "--env",
        "cartpole",
        "--driver",
        "scripted",
        "--headless",
        "--episodes",
        "2",
        "--out",
        "c.h5",
    )
    run(capsys, "train", "bc", "--data", "c.h5", "--out", "c.safetensors", "--updates", "500")
    found = run(
        capsys, "dagger", "--env", "cartpole", "--expert", "c.safetensors", "--headless", "--rounds", "2"
    )
    assert found["labels"] == 50
    assert set(run(capsys, "info", found["recording"])["drivers"]) == {"student", "policy"}


def _steps_so_far(path: Path) -> int:
    with recordings.open(path, tail=True) as reader:
        return reader.n_steps


def test_a_killed_recording_is_made_whole_told_and_continued(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["record", "--driver", "scripted", "--headless", "--out", "k.h5", "--episodes"]
    path = Path("k.h5").absolute()
    code = f"import sys; from teleop.cli import main; sys.exit(main({[*words, '1000000']!r}))"
    with subprocess.Popen([sys.executable, "-c", code]) as process:
        try:
            deadline_s = time.monotonic() + 60
            while not (path.exists() and _steps_so_far(path) > 100):
                assert time.monotonic() < deadline_s
                time.sleep(0.05)
        finally:
            process.kill()
    held = run(capsys, "info", "k.h5")
    assert "made whole" in held["recovered"]
    assert held["steps"] > 100
    assert run(capsys, "replay", "k.h5", "--headless")["verified"] is True
    assert run(capsys, *words, "1")["verified"] is True
    again = run(capsys, "info", "k.h5")
    assert again["recovered"] is None
    assert again["episodes"] == held["episodes"] + 1


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    said = capsys.readouterr().out
    assert "usage" in said.lower()


def test_every_learner_explains_its_settings(capsys: pytest.CaptureFixture[str]) -> None:
    from learners import LEARNERS

    for learner in LEARNERS:
        assert main(["train", learner, "--help"]) == 0
        said = capsys.readouterr().out
        assert "--data" in said
        assert "--seed" in said


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (["frobnicate"], 2, "expected a command"),
        (["evaluate"], 2, "Required"),
        (["evaluate", "missing.safetensors"], 1, "missing.safetensors"),
        (["evaluate", "missing.safetensors", "--episodes", "many"], 2, "episodes"),
        (["info", "missing.h5"], 1, "missing.h5"),
        (["replay", ".", "--headless"], 1, "directory"),
        (["train", "bc"], 1, "--data"),
        (["train", "ppo"], 1, "--env"),
        (["train", "gail", "--data", "missing.h5", "--stream", "always"], 1, "Leave --stream out"),
        (["train", "nonsense", "--data", "x.h5"], 2, "nonsense"),
        (["record", "--headless"], 1, "window"),
        (["record", "--env", "nowhere", "--driver", "scripted", "--headless"], 1, "nowhere"),
        (["record", "--env", "nowhere", "--headless", "--driver", "nobody.safetensors"], 1, "nowhere"),
        (["dagger", "--headless"], 1, "human"),
        (["dagger", "--headless", "--expert", "ppo"], 1, "train ppo"),
        (["benchmark", "--only", "nothing"], 1, "nothing"),
        (["record", "--driver", "scripted", "--headless", "--out", "/proc/no/such/place.h5"], 1, "/proc/no"),
        (
            ["record", "--driver", "scripted", "--headless", "--seed", "-1"],
            2,
            "setting seed: expected a whole",
        ),
        (
            ["record", "--driver", "scripted", "--headless", "--episodes", "0"],
            2,
            "setting episodes: expected",
        ),
        (
            ["train", "bc", "--data", "x.h5", "--limit-s", "nan"],
            2,
            "setting limit_s: expected a number over 0",
        ),
        (["dagger", "--headless", "--expert", "scripted", "--rounds", "0"], 2, "setting rounds: expected"),
        (
            ["dagger", "--headless", "--expert", "scripted", "--slips", "2"],
            2,
            "setting slips: expected a number",
        ),
        (["dagger", "--headless", "--expert", "scripted", "--label-budget", "0"], 2, "setting label_budget:"),
        (["dagger", "--rewind", "0"], 2, "setting rewind: expected a whole number from 1 on, found 0"),
        (["replay", "x.h5", "--speed", "0"], 2, "setting speed: expected a number over 0"),
        (["reproduce", "all", "--workers", "0"], 2, "setting workers: expected a whole number from 1 on"),
    ],
)
def test_bad_words_are_one_paragraph(
    words: list[str], status: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == status
    said = capsys.readouterr()
    assert says in said.err + said.out
    assert "Traceback" not in said.err
    assert not list(Path().glob("**/*.h5")), "nothing is left behind"
