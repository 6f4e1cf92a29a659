"""robomimic (0.3): an HDF5 file with a group `data/demo_i` a demonstration, and names of some in `mask/<filter>`.

robomimic fits numbers: vectors of observations, and actions in [-1, 1]. So choices become one-hot vectors, and numbers
with bounds beyond these are scaled: `action_low` and `action_high`, attributes of `data`, are what -1 and 1 stand for,
which are the bounds of the space, or the greatest number found in the recording where it has none. An action beyond its
bounds is clipped. Observations lie under the key `flat`, a Dict's and a Tuple's under one a part.

Lossless: in each demonstration a group `understudy` holds what was recorded, wherever the above changed it, and what
robomimic has no words for. Demonstrations without a step, which its reader refuses, lie in a group beside `data`.
`dones` are what terminated: value learners look beyond a time limit, at `next_obs`. `states`, of which a simulator is
made, are not recorded and left out. The filter `kept` names demonstrations of which no step was discarded, `success`
and `failure` those of them that ended so.

Of a dataset that is not from a recording, `states` and filters are not read. The last of `dones` ends the demonstration
(earlier ones say that a task was fulfilled at that time); where it is 0 it was truncated. Without `next_obs` nobody
knows what was seen after the last step: the last observation is repeated.

Facts of the layout: robomimic's `utils/dataset.py`, `utils/file_utils.py` and its documentation of datasets.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium as gym
import h5py
import numpy as np
import numpy.typing as npt

from recordings import spaces
from recordings.exchange import inferred
from recordings.exchange.episodes import (
    ABOUT,
    OF_LABELS,
    OF_STEPS,
    EpisodeTables,
    about_as_json,
    about_from_json,
    header_as_json,
    header_from_json,
    taken_out,
)
from recordings.exchange.hdf5 import Foreign, created, opened, refusal
from recordings.exchange.importer import Importer
from recordings.reader import Reader
from recordings.schema import Driver, Header, Outcome

Array = npt.NDArray[Any]

OWN, FLAT = "understudy", "flat"
_GYM = 2
"""robomimic's number for worlds made by their gym id."""
_MOST_CHOICES = 4096
"""More are not laid out one-hot, but left as numbers."""
_NAME = re.compile(r"demo_(\d{1,18})")
_OWN_COLUMNS = (
    "observation",
    "action",
    "truncated",
    *OF_STEPS,
    "label_row",
    *(f"label_{name}" for name in OF_LABELS),
)


def export(reader: Reader, target: Path) -> dict[str, int]:
    """Write the ended episodes to the file `target`. Raises RecordingExists if it is there, OSError."""
    counts = {"episodes": 0, "steps": 0}
    scale = _Scale.of(reader)
    with created(target) as file:
        data = file.create_group("data")
        for number, episode in enumerate(taken_out(reader)):
            place = data if len(episode.rewards) else file.require_group(OWN)
            _write_demo(place.create_group(f"demo_{number}"), episode, reader.header, scale)
            counts["episodes"] += 1
            counts["steps"] += len(episode.rewards)
        data.attrs["total"] = counts["steps"]
        data.attrs["env_args"] = json.dumps(_env_args(reader.header))
        data.attrs["action_low"], data.attrs["action_high"] = scale.low, scale.high
        data.attrs[OWN] = header_as_json(reader.header)
        _write_filters(file, reader)
    return counts


def take_in(
    source: Path, target: Path, driver: Driver = Driver.POLICY, world: Header | None = None
) -> dict[str, int]:
    """Make a recording of the file `source`. driver, world: who drove and where, if it does not say.

    Raises UnreadableSource, and as `Composer`.
    """
    with opened(source) as root:
        demos = _demos(root)
        text = root.group("data").attribute(OWN)
        if text is None:
            keys = _keys(root, demos)
            header = _inferred_header(root, demos, keys)
        else:
            keys, header = [FLAT], header_from_json(text, source)
        with Importer(target, header, source, driver, world) as importer:
            for number, place, name in demos:
                importer.add(number, _episode(root.group(place).group(name), keys, text is not None, number))
            return importer.counts


# -- out -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Scale:
    """How actions that are numbers come into [-1, 1]."""

    low: Array
    """(A,) what becomes -1."""
    high: Array
    """(A,) what becomes 1."""

    @classmethod
    def of(cls, reader: Reader) -> _Scale:
        """Numbers with bounds within [-1, 1] are left as they are."""
        low, high = _bounds(spaces.stored_space(reader.header.action_space))
        if not np.isfinite([low, high]).all():
            greatest = _greatest_actions(reader)
            low, high = (
                np.where(np.isfinite(low), low, -greatest),
                np.where(np.isfinite(high), high, greatest),
            )
        is_within = (low >= -1) & (high <= 1)
        return cls(np.where(is_within, -1.0, low), np.where(is_within, 1.0, high))

    def applied(self, actions: Array) -> Array:
        """(T, A) -> (T, A), of a floating type."""
        dtype = actions.dtype if actions.dtype.kind == "f" else np.dtype(np.float32)
        width = np.where(self.high > self.low, self.high - self.low, 1.0)
        with np.errstate(invalid="ignore", over="ignore"):
            scaled = (actions - self.low) / width * 2.0 - 1.0
        is_same = (self.low == -1.0) & (self.high == 1.0)
        return np.asarray(np.clip(np.where(is_same, actions, scaled), -1.0, 1.0), dtype)


def _bounds(space: spaces.Space) -> tuple[Array, Array]:
    """(A,) each, of the numbers that `_as_numbers` makes of this space's elements."""
    if isinstance(space, gym.spaces.Box):
        return space.low.ravel().astype(np.float64), space.high.ravel().astype(np.float64)
    nothing = np.zeros((0, *spaces.storage(space).shape), np.int64)
    low = np.zeros(int(np.prod(_as_numbers(space, nothing).shape[1:])))
    if isinstance(space, gym.spaces.Discrete) and len(low) != space.n:
        return low + float(space.start), low + float(space.start + space.n - 1)
    if isinstance(space, gym.spaces.MultiDiscrete) and len(low) != space.nvec.sum():
        return space.start.ravel() + low, (space.start + space.nvec - 1).ravel() + low
    return low, low + 1.0


def _greatest_actions(reader: Reader) -> Array:
    """(A,) the greatest magnitude of each number in the actions of a Box; at least 1."""
    column = reader.column("action")
    greatest = np.ones(int(np.prod(spaces.storage(reader.header.action_space).shape)))
    for first in range(0, len(column), 1 << 14):
        found = np.abs(column[first : first + (1 << 14)].astype(np.float64)).reshape(-1, len(greatest))
        greatest = np.maximum(greatest, found.max(axis=0, where=np.isfinite(found), initial=0.0))
    return greatest


def _as_numbers(space: spaces.Space, rows: Array) -> Array:
    """(N, ...) rows as stored -> (N, W) what can be fitted; those of a Box keep their shape, if it has one."""
    if isinstance(space, gym.spaces.Discrete) and space.n <= _MOST_CHOICES:
        return _one_hot(rows - int(space.start), int(space.n))
    if isinstance(space, gym.spaces.MultiDiscrete) and space.nvec.sum() <= _MOST_CHOICES:
        parts = (rows - space.start).reshape(len(rows), space.nvec.size).T
        return np.concatenate(
            [_one_hot(*each) for each in zip(parts, space.nvec.ravel(), strict=True)], axis=1
        )
    return rows if rows.ndim > 1 else rows[:, None]


def _one_hot(choices: Array, n: int) -> Array:
    """(N,) -> (N, n) bytes; a choice that is none of the n is a row of zeros."""
    return np.asarray(choices[:, None] == np.arange(n), np.uint8)


def _write_demo(group: h5py.Group, episode: EpisodeTables, header: Header, scale: _Scale) -> None:
    n = len(episode.rewards)
    actions = _as_numbers(spaces.stored_space(header.action_space), episode.actions)
    actions = scale.applied(actions.reshape(n, len(scale.low)))
    group.attrs["num_samples"] = n
    group["actions"] = actions
    group["rewards"] = episode.rewards
    group["dones"] = episode.terminated.astype(np.uint8)
    for name, rows in _observed(header.observation_space, episode.observations).items():
        # Most of a one-hot vector is zeros.
        compression = "gzip" if rows.dtype == np.uint8 and n else None
        group.create_dataset(f"obs/{name}", data=rows[:-1], compression=compression)
        group.create_dataset(f"next_obs/{name}", data=rows[1:], compression=compression)
    own = group.create_group(OWN)
    for column, values in _own(episode, header).items():
        own[column] = values
    if not _is_equal(actions, episode.actions):
        own["action"] = episode.actions
    own[ABOUT] = about_as_json(episode)
    if episode.options is not None:
        own["options"] = json.dumps(dict(episode.options))
    if episode.seed >= 0:
        group.attrs["seed"] = episode.seed


def _own(episode: EpisodeTables, header: Header) -> dict[str, Array]:
    """Columns for which robomimic has no place, and observations where they were laid out anew."""
    own = {**episode.own, "truncated": episode.truncated}
    space = header.observation_space
    if not (isinstance(space, gym.spaces.Box) and space.shape and len(episode.rewards)):
        own["observation"] = episode.observations
    return own


def _is_equal(one: Array, other: Array) -> bool:
    return one.dtype == other.dtype and np.array_equal(one, other, equal_nan=one.dtype.kind == "f")


def _observed(space: spaces.Space, rows: Array) -> dict[str, Array]:
    """(T + 1, ...) rows as stored -> the like under each of robomimic's keys."""
    if not isinstance(space, gym.spaces.Dict | gym.spaces.Tuple):
        return {FLAT: _as_numbers(space, rows)}
    inside = space.spaces
    parts = list(inside.items() if isinstance(inside, Mapping) else enumerate(inside))
    elements = list(spaces.decoder_of_rows(space)(rows))
    found: dict[str, Array] = {}
    for key, part in parts:
        # A key of robomimic's is one name in the file: no path, and none that another part has.
        name = re.sub(r"[^\w.-]", "_", str(key)).strip(".") or "_"
        while name in found:
            name += "_"
        encode, form = spaces.encoder(part), spaces.storage(part)
        encoded = np.array([encode(each[key]) for each in elements], form.dtype)
        found[name] = _as_numbers(spaces.stored_space(part), encoded.reshape(len(rows), *form.shape))
    return found


def _env_args(header: Header) -> dict[str, Any]:
    spec = json.loads(header.env_spec_json) if header.env_spec_json else {}
    kwargs = {name: value for name, value in (spec.get("kwargs") or {}).items() if name != "render_mode"}
    return {"env_name": header.env_id, "type": _GYM, "env_kwargs": kwargs}


def _write_filters(file: h5py.File, reader: Reader) -> None:
    filters: dict[str, list[str]] = {"kept": [], "success": [], "failure": []}
    ended = (each for each in reader.episodes if each.recorded_outcome is not Outcome.RUNNING)
    for number, episode in enumerate(ended):
        if episode.length and not reader.curation.discarded(episode).any():
            filters["kept"].append(f"demo_{number}")
            filters.get(episode.outcome.name.lower(), []).append(f"demo_{number}")
    for name, demos in filters.items():
        if demos:
            file[f"mask/{name}"] = np.array(demos, "S")


# -- in --------------------------------------------------------------------------------------------------


def _demos(root: Foreign) -> list[tuple[int, str, str]]:
    """Number, group that holds it, and name of each demonstration, in the order of their numbers."""
    places = ["data", *([OWN] if OWN in root else [])]
    found: dict[int, tuple[int, str, str]] = {}
    for place in places:
        for name in root.group(place).names():
            match = _NAME.fullmatch(name)
            if match is None or int(match[1]) in found:
                raise refusal(
                    root.path, f"{place}/{name}", "demonstrations called demo_0, demo_1, ...", repr(name)[:80]
                )
            found[int(match[1])] = (int(match[1]), place, name)
    return [found[number] for number in sorted(found)]


def _keys(root: Foreign, demos: list[tuple[int, str, str]]) -> list[str]:
    """The names of the observations, which robomimic leaves out until it is asked for them."""
    if not demos:
        raise refusal(root.path, "data", "demonstrations, which say what the spaces are", "none")
    _, place, name = demos[0]
    demo = root.group(place).group(name)
    keys = sorted(demo.group("obs").names()) if "obs" in demo else []
    if not keys:
        raise refusal(
            root.path,
            f"{place}/{name}/obs",
            "observations (robomimic's dataset_states_to_obs.py adds them)",
            "none",
        )
    return keys


def _inferred_header(root: Foreign, demos: list[tuple[int, str, str]], keys: list[str]) -> Header:
    first = root.group(demos[0][1]).group(demos[0][2])
    seen: dict[str, spaces.Space] = {key: inferred.box(first.group("obs"), key) for key in keys}
    observation = seen[keys[0]] if len(keys) == 1 else gym.spaces.Dict(seen)
    is_float = first.form("actions")[0].kind == "f"
    unit = is_float and not any(_is_beyond(root.group(place).group(name)) for _, place, name in demos)
    action = inferred.box(first, "actions", unit=unit)
    return Header(_env_spec(root.group("data")), spaces.to_json(observation), spaces.to_json(action))


def _is_beyond(demo: Foreign) -> bool:
    """An action is not in [-1, 1], where robomimic wants them."""
    actions = demo.array("actions")
    return actions.dtype.kind == "f" and bool((np.abs(actions) > 1.0).any())


def _env_spec(data: Foreign) -> str:
    """What names the world, if it is one of gym's; "" otherwise."""
    try:
        words = json.loads(data.attribute("env_args", "{}"))
    except (TypeError, ValueError, RecursionError):
        return ""
    if not isinstance(words, dict) or words.get("type") != _GYM or not isinstance(words.get("env_name"), str):
        return ""
    kwargs = words.get("env_kwargs")
    return json.dumps({"id": words["env_name"], "kwargs": kwargs if isinstance(kwargs, dict) else {}})


def _episode(demo: Foreign, keys: list[str], is_ours: bool, number: int) -> EpisodeTables:
    own, about, options = _read_own(demo, number) if is_ours else ({}, {}, None)
    actions = own.pop("action") if "action" in own else demo.array("actions")
    n = len(actions) if actions.ndim else 0
    claimed = demo.attribute("num_samples", n)
    if not isinstance(claimed, int | np.integer) or claimed != n:
        raise refusal(demo.path, f"demo_{number}: num_samples", f"{n}, as many as actions", str(claimed)[:40])
    dones = demo.array("dones") if "dones" in demo else np.zeros(n, bool)
    if not is_ours and dones.shape == (n,):
        dones = (dones != 0) & (np.arange(n) == n - 1)
    seed = demo.attribute("seed", -1) if is_ours else -1
    return EpisodeTables(
        observations=own.pop("observation") if "observation" in own else _seen(demo, keys, n, number),
        actions=actions,
        rewards=demo.array("rewards") if "rewards" in demo else np.zeros(n),
        terminated=dones,
        truncated=own.pop("truncated") if "truncated" in own else _cut(dones, n),
        seed=int(seed) if isinstance(seed, int | np.integer) else -1,
        options=options,
        own=own,
        about=about,
    )


def _cut(dones: Array, n: int) -> Array:
    """(n,) true at the end, if it was no other end."""
    cut = np.arange(n) == n - 1
    return np.asarray(cut & (dones == 0) if dones.shape == (n,) else cut)


def _read_own(demo: Foreign, number: int) -> tuple[dict[str, Array], dict[str, Any], dict[str, Any] | None]:
    """What we alone can say, where the dataset is from a recording."""
    if OWN not in demo:
        return {}, {}, None
    inside = demo.group(OWN)
    arrays = {name: inside.array(name) for name in _OWN_COLUMNS if name in inside}
    about, options = (
        about_from_json(inside.text(name), demo.path, number) if name in inside else None
        for name in (ABOUT, "options")
    )
    return arrays, about or {}, options


def _seen(demo: Foreign, keys: list[str], n: int, number: int) -> Array:
    """(n + 1, ...) observations as a recording stores them; the last one twice where the file has no `next_obs`."""
    before = _together(demo.group("obs"), keys, n, number)
    after = _together(demo.group("next_obs"), keys, n, number) if "next_obs" in demo else before
    if before.shape != after.shape:
        raise refusal(
            demo.path, f"demo_{number}: next_obs", f"rows as those of obs, {before.shape}", str(after.shape)
        )
    return np.concatenate([before, after[-1:]])


def _together(group: Foreign, keys: list[str], n: int, number: int) -> Array:
    """(n, ...) a single observation as it is, several as one vector."""
    columns = [group.array(key) for key in keys]
    for key, column in zip(keys, columns, strict=True):
        if column.ndim < 1 or len(column) != n or column.dtype.kind not in "biuf":
            raise refusal(
                group.path,
                f"demo_{number}: observations: {key}",
                f"{n} rows of numbers",
                f"{column.dtype} of shape {column.shape}",
            )
    if len(columns) == 1:
        return columns[0]
    flat = [column.reshape(n, int(np.prod(column.shape[1:], dtype=np.int64))) for column in columns]
    return np.concatenate(flat, axis=1)
