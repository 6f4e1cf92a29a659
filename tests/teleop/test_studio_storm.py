"""A small storm of kills; `python -m tests.teleop.studio_storm` makes a large one."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from teleop.worlds.catalogue import GRIDWORLD
from tests.teleop.studio_storm import storm


def test_a_small_storm_loses_nothing(tmp_path: Path) -> None:
    report = storm(tmp_path / "s.h5", GRIDWORLD, kills=2, seed=1, longest_s=0.5)
    assert report.is_clean, asdict(report)
    assert report.kills == 2
    assert report.steps > 0
