"""Small recordings for tests of the review, every number of which can be checked by hand."""

from __future__ import annotations

from pathlib import Path

import recordings
from recordings.schema import Driver, Header, LabelKind, Outcome
from teleop.worlds.catalogue import GRIDWORLD

RIGHT, UP = 3, 0
LENGTHS = (5, 3, 8, 5)
"""Steps of the four episodes; the last one branches from the first after two steps."""
DRIVERS = (Driver.STUDENT, Driver.HUMAN, Driver.SCRIPTED)
OUTCOMES = (Outcome.FAILURE, Outcome.SUCCESS, Outcome.UNKNOWN, Outcome.SUCCESS)
REWARDS = (1.0, 5.0, -1.0, 2.0)
"""Of each step of an episode, whatever the world says: returns 5, 15, -8 and 10."""


def write(path: Path) -> Path:
    """Four episodes: student, person (labelled), scripted expert, and a branch in which a person goes up instead."""
    env = GRIDWORLD.make()
    with recordings.Recorder(path, Header.for_env(env, control_hz=8.0)) as recorder:
        for index, driver in enumerate(DRIVERS):
            recorder.begin_episode(env.reset(seed=index)[0], seed=index)
            for _ in range(LENGTHS[index]):
                _step(recorder, env, RIGHT, driver, REWARDS[index])
            recorder.end_episode(OUTCOMES[index])
        recorder.begin_episode(env.reset(seed=0)[0], seed=0, parent=0, branch_step=2)
        for _ in range(2):
            _step(recorder, env, RIGHT, Driver.REPLAYED, REWARDS[3])
        for _ in range(3):
            _step(recorder, env, UP, Driver.HUMAN, REWARDS[3])
        recorder.end_episode(OUTCOMES[3])
    env.close()
    return path


def _step(recorder, env, action, driver, reward) -> None:  # type: ignore[no-untyped-def]
    after, _, terminated, truncated, _ = env.step(action)
    step = recorder.step(action, reward, terminated, truncated, after, driver=driver)
    if driver is Driver.HUMAN:
        recorder.label(step, action, labeler="human", kind=LabelKind.DEMONSTRATED)
