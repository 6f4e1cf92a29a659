"""How processes of ours share a machine."""

from __future__ import annotations

import math
import multiprocessing
import os
import sys
from pathlib import Path

import pytest

from teleop.processes import NICENESS, give_way, stolen_s, wait_for_idleness


def _niceness() -> int:
    give_way()
    return os.nice(0)


def _scheduler() -> int:
    wait_for_idleness()
    return os.sched_getscheduler(0)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no nice processes")
def test_a_process_that_gives_way_is_nice() -> None:
    before = os.nice(0)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(_niceness) == min(19, before + NICENESS)
    assert os.nice(0) == before, "whoever started it is not"


@pytest.mark.skipif(not hasattr(os, "SCHED_IDLE"), reason="only Linux knows processes that wait for idleness")
def test_a_process_that_waits_for_idleness_is_of_the_idle_class() -> None:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(_scheduler) == os.SCHED_IDLE


@pytest.mark.skipif(not Path("/proc/stat").exists(), reason="only Linux tells what the host keeps")
def test_what_the_host_keeps_is_read_from_the_line_of_all_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    assert 0 <= stolen_s() < math.inf
    told = "cpu  1 2 3 4 5 6 7 {} 0 0\ncpu0 9 9 9 9 9 9 9 9 9 9\n".format(250 * os.sysconf("SC_CLK_TCK"))
    monkeypatch.setattr(Path, "read_text", lambda _: told)
    assert stolen_s() == 250.0


def test_a_system_that_does_not_tell_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", refuse)
    assert math.isnan(stolen_s())
