"""Damaged, foreign and hostile files: each is refused in one clear paragraph, never with an error of HDF5."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

import recordings
from recordings import Recorder
from recordings.errors import (
    DamagedRecording,
    NewerFormat,
    NotARecording,
    RecordingError,
    RecordingMissing,
)
from tests.recordings.worlds import cartpole_header, record_counting


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "demo.h5"
    record_counting(path, (3, 4, 5))
    return path


@pytest.fixture
def path(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(sound, tmp_path / "demo.h5"))


def read_everything(path: Path) -> None:
    with recordings.open(path) as reader:
        for episode in reader.episodes:
            _ = episode.observations, episode.rewards, episode.options
        reader.labels()
        reader.edits()
        reader.sessions()


def refusal(path: Path, kind: type[RecordingError]) -> str:
    with pytest.raises(kind) as caught:
        read_everything(path)
    assert type(caught.value) is kind
    message = str(caught.value)
    assert path.name in message
    assert "\n" not in message
    return message


def test_a_missing_file(tmp_path: Path) -> None:
    assert "no such file" in refusal(tmp_path / "none.h5", RecordingMissing)


def test_a_superblock_that_claims_to_be_written_and_is_damaged(path: Path) -> None:
    """Opened as a file in progress, it makes h5py raise another error than otherwise."""
    data = bytearray(path.read_bytes())
    data[9:12] = b"\1\1\1"  # sizes of addresses and lengths, and the flag of a writer at work
    path.write_bytes(data)
    assert "cannot open" in refusal(path, DamagedRecording)


def test_a_directory(tmp_path: Path) -> None:
    assert "directory" in refusal(tmp_path, RecordingMissing)


def test_an_unreadable_file(path: Path) -> None:
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")
    assert "permissions" in refusal(path, RecordingMissing)


@pytest.mark.parametrize("content", [b"", b"\0" * 10_000, b"\x89HDF", b"seed,action\n1,2\n" * 100])
def test_what_is_no_hdf5(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    refusal(path, NotARecording)


def test_hdf5_of_another_program(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["data"] = np.arange(10)
    assert "format: expected 'understudy'" in refusal(path, NotARecording)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.9, 0.999])
def test_a_truncated_file(path: Path, share: float) -> None:
    os.truncate(path, int(path.stat().st_size * share))
    assert "truncated" in refusal(path, DamagedRecording)


def test_a_newer_format(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file.attrs["format_version"] = 2
    message = refusal(path, NewerFormat)
    assert "format_version: expected 1, found 2" in message
    assert "upgrade" in message


@pytest.mark.parametrize("name", ["env_spec_json", "observation_space_json", "key_map", "created_utc"])
def test_a_missing_attribute(path: Path, name: str) -> None:
    with h5py.File(path, "r+") as file:
        del file.attrs[name]
    assert f"{name}: expected" in refusal(path, DamagedRecording)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("format_version", "one"),
        ("format_version", -1),
        ("control_hz", "fast"),
        ("key_map", "[1]"),
        ("env_spec_json", "{"),
    ],
)
def test_a_wrong_attribute(path: Path, name: str, value: object) -> None:
    with h5py.File(path, "r+") as file:
        file.attrs[name] = value
    with pytest.raises(DamagedRecording, match=name):
        read_everything(path)


@pytest.mark.parametrize(
    "name", ["steps/reward", "episodes/final_observation", "labels/step", "edits/note", "text"]
)
def test_a_missing_column(path: Path, name: str) -> None:
    with h5py.File(path, "r+") as file:
        del file[name]
    assert f"/{name}: expected" in refusal(path, DamagedRecording)


def replaced(path: Path, name: str, make: Callable[[h5py.File], None]) -> None:
    with h5py.File(path, "r+") as file:
        del file[name]
        make(file)


def test_a_column_of_another_type(path: Path) -> None:
    replaced(
        path, "steps/reward", lambda file: file.create_dataset("steps/reward", data=np.zeros(12, np.float32))
    )
    assert "/steps/reward: expected float64" in refusal(path, DamagedRecording)


def test_a_column_of_another_shape(path: Path) -> None:
    replaced(
        path,
        "steps/observation",
        lambda file: file.create_dataset("steps/observation", data=np.zeros((12, 5), np.float32)),
    )
    assert "found float32 of shape (12, 5)" in refusal(path, DamagedRecording)


def test_a_group_in_place_of_a_column(path: Path) -> None:
    replaced(path, "steps/reward", lambda file: file.create_group("steps/reward"))
    refusal(path, DamagedRecording)


def test_links_to_other_files_are_not_followed(path: Path, sound: Path) -> None:
    def link(file: h5py.File) -> None:
        file["steps/reward"] = h5py.ExternalLink(str(sound), "/steps/reward")

    replaced(path, "steps/reward", link)
    assert "in the file itself" in refusal(path, DamagedRecording)


def test_a_linked_table_is_not_followed(path: Path, sound: Path) -> None:
    def link(file: h5py.File) -> None:
        file["steps"] = h5py.ExternalLink(str(sound), "/steps")

    replaced(path, "steps", link)
    assert "in the file itself" in refusal(path, DamagedRecording)


def test_external_storage_is_not_read(path: Path) -> None:
    def link(file: h5py.File) -> None:
        file.create_dataset("steps/reward", (12,), np.float64, external=[("/etc/hostname", 0, 96)])

    replaced(path, "steps/reward", link)
    assert "a reference to other files" in refusal(path, DamagedRecording)


def test_virtual_datasets_are_not_read(path: Path, sound: Path) -> None:
    def link(file: h5py.File) -> None:
        layout = h5py.VirtualLayout((12,), np.float64)
        layout[:] = h5py.VirtualSource(sound, "steps/reward", (12,))
        file.create_virtual_dataset("steps/reward", layout)

    replaced(path, "steps/reward", link)
    assert "a reference to other files" in refusal(path, DamagedRecording)


def test_absurd_lengths_are_refused_before_anything_is_read(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file["labels/step"].resize((1 << 40,))
    assert "claims" in refusal(path, DamagedRecording)


def test_a_decompression_bomb_is_refused(path: Path) -> None:
    def bomb(file: h5py.File) -> None:
        chunk = (1 << 28,)
        file.create_dataset(
            "steps/reward", (12,), np.float64, chunks=chunk, maxshape=(None,), compression="gzip"
        )

    replaced(path, "steps/reward", bomb)
    assert "expected chunks below" in refusal(path, DamagedRecording)


def test_a_huge_space_is_refused(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file.attrs["observation_space_json"] = (
            '{"type": "Box", "shape": [1000000, 1000000], "dtype": "float64", "low": 0.0, "high": 1.0}'
        )
    with pytest.raises(DamagedRecording, match="absurd shape"):
        read_everything(path)


@pytest.mark.parametrize(
    ("column", "row", "value"),
    [
        ("length", 0, -3),
        ("length", 1, 9),
        ("start", 1, 1),
        ("start", 2, -4),
        ("outcome", 1, 9),
        ("outcome", 1, 0),
        ("length", 2, 10**15),
        ("parent", 1, 2),
        ("options", 0, 10**12),
    ],
)
def test_episodes_that_contradict_one_another(path: Path, column: str, row: int, value: int) -> None:
    with h5py.File(path, "r+") as file:
        file[f"episodes/{column}"][row] = value
    refusal(path, DamagedRecording)


def test_labels_of_steps_that_do_not_exist(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        for name in file["labels"]:
            file[f"labels/{name}"].resize((1,))
        file["labels/step"][0] = 12
    assert "expected a step below 12, found 12" in refusal(path, DamagedRecording)


def test_edits_of_episodes_that_do_not_exist(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        for name in file["edits"]:
            file[f"edits/{name}"].resize((1,))
        file["edits/episode"][0] = 3
    assert "episode 3" in refusal(path, DamagedRecording)


def test_a_repacked_file_reads_but_is_not_continued(path: Path, tmp_path: Path) -> None:
    replaced(
        path,
        "steps/reward",
        lambda file: file.create_dataset(
            "steps/reward", data=np.arange(1.0, 13.0), maxshape=(None,), chunks=(64,), compression="gzip"
        ),
    )
    read_everything(path)
    with pytest.raises(DamagedRecording, match="but not continued"):
        record_counting(path, (1,), resume=True)


def test_random_damage_never_shows_an_error_of_hdf5(sound: Path, tmp_path: Path) -> None:
    chance, content = np.random.default_rng(0), sound.read_bytes()
    for number in range(60):
        broken = bytearray(content)
        for at in chance.integers(0, 8000 if number % 2 else len(content), size=8):
            broken[at] = int(chance.integers(256))
        path = tmp_path / f"{number}.h5"
        path.write_bytes(broken)
        with contextlib.suppress(RecordingError):
            read_everything(path)


def test_a_heap_that_leads_nowhere_does_not_keep_hdf5_busy(path: Path) -> None:
    """Recordings of before hold their texts in heaps."""
    with h5py.File(path, "r+") as file:
        file.attrs["operator"] = "Ada"
    read_everything(path)
    content = bytearray(path.read_bytes())
    heap = content.index(b"GCOL\x01")
    content[heap + 16 + 8 : heap + 16 + 16] = b"\xff" * 8
    path.write_bytes(content)
    with pytest.raises(DamagedRecording, match="heaps of texts"):
        read_everything(path)


def test_a_long_header_is_kept(tmp_path: Path) -> None:
    header = replace(cartpole_header(), key_map={"note": "x" * 300_000})
    with Recorder(tmp_path / "long.h5", header):
        pass
    with recordings.open(tmp_path / "long.h5") as reader:
        assert reader.header.key_map == header.key_map


@pytest.mark.parametrize("sources", ["7", "[7]", '[{"first_episode": "0", "episodes": 1}]', "[" * 100_000])
def test_sources_that_are_none(path: Path, sources: str) -> None:
    with h5py.File(path, "r+") as file:
        file.attrs["sources"] = sources
    with pytest.raises(DamagedRecording, match="sources: expected a JSON list"):
        read_everything(path)
