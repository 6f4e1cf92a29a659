"""Labels in, students out: inline where a run must repeat exactly, a process of its own where a frame must not wait.

The background trainer reads labels from the recording itself, which it tails like any other reader, and leaves each
student as a policy file, written aside and renamed. So a crash on either side loses nothing: the recording is the
only memory, and a new trainer finds everything in it.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gymnasium as gym
import numpy as np

import recordings
from learners.interface import Array, Policy
from recordings.demonstrations import Demonstrations
from recordings.errors import UnderstudyError
from teleop.session import StudentVersion

if TYPE_CHECKING:
    from learners.bc import Config
    from recordings.reader import Reader

KEEP_STUDENTS = 3
"""Policy files left in the folder; older versions are deleted as newer ones appear."""
FLUSH_WAIT_S = 0.25
"""How long the background trainer sleeps when nobody nudges it; labels reach the disk at least as often."""


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


class InlineTrainer:
    """Fits between two ticks, in this process: slower to drive, and the same labels give the same students."""

    def __init__(
        self, lessons: Lessons, config: Config, rng: np.random.Generator, *, coordinates: Array | None = None, every: int = 50
    ) -> None:
        """every: labels from one student to the next."""
        self._lessons, self._config, self._rng = lessons, config, rng
        self._coordinates, self._every = coordinates, every
        self._taught = self._learned = self._version = 0
        self.trouble = ""

    def teach(self, step: int, observation: Any, action: Any) -> None:
        self._lessons.add(step, observation, action)
        self._taught += 1

    def poll(self) -> StudentVersion | None:
        if self._taught - self._learned < self._every:
            return None
        self._learned = self._taught
        policy, loss = _fit(self._config, self._lessons, self._rng, coordinates=self._coordinates)
        self._version += 1
        return StudentVersion(policy, self._version, len(self._lessons), loss, self._taught - 1)

    def close(self) -> None:
        """Nothing is left running."""


class BackgroundTrainer:
    """Fits in a process of its own, which is told of labels and tells of students, and shares nothing else."""

    def __init__(
        self, recording: Path, folder: Path, config: Config, *, coordinates: Array | None, flush: Callable[[], None], seed: int
    ) -> None:
        """recording: the file to tail. folder: where students are left. flush: puts given labels on the disk."""
        self._flush = flush
        self._dirty = False
        folder.mkdir(parents=True, exist_ok=True)
        context = multiprocessing.get_context("spawn")
        self._connection, far_end = context.Pipe()
        self._process = context.Process(
            target=_train_in_background,
            args=(far_end, recording, folder, config, coordinates, seed),
            name="understudy-trainer",
            daemon=True,
        )
        self._process.start()
        far_end.close()
        self.trouble = ""

    @property
    def pid(self) -> int | None:
        return self._process.pid

    def teach(self, step: int, observation: Any, action: Any) -> None:  # noqa: ARG002 - it reads the recording
        self._dirty = True

    def poll(self) -> StudentVersion | None:
        if self._dirty and not self.trouble:
            self._dirty = False
            self._flush()
            self._tell(b"labels")
        return self._newest()

    def _newest(self) -> StudentVersion | None:
        newest = None
        try:
            while self._connection.poll():
                newest = json.loads(self._connection.recv_bytes())
        except (EOFError, OSError):
            self.trouble = self.trouble or "The trainer has stopped; recording goes on, the student stays as it is."
        if newest is None:
            return None
        if "trouble" in newest:
            self.trouble = newest["trouble"]
            return None
        from learners.checkpoint import load

        return StudentVersion(load(Path(newest.pop("path"))), **newest)

    def _tell(self, word: bytes) -> None:
        try:
            self._connection.send_bytes(word)
        except OSError:
            self.trouble = "The trainer has stopped; recording goes on, the student stays as it is."

    def close(self) -> None:
        """Ask the process to end, and end it if it does not."""
        self._tell(b"stop")
        self._process.join(timeout=1.0)
        if self._process.is_alive():
            self._process.terminate()
            self._process.join(timeout=1.0)
        self._connection.close()


def _fit(
    config: Config,
    lessons: Lessons,
    rng: np.random.Generator,
    *,
    coordinates: Array | None,
    start: Policy | None = None,
    seconds: float | None = None,
) -> tuple[Policy, float]:
    """Fit to every lesson, from `start` or afresh, until the learner is done or the time is up."""
    from learners import bc

    began_s = time.monotonic()
    snapshot = None
    for snapshot in bc.train(config, lessons.demonstrations(), None, rng, start=start, coordinates=coordinates):
        if seconds is not None and time.monotonic() - began_s > seconds:
            break
    assert snapshot is not None
    return snapshot.policy, float(snapshot.metrics.get("loss", float("nan")))
