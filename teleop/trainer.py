"""Labels in, students out: inline where a run must repeat exactly, a process of its own where a frame must not wait.

The background trainer reads labels from the recording itself, which it tails like any other reader, and leaves each
student as a policy file, written aside and renamed. So a crash on either side loses nothing: the recording is the
only memory, and a new trainer finds everything in it.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

import recordings
from learners.interface import Policy, Snapshot
from learners.policies import NetworkPolicy
from recordings.demonstrations import Demonstrations
from recordings.errors import UnderstudyError
from teleop.session import StudentVersion
from teleop.worlds.catalogue import World

if TYPE_CHECKING:
    from learners.bc import Config
    from recordings.reader import Reader

KEEP_STUDENTS = 3
"""Policy files left in the folder; older versions are deleted as newer ones appear."""
IDLE_S = 0.25
"""How long the background trainer sleeps when it has learned everything and nobody nudges it."""
SHOW_EVERY_S = 0.25
"""Between two students of the same lessons; the first after a new label is shown at once."""
TRAINER_STOPPED = "The trainer has stopped: recording goes on, the student stays as it is."


@dataclass
class Lessons:
    """What the student is to learn: labelled steps, of which the last label counts."""

    observation_space: gym.Space[Any]
    action_space: gym.Space[Any]
    _actions: dict[int, Any] = field(default_factory=dict)
    _observations: dict[int, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._actions)

    def add(self, step: int, observation: Any, action: Any) -> None:
        self._observations[step] = observation
        self._actions[step] = action

    def demonstrations(self) -> Demonstrations:
        """Every lesson so far as learners eat them."""
        return Demonstrations.from_pairs(
            np.asarray(list(self._observations.values()), dtype=self.observation_space.dtype),
            np.asarray(list(self._actions.values()), dtype=self.action_space.dtype),
            observation_space=self.observation_space,
            action_space=self.action_space,
        )


@dataclass(frozen=True)
class Course:
    """How a world's student is taught: the learner's settings and what the world tells about itself."""

    world: World
    config: Config

    @classmethod
    def live(cls, world: World) -> Course:
        """Settings that show a first result within a tenth of a second."""
        from learners.bc import Config

        return cls(
            world, Config(hidden=(32, 32), learning_rate=5e-3, updates=1000, check_every=50, patience=6)
        )

    def train(
        self, demonstrations: Demonstrations, rng: np.random.Generator, start: Policy | None = None
    ) -> Iterator[Snapshot]:
        """Fit to every lesson, from `start` or afresh."""
        from learners import bc

        world = self.world
        return bc.train(self.config, demonstrations, world.spec(), rng, start=start, symmetry=world.mirror)


class InlineTrainer:
    """Fits between two ticks, in this process: a tick may take long, and the same labels give the same students."""

    trouble = ""

    def __init__(
        self, course: Course, lessons: Lessons, rng: np.random.Generator, *, every: int = 50
    ) -> None:
        """every: labels from one student to the next."""
        self._course, self._lessons, self._rng, self._every = course, lessons, rng, every
        self._taught = self._learned = self._version = 0

    def teach(self, step: int, observation: Any, action: Any) -> None:
        self._lessons.add(step, observation, action)
        self._taught += 1

    def poll(self) -> StudentVersion | None:
        if self._taught - self._learned < self._every:
            return None
        self._learned = self._taught
        *_, last = self._course.train(self._lessons.demonstrations(), self._rng)
        self._version += 1
        loss = float(last.metrics["loss"])
        return StudentVersion(last.policy, self._version, len(self._lessons), loss, self._taught - 1)

    def close(self) -> None:
        """Nothing is left running."""


class BackgroundTrainer:
    """Fits in a process of its own, which is told of labels and tells of students, and shares nothing else."""

    def __init__(
        self, course: Course, recording: Path, folder: Path, *, flush: Callable[[], None], seed: int
    ) -> None:
        """recording: the file to tail. folder: where students are left. flush: puts given labels on the disk."""
        self.trouble = ""
        self._flush, self._folder = flush, folder
        self._has_news = False
        folder.mkdir(parents=True, exist_ok=True)
        context = multiprocessing.get_context("spawn")
        self._connection, far_end = context.Pipe()
        self._process = context.Process(
            target=_train_in_background,
            args=(far_end, course, recording, folder, seed),
            name="understudy-trainer",
            daemon=True,
        )
        self._process.start()
        far_end.close()

    @property
    def pid(self) -> int | None:
        """The trainer's process."""
        return self._process.pid

    def teach(self, step: int, observation: Any, action: Any) -> None:
        self._has_news = True

    def poll(self) -> StudentVersion | None:
        if self.trouble:
            return None
        if self._has_news:
            self._has_news = False
            self._flush()
            self._tell(b"labels")
        return self._newest()

    def _newest(self) -> StudentVersion | None:
        newest = None
        try:
            while self._connection.poll():
                newest = json.loads(self._connection.recv_bytes())
        except (EOFError, OSError):
            self.trouble = TRAINER_STOPPED
        if newest is None:
            return None
        if "trouble" in newest:
            self.trouble = newest["trouble"]
            return None
        from learners.checkpoint import load

        return StudentVersion(load(newest.pop("path")).policy, **newest)

    def _tell(self, word: bytes) -> None:
        try:
            self._connection.send_bytes(word)
        except OSError:
            self.trouble = TRAINER_STOPPED

    def close(self) -> None:
        """Ask the process to end, end it if it does not, and clear its folder: the students can be trained again."""
        self._tell(b"stop")
        self._process.join(timeout=1.0)
        if self._process.is_alive():
            self._process.terminate()
            self._process.join(timeout=1.0)
        self._connection.close()
        shutil.rmtree(self._folder, ignore_errors=True)
        with suppress(OSError):
            self._folder.parent.rmdir()


def _train_in_background(
    connection: Connection, course: Course, recording: Path, folder: Path, seed: int
) -> None:
    """The trainer's process, from start to end."""
    import torch

    torch.set_num_threads(1)
    os.nice(15)
    try:
        with recordings.open(recording, tail=True) as reader:
            _Classroom(connection, course, reader, folder, np.random.default_rng(seed)).stay()
    except UnderstudyError as error:
        connection.send_bytes(json.dumps({"trouble": f"The trainer has stopped: {error}"}).encode())
    except (BrokenPipeError, EOFError, KeyboardInterrupt):
        return


class _Classroom:
    """The trainer's process at work: it listens, reads new labels, teaches, and shows its students."""

    def __init__(
        self, connection: Connection, course: Course, reader: Reader, folder: Path, rng: np.random.Generator
    ) -> None:
        self._connection, self._course, self._reader, self._folder, self._rng = (
            connection,
            course,
            reader,
            folder,
            rng,
        )
        header = reader.header
        self._lessons = Lessons(header.observation_space, header.action_space)
        self._labels_read = self._version = 0
        self._training: Iterator[Snapshot] = iter(())
        self._student: Policy | None = None
        self._is_learned = self._is_shown = True

    def stay(self) -> None:
        """Until told to stop, or until nobody is at the other end."""
        while not self._told_to_stop(IDLE_S if self._is_learned else 0.0):
            if self._read_labels():
                self._training = self._course.train(self._lessons.demonstrations(), self._rng, self._student)
                self._is_learned = self._is_shown = False
            if not self._is_learned:
                self._learn()

    def _told_to_stop(self, wait_s: float) -> bool:
        stop = False
        while self._connection.poll(wait_s):
            stop = stop or self._connection.recv_bytes() == b"stop"
            wait_s = 0.0
        return stop

    def _read_labels(self) -> bool:
        """Learn of the labels flushed since the last look; says whether there are any."""
        self._reader.refresh()
        seen, n_labels = self._labels_read, self._reader.n_labels
        steps, actions = (
            self._reader.read("labels", column, seen, n_labels) for column in ("step", "action")
        )
        steps = steps[: _leading(steps < self._reader.n_steps)]
        if not len(steps):
            return False
        first = int(steps.min())
        observations = self._reader.column("observation")[first : int(steps.max()) + 1]
        for step, action in zip(steps.tolist(), actions, strict=False):
            self._lessons.add(step, observations[step - first], action)
        self._labels_read += len(steps)
        return True

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
        path = self._folder / f"student-{self._version:06d}.safetensors"
        save(policy, path)
        (self._folder / f"student-{self._version - KEEP_STUDENTS:06d}.safetensors").unlink(missing_ok=True)
        told = {
            "path": str(path),
            "version": self._version,
            "labels": len(self._lessons),
            "loss": float(snapshot.metrics["loss"]),
            "newest_label": self._labels_read - 1,
        }
        self._connection.send_bytes(json.dumps(told).encode())


def _leading(is_there: NDArray[np.bool_]) -> int:
    """How many entries come before the first False: a label may be seen a moment before its step is."""
    return len(is_there) if is_there.all() else int(is_there.argmin())
