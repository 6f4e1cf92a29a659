"""`info`: what recordings hold, who drove and labelled them, who agrees with whom, and what counts after curation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

import recordings
from learners.alike import SHARE
from learners.settings import Count, NonNegative, Seed, Settings
from recordings.errors import UnderstudyError
from teleop.browser import page, together, words
from teleop.browser.summary import ROWS, Findings, find
from teleop.commands.recovered import make_whole
from teleop.commands.report import Report, table


@dataclass(frozen=True)
class Info(Settings):
    """What recordings hold: world, episodes, who drove, what was labelled, who agrees; as a page too."""

    files: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="FILE...")]
    """One recording (HDF5) or several."""
    html: Path | None = None
    """Write a page that one can show, tables and plots in one file, that asks nothing of any network."""
    tolerance: NonNegative = SHARE
    """Of an action's range: two Box actions no further apart than this are alike. Equal ones are counted too."""
    rows: Count = ROWS
    """Episodes, and sittings, that have a row of their own in --json and on the page; the others are summed up."""
    seed: Seed | None = None
    """Not used: nothing here is random."""
    json: bool = False
    """Print one JSON object and nothing else."""

    def run(self) -> Report:
        self._check()
        found = [self._find(path) for path in self.files]
        data = found[0].data if len(found) == 1 else together.summary(found)
        sheets = [_sheet(each) for each in found]
        if len(found) > 1:
            sheets.append(_operators(data))
        if self.html is not None:
            page.write(self.html, found, data)
            sheets.append(f"{self.html}: the page.")
        return Report(data, "\n\n".join(sheets))

    def _find(self, path: Path) -> Findings:
        notices = make_whole([path])
        with recordings.open(path) as reader:
            found = find(reader, rows=self.rows, tolerance=self.tolerance)
        found.data["recovered"] = notices[0] if notices else None
        return found

    def _check(self) -> None:
        if not self.files:
            raise UnderstudyError("info: FILE: expected one recording or more, found none.")
        if not 0.0 <= self.tolerance <= 1.0:
            raise UnderstudyError(
                f"--tolerance: expected a share of an action's range from 0 to 1, found {self.tolerance:g}."
            )
        if self.rows < 0:
            raise UnderstudyError(f"--rows: expected 0 or more, found {self.rows}.")
        if self.html is not None:
            page.check(self.html)


def parse(prog: str, words: list[str]) -> Info:
    return tyro.cli(Info, prog=prog, args=words)


def _sheet(found: Findings) -> str:
    """For a terminal of 80 columns; below it the operators, where there are several."""
    sheet = table(found.path, ("", ""), words.sheet(found.data), width=80)
    return f"{sheet}\n\n{_operators(found.data)}" if len(found.data["operators"]) > 1 else sheet


def _operators(data: Mapping[str, Any]) -> str:
    title, rows = words.operators(data["operators"])
    return table(title, words.OPERATORS, rows, width=80)
