"""Small worlds and recordings that the tests share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np

from recordings import Driver, Header, Outcome, Recorder


def cartpole_header(**options: Any) -> Header:
    env = gym.make("CartPole-v1", **options)
    header = Header.for_env(env, operator="Ada", control_hz=12.0, key_map={"left": 0, "right": 1})
    env.close()
    return header


def record_cartpole(path: Path, *, episodes: int = 3, first_seed: int = 0, resume: bool = False) -> None:
    """Random CartPole episodes seeded `first_seed` and on."""
    env = gym.make("CartPole-v1")
    env.action_space.seed(first_seed)
    with Recorder(path, Header.for_env(env), resume=resume) as recorder:
        for seed in range(first_seed, first_seed + episodes):
            play(recorder, env, seed)
    env.close()


def play(recorder: Recorder, env: gym.Env[Any, Any], seed: int, *, outcome: int = Outcome.FAILURE) -> int:
    """One episode of random actions; returns its length."""
    observation, _ = env.reset(seed=seed)
    recorder.begin_episode(observation, seed=seed)
    for t in range(10_000):
        action = env.action_space.sample()
        observation, reward, terminated, truncated, _ = env.step(action)
        recorder.step(
            action, float(reward), terminated, truncated, observation, driver=Driver.SCRIPTED, time_ns=t
        )
        if terminated or truncated:
            recorder.end_episode(outcome)
            return t + 1
    raise AssertionError("the episode did not end")


def record_counting(path: Path, lengths: tuple[int, ...], **options: Any) -> None:
    """Made-up CartPole episodes in which every step's observation and reward count the steps of the file."""
    with Recorder(path, cartpole_header(), **options) as recorder:
        count = recorder.steps
        for seed, length in enumerate(lengths):
            recorder.begin_episode(np.full(4, count, np.float32), seed=seed)
            for t in range(length):
                count += 1
                seen = np.full(4, count, np.float32)
                recorder.step(count % 2, float(count), t == length - 1, False, seen, driver=Driver.HUMAN)
            recorder.end_episode(Outcome.SUCCESS if seed % 2 else Outcome.FAILURE)
