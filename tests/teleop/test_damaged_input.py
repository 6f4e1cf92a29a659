"""Whatever is wrong with a file: one clear paragraph, the right exit status, and nothing changed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import pytest

from teleop.cli import main
from tests.disks import small_disk

Damage = Callable[[Path], None]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "sound.h5"
    words = [
        "record",
        "--driver",
        "scripted",
        "--headless",
        "--episodes",
        "3",
        "--seed",
        "0",
        "--out",
        str(path),
    ]
    assert main(words) == 0
    return path


def truncated(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def zeros(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def empty(path: Path) -> None:
    path.write_bytes(b"")


def another_program(path: Path) -> None:
    path.unlink()
    with h5py.File(path, "w") as file:
        file["data"] = [1, 2, 3]


def newer(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file.attrs["format_version"] = 99


def missing_column(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        del file["steps/reward"]


def directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def missing(path: Path) -> None:
    path.unlink()


DAMAGES = [truncated, zeros, empty, another_program, newer, missing_column, directory]
COMMANDS = [
    ["info", "FILE"],
    ["replay", "FILE", "--headless"],
    ["train", "bc", "--out", "p.safetensors", "--data", "FILE"],
    ["record", "--driver", "scripted", "--headless", "--out", "FILE"],
    ["dagger", "--expert", "scripted", "--headless", "--out", "FILE"],
]


@pytest.fixture(autouse=True)
def _somewhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def state(path: Path) -> bytes | list[Path] | None:
    return path.read_bytes() if path.is_file() else sorted(path.iterdir()) if path.is_dir() else None


@pytest.mark.parametrize("command", COMMANDS, ids=lambda words: words[0])
@pytest.mark.parametrize("damage", [*DAMAGES, missing], ids=lambda damage: damage.__name__)
def test_damaged_recordings_are_refused_in_a_paragraph(
    damage: Damage, command: list[str], sound: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if damage is missing and command[0] in ("record", "dagger"):
        pytest.skip("a new recording is what these commands make")
    path = tmp_path / "broken.h5"
    path.write_bytes(sound.read_bytes())
    damage(path)
    before = state(path)
    status = main([str(path) if word == "FILE" else word for word in command])
    said = capsys.readouterr()
    assert status == 1
    assert said.err.startswith("error: ")
    assert "broken.h5" in said.err
    assert len(said.err.strip().splitlines()) == 1
    assert said.out == ""
    assert state(path) == before, "a refused file stays as it was"
    assert not Path("p.safetensors").exists()


def test_an_unreadable_recording_is_refused(
    sound: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "locked.h5"
    path.write_bytes(sound.read_bytes())
    path.chmod(0)
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(65534)  # root reads everything
    try:
        status = main(["info", str(path)])
    finally:
        if is_root:
            os.seteuid(0)
    assert status == 1
    assert "locked.h5" in capsys.readouterr().err


def test_a_divergence_is_named_and_fails(
    sound: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "altered.h5"
    path.write_bytes(sound.read_bytes())
    with h5py.File(path, "r+") as file:
        file["steps/reward"][5] += 1.0
    assert main(["replay", str(path), "--headless"]) == 1
    said = capsys.readouterr().out
    assert "reward" in said
    assert "episode 0" in said
    assert "step 5" in said


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk", "1500k") as folder:
        if folder is None:
            pytest.skip("mounting a small disk needs more rights than this user has")
        yield folder


def test_a_full_disk_stops_recording_and_loses_nothing(disk: Path, tmp_path: Path) -> None:
    path = disk / "full.h5"
    words = [
        "record",
        "--driver",
        "scripted",
        "--headless",
        "--episodes",
        "1000",
        "--seed",
        "0",
        "--out",
        str(path),
    ]
    code = f"import sys; from teleop.cli import main; sys.exit(main({words!r}))"
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert ended.returncode == 1
    assert "full.h5" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1
    copy = tmp_path / "copy.h5"
    copy.write_bytes(path.read_bytes())
    assert main(["replay", str(copy), "--headless"]) == 0
