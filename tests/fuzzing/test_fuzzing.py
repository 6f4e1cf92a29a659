"""A few of the mutations of which `python -m tests.fuzzing` makes thousands; and the harness sees what it is for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzzing import fuzz, readers
from tests.fuzzing.mutations import MUTATIONS, mutated
from tests.fuzzing.readers import READERS, Reader


@pytest.mark.parametrize("name", READERS)
def test_damage_is_refused_in_a_paragraph_or_read(name: str, tmp_path: Path) -> None:
    path = READERS[name].make(tmp_path)
    sound = path.read_bytes()
    for seed in range(25):
        path.write_bytes(mutated(sound, seed))
        outcome, fault = fuzz.outcome(name, tmp_path, path)
        assert not fault, f"seed {seed}: {outcome}: {fault}"


def test_damage_is_always_the_same_and_hardly_ever_none() -> None:
    sound = bytes(range(256)) * 40
    assert mutated(sound, 3) == mutated(sound, 3)
    assert sum(mutated(sound, seed) != sound for seed in range(50)) > 45
    assert mutated(b"", 0) == b""
    assert len(MUTATIONS) == 8


@pytest.mark.parametrize(("does", "outcome"), [(None, "read"), (ValueError("oh"), "fault")])
def test_an_error_that_is_none_of_ours_is_a_fault(
    does: Exception | None, outcome: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(folder: Path, path: Path) -> None:
        if does is not None:
            raise does

    monkeypatch.setitem(readers.READERS, "mine", Reader(lambda folder: folder / "file", read))
    assert fuzz.outcome("mine", tmp_path, tmp_path / "file")[0] == outcome
