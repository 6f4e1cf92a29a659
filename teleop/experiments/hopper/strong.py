"""What Hopper can be taught: cloning with standardised inputs, DAgger, cloning from observation, GAIL after cloning."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from statistics import median

import gymnasium as gym
import numpy as np

from learners import bc, bco, dagger, gail
from learners.gradients.starts import spread
from learners.interface import Snapshot
from learners.policies import NetworkPolicy
from recordings.demonstrations import Demonstrations
from teleop.experiments.demonstrations import expert_of
from teleop.experiments.experiment import Cell, Findings, Found, Item, Table
from teleop.experiments.hopper.data import ENV_ID, EPISODES, return_of, shown
from teleop.experiments.statistics import median_and_range
from teleop.worlds.catalogue import HOPPER

ENOUGH = 0.97
"""Share of the expert's return that counts as reached."""
CLONED = (1, 4, 16)
"""Demonstrations that cloning is given."""
FEW = 3
"""Runs, at most, of what takes minutes: from states alone, and GAIL."""
OBSERVED = 4
"""Demonstrations whose states alone are seen."""
IMITATED, EVERY = 4, 20
"""Demonstrations that GAIL is given, and of how many steps it sees one, as in the paper; all of them are enough for a
clone, which GAIL could not improve."""
LABELS_PER_ROUND, ROUNDS = 200, 10
"""Of DAgger, after one demonstration of at most 1,000 labels."""
STUDENT = bc.Config(
    hidden=(256, 256),
    optimiser="adamw",
    learning_rate=1e-3,
    batch_size=256,
    l2=1e-4,
    updates=6_000,
    check_every=1_000,
    patience=6,
    held_out=0.0,
)
"""The clone that is good enough."""
IN_A_ROUND = dataclasses.replace(STUDENT, updates=1_500, check_every=500)
"""The same, going on from the last round's."""
OBSERVER = bco.Config(
    exploration=20_000,
    alpha=0.5,
    spread=0.2,
    iterations=16,
    hidden=(256, 256),
    learning_rate=1e-3,
    batch_size=256,
    updates=1_000,
    inverse_hidden=(256, 256),
    inverse_rate=1e-3,
    inverse_updates=2_000,
)
"""Cloning from observation."""
CONTROLLED = 20
"""Iterations under a judge that never learns: it rewards every step alike, by 0, and so nothing moves."""
DOUBT = 0.1
"""Deviation of the actions, of half their range, with which GAIL goes on from a clone that was all but certain."""


def clone(folder: Path, *, demonstrations: int, seed: int) -> Found:
    """Cloning of so many demonstrations."""
    return {"return": return_of(_cloned(shown(folder, demonstrations, seed), seed), seed)}


def correct(folder: Path, *, seed: int) -> Found:
    """DAgger from one demonstration: the student alone drives, the expert labels every step."""
    known = shown(folder, 1, seed)
    config = dagger.Config(
        gate="beta",
        schedule="constant",
        beta=0.0,
        rounds=ROUNDS,
        labels_per_round=LABELS_PER_ROUND,
        alone_episodes=0,
        student=IN_A_ROUND,
    )
    rng = np.random.default_rng(seed)
    start = _cloned(known, seed)
    rounds = dagger.train(config, known, gym.spec(ENV_ID), rng, expert=expert_of(HOPPER), start=start)
    labels, returns = [len(known)], [return_of(start, seed)]
    for snapshot in rounds:
        labels.append(int(snapshot.metrics["labels"]))
        returns.append(return_of(snapshot.policy, seed))
    return {"labels": labels, "returns": returns, "return": returns[-1], "asked": labels[-1] - labels[0]}


def observe(folder: Path, *, seed: int) -> Found:
    """BCO: the demonstrations' actions are hidden, and worked out by a model of its own steps."""
    data = shown(folder, OBSERVED, seed, state_only=True)
    return _followed(bco.train(OBSERVER, data, gym.spec(ENV_ID), np.random.default_rng(seed)), seed, every=1)


def imitate(folder: Path, *, control: bool, seed: int) -> Found:
    """GAIL that goes on from a clone of the same steps. control: with a judge that never learns."""
    config = gail.Config(
        control=control,
        given="newest",
        copies=16,
        ticks=256,
        hidden=(64, 64),
        learning_rate=1e-4,
        decay="line",
        epochs=10,
        trace=0.99,
        standardised=True,
        start_rounds=10,
        discriminator_hidden=(100, 100),
        discriminator_rate=1e-3,
        discriminator_updates=10,
        gradient_penalty=1.0,
        averaged=20,
        iterations=CONTROLLED if control else 200,
    )
    data = thinned(shown(folder, IMITATED, seed))
    start = spread(_cloned(data, seed), DOUBT)
    learned = gail.train(config, data, gym.spec(ENV_ID), np.random.default_rng(seed), start=start)
    return {"before": return_of(start, seed), **_followed(learned, seed, every=20)}


def _cloned(data: Demonstrations, seed: int) -> NetworkPolicy:
    *_, last = bc.train(STUDENT, data, None, np.random.default_rng(seed))
    assert isinstance(last.policy, NetworkPolicy)
    return last.policy


def thinned(data: Demonstrations) -> Demonstrations:
    """The same, of which every so many-th step alone shows what to do."""
    return dataclasses.replace(data, labelled=np.arange(len(data)) % EVERY == 0)


def _followed(snapshots: Iterable[Snapshot], seed: int, *, every: int) -> Found:
    """The return along the way, looked at every so many snapshots; nothing is chosen by it."""
    steps, returns = [], []
    for number, snapshot in enumerate(snapshots, 1):
        if number % every == 0:
            steps.append(snapshot.env_steps)
            returns.append(return_of(snapshot.policy, seed))
    return {"env_steps": steps, "returns": returns, "return": returns[-1]}


# -- the page ---------------------------------------------------------------------------------------------


def cells(seeds: range) -> list[Cell]:
    each = [
        *(Cell(clone, {"demonstrations": n, "seed": seed}) for n in CLONED for seed in seeds),
        *(Cell(correct, {"seed": seed}) for seed in seeds),
        *(Cell(observe, {"seed": seed}) for seed in seeds[:FEW]),
    ]
    return [
        *each,
        *(Cell(imitate, {"control": c, "seed": seed}) for c in (False, True) for seed in seeds[:FEW]),
    ]


def table(findings: Findings, expert_return: float) -> Table:
    rows = [
        *(
            _row(f"BC, {n} demonstration{'s' * (n > 1)}", findings.of(clone, demonstrations=n), expert_return)
            for n in CLONED
        ),
        _row("DAgger, 1 demonstration", findings.of(correct), expert_return, asked=True),
        _row(f"BCO, {OBSERVED} demonstrations, states alone", findings.of(observe), expert_return),
        _row(
            f"GAIL after BC, every {EVERY}th step of {IMITATED} demonstrations",
            findings.of(imitate, control=False),
            expert_return,
        ),
        _row("the same, control: judges nothing", findings.of(imitate, control=True), expert_return),
        _row("BC of the same steps", [{"return": value} for value in _began(findings)], expert_return),
    ]
    return Table(
        "What Hopper can be taught",
        (
            "learner",
            "return",
            "of the expert's",
            f"runs at {ENOUGH:.0%} of it",
            "labels asked for",
            "own steps in the world",
        ),
        rows,
        f"Median (lowest to highest) over seeds, {EPISODES} episodes each, of the last policy of each run; nothing is "
        "chosen by its return, and GAIL's settings were found on two other seeds. One demonstration is an episode of "
        "the expert's, of at most 1,000 steps; DAgger's labels are those beside it. The control shows what becomes of "
        "the clone when there is nothing to be learned: it is no imitation.",
    )


def _row(name: str, found: Sequence[Found], expert_return: float, *, asked: bool = False) -> tuple[str, ...]:
    returns = [run["return"] for run in found]
    reached = sum(value >= ENOUGH * expert_return for value in returns)
    own = [run["env_steps"][-1] for run in found if "env_steps" in run]
    labels = [run["asked"] for run in found] if asked else []
    return (
        name,
        median_and_range(returns),
        f"{median(returns) / expert_return:.1%}",
        f"{reached} of {len(found)}",
        f"{median(labels):,.0f}" if labels else "–",
        f"{median(own or labels):,.0f}" if own or labels else "0",
    )


def _began(findings: Findings) -> list[float]:
    """Returns of the clones that GAIL went on from."""
    return findings.values("before", imitate, control=False)


def items(findings: Findings, expert_return: float) -> list[Item]:
    def ours(work: Callable[..., Found], **arguments: object) -> str:
        values = findings.values("return", work, **arguments)
        return f"{median_and_range(values)}, {median(values) / expert_return:.1%} of the expert"

    return [
        Item(
            "001",
            "Cloning Hopper",
            "standardised inputs, 256 × 256, 4 demonstrations",
            "1,169.94 at best",
            ours(clone, demonstrations=4),
        ),
        Item(
            "002",
            "DAgger, on Hopper",
            f"1 demonstration, {ROUNDS * LABELS_PER_ROUND:,} labels",
            "–",
            ours(correct),
        ),
        Item(
            "004",
            "Cloning from states alone, on Hopper",
            f"BCO, {OBSERVED} demonstrations",
            "–",
            ours(observe),
        ),
        Item(
            "003",
            "GAIL, on Hopper",
            f"after BC, every {EVERY}th step of {IMITATED} demonstrations",
            "–",
            f"{ours(imitate, control=False)}; the clone it began with {median_and_range(_began(findings))}",
        ),
    ]
