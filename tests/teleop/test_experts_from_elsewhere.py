"""Experts and students from elsewhere through the real commands, and what is recorded of them."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import recordings
from learners import load_policy
from recordings.schema import Driver
from teleop.app.window import Window
from teleop.cli import main
from teleop.clock import StepClock
from teleop.experts import CARTPOLE_GAINS
from teleop.journals.journal import Journal, JournalWriter, UnusableJournal
from teleop.journals.journal_head import head_of, settings_of
from teleop.start import RecordSettings
from teleop.worlds.catalogue import CARTPOLE
from tests.learners import onnx_writer as onnx
from tests.teleop.app_pilot import correction_session, drive

HERE = ("--env", "cartpole", "--headless", "--seed", "0")
RULE = np.stack([-CARTPOLE_GAINS, CARTPOLE_GAINS], 1).astype(np.float32)
"""(4, 2) the scripted expert, as a layer."""

MODULE = """
import numpy as np
GAINS = np.array({gains})

class Expert:
    def act(self, observation, tick):
        return int(GAINS @ observation > 0)

class Policy:
    def act(self, observations, rng=None):
        return (observations @ GAINS > 0).astype(int)

class Stops(Expert):
    def act(self, observation, tick):
        return super().act(observation, tick) if tick < 5 else float("nan")
"""


@pytest.fixture(autouse=True)
def _somewhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "balance_rules", raising=False)
    (tmp_path / "balance_rules.py").write_text(MODULE.format(gains=CARTPOLE_GAINS.tolist()))


def _onnx() -> str:
    pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")
    Path("rule.onnx").write_bytes(onnx.linear(RULE))
    return "rule.onnx"


def _torchscript() -> str:
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        layer = torch.nn.Linear(4, 2, bias=False)
        layer.weight.data = torch.from_numpy(RULE.T.copy())
        torch.jit.trace(layer, torch.zeros(1, 4)).save("rule.pt")  # type: ignore[no-untyped-call]
    return "rule.pt"


def _sb3() -> str:
    stable_baselines3 = pytest.importorskip("stable_baselines3", reason="the extra sb3 is not installed")
    import torch

    model = stable_baselines3.PPO("MlpPolicy", "CartPole-v1", device="cpu", policy_kwargs={"net_arch": []})
    model.policy.action_net.weight.data = torch.from_numpy(RULE.T.copy())
    model.policy.action_net.bias.data.zero_()
    model.save("rule.zip")
    return "rule.zip"


FORMS: dict[str, Callable[[], str]] = {
    "onnx": _onnx,
    "torchscript": _torchscript,
    "sb3": _sb3,
    "expert": lambda: "balance_rules:Expert",
    "policy": lambda: "balance_rules:Policy",
}
NEED_LEAVE = ("torchscript", "expert", "policy")


def leave(form: str) -> tuple[str, ...]:
    return ("--trust-code",) if form in NEED_LEAVE else ()


def run(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    assert main([*words, "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """What was said, in one paragraph."""
    assert main(list(words)) == 1
    lines = capsys.readouterr().err.splitlines()
    assert [line.startswith("error: ") for line in lines] == [False] * (len(lines) - 1) + [True]
    assert all(line.endswith((" runs.", " called.", " name.")) for line in lines[:-1])
    said: str = lines[-1]
    return said


@pytest.mark.parametrize("form", FORMS)
def test_it_demonstrates_and_the_recording_says_who(capsys: pytest.CaptureFixture[str], form: str) -> None:
    name = FORMS[form]()
    said = run(capsys, "record", *HERE, "--driver", name, *leave(form), "--episodes", "1", "--out", "a.h5")
    assert said["verified"] is True
    run(capsys, "record", *HERE, "--driver", "scripted", "--episodes", "1", "--out", "b.h5")
    with recordings.open("a.h5") as theirs, recordings.open("b.h5") as ours:
        assert np.array_equal(theirs.episodes[0].actions, ours.episodes[0].actions)
        assert set(theirs.episodes[0].drivers.tolist()) == {Driver.POLICY}
        (labeler,) = set(theirs.labels().names)
        noted = theirs.header.versions["driver"]
    source = Path(name) if "." in name else Path("balance_rules.py")
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    assert (labeler, noted) == (f"{name}#{digest[:12]}", f"{name} sha256:{digest}")


@pytest.mark.parametrize("form", FORMS)
def test_it_teaches_a_student(capsys: pytest.CaptureFixture[str], form: str) -> None:
    words = ("--expert", FORMS[form](), *leave(form), "--rounds", "2", "--labels-per-round", "10")
    said = run(capsys, "dagger", *HERE, *words, "--out", "d.h5", "--policy", "s.safetensors")
    assert said["verified"] is True
    assert said["labels"] >= 10
    assert Path("s.safetensors").exists()


@pytest.mark.parametrize("form", FORMS)
def test_it_drives_untaught(capsys: pytest.CaptureFixture[str], form: str) -> None:
    words = ("--expert", "scripted", "--student", FORMS[form](), *leave(form), "--gate", "beta")
    words = (*words, "--training", "never", "--rounds", "2", "--labels-per-round", "10", "--out", "d.h5")
    if form == "expert":
        said = refused(capsys, "dagger", *HERE, *words)
        assert "expected a policy, with act(observations, rng), found an expert" in said
        assert not Path("d.h5").exists()
        return
    found = run(capsys, "dagger", *HERE, *words)
    assert (found["policy"], found["return_mean"], found["verified"]) == (None, 500.0, True)
    with recordings.open("d.h5") as reader:
        assert reader.header.versions["student"].startswith(words[3])
        drivers = np.concatenate([episode.drivers for episode in reader.episodes])
    assert {Driver.STUDENT} <= set(drivers.tolist())


@pytest.mark.parametrize("form", FORMS)
def test_only_plain_networks_are_taught_further(capsys: pytest.CaptureFixture[str], form: str) -> None:
    name = FORMS[form]()
    words = ("--expert", "scripted", "--student", name, *leave(form), "--rounds", "1", "--out", "d.h5")
    if form != "sb3":
        refused(capsys, "dagger", *HERE, *words)
        assert not Path("d.h5").exists()
        return
    assert run(capsys, "dagger", *HERE, *words, "--policy", "s.safetensors")["policy"] == "s.safetensors"
    run(capsys, "record", *HERE, "--driver", "scripted", "--episodes", "1", "--out", "e.h5")
    taught = ("--start", name, "--updates", "10", "--out", "c.safetensors")
    run(capsys, "train", "bc", "--data", "e.h5", *taught)


def test_a_plain_network_goes_on_learning_as_large_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    stable_baselines3 = pytest.importorskip("stable_baselines3", reason="the extra sb3 is not installed")
    kwargs = {"net_arch": [8, 6]}
    stable_baselines3.PPO("MlpPolicy", "CartPole-v1", device="cpu", policy_kwargs=kwargs).save("net.zip")
    words = ("--expert", "scripted", "--student", "net.zip", "--rounds", "1", "--labels-per-round", "10")
    run(capsys, "dagger", *HERE, *words, "--out", "d.h5", "--policy", "s.safetensors")
    assert load_policy("s.safetensors").architecture.hidden == (8, 6)


@pytest.mark.parametrize("form", ["onnx", "torchscript", "sb3", "policy"])
def test_it_is_judged(capsys: pytest.CaptureFixture[str], form: str) -> None:
    said = run(capsys, "evaluate", FORMS[form](), "--env", "cartpole", "--episodes", "2", *leave(form))
    assert said["return_mean"] == 500.0


@pytest.mark.parametrize("form", NEED_LEAVE)
def test_without_leave_nothing_runs_and_nothing_is_written(
    capsys: pytest.CaptureFixture[str], form: str
) -> None:
    name = FORMS[form]()
    for words in (
        ("record", "--driver"),
        ("dagger", "--expert"),
        ("dagger", "--expert=scripted", "--student"),
    ):
        said = refused(capsys, words[0], *HERE, *words[1:], name, "--out", "d.h5")
        assert f"{name}: --trust-code: expected" in said
    assert "--trust-code" in refused(capsys, "evaluate", name, "--env", "cartpole")
    assert "balance_rules" not in sys.modules
    assert not Path("d.h5").exists()


def test_a_policy_for_another_world_writes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(capsys, "record", "--env", "acrobot", "--headless", "--driver", _onnx(), "--out", "a.h5")
    assert "rule.onnx: input: expected (N, 6) for this world's Box" in said
    assert not Path("a.h5").exists()


def test_one_that_goes_wrong_midway_loses_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--driver", "balance_rules:Stops", "--trust-code", "--out", "a.h5")
    said = refused(capsys, "record", *HERE, *words)
    assert "its answer: expected whole numbers from 0 to 1, found float64 [nan]" in said
    with recordings.open("a.h5") as reader:
        assert (reader.n_steps, reader.n_labels) == (5, 5)


def test_a_student_that_nobody_named_cannot_drive(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--expert", "scripted", "--training", "never", "--out", "d.h5")
    assert "--training never: expected --student" in refused(capsys, "dagger", *HERE, *words)
    assert not Path("d.h5").exists()


def test_what_runs_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--env", "cartpole", "--episodes", "1")
    for name, trust in ((_onnx(), ()), (_torchscript(), ("--trust-code",))):
        assert main(["evaluate", name, *words, *trust]) == 0
        what = "the program in" if trust else "data, computed by onnxruntime; no code of"
        assert capsys.readouterr().err == f"{name}: {what} the file runs.\n"


def test_a_pipe_is_no_policy(capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo("p.onnx")
    assert "found a pipe or a device" in refused(capsys, "evaluate", "p.onnx", "--env", "cartpole")


def test_a_journal_cannot_give_leave(tmp_path: Path) -> None:
    """It may come from anybody; whoever plays it back says whether what it names may run."""
    settings = RecordSettings(
        CARTPOLE, tmp_path / "a.h5", driver="balance_rules:Expert", seed=0, trust_code=True
    )
    head = head_of(settings)
    assert "trust_code" not in head["settings"]
    path = tmp_path / "j.jsonl"
    with_leave = {**head, "settings": {**head["settings"], "trust_code": True}}
    for each, is_sound in ((head, True), (with_leave, False)):
        path.unlink(missing_ok=True)
        writer = JournalWriter(path)
        writer.begin(each, 0)
        writer.hear(1, "close", "")
        if is_sound:
            assert settings_of(Journal(path), settings.out) == dataclasses.replace(settings, trust_code=False)
            assert settings_of(Journal(path), settings.out, trust_code=True) == settings
        else:
            with pytest.raises(UnusableJournal):
                settings_of(Journal(path), settings.out)


def test_it_drives_in_the_window_and_is_looked_back_on(tmp_path: Path) -> None:
    """Taken over, scrubbed, labelled, handed back: a student of another program is one like any other."""
    clock = StepClock()
    session = correction_session(
        "cartpole", tmp_path / "w.h5", clock, student=Path(_onnx()), training="never"
    )
    with Window(hidden=True) as window:
        pilot = drive(window, session, clock)
        pilot.seconds(1)
        pilot.down("space")
        pilot.seconds(0.5)
        pilot.up("space")
        pilot.tap("t", "left", "left")
        assert session.desk is not None
        pilot.tap("t")
        pilot.seconds(0.5)
    session.close()
    assert session.student is not None
    assert (session.student_ticks > 10, session.student.version) == (True, 0)
