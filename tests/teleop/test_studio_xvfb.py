"""Whole correction sessions in the real window, key by key; each step is looked for in the file.

Every key is written down as well, and makes the same recording again without a window.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from teleop.cli import main
from tests.teleop.studio_by_hand import OPTIONS, SESSIONS, Corrector
from tests.teleop.xvfb import Screen, missing

pytestmark = pytest.mark.skipif(bool(missing()), reason=f"needs {', '.join(missing())}")


@pytest.mark.parametrize("name", SESSIONS)
def test_a_person_corrects_a_student(
    name: str, tmp_path: Path, usual_settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world, session = SESSIONS[name]
    journal, out = tmp_path / "mine.journal", tmp_path / "mine.h5"
    repeatable = ("--training", "inline", "--labels-per-fit", "8", "--journal", str(journal))
    with Screen() as screen:
        person = Corrector(screen, world, out, *OPTIONS, *repeatable)
        try:
            session(person)
        finally:
            print(person.stop())
    again = str(tmp_path / "again.h5")
    assert main(["rerun", str(journal), "--out", again, "--against", str(out)]) == 0, capsys.readouterr().err
