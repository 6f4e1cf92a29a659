"""Sweeps on a Ray cluster of two nodes, which `ray start` starts on this machine as it would on two."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from teleop.benchmark import ledger as ledgers
from teleop.benchmark.ledger import Ledger
from teleop.experiments.experiment import Cell
from teleop.sweeps import cluster
from teleop.sweeps.cluster import Cluster
from teleop.sweeps.engine import SweepError
from teleop.sweeps.sweep import sweep
from tests.teleop.tiny_experiment import OneAfterAnother, cells, place, stumble, wait_until

RAY = Path(sys.executable).with_name("ray")
ROOT = Path(__file__).parents[2]

pytestmark = [
    pytest.mark.skipif(find_spec("ray") is None or not RAY.exists(), reason="the extra ray is not installed"),
    pytest.mark.filterwarnings("default"),  # Ray's own
]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Of a cluster of two nodes with one processor each. Ended by its own processes: others' are not touched."""
    folder = tempfile.mkdtemp(prefix="ray-", dir="/tmp")  # a socket's name must be short
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    nodes = [start("--head", f"--port={port}", "--include-dashboard=false", f"--temp-dir={folder}")]
    try:
        wait_until(lambda: nodes[0].poll() is not None or answers(port))
        if nodes[0].poll() is not None:
            pytest.skip("Ray does not start here; another cluster may run on this machine")
        nodes.append(start(f"--address=127.0.0.1:{port}"))
        yield f"127.0.0.1:{port}"
    finally:
        for node in reversed(nodes):
            end(node)
        shutil.rmtree(folder, ignore_errors=True)


def start(*words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [str(RAY), "start", "--block", "--num-cpus=1", "--object-store-memory=100000000", *words],
        env=os.environ | {"RAY_USAGE_STATS_ENABLED": "0", "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def end(node: subprocess.Popen[bytes]) -> None:
    node.terminate()
    try:
        node.wait(timeout=60)
    except subprocess.TimeoutExpired:
        os.killpg(node.pid, signal.SIGKILL)
        node.wait()


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


@pytest.fixture(autouse=True)
def sources_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledgers, "code_fingerprint", lambda _sources: "00000000")


def found(ledger: Ledger, grid: list[Cell]) -> list[dict[str, object]]:
    """Without what a clock said."""
    return [{k: v for k, v in ledger.once(cell.key, None).items() if "seconds" not in k} for cell in grid]


def test_two_nodes_find_what_one_process_finds_and_do_a_killed_cell_again(
    address: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    wait_until(lambda: nodes_of(address) == 2)
    killed = Cell(stumble, {"seed": 0, "counted": str(tmp_path / "tries"), "times": 1, "killed": True})
    grid, places = [killed, *cells(range(3))], [Cell(place, {"seed": seed}) for seed in range(4)]
    there, here, said = Ledger(tmp_path / "there.jsonl"), Ledger(tmp_path / "here.jsonl"), list[str]()
    assert sweep([*grid, *places], Cluster(address), there, tmp_path / "tiny", said.append) == []
    (failed,) = (line for line in said if "FAILED" in line)
    assert failed.endswith(f"FAILED {killed.key}: WorkerCrashedError: {failed.rpartition(': ')[2]}")
    assert sweep(grid, OneAfterAnother(), here, tmp_path / "here", said.append) == []
    assert found(there, grid) == found(here, grid)

    assert capfd.readouterr().out == "", "standard output is for results"

    folders = {Path(str(each["folder"])) for each in found(there, places)}
    assert len(folders) == 2, "of each node its own"
    assert not (tmp_path / "tiny").exists()
    for folder in folders:
        assert folder.name == "tiny"
        assert folder.parent.stat().st_mode & 0o077 == 0, "nobody else's"
        shutil.rmtree(folder.parent)


def test_a_node_with_another_program_is_refused(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = {**cluster.versions(), "understudy": "0123abcd"}
    monkeypatch.setattr(cluster, "versions", lambda: here)
    with pytest.raises(SweepError, match=r"found understudy \w+ \(here 0123abcd\). Install the same there"):
        next(Cluster(address).do(cells(range(1)), tmp_path))


def nodes_of(address: str) -> int:
    """That have joined so far."""
    told = subprocess.run(
        [str(RAY), "status", f"--address={address}"], capture_output=True, text=True, check=False
    ).stdout
    return sum(" node_" in line for line in told.splitlines())
