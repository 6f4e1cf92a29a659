"""Sweeps: every engine does each cell, names what failed and harms no other; one process keeps what was found."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from teleop.benchmark import ledger as ledgers
from teleop.benchmark.ledger import Ledger
from teleop.experiments.experiment import Cell
from teleop.sweeps.cluster import Cluster, difference, versions
from teleop.sweeps.engine import SweepError
from teleop.sweeps.local import Local
from teleop.sweeps.sweep import engine_for, sweep
from tests.teleop.tiny_experiment import (
    OneAfterAnother,
    cells,
    done,
    no_json,
    outlive,
    runs,
    sleep,
    stumble,
    wait_until,
)


@pytest.fixture(autouse=True)
def sources_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """A ledger reads all sources to tell whether they changed, which takes a second."""
    monkeypatch.setattr(ledgers, "code_fingerprint", lambda _sources: "00000000")


def quiet(line: str) -> None:
    pass


def stumbling(folder: Path, seed: int, times: int, *, killed: bool = False) -> Cell:
    counted = str(folder / f"tries-{seed}")
    return Cell(stumble, {"seed": seed, "counted": counted, "times": times, "killed": killed})


def test_what_fails_once_is_tried_again_and_what_fails_twice_is_named(tmp_path: Path) -> None:
    once, always = stumbling(tmp_path, 0, 1), stumbling(tmp_path, 1, 9)
    ledger, said = Ledger(tmp_path / "tiny.jsonl"), list[str]()
    failures = sweep([once, always, *cells(range(2))], OneAfterAnother(), ledger, tmp_path, said.append)
    assert failures == [f"{always.key}: MemoryError: no room"]
    assert ledger.once(once.key, None)["seed"] == 0
    assert [ledger.is_known(cell.key) for cell in [once, always, *cells(range(2))]] == [
        True,
        False,
        True,
        True,
    ]
    assert (tmp_path / "tries-1").read_text() == "..", "twice, not for ever"
    assert done(tmp_path) == [0, 1], "what was done is not done again"
    assert sum("FAILED" in line for line in said) == 3
    assert "trying again what failed: 2 of 4" in said


def test_what_is_known_is_not_done_and_a_cell_of_two_rows_is_done_once(tmp_path: Path) -> None:
    path = tmp_path / "tiny.jsonl"
    Ledger(path).once(cells(range(1))[0].key, lambda: {"twice": 7})
    assert sweep([*cells(range(3)), *cells(range(3))], OneAfterAnother(), Ledger(path), tmp_path, quiet) == []
    assert done(tmp_path) == [1, 2]


def test_what_is_no_json_is_the_fault_of_its_cell(tmp_path: Path) -> None:
    cell = Cell(no_json, {"seed": 0})
    (failure,) = sweep([cell], OneAfterAnother(), Ledger(None), tmp_path, quiet)
    assert failure.startswith(f"{cell.key}: TypeError")


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="kills by a signal that this system has not")
def test_a_killed_process_takes_its_own_cell_alone_and_is_replaced(tmp_path: Path) -> None:
    killed = stumbling(tmp_path, 0, 1, killed=True)
    beside = Cell(outlive, {"seed": 1, "counted": killed.arguments["counted"]})
    ledger, said = Ledger(tmp_path / "tiny.jsonl"), list[str]()
    assert sweep([killed, beside], Local(2), ledger, tmp_path, said.append) == []
    assert [line for line in said if "FAILED" in line] == [
        f"1/2 FAILED {killed.key}: its process ended (SIGKILL(-9))"
    ]
    assert ledger.once(killed.key, None)["seed"] == 0
    assert ledger.once(beside.key, None)["seed"] == 1


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="asks /proc which processes run")
def test_a_sweep_that_is_stopped_ends_its_processes(tmp_path: Path) -> None:
    outcomes = Local(2).do([Cell(sleep, {"seed": 0}), *cells(range(1))], tmp_path)
    assert next(outcomes).task.key == cells(range(1))[0].key
    wait_until((tmp_path / "process").exists)
    process = int((tmp_path / "process").read_text().split()[0])
    assert process != os.getpid()
    assert runs(process)
    outcomes.close()
    wait_until(lambda: not runs(process))


# -- a cluster, as far as it can be asked for without one --------------------------------------------------


def test_an_address_makes_the_difference() -> None:
    assert engine_for(2, None) == Local(2)
    assert engine_for(2, "auto") == Cluster("auto")
    assert not Local(1).shares, "one after the other, on a machine at rest"
    assert Local(2).shares
    assert Cluster("auto").shares


@pytest.mark.parametrize(
    ("address", "told"), [("here", "HOST:PORT"), ("ray://here:no", "HOST:PORT"), ("127.0.0.1:9", "ray start")]
)
def test_an_address_where_no_cluster_is_told_at_once(address: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(SweepError, match=told):
        next(Cluster(address).do(cells(range(1)), tmp_path))


def test_without_the_extra_its_remedy_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(SweepError, match=r"pip install .understudy\[ray\]"):
        next(Cluster("auto").do(cells(range(1)), tmp_path))


def test_another_program_or_library_is_a_difference_and_is_named() -> None:
    assert difference(versions(), dict(versions())) == ""
    there = {**versions(), "understudy": "0123abcd", "torch": "-"}
    assert difference(versions(), there).startswith("understudy 0123abcd (here ")
    assert "torch - (here " in difference(versions(), there)
