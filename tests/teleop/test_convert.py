"""`convert`, as its users meet it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

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
