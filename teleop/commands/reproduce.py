"""`reproduce`: run an experiment of the literature again, and set its figures beside the source's."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from learners.settings import Count, Seed, Settings
from recordings.errors import UnderstudyError
from teleop.benchmark.ledger import SOURCES, Ledger, NotMeasured
from teleop.commands.report import Report, progress_console, table
from teleop.experiments import catalogue, pages
from teleop.experiments.experiment import Experiment, Findings
from teleop.experiments.running import ExperimentError, carry_out, require
from teleop.sweeps.engine import Engine
from teleop.sweeps.sweep import engine_for

ALL = "all"
SOURCES_OF_EXPERIMENTS = (*SOURCES, "teleop/experiments")
"""What the figures come from; a page says so where some of them are older."""


@dataclass(frozen=True)
class Reproduce(Settings):
    """Run experiments of the literature, print their tables beside the source's figures, and write a page of each."""

    names: Annotated[tuple[str, ...], tyro.conf.Positional]
    """Which, or all."""
    out: Path = Path("runs/reproduce")
    """Folder of the pages, their pictures, and what each cell found (NAME.jsonl): started again, an experiment goes on
    where it stopped."""
    cache: Path | None = None
    """Folder of recordings and policies that several cells need. Default: OUT/cache."""
    seeds: Count | None = None
    """Runs of each learner. Default: each experiment's own."""
    seed: Seed = 0
    """The first seed."""
    workers: Count = os.cpu_count() or 1
    """Cells done at once on this machine, one thread each."""
    cluster: str | None = None
    """Do the cells on a Ray cluster instead: HOST:PORT, or auto for the one that runs here (extra ray; see
    docs/sweeps.md)."""
    again: bool = False
    """Do every cell anew, also where --out has it already."""
    json: bool = False
    """Print one JSON object and nothing else."""

    def run(self) -> Report:
        experiments = [catalogue.find(name) for name in self._wanted()]
        for experiment in experiments:
            require(experiment)
        engine = engine_for(self.workers, self.cluster)
        found, failures = [], []
        for experiment in experiments:
            try:
                found.append(self._reproduce(experiment, engine))
            except ExperimentError as error:
                failures.append(str(error))
        self._write_index()
        return Report(
            {"experiments": [data for data, _ in found], "failures": failures},
            "\n\n".join([*(text for _, text in found), *(f"FAILED {each}" for each in failures)]),
            status=1 if failures else 0,
        )

    def _wanted(self) -> tuple[str, ...]:
        """Raises UnderstudyError on a name that is none."""
        unknown = [name for name in self.names if name not in (*catalogue.NAMES, ALL)]
        if unknown or not self.names:
            raise UnderstudyError(
                f"reproduce: expected experiments ({', '.join(catalogue.NAMES)}) or {ALL}, found "
                f"{unknown[0] if unknown else 'none'}."
            )
        return catalogue.NAMES if ALL in self.names else tuple(dict.fromkeys(self.names))

    def _reproduce(self, experiment: Experiment, engine: Engine) -> tuple[dict[str, Any], str]:
        console = progress_console()
        console.print(f"{experiment.name}: {experiment.title}")
        ledger = Ledger(self._ledger_path(experiment), again=self.again, sources=SOURCES_OF_EXPERIMENTS)
        findings = carry_out(
            experiment,
            self._seeds(experiment),
            ledger,
            (self.cache or self.out / "cache") / experiment.name,
            engine=engine,
            say=console.print,
        )
        entries = ledger.used()
        path = pages.write_page(
            experiment,
            findings,
            [entry.date for entry in entries],
            self.out,
            current=all(ledger.is_current(entry) for entry in entries),
        )
        data = {
            "name": experiment.name,
            "page": str(path),
            "seconds": findings.seconds,
            "tables": [pages.table_as_json(each) for each in pages.tables(experiment, findings)],
            "items": pages.items_as_json(experiment.items(findings)),
        }
        return data, f"{_text(experiment, findings)}\n\nPage: {path}"

    def _write_index(self) -> None:
        """Of all that this folder knows, asked for now or before."""
        known = []
        for name in catalogue.NAMES:
            experiment = catalogue.find(name)
            ledger = Ledger(self._ledger_path(experiment))
            try:
                cells = experiment.cells(self._seeds(experiment))
                known.append((experiment, Findings([(cell, ledger.once(cell.key, None)) for cell in cells])))
            except NotMeasured:
                continue
        (self.out / pages.INDEX).write_text(pages.index_page(known), encoding="utf-8")

    def _seeds(self, experiment: Experiment) -> range:
        return range(self.seed, self.seed + (self.seeds or experiment.seeds))

    def _ledger_path(self, experiment: Experiment) -> Path:
        return self.out / f"{experiment.name}.jsonl"


def parse(prog: str, words: list[str]) -> Reproduce:
    return tyro.cli(Reproduce, prog=prog, args=words)


def _text(experiment: Experiment, findings: Findings) -> str:
    return "\n\n".join(
        table(each.title, each.columns, _rows(each.rows), width=160)
        for each in pages.tables(experiment, findings)
    )


def _rows(rows: Sequence[Sequence[Any]]) -> list[list[str]]:
    return [[pages.shown(cell) for cell in row] for row in rows]
