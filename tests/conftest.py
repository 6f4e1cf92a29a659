"""No test sees, or changes, what the person at this machine prefers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from teleop.preferences.look import Look, put_on
from teleop.preferences.settings import FOLDER_VARIABLE


@pytest.fixture(autouse=True)
def usual_settings(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """A folder for settings of its own, and afterwards the usual look again."""
    folder = tmp_path_factory.mktemp("config")
    monkeypatch.setenv(FOLDER_VARIABLE, str(folder))
    yield folder
    put_on(Look())
