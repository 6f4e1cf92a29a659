"""Whole correction sessions in the real window, key by key; each step is looked for in the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.teleop.studio_by_hand import OPTIONS, SESSIONS, Corrector
from tests.teleop.xvfb import Screen, missing

pytestmark = pytest.mark.skipif(bool(missing()), reason=f"needs {', '.join(missing())}")


@pytest.mark.parametrize("name", SESSIONS)
def test_a_person_corrects_a_student(name: str, tmp_path: Path) -> None:
    world, session = SESSIONS[name]
    with Screen() as screen:
        person = Corrector(screen, world, tmp_path / "mine.h5", *OPTIONS)
        try:
            session(person)
        finally:
            print(person.stop())
