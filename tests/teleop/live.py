"""A session on the step clock for tests: keys, frames, and what the file says afterwards."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np

import recordings
from learners.policies import Architecture, NetworkPolicy, policy_from
from recordings.contents import Labels
from recordings.curation import lessons
from recordings.reader import Reader
from recordings.replay import verify
from recordings.schema import EditKind
from teleop.clock import StepClock
from teleop.start import CorrectSettings, start_correction
from teleop.training.student import StudentVersion
from teleop.worlds.catalogue import CARTPOLE, GRIDWORLD, World

FRAME_NS = 16_666_667
Begin = Callable[..., "Live"]
"""The fixture `begin`."""


class Always:
    """A student that knows one action and is always sure of it."""

    def __init__(self, action: int) -> None:
        self.action = action

    def act(self, observations: Any, rng: np.random.Generator | None = None) -> Any:
        return np.full(len(observations), self.action)

    def confidence(self, observations: Any) -> Any:
        return np.ones(len(observations))


def remembering(seed: int = 0) -> NetworkPolicy:
    """A student of CartPole that remembers, and has learned nothing yet."""
    env = CARTPOLE.make()
    architecture = Architecture(env.observation_space, env.action_space, (5,), memory=3)
    env.close()
    rng = np.random.default_rng(seed)
    arrays = {name: rng.normal(0.0, 1.0, shape) for name, shape in architecture.shapes().items()}
    arrays |= {"mean": np.zeros(4), "std": np.ones(4)}
    return policy_from(architecture, {name: array.astype(np.float32) for name, array in arrays.items()})


class Live:
    """A session of correction, and a person before it."""

    def __init__(self, path: Path, world: World = GRIDWORLD, *, student: Any = None, **settings: Any) -> None:
        """student: who drives from the first tick on; None: nobody but the person."""
        options = {"seed": 0, "training": "none"} | settings
        self.path, self.clock = path, StepClock()
        self._reader: Reader | None = None
        self.session = start_correction(CorrectSettings(world, path, **options), self.clock)
        if student is not None:
            self.session.adopt(StudentVersion(student, 1))

    def frames(self, n: int = 1) -> None:
        for _ in range(n):
            self.session.update()
            self.clock.advance(FRAME_NS)

    def tap(self, *keys: str) -> None:
        """Each key down, one frame, up, one frame."""
        for key in keys:
            self.session.press(key)
            self.frames()
            self.session.release(key)
            self.frames()

    def drive_until(self, steps: int) -> None:
        """Wait until so many steps were made in all."""
        for _ in range(10_000):
            if self.session.driven_ticks >= steps:
                return
            self.frames()
        raise AssertionError(f"{self.session.driven_ticks} steps, and no more")

    def look_up(self) -> AbstractContextManager[Reader]:
        """The file as it is now."""
        if not self.session.recorder.closed:
            self.session.recorder.flush()
        if self._reader is None:
            self._reader = recordings.open(self.path, tail=True)
        self._reader.refresh()
        return nullcontext(self._reader)

    def acts(self, kind: EditKind) -> list[tuple[int, int, int, int]]:
        """Episode, start, stop and value of every act of this kind in the file."""
        with self.look_up() as reader:
            return [
                (edit.episode, edit.start, edit.stop, edit.value)
                for edit in reader.edits()
                if edit.kind is kind
            ]

    def labels(self) -> Labels:
        """Every label in the file, taken back or not."""
        with self.look_up() as reader:
            return reader.labels()

    def lessons(self) -> list[tuple[int, int]]:
        """(step, action) of every label that holds by the file, in the order given."""
        with self.look_up() as reader:
            held = lessons(reader)
            return list(zip(held.steps.tolist(), held.actions.tolist(), strict=True))

    def close(self) -> Path:
        """End the session; the recording replays."""
        self.session.close()
        assert verify(self.path).verified
        return self.path

    def let_go(self) -> None:
        """Of every file, whatever has become of the session."""
        self.session.close()
        if self._reader is not None:
            self._reader.close()
