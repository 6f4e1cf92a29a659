"""`rerun`: play the journal of a session back, and make its recording again."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from rich.progress import Progress, SpinnerColumn, TextColumn

from learners.settings import Seed, Settings
from recordings.errors import RecordingMissing
from recordings.sameness import Difference, first_difference
from teleop.commands.recovered import make_whole
from teleop.commands.report import Report, progress_console
from teleop.finish import recorded
from teleop.journals.journal import Journal
from teleop.journals.rerun import rerun
from teleop.session import Session


@dataclass(frozen=True)
class Rerun(Settings):
    """Play the journal of a session back: the same keys at the same moments make the same recording, without a window.

    A journal is written by `record --journal` and `dagger --training inline --journal`.
    """

    journal: Annotated[Path, tyro.conf.Positional]
    """The journal."""
    out: Path
    """The recording to make: a new file; where the session continued a recording, a copy of it as it was before."""
    against: Path | None = None
    """The recording that the session made: compare every row with it; exit status 1 where one differs."""
    trust_code: bool = False
    """Code that comes with a policy from elsewhere, which took part, may run. A journal cannot say so itself."""
    seed: Seed | None = None
    """Not used: the seed is in the journal."""
    json: bool = False
    """Print one JSON object and nothing else."""

    def run(self) -> Report:
        began_s = time.monotonic()
        if self.against is not None and not self.against.is_file():
            raise RecordingMissing(f"{self.against}: --against: expected a recording, found no file.")
        make_whole([] if self.against is None else [self.against])
        journal = Journal(self.journal)
        session = self._again(journal)
        return self._report(journal, session, time.monotonic() - began_s)

    def _again(self, journal: Journal) -> Session:
        if journal.head.get("command") == "dagger":
            import torch

            torch.set_num_threads(1)  # as `dagger` does: sums in another order are other sums
        columns = SpinnerColumn(), TextColumn("{task.completed:,} events")
        with Progress(*columns, console=progress_console(), transient=True) as bar:
            shown = bar.add_task("events", total=None)
            return rerun(
                journal,
                self.out,
                lambda events: bar.update(shown, completed=events),
                trust_code=self.trust_code,
            )

    def _report(self, journal: Journal, session: Session, seconds: float) -> Report:
        found = None
        if self.against is not None:
            found = first_difference(self.against, self.out, common=not journal.is_whole)
        data = {
            "recording": str(self.out),
            "episodes": session.episodes,
            "steps": session.driven_ticks,
            "labels": session.labels,
            "whole": journal.is_whole,
            "same": None if self.against is None else found is None,
            "difference": None if found is None else str(found),
            "seconds": seconds,
        }
        text = f"{self.out}: {recorded(session.driven_ticks, session.episodes)} in {seconds:.1f} s."
        return Report(data, text + self._words(journal, found), 0 if found is None else 1)

    def _words(self, journal: Journal, found: Difference | None) -> str:
        words = (
            ""
            if journal.is_whole
            else f"\n{journal.path}: the session's end is missing; what is there was played."
        )
        if self.against is None:
            return words
        if found is None:
            return f"{words}\nThe same as {self.against}, in every table and row{_as_far(journal)}."
        return f"{words}\nNOT the same as {self.against}: {found}."


def _as_far(journal: Journal) -> str:
    return "" if journal.is_whole else " that both hold"


def parse(prog: str, words: list[str]) -> Rerun:
    return tyro.cli(Rerun, prog=prog, args=words)
