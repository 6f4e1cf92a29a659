"""Every reader of files that may come from elsewhere: a sound file for it, and how it is read to the end."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
from recordings.exchange import minari
from recordings.merging import merge
from recordings.schema import tables
from teleop.journals.journal import VERSION, Journal
from teleop.preferences import settings
from teleop.worlds.key_map import KEY_MAPS, load_key_map
from tests.recordings import random_recordings


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


def _minari(name: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        with recordings.open(_recording(folder)) as reader:
            minari.export(reader, folder / "data")
        return folder / "data" / name

    return make


def _take_in_minari(folder: Path, path: Path) -> None:
    (folder / "new.h5").unlink(missing_ok=True)
    minari.take_in(path.parent, folder / "new.h5")
    _read_recording(folder, folder / "new.h5")


READERS: Mapping[str, Reader] = {
    "recording": Reader(_recording, _read_recording),
    "merge": Reader(_recording, _merge_recording),
    "policy": Reader(_policy, _read_policy),
    "key-map": Reader(_key_map, lambda folder, path: load_key_map(path)),
    "settings": Reader(_settings, lambda folder, path: settings.load(folder)),
    "journal": Reader(_journal, _read_journal),
    "minari-data": Reader(_minari(minari.DATA), _take_in_minari),
    "minari-metadata": Reader(_minari(minari.METADATA), _take_in_minari),
}
