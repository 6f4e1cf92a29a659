"""`convert`, as its users meet it."""

from __future__ import annotations

import json
from pathlib import Path

import gymnasium as gym
import h5py
import numpy as np
import pytest

import recordings
from recordings.exchange.catalogue import FORMATS
from recordings.sameness import first_difference
from teleop.cli import main
from teleop.commands.convert import FormatName
from tests.recordings.worlds import record_counting


@pytest.fixture
def path(tmp_path: Path) -> Path:
    record_counting(tmp_path / "demo.h5", (2, 3))
    return tmp_path / "demo.h5"


def test_there_and_back(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, back = path.with_name("data"), path.with_name("back.h5")
    assert main(["convert", str(path), str(folder), "--to", "minari", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["episodes"], found["steps"], found["dropped"]) == (2, 5, "nothing")
    assert main(["convert", str(folder), str(back), "--from", "minari"]) == 0
    assert first_difference(path, back) is None


@pytest.mark.parametrize("words", [[], ["--to", "minari", "--from", "minari"]])
def test_one_way_has_to_be_named(path: Path, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["convert", str(path), str(path.with_name("data")), *words]) == 1
    assert "expected either --to FORMAT or --from FORMAT" in " ".join(capsys.readouterr().err.split())
    assert not path.with_name("data").exists()


def test_every_format_can_be_named() -> None:
    assert set(FormatName.__args__) == set(FORMATS)


def test_of_which_world_it_is_can_be_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Five steps of CartPole in a file that says nothing of it; but not of one that lies elsewhere, or names itself."""
    with h5py.File(tmp_path / "theirs.hdf5", "w") as file:
        file["observations"] = np.arange(20, dtype=np.float32).reshape(5, 4)
        file["actions"] = np.array([0, 1, 1, 0, 0])
        file["rewards"] = np.ones(5)
        file["terminals"] = np.arange(5) == 4
    words = ["convert", str(tmp_path / "theirs.hdf5"), str(tmp_path / "ours.h5"), "--from", "d4rl", "--world"]
    assert main([*words, "gridworld"]) == 1
    assert "observations: expected" in capsys.readouterr().err
    assert main([*words, "cartpole"]) == 0
    with recordings.open(tmp_path / "ours.h5") as reader:
        assert reader.header.env_id == "CartPole-v1"
        assert reader.header.observation_space == gym.make("CartPole-v1").observation_space
        assert reader.episodes[0].actions.tolist() == [0, 1, 1, 0, 0]
    assert main(["convert", str(tmp_path / "ours.h5"), str(tmp_path / "again.hdf5"), "--to", "d4rl"]) == 0
    back = ["convert", str(tmp_path / "again.hdf5"), str(tmp_path / "back.h5"), "--from", "d4rl", "--world"]
    assert main([*back, "cartpole"]) == 0
    capsys.readouterr()
    assert main([*back[:2], str(tmp_path / "other.h5"), *back[3:], "acrobot"]) == 1
    assert "leave --world out" in capsys.readouterr().err
