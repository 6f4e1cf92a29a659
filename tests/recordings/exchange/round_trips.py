"""What every format is held to: what it has room for comes back, table for table."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import recordings
from recordings.exchange.catalogue import FORMATS
from recordings.sameness import first_difference
from recordings.schema import Driver
from tests.recordings import random_recordings

FRESH = itertools.count()


def there_and_back(folder: Path, format_name: str, source: Path) -> Path:
    """The recording of what the source becomes in this format."""
    number = next(FRESH)
    exported, back = folder / f"exported-{number}", folder / f"back-{number}.h5"
    with recordings.open(source) as reader:
        FORMATS[format_name].export(reader, exported)
    FORMATS[format_name].take_in(exported, back, Driver.POLICY, None)
    return back


def at_random(folder: Path, world: str, seed: int) -> Path:
    path = folder / f"random-{next(FRESH)}.h5"
    random_recordings.make(path, world, seed)
    return path


def assert_lossless(source: Path, back: Path) -> None:
    """Every table and the header; of several sittings without an episode between them only the last has one."""
    assert first_difference(source, back) is None
    with recordings.open(source) as one, recordings.open(back) as other:
        assert one.header == other.header
        assert list(_sittings(one)) == list(_sittings(other))


def _sittings(reader: recordings.reader.Reader) -> Iterator[dict[str, object]]:  # type: ignore[name-defined]
    last = {
        each["first_episode"]: each for each in reader.sessions() if each["first_episode"] < reader.n_episodes
    }
    yield from last.values()
