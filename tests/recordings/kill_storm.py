"""Kills a recorder at random instants, again and again, and checks that nothing acknowledged is lost.

    python -m tests.recordings.kill_storm --kills 200 --world CartPole-v1

Each time a child process continues the one recording at full speed, opening and closing it now and then, and
tells through a pipe how many steps, labels and acts of curation it knows to be flushed. The parent kills it
with SIGKILL, opens the file (which recovers it), compares the counts, looks whether every act names what it
named, and replays what is new.
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
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import gymnasium as gym

import recordings
import teleop.worlds
from recordings import Driver, EditKind, Header, LabelKind, Outcome, Recorder
from recordings.reader import Reader
from recordings.replay import verify

teleop.worlds.register()

_TABLES = ("steps", "labels", "edits")
_COUNTS = struct.Struct("<QQQ")


@dataclass
class Report:
    """What came of a storm."""

    world: str
    kills: int = 0
    recoveries: int = 0
    acknowledged: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_TABLES, 0))
    """Steps, labels and acts acknowledged before the last kill."""
    lost: int = 0
    """Those acknowledged that were not in the file afterwards."""
    misnamed: int = 0
    """Times that an act named another label than it was given for."""
    refused: int = 0
    """Times that the file did not open."""
    diverged: int = 0
    """Times that the new episodes did not replay."""
    steps: int = 0
    episodes: int = 0
    seconds: float = 0.0

    @property
    def is_clean(self) -> bool:
        return not (self.lost or self.refused or self.misnamed or self.diverged)


def storm(path: Path, world: str, kills: int, seed: int, longest_s: float = 0.5) -> Report:
    """Record, kill, open, verify and resume `kills` times."""
    chance, report, begin_s = random.Random(seed), Report(world), time.perf_counter()
    verified = 0
    gym.make(world).close()  # imports once what every child needs, so that kills fall into recording
    for _ in range(kills):
        acknowledged = _record_and_kill(path, world, chance.getrandbits(32), chance.uniform(0.0, longest_s))
        report.kills += 1
        report.acknowledged |= acknowledged
        if not path.exists():
            continue
        try:
            with recordings.open(path) as reader:
                report.recoveries += reader.recovered is not None
                report.steps, report.episodes = reader.n_steps, reader.n_episodes
                found = reader.row_counts()
                report.misnamed += not _names_hold(reader)
        except recordings.RecordingError as error:
            report.refused += 1
            print(error)
            continue
        report.lost += sum(max(0, report.acknowledged[name] - found[name]) for name in _TABLES)
        report.diverged += not verify(path, episodes=range(verified, report.episodes)).verified
        verified = report.episodes
    report.seconds = time.perf_counter() - begin_s
    return report


def _names_hold(reader: Reader) -> bool:
    """Every withdrawal tells the step of the label that it names."""
    steps, starts = (
        reader.read("labels", "step", 0, reader.n_labels),
        reader.read("episodes", "start", 0, reader.n_episodes),
    )
    return all(
        steps[edit.value] == starts[edit.episode] + edit.start
        for edit in reader.curation.edits
        if edit.kind is EditKind.WITHDRAW
    )


def _record_and_kill(path: Path, world: str, seed: int, after_s: float) -> dict[str, int]:
    """Returns how many rows the child acknowledged before it was killed, by table; nothing if none."""
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
    whole = len(told) // _COUNTS.size
    return (
        dict(zip(_TABLES, _COUNTS.unpack_from(told, (whole - 1) * _COUNTS.size), strict=True))
        if whole
        else {}
    )


def record_forever(path: Path, world: str, seed: int, acknowledge: int) -> None:
    """Record random episodes into `path`; tell `acknowledge`, a descriptor, how many rows are flushed."""
    env, chance = gym.make(world), random.Random(seed)
    header = Header.for_env(env)
    actions = env.action_space
    actions.seed(seed)
    while True:
        with Recorder(path, header, resume=True) as recorder:
            for _ in range(chance.randrange(1, 400)):
                _record_episode(recorder, env, actions, chance, acknowledge)
        _tell(recorder, acknowledge)


def _tell(recorder: Recorder, acknowledge: int) -> None:
    rows = recorder.flushed_rows
    os.write(acknowledge, _COUNTS.pack(*(rows[name] for name in _TABLES)))


def _record_episode(
    recorder: Recorder,
    env: gym.Env[Any, Any],
    actions: gym.Space[Any],
    chance: random.Random,
    acknowledge: int,
) -> None:
    seed = chance.getrandbits(31)
    observation, _ = env.reset(seed=seed)
    episode, start = recorder.begin_episode(observation, seed=seed, options=None), recorder.steps
    flushed, is_over = recorder.flushed_steps, False
    while not is_over:
        action = actions.sample()
        observation, reward, terminated, truncated, _ = env.step(action)
        is_over = terminated or truncated
        step = recorder.step(
            action, float(reward), terminated, truncated, observation, driver=Driver.SCRIPTED
        )
        if chance.random() < 0.1:
            label = recorder.label(step, action, labeler="scripted", kind=LabelKind.LIVE)
            if chance.random() < 0.3:
                at = step - start
                recorder.edit(EditKind.WITHDRAW, episode=episode, start=at, stop=at + 1, value=label)
        if chance.random() < 0.1:
            recorder.flush()
        if is_over:
            recorder.end_episode(Outcome.FAILURE)
        if recorder.flushed_steps != flushed:
            flushed = recorder.flushed_steps
            _tell(recorder, acknowledge)


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
