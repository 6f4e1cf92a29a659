"""DAgger: imitation where the student goes, not only where the expert went (Ross 2011, algorithm 3.1).

One loop serves behavioural cloning and DAgger; they differ in who drives while states are sampled:

  1. sample states with driver D    BC: the expert, once. DAgger: the student, a mixture, or as a gate decides
  2. label them with the expert
  3. fit the student to all labels so far
  4. repeat

Objective: the cloning loss in the states that the student itself visits. Without step 4 errors compound, up
to quadratically with the episode's length; with it, linearly (theorem 3.2).

Reading order: `imitate` (the loop), `train` (the parts together), `Practice` (sampling without a person).
The live session can be another sampler: anything that turns a `Round` into labelled steps will do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import gymnasium as gym
import numpy as np
from gymnasium.envs.registration import EnvSpec

from learners import bc
from learners.errors import NothingToLearnError
from learners.gates import BetaGate, Gate, Schedule, UncertaintyGate, beta_of_round
from learners.interface import Array, Expert, Policy, Snapshot
from learners.worlds import headless
from recordings.demonstrations import Demonstrations


@dataclass(frozen=True)
class Round:
    """What a sampler is told at the start of a round."""

    index: int
    """0 is the first."""
    beta: float
    """The expert's share of the driving, where a mixture drives."""
    student: Policy | None
    """The student so far; None before there is one: the expert drives."""


Sample = Callable[[Round], "Demonstrations"]
"""Steps of one round, those with a label marked. No label: nothing is left to ask, and the loop ends."""
Fit = Callable[["Demonstrations", Policy | None], Snapshot]
"""All labels so far, and the student so far -> the next student."""


def imitate(
    sample: Sample,
    fit: Fit,
    betas: list[float],
    known: Demonstrations | None = None,
    start: Policy | None = None,
) -> Iterator[Snapshot]:
    """The loop that behavioural cloning (betas = [1]) and DAgger share; one snapshot a round.

    betas: the expert's share of the driving in each round. known: labelled steps to begin with.
    """
    student, data, env_steps = start, known, 0
    if known is not None and student is None:
        student = fit(known, None).policy
    for index, beta in enumerate(betas):
        fresh = sample(Round(index, beta, student))
        if not fresh.labelled.any():
            return
        env_steps += len(fresh.observations)
        data = fresh if data is None else concatenate([data, fresh])
        fitted = fit(data, student)
        student = fitted.policy
        yield Snapshot(index + 1, student, {**fitted.metrics, **counts(data)}, env_steps)


def counts(data: Demonstrations) -> dict[str, float]:
    """Labels given, and (on Discrete states) in how many distinct states."""
    n_labels = int(data.labelled.sum())
    is_discrete = isinstance(data.observation_space, gym.spaces.Discrete)
    distinct = len(np.unique(data.observations[data.labelled])) if is_discrete else n_labels
    return {"labels": float(n_labels), "distinct_labels": float(distinct)}


# -- the learner -----------------------------------------------------------------------------------------


def quick_student() -> bc.Config:
    """A student that is fitted in well under a second: a round should not keep the expert waiting."""
    return bc.Config(hidden=(), learning_rate=0.05, l2=1e-3, updates=300, check_every=100)


@dataclass(frozen=True)
class Config:
    """Settings of DAgger."""

    rounds: int = 20
    """Times that states are sampled, labelled and learned from."""
    labels_per_round: int | None = None  # labels
    """A round ends with its last label; None: 100 on Discrete states, 25 on others."""
    steps_per_round: int = 50_000  # environment steps
    """A round ends here at the latest, however few its labels."""
    gate: Literal["beta", "uncertainty"] = "uncertainty"
    """Who drives: "beta" the expert by lot, and every state is labelled; "uncertainty" the expert where the
    student is unsure or goes in circles, and only those states are labelled."""
    schedule: Schedule = "first-only"
    """Gate "beta": the expert's share of the driving over the rounds."""
    beta: float = 0.5  # share of the steps
    """Gate "beta" with schedule "constant": the expert's share of the driving."""
    threshold: float = 0.6  # probability
    """Gate "uncertainty": the student is unsure where its most probable action has less."""
    student: bc.Config = field(default_factory=quick_student)
    """How the student is fitted in each round."""


def train(
    config: Config,
    demonstrations: Demonstrations | None,
    world: EnvSpec | None,
    rng: np.random.Generator,
    *,
    expert: Expert | None = None,
    sample: Sample | None = None,
    start: Policy | None = None,
    symmetry: bc.Symmetry | None = None,
) -> Iterator[Snapshot]:
    """One snapshot a round; `Snapshot.step` counts rounds, its metrics count `labels` and `distinct_labels`.

    demonstrations: labelled steps to begin with. expert: who labels. sample: where labelled steps come
    from; by default `Practice` in `world` with `expert`. start, symmetry: as in `bc.train`.
    Raises NothingToLearnError without a sampler and without a world and an expert to make one.
    """
    if sample is None:
        if world is None or expert is None:
            raise NothingToLearnError(
                "dagger: expected a world to practise in and an expert who labels, found "
                f"{'no world' if world is None else 'no expert'}. Name both."
            )
        sample = Practice(config, world, expert, rng)

    def fit(data: Demonstrations, student: Policy | None) -> Snapshot:
        *_, last = bc.train(config.student, data, world, rng, start=student, symmetry=symmetry)
        return last

    betas = [beta_of_round(config.schedule, i, config.rounds, config.beta) for i in range(config.rounds)]
    return imitate(sample, fit, betas, demonstrations, start)


# -- sampling without a person ---------------------------------------------------------------------------


class Practice:
    """Drives one copy of a world, lets the gate choose between student and expert, and asks for labels."""

    def __init__(self, config: Config, world: EnvSpec, expert: Expert, rng: np.random.Generator) -> None:
        self._config, self._expert, self._rng = config, expert, rng
        self._env = gym.make(headless(world), disable_env_checker=True)
        self._world = world
        is_discrete = isinstance(self._env.observation_space, gym.spaces.Discrete)
        self._labels_per_round = config.labels_per_round or (100 if is_discrete else 25)

    def __call__(self, round_: Round) -> Demonstrations:
        gate = self._gate(round_)
        steps = _Steps(self._env)
        labels = 0
        while labels < self._labels_per_round and len(steps) < self._config.steps_per_round:
            labels += self._episode(round_.student, gate, steps, self._labels_per_round - labels)
        return steps.demonstrations(self._world)

    def _gate(self, round_: Round) -> Gate:
        if self._config.gate == "beta":
            return BetaGate(round_.beta)
        return UncertaintyGate(self._config.threshold)

    def _episode(self, student: Policy | None, gate: Gate, steps: _Steps, labels_left: int) -> int:
        """One episode, cut off at the last label or step of the round; returns the labels given."""
        labels_given, tick = 0, 0
        observation, _ = self._env.reset(seed=int(self._rng.integers(2**31)))
        gate.begin_episode()
        steps.begin_episode()
        ended = False
        while not ended and labels_given < labels_left and len(steps) < self._config.steps_per_round:
            drives = student is None or gate.wants_expert(observation, student, self._rng)
            label = self._expert.act(observation, tick) if drives or self._config.gate == "beta" else None
            action = label if drives or student is None else _act(student, observation)
            if action is None:
                raise NothingToLearnError(
                    f"dagger: expected {self._expert.name!r} to drive in state {observation}, found silence."
                )
            following, reward, terminated, truncated, _ = self._env.step(action)
            steps.add(observation, action, label, float(reward), terminated, truncated, following=following)
            ended = terminated or truncated
            observation, tick, labels_given = following, tick + 1, labels_given + (label is not None)
        return labels_given


def _act(student: Policy, observation: Any) -> Any:
    action = student.act(np.asarray(observation)[None])[0]
    return action.item() if action.ndim == 0 else action


class _Steps:
    """The steps of one round, as they come in."""

    def __init__(self, env: gym.Env[Any, Any]) -> None:
        self._env = env
        self._rows: list[tuple[Any, Any, bool, float, bool, bool]] = []
        self._starts: list[int] = []
        self._finals: list[Any] = []

    def __len__(self) -> int:
        return len(self._rows)

    def begin_episode(self) -> None:
        self._starts.append(len(self._rows))
        self._finals.append(None)

    def add(
        self, observation: Any, executed: Any, label: Any | None, reward: float, *ends: bool, following: Any
    ) -> None:
        shown = executed if label is None else label
        self._rows.append((observation, shown, label is not None, reward, *ends))
        self._finals[-1] = following

    def demonstrations(self, world: EnvSpec) -> Demonstrations:
        observations, actions, labelled, rewards, terminated, truncated = zip(*self._rows, strict=True)
        return Demonstrations.from_steps(
            self._column(observations, self._env.observation_space),
            self._column(actions, self._env.action_space),
            labelled=np.array(labelled),
            rewards=np.array(rewards),
            terminated=np.array(terminated),
            truncated=np.array(truncated),
            lengths=np.diff(self._starts, append=len(self._rows)),
            final_observations=self._column(self._finals, self._env.observation_space),
            observation_space=self._env.observation_space,
            action_space=self._env.action_space,
            env_spec=world,
        )

    def _column(self, values: Any, space: gym.Space[Any]) -> Array:
        return np.array(values, dtype=space.dtype)


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
