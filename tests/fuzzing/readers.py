"""Every reader of files that may come from elsewhere: a sound file for it, and how it is read to the end."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import gymnasium as gym
import numpy as np

import recordings
import teleop.worlds  # noqa: F401 - makes the worlds known to gymnasium
from learners import checkpoint
from learners.networks import build, freeze
from learners.policies import Architecture
from recordings.curation import lessons, tally
from recordings.demonstrations import Filter, load
from recordings.errors import UnderstudyError
from recordings.exchange import arrow, minari
from recordings.exchange.catalogue import FORMATS
from recordings.merging import merge
from recordings.schema import Driver, tables
from teleop.journals.journal import VERSION, Journal
from teleop.preferences import settings
from teleop.worlds.key_map import KEY_MAPS, load_key_map
from tests.recordings import random_recordings
from tests.recordings.exchange.test_tutorial import walk


@dataclass(frozen=True)
class Reader:
    """make: a folder in which the file to be damaged is made; returns its path. read: of that folder and path."""

    make: Callable[[Path], Path]
    read: Callable[[Path, Path], object]


def _recording(folder: Path) -> Path:
    random_recordings.make(folder / "demo.h5", "CartPole-v1", 11, sittings=3)
    return folder / "demo.h5"


def _read_recording(folder: Path, path: Path) -> None:
    with recordings.open(path) as reader:
        for table in tables(reader.header):
            for column in table.columns:
                reader.read(table.name, column.name, 0, reader.row_counts()[table.name])
        for episode in reader.episodes:
            _ = episode.observations, episode.options, episode.outcome, episode.labels()
        tally(reader)
        lessons(reader)
        reader.sessions()
    load(path, Filter(actions="labelled", labels="only"))


def _merge_recording(folder: Path, path: Path) -> None:
    (folder / "merged.h5").unlink(missing_ok=True)
    merge([path], folder / "merged.h5")
    _read_recording(folder, folder / "merged.h5")


def _policy(folder: Path) -> Path:
    space = gym.spaces.Box(-1.0, 1.0, (3,), np.float32)
    architecture = Architecture(space, gym.spaces.Discrete(2), hidden=(4,))
    policy = freeze(build(architecture, np.random.default_rng(0)), architecture)
    checkpoint.save(policy, folder / "policy.safetensors")
    return folder / "policy.safetensors"


def _read_policy(folder: Path, path: Path) -> None:
    policy = checkpoint.load(path).policy
    space = policy.architecture.observation_space
    policy.act(np.stack([np.zeros(space.shape or (), space.dtype)] * 2))


def _key_map(folder: Path) -> Path:
    path = folder / "keys.toml"
    path.write_bytes((KEY_MAPS / "mountaincar.toml").read_bytes())
    return path


def _settings(folder: Path) -> Path:
    settings.save(settings.Settings(), folder)
    (path,) = folder.glob("*.json")
    return path


def _journal(folder: Path) -> Path:
    path = folder / "session.keys"
    head = json.dumps({"understudy_journal": VERSION, "began_ns": 12, "settings": {"env": "gridworld"}})
    path.write_text(f"{head}\n5 press left\n7\n9 scrub 3\n7 release left\n3 close\n", encoding="utf-8")
    return path


def _read_journal(folder: Path, path: Path) -> None:
    for _ in Journal(path).events():
        pass


def _walks(folder: Path) -> Path:
    walk(folder / "walks.h5", seed=5)
    return folder / "walks.h5"


def _of_another_format(name: str, damaged: str = "", recorded: Callable[[Path], Path] = _recording) -> Reader:
    """What a recording became in this format; where that is a folder, `damaged` is the file in it."""

    def make(folder: Path) -> Path:
        with recordings.open(recorded(folder)) as reader:
            FORMATS[name].export(reader, folder / "data")
        return folder / "data" / damaged

    def read(folder: Path, path: Path) -> None:
        new = folder / "new.h5"
        new.unlink(missing_ok=True)
        try:
            FORMATS[name].take_in(folder / "data", new, Driver.POLICY, None)
        except UnderstudyError:
            assert not new.exists(), "half of it was taken in"
            raise
        _read_recording(folder, new)

    return Reader(make, read)


READERS: dict[str, Reader] = {
    "recording": Reader(_recording, _read_recording),
    "merge": Reader(_recording, _merge_recording),
    "policy": Reader(_policy, _read_policy),
    "key-map": Reader(_key_map, lambda folder, path: load_key_map(path)),
    "settings": Reader(_settings, lambda folder, path: settings.load(folder)),
    "journal": Reader(_journal, _read_journal),
    "minari-data": _of_another_format("minari", minari.DATA),
    "minari-metadata": _of_another_format("minari", minari.METADATA),
    "robomimic": _of_another_format("robomimic"),
    "d4rl": _of_another_format("d4rl"),
    "tutorial": _of_another_format("tutorial", recorded=_walks),
}
if find_spec("pyarrow") is not None:
    READERS["imitation-data"] = _of_another_format("imitation", arrow.DATA)
    READERS["imitation-state"] = _of_another_format("imitation", arrow.STATE)
    READERS["imitation-info"] = _of_another_format("imitation", arrow.INFO)
