"""One run of a learner for a claim, as a cell of a sweep: it runs the program's own commands in a folder of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import recordings
from learners.data import tutorial_demonstrations_path
from teleop.benchmark.claims import Claim
from teleop.benchmark.runs import run_command
from teleop.sweeps.engine import Task
from teleop.sweeps.made_once import made_once
from teleop.worlds.catalogue import World

KEPT = ("return_mean", "exact", "seconds", "processor_seconds", "peak_mb", "env_steps")
"""What is kept of what `train` prints, beside its count of labels."""

Run = dict[str, Any]


def tasks(claim: Claim, seeds: range, *, shared: bool) -> Sequence[Task]:
    """Every cell that the claim's row needs. shared: they are done beside one another, or on other machines."""
    claims = [claim, claim.continues] if claim.continues is not None else [claim]
    runs = [Training(each, seed, shared) for each in claims for seed in seeds]
    controls = [Training(without_demonstrations(claim), seeds[0], shared)] if claim.has_control else []
    return [*runs, *controls, RandomReturn(claim.world), BestReturn(claim.world)]


def without_demonstrations(claim: Claim) -> Claim:
    return replace(claim, options=(*claim.options, "--control"), has_control=False)


@dataclass(frozen=True)
class Training:
    """A claim's learner with one seed."""

    claim: Claim
    seed: int
    shared: bool = field(default=False, compare=False)
    """Said of the run, where its times are not those of this machine at rest."""

    @property
    def key(self) -> str:
        words = " ".join((self.claim.learner, *self.claim.options))
        return f"train {words} | {self.claim.world.name} | {self.claim.data} | seed {self.seed}"

    def do(self, folder: Path) -> Run:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="run-", dir=folder) as own:
            run = _Run(folder, Path(own), self.seed).of(self.claim)
        return run | {"shared": True} if self.shared else run


@dataclass(frozen=True)
class RandomReturn:
    """How a policy that has learned nothing does."""

    world: World

    @property
    def key(self) -> str:
        return f"random actions | {self.world.name}"

    def do(self, folder: Path) -> float:
        return random_return(self.world)


@dataclass(frozen=True)
class BestReturn:
    """The best possible mean return: exact where the world is a table, elsewhere what counts as solved."""

    world: World

    @property
    def key(self) -> str:
        return f"optimum | {self.world.name}"

    def do(self, folder: Path) -> float:
        from learners.tabular import plan
        from learners.worlds import facts_of

        model = facts_of(self.world.spec()).model
        if model is None:
            assert self.world.solved_return is not None
            return self.world.solved_return
        return plan(model).expected_return(model)


class _Run:
    """The commands of one run."""

    def __init__(self, shared: Path, own: Path, seed: int) -> None:
        """shared: the folder of recordings that other runs need too; own: that of what this one makes."""
        self._shared, self._own, self._seed = shared, own, seed

    def of(self, claim: Claim) -> Run:
        return self._session(claim) if claim.session_with else self._train(claim)

    def _train(self, claim: Claim) -> Run:
        words = ["train", claim.learner, *claim.options, "--seed", str(self._seed)]
        words += ["--out", str(self._policy(claim))]
        data = self._data(claim)
        words += ["--data", str(data)] if data is not None else ["--env", claim.world.name]
        first = None
        if claim.continues is not None:
            first = self._train(claim.continues)
            words += ["--start", str(self._policy(claim.continues))]
        printed = run_command(*words)
        run = {name: printed.get(name) for name in KEPT}
        if first is not None:
            run |= {name: run[name] + first[name] for name in ("seconds", "processor_seconds")}
        run["labels"] = printed["metrics"].get("distinct_labels")
        run["ceiling"] = None if data is None else mean_return(data)
        return run

    def _session(self, claim: Claim) -> Run:
        """A session in which an expert corrects the student; a PPO expert is trained before."""
        expert, world, seed = claim.session_with, claim.world.name, str(self._seed)
        if expert == "ppo":
            expert = str(self._own / "expert.safetensors")
            run_command("train", "ppo", "--env", world, "--seed", seed, "--out", expert)
        words = ("dagger", "--env", world, "--expert", expert, "--headless", "--seed", seed)
        files = ("--out", str(self._own / "session.h5"), "--policy", str(self._own / "session.safetensors"))
        printed = run_command(*words, *files, "--label-budget", str(claim.labels))
        return {name: printed.get(name) for name in KEPT} | {"labels": printed["distinct_labels"]}

    def _policy(self, claim: Claim) -> Path:
        return self._own / f"{claim.learner}.safetensors"

    def _data(self, claim: Claim) -> Path | None:
        if claim.is_tutorial:
            return tutorial_demonstrations_path()
        if claim.demonstrations is None:
            return None
        path = self._shared / f"{claim.world.name}-{claim.demonstrations}-{self._seed}.h5"
        words = ["record", "--env", claim.world.name, "--driver", "scripted", "--headless"]
        words += ["--episodes", str(claim.demonstrations), "--seed", str(self._seed)]
        return made_once(path, lambda aside: _record(*words, "--out", str(aside)))


def random_return(world: World) -> float:
    """Mean return of actions drawn at random."""
    import numpy as np

    from learners.evaluation import evaluate
    from learners.networks import build, freeze
    from learners.policies import Architecture
    from learners.worlds import facts_of

    facts = facts_of(world.spec())
    architecture = Architecture(facts.observation_space, facts.action_space)
    undecided = freeze(build(architecture, np.random.default_rng(0)), architecture)
    return evaluate(undecided, world.spec(), episodes=1000, sample=True).return_mean


def _record(*words: str) -> None:
    run_command(*words)


@cache
def mean_return(path: Path) -> float:
    """Of the episodes of a recording: what its demonstrator earned."""
    with recordings.open(path) as reader:
        return float(sum(episode.return_ for episode in reader.episodes) / len(reader.episodes))
