"""Practice: states sampled without a person, by student and expert in turn, as a gate decides.

One copy of a world, one episode after the other. Every step is kept; those that the expert was asked about are labels.

Reading order: `Round` (what is asked for), `Practice` (one round of it), `Tally` (who drove, in figures).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

import gymnasium as gym
import numpy as np
from gymnasium.envs.registration import EnvSpec

from learners.asking.dart import disturbed, error_level
from learners.asking.gates import BetaGate, Gate
from learners.errors import NothingToLearnError
from learners.interface import Array, Expert, Policy
from learners.recollection import Actor, begin
from learners.worlds import headless
from recordings.demonstrations import Demonstrations

PATIENCE = 1_000
"""Times in a row that a silent expert is asked while nobody else can drive."""


@dataclass(frozen=True)
class Round:
    """What a sampler is told at the start of a round."""

    index: int
    """0 is the first."""
    beta: float
    """The expert's share of the driving, where a mixture drives."""
    student: Policy | None
    """The student so far; None before there is one: the expert drives."""
    labels: int = 0
    """Labels given before."""
    labels_left: int | None = None
    """Labels that may still be given; None: any number."""


@runtime_checkable
class Watcher(Protocol):
    """An expert who reacts to what it saw before it is asked: a person."""

    def see(self, observation: Any, tick: int) -> None: ...


@dataclass
class Tally:
    """Who drove, in steps and changes of hands."""

    steps: int = 0
    expert_steps: int = 0
    takeovers: int = 0
    """Times that the expert began to drive within an episode that the student drove, or at its start."""
    switches: int = 0
    """Changes of hands within episodes, each way."""
    returns: list[float] = field(default_factory=list)
    """Of the latest round's complete episodes, with the expert's help."""
    _expert_drove: bool | None = None
    _return: float = 0.0

    def begin_round(self) -> None:
        self.returns = []

    def begin_episode(self) -> None:
        self._expert_drove, self._return = None, 0.0

    def count(self, expert_drives: bool, reward: float, is_last: bool) -> None:
        """One step. is_last: the episode ended with it."""
        self.steps += 1
        self.expert_steps += expert_drives
        self.takeovers += expert_drives and not self._expert_drove
        self.switches += self._expert_drove is not None and expert_drives != self._expert_drove
        self._expert_drove = expert_drives
        self._return += reward
        if is_last:
            self.returns.append(self._return)

    def metrics(self) -> dict[str, float]:
        """All since the first round, but `return_assisted`, which is the latest round's."""
        found = {
            "takeovers": float(self.takeovers),
            "switches": float(self.switches),
            "takeover_length": self.expert_steps / max(self.takeovers, 1),
            "autonomous": 1.0 - self.expert_steps / max(self.steps, 1),
        }
        return found | ({"return_assisted": float(np.mean(self.returns))} if self.returns else {})


class Practice:
    """Drives one copy of a world, lets the gate choose between student and expert, and asks for labels."""

    def __init__(
        self,
        world: EnvSpec,
        expert: Expert,
        gate: Gate,
        rng: np.random.Generator,
        *,
        labels_per_round: Callable[[int], int],
        steps_per_round: int,
        noise: float | Literal["estimated"] = 0.0,
    ) -> None:
        """labels_per_round: of the labels so far. noise: DART's, in what the expert executes."""
        self._world, self._expert, self._gate, self._rng = world, expert, gate, rng
        self._labels_per_round, self._steps_per_round = labels_per_round, steps_per_round
        self._env = gym.make(headless(world), disable_env_checker=True)
        self._observation: Any = None
        self._tick, self._is_over = 0, True
        self._is_tabular = isinstance(self._env.observation_space, gym.spaces.Discrete)
        self._is_to_be_seen_through = False
        self._actor: Actor | None = None
        self._noise = noise
        self._level = 0.0 if noise == "estimated" else noise
        self._labels_everything = isinstance(gate, BetaGate)
        self._watcher = expert if isinstance(expert, Watcher) else None
        self.tally = Tally()

    def close(self) -> None:
        self._env.close()

    def __call__(self, round_: Round) -> Demonstrations:
        """One round: it ends with its last label, or after as many steps as it may have.

        On Discrete states a takeover is first seen through: labels that are cut off from the way on lead nowhere.
        An episode that is not over goes on in the next round, with the next student.
        """
        if isinstance(self._gate, BetaGate):
            self._gate.beta = round_.beta
        self.tally.begin_round()
        wanted = self._labels_per_round(round_.labels)
        left = np.inf if round_.labels_left is None else round_.labels_left
        self._actor = None if round_.student is None else begin(round_.student, 1)
        steps = _Steps(self._env)
        while steps.labels < left and len(steps) < self._steps_per_round:
            if steps.labels >= wanted and not self._is_to_be_seen_through:
                break
            self._step(round_.student, steps)
        data = steps.demonstrations(self._world)
        if self._noise == "estimated" and round_.student is not None and data.labelled.any():
            self._level = error_level(round_.student, *data.pairs(), self._env.action_space)
        return data

    def _step(self, student: Policy | None, steps: _Steps) -> None:
        if self._is_over:
            self._observation, _ = self._env.reset(seed=int(self._rng.integers(2**31)))
            self._tick = 0
            self._gate.begin_episode()
            self.tally.begin_episode()
            if self._actor is not None:
                self._actor.forget()
        if self._is_over or len(steps) == 0:
            steps.begin_episode()
        action, label, expert_drives = self._choose(self._observation, self._tick, student)
        following, reward, terminated, truncated, _ = self._env.step(action)
        steps.add(self._observation, action, label, float(reward), terminated, truncated, following=following)
        if label is not None:
            self._gate.learn(self._observation, label)
        self._is_over = terminated or truncated
        self._is_to_be_seen_through = self._is_tabular and expert_drives and not self._is_over
        self.tally.count(expert_drives, float(reward), self._is_over)
        self._observation, self._tick = following, self._tick + 1

    def _choose(self, observation: Any, tick: int, student: Policy | None) -> tuple[Any, Any | None, bool]:
        """The action to execute, the label if one was asked for and given, and whether the expert drives."""
        if self._watcher is not None:
            self._watcher.see(observation, tick)
        choice = None if self._actor is None else _action(self._actor.act(np.asarray(observation)[None])[0])
        wanted = student is None or self._gate.wants_expert(observation, student, self._rng)
        is_asked = wanted or self._labels_everything
        label = self._expert.act(observation, tick) if is_asked else None
        if student is None:
            label = self._waited_for(observation, tick) if label is None else label
        elif not wanted or label is None:  # who is asked and stays silent leaves the driving to the student
            return choice, label, False
        return disturbed(label, self._env.action_space, self._level, self._rng), label, True

    def _waited_for(self, observation: Any, tick: int) -> Any:
        """The expert's first answer, while the world waits."""
        for _ in range(PATIENCE):
            label = self._expert.act(observation, tick)
            if label is not None:
                return label
        raise NothingToLearnError(
            f"dagger: expected {self._expert.name!r} to drive in state {observation}, found silence."
        )


def _action(chosen: Array) -> Any:
    """As the world takes it: a number, or an array."""
    return chosen.item() if chosen.ndim == 0 else chosen


class _Steps:
    """The steps of one round, as they come in."""

    def __init__(self, env: gym.Env[Any, Any]) -> None:
        self._env = env
        self._rows: list[tuple[Any, Any, bool, float, bool, bool]] = []
        self._starts: list[int] = []
        self._finals: list[Any] = []
        self.labels = 0

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
        self.labels += label is not None

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
