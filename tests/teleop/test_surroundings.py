"""Where people keep their files, and how their machines are set up: odd names, folders without leave to write, a
locale that writes 1,5, a clock that jumps."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import recordings
from recordings import Driver, Header, Outcome, Recorder
from recordings.exchange.catalogue import FORMATS
from teleop.cli import main
from tests.disks import make_read_only, small_disk
from tests.recordings.worlds import cartpole_header, record_cartpole

ODD = "Grüße, 数据 и «файлы»"
LOCALE = "de_DE.UTF-8"
SEEN = np.zeros(4, np.float32)


def run(capsys: pytest.CaptureFixture[str], *words: str, status: int = 0) -> dict[str, Any]:
    assert main([*words, "--json"]) == status, capsys.readouterr().err
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """What a command that cannot be done says: one paragraph."""
    assert main(list(words)) == 1
    said = capsys.readouterr().err
    assert "Traceback" not in said
    assert len(said.strip().splitlines()) == 1
    return said


# -- names -----------------------------------------------------------------------------------------------


def test_a_path_with_spaces_and_letters_of_the_world(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / ODD
    demo, policy = str(folder / f"{ODD}.h5"), str(folder / "学生 1.safetensors")
    words = ["record", "--env", "cartpole", "--driver", "scripted", "--headless", "--episodes", "2"]
    recorded = run(capsys, *words, "--seed", "0", "--operator", "Åsa 李", "--out", demo)
    assert recorded["verified"] is True
    assert run(capsys, "info", demo)["operator"] == "Åsa 李"
    assert main(["info", demo, "--html", str(folder / "страница.html")]) == 0
    assert "Åsa 李" in (folder / "страница.html").read_text(encoding="utf-8")
    capsys.readouterr()
    trained = ["train", "bc", "--data", demo, "--updates", "50", "--out", policy]
    assert (
        run(capsys, *trained, "--csv", str(folder / "мера.csv"), "--plot", str(folder / "図.png"))["policy"]
        == policy
    )
    assert run(capsys, "evaluate", policy, "--episodes", "2")["world"] == "CartPole-v1"
    for name in set(FORMATS) - {"tutorial"}:
        target, back = str(folder / f"{name} 出"), str(folder / f"{name} 入.h5")
        run(capsys, "convert", demo, target, "--to", name)
        run(capsys, "convert", target, back, "--from", name)
        assert run(capsys, "replay", back, "--headless")["verified"] is True
    run(capsys, "curate", demo, "--out", str(folder / "всё вместе.h5"))


# -- a folder that may be read alone -----------------------------------------------------------------------


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Path]:
    """A disk that may be read alone, with a recording, one whose recorder was killed, and a policy."""
    with small_disk(tmp_path / "shelf", "16m") as disk:
        if disk is None:
            pytest.skip("mounting a small disk needs more rights than this user has")
        record_cartpole(disk / "demo.h5", episodes=2)
        killed = (
            "import os, sys, numpy as np; from recordings import Driver, Recorder;"
            "from tests.recordings.worlds import cartpole_header; z = np.zeros(4, np.float32);"
            "r = Recorder(sys.argv[1], cartpole_header()); r.begin_episode(z, seed=0);"
            "r.step(0, 1.0, False, False, z, driver=Driver.HUMAN); r.flush(); os._exit(1)"
        )
        subprocess.run([sys.executable, "-c", killed, str(disk / "killed.h5")], check=False)
        make_read_only(disk)
        yield disk


def test_what_lies_in_a_read_only_folder_can_be_read(
    shelf: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    demo = str(shelf / "demo.h5")
    assert run(capsys, "info", demo)["episodes"] == 2
    assert run(capsys, "replay", demo, "--headless")["verified"] is True
    run(capsys, "train", "bc", "--data", demo, "--updates", "20", "--out", str(tmp_path / "p.safetensors"))
    run(capsys, "convert", demo, str(tmp_path / "out.hdf5"), "--to", "d4rl")


def test_what_would_write_into_a_read_only_folder_says_so(
    shelf: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    demo, words = (
        str(shelf / "demo.h5"),
        ["record", "--env", "cartpole", "--driver", "scripted", "--headless"],
    )
    for asked in (
        [*words, "--episodes", "1", "--out", demo],
        [*words, "--episodes", "1", "--out", str(shelf / "new.h5")],
        ["train", "bc", "--data", demo, "--updates", "20", "--out", str(shelf / "p.safetensors")],
        ["convert", demo, str(shelf / "out.hdf5"), "--to", "d4rl"],
        ["convert", demo, str(shelf / "out"), "--to", "minari"],
        ["curate", demo, "--out", str(shelf / "merged.h5")],
        ["curate", demo, "--discard", "0"],
        ["info", str(shelf / "killed.h5")],
    ):
        assert "ead-only" in refused(capsys, *asked), asked
    assert sorted(each.name for each in shelf.iterdir() if not each.name.startswith(".")) == [
        "demo.h5",
        "killed.h5",
    ]


# -- a locale whose numbers have commas ----------------------------------------------------------------------


def test_a_locale_with_commas_changes_no_number(tmp_path: Path) -> None:
    made = subprocess.run(
        ["localedef", "-i", "de_DE", "-f", "UTF-8", str(tmp_path / LOCALE)], check=False, capture_output=True
    )
    if not (tmp_path / LOCALE).exists():
        pytest.skip(f"making the locale {LOCALE} needs its source: {made.stderr.decode()[:100]}")
    code = f"""
import locale, sys
locale.setlocale(locale.LC_ALL, "{LOCALE}")
assert locale.localeconv()["decimal_point"] == ","
from teleop.cli import main
status = 0
for words in (
    "record --env cartpole --driver scripted --headless --episodes 2 --seed 0 --out a.h5",
    "train bc --data a.h5 --updates 50 --learning-rate 0.01 --csv m.csv --plot p.png --out p.safetensors",
    "evaluate p.safetensors --episodes 2",
    "convert a.h5 a.hdf5 --to robomimic",
    "convert a.hdf5 b.h5 --from robomimic",
    "replay b.h5 --headless",
):
    status = status or main(words.split())
sys.exit(status)
"""
    environment = {**os.environ, "LOCPATH": str(tmp_path), "LC_ALL": LOCALE, "PYTHONPATH": str(Path.cwd())}
    ended = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    with (tmp_path / "m.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {float(row["value"]) for row in rows if row["name"] == "accuracy"} > set()


# -- a clock that jumps --------------------------------------------------------------------------------------


class Jumping(datetime):
    """What the calendar says, set by a test."""

    says = datetime(2000, 1, 1, tzinfo=UTC)

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        return cls.says


def test_a_clock_that_jumps_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The calendar goes forward and back between sittings, and a machine's own clock begins at zero after a boot."""
    for module in ("recordings.schema", "recordings.locking"):
        monkeypatch.setattr(f"{module}.datetime", Jumping)
    path = tmp_path / "demo.h5"
    for year, first_ns in ((2100, 10**18), (1970, 0), (2026, 5)):
        Jumping.says = datetime(year, 1, 1, tzinfo=UTC)
        header: Header = cartpole_header()
        with Recorder(path, header, resume=path.exists()) as recorder:
            recorder.begin_episode(SEEN, seed=0)
            for step in range(3):
                recorder.step(0, 1.0, False, False, SEEN, driver=Driver.HUMAN, time_ns=first_ns - step)
                recorder.label(
                    recorder.steps - 1, 1, labeler="Ada", kind=recordings.LabelKind.LIVE, time_ns=first_ns
                )
            recorder.end_episode(Outcome.FAILURE)
    with recordings.open(path) as reader:
        assert [sitting["created_utc"][:4] for sitting in reader.sessions()] == ["2100", "1970", "2026"]
        assert (reader.n_steps, reader.n_labels) == (9, 9)
    found = run(capsys, "info", str(path))
    assert found["seconds"] is None
    assert found["episodes"] == 3
    assert main(["info", str(path), "--html", str(tmp_path / "page.html")]) == 0
