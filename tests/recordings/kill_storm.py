"""Kills a recorder at random instants, again and again, and checks that nothing acknowledged is lost.

    python -m tests.recordings.kill_storm --kills 200 --world CartPole-v1

Each time a child process continues the one recording at full speed, opening and closing it now and then, and
tells through a pipe how many steps it knows to be flushed. The parent kills it with SIGKILL, opens the file
(which recovers it), compares the count, and replays what is new.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import struct
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import gymnasium as gym

import recordings
import teleop.worlds
from recordings import Driver, Header, LabelKind, Outcome, Recorder
from recordings.replay import verify

teleop.worlds.register()

_COUNT = struct.Struct("<Q")


@dataclass
class Report:
    """What came of a storm."""

    world: str
    kills: int = 0
    recoveries: int = 0
    acknowledged: int = 0
    """Steps acknowledged before the last kill."""
    lost: int = 0
    """Acknowledged steps that were not in the file afterwards."""
    refused: int = 0
    """Times that the file did not open."""
    diverged: int = 0
    """Times that the new episodes did not replay."""
    steps: int = 0
    episodes: int = 0
    seconds: float = 0.0

    @property
    def is_clean(self) -> bool:
        return not (self.lost or self.refused or self.diverged)


def storm(path: Path, world: str, kills: int, seed: int, longest_s: float = 0.5) -> Report:
    """Record, kill, open, verify and resume `kills` times."""
    chance, report, begin_s = random.Random(seed), Report(world), time.perf_counter()
    verified = 0
    gym.make(world).close()  # imports once what every child needs, so that kills fall into recording
    for _ in range(kills):
        acknowledged = _record_and_kill(path, world, chance.getrandbits(32), chance.uniform(0.0, longest_s))
        report.kills += 1
        report.acknowledged = max(report.acknowledged, acknowledged)
        if not path.exists():
            continue
        try:
            with recordings.open(path) as reader:
                report.recoveries += reader.recovered is not None
                report.steps, report.episodes = reader.n_steps, reader.n_episodes
        except recordings.RecordingError as error:
            report.refused += 1
            print(error)
            continue
        report.lost += max(0, report.acknowledged - report.steps)
        report.diverged += not verify(path, episodes=range(verified, report.episodes)).verified
        verified = report.episodes
    report.seconds = time.perf_counter() - begin_s
    return report


def _record_and_kill(path: Path, world: str, seed: int, after_s: float) -> int:
    """Returns how many steps the child acknowledged before it was killed."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read_end)
        try:
            record_forever(path, world, seed, write_end)
        finally:
            os._exit(1)
    os.close(write_end)
    time.sleep(after_s)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    with os.fdopen(read_end, "rb") as pipe:
        told = pipe.read()
    if not os.WIFSIGNALED(status):
        raise AssertionError("the recording process ended by itself")
    whole = len(told) // _COUNT.size
    return int(_COUNT.unpack_from(told, (whole - 1) * _COUNT.size)[0]) if whole else 0


def record_forever(path: Path, world: str, seed: int, acknowledge: int) -> None:
    """Record random episodes into `path`; tell `acknowledge`, a descriptor, how many steps are flushed."""
    env, chance = gym.make(world), random.Random(seed)
    header = Header.for_env(env)
    actions = env.action_space
    actions.seed(seed)
    while True:
        with Recorder(path, header, resume=True) as recorder:
            for _ in range(chance.randrange(1, 400)):
                _record_episode(recorder, env, actions, chance, acknowledge)
        os.write(acknowledge, _COUNT.pack(recorder.flushed_steps))


def _record_episode(
    recorder: Recorder,
    env: gym.Env[Any, Any],
    actions: gym.Space[Any],
    chance: random.Random,
    acknowledge: int,
) -> None:
    seed = chance.getrandbits(31)
    observation, _ = env.reset(seed=seed)
    recorder.begin_episode(observation, seed=seed, options=None)
    flushed, is_over = recorder.flushed_steps, False
    while not is_over:
        action = actions.sample()
        observation, reward, terminated, truncated, _ = env.step(action)
        is_over = terminated or truncated
        step = recorder.step(
            action, float(reward), terminated, truncated, observation, driver=Driver.SCRIPTED
        )
        if chance.random() < 0.1:
            recorder.label(step, action, labeler="scripted", kind=LabelKind.LIVE)
        if chance.random() < 0.1:
            recorder.flush()
        if is_over:
            recorder.end_episode(Outcome.FAILURE)
        if recorder.flushed_steps != flushed:
            flushed = recorder.flushed_steps
            os.write(acknowledge, _COUNT.pack(flushed))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--world", default="CartPole-v1")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report = storm(Path(folder) / "storm.h5", options.world, options.kills, options.seed)
    print(json.dumps(asdict(report)))
    raise SystemExit(0 if report.is_clean else 1)


if __name__ == "__main__":
    main()
