"""D4RL: one HDF5 file of flat columns, a row a step, in which `terminals` and `timeouts` say where an episode ends.

Lossless: what D4RL has no words for lies in `infos/understudy`, by step as datasets, the rest as that group's
attributes: D4RL's own `sequence_dataset` takes every dataset of the file to have a row a step, and fails otherwise.
`timeouts` are set at the end of every episode that did not terminate, whoever ended it; what was recorded as truncated
is kept beside them. Elements of Dict and Tuple spaces are flat vectors.

Of a dataset that is not from a recording, `infos` and `metadata` are not read. Without `next_observations` nobody knows
what was seen after an episode's last step: the last observation is repeated. Steps after the last end are an episode
that neither terminated nor was truncated. Without `timeouts` only `terminals` end an episode.

Facts of the layout: D4RL's `offline_env.py` and `__init__.py` (version 1.1).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from recordings import spaces
from recordings.exchange import inferred
from recordings.exchange.episodes import (
    OF_LABELS,
    OF_STEPS,
    EpisodeTables,
    about_from_json,
    header_as_json,
    header_from_json,
    taken_out,
)
from recordings.exchange.hdf5 import Foreign, created, opened, refusal
from recordings.exchange.importer import Importer
from recordings.reader import Reader
from recordings.schema import Driver, Header, Outcome, tables

Array = npt.NDArray[Any]

OWN = "infos/understudy"
_COLUMNS = {
    "observations": "observation",
    "next_observations": "observation",
    "actions": "action",
    "rewards": "reward",
    "terminals": "terminated",
    "timeouts": "truncated",
    **{f"{OWN}/{name}": name for name in ("truncated", *OF_STEPS)},
}
"""Name in the file -> column of /steps that it is like."""
_LABELS = ("row", *OF_LABELS)
_BLOCK_BYTES = 1 << 24


@dataclass(frozen=True)
class _Entry:
    """What is known of an episode beside its rows."""

    length: int
    seed: int = -1
    options: Mapping[str, Any] | None = None
    about: Mapping[str, Any] = field(default_factory=dict)
    labels: int = 0
    """How many it has."""


def export(reader: Reader, target: Path) -> dict[str, int]:
    """Write the ended episodes to the file `target`. Raises RecordingExists if it is there, OSError."""
    ended = [each.length for each in reader.episodes if each.recorded_outcome is not Outcome.RUNNING]
    with created(target) as file:
        _create_columns(file, reader.header, sum(ended))
        rest = _Rest(reader.header)
        first = 0
        for batch in _batches(taken_out(reader), _rows_at_once(reader.header)):
            first = _write_steps(file, batch, first)
            for episode in batch:
                rest.add(episode)
        rest.write(file[OWN].attrs)
    return {"episodes": len(ended), "steps": first}


def take_in(
    source: Path, target: Path, driver: Driver = Driver.POLICY, world: Header | None = None
) -> dict[str, int]:
    """Make a recording of the file `source`. driver, world: who drove and where, if it does not say.

    Raises UnreadableSource, and as `Composer`.
    """
    with opened(source) as root:
        own = root.group(OWN) if _is_ours(root) else None
        columns = _Columns(root, own is not None)
        if own is None:
            header, entries, rest = _inferred_header(root, columns), _ends(columns), {}
        else:
            header, entries, rest = (
                header_from_json(own.attribute("header"), source),
                _listed(own),
                _rest(own),
            )
        with Importer(target, header, source, driver, world) as importer:
            for number, episode in enumerate(_episodes(columns, entries, rest)):
                importer.add(number, episode)
            return importer.counts


# -- out -------------------------------------------------------------------------------------------------


def _create_columns(file: h5py.File, header: Header, n: int) -> None:
    steps = next(table for table in tables(header) if table.name == "steps")
    like = {column.name: column for column in steps.columns}
    for name, column in _COLUMNS.items():
        dtype = np.dtype(bool) if name in ("terminals", "timeouts") else like[column].dtype
        file.create_dataset(name, (n, *like[column].shape), dtype)


def _rows_at_once(header: Header) -> int:
    return max(1, _BLOCK_BYTES // sum(table.row_dtype().itemsize for table in tables(header)))


def _batches(episodes: Iterator[EpisodeTables], rows: int) -> Iterator[list[EpisodeTables]]:
    """Episodes together as long as they have no more than so many rows."""
    batch: list[EpisodeTables] = []
    n = 0
    for episode in episodes:
        if batch and n + len(episode.rewards) > rows:
            yield batch
            batch, n = [], 0
        batch.append(episode)
        n += len(episode.rewards)
    if batch:
        yield batch


def _write_steps(file: h5py.File, batch: list[EpisodeTables], first: int) -> int:
    """Returns the row after the last that was written."""
    parts = [_by_step(episode) for episode in batch]
    stop = first + sum(len(episode.rewards) for episode in batch)
    for name in _COLUMNS if stop > first else ():
        file[name][first:stop] = np.concatenate([part[name] for part in parts])
    return stop


def _by_step(episode: EpisodeTables) -> dict[str, Array]:
    timeouts = np.zeros(len(episode.rewards), bool)
    timeouts[-1:] = ~episode.terminated[-1:].astype(bool)
    return {
        "observations": episode.observations[:-1],
        "next_observations": episode.observations[1:],
        "actions": episode.actions,
        "rewards": episode.rewards,
        "terminals": episode.terminated,
        "timeouts": timeouts,
        f"{OWN}/truncated": episode.truncated,
        **{f"{OWN}/{name}": episode.own[name] for name in OF_STEPS},
    }


class _Rest:
    """What has no row a step; becomes the attributes of our group.

    header: JSON. episodes: bytes, a line of JSON each. label_*: those of all episodes. alone: what was seen in episodes
    without a step.
    """

    def __init__(self, header: Header) -> None:
        self._header = header
        self._lines: list[bytes] = []
        self._labels: dict[str, list[Array]] = {name: [] for name in _LABELS}
        self._alone: list[Array] = []

    def add(self, episode: EpisodeTables) -> None:
        entry = {
            "length": len(episode.rewards),
            "seed": episode.seed,
            "options": None if episode.options is None else dict(episode.options),
            "labels": len(episode.own["label_row"]),
            "about": dict(episode.about),
        }
        self._lines.append(json.dumps(entry).encode() + b"\n")
        if len(episode.own["label_row"]):
            for name, parts in self._labels.items():
                parts.append(episode.own[f"label_{name}"])
        if not len(episode.rewards):
            self._alone.append(episode.observations)

    def write(self, attributes: h5py.AttributeManager) -> None:
        attributes["header"] = header_as_json(self._header)
        if self._lines:
            attributes["episodes"] = np.frombuffer(b"".join(self._lines), np.uint8)
        if self._alone:
            attributes["alone"] = np.concatenate(self._alone)
        for name, parts in self._labels.items():
            if parts:
                attributes[f"label_{name}"] = np.concatenate(parts)


# -- in --------------------------------------------------------------------------------------------------


class _Columns:
    """The columns of the file, read a block at a time; episodes are asked for in their order."""

    def __init__(self, root: Foreign, is_ours: bool) -> None:
        """Raises UnreadableSource where they are not of equal length."""
        self._root, self.path = root, root.path
        wanted = [name for name in _COLUMNS if is_ours or not name.startswith(OWN)]
        optional = () if is_ours else ("next_observations", "timeouts")
        self._names = [name for name in wanted if name not in optional or name in root]
        forms = {name: root.form(name) for name in self._names}
        self.n = next(iter(forms["rewards"][1]), -1)
        for name, (dtype, shape) in forms.items():
            if shape[:1] != (self.n,):
                raise refusal(
                    root.path, name, f"{self.n} rows, as many as rewards", f"{dtype} of shape {shape}"
                )
        seen, after = (
            forms.get(name, forms["observations"])[1] for name in ("observations", "next_observations")
        )
        if seen != after:
            raise refusal(root.path, "next_observations", f"shape {seen}, as observations", f"shape {after}")
        row = sum(dtype.itemsize * int(np.prod(shape[1:], dtype=np.int64)) for dtype, shape in forms.values())
        self.rows_at_once = max(1, _BLOCK_BYTES // max(1, row))
        self._first, self._block = 0, {name: root.rows(name, 0, 0) for name in self._names}

    def __contains__(self, name: str) -> bool:
        return name in self._names

    def between(self, start: int, stop: int) -> dict[str, Array]:
        """Rows `start` to `stop` of every column."""
        if stop > self._first + len(self._block["rewards"]):
            self._first = start
            end = min(self.n, max(stop, start + self.rows_at_once))
            self._block = {name: self._root.rows(name, start, end) for name in self._names}
        inside = slice(start - self._first, stop - self._first)
        return {name: block[inside] for name, block in self._block.items()}

    def blocks_of(self, name: str) -> Iterator[Array]:
        """One column, some rows at a time."""
        for start in range(0, self.n, self.rows_at_once):
            yield self._root.rows(name, start, min(self.n, start + self.rows_at_once))


def _is_ours(root: Foreign) -> bool:
    return "infos" in root and root.is_group("infos") and "understudy" in root.group("infos")


def _listed(own: Foreign) -> Iterator[_Entry]:
    """The episodes of a recording, as `_Rest` wrote them."""
    text = own.attribute("episodes", np.zeros(0, np.uint8))
    if not isinstance(text, np.ndarray) or text.dtype != np.uint8:
        raise refusal(own.path, f"{OWN}: episodes", "lines of JSON", str(text)[:60])
    for number, line in enumerate(text.tobytes().splitlines()):
        words = about_from_json(line, own.path, number)
        about, options = words.get("about"), words.get("options")
        counts = [words.get(name) for name in ("length", "seed", "labels")]
        if not all(type(count) is int for count in counts) or not isinstance(about, dict):
            raise refusal(own.path, f"{OWN}: episodes", "length, seed, labels and about", repr(words)[:80])
        length, seed, labels = (int(count or 0) for count in counts)
        yield _Entry(length, seed, options if isinstance(options, dict) else None, about, labels)


def _rest(own: Foreign) -> dict[str, Array]:
    """The arrays that `_Rest` wrote."""
    found = {name: own.attribute(name) for name in ("alone", *(f"label_{name}" for name in _LABELS))}
    return {name: values for name, values in found.items() if isinstance(values, np.ndarray) and values.ndim}


def _ends(columns: _Columns) -> Iterator[_Entry]:
    """The episodes between one end and the next."""
    length = 0
    names = [name for name in ("terminals", "timeouts") if name in columns]
    for flags in zip(*(columns.blocks_of(name) for name in names), strict=True):
        n = len(flags[0])
        stops = np.flatnonzero(np.any([each.reshape(n, -1).any(1) for each in flags], axis=0)) + 1
        for start, stop in zip([-length, *stops[:-1].tolist()], stops.tolist(), strict=False):
            yield _Entry(stop - start)
        length = n - int(stops[-1]) if len(stops) else length + n
    if length:
        yield _Entry(length)


def _episodes(
    columns: _Columns, entries: Iterable[_Entry], rest: Mapping[str, Array]
) -> Iterator[EpisodeTables]:
    """The episodes, which have to use up the rows. rest: labels, and what was seen in episodes without a step."""
    labels = {name: values for name, values in rest.items() if name != "alone"}
    alone = rest.get("alone", np.zeros(0))
    first = first_label = 0
    for number, entry in enumerate(entries):
        if not 0 <= entry.length <= columns.n - first or entry.labels < 0:
            raise refusal(
                columns.path, "episodes", f"{columns.n} steps in all", f"episode {number} beyond them"
            )
        own = {name: values[first_label : first_label + entry.labels] for name, values in labels.items()}
        last = None
        if not entry.length:
            last, alone = alone[:1], alone[1:]
        yield _episode(entry, columns.between(first, first + entry.length), own, last)
        first, first_label = first + entry.length, first_label + entry.labels
    if first != columns.n:
        raise refusal(columns.path, "episodes", f"{columns.n} steps in all", str(first))


def _episode(
    entry: _Entry, rows: Mapping[str, Array], labels: Mapping[str, Array], alone: Array | None
) -> EpisodeTables:
    """rows: the episode's, of every column. alone: what was seen, if it has no step."""
    seen = rows["observations"]
    truncated = rows.get(f"{OWN}/truncated", rows.get("timeouts"))
    if alone is None:
        seen = np.concatenate([seen, rows.get("next_observations", seen)[-1:]])
    return EpisodeTables(
        observations=seen if alone is None else alone,
        actions=rows["actions"],
        rewards=rows["rewards"],
        terminated=rows["terminals"],
        truncated=np.zeros(entry.length, bool) if truncated is None else truncated,
        seed=entry.seed,
        options=entry.options,
        own={**labels, **{name: rows[f"{OWN}/{name}"] for name in OF_STEPS if f"{OWN}/{name}" in rows}},
        about=entry.about,
    )


def _inferred_header(root: Foreign, columns: _Columns) -> Header:
    """D4RL names neither world nor spaces."""
    found = {}
    for name in ("observations", "actions"):
        if inferred.is_discrete(root, name):
            lows_and_highs = [(int(each.min()), int(each.max())) for each in columns.blocks_of(name)] or [
                (0, 0)
            ]
            lows, highs = zip(*lows_and_highs, strict=True)
            found[name] = spaces.to_json(inferred.discrete(root, name, min(lows), max(highs)))
        else:
            is_float = root.form(name)[0].kind == "f"
            unit = (
                name == "actions"
                and is_float
                and not any((np.abs(each) > 1).any() for each in columns.blocks_of(name))
            )
            found[name] = spaces.to_json(inferred.box(root, name, unit=unit))
    return Header("", found["observations"], found["actions"])
