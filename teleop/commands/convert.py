"""`convert`: recordings in the field's formats, and back."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

import recordings
import teleop.worlds  # noqa: F401 - GridWorld, which the format `tutorial` steps
from learners.settings import Seed, Settings
from recordings.errors import UnderstudyError
from recordings.exchange.catalogue import FORMATS
from recordings.schema import Driver, Header
from teleop.commands.report import Report
from teleop.worlds.choice import choose

FormatName = Literal[
    "minari",
    "imitation",
    "tutorial",
    "robomimic",
    "d4rl",
]
DriverName = Literal["human", "student", "scripted", "policy"]


class BadConversion(UnderstudyError):
    """What was asked for is no conversion."""


@dataclass(frozen=True)
class Convert(Settings):
    """Export a recording to another format, or make a recording of one. Nothing that is there is overwritten.

    Formats, of which the first four lose nothing (imitation: but episodes without a step):
    minari (a folder with main_data.hdf5 and metadata.json),
    imitation (a folder of Hugging Face datasets, a row a trajectory),
    robomimic (an HDF5 file, a group a demonstration),
    d4rl (an HDF5 file of flat columns),
    tutorial (the GridWorld tutorial's pickle, of its world alone: states, actions and rewards).
    """

    source: Annotated[Path, tyro.conf.Positional]
    """What is converted."""
    target: Annotated[Path, tyro.conf.Positional]
    """Where it goes; nothing may be there."""
    to: FormatName | None = None
    """Export the recording SOURCE in this format."""
    from_: Annotated[FormatName | None, tyro.conf.arg(name="from")] = None
    """Make the recording TARGET of SOURCE, which is in this format."""
    driver: DriverName = "policy"
    """With --from: who drove, where the source does not say."""
    world: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """With --from: of which world SOURCE is, where it does not say (d4rl, imitation, and robomimic of another
    simulator's); its spaces are that world's then. A name of `record --env`. Default: a world without a name, which
    can be learned from and not replayed."""
    seed: Seed | None = None
    """Not used: nothing here is random."""
    json: bool = False
    """Print one JSON object and nothing else."""

    def run(self) -> Report:
        if (self.to is None) == (self.from_ is None):
            raise BadConversion("convert: expected either --to FORMAT or --from FORMAT, found both or none.")
        drops = ""
        if self.to is not None:
            drops = FORMATS[self.to].drops
            with recordings.open(self.source) as reader:
                counts = FORMATS[self.to].export(reader, self.target)
        else:
            assert self.from_ is not None
            driver = Driver[self.driver.upper()]
            counts = FORMATS[self.from_].take_in(self.source, self.target, driver, self._world())
        data = {"source": str(self.source), "target": str(self.target), **counts}
        said = f"{self.target}: {counts['episodes']:,} episodes, {counts['steps']:,} steps"
        said += f"; {counts['infos_dropped']:,} infos dropped" if counts.get("infos_dropped") else ""
        if self.to is not None:
            data["dropped"] = drops
            said += f"; lost on the way: {drops}"
        return Report(data, said)

    def _world(self) -> Header | None:
        if self.world is None:
            return None
        with closing(choose(self.world).make()) as env:
            return Header.for_env(env)


def parse(prog: str, words: list[str]) -> Convert:
    return tyro.cli(Convert, prog=prog, args=words)
