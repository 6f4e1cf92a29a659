"""What there is to choose from in a folder: recordings, policies, worlds by their key maps. It changes nothing."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from gymnasium.envs.registration import EnvSpec

from learners import checkpoint
from learners.checkpoint import Origin
from recordings import datafile
from recordings.errors import UnderstudyError
from recordings.schema import Header
from recordings.worldspec import registered_spec
from teleop.app.form import Option
from teleop.app.words import age
from teleop.worlds.catalogue import World
from teleop.worlds.key_map import load_key_map, shipped

LISTED = 200
"""Recordings offered for review, the newest ones."""
LOOKED_INTO = 20
"""Recordings and policies that are opened to see which world they are of."""
KNOWN = 256
"""Files of which it is remembered while they do not change."""


def recent_recordings(folder: Path, remembered: Iterable[Path]) -> list[Path]:
    """The recordings in a folder and those remembered, newest first."""
    return _newest({path.absolute() for path in (*folder.glob("*.h5"), *remembered)})[:LISTED]


def new_file(folder: Path, world: str) -> Path:
    """A file in the folder that does not exist yet: "gridworld-3.h5" after two others."""
    number = 1
    while (path := folder / f"{world}-{number}.h5").exists():
        number += 1
    return path


def to_review(paths: Iterable[Path]) -> list[Option]:
    """A recording as an answer: its path, its name, and how old and large it is."""
    now_s = time.time()
    options = []
    for path in paths:
        with suppress(OSError):  # gone a moment ago
            about = path.stat()
            old = age(max(0.0, now_s - about.st_mtime))
            note = f"{path.parent} · {_size(about.st_size)} · {old} ago"
            options.append(Option(str(path), path.name, note))
    return options


def to_continue(paths: Iterable[Path], worlds: Mapping[str, World]) -> dict[str, tuple[Option, ...]]:
    """World's value -> the recordings of it, of the newest ones."""
    found: dict[str, tuple[Option, ...]] = {}
    for path in list(paths)[:LOOKED_INTO]:
        spec = _recorded_spec(path, _changed_ns(path))
        option = Option(
            str(path), f"Continue {path.name}", f"{path}: new episodes are added to those it holds."
        )
        for name, world in worlds.items():
            if spec is not None and (spec.id, spec.kwargs) == (world.env_id, world.spec().kwargs):
                found[name] = (*found.get(name, ()), option)
    return found


def policies(folder: Path, worlds: Mapping[str, World]) -> dict[str, tuple[Option, ...]]:
    """World's value -> the policies in the folder that were trained for it, newest first."""
    found: dict[str, tuple[Option, ...]] = {}
    for path in _newest(folder.glob("*.safetensors"))[:LOOKED_INTO]:
        origin = _origin(path, _changed_ns(path))
        if origin is None:
            continue
        note = f"{path}: learned by {origin.learner or 'an unnamed learner'}; your labels teach it further."
        for name, world in worlds.items():
            if world.env_id == origin.env_id:
                found[name] = (*found.get(name, ()), Option(str(path), path.stem, note))
    return found


@lru_cache(maxsize=KNOWN)
def _recorded_spec(path: Path, changed_ns: int) -> EnvSpec | None:
    """The world of a recording, by its header alone; None where it is no recording, or of no world known here."""
    try:
        file, _ = datafile.open_for_reading(path)
        with file:
            header = Header.from_attributes(datafile.attributes(file, path), str(path))
        return registered_spec(header)
    except (UnderstudyError, OSError):
        return None


@lru_cache(maxsize=KNOWN)
def _origin(path: Path, changed_ns: int) -> Origin | None:
    """Where a policy comes from; None where the file holds none."""
    try:
        return checkpoint.load(path).origin
    except UnderstudyError:
        return None


def _changed_ns(path: Path) -> int:
    """When a file was last written; 0 where it is gone."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def folder_worlds(folder: Path) -> dict[str, World]:
    """Name of a key map file in the folder -> the world that it describes; files that describe none are left out."""
    worlds = {}
    for path in sorted(folder.glob("*.toml")):
        with suppress(UnderstudyError):
            worlds[path.name] = load_key_map(path)
    return worlds


def mapped_worlds() -> dict[str, World]:
    """Name -> world of each key map that comes with the program; without those whose extra is missing here."""
    worlds = {}
    for name, (path, _) in shipped().items():
        with suppress(UnderstudyError):
            worlds[name] = load_key_map(path)
    return worlds


def _newest(paths: Iterable[Path]) -> list[Path]:
    return sorted((path for path in paths if path.is_file()), key=_changed_ns, reverse=True)


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{max(1, round(count / 1e3))} kB"
