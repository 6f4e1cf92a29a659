"""docs/recording-format.md says what the files hold, and its example runs."""

from __future__ import annotations

import re
from pathlib import Path

import h5py
import pytest

from recordings.schema import FORMAT_VERSION, tables
from tests.recordings.worlds import cartpole_header, record_counting

DOCUMENT = (Path(__file__).parents[2] / "docs" / "recording-format.md").read_text(encoding="utf-8")


def test_the_example_reads_a_recording_with_h5py_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    record_counting(tmp_path / "demo.h5", (2, 3))
    monkeypatch.chdir(tmp_path)
    example = re.search(r"```python\n(.*?)```", DOCUMENT, re.DOTALL)
    assert example is not None
    exec(compile(example[1], "recording-format.md", "exec"), {})  # noqa: S102 - our own document
    assert capsys.readouterr().out.splitlines() == [
        "seed 0: 2 steps, return 3.0, first action 1",
        "seed 1: 3 steps, return 12.0, first action 1",
    ]


def test_every_column_is_described() -> None:
    assert f"version {FORMAT_VERSION}" in DOCUMENT
    for table in tables(cartpole_header()):
        _, _, rest = DOCUMENT.partition(f"### /{table.name}")
        section = rest.partition("\n### ")[0]
        for column in table.columns:
            by_space = column.name in ("observation", "action", "student_action", "final_observation")
            kind = (
                "by space"
                if by_space
                else (column.dtype.name if column.dtype.kind != "S" else column.dtype.str[1:])
            )
            names = f"`{column.name}`", f"`/{table.name}/{column.name}`"
            where = section if names[0] in section else DOCUMENT
            assert any(f"| {name} | {kind} |" in where for name in names), (table.name, column.name, kind)


def test_every_attribute_and_dataset_is_described(tmp_path: Path) -> None:
    record_counting(tmp_path / "demo.h5", (1,))
    with h5py.File(tmp_path / "demo.h5", "r") as file:
        for name in [*file.attrs, *file]:
            assert f"`{name}`" in DOCUMENT or f"/{name}" in DOCUMENT, name
