"""Minari (0.5): a folder with `main_data.hdf5`, a group an episode, and `metadata.json`.

Lossless: what Minari has no words for lies in each episode's `infos/understudy`, which its own reader hands out, and
the header in the metadata. Pictures are stored as they are (`jpeg_encoding` false), and not read where they are JPEG.
Facts of the layout: Minari's documentation of its dataset standard, and its HDF5 storage (version 0.5.4).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gymnasium as gym
import h5py
import numpy as np
import numpy.typing as npt

from recordings import spaces
from recordings.errors import RecordingError, UnreadableSource
from recordings.exchange.aside import folder_for
from recordings.exchange.episodes import (
    ABOUT,
    EpisodeTables,
    about_as_json,
    about_from_json,
    header_from_attributes,
    taken_out,
)
from recordings.exchange.hdf5 import Foreign, opened
from recordings.exchange.importer import Importer
from recordings.exchange.json_file import read_object
from recordings.reader import Reader
from recordings.schema import Driver, Header

Array = npt.NDArray[Any]

DATA, METADATA, OWN = "main_data.hdf5", "metadata.json", "understudy"
VERSION = "0.5.3"
"""Of Minari, which its readers from 0.5 on accept."""
_NO_SPACE = (ValueError, KeyError, TypeError, AttributeError, AssertionError, OverflowError, RecursionError)


def export(reader: Reader, target: Path) -> dict[str, int]:
    """Write the ended episodes to the folder `target`. Raises RecordingExists if it is there, OSError."""
    with folder_for(target) as folder:
        counts = _write_data(reader, folder / DATA)
        metadata = _metadata(reader, target.name, counts)
        (folder / METADATA).write_text(json.dumps(metadata), encoding="utf-8")
        return counts


def take_in(
    source: Path, target: Path, driver: Driver = Driver.POLICY, world: Header | None = None
) -> dict[str, int]:
    """Make a recording of the Minari folder `source`. driver, world: who drove and where, if it does not say.

    Raises UnreadableSource, and as `Composer`.
    """
    metadata = _read_metadata(source)
    header = _header(metadata, source)
    _require_plain_pictures(metadata, header, source)
    with opened(source / DATA) as root, Importer(target, header, source, driver, world) as importer:
        for number in range(len(root.names())):
            importer.add(number, _episode(root.group(f"episode_{number}"), header, source, number))
        return importer.counts


# -- out -------------------------------------------------------------------------------------------------


def _write_data(reader: Reader, path: Path) -> dict[str, int]:
    counts = {"episodes": 0, "steps": 0}
    observation, action = reader.header.observation_space, reader.header.action_space
    with h5py.File(path, "w", track_order=True) as file:
        for episode in taken_out(reader):
            group = file.create_group(f"episode_{counts['episodes']}")
            group.attrs["id"] = counts["episodes"]
            group.attrs["total_steps"] = len(episode.rewards)
            if episode.seed >= 0:
                group.attrs["seed"] = episode.seed
            _write_space(group, "observations", observation, episode.observations)
            _write_space(group, "actions", action, episode.actions)
            group["rewards"] = episode.rewards
            group["terminations"] = episode.terminated.astype(bool)
            group["truncations"] = episode.truncated.astype(bool)
            own = group.create_group(f"infos/{OWN}")
            for name, values in episode.own.items():
                own[name] = values
            own[ABOUT] = about_as_json(episode)
            if episode.options is not None:
                own["options"] = json.dumps(dict(episode.options))
            counts["episodes"] += 1
            counts["steps"] += len(episode.rewards)
    return counts


def _write_space(group: h5py.Group, name: str, space: spaces.Space, rows: Array) -> None:
    """rows (N, ...) as stored -> a dataset, or for a Dict or Tuple a group of them."""
    if not spaces.storage(space).flattened:
        group[name] = rows.astype(space.dtype, copy=False)
        return
    _write_parts(group, name, space, spaces.decoder_of_rows(space)(rows))


def _write_parts(group: h5py.Group, name: str, space: spaces.Space, elements: Any) -> None:
    parts = _parts(space)
    if parts is None:
        group[name] = np.array(list(elements), space.dtype).reshape(len(elements), *(space.shape or ()))
        return
    inside = group.create_group(name)
    for key, (label, part) in parts.items():
        _write_parts(inside, label, part, [element[key] for element in elements])


def _parts(space: spaces.Space) -> dict[Any, tuple[str, spaces.Space]] | None:
    """Key in an element -> Minari's name for it, and its space; None for a space without parts."""
    if isinstance(space, gym.spaces.Dict):
        return {key: (str(key), part) for key, part in space.spaces.items()}
    if isinstance(space, gym.spaces.Tuple):
        return {index: (f"_index_{index}", part) for index, part in enumerate(space.spaces)}
    return None


def _metadata(reader: Reader, name: str, counts: Mapping[str, int]) -> dict[str, Any]:
    header = reader.header
    metadata: dict[str, Any] = {
        "dataset_id": f"understudy/{name}-v0",
        "total_episodes": counts["episodes"],
        "total_steps": counts["steps"],
        "data_format": "hdf5",
        "jpeg_encoding": False,
        "minari_version": VERSION,
        "observation_space": json.dumps(_space_as_json(header.observation_space)),
        "action_space": json.dumps(_space_as_json(header.action_space)),
        OWN: header.to_attributes(),
    }
    if header.env_spec_json:
        metadata["env_spec"] = header.env_spec_json
    if header.operator:
        metadata["author"] = [header.operator]
    return metadata


def _space_as_json(space: spaces.Space) -> dict[str, Any]:
    """In Minari's words."""
    parts = _parts(space)
    if isinstance(space, gym.spaces.Dict):
        assert parts is not None
        return {"type": "Dict", "subspaces": {name: _space_as_json(part) for name, part in parts.values()}}
    if isinstance(space, gym.spaces.Tuple):
        return {"type": "Tuple", "subspaces": [_space_as_json(part) for part in space.spaces]}
    if isinstance(space, gym.spaces.Discrete):
        return {"type": "Discrete", "dtype": "int64", "start": int(space.start), "n": int(space.n)}
    if isinstance(space, gym.spaces.Box):
        bounds = {"low": space.low.tolist(), "high": space.high.tolist()}
        return {"type": "Box", "dtype": str(space.dtype), "shape": list(space.shape), **bounds}
    if isinstance(space, gym.spaces.MultiDiscrete):
        numbers = {"nvec": space.nvec.tolist(), "start": space.start.tolist()}
        return {"type": "MultiDiscrete", "dtype": str(space.dtype), **numbers}
    assert isinstance(space, gym.spaces.MultiBinary)
    return {"type": "MultiBinary", "n": space.n if isinstance(space.n, int) else list(space.n)}


# -- in --------------------------------------------------------------------------------------------------


def _read_metadata(source: Path) -> dict[str, Any]:
    path = source / METADATA
    remedy = f"Name the folder that holds {METADATA} and {DATA} (Minari calls it `data`)."
    metadata = read_object(path, "the JSON metadata of a Minari dataset", remedy)
    if metadata.get("data_format", "hdf5") != "hdf5":
        raise UnreadableSource(
            f"{path}: data_format: expected hdf5, found {str(metadata['data_format'])[:40]!r}. Minari can write the "
            "dataset anew in that form."
        )
    return metadata


def _require_plain_pictures(metadata: Mapping[str, Any], header: Header, source: Path) -> None:
    """Raises UnreadableSource where observations or actions are JPEG pictures, which differ from what was seen."""
    if metadata.get("jpeg_encoding", True) and any(
        map(_is_picture, (header.observation_space, header.action_space))
    ):
        raise UnreadableSource(
            f"{source / METADATA}: jpeg_encoding: expected false where observations are pictures, found true: what was "
            "seen is lost. Have Minari write the dataset anew with jpeg_encoding=False."
        )


def _is_picture(space: spaces.Space) -> bool:
    """What Minari stores as JPEG unless told otherwise, or has such a part."""
    parts = _parts(space)
    if parts is not None:
        return any(_is_picture(part) for _, part in parts.values())
    return isinstance(space, gym.spaces.Box) and space.dtype == np.uint8 and len(space.shape) in (2, 3)


def _header(metadata: Mapping[str, Any], source: Path) -> Header:
    own = metadata.get(OWN)
    if isinstance(own, dict):
        return header_from_attributes(own, source / METADATA)
    spec = metadata.get("env_spec")
    found = []
    for name in ("observation_space", "action_space"):
        text = metadata.get(name)
        if not isinstance(text, str):
            raise UnreadableSource(
                f"{source / METADATA}: {name}: expected a space as JSON text, found {str(text)[:60]!r}. A dataset that "
                "names only its environment has to be written anew by Minari with its spaces."
            )
        try:
            found.append(spaces.to_json(_space(json.loads(text), 0)))
        except (*_NO_SPACE, RecordingError) as error:
            raise UnreadableSource(
                f"{source / METADATA}: {name}: expected a space that can be recorded, found {text[:80]!r} ({error})."
            ) from error
    author = metadata.get("author")
    operator = ", ".join(map(str, author)) if isinstance(author, list) else str(author or "")
    return Header(spec if isinstance(spec, str) else "", found[0], found[1], operator=operator[:64])


def _space(words: Any, depth: int) -> spaces.Space:
    """From Minari's words to ours. Raises ValueError, KeyError, TypeError."""
    if not isinstance(words, dict) or depth > 16:
        raise ValueError("expected an object with a type")
    if words["type"] in ("Dict", "Tuple"):
        inside = words["subspaces"]
        if words["type"] == "Dict":
            return gym.spaces.Dict({str(name): _space(part, depth + 1) for name, part in inside.items()})
        return gym.spaces.Tuple([_space(part, depth + 1) for part in inside])
    if words["type"] == "Box":
        low, high = (_flat(words[name]) for name in ("low", "high"))
        return spaces.from_json(json.dumps({**words, "low": low, "high": high}))
    if words["type"] not in ("Discrete", "MultiDiscrete", "MultiBinary"):
        raise ValueError(f"{str(words['type'])[:40]} has no fixed size")
    return spaces.from_json(json.dumps(words))


def _flat(bounds: Any) -> list[Any]:
    """Nested lists of numbers -> one list; infinities as words."""
    array = np.asarray(bounds, np.float64) if not _is_whole(bounds) else np.asarray(bounds)
    words = {np.inf: "inf", -np.inf: "-inf"}
    return [words.get(value, "nan" if value != value else value) for value in array.ravel().tolist()]


def _is_whole(bounds: Any) -> bool:
    return np.asarray(bounds).dtype.kind in "iu"


def _episode(group: Foreign, header: Header, source: Path, number: int) -> EpisodeTables:
    seed = group.attribute("seed", -1)
    own, about, options = _own(group, source, number)
    return EpisodeTables(
        observations=_read_space(group, "observations", header.observation_space),
        actions=_read_space(group, "actions", header.action_space),
        rewards=group.array("rewards"),
        terminated=group.array("terminations"),
        truncated=group.array("truncations"),
        seed=int(seed) if isinstance(seed, int | np.integer) else -1,
        options=options,
        own=own,
        about=about,
    )


def _own(
    group: Foreign, source: Path, number: int
) -> tuple[dict[str, Array], dict[str, Any], dict[str, Any] | None]:
    """What we alone can say, where the dataset is from a recording."""
    if "infos" not in group or OWN not in group.group("infos"):
        return {}, {}, None
    inside = group.group("infos").group(OWN)
    texts = (ABOUT, "options")
    arrays = {name: inside.array(name) for name in inside.names() if name not in texts}
    about = about_from_json(inside.text(ABOUT), source, number) if ABOUT in inside else {}
    options = about_from_json(inside.text("options"), source, number) if "options" in inside else None
    return arrays, about, options


def _read_space(group: Foreign, name: str, space: spaces.Space) -> Array:
    """(N, ...) rows in the form in which a recording stores them."""
    if not spaces.storage(space).flattened:
        return group.array(name)
    elements = _read_parts(group, name, space)
    encode = spaces.encoder(space)
    return np.array([encode(each) for each in elements])


def _read_parts(group: Foreign, name: str, space: spaces.Space) -> list[Any]:
    parts = _parts(space)
    if parts is None:
        return list(group.array(name))
    inside = group.group(name)
    columns = {key: _read_parts(inside, label, part) for key, (label, part) in parts.items()}
    n = min((len(column) for column in columns.values()), default=0)
    rows = [{key: column[row] for key, column in columns.items()} for row in range(n)]
    return rows if isinstance(space, gym.spaces.Dict) else [tuple(row.values()) for row in rows]
