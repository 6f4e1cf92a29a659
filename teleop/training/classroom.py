"""The background trainer's process: it tails a recording, teaches, and leaves each student as a policy file.

It is told to look when there is something new in the recording, and says one JSON object at a time: {} (I am alive), a
student (path, version, labels, loss, newest_label) or {"trouble": why I end}. The recording is its only memory, so it
can be killed at any time, and another process can take its place.
"""

from __future__ import annotations

import json
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, cast

import numpy as np

import recordings
from learners.interface import Policy, Snapshot
from learners.policies import NetworkPolicy
from recordings.errors import UnderstudyError
from recordings.reader import Reader
from teleop.processes import give_way
from teleop.training.course import Course
from teleop.training.lessons import Lessons, newest_version

LOOK = b"look"
"""The one word that is said to it."""
KEEP_STUDENTS = 3
"""Policy files left in the folder; older versions are deleted as newer ones appear."""
IDLE_S = 0.25
"""How long the process sleeps when it has learned everything and nobody nudges it."""
SHOW_EVERY_S = 0.25
"""Between two students of the same lessons; the first after a new label is shown at once."""
ALIVE_EVERY_S = 1.0
"""Between two signs of life."""


@dataclass(frozen=True)
class Task:
    """What a training process is sent off with."""

    course: Course
    recording: Path
    teacher: str
    """The labeler to learn from."""
    folder: Path
    """Where students are left."""
    seed: int
    after_version: int = 0
    """Students are numbered from here on, or from the greatest version in the recording."""


def teach(connection: Connection, task: Task) -> None:
    """The process, from start to end. Where nobody is at the other end any more it clears up behind them."""
    import torch

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the session, which will end this
    torch.set_num_threads(1)
    give_way()
    try:
        with recordings.open(task.recording, tail=True) as reader:
            _Classroom(connection, task, reader).stay()
    except UnderstudyError as error:
        with suppress(OSError):
            connection.send_bytes(json.dumps({"trouble": str(error)}).encode())
    except (OSError, EOFError):
        clear(task.folder)


def clear(folder: Path) -> None:
    """Remove the students in passing, and the folder above where nothing else is in it."""
    shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):
        folder.parent.rmdir()


class _Classroom:
    """The process at work: it listens, reads what is new, teaches, and shows its students."""

    def __init__(self, connection: Connection, task: Task, reader: Reader) -> None:
        self._connection, self._course, self._folder = connection, task.course, task.folder
        self._rng = np.random.default_rng(task.seed)
        self._lessons = Lessons(reader, task.teacher)
        self._version = max(task.after_version, newest_version(reader))
        self._training: Iterator[Snapshot] = iter(())
        self._student: Policy | None = None
        self._is_learned = self._is_shown = True
        self._mouth = threading.Lock()
        threading.Thread(target=self._live, name="understudy-sign-of-life", daemon=True).start()

    def stay(self) -> None:
        """Until nobody is at the other end (OSError, EOFError)."""
        while True:
            self._listen(IDLE_S if self._is_learned else 0.0)
            if self._lessons.look():
                self._begin()
            if not self._is_learned:
                self._learn()

    def _listen(self, wait_s: float) -> None:
        """Answer, if anything was said."""
        while self._connection.poll(wait_s):
            self._connection.recv_bytes()
            self._say({})
            wait_s = 0.0

    def _begin(self) -> None:
        """Teach what holds now, on top of what was taught; afresh where something of that no longer holds."""
        student = None if self._lessons.was_taken_back else self._student
        self._is_learned = not len(self._lessons)
        self._is_shown = False
        if not self._is_learned:
            self._training = self._course.train(self._lessons.demonstrations(), self._rng, student)

    def _learn(self) -> None:
        """Go on until it is time to show the student, or until there is news."""
        until_s = time.monotonic() + (SHOW_EVERY_S if self._is_shown else 0.0)
        newest = None
        while newest is None or (time.monotonic() < until_s and not self._connection.poll()):
            snapshot = next(self._training, None)
            if snapshot is None:
                self._is_learned = True
                break
            newest = snapshot
        if newest is not None:
            self._show(newest)

    def _show(self, snapshot: Snapshot) -> None:
        from learners.checkpoint import save

        self._student = policy = cast(NetworkPolicy, snapshot.policy)
        self._version += 1
        self._is_shown = True
        path = self._file(self._version)
        save(policy, path)
        self._file(self._version - KEEP_STUDENTS).unlink(missing_ok=True)
        self._say(
            {
                "path": str(path),
                "version": self._version,
                "labels": len(self._lessons),
                "loss": float(snapshot.metrics["loss"]),
                "newest_label": self._lessons.labels_read - 1,
            }
        )

    def _file(self, version: int) -> Path:
        return self._folder / f"student-{version:06d}.safetensors"

    def _live(self) -> None:
        """Give signs of life, however long a lesson takes, or however little of the processor is left for it."""
        with suppress(OSError):
            while True:
                self._say({})
                time.sleep(ALIVE_EVERY_S)

    def _say(self, words: dict[str, Any]) -> None:
        with self._mouth:
            self._connection.send_bytes(json.dumps(words).encode())
