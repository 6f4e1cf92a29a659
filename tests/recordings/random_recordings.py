"""Recordings in which everything that the format has room for happens at random."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np

import teleop.worlds  # noqa: F401 - makes the worlds known to gymnasium
from recordings import Driver, EditKind, Header, LabelKind, Outcome, Recorder

WORLDS = ("understudy/GridWorld-v0", "CartPole-v1", "understudy/LoopTrack-v0")
OPERATORS = ("Ada", "Grace", "李雷")
LABELERS = ("Ada", "human", "scripted", "policy 3")


def header_of(world: str, **about: Any) -> Header:
    with gym.make(world) as env:
        return replace(Header.for_env(env, control_hz=12.0, key_map={"left": 0, "right": 1}), **about)


def make(
    path: Path, world: str, seed: int, *, sittings: int = 2, episodes: int = 4, longest: int = 6
) -> None:
    """A recording of up to so many episodes a sitting, some of them branches; labelled, and curated."""
    rng = np.random.default_rng(seed)
    header = header_of(world)
    observations, actions = header.observation_space, header.action_space
    for space in (observations, actions):
        space.seed(int(rng.integers(2**31)))
    lengths: list[int] = []
    for sitting in range(sittings):
        mine = replace(header, operator=str(rng.choice(OPERATORS)), session_id=f"{seed}-{sitting}")
        with Recorder(path, mine, resume=path.exists()) as recorder:
            for _ in range(rng.integers(episodes + 1)):
                _episode(recorder, observations, actions, lengths, int(rng.integers(1, longest + 1)), rng)
            if lengths:
                _labels(recorder, actions, rng)
                _acts(recorder, lengths, rng)


def _episode(
    recorder: Recorder,
    observations: gym.Space[Any],
    actions: gym.Space[Any],
    lengths: list[int],
    length: int,
    rng: np.random.Generator,
) -> None:
    is_branch = bool(lengths) and rng.random() < 0.4
    parent = int(rng.integers(len(lengths))) if is_branch else -1
    repeated = int(rng.integers(1, min(length, lengths[parent]) + 1)) if is_branch else -1
    options = {"start": int(rng.integers(9)), "note": "λ"} if rng.random() < 0.3 else None
    seed = int(rng.integers(2**62)) if rng.random() < 0.8 else None
    recorder.begin_episode(
        observations.sample(), seed=seed, options=options, parent=parent, branch_step=repeated
    )
    for step in range(length):
        is_last = step == length - 1
        was_asked = rng.random() < 0.5
        recorder.step(
            actions.sample(),
            float(rng.choice([0.0, -1.0, np.pi, 1e300, -0.0])),
            is_last and bool(rng.random() < 0.5),
            is_last and bool(rng.random() < 0.5),
            observations.sample(),
            driver=Driver.REPLAYED if step < repeated else int(rng.integers(Driver.REPLAYED)),
            student_action=actions.sample() if was_asked else None,
            student_version=int(rng.integers(100)) if was_asked else -1,
            time_ns=int(rng.integers(2**62)),
            keys=int(rng.integers(2**32)),
        )
    recorder.end_episode(int(rng.choice([Outcome.SUCCESS, Outcome.FAILURE, Outcome.UNKNOWN])))
    lengths.append(length)


def _labels(recorder: Recorder, actions: gym.Space[Any], rng: np.random.Generator) -> None:
    for _ in range(rng.integers(8)):
        recorder.label(
            int(rng.integers(recorder.steps)),
            actions.sample(),
            labeler=str(rng.choice(LABELERS)),
            kind=int(rng.choice(list(LabelKind))),
            time_ns=int(rng.integers(2**62)),
        )


def _acts(recorder: Recorder, lengths: list[int], rng: np.random.Generator) -> None:
    for _ in range(rng.integers(6)):
        n_acts, n_labels = recorder._rows_of("edits"), recorder._rows_of("labels")
        kinds = [EditKind.DISCARD, EditKind.RESTORE, EditKind.MARK, EditKind.JUDGE]
        kinds += [EditKind.UNDO] * (n_acts > 0) + [EditKind.WITHDRAW] * (n_labels > 0)
        kind = EditKind(int(rng.choice(kinds)))
        episode = int(rng.integers(len(lengths)))
        start = int(rng.integers(lengths[episode]))
        value = {
            EditKind.JUDGE: int(rng.integers(Outcome.SUCCESS, Outcome.UNKNOWN + 1)),
            EditKind.UNDO: int(rng.integers(max(1, n_acts))),
            EditKind.WITHDRAW: int(rng.integers(max(1, n_labels))),
        }.get(kind, 0)
        note = str(rng.choice(["", "slipped", "Ada said so; ada twice"]))
        recorder.edit(kind, episode=episode, start=start, stop=-1, value=value, note=note, time_ns=7)
