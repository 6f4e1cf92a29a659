"""Kills a correction session's trainer, its window, or both at random instants, and checks that nothing is lost.

    python -m tests.teleop.studio_storm --kills 100

A child process runs the real window (hidden) with a real session on the wall clock; a scripted hand takes over,
labels on the timeline, goes back, undoes and judges, all by key events. Through a pipe it tells what is flushed:
steps, labels and edits, the trainer's process, the students that drove. The parent kills, opens the file (which
recovers it), looks for everything that was told, replays what is new, and lets another child continue the session.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import select
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np

import recordings
import teleop.start
from recordings.recorder import Recorder
from recordings.replay import verify
from teleop.app.drive import DriveScene
from teleop.app.painters.choose import painter_for
from teleop.app.scripted import Scripted, post_key
from teleop.app.window import QUIT, Quit, Window
from teleop.benchmark.correcting_hand import CorrectingHand
from teleop.clock import WallClock
from teleop.session import Session
from teleop.start import CorrectSettings, start_correction
from teleop.trainer import BackgroundTrainer
from teleop.worlds.catalogue import World, find

STEPS_HZ = 30.0
"""Steps a second of the student, so that there is much to lose."""
PATIENCE_S = 60.0
AT_ANY_MOMENT = 0.3
"""The share of kills that wait for nothing."""


@dataclass
class Told:
    """What the driven process said is in the file."""

    steps: int = 0
    labels: dict[int, list[int]] = field(default_factory=dict)
    """Row of /labels -> step and action."""
    edits: dict[int, list[int]] = field(default_factory=dict)
    """Row of /edits -> kind, episode and value."""
    trainers: list[int] = field(default_factory=list)
    """Processes, the newest last."""
    troubles: int = 0
    """Times that the trainer's end was noticed and said."""
    students: int = 0
    """Versions handed over."""
    full: bool = False
    """The disk was, and the session ended for it."""

    def hear(self, line: str) -> None:
        words = json.loads(line)
        self.steps = max(self.steps, words.get("steps", 0))
        self.labels |= {row: rest for row, *rest in words.get("labels", [])}
        self.edits |= {row: rest for row, *rest in words.get("edits", [])}
        if "trainer" in words:
            self.trainers.append(words["trainer"])
        self.troubles += bool(words.get("trouble"))
        self.students += "student" in words
        self.full |= words.get("full", False)


@dataclass
class Report:
    """What came of a storm."""

    world: str
    trainer_kills: int = 0
    window_kills: int = 0
    both_kills: int = 0
    sittings: int = 0
    steps: int = 0
    labels: int = 0
    edits: int = 0
    branches: int = 0
    students: int = 0
    """Handed over to the session."""
    noticed: int = 0
    """Ends of a trainer that its session noticed and said."""
    lost: int = 0
    """Steps, labels and edits that were said to be flushed and were not in the file afterwards."""
    refused: int = 0
    """Times that the file did not open, or that the session ended by itself."""
    diverged: int = 0
    """Times that new episodes did not replay."""
    repeated_versions: int = 0
    """Student versions that drove in two sittings."""
    left_behind: int = 0
    """Processes and folders of trainers that outlived the storm."""
    seconds: float = 0.0

    @property
    def kills(self) -> int:
        return self.trainer_kills + self.window_kills + self.both_kills

    @property
    def is_clean(self) -> bool:
        return not (self.lost or self.refused or self.diverged or self.repeated_versions or self.left_behind)


# -- the driven process --------------------------------------------------------------------------------------


class TellingRecorder(Recorder):
    """Tells of everything once it is flushed."""

    tell: Callable[[dict[str, Any]], None]

    def __init__(self, *positional: Any, **named: Any) -> None:
        self._untold: dict[str, list[list[int]]] = {"labels": [], "edits": []}
        super().__init__(*positional, **named)

    def label(self, step: int, action: Any, **named: Any) -> int:
        row = super().label(step, action, **named)
        self._untold["labels"].append([row, step, int(action)])
        return row

    def edit(self, kind: int, **named: Any) -> int:
        row = super().edit(kind, **named)
        self._untold["edits"].append([row, int(kind), named["episode"], int(named.get("value", 0))])
        return row

    def flush(self) -> None:
        super().flush()
        self.tell({"steps": self.flushed_steps, **self._untold})
        self._untold = {"labels": [], "edits": []}


def told_through(pipe: int) -> Callable[[dict[str, Any]], None]:
    """Let every recorder of this process tell `pipe`, a descriptor, what is safe; returns what else is told by."""

    def tell(words: dict[str, Any]) -> None:
        os.write(pipe, json.dumps(words).encode() + b"\n")

    TellingRecorder.tell = staticmethod(tell)  # type: ignore[assignment]
    teleop.start.Recorder = TellingRecorder  # type: ignore[misc]
    return tell


def sit(path: Path, world: World, seed: int, seconds: float, pipe: int) -> None:
    """Correct a student in a hidden window for so long; tell `pipe`, a descriptor, what is safe."""
    tell = told_through(pipe)
    settings = CorrectSettings(world, path, reask_share=0.1, advisers=("scripted",))
    with Window(hidden=True) as window:
        session = start_correction(settings, WallClock())
        session.metronome.hz = STEPS_HZ
        hand = CorrectingHand(session, post_key, np.random.default_rng(seed))
        watch = Watch(session, tell)
        until_s = time.monotonic() + seconds

        def move(_: float) -> Literal[Quit.QUIT] | None:
            hand.move()
            watch.look()
            return QUIT if time.monotonic() > until_s else None

        window.run(Scripted(DriveScene(session, painter_for(session.env), file=str(path)), move))


class Watch:
    """Tells of the trainer's process, its troubles and its students when they change."""

    def __init__(self, session: Session, tell: Callable[[dict[str, Any]], None]) -> None:
        self._session, self._tell = session, tell
        self._seen: dict[str, Any] = {"trainer": None, "trouble": "", "student": None}

    def look(self) -> None:
        session, trainer = self._session, self._session.trainer
        assert isinstance(trainer, BackgroundTrainer)
        student = None if session.student is None else session.student.version
        now = {"trainer": trainer.pid, "trouble": trainer.trouble, "student": student}
        news = {name: value for name, value in now.items() if value != self._seen[name]}
        if news:
            self._seen = now
            self._tell(news)


# -- the storm -----------------------------------------------------------------------------------------------


class Sitting:
    """One driven process, and what it says."""

    def __init__(self, live: Callable[[int], None]) -> None:
        """live: what the process does, told the descriptor of the pipe into which it is to speak."""
        self.told = Told()
        self._rest = b""
        self._pipe, far = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            _be_driven(live, far)
        os.close(far)

    def listen(self, seconds: float) -> bool:
        """Hear what is said for so long; says whether the process still talks."""
        until_s = time.monotonic() + seconds
        while (left_s := until_s - time.monotonic()) > 0:
            if select.select([self._pipe], [], [], left_s)[0]:
                said = os.read(self._pipe, 1 << 16)
                if not said:
                    return False
                *lines, self._rest = (self._rest + said).split(b"\n")
                for line in lines:
                    self.told.hear(line.decode())
        return True

    def listen_for_a_student(self) -> bool:
        """Until one was handed over since the last trainer began; says whether the process still talks."""
        until_s = time.monotonic() + PATIENCE_S
        students = self.told.students
        while self.told.students == students and time.monotonic() < until_s:
            if not self.listen(0.05):
                return False
        return True

    def kill_trainer(self) -> bool:
        """Whether there was one to kill."""
        if not self.told.trainers or not is_running(self.told.trainers[-1]):
            return False
        os.kill(self.told.trainers[-1], signal.SIGKILL)
        return True

    def end(self, *, kill: bool) -> int:
        """Hear the rest; returns how the process ended: minus a signal, or an exit status."""
        if kill:
            os.kill(self.pid, signal.SIGKILL)
        while self.listen(PATIENCE_S):
            pass
        os.close(self._pipe)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def _be_driven(live: Callable[[int], None], pipe: int) -> None:
    status = 1
    try:
        live(pipe)
        status = 0
    except BaseException:  # noqa: BLE001 - the parent reports it
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def storm(path: Path, world: World, kills: int, seed: int, longest_s: float = 3.0) -> Report:
    """Sit, kill, open, check and sit again until there were so many kills; then end one sitting properly."""
    chance, report, begin_s = random.Random(seed), Report(world.name), time.perf_counter()
    ledger = Ledger(path, report)
    painter_for(world.make())  # imports once what every child needs, so that kills fall into the session
    while report.kills < kills:
        sitting = Sitting(partial(sit, path, world, chance.getrandbits(32), 1e9))
        _kill_at_random(sitting, report, chance, kills, longest_s)
        if sitting.end(kill=True) != -signal.SIGKILL:
            report.refused += 1
        ledger.check(sitting.told)
    sitting = Sitting(partial(sit, path, world, chance.getrandbits(32), longest_s))
    report.refused += sitting.end(kill=False) != 0
    ledger.check(sitting.told)
    ledger.close()
    report.seconds = time.perf_counter() - begin_s
    return report


def _kill_at_random(
    sitting: Sitting, report: Report, chance: random.Random, kills: int, longest_s: float
) -> None:
    """Kill the trainer, perhaps several times, until the window's turn comes, which is left to the caller.

    Mostly while students come in, sometimes at any moment: while it all starts, or while a trainer is replaced.
    """
    while chance.random() < AT_ANY_MOMENT or sitting.listen_for_a_student():
        if not sitting.listen(chance.uniform(0.0, longest_s)):
            return
        target = chance.choice(("trainer", "trainer", "window", "both"))
        if target == "trainer" and report.kills < kills - 1:
            report.trainer_kills += sitting.kill_trainer()
        elif target == "both" and sitting.kill_trainer():
            report.both_kills += 1
            return
        else:
            report.window_kills += 1
            return


class Ledger:
    """Everything that was ever told, held against the file."""

    def __init__(self, path: Path, report: Report) -> None:
        self._path, self._report = path, report
        self._told = Told()
        self._verified = 0

    def check(self, told: Told) -> None:
        """After a sitting: is everything there, and does what is new replay?"""
        report, sum_ = self._report, self._told
        sum_.steps = max(sum_.steps, told.steps)
        sum_.labels |= told.labels
        sum_.edits |= told.edits
        sum_.trainers += told.trainers
        report.sittings += bool(told.steps or told.trainers)
        report.students += told.students
        report.noticed += told.troubles
        if not self._path.exists():
            return
        try:
            with recordings.open(self._path) as reader:
                report.lost += self._missing(reader)
                n_episodes = reader.n_episodes
        except recordings.RecordingError as error:
            report.refused += 1
            print(error)
            return
        report.diverged += not verify(self._path, episodes=range(self._verified, n_episodes)).verified
        self._verified = n_episodes

    def _missing(self, reader: recordings.Reader) -> int:
        counts = reader.row_counts()
        labels = zip(
            *(reader.read("labels", name, 0, counts["labels"]) for name in ("step", "action")), strict=True
        )
        edits = zip(
            *(reader.read("edits", name, 0, counts["edits"]) for name in ("kind", "episode", "value")),
            strict=True,
        )
        there = {"labels": list(map(_ints, labels)), "edits": list(map(_ints, edits))}
        told: dict[str, dict[int, list[int]]] = {"labels": self._told.labels, "edits": self._told.edits}
        wrong = sum(
            row >= len(there[name]) or there[name][row] != rest
            for name, rows in told.items()
            for row, rest in rows.items()
        )
        return wrong + max(0, self._told.steps - reader.n_steps)

    def close(self) -> None:
        """At the end: what there is, whose versions drove when, and what was left running or lying about."""
        report = self._report
        with recordings.open(self._path) as reader:
            counts = reader.row_counts()
            report.steps, report.labels, report.edits = (
                counts[name] for name in ("steps", "labels", "edits")
            )
            report.branches = sum(episode.parent >= 0 for episode in reader.episodes)
            report.repeated_versions = _repeated(reader)
        until_s = time.monotonic() + PATIENCE_S
        while any(map(is_running, self._told.trainers)) and time.monotonic() < until_s:
            time.sleep(0.1)
        report.left_behind = sum(map(is_running, self._told.trainers))
        report.left_behind += self._path.with_suffix(".students").exists()


def _ints(row: tuple[Any, ...]) -> list[int]:
    return [int(value) for value in row]


def _repeated(reader: recordings.Reader) -> int:
    """Versions of students that drove in more than one sitting."""
    versions = reader.column("student_version")[:]
    starts = [sitting["first_step"] for sitting in reader.sessions()]
    drove = [set(part[part >= 0].tolist()) for part in np.split(versions, starts[1:])]
    return sum(map(len, drove)) - len(set().union(*drove))


def is_running(pid: int) -> bool:
    """Whether a process is there and has not ended; one that ended may be kept by whoever started it."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--world", default="", help="gridworld or cartpole; both, half of the kills each")
    options = parser.parse_args()
    names = [options.world] if options.world else ["gridworld", "cartpole"]
    reports = []
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "storm.h5"
            reports.append(storm(path, find(name), options.kills // len(names), options.seed))
    _print(reports)
    raise SystemExit(0 if all(report.is_clean for report in reports) else 1)


def _print(reports: list[Report]) -> None:
    from rich.console import Console
    from rich.table import Table

    sheet = Table("", *(report.world for report in reports))
    for name in asdict(reports[0]):
        if name != "world":
            sheet.add_row(name.replace("_", " "), *(f"{getattr(report, name):,.0f}" for report in reports))
    Console().print(sheet)


if __name__ == "__main__":
    main()
