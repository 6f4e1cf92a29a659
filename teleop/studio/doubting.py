"""Doubt about many states at once; an ensemble's takes seconds, and can be reckoned beside the session."""

from __future__ import annotations

import multiprocessing
import signal
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any

import numpy as np

from learners.asking.doubts import DoubtOfLabels
from learners.interface import FloatArray
from learners.worlds import facts_of
from teleop.processes import wait_for_idleness
from teleop.worlds.catalogue import World

Lesson = tuple[Any, Any]
"""An observation, and the action that is right there."""


def doubts(doubt: DoubtOfLabels, observations: Sequence[Any], lessons: Sequence[Lesson]) -> FloatArray:
    """(T,) about each observation, once these lessons are learned; what is without end is 1e9."""
    for observation, action in lessons:
        doubt.learn(observation, action)
    return np.nan_to_num(doubt.of_each(observations), posinf=1e9)


def ensemble_doubts(world: World, observations: Sequence[Any], lessons: Sequence[Lesson]) -> FloatArray:
    """(T,) how far apart students act that were fitted to resampled lessons."""
    from learners import dagger  # loads torch, which a session can do without

    spec, facts, rng = world.spec(), facts_of(world.spec()), np.random.default_rng(len(lessons))
    ensemble = dagger.ensemble_of(dagger.Config(), spec, facts, rng, world.mirror)
    return doubts(ensemble, observations, lessons)


class Beside:
    """A process that reckons `ensemble_doubts` when it is asked to, one after the other.

    It starts with the first question, loads torch once, and ends with `close` or with whoever started it; one that
    dies has found no doubt, and the next question starts another.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._turn = threading.Lock()
        self._process: SpawnProcess | None = None
        self._connection: Connection | None = None

    def doubts(self, observations: Sequence[Any], lessons: Sequence[Lesson]) -> Future[FloatArray]:
        """As `ensemble_doubts`, later; 0 throughout where the process died."""
        future: Future[FloatArray] = Future()

        def ask() -> None:
            with self._turn:
                try:
                    found = self._ask(list(observations), list(lessons))
                except (EOFError, OSError):
                    self.close()
                    found = np.zeros(len(observations))
            future.set_result(found)

        threading.Thread(target=ask, name="understudy-doubts", daemon=True).start()
        return future

    def close(self) -> None:
        """End the process, whatever it is at; may be called twice."""
        process, self._process = self._process, None
        connection, self._connection = self._connection, None
        if process is not None:
            process.kill()
        if connection is not None:
            connection.close()

    def _ask(self, observations: list[Any], lessons: list[Lesson]) -> FloatArray:
        connection = self._connection or self._start()
        connection.send((observations, lessons))
        return np.frombuffer(connection.recv_bytes(), np.float64)

    def _start(self) -> Connection:
        context = multiprocessing.get_context("spawn")
        here, there = context.Pipe()
        self._process = context.Process(target=_answer, args=(there, self._world), daemon=True)
        self._process.start()
        there.close()
        self._connection = here
        return here


def _answer(connection: Connection, world: World) -> None:
    """The process beside, from start to end."""
    wait_for_idleness()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever asks decides when to stop
    import torch

    torch.set_num_threads(1)
    try:
        while True:
            observations, lessons = connection.recv()
            connection.send_bytes(ensemble_doubts(world, observations, lessons).tobytes())
    except (EOFError, OSError):  # nobody asks any more
        return
