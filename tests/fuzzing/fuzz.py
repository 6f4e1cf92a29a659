"""Damage a sound file by chance, have it read in a process of its own, and say what came of it.

A reader may refuse (an UnderstudyError, one paragraph) or read. Anything else is a fault: another error, a warning that
numpy raises, more memory than allowed, a process that dies, one that does not end.
"""

from __future__ import annotations

import multiprocessing
import resource
import tempfile
import traceback
import warnings
from collections import Counter
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

from recordings.errors import UnderstudyError
from tests.fuzzing.mutations import mutated
from tests.fuzzing.readers import READERS

MEMORY_BYTES = 2 << 30
"""More than the process has at its start, at most."""
PATIENCE_S = 60.0
"""For one file."""


@dataclass
class Found:
    """What came of so many mutations."""

    outcomes: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


def fuzz(name: str, seeds: range) -> Found:
    """Give one reader a damaged file for each seed."""
    with tempfile.TemporaryDirectory() as folder:
        READERS[name].read(Path(folder), READERS[name].make(Path(folder)))  # a sound file is read
    found, next_seed = Found(), seeds.start
    context = multiprocessing.get_context("spawn")
    while next_seed < seeds.stop:
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=_work, args=(name, range(next_seed, seeds.stop), theirs))
        process.start()
        theirs.close()
        next_seed = _listen(ours, next_seed, seeds.stop, found)
        if process.is_alive() and next_seed < seeds.stop:
            process.kill()
        process.join()
        ours.close()
    return found


def _listen(pipe: Connection, seed: int, stop: int, found: Found) -> int:
    """Take in what the process says until it ends, dies or falls silent; returns the seed to go on with."""
    while seed < stop:
        try:
            if not pipe.poll(PATIENCE_S):
                found.faults.append(f"seed {seed}: does not end")
                return seed + 1
            outcome, fault = pipe.recv()
        except EOFError:
            found.faults.append(f"seed {seed}: the process died")
            return seed + 1
        found.outcomes[outcome] += 1
        if fault:
            found.faults.append(f"seed {seed}: {fault}")
        seed += 1
    return seed


def _work(name: str, seeds: range, pipe: Connection) -> None:
    reader = READERS[name]
    with tempfile.TemporaryDirectory() as folder:
        path = reader.make(Path(folder))
        sound = path.read_bytes()
        reader.read(Path(folder), path)
        _limit_memory()
        warnings.simplefilter("error")
        for seed in seeds:
            path.write_bytes(mutated(sound, seed))
            pipe.send(outcome(name, Path(folder), path))


def outcome(name: str, folder: Path, path: Path) -> tuple[str, str]:
    try:
        READERS[name].read(folder, path)
    except UnderstudyError as error:
        text = str(error)
        return "refused", "" if text and "Traceback" not in text else f"says {text[:200]!r}"
    except BaseException:  # noqa: BLE001 - whatever else it is, it is what is looked for
        return "fault", traceback.format_exc()[-1500:]
    return "read", ""


def _limit_memory() -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + MEMORY_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
