"""`curate --out`: a new recording made of the chosen episodes of others, or two that part them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from recordings.choosing import ANY_OF, FIELDS, chooser
from recordings.merging import Merged, Wanted, merge, split
from teleop.commands.report import Report

PARTS = ("train", "validation")


@dataclass(frozen=True)
class Gathering:
    """What is taken, and where it goes."""

    files: Sequence[Path]
    out: Path
    where: Sequence[str]
    deduplicate: bool
    redact: bool
    split: float | None
    by: Literal["episode", "operator"]
    seed: int

    def run(self) -> Report:
        """Raises what `recordings.merging` does."""
        wanted = Wanted(chooser(self.where), self.deduplicate, self.redact)
        written: tuple[Merged, ...]
        if self.split is None:
            written = (merge(self.files, self.out, wanted),)
        else:
            first, second = (self.out.with_suffix(f".{part}{self.out.suffix}") for part in PARTS)
            written = split(
                self.files, (first, second), self.split, by=self.by, seed=self.seed, wanted=wanted
            )
        return Report({"written": [_data(each) for each in written]}, _text(written))


def fields_in_words() -> str:
    """What conditions may ask, for `--help`."""
    return "; ".join(f"{name} ({about[2]})" for name, about in {**FIELDS, **ANY_OF}.items())


def _data(merged: Merged) -> dict[str, object]:
    return {**asdict(merged), "path": str(merged.path)}


def _text(written: Sequence[Merged]) -> str:
    lines = [
        f"{each.path}: {each.episodes:,} episodes, {each.steps:,} steps, {each.labels:,} labels"
        + (f"; {each.duplicates:,} episodes were there already" if each.duplicates else "")
        for each in written
    ]
    hidden = written[0].operators
    if hidden:
        said = ", ".join(f"{name} is now {stands_for}" for name, stands_for in hidden.items())
        lines.append(
            f"{said}. Keep this list apart from the file; what names people in other words is as it was."
        )
    return "\n".join(lines)
