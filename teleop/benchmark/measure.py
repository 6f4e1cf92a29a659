"""Measurements of the live world: speed of worlds, cost of recording and replay, latency of a correction.

Each function measures one thing once and returns plain numbers; `benchmark` runs them and says what they mean.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np

import recordings
from recordings.recorder import Recorder
from recordings.replay import verify
from recordings.schema import Driver, Header, Outcome
from teleop.clock import SECOND_NS, WallClock
from teleop.experts import scripted_expert
from teleop.session import Session
from teleop.start import CorrectSettings, start_correction
from teleop.studio.phases import Order
from teleop.worlds.catalogue import World

FRAME_S = 1 / 60


@dataclass(frozen=True)
class RecordingCost:
    """What recording adds to a step."""

    step_us: float
    """Microseconds a step, flushes included: the same steps with a recorder, less without."""
    step_bytes: float
    """Size of the file over its steps."""


def recording_cost(world: World, folder: Path, steps: int, *, expert: bool, seed: int = 0) -> RecordingCost:
    """Record `steps` steps at full speed, driven by the scripted expert or at random, and drive as many without."""
    plain_s = _drive(world, None, steps, expert, seed)
    path = folder / f"cost-{world.name}-{expert}-{seed}.h5"
    env = world.make()
    with Recorder(path, Header.for_env(env)) as recorder:
        recorded_s = _drive(world, recorder, steps, expert, seed)
    env.close()
    return RecordingCost(1e6 * (recorded_s - plain_s) / steps, path.stat().st_size / steps)


def _drive(world: World, recorder: Recorder | None, steps: int, expert: bool, seed: int) -> float:
    """Seconds that `steps` steps take, with or without a recorder; episodes end as the world ends them."""
    env = world.make()
    driver = scripted_expert(env) if expert else None
    n_actions = int(env.action_space.n)  # type: ignore[attr-defined]
    actions = np.random.default_rng(seed).integers(n_actions, size=steps).tolist()
    began_s = time.perf_counter()
    observation = _begin(env, recorder, seed)
    for step in range(steps):
        action = actions[step] if driver is None else driver.act(observation, step)
        observation, reward, terminated, truncated, _ = env.step(action)
        if recorder is not None:
            recorder.step(
                action,
                float(reward),
                terminated,
                truncated,
                observation,
                driver=Driver.SCRIPTED,
                time_ns=step,
            )
        if terminated or truncated:
            if recorder is not None:
                recorder.end_episode(Outcome.UNKNOWN)
            observation = _begin(env, recorder, seed + step + 1)
    elapsed_s = time.perf_counter() - began_s
    env.close()
    return elapsed_s


def _begin(env: gym.Env[Any, Any], recorder: Recorder | None, seed: int) -> Any:
    observation, _ = env.reset(seed=seed)
    if recorder is not None:
        recorder.begin_episode(observation, seed=seed)
    return observation


def replay_steps_per_second(path: Path) -> float:
    """Re-stepped and compared steps a second."""
    began_s = time.perf_counter()
    found = verify(path)
    return found.steps / (time.perf_counter() - began_s)


def long_recording(world: World, path: Path, steps: int) -> Path:
    """A recording of `steps` steps in episodes of 500 that nobody drove: for timing, not for replay."""
    env = world.make()
    observation, _ = env.reset(seed=0)
    with Recorder(path, Header.for_env(env)) as recorder:
        for step in range(steps):
            if step % 500 == 0:
                recorder.begin_episode(observation, seed=step)
            recorder.step(0, 1.0, False, step % 500 == 499, observation, driver=Driver.SCRIPTED, time_ns=step)
            if step % 500 == 499:
                recorder.end_episode(Outcome.UNKNOWN)
    env.close()
    return path


def opening_ms(path: Path) -> float:
    """Milliseconds to open a recording, read its header and its last episode, and close it."""
    began_s = time.perf_counter()
    with recordings.open(path) as reader:
        _ = reader.header, reader.episodes[len(reader.episodes) - 1].observations
    return 1e3 * (time.perf_counter() - began_s)


def correction_latencies_ms(world: World, folder: Path, corrections: int, seed: int = 0) -> list[float]:
    """From a key press to the first tick driven by a student that has learned from it, in milliseconds.

    A scripted hand sits at the keyboard of a real session: it takes over, presses what the scripted expert would,
    lets go, and waits. Ticks come at the world's own control rate, frames at 60 Hz, the trainer is a process.
    """
    settings = CorrectSettings(world, folder / f"latency-{world.name}.h5", seed=seed)
    session = start_correction(settings, WallClock())
    hand = _Hand(session)
    try:
        hand.demonstrate_until_there_is_a_student()
        return [hand.correct_once() for _ in range(corrections)]
    finally:
        session.close()


class _Hand:
    """Presses and releases real keys of a session, frame by frame."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._expert = scripted_expert(session.env)
        self._takeover = next(key for key, order in session.keys.items() if order is Order.TAKE_OVER)

    def demonstrate_until_there_is_a_student(self, patience_s: float = 60.0) -> None:
        deadline_s = time.monotonic() + patience_s
        while self._session.student is None:
            self._label_once()
            if time.monotonic() > deadline_s:
                raise TimeoutError(
                    f"no student after {patience_s} s: {getattr(self._session.trainer, 'trouble', '')}"
                )

    def correct_once(self) -> float:
        session = self._session
        self._frame()
        session.press(self._takeover)
        pressed_ns = self._label_once()
        label = session.labels - 1
        session.release(self._takeover)
        while True:
            tick = self._frame()
            has_learned = session.student is not None and session.student.newest_label >= label
            if tick is not None and tick.driver is Driver.STUDENT and has_learned:
                return (time.monotonic_ns() - pressed_ns) / (SECOND_NS / 1e3)

    def _label_once(self) -> int:
        """Press the right key until it has become a label; says when it went down."""
        session, before = self._session, self._session.labels
        while not session.running:
            self._frame()
        key = session.world.key_for(self._expert.act(session.observation, session.episode_length))
        pressed_ns = time.monotonic_ns()
        while session.labels == before:
            session.press(key)  # again where an episode that just ended forgot it
            self._frame()
        session.release(key)
        return pressed_ns

    def _frame(self) -> Any:
        time.sleep(FRAME_S)
        return self._session.update()
