"""One loop, three samplers: the students of source 002, who differ in who drives while their states are sampled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from learners import bc, dagger
from learners.asking.practice import Round
from learners.interface import Policy
from learners.worlds import facts_of
from recordings.demonstrations import Demonstrations
from teleop.experts import scripted_expert
from teleop.worlds.catalogue import CARTPOLE, GRIDWORLD, World

CLONING, DAGGER, ASKING = "expert", "student", "asking"
SAMPLERS = {
    CLONING: "the expert drives (cloning)",
    DAGGER: "the student drives (DAgger)",
    ASKING: "the student drives, and asks",
}
"""Who drives while states are sampled, once there is a student; everything else is the same."""


@dataclass(frozen=True)
class Setting:
    """What is compared in one world."""

    world: World
    labels: tuple[int, ...]
    shown: int
    """Labels of the students whose mistakes are shown over time."""
    asking: dagger.GateName
    """The gate by which the student asks: the usual one of such a world."""
    labels_per_round: int
    enough: float
    """The return that counts as imitated."""
    best: float | None = None
    """The best possible return, where pictures show how far others fall short of it."""


SETTINGS = (
    Setting(
        GRIDWORLD,
        labels=(100, 200, 400, 800, 1_600),
        shown=400,
        asking="novelty",
        labels_per_round=10,
        enough=9.0,
        best=10.0,
    ),
    Setting(
        CARTPOLE,
        labels=(50, 100, 200, 400, 800),
        shown=100,
        asking="uncertainty",
        labels_per_round=25,
        enough=475.0,
    ),
)


def taught(setting: Setting, sampler: str, labels: int, seed: int) -> tuple[Policy, Demonstrations]:
    """The student, and every step that was sampled on the way."""
    spec, rng = setting.world.spec(), np.random.default_rng(seed)
    facts, config = facts_of(spec), configuration(setting, sampler, labels)
    practice = dagger.practice(config, spec, facts, scripted_expert(setting.world), rng)
    sampled: list[Demonstrations] = []

    def sample(round_: Round) -> Demonstrations:
        sampled.append(practice(round_))
        return sampled[-1]

    try:
        *_, last = dagger.train(config, None, spec, rng, sample=sample)
    finally:
        practice.close()
    return last.policy, dagger.concatenate(sampled)


def configuration(setting: Setting, sampler: str, labels: int) -> dagger.Config:
    """The one loop's settings; but for the gate they are the same for all."""
    gates: dict[str, dagger.GateName] = {CLONING: "expert", DAGGER: "beta", ASKING: setting.asking}
    is_table = setting.world is GRIDWORLD
    return dagger.Config(
        labels=labels,
        rounds=labels,
        labels_per_round=setting.labels_per_round,
        steps_per_round=20_000 if is_table else 4_000,
        settled=0.0,
        gate=gates[sampler],
        alone_episodes=0,
        student=bc.Config(fallback="nearest", arrive=False) if is_table else dagger.quick_student(),
    )
