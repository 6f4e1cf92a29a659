"""Recordings put together, chosen from, and parted: the originals are read and nothing else, the outcome is new.

  merge     every chosen episode of every source, in order
  split     the same, dealt out to two recordings: to learn from, and to judge by

Seeds, operators, versions, labels and acts of curation are kept. Memory holds a slice of a table, and a few numbers
an episode.

Reading order: `Wanted`, `merge`, `split`, then `_Merger`.
"""

from __future__ import annotations

import hashlib
import os
import re
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

import recordings
from recordings.choosing import operators_of
from recordings.composer import Composer, require_nothing_at
from recordings.copying import Copier, LabelMarks, Names, Place
from recordings.errors import InvalidRow, WorldMismatch
from recordings.reader import Reader
from recordings.schema import Header, Outcome
from recordings.window import Window

IntArray = npt.NDArray[np.int64]
Sources = Sequence[str | os.PathLike[str]]

_WHAT_HAPPENED = ("observation", "action", "reward", "terminated", "truncated")
_OF_THE_SOURCE = ("session_id", "created_utc", "operator", "control_hz", "key_map", "versions")


@dataclass(frozen=True)
class Wanted:
    """What to take, and how."""

    chooses: Callable[[Reader], npt.NDArray[np.bool_]] = lambda reader: np.ones(reader.n_episodes, bool)
    """(E,) which episodes of a recording are taken (`recordings.choosing`)."""
    deduplicate: bool = False
    """Of episodes that are equal step by step take the first; labels of the others are added to its own."""
    redact: bool = False
    """Call operators "operator 1", "operator 2", ... wherever they are named."""


@dataclass(frozen=True)
class Merged:
    """What became of it."""

    path: Path
    episodes: int
    steps: int
    labels: int
    duplicates: int = 0
    """Episodes that were there already."""
    operators: Mapping[str, str] = field(default_factory=dict)
    """Operator -> the name that stands for it; empty where nobody was hidden."""


def merge(sources: Sources, target: str | os.PathLike[str], wanted: Wanted | None = None) -> Merged:
    """Put the chosen episodes of one or more recordings of one world into a new one.

    Raises WorldMismatch, RecordingExists, InvalidRow where nothing is left, and what `recordings.open` raises.
    """
    with _opened(sources) as readers:
        wanted = wanted or Wanted()
        chosen = [_ended(reader, wanted) for reader in readers]
        return _Merger(readers, wanted).write(Path(target), chosen)


def split(
    sources: Sources,
    targets: tuple[str | os.PathLike[str], str | os.PathLike[str]],
    share: float,
    *,
    by: Literal["episode", "operator"] = "episode",
    seed: int = 0,
    wanted: Wanted | None = None,
) -> tuple[Merged, Merged]:
    """The same into two: the second is given about `share` of the episodes.

    by: episode, where branches stay with the episode that they repeat; or operator, where whoever is in the one is
    not in the other. Raises as `merge`.
    """
    with _opened(sources) as readers:
        wanted = wanted or Wanted()
        chosen = [_ended(reader, wanted) for reader in readers]
        groups = [_families(reader) if by == "episode" else operators_of(reader) for reader in readers]
        dealt = _dealt(groups, chosen, share, np.random.default_rng(seed))
        parts = [
            [mine[is_second == part] for mine, is_second in zip(chosen, dealt, strict=True)]
            for part in (False, True)
        ]
        if not all(sum(len(each) for each in part) for part in parts):
            raise InvalidRow(
                f"split: expected at least two groups of episodes to part by {by}, and a share that leaves some on "
                f"both sides, found {share:g} of {sum(map(len, chosen))} episodes. Part by episode, or record more."
            )
        for target in map(Path, targets):  # before the first is written
            require_nothing_at(target)
        first, second = (
            _Merger(readers, wanted).write(Path(target), part)
            for target, part in zip(targets, parts, strict=True)
        )
        return first, second


def _ended(reader: Reader, wanted: Wanted) -> IntArray:
    """Rows of the chosen episodes that do not run any more, ascending."""
    outcomes = reader.episode_columns(0, reader.n_episodes)["outcome"]
    return np.flatnonzero(wanted.chooses(reader) & (outcomes != Outcome.RUNNING))


@contextmanager
def _opened(sources: Sources) -> Iterator[list[Reader]]:
    with ExitStack() as stack:
        readers = [stack.enter_context(recordings.open(source)) for source in sources]
        _require_one_world(readers)
        yield readers


def _require_one_world(readers: Sequence[Reader]) -> None:
    if not readers:
        raise InvalidRow("sources: expected at least one recording, found none.")
    names = ("env_spec_json: id", "env_spec_json: settings", "observation_space", "action_space")
    for reader in readers[1:]:
        for name, expected, found in zip(names, readers[0].header.world, reader.header.world, strict=True):
            if expected != found:
                raise WorldMismatch(
                    f"{reader.path}: {name}: expected {expected[:200]!r} as in {readers[0].path}, found "
                    f"{found[:200]!r}. Recordings put together must be of one world."
                )


# -- writing ---------------------------------------------------------------------------------------------


class _Merger:
    """Writes chosen episodes of open recordings into new ones."""

    def __init__(self, readers: Sequence[Reader], wanted: Wanted) -> None:
        self._readers, self._wanted = readers, wanted
        self._names: Names = Pseudonyms(readers) if wanted.redact else Names()

    def write(self, target: Path, chosen: Sequence[IntArray]) -> Merged:
        """chosen: of each reader the episodes to take, ascending."""
        if not any(len(each) for each in chosen):
            raise InvalidRow(
                f"{target}: expected at least one episode to write, found none: no episode is as was asked for. "
                "Ask for less, or look at `info` for what there is."
            )
        twins = _twins(self._readers, chosen) if self._wanted.deduplicate else [{} for _ in chosen]
        taken = [mine[~np.isin(mine, list(again))] for mine, again in zip(chosen, twins, strict=True)]
        originals = {first for each in twins for first in each.values()}
        places: dict[tuple[int, int], Place] = {}
        marks = LabelMarks()
        with Composer(target, self._header(taken)) as composer:
            for number, (reader, mine) in enumerate(zip(self._readers, taken, strict=True)):
                placed = Copier(reader, composer, names=self._names, marks=marks).copy(
                    mine,
                    {episode: places[first] for episode, first in twins[number].items()},
                    [episode for at, episode in originals if at == number],
                )
                places.update({(number, episode): place for episode, place in placed.items()})
            counts = {name: composer.rows_of(name) for name in ("episodes", "steps", "labels")}
        operators = self._names.operators if isinstance(self._names, Pseudonyms) else {}
        return Merged(target, **counts, duplicates=sum(map(len, twins)), operators=operators)

    def _header(self, taken: Sequence[IntArray]) -> Header:
        """That of the first, where all agree; what they differ in is kept for each in `sources`."""
        headers = [reader.header for reader, mine in zip(self._readers, taken, strict=True) if len(mine)]

        def common(name: str, otherwise: Any) -> Any:
            values = [getattr(header, name) for header in headers]
            return values[0] if all(value == values[0] for value in values) else otherwise

        operators = {self._names.of_operator(header.operator) for header in headers}
        return replace(
            headers[0],
            operator=operators.pop() if len(operators) == 1 else "",
            control_hz=common("control_hz", 0.0),
            key_map=common("key_map", {}),
            versions=common("versions", {}),
            session_id=uuid.uuid4().hex,
            created_utc=datetime.now(UTC).isoformat(timespec="seconds"),
            sources=tuple(self._sources(taken)),
        )

    def _sources(self, taken: Sequence[IntArray]) -> Iterator[Mapping[str, Any]]:
        first = 0
        for reader, mine in zip(self._readers, taken, strict=True):
            own = {name: getattr(reader.header, name) for name in _OF_THE_SOURCE}
            parts = reader.header.sources or ({**own, "first_episode": 0, "episodes": reader.n_episodes},)
            for part in parts:
                low = part["first_episode"]
                n = int(np.count_nonzero((mine >= low) & (mine < low + part["episodes"])))
                if n:
                    about = {name: part.get(name) for name in _OF_THE_SOURCE}
                    about["operator"] = self._names.of_operator(str(part.get("operator", "")))
                    yield {**about, "first_episode": first, "episodes": n}
                first += n


class Pseudonyms(Names):
    """Operators by number, in the order in which they are met."""

    def __init__(self, readers: Sequence[Reader]) -> None:
        self.operators: dict[str, str] = {}
        for reader in readers:
            about = [
                reader.header.operator,
                *(str(each.get("operator", "")) for each in reader.header.sources),
            ]
            for name in [*about, *(session["operator"] for session in reader.sessions())]:
                if name and name not in self.operators:
                    self.operators[name] = f"operator {len(self.operators) + 1}"
        by_length = sorted(self.operators, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, by_length)) or r"(?!)", re.IGNORECASE)
        self._lower = {name.lower(): stands for name, stands in self.operators.items()}

    def of_operator(self, name: str) -> str:
        return self.operators.get(name, name)

    def of_labeler(self, name: str) -> str:
        return self.operators.get(name, name)

    def in_text(self, text: str) -> str:
        return self._pattern.sub(lambda found: self._lower[found.group().lower()], text)


# -- equal episodes --------------------------------------------------------------------------------------


def _twins(readers: Sequence[Reader], chosen: Sequence[IntArray]) -> list[dict[int, tuple[int, int]]]:
    """Of each reader, episode -> the (reader, episode) chosen before it in which the same happened, step by step."""
    seen: dict[bytes, tuple[int, int]] = {}
    found: list[dict[int, tuple[int, int]]] = [{} for _ in readers]
    for number, (reader, mine) in enumerate(zip(readers, chosen, strict=True)):
        window = Window(reader, "steps", _WHAT_HAPPENED)
        for index in mine.tolist():
            digest = _digest(reader, window, index)
            first = seen.setdefault(digest, (number, index))
            if first != (number, index):
                found[number][index] = first
    return found


def _digest(reader: Reader, window: Window, index: int) -> bytes:
    """Of what happened in an episode, from its seed to what was seen last."""
    episode = reader.episodes[index]
    digest = hashlib.blake2b(digest_size=16)
    digest.update(f"{episode.seed} {episode.length}".encode())
    for start in range(episode.start, episode.stop, window.rows):
        columns = window.between(start, min(start + window.rows, episode.stop))
        for name in _WHAT_HAPPENED:
            digest.update(np.ascontiguousarray(columns[name]).tobytes())
    digest.update(np.ascontiguousarray(episode.final_observation).tobytes())
    return digest.digest()


# -- parting ---------------------------------------------------------------------------------------------


def _families(reader: Reader) -> list[str]:
    """(E,) a name for each episode, which its branches share."""
    parents = reader.episode_columns(0, reader.n_episodes)["parent"]
    roots = np.arange(len(parents))
    for index in np.flatnonzero(parents >= 0).tolist():  # a parent comes before its branches
        roots[index] = roots[parents[index]]
    return [f"{reader.path} {root}" for root in roots.tolist()]


def _dealt(
    groups: Sequence[Sequence[str]], chosen: Sequence[IntArray], share: float, rng: np.random.Generator
) -> list[npt.NDArray[np.bool_]]:
    """Of each reader's chosen episodes, which are in the second part: whole groups, drawn until it has its share."""
    named = [[names[index] for index in mine.tolist()] for names, mine in zip(groups, chosen, strict=True)]
    sizes: dict[str, int] = {}
    for name in (name for names in named for name in names):
        sizes[name] = sizes.get(name, 0) + 1
    order = [list(sizes)[place] for place in rng.permutation(len(sizes))]
    wanted, second, n = share * sum(sizes.values()), set(), 0
    for name in order:
        if abs(n + sizes[name] - wanted) < abs(n - wanted):
            second.add(name)
            n += sizes[name]
    return [np.array([name in second for name in names], bool) for names in named]
