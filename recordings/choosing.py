"""Which episodes of a recording: conditions on what its tables say, such as `outcome=success` or `return>=9`.

A condition is FIELD, one of = != < <= > >=, and a value. Fields of which an episode may have several (driver, labeler,
student_version) are met where any of its steps, or labels, meets them; != where none does.

Reading order: `FIELDS`, `Condition`, `chooser`.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from recordings.errors import InvalidRow
from recordings.reader import Reader
from recordings.schema import Driver
from recordings.sittings import sittings
from recordings.window import Window

BoolArray = npt.NDArray[np.bool_]
Array = npt.NDArray[Any]

_CONDITION = re.compile(r"\s*([a-z_]+)\s*(<=|>=|!=|=|<|>)\s*(.*?)\s*")
_COMPARED: Mapping[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def operators_of(reader: Reader) -> list[str]:
    """(E,) who sat at the keyboard."""
    return [sitting.operator for sitting in sittings(reader) for _ in sitting.episodes]


def _column(name: str) -> Callable[[Reader], Array]:
    return lambda reader: reader.episode_columns(0, reader.n_episodes)[name]


def _outcomes(reader: Reader) -> Array:
    return np.array([each.outcome.name.lower() for each in reader.episodes], object)


def _returns(reader: Reader) -> Array:
    sums = np.zeros(reader.n_episodes)
    for episodes, rewards in _by_episode(reader, "reward"):
        np.add.at(sums, episodes, rewards)
    return sums


def _n_labels(reader: Reader) -> Array:
    """How many labels hold."""
    starts = reader.episode_columns(0, reader.n_episodes)["start"]
    holding = reader.curation.holding(reader.labels())
    of = np.searchsorted(starts, holding.steps, side="right") - 1
    return np.bincount(of, minlength=reader.n_episodes)[: reader.n_episodes]


def _discarded(reader: Reader) -> Array:
    """Share of the steps."""
    curation = reader.curation
    touched = {act.episode for act in curation.acts}
    shares = np.zeros(reader.n_episodes)
    for index in touched:
        episode = reader.episodes[index]
        shares[index] = curation.discarded(episode).mean() if episode.length else 0.0
    return shares


FIELDS: Mapping[str, tuple[Callable[[Reader], Array], type, str]] = {
    "episode": (lambda reader: np.arange(reader.n_episodes), int, "row of /episodes"),
    "length": (_column("length"), int, "steps"),
    "seed": (_column("seed"), int, "of its reset; -1: none"),
    "parent": (_column("parent"), int, "the episode that it branched from; -1: none"),
    "return": (_returns, float, "sum of its rewards"),
    "outcome": (_outcomes, str, "success, failure or unknown, as judged last"),
    "operator": (lambda reader: np.array(operators_of(reader), object), str, "who sat at the keyboard"),
    "created_utc": (
        lambda reader: np.array(
            [each.created_utc for each in sittings(reader) for _ in each.episodes], object
        ),
        str,
        "when its sitting began, as `info` says it",
    ),
    "labels": (_n_labels, int, "labels that hold"),
    "discarded": (_discarded, float, "share of its steps that is discarded"),
}
"""Name -> the value for each episode (E,), its type, and what it means."""


def _drivers(reader: Reader, holds: Callable[[Any], Any], value: str) -> BoolArray:
    codes = {each.name.lower(): int(each) for each in Driver}
    if value not in codes:
        raise InvalidRow(f"driver: expected one of {', '.join(codes)}, found {value!r}.")
    return _any_step(reader, "driver", lambda drivers: drivers == codes[value])


def _versions(reader: Reader, holds: Callable[[Any], Any], value: str) -> BoolArray:
    return _any_step(reader, "student_version", holds)


def _labelers(reader: Reader, holds: Callable[[Any], Any], value: str) -> BoolArray:
    labels = reader.curation.holding(reader.labels())
    codes = [code for code, name in enumerate(labels.names) if name == value]
    starts = reader.episode_columns(0, reader.n_episodes)["start"]
    of = np.searchsorted(starts, labels.steps[np.isin(labels.labelers, codes)], side="right") - 1
    found = np.zeros(reader.n_episodes, bool)
    found[of] = True
    return found


ANY_OF: Mapping[str, tuple[Callable[[Reader, Callable[[Any], Any], str], BoolArray], type, str]] = {
    "driver": (_drivers, str, "human, student, scripted, policy or replayed: who drove any of its steps"),
    "student_version": (_versions, int, "the student's version at any of its steps; -1: none"),
    "labeler": (_labelers, str, "who gave any of its labels"),
}
"""Name -> which episodes (E,) have any such step or label, the type of the value, and what it means."""


@dataclass(frozen=True)
class Condition:
    """FIELD OPERATOR VALUE."""

    field: str
    compared: str
    value: Any

    @classmethod
    def read(cls, words: str) -> Condition:
        """Raises InvalidRow where the words are none."""
        found = _CONDITION.fullmatch(words)
        known = {**FIELDS, **ANY_OF}
        if found is None or found[1] not in known:
            raise InvalidRow(
                f"condition: expected FIELD, one of {' '.join(_COMPARED)}, and a value, where FIELD is one of "
                f"{', '.join(known)}; found {words[:80]!r}."
            )
        name, compared, value = found.groups()
        kind = known[name][1]
        if kind is str and compared not in ("=", "!="):
            raise InvalidRow(f"condition: {name}: expected = or !=, found {compared}.")
        try:
            return cls(name, compared, kind(value))
        except ValueError as error:
            raise InvalidRow(f"condition: {name}: expected a number, found {value[:80]!r}.") from error

    def holds(self, reader: Reader) -> BoolArray:
        """(E,) for which episodes."""
        compare = _COMPARED[self.compared]
        if self.field in FIELDS:
            values = FIELDS[self.field][0](reader)
            return np.asarray(compare(values, self.value), bool)
        if self.compared == "!=":
            return ~Condition(self.field, "=", self.value).holds(reader)
        return ANY_OF[self.field][0](reader, lambda values: compare(values, self.value), str(self.value))


def chooser(conditions: Sequence[str]) -> Callable[[Reader], BoolArray]:
    """Which episodes (E,) of a recording meet all of these conditions. Raises InvalidRow where one cannot be read."""
    read = [Condition.read(words) for words in conditions]

    def chooses(reader: Reader) -> BoolArray:
        found = np.ones(reader.n_episodes, bool)
        for condition in read:
            found &= condition.holds(reader)
        return found

    return chooses


def _any_step(reader: Reader, column: str, holds: Callable[[Array], Array]) -> BoolArray:
    found = np.zeros(reader.n_episodes, bool)
    for episodes, values in _by_episode(reader, column):
        found[episodes[np.asarray(holds(values), bool)]] = True
    return found


def _by_episode(reader: Reader, column: str) -> Iterator[tuple[npt.NDArray[np.int64], Array]]:
    """The episode of each step and what a column says of it, a slice at a time."""
    columns = reader.episode_columns(0, reader.n_episodes)
    starts, ends = columns["start"], columns["start"] + columns["length"]
    window = Window(reader, "steps", [column])
    for low in range(0, reader.n_steps if len(starts) else 0, window.rows):
        high = min(low + window.rows, reader.n_steps)
        steps = np.arange(low, high)
        episodes = np.maximum(np.searchsorted(starts, steps, side="right") - 1, 0)
        kept = (steps >= starts[episodes]) & (steps < ends[episodes])
        yield episodes[kept], window.between(low, high)[column][kept]
