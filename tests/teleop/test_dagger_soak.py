"""Some seconds of what `python -m tests.teleop.dagger_soak` does for an hour."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest

from teleop.worlds.catalogue import CARTPOLE
from tests.disks import small_disk
from tests.teleop.dagger_soak import soak


def test_neither_killed_trainers_nor_a_full_disk_lose_anything(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "24m") as folder:
        if folder is None:
            pytest.skip("mounting a small tmpfs needs more rights than this user has")
        soaked = soak(folder / "soak.h5", CARTPOLE, seconds=6.0, kill_every_s=2.0, n_fills=1, steps_hz=1000.0)
    assert soaked.report.is_clean, asdict(soaked)
    assert soaked.fills == 1
    assert soaked.report.steps > 0
