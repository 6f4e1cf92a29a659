"""Labels in, students out: inline where a run must repeat exactly, a process of its own where a frame must not wait.

Both read what the student is to learn from the recording itself (`teleop.training.lessons`), so what is taken back
there is forgotten, and a crash on either side loses nothing: a new trainer finds everything in the file.

Reading order: InlineTrainer (the whole idea in one method), BackgroundTrainer, then `teleop.training`: `classroom` (its
process) and `keeper` (who starts that process, listens to it, and starts another when it dies).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np

import recordings
from teleop.training.classroom import Task
from teleop.training.course import Course as Course
from teleop.training.keeper import Keeper
from teleop.training.lessons import Lessons, newest_version
from teleop.training.student import StudentVersion


class InlineTrainer:
    """Fits between two ticks, in this process: a tick may take long, and the same labels give the same students."""

    trouble = ""

    def __init__(
        self,
        course: Course,
        recording: Path,
        rng: np.random.Generator,
        *,
        teacher: str,
        flush: Callable[[], None],
        every: int = 50,
    ) -> None:
        """recording: what to learn from. teacher: whose labels. flush: puts given labels on the disk.

        every: labels given or taken back from one student to the next; what is in the recording already is learned
        at the first poll.
        """
        self._course, self._recording, self._rng = course, recording, rng
        self._teacher, self._flush, self._every = teacher, flush, every
        self._news = every
        self._version = 0

    def look_again(self) -> None:
        self._news += 1

    def poll(self) -> StudentVersion | None:
        if self._news < self._every:
            return None
        self._news = 0
        self._flush()
        with recordings.open(self._recording, tail=True) as reader:
            lessons = Lessons(reader, self._teacher)
            if not lessons.look():
                return None
            self._version = max(self._version, newest_version(reader)) + 1
            *_, last = self._course.train(lessons.demonstrations(), self._rng)
        loss = float(last.metrics["loss"])
        return StudentVersion(last.policy, self._version, len(lessons), loss, lessons.labels_read - 1)

    def close(self) -> None:
        """Nothing is left running."""


class BackgroundTrainer:
    """Fits in a process of its own, which is told of news and tells of students, and shares nothing else."""

    def __init__(
        self, course: Course, recording: Path, *, teacher: str, flush: Callable[[], None], seed: int
    ) -> None:
        """recording: the file to tail. teacher: whose labels. flush: puts given labels on the disk."""
        self._flush = flush
        self._has_news = False
        folder = recording.with_suffix(".students") / str(os.getpid())
        shutil.rmtree(folder.parent, ignore_errors=True)  # what a killed session left
        folder.mkdir(parents=True)
        self._keeper = Keeper(Task(course, recording, teacher, folder, seed))

    @property
    def trouble(self) -> str:
        return self._keeper.trouble

    @property
    def pid(self) -> int | None:
        """The trainer's process."""
        return self._keeper.pid

    def look_again(self) -> None:
        self._has_news = True

    def poll(self) -> StudentVersion | None:
        if self._has_news:
            self._has_news = False
            self._flush()
            self._keeper.nudge()
        return self._keeper.newest_student()

    def close(self) -> None:
        """End the process and clear its folder: the students can be trained again."""
        self._keeper.close()
