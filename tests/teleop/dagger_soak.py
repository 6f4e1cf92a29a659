"""An hour of scripted DAgger, its trainer killed every minute and its disk filled twice; nothing recorded is lost.

    python -m tests.teleop.dagger_soak --minutes 60 --world cartpole     # as root: it mounts a small disk of its own

A child process runs the session in real time with a background trainer, and tells what is flushed. The parent kills the
trainer, fills the disk until the session gives up, makes room, holds the file against everything that was told and lets
another child continue it; and it watches how much memory both processes hold.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

from recordings.errors import DiskFull
from teleop.clock import WallClock
from teleop.memory import resident_mb
from teleop.start import CorrectSettings, start_correction
from teleop.worlds.catalogue import World, find
from tests.disks import small_disk
from tests.teleop.studio_storm import STEPS_HZ, Ledger, Report, Sitting, Watch, told_through

DISK = "64m"
"""Of which a session takes some twenty an hour."""


@dataclass
class Soaked:
    """What came of it."""

    report: Report
    fills: int = 0
    """Times that the disk was full and the session ended for it."""
    sittings_mb: list[tuple[float, float]] = field(default_factory=list)
    """Of each sitting what its process held after a tenth of it, and at its end."""
    trainers_mb: list[float] = field(default_factory=list)
    """What each trainer held just before it was killed."""


def teach(path: Path, world: World, steps_hz: float, seconds: float, pipe: int) -> None:
    """A scripted expert teaches for so long, in real time; tell `pipe`, a descriptor, what is safe."""
    tell = told_through(pipe)
    settings = CorrectSettings(world, path, expert="scripted", gate="beta")
    session = start_correction(settings, WallClock())
    session.metronome.hz = steps_hz
    watch, until_s = Watch(session, tell), time.monotonic() + seconds
    try:
        while time.monotonic() < until_s:
            session.update()
            watch.look()
            time.sleep(1 / (4 * steps_hz))
    except DiskFull as error:
        tell({"steps": session.recorder.steps, "full": error.emergency is None})
    finally:
        session.close()


def soak(
    path: Path,
    world: World,
    seconds: float,
    kill_every_s: float,
    n_fills: int = 2,
    steps_hz: float = STEPS_HZ,
) -> Soaked:
    """Sittings one after the other, in the last of which the disk has room to the end.

    A recording holds a megabyte of the disk in reserve: at 30 steps a second it takes minutes to be full.
    """
    soaked = Soaked(Report(world.name))
    report, ledger, began_s = soaked.report, Ledger(path, soaked.report), time.monotonic()
    for number in range(n_fills + 1):
        end_s = began_s + seconds * (number + 1) / (n_fills + 1)
        fills = number < n_fills
        sitting = Sitting(partial(teach, path, world, steps_hz, 1e9 if fills else end_s - time.monotonic()))
        _watch_and_kill(sitting, soaked, end_s, kill_every_s)
        if fills:
            with full(path.parent):
                ended = sitting.end(kill=False)
            soaked.fills += sitting.told.full
        else:
            ended = sitting.end(kill=False)
        report.refused += ended != 0
        ledger.check(sitting.told)
    ledger.close()
    report.seconds = time.monotonic() - began_s
    return soaked


def _watch_and_kill(sitting: Sitting, soaked: Soaked, end_s: float, kill_every_s: float) -> None:
    """Until `end_s`: kill the trainer again and again, and see what memory is held."""
    began_s = time.monotonic()
    next_kill_s, early_mb = began_s + kill_every_s, None
    while (now_s := time.monotonic()) < end_s and sitting.listen(min(1.0, end_s - now_s)):
        if early_mb is None and now_s - began_s > 0.1 * (end_s - began_s):
            early_mb = resident_mb(sitting.pid)
        if now_s >= next_kill_s:
            held_mb = resident_mb(sitting.told.trainers[-1]) if sitting.told.trainers else None
            if sitting.kill_trainer():
                soaked.report.trainer_kills += 1
                soaked.trainers_mb.append(held_mb or 0.0)
            next_kill_s += kill_every_s
    soaked.sittings_mb.append((early_mb or 0.0, resident_mb(sitting.pid) or 0.0))


@contextmanager
def full(folder: Path) -> Iterator[None]:
    """No byte is left on the disk of this folder."""
    filler = folder / "filler"
    try:
        with filler.open("wb", buffering=0) as file:
            while True:
                try:
                    file.write(bytes(1 << 12))
                except OSError:
                    break
            yield
    finally:
        filler.unlink()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--world", default="cartpole")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place, small_disk(Path(place) / "disk", DISK) as folder:
        if folder is None:
            raise SystemExit(
                "a small disk cannot be mounted: expected the rights to do so (root), found none."
            )
        soaked = soak(folder / "soak.h5", find(asked.world), 60 * asked.minutes, 60.0)
    for name, value in {**asdict(soaked.report), **asdict(soaked)}.items():
        if name != "report":
            print(f"{name.replace('_', ' ')}: {value}")
    raise SystemExit(0 if soaked.report.is_clean and soaked.fills == 2 else 1)


if __name__ == "__main__":
    main()
