"""DAgger: imitation where the student goes, not only where the expert went (Ross 2011, algorithm 3.1).

One loop serves behavioural cloning and DAgger; they differ in who drives while states are sampled:

  1. sample states with driver D    BC: the expert, once. DAgger: the student, a mixture, or as a gate decides
  2. label them with the expert
  3. fit the student to all labels so far
  4. repeat

Objective: the cloning loss in the states that the student itself visits. Without step 4 errors compound, up
to quadratically with the episode's length; with it, linearly (theorem 3.2).

Reading order: `imitate` (the loop), `train` (the parts together); in `learners.asking` `practice` samples without a
person, and `gates` decide who drives. The live session is another sampler: anything that turns a `Round` into labelled
steps will do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal, cast

import gymnasium as gym
import numpy as np
from gymnasium.envs.registration import EnvSpec

from learners import bc
from learners.asking.doubts import Disagreement, Doubt, Unsureness, novelty_of
from learners.asking.gates import (
    BetaGate,
    EnsembleGate,
    ExpertGate,
    Gate,
    HumanGate,
    NoveltyGate,
    Schedule,
    ThriftyGate,
    UncertaintyGate,
    beta_of_round,
)
from learners.asking.practice import Practice, Round, Tally
from learners.asking.simulated_person import SimulatedPerson
from learners.cloning.shuffled import sampled
from learners.cloning.table_clone import said_in
from learners.errors import NothingToLearnError
from learners.evaluation import evaluate
from learners.interface import Array, Expert, Policy, Snapshot
from learners.pictures import is_picture
from learners.policies import TablePolicy
from learners.settings import Count, CountOrZero, NonNegative, Settings, Share
from learners.worlds import WorldFacts, facts_of
from recordings.demonstrations import Demonstrations
from recordings.stream import Stream

GateName = Literal["expert", "beta", "human", "uncertainty", "novelty", "ensemble", "thrifty"]

Sample = Callable[[Round], "Demonstrations"]
"""Steps of one round, those with a label marked. No label: nothing is left to ask, and the loop ends."""
SAMPLE = 1 << 13
"""Labels of a stream that a gate knows, and on which two students are compared."""
Fit = Callable[["Demonstrations | Stream", Policy | None], Snapshot]
"""All labels so far, and the student so far -> the next student."""


def imitate(
    sample: Sample,
    fit: Fit,
    betas: list[float],
    known: Demonstrations | Stream | None = None,
    start: Policy | None = None,
    labels: int | None = None,
) -> Iterator[Snapshot]:
    """The loop that behavioural cloning (betas = [1]) and DAgger share; one snapshot a round.

    Before the first round, as round 0, comes what the known labels alone teach, where nobody starts.
    betas: the expert's share of the driving in each round. known: labelled steps to begin with. labels: those
    that may be given, beside the known.
    """
    student, data, env_steps, given = start, known, 0, 0
    if known is not None and student is None:
        fitted = fit(known, None)
        student = fitted.policy
        yield Snapshot(0, student, {**counts(known), **fitted.metrics})
    for index, beta in enumerate(betas):
        left = None if labels is None else labels - given
        if left is not None and left <= 0:
            return
        fresh = sample(Round(index, beta, student, given, left))
        if not fresh.labelled.any():
            return
        env_steps += len(fresh.observations)
        given += int(fresh.labelled.sum())
        data = fresh if data is None else extended(data, fresh)
        fitted = fit(data, student)
        student = fitted.policy
        metrics = {**counts(data), **fitted.metrics}
        tally = getattr(sample, "tally", None)
        if isinstance(tally, Tally):
            metrics |= tally.metrics()
        yield Snapshot(index + 1, student, metrics, env_steps)


def extended(data: Demonstrations | Stream, fresh: Demonstrations) -> Demonstrations | Stream:
    """All there was to learn from, and more."""
    return data.extended(fresh) if isinstance(data, Stream) else concatenate([data, fresh])


def counts(data: Demonstrations | Stream) -> dict[str, float]:
    """Labels given, and (on Discrete states) in how many distinct states."""
    if isinstance(data, Stream):  # a table counts by itself, and knows
        n_labels = int(data.total("labels", lambda block: block.labelled.sum(keepdims=True))[0])
        return {"labels": float(n_labels), "distinct_labels": float(n_labels)}
    n_labels = int(data.labelled.sum())
    is_discrete = isinstance(data.observation_space, gym.spaces.Discrete)
    distinct = len(np.unique(data.observations[data.labelled])) if is_discrete else n_labels
    return {"labels": float(n_labels), "distinct_labels": float(distinct)}


# -- the learner -----------------------------------------------------------------------------------------


def quick_student() -> bc.Config:
    """A student that is fitted in well under a second: a round should not keep the expert waiting."""
    return bc.Config(hidden=(), learning_rate=0.1, l2=1e-4, updates=200, check_every=100, held_out=0.0)


def picture_student() -> bc.Config:
    """One that is fitted in some seconds."""
    return bc.Config(learning_rate=1e-3, batch_size=64, updates=200, check_every=100, held_out=0.0)


@dataclass(frozen=True)
class Config(Settings):
    """Settings of DAgger. None: what suits the world, a table or a perceptron being its student."""

    labels: Count | None = None
    """Labels that the expert gives at most; None: no limit."""
    rounds: Count | None = None
    """Times at most that states are sampled, labelled and learned from. None: 20 with the gates "expert" and
    "beta", which would go on for ever; 60 with the others, which end when there is nothing left to ask."""
    labels_per_round: Count | None = None  # labels
    """A round ends with its last label. None: 25 (perceptron); a tenth of those so far, at least 10 (table); with
    the gates "expert" and "beta" 100 (table)."""
    steps_per_round: Count = 20_000  # environment steps
    """A round ends here at the latest, however few its labels; without any label it is the last one."""
    settled: Share | None = None  # share of the states visited so far
    """Training ends where two rounds in a row change the student's choice in less than this. None: 0.02; 0, which
    is never, of a table, for it is done when nothing is asked, and with the gates "expert" and "beta"."""
    gate: GateName | None = None
    """Who drives. "expert": the expert; "beta": the expert by lot, and every state is labelled; "human": a
    simulated person takes over when the student errs; and four by which the student asks, and only there is
    labelled: "uncertainty" where it is unsure, "novelty" far from every label, "ensemble" where students of
    resampled labels disagree, "thrifty" where its doubt is among the greatest, within an allowance. All but the
    first three: also where a Discrete state comes up again. None: "uncertainty" (a perceptron
    that chooses), "novelty" (a table, or Box actions), "beta" (pictures and Box actions)."""
    schedule: Schedule = "first-only"
    """Gate "beta": the expert's share of the driving over the rounds."""
    beta: Share = 0.5  # share of the steps
    """Gate "beta" with schedule "constant": the expert's share of the driving."""
    threshold: Share | None = None  # probability
    """Gate "uncertainty": the student is unsure where its best action has less. None: 0.6 (table), 0.9."""
    far: Share = 0.95
    """Gate "novelty": a state is far where labels are further away than this quantile of them from the next."""
    near: Share = 0.5
    """Gate "novelty": the student takes back nearer than this quantile."""
    doubt: Share = 0.1
    """Gate "ensemble": the student asks where its like disagree by more than this; it takes back below half."""
    members: Count = 5
    """Gate "ensemble": students fitted."""
    share: Share = 0.05  # share of the steps
    """Gate "thrifty": the expert's allowance."""
    delay: CountOrZero = 0  # steps
    """The expert reacts to what it saw so many steps ago; gate "human": and notices so late. Where states are
    Discrete the world waits for answers, and only noticing takes time."""
    slips: Share = 0.0  # share of the answers
    """So often the expert gives another action than it means."""
    noise: NonNegative | Literal["estimated"] = 0.0
    """DART: noise in what the expert executes, none in its labels. Discrete actions: the share replaced; Box: the
    deviation added. "estimated": as great as the student's error on each round's labels, before it learns them."""
    alone_episodes: CountOrZero = 10
    """Episodes after each round in which the student is on its own, for its metrics only; on a table they are
    exact. 0: none."""
    student: bc.Config = field(default_factory=quick_student)
    """How the student is fitted in each round; unless something else is asked for, a student of pictures as
    `picture_student`."""


def train(
    config: Config,
    demonstrations: Demonstrations | Stream | None,
    world: EnvSpec | None,
    rng: np.random.Generator,
    *,
    expert: Expert | None = None,
    sample: Sample | None = None,
    start: Policy | None = None,
    symmetry: bc.Symmetry | None = None,
) -> Iterator[Snapshot]:
    """One snapshot a round; `Snapshot.step` counts rounds.

    demonstrations: labelled steps to begin with; of a Stream gates know some. expert: who labels. sample: where
    labelled steps come from; by default `Practice` in `world` with `expert`. start, symmetry: as in `bc.train`.
    Metrics: `labels`, `distinct_labels`, `return_alone`; from `Practice` also `takeovers`, `switches` (each way),
    `takeover_length` (mean, steps), `autonomous` (share of the steps), `return_assisted` (complete episodes of the
    round); `changed` (share of the states visited so far in which this round changed the student's choice).
    Raises NothingToLearnError without a sampler and without a world and an expert to make one.
    """
    facts = None if world is None else facts_of(world)
    if sample is None:
        if world is None or facts is None or expert is None:
            raise NothingToLearnError(
                "dagger: expected a world to practise in and an expert who labels, found "
                f"{'no world' if world is None else 'no expert'}. Name both."
            )
        sample = practice(config, world, facts, expert, rng, demonstrations, start, symmetry)
    teacher = Teacher(config, world, facts, rng, symmetry)
    rounds = config.rounds or (20 if config.gate in ("expert", "beta") else 60)
    betas = [beta_of_round(config.schedule, i, rounds, config.beta) for i in range(rounds)]
    return _until_settled(teacher, imitate(sample, teacher.fit, betas, demonstrations, start, config.labels))


def _until_settled(teacher: Teacher, snapshots: Iterator[Snapshot]) -> Iterator[Snapshot]:
    was_settled = False
    for snapshot in snapshots:
        yield snapshot
        is_settled = snapshot.metrics["changed"] < teacher.settled
        if is_settled and was_settled:
            return
        was_settled = is_settled


class Teacher:
    """Fits students to labels."""

    def __init__(
        self,
        config: Config,
        world: EnvSpec | None,
        facts: WorldFacts | None,
        rng: np.random.Generator,
        symmetry: bc.Symmetry | None,
    ) -> None:
        self._config, self._world, self._rng, self._symmetry = config, world, rng, symmetry
        is_table = facts is not None and _is_tabular(facts)
        never = is_table or config.gate in ("expert", "beta")
        self.settled = (0.0 if never else 0.02) if config.settled is None else config.settled

    def fit(self, data: Demonstrations | Stream, student: Policy | None) -> Snapshot:
        """The next student, how far it differs from this one, and how it does alone."""
        last = self.fitted(data, student)
        if isinstance(data, Stream):
            seen = some_labels(data, self._rng)[0]
        else:
            seen = data.observations
        metrics = {**last.metrics, "changed": _changed(student, last.policy, seen)}
        if self._world is not None and self._config.alone_episodes > 0:
            seed = int(self._rng.integers(2**31))
            alone = evaluate(last.policy, self._world, episodes=self._config.alone_episodes, seed=seed)
            metrics["return_alone"] = alone.return_mean
        return replace(last, metrics=metrics)

    def fitted(self, data: Demonstrations | Stream, student: Policy | None) -> Snapshot:
        """Cloned from all labels."""
        config = self._config.student
        if config == quick_student() and is_picture(data.observation_space):
            config = picture_student()
        *_, last = bc.train(config, data, self._world, self._rng, start=student, symmetry=self._symmetry)
        return last


def _changed(before: Policy | None, after: Policy, observations: Array) -> float:
    """The share of the observations in which another action is chosen; 1 where nobody chose before."""
    if before is None:
        return 1.0
    same = np.isclose(before.act(observations), after.act(observations), atol=0.01)
    return 1.0 - float(same.reshape(len(observations), -1).all(1).mean())


# -- practice, put together ------------------------------------------------------------------------------


def practice(
    config: Config,
    world: EnvSpec,
    facts: WorldFacts,
    expert: Expert,
    rng: np.random.Generator,
    known: Demonstrations | Stream | None = None,
    start: Policy | None = None,
    symmetry: bc.Symmetry | None = None,
) -> Practice:
    """The sampler of these settings; its gate knows the known labels, and what the first student was taught."""
    is_table = _is_tabular(facts)
    if config.delay or config.slips or config.gate == "human":
        expert = simulated_person(config, facts, expert, rng)
    gate = make_gate(config, world, facts, expert, rng, symmetry)
    tell(gate, start, facts)
    for observation, action in zip(*some_labels(known, rng), strict=True) if known is not None else ():
        gate.learn(observation, action)
    return Practice(
        world,
        expert,
        gate,
        rng,
        labels_per_round=lambda labels: labels_in_round(config, is_table, labels),
        steps_per_round=config.steps_per_round,
        noise=config.noise,
    )


def some_labels(data: Demonstrations | Stream, rng: np.random.Generator) -> tuple[Array, Array]:
    """Observations (L, *o) and actions (L, *a) of all labels; of a Stream the distinct ones, or some blocks'."""
    if not isinstance(data, Stream):
        return data.pairs()
    if all(isinstance(space, gym.spaces.Discrete) for space in (data.observation_space, data.action_space)):
        return said_in(data, None).distinct()
    return sampled(data, rng, most=SAMPLE)


def tell(gate: Gate, student: Policy | None, facts: WorldFacts) -> None:
    """Let a gate know the states in which a table was taught: where it is surer of an action than of the others."""
    if not isinstance(student, TablePolicy):
        return
    space = cast(gym.spaces.Discrete, facts.observation_space)
    states = np.arange(int(space.start), int(space.start + space.n))
    taught = states[student.confidence(states) > 1.001 / student.architecture.n_outputs]
    for state, action in zip(taught.tolist(), student.act(taught).tolist(), strict=True):
        gate.learn(state, action)


def labels_in_round(config: Config, is_table: bool, labels: int) -> int:
    """Labels that a round is for, after so many."""
    if config.labels_per_round is not None:
        return config.labels_per_round
    if not is_table:
        return 25
    return 100 if config.gate in ("expert", "beta") else max(10, labels // 10)


def simulated_person(
    config: Config, facts: WorldFacts, expert: Expert, rng: np.random.Generator
) -> SimulatedPerson:
    """The expert with a person's weaknesses."""
    return SimulatedPerson(
        expert,
        facts.action_space,
        rng,
        delay_steps=config.delay,
        slips=config.slips,
        world_waits=_is_tabular(facts),
    )


def make_gate(
    config: Config,
    world: EnvSpec,
    facts: WorldFacts,
    expert: Expert,
    rng: np.random.Generator,
    symmetry: bc.Symmetry | None = None,
) -> Gate:
    """The gate of these settings. expert: for "human" a SimulatedPerson."""
    is_table = _is_tabular(facts)
    match config.gate or usual_gate(facts):
        case "expert":
            return ExpertGate()
        case "beta":
            return BetaGate(config.beta)
        case "human":
            if not isinstance(expert, SimulatedPerson):
                expert = simulated_person(config, facts, expert, rng)
            return HumanGate(expert)
        case "uncertainty":
            return UncertaintyGate(_threshold(config, is_table))
        case "novelty":
            return NoveltyGate(novelty_of(facts), far=config.far, near=config.near)
        case "ensemble":
            return EnsembleGate(ensemble_of(config, world, facts, rng, symmetry), doubt=config.doubt)
        case "thrifty":
            doubt: Doubt = novelty_of(facts) if is_table else Unsureness()
            return ThriftyGate(doubt, share=config.share)


def usual_gate(facts: WorldFacts) -> GateName:
    """By doubt where students can tell theirs, else by novelty; of pictures, which are all new, by lot."""
    if isinstance(facts.action_space, gym.spaces.Discrete) and not _is_tabular(facts):
        return "uncertainty"
    return "beta" if is_picture(facts.observation_space) else "novelty"


def ensemble_of(
    config: Config,
    world: EnvSpec,
    facts: WorldFacts,
    rng: np.random.Generator,
    symmetry: bc.Symmetry | None = None,
) -> Disagreement:
    """How far apart students of these settings act that were fitted to resampled labels."""
    teacher = Teacher(config, world, facts, rng, symmetry)

    def fit(observations: Array, actions: Array) -> Policy:
        labels = Demonstrations.from_pairs(
            observations,
            actions,
            observation_space=facts.observation_space,
            action_space=facts.action_space,
        )
        return teacher.fitted(labels, None).policy

    return Disagreement(fit, rng, config.members)


def _threshold(config: Config, is_table: bool) -> float:
    return config.threshold or (0.6 if is_table else 0.9)


def _is_tabular(facts: WorldFacts) -> bool:
    return isinstance(facts.observation_space, gym.spaces.Discrete)


def concatenate(parts: list[Demonstrations]) -> Demonstrations:
    """One after the other; the spaces and the world are those of the first."""
    first = parts[0]
    if any(part.actions is None for part in parts):
        raise NothingToLearnError(
            "actions: expected the actions to imitate, found observations alone. Load them with actions."
        )
    rows = ("observations", "actions", "labelled", "rewards", "terminated", "truncated")
    columns: dict[str, Any] = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in (*rows, "lengths", "final_observations")
    }
    lengths = columns["lengths"]
    return replace(first, **columns, starts=np.cumsum(lengths) - lengths)
