"""From a claim about a learner to a row: sum up its runs, one a seed (`training.py`)."""

from __future__ import annotations

from dataclasses import replace
from statistics import median

from teleop.benchmark.claims import MOST_MEMORY_MB, Claim
from teleop.benchmark.ledger import Ledger
from teleop.benchmark.rows import Row
from teleop.benchmark.training import BestReturn, RandomReturn, Run, Training, without_demonstrations


def learned_row(claim: Claim, seeds: range, ledger: Ledger) -> Row:
    """Median and range over the seeds. Raises NotMeasured unless all is known."""
    runs = _known(claim, seeds, ledger)
    before = _known(claim.continues, seeds, ledger) if claim.continues is not None else None
    row = summary(claim, runs, before)
    control = _known(without_demonstrations(claim), seeds[:1], ledger)[0] if claim.has_control else None
    best = float(ledger.once(BestReturn(claim.world).key, None))
    return replace(
        row,
        floor=float(ledger.once(RandomReturn(claim.world).key, None)),
        ceiling=row.ceiling if row.ceiling is not None else best,
        control=None if control is None else control["return_mean"],
    )


def _known(claim: Claim, seeds: range, ledger: Ledger) -> list[Run]:
    return [ledger.once(Training(claim, seed).key, None) for seed in seeds]


def summary(claim: Claim, runs: list[Run], before: list[Run] | None = None) -> Row:
    """What the runs of a claim come to. before: the runs whose policies these went on from."""
    returns = [run["return_mean"] for run in runs]
    row = Row(
        claim.name,
        claim.world.name,
        claim.learner,
        claim.data,
        return_median=median(returns),
        return_min=min(returns),
        return_max=max(returns),
        exact=bool(runs[0]["exact"]),
        seeds=len(runs),
        seconds=_median_of(runs, "seconds"),
        processor_seconds=_median_of(runs, "processor_seconds"),
        peak_mb=max((run["peak_mb"] for run in runs if run["peak_mb"] is not None), default=None),
        labels=_median_of(runs, "labels"),
        env_steps=_median_of(runs, "env_steps"),
        ceiling=_median_of(runs, "ceiling"),
        claim=str(claim),
        shared=any(run.get("shared") for run in runs),
    )
    if claim.least is None:
        return row
    met: bool | None = _reaches(claim.least, claim, returns) and _is_within(claim, row)
    if before is not None:
        met = met and all(
            run["return_mean"] > first["return_mean"] for run, first in zip(runs, before, strict=True)
        )
    if met and row.shared:
        met = None  # its time is no evidence, for or against
    return replace(row, met=met, reason=claim.reason if met is False else "")


def _reaches(least: float, claim: Claim, returns: list[float]) -> bool:
    if claim.passing is None:
        return median(returns) >= least
    wanted = claim.passing * len(returns) / claim.seeds
    return sum(each >= least for each in returns) >= wanted


def _is_within(claim: Claim, row: Row) -> bool:
    fits_time = row.shared or (row.seconds is not None and row.seconds <= claim.within_s)
    fits_memory = row.peak_mb is None or row.peak_mb <= MOST_MEMORY_MB
    fits_labels = claim.labels is None or (row.labels is not None and row.labels <= claim.labels)
    return fits_time and fits_memory and fits_labels


def _median_of(runs: list[Run], name: str) -> float | None:
    found = [run[name] for run in runs if run.get(name)]
    return median(found) if found else None
