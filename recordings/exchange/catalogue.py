"""The formats by name, what each is, and what is lost on the way there."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recordings.reader import Reader
from recordings.schema import Driver, Header

Counts = dict[str, int]


@dataclass(frozen=True)
class Format:
    """One format of the field; its module has `export` and `take_in`."""

    name: str
    what: str
    """What is at its path."""
    drops: str
    """What a recording loses on the way there."""

    @property
    def export(self) -> Callable[[Reader, Path], Counts]:
        """Write a recording in this format."""
        found: Callable[[Reader, Path], Counts] = self._module().export
        return found

    @property
    def take_in(self) -> Callable[[Path, Path, Driver, Header | None], Counts]:
        """Make a recording of what is in this format; driver and world are those where it does not say."""
        found: Callable[[Path, Path, Driver, Header | None], Counts] = self._module().take_in
        return found

    def _module(self) -> Any:
        return importlib.import_module(f"recordings.exchange.{self.name}")


FORMATS = {
    each.name: each
    for each in (
        Format("minari", "a folder with main_data.hdf5 and metadata.json", drops="nothing"),
        Format(
            "imitation",
            "a folder of Hugging Face `datasets`, a row a trajectory",
            drops="episodes without a step",
        ),
        Format(
            "tutorial",
            "the GridWorld tutorial's pickle, of its world alone",
            drops="drivers, students and labels; acts of curation, so that what was discarded counts again; "
            "outcomes, seeds and options, branches, times, keys and sittings; episodes without a step; each "
            "episode's final observation, which stepping the world puts back",
        ),
        Format("robomimic", "an HDF5 file of a group a demonstration", drops="nothing"),
        Format("d4rl", "an HDF5 file of flat columns", drops="nothing"),
    )
}
