"""imitation (1.0): a folder of Hugging Face `datasets`, one row a trajectory.

`obs` (T + 1, *O), `acts` (T, *A), `rews` (T,), `terminal` (does it end in a terminal state: not where it was merely
truncated), and `infos`, T texts, which imitation reads as jsonpickle. jsonpickle makes objects of any class that a
text names, so it is never used here: our own infos are plain JSON, which jsonpickle reads as what it is, and others'
are dropped, unread but for SB3's word on time limits.

Lossless but for episodes without a step, which imitation refuses: Arrow keeps every number type as it is (imitation's
own reader makes float64 and int64 of them), and what imitation has no words for lies in each step's info under
`understudy`, the episode's own in its first, and is still there after imitation saved the dataset again; the header,
which is not, is in `dataset_info.json`.
A dataset names no world and no spaces. Those of a foreign one follow from its arrays: whole numbers are choices from 0,
or the least found if that is less, to the greatest found; everything else is a Box of the type's full range.
Facts of the layout: imitation's data/huggingface_utils.py, types.py and serialize.py (1.0.1).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from recordings import spaces
from recordings.errors import UnreadableSource
from recordings.exchange import arrow
from recordings.exchange.aside import folder_for
from recordings.exchange.episodes import (
    OF_LABELS,
    OF_STEPS,
    EpisodeTables,
    about_from_json,
    header_from_attributes,
    taken_out,
)
from recordings.exchange.importer import Importer
from recordings.reader import Reader
from recordings.schema import Driver, Header

Array = npt.NDArray[Any]

OWN = "understudy"
_OURS = f'{{"{OWN}": '
"""How every info of ours begins."""
_TIME_LIMIT = '"TimeLimit.truncated": true'
"""Where SB3's environments say that a terminal state is none; imitation's own rollouts call it terminal."""
_BATCH_ROWS, _BATCH_BYTES = 1000, 1 << 26
_INFO_BYTES = 200
"""Of a step's info, about."""
_FLAGS = ("terminated", "truncated")
_OF_EPISODE = ("seed", "options")


def export(reader: Reader, target: Path) -> dict[str, int]:
    """Write the ended episodes to the folder `target`. Raises RecordingExists if it is there, OSError."""
    arrow.pyarrow()
    with folder_for(target) as folder:
        counts = _write_data(reader, folder / arrow.DATA)
        arrow.write_words(folder, _info(reader.header))
        return counts


def take_in(
    source: Path, target: Path, driver: Driver = Driver.POLICY, world: Header | None = None
) -> dict[str, int]:
    """Make a recording of the folder `source`. driver, world: who drove and where, if it does not say.

    Without `rews` every reward is nan: unknown. `infos_dropped` counts infos that say something to others than us.
    Raises UnreadableSource, and as `Composer`.
    """
    header = _header(source)
    dropped = 0
    with Importer(target, header, source, driver, world) as importer:
        for number, row in enumerate(_rows(source)):
            infos = row.infos()
            importer.add(number, _episode(row, infos, source, number))
            dropped += sum(text != "{}" and not text.startswith(_OURS) for text in infos)
        return {**importer.counts, "infos_dropped": dropped}


# -- out -------------------------------------------------------------------------------------------------


def _write_data(reader: Reader, path: Path) -> dict[str, int]:
    pa = arrow.pyarrow()
    counts = {"episodes": 0, "steps": 0}
    schema = _schema(reader.header)
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, schema) as stream:
        for episodes in _batches(reader):
            stream.write_batch(_batch(episodes, schema))
            counts["episodes"] += len(episodes)
            counts["steps"] += sum(len(each.rewards) for each in episodes)
    return counts


def _schema(header: Header) -> Any:
    pa = arrow.pyarrow()
    observation, action = (spaces.storage(space) for space in (header.observation_space, header.action_space))
    return pa.schema(
        {
            "obs": arrow.list_of(observation.dtype, len(observation.shape)),
            "acts": arrow.list_of(action.dtype, len(action.shape)),
            "infos": pa.list_(pa.string()),
            "terminal": pa.bool_(),
            "rews": pa.list_(pa.float64()),
        }
    )


def _batches(reader: Reader) -> Iterator[list[EpisodeTables]]:
    held: list[EpisodeTables] = []
    n_bytes = 0
    for episode in taken_out(reader):
        if len(episode.rewards):
            held.append(episode)
            n_bytes += (
                episode.observations.nbytes + episode.actions.nbytes + _INFO_BYTES * len(episode.rewards)
            )
        if len(held) == _BATCH_ROWS or n_bytes > _BATCH_BYTES:
            yield held
            held, n_bytes = [], 0
    if held:
        yield held


def _batch(episodes: list[EpisodeTables], schema: Any) -> Any:
    pa = arrow.pyarrow()
    columns = [
        arrow.nested([each.observations for each in episodes]),
        arrow.nested([each.actions for each in episodes]),
        arrow.texts([_infos(each) for each in episodes]),
        pa.array([bool(each.terminated[-1]) for each in episodes]),
        arrow.nested([each.rewards for each in episodes]),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _infos(episode: EpisodeTables) -> list[str]:
    """What we alone can say of each step, as JSON.

    Options are any JSON, so they go as a text: a name in them that means something to jsonpickle would be obeyed.
    """
    columns = {name: episode.own[name].tolist() for name in OF_STEPS}
    columns |= {name: getattr(episode, name).tolist() for name in _FLAGS}
    infos: list[dict[str, Any]] = [
        dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)
    ]
    about = dict(episode.about)
    labels = [episode.own[f"label_{name}"].tolist() for name in ("row", *OF_LABELS)]
    for *label, labeler in zip(*labels, about.pop("labelers"), strict=True):
        row, step, *rest = label
        infos[step].setdefault("labels", []).append([row, *rest, labeler])
    options = None if episode.options is None else json.dumps(dict(episode.options))
    infos[0]["episode"] = {**about, "seed": episode.seed, "options": options}
    return [json.dumps({OWN: info}) for info in infos]


def _info(header: Header) -> dict[str, Any]:
    return {
        "description": f"Trajectories of {header.env_id or 'a world without a name'}, recorded with Understudy.",
        OWN: header.to_attributes(),
    }


# -- in --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Row:
    """A trajectory where it lies."""

    batch: Any
    row: int
    path: Path

    def array(self, name: str) -> Array:
        """Raises UnreadableSource."""
        return arrow.numbers(self._column(name), self.row, self.path, name)

    def infos(self) -> list[str]:
        """Raises UnreadableSource."""
        if not self.has("infos"):
            return []
        return arrow.strings(self._column("infos"), self.row, self.path, "infos")

    def has(self, name: str) -> bool:
        return name in self.batch.schema.names

    def is_terminal(self) -> bool:
        """Raises UnreadableSource."""
        value = self._column("terminal")[self.row].as_py()
        if not isinstance(value, bool):
            raise arrow.refused(self.path, "terminal", "true or false", type(value).__name__)
        return value

    def _column(self, name: str) -> Any:
        if self.batch.schema.names.count(name) != 1:
            raise arrow.refused(self.path, name, "one column of this name", str(self.batch.schema.names)[:80])
        return self.batch.column(name)


def _rows(source: Path) -> Iterator[_Row]:
    for path in arrow.data_files(source):
        for batch in arrow.batches(path):
            for row in range(batch.num_rows):
                yield _Row(batch, row, path)


def _episode(row: _Row, infos: list[str], source: Path, number: int) -> EpisodeTables:
    observations, actions = row.array("obs"), row.array("acts")
    n = len(actions)
    rewards = row.array("rews") if row.has("rews") else np.full(n, np.nan)
    if not n or len(rewards) != n or (infos and len(infos) != n):
        raise _refused(source, number, "at least one action, a reward and an info each", f"{n} actions")
    if infos and infos[0].startswith(_OURS):
        return _own_episode((observations, actions, rewards), infos, source, number)
    is_terminal = row.is_terminal() and not (infos and _TIME_LIMIT in infos[-1])
    ends = np.arange(n) == n - 1
    return EpisodeTables(observations, actions, rewards, ends & is_terminal, ends & (not is_terminal))


def _own_episode(
    arrays: tuple[Array, Array, Array], infos: list[str], source: Path, number: int
) -> EpisodeTables:
    """What `_infos` wrote. Raises UnreadableSource."""
    own: list[Any] = [about_from_json(text, source, number).get(OWN) for text in infos]
    try:
        columns = {name: np.array([each[name] for each in own]) for name in (*OF_STEPS, *_FLAGS)}
        labels = [
            (row, step, action, kind, time_ns, labeler)
            for step, each in enumerate(own)
            for row, action, kind, time_ns, labeler in each.get("labels", [])
        ]
        numbers = {
            f"label_{name}": np.array([each[at] for each in labels])
            for at, name in enumerate(("row", *OF_LABELS))
        }
        about = dict(own[0]["episode"])
        labelers = [labeler for *_, labeler in labels]
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise _refused(source, number, "infos as they were exported", str(error)[:80]) from error
    observations, actions, rewards = arrays
    seed, options = (about.pop(name, None) for name in _OF_EPISODE)
    return EpisodeTables(
        observations=observations,
        actions=actions,
        rewards=rewards,
        terminated=columns.pop("terminated"),
        truncated=columns.pop("truncated"),
        seed=seed if isinstance(seed, int) else -1,
        options=about_from_json(options, source, number) if isinstance(options, str) else None,
        own=columns | (numbers if labels else {}),
        about={**about, "labelers": labelers},
    )


def _refused(source: Path, number: int, expected: str, found: str) -> UnreadableSource:
    return UnreadableSource(
        f"{source}: trajectory {number}: expected {expected}, found {found}. The dataset is damaged, or was changed; "
        "nothing was written."
    )


# -- spaces of foreign datasets --------------------------------------------------------------------------


def _header(source: Path) -> Header:
    """Raises UnreadableSource."""
    own = arrow.read_words(source, arrow.INFO).get(OWN)
    if isinstance(own, dict):
        return header_from_attributes(own, source / arrow.INFO)
    found: dict[str, _Range] = {}
    for row in _rows(source):
        for name in ("obs", "acts"):
            values = row.array(name)
            if name not in found and len(values):
                found[name] = _Range(values.dtype, values.shape[1:])
            if name in found:
                found[name].widen(values)
    if set(found) != {"obs", "acts"}:
        raise _refused(source, 0, "trajectories, from which the spaces follow", "none")
    observation, action = (spaces.to_json(found[name].space(source)) for name in ("obs", "acts"))
    return Header("", observation, action)


@dataclass
class _Range:
    """What values a column was seen to have."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    """Of one row."""
    low: int = 0
    high: int = 1

    def widen(self, values: Array) -> None:
        if values.size and self.dtype.kind in "iu":
            self.low, self.high = min(self.low, int(values.min())), max(self.high, int(values.max()))

    def space(self, source: Path) -> spaces.Space:
        """Raises UnreadableSource where numbers are too many to be choices."""
        if self.dtype.kind == "b":
            return gym.spaces.MultiBinary(self.shape) if self.shape else gym.spaces.Discrete(2)
        if self.dtype.kind == "f":
            return gym.spaces.Box(-np.inf, np.inf, self.shape, self.dtype.type)
        if self.shape:
            limits = np.iinfo(self.dtype)
            return gym.spaces.Box(int(limits.min), int(limits.max), self.shape, self.dtype.type)
        if self.high - self.low >= 1 << 62:
            raise _refused(source, 0, "choices that can be counted", f"{self.low} to {self.high}")
        return gym.spaces.Discrete(self.high - self.low + 1, start=self.low)
