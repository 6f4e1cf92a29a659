"""`replay`: watch a recording, or re-step it and compare."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from recordings.replay import verify
from teleop.commands.recovered import make_whole
from teleop.commands.report import Report
from teleop.finish import where


@dataclass(frozen=True)
class Replay:
    """Watch a recording, or re-step it and compare every observation, reward and flag."""

    file: Annotated[Path, tyro.conf.Positional]
    """The recording (HDF5)."""
    headless: bool = False
    """Without a window; implies --verify."""
    verify: bool = False
    """Re-step every episode from its seed with its executed actions; the first divergence is named, exit status 1."""
    policy: Path | None = None
    """In the window: a policy to show beside what was done; on GridWorld, upon the map (V changes what is shown)."""
    seed: int | None = None
    """Not used: a replay takes its seeds from the recording."""
    json: bool = False
    """Print one JSON object and nothing else; implies --verify."""

    def run(self) -> Report:
        make_whole([self.file])
        if not (self.headless or self.verify or self.json):
            from teleop.app import run_replay

            run_replay(self.file, policy=self.policy)
            return Report({})
        found = verify(self.file)
        text = (
            f"{self.file}: verified, {found.episodes} episodes, {found.steps} steps replay exactly as recorded"
            if found.verified
            else f"{self.file}: does not replay: {where(found)}"
        )
        return Report(found.to_json(), text, 0 if found.verified else 1)


def parse(prog: str, words: list[str]) -> Replay:
    return tyro.cli(Replay, prog=prog, args=words)
