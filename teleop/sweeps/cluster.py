"""Cells on the machines of a Ray cluster, one processor each (extra `ray`).

Every machine must have the same program and libraries as this one: asked of each before the first cell, and again by
every process there, so that one that joins later does nothing either. What cells share lies in a folder of the machine
that does them; only texts come back.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import socket
import sys
import tempfile
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from teleop.processes import THREADS
from teleop.sweeps.engine import Answer, Outcome, SweepError, Task, carry

LIBRARIES = ("torch", "numpy", "scipy", "gymnasium", "h5py", "cmaes", "mujoco")
"""What figures depend on, beside the program and Python."""
PACKAGES = ("recordings", "learners", "teleop")
DATA = (".py", ".h5", ".safetensors", ".toml")
"""Files that belong to the program."""
REACH_S = 5.0
"""How long to wait for the cluster's port to answer; Ray itself would try for minutes."""
STARTED = (
    "Start it with `ray start --head --port=6379`, and have each machine join it (this one too) with "
    "`ray start --address=HOST:6379`"
)

Versions = Mapping[str, str]


@dataclass(frozen=True)
class Cluster:
    """The Ray cluster at this address, HOST:PORT or "auto" (the one that runs on this machine)."""

    address: str

    @property
    def shares(self) -> bool:
        return True

    def do(self, tasks: Sequence[Task], folder: Path) -> Generator[Outcome, None, None]:
        _reach(self.address)
        ray = _ray()
        with contextlib.redirect_stdout(
            sys.stderr
        ):  # where Ray tells of killed workers; results alone go to the other
            try:
                _connect(ray, self.address)
                _refuse_other_versions(ray, self.address)
                yield from _outcomes(ray, tasks, folder.name)
            finally:
                ray.shutdown()


def _outcomes(ray: Any, tasks: Sequence[Task], name: str) -> Generator[Outcome, None, None]:
    work = ray.remote(_carry_there).options(num_cpus=1, max_retries=0, scheduling_strategy="SPREAD")
    mine = versions()
    running = {work.remote(task, name, mine): task for task in tasks}
    while running:
        (over,), _ = ray.wait(list(running))
        yield Outcome(running.pop(over), _answer(ray, over))


def _ray() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError:
        raise SweepError(
            '--cluster: expected the module ray, found none. Install it: pip install "understudy[ray]".'
        ) from None
    return ray


def _connect(ray: Any, address: str) -> None:
    """Raises SweepError."""
    threads = dict.fromkeys(THREADS, "1")
    try:
        ray.init(
            address=address,
            runtime_env={"env_vars": threads},
            log_to_driver=False,
            logging_level="ERROR",
        )
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        raise SweepError(
            f"--cluster {address}: expected a Ray cluster to which this machine belongs, of this Python and Ray; "
            f"found: {_first_line(error)} {STARTED}."
        ) from None


def _reach(address: str) -> None:
    """Raises SweepError where nothing answers at HOST:PORT."""
    if address == "auto":
        return
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise SweepError(f"--cluster {address}: expected HOST:PORT or auto, as `ray start` prints it.")
    try:
        socket.create_connection((host, int(port)), timeout=REACH_S).close()
    except (OSError, OverflowError) as error:
        raise SweepError(f"--cluster {address}: expected a Ray cluster, found: {error}. {STARTED}.") from None


def _refuse_other_versions(ray: Any, address: str) -> None:
    """Raises SweepError, naming the machine and what differs, unless every machine is like this one."""
    nodes = [node for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU", 0) >= 1]
    if not nodes:
        raise SweepError(f"--cluster {address}: expected a machine with a processor, found none. {STARTED}.")
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    asked = {}
    for node in nodes:
        place = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
        there = ray.remote(_versions_there).options(num_cpus=0, max_retries=0, scheduling_strategy=place)
        asked[f"{node['NodeManagerHostname']} ({node['NodeManagerAddress']})"] = there.remote()
    for name, promise in asked.items():
        try:
            unlike = difference(versions(), ray.get(promise))
        except Exception as error:  # noqa: BLE001 - whatever Ray raises, this machine cannot import the program
            unlike = f"the program does not run there: {_first_line(getattr(error, 'cause', None) or error)}"
        if unlike:
            raise SweepError(
                f"--cluster {address}: {name}: expected the program and libraries of this machine, found {unlike}. "
                "Install the same there (`pip install` of the same version, or the same clone), and start Ray again."
            )


@cache
def versions() -> Versions:
    """Of all that figures depend on; "-" for what is not installed. The program's own is a digest of its files."""
    found = {"understudy": _digest(), "python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "-"
    return found


def _versions_there() -> Versions:
    return versions()


def difference(here: Versions, there: Versions) -> str:
    """In words; "": none."""
    return ", ".join(
        f"{name} {there.get(name, '-')} (here {version})"
        for name, version in here.items()
        if there.get(name) != version
    )


def _digest() -> str:
    """Eight hexadecimal digits of every file of the program."""
    root = Path(__file__).parents[2]
    files = [file for package in PACKAGES for file in (root / package).rglob("*") if file.suffix in DATA]
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(str(file.relative_to(root)).encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()[:8]


def _carry_there(task: Task, name: str, wanted: Versions) -> Answer:
    """Do a task on a machine of the cluster."""
    if unlike := difference(wanted, versions()):
        return Answer(error=f"{socket.gethostname()} has {unlike}")
    return carry(task, _folder_of_node(name))


def _folder_of_node(name: str) -> Path:
    """What this machine's cells share: never a network folder, and another one for another program or cluster."""
    import ray

    node = ray.get_runtime_context().get_node_id()[:12]
    folder = Path(tempfile.gettempdir()) / f"understudy-{node}-{versions()['understudy']}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder / name


def _answer(ray: Any, promise: Any) -> Answer:
    try:
        answer: Answer = ray.get(promise)
    except ray.exceptions.RayError as error:
        return Answer(error=f"{type(error).__name__}: {_first_line(error)}")
    return answer


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
