"""The demo, shortened: what it leaves behind is what it says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import recordings
from learners import load_policy
from recordings.schema import Driver
from teleop.cli import main
from teleop.commands import demo


def test_the_whole_loop_with_nobody_at_the_keyboard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo, "DEMONSTRATIONS", 2)
    monkeypatch.setattr(demo, "ROUNDS", 2)
    monkeypatch.setattr(demo, "WATCHED_TICKS", 20)
    monkeypatch.setattr(demo, "WATCHED_TICKS_OF_ROUND", 20)
    assert main(["demo", "--hidden", "--out", str(tmp_path / "demo"), "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    stages = data["stages"]
    assert [stage["stage"] for stage in stages] == [
        "before",
        "behavioural cloning",
        "DAgger round 1",
        "DAgger round 2",
    ]
    assert stages[-1]["return_mean"] > stages[1]["return_mean"] > stages[0]["return_mean"]
    assert data["verified"] is True
    assert Path(data["plot"]).read_bytes().startswith(b"\x89PNG")
    with recordings.open(data["recording"]) as reader:
        assert reader.n_labels == stages[-1]["labels"]
        demonstrated = [int(code) for each in reader.episodes[:2] for code in each.drivers]
        assert set(demonstrated) == {Driver.HUMAN}, (
            "the hand's keys went through the window as a person's would"
        )
        states = reader.column("observation")[: len(demonstrated)]
        actions = reader.column("action")[: len(demonstrated)]
    policy = load_policy(data["policy"])
    assert (policy.act(states) == actions).all(), "the student still does what was demonstrated"
