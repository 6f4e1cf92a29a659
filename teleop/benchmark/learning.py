"""From a claim about a learner to a row: run it once a seed, each run a process of its own, and sum up."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

import recordings
from learners.data import tutorial_demonstrations_path
from teleop.benchmark.claims import MOST_MEMORY_MB, Claim
from teleop.benchmark.ledger import Ledger
from teleop.benchmark.rows import Row
from teleop.benchmark.runs import run_command
from teleop.worlds.catalogue import World

KEPT = ("return_mean", "exact", "seconds", "processor_seconds", "peak_mb", "env_steps")
"""What is kept of what `train` prints, beside its count of labels."""

Run = dict[str, Any]


class Learning:
    """Runs `train` in a folder of its own."""

    def __init__(self, ledger: Ledger, folder: Path, *, measures: bool) -> None:
        """measures: False only looks up what was found before (`Ledger.once` raises NotMeasured)."""
        self._ledger, self._folder, self._measures = ledger, folder, measures

    def row(self, claim: Claim, seeds: range) -> Row:
        """Median and range over the seeds. Raises NotMeasured."""
        runs = [self._run(claim, seed) for seed in seeds]
        before = [self._run(claim.continues, seed) for seed in seeds] if claim.continues is not None else None
        row = summary(claim, runs, before)
        control = self._run(_without_demonstrations(claim), seeds[0]) if claim.has_control else None
        return replace(
            row,
            floor=self._floor(claim.world),
            ceiling=row.ceiling if row.ceiling is not None else self._best(claim.world),
            control=None if control is None else control["return_mean"],
        )

    def _run(self, claim: Claim, seed: int) -> Run:
        words = " ".join((claim.learner, *claim.options))
        key = f"train {words} | {claim.world.name} | {claim.data} | seed {seed}"
        found: Run = self._ledger.once(key, (lambda: self._train(claim, seed)) if self._measures else None)
        return found

    def _train(self, claim: Claim, seed: int) -> Run:
        if claim.session_with:
            return self._session(claim, seed)
        words = ["train", claim.learner, *claim.options, "--seed", str(seed)]
        words += ["--out", str(self._policy(claim, seed))]
        data = self._data(claim, seed)
        words += ["--data", str(data)] if data is not None else ["--env", claim.world.name]
        first = None
        if claim.continues is not None:
            first = self._train(claim.continues, seed)
            words += ["--start", str(self._policy(claim.continues, seed))]
        printed = run_command(*words)
        run = {name: printed.get(name) for name in KEPT}
        if first is not None:
            run |= {name: run[name] + first[name] for name in ("seconds", "processor_seconds")}
        run["labels"] = printed["metrics"].get("distinct_labels")
        run["ceiling"] = None if data is None else mean_return(data)
        return run

    def _policy(self, claim: Claim, seed: int) -> Path:
        return self._folder / f"{claim.learner}-{seed}.safetensors"

    def _session(self, claim: Claim, seed: int) -> Run:
        """A session in which an expert corrects the student; a PPO expert is trained before."""
        expert, stem = (
            claim.session_with,
            self._folder / f"session-{claim.world.name}-{claim.session_with}-{seed}",
        )
        if expert == "ppo":
            expert = f"{stem}-expert.safetensors"
            run_command("train", "ppo", "--env", claim.world.name, "--seed", str(seed), "--out", expert)
        words = ("dagger", "--env", claim.world.name, "--expert", expert, "--headless", "--seed", str(seed))
        files = ("--out", f"{stem}.h5", "--policy", f"{stem}.safetensors")
        printed = run_command(*words, *files, "--label-budget", str(claim.labels))
        return {name: printed.get(name) for name in KEPT} | {"labels": printed["distinct_labels"]}

    def _data(self, claim: Claim, seed: int) -> Path | None:
        if claim.is_tutorial:
            return tutorial_demonstrations_path()
        if claim.demonstrations is None:
            return None
        path = self._folder / f"{claim.world.name}-{claim.demonstrations}-{seed}.h5"
        if not path.exists():
            words = ("record", "--env", claim.world.name, "--driver", "scripted", "--headless")
            run_command(
                *words, "--episodes", str(claim.demonstrations), "--seed", str(seed), "--out", str(path)
            )
        return path

    def _floor(self, world: World) -> float:
        """Mean return of actions drawn at random."""
        measure = (lambda: random_return(world)) if self._measures else None
        return float(self._ledger.once(f"random actions | {world.name}", measure))

    def _best(self, world: World) -> float:
        """The best possible mean return."""
        measure = (lambda: _optimal_return(world)) if self._measures else None
        return float(self._ledger.once(f"optimum | {world.name}", measure))


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
    )
    if claim.least is None:
        return row
    met = _reaches(claim.least, claim, returns) and _is_within(claim, row)
    if before is not None:
        met &= all(run["return_mean"] > first["return_mean"] for run, first in zip(runs, before, strict=True))
    return replace(row, met=met, reason="" if met else claim.reason)


def _reaches(least: float, claim: Claim, returns: list[float]) -> bool:
    if claim.passing is None:
        return median(returns) >= least
    wanted = claim.passing * len(returns) / claim.seeds
    return sum(each >= least for each in returns) >= wanted


def _is_within(claim: Claim, row: Row) -> bool:
    fits_time = row.seconds is not None and row.seconds <= claim.within_s
    fits_memory = row.peak_mb is None or row.peak_mb <= MOST_MEMORY_MB
    fits_labels = claim.labels is None or (row.labels is not None and row.labels <= claim.labels)
    return fits_time and fits_memory and fits_labels


def _median_of(runs: list[Run], name: str) -> float | None:
    found = [run[name] for run in runs if run.get(name)]
    return median(found) if found else None


def _without_demonstrations(claim: Claim) -> Claim:
    return replace(claim, options=(*claim.options, "--control"), has_control=False)


@cache
def mean_return(path: Path) -> float:
    """Of the episodes of a recording: what its demonstrator earned."""
    with recordings.open(path) as reader:
        return float(sum(episode.return_ for episode in reader.episodes) / len(reader.episodes))


def random_return(world: World) -> float:
    import numpy as np

    from learners.evaluation import evaluate
    from learners.networks import build, freeze
    from learners.policies import Architecture
    from learners.worlds import facts_of

    facts = facts_of(world.spec())
    architecture = Architecture(facts.observation_space, facts.action_space)
    undecided = freeze(build(architecture, np.random.default_rng(0)), architecture)
    return evaluate(undecided, world.spec(), episodes=1000, sample=True).return_mean


def _optimal_return(world: World) -> float:
    """Exact where the world is a table; elsewhere what counts as solved."""
    from learners.tabular import plan
    from learners.worlds import facts_of

    model = facts_of(world.spec()).model
    if model is None:
        assert world.solved_return is not None
        return world.solved_return
    return plan(model).expected_return(model)
