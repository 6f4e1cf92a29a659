"""The GridWorld tutorial's demonstrations (tsmatz): one pickled dict, episodes end to end.

`states` and `actions` (N,) int64, `rewards` (N,) float32, and the episodes' lengths, `timestep_lens` (E,) int64. The
map is that of seed 1000, without slip. What each episode's last action led to is missing, and the goal is reached
nowhere else: stepping the world puts it back. Every row is held against the world, so that what is taken in replays;
an episode that stopped neither at the goal nor at the limit comes back as truncated.
Facts of the layout: the tutorial's README; docs/decisions/0027 on reading a pickle.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from recordings.errors import UnreadableSource, WorldMismatch
from recordings.exchange import pickles
from recordings.exchange.aside import file_for
from recordings.exchange.episodes import EpisodeTables, taken_out
from recordings.exchange.importer import Importer
from recordings.reader import Reader
from recordings.schema import Driver, Header, Outcome
from recordings.worldspec import registered_spec

Array = npt.NDArray[Any]

WORLD, MAP_SEED = "understudy/GridWorld-v0", 1000
SEED = 0
"""Of every reset: the start is named by its options, so that the seed decides nothing."""
TYPES = {"states": "<i8", "actions": "<i8", "rewards": "<f4", "timestep_lens": "<i8"}


def export(reader: Reader, target: Path) -> dict[str, int]:
    """Write the ended episodes to the file `target`. Raises RecordingExists, WorldMismatch, OSError."""
    _require_its_world(reader)
    episodes = [
        (each.observations[:-1], each.actions, each.rewards.astype(np.float32))
        for each in taken_out(reader)
        if len(each.rewards)
    ]
    lengths = [len(rewards) for *_, rewards in episodes]
    columns = [np.concatenate(column) for column in zip(*episodes, strict=True)] or [np.zeros(0)] * 3
    arrays = {
        name: np.asarray(column).astype(kind)
        for (name, kind), column in zip(TYPES.items(), [*columns, lengths], strict=True)
    }
    with file_for(target) as aside:
        pickles.write(aside, arrays)
    return {"episodes": len(lengths), "steps": sum(lengths)}


def take_in(
    source: Path, target: Path, driver: Driver = Driver.POLICY, world: Header | None = None
) -> dict[str, int]:
    """Make a recording of the pickle `source`, driven by `driver`; its world is known.

    Raises UnreadableSource, and as `Composer`.
    """
    return record(pickles.read(source), source, target, driver, world)


def record(
    arrays: Mapping[str, Array], source: Path, target: Path, driver: Driver, named: Header | None = None
) -> dict[str, int]:
    """Make a recording of the four arrays. Raises UnreadableSource, and as `Composer`."""
    world = _World.stepped()
    _require_episodes(arrays, world, source)
    stops = np.cumsum(arrays["timestep_lens"], dtype=np.int64).tolist()
    with Importer(target, world.header, source, driver, named) as importer:
        for number, (start, stop) in enumerate(zip([0, *stops], stops, strict=False)):
            walk = _Walk(*(arrays[name][start:stop] for name in ("states", "actions", "rewards")))
            importer.add(number, _episode(walk, world, source, start))
        return importer.counts


@dataclass(frozen=True)
class _Walk:
    """An episode's rows, (T,) each."""

    states: Array
    actions: Array
    rewards: Array


def _episode(walk: _Walk, world: _World, source: Path, first: int) -> EpisodeTables:
    """first: row of its first step. Raises UnreadableSource for what is no walk in the world."""
    n = len(walk.states)
    last = int(walk.states[-1]), int(walk.actions[-1])
    final, arrived = int(world.next_states[last]), bool(world.terminated[last])
    _require_walk(walk, final, world, source, first)
    ends = np.arange(n) == n - 1
    return EpisodeTables(
        observations=np.append(walk.states, final),
        actions=walk.actions,
        rewards=walk.rewards,
        terminated=ends & arrived,
        truncated=ends & (not arrived or n == world.limit),
        seed=SEED,
        options={"state": int(walk.states[0])},
        about={"outcome": int(Outcome.SUCCESS if arrived else Outcome.FAILURE)},
    )


def _require_its_world(reader: Reader) -> None:
    header = reader.header
    kwargs = json.loads(header.world[1])["kwargs"] or {}
    found = header.env_id, kwargs.get("map_seed", MAP_SEED), bool(kwargs.get("slip", False))
    if found != (WORLD, MAP_SEED, False):
        raise WorldMismatch(
            f"{reader.path}: env_spec_json: expected {WORLD} on the map of seed {MAP_SEED} without slip, found "
            f"{header.env_id or 'no world'} {json.dumps(kwargs)[:80]}. The tutorial's format is of that world alone; "
            "export to another."
        )


@dataclass(frozen=True)
class _World:
    """Where each action leads from each state, as stepping the world tells: (S, 4); the goal, the last, has no row."""

    header: Header
    limit: int
    """Steps after which an episode is truncated."""
    next_states: Array
    rewards: Array
    terminated: Array

    @classmethod
    def stepped(cls) -> _World:
        """Raises NotReplayable where GridWorld is not installed."""
        words = json.dumps({"id": WORLD, "kwargs": {"map_seed": MAP_SEED}})
        spec = registered_spec(Header(words, "", ""))
        assert spec is not None
        assert spec.max_episode_steps is not None
        with gym.make(spec) as env:
            header = Header.for_env(env, operator="GridWorld tutorial")
            n_states = int(header.observation_space.n) - 1  # type: ignore[attr-defined]
            steps = [_step(env, state, action) for state in range(n_states) for action in range(4)]
        columns = [np.array(column).reshape(n_states, 4) for column in zip(*steps, strict=True)]
        return cls(header, spec.max_episode_steps, *columns)


def _step(env: gym.Env[Any, Any], state: int, action: int) -> tuple[int, float, bool]:
    env.reset(options={"state": state})
    following, reward, terminated, _, _ = env.step(action)
    return int(following), float(reward), bool(terminated)


def _require_episodes(arrays: Mapping[str, Array], world: _World, source: Path) -> None:
    """Raises UnreadableSource where the arrays are not those of episodes."""
    if set(arrays) != set(TYPES):
        raise _refused(source, "keys", ", ".join(TYPES), ", ".join(arrays)[:80] or "none")
    for name, array in arrays.items():
        if array.ndim != 1 or array.dtype.kind not in ("biuf" if name == "rewards" else "iu"):
            raise _refused(
                source, name, "one row of numbers" if name == "rewards" else "whole numbers", str(array.dtype)
            )
    _require_range(arrays, "timestep_lens", 1, world.limit, source)
    n = int(arrays["timestep_lens"].sum(dtype=np.int64))
    for name in ("states", "actions", "rewards"):
        if len(arrays[name]) != n:
            raise _refused(source, name, f"{n} rows, as timestep_lens says", str(len(arrays[name])))
    _require_range(arrays, "states", 0, len(world.next_states) - 1, source)
    _require_range(arrays, "actions", 0, 3, source)


def _require_range(arrays: Mapping[str, Array], name: str, low: int, high: int, source: Path) -> None:
    values = arrays[name]
    if len(values) and (values.min() < low or values.max() > high):
        raise _refused(source, name, f"{low} to {high}", f"{values.min()} to {values.max()}")


def _require_walk(walk: _Walk, final: int, world: _World, source: Path, first: int) -> None:
    """Raises UnreadableSource at the first row that is no step of the world."""
    following = world.next_states[walk.states, walk.actions]
    found = np.append(walk.states[1:], final)
    pays = world.rewards[walk.states, walk.actions]
    wrong = (following != found) | (pays != walk.rewards)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise _refused(
            source,
            f"row {first + row}",
            f"action {walk.actions[row]} in state {walk.states[row]} to lead to {following[row]} and pay "
            f"{pays[row]:g}, as on the map of seed {MAP_SEED} without slip",
            f"{found[row]} and {walk.rewards[row]:g}",
        )


def _refused(source: Path, name: str, expected: str, found: str) -> UnreadableSource:
    return UnreadableSource(
        f"{source}: {name}: expected {expected}, found {found}. The file is damaged, or of another world than the "
        "tutorial's; nothing was written."
    )
