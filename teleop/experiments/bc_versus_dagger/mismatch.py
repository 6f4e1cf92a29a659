"""How far a student's states lie from its expert's, and how its mistakes add up: exact on a table, else watched.

A mistake is a step in whose state the student chooses what the expert would not. They are counted on two ways: on the
expert's, where cloning is taught, and on the student's own, where it is used (Ross, Gordon and Bagnell 2011).

Reading order: `Course` (one way), `Mismatch` (both, and the distance between their states), `ExactGround`,
`WatchedGround` (two kinds of worlds).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from learners.evaluation import policy_table
from learners.interface import Array, FloatArray, IntArray, Policy, TabularModel
from learners.tabular import deterministic, occupancy, plan, propagate
from learners.worlds import facts_of
from teleop.experiments.first_episodes import Episodes, watch
from teleop.experts import CARTPOLE_GAINS
from teleop.worlds.catalogue import World

STRETCH = 10  # steps
"""Over which mistakes are averaged where they are shown against time."""
FEWEST_RUNNING = 0.05
"""Share of the episodes that still run, below which a stretch says nothing."""
PARTS = 4
"""Into which each number of an observation is cut, at the expert's quartiles, to count states."""
EPISODES = 100
"""Watched of each driver."""


@dataclass(frozen=True)
class Course:
    """The steps of an episode on one way, in the mean over episodes."""

    running: FloatArray
    """(T,) share of the episodes that still run."""
    wrong: FloatArray
    """(T,) share of the episodes in which the student errs."""
    failed: FloatArray
    """(T,) share of the episodes that have ended as they should not."""

    @property
    def error(self) -> float:
        """Mistakes a step."""
        return float(self.wrong.sum() / self.running.sum())

    def cost(self) -> FloatArray:
        """(T,) mistakes up to and with each step; each step after a failure counts as one."""
        total: FloatArray = np.cumsum(self.wrong + self.failed)
        return total

    def by_time(self) -> list[float | None]:
        """Mistakes a step in each stretch of time; None where hardly an episode runs."""
        cuts = np.arange(0, len(self.running), STRETCH)
        running, wrong = (np.add.reduceat(each, cuts) for each in (self.running, self.wrong))
        lengths = np.diff(np.append(cuts, len(self.running)))
        return [
            float(w / r) if r >= FEWEST_RUNNING * n else None
            for r, w, n in zip(running, wrong, lengths, strict=True)
        ]


@dataclass(frozen=True)
class Mismatch:
    """A student beside its expert."""

    on_expert: Course
    """What the student would do where the expert goes."""
    on_own: Course
    """What it does where it goes itself."""
    distance: float
    """Total variation between the states of the two: 0 the same, 1 none in common."""
    floor: float
    """What the same count finds between the expert and the expert; 0 where it is exact."""


class Ground(Protocol):
    """A world with an expert who is right everywhere."""

    expert: Policy

    def mismatch(self, student: Policy, seed: int) -> Mismatch: ...

    def never_visited(self, states: Array) -> float:
        """states (N, *o) -> the share of them to which the expert by itself never comes."""
        ...


def ground_of(world: World, seed: int) -> ExactGround | WatchedGround:
    """Exact where the world is a table, else watched; the latter is CartPole alone."""
    model = facts_of(world.spec()).model
    return WatchedGround(world, seed) if model is None else ExactGround(model)


def total_variation(first: FloatArray, second: FloatArray) -> float:
    """Between two distributions (S,)."""
    return float(0.5 * np.abs(first - second).sum())


# -- a table ---------------------------------------------------------------------------------------------


class Scripted:
    """The first of the optimal actions, as the scripted expert takes."""

    def __init__(self, actions: IntArray) -> None:
        self._actions = actions

    def act(self, observations: Array, rng: np.random.Generator | None = None) -> Array:
        found: Array = self._actions[observations]
        return found


class ExactGround:
    """A world that is a table: states are propagated, nothing is sampled."""

    def __init__(self, model: TabularModel) -> None:
        best = plan(model)
        self._model, self._optimal = model, best.optimal[0]
        self.expert: Policy = Scripted(best.actions())
        self._expert_table = deterministic(best.actions(), model.n_actions)
        self._expert_states = self._states(self._expert_table)

    def mismatch(self, student: Policy, seed: int = 0) -> Mismatch:
        table = policy_table(student, self._model)
        # Of several optimal actions each is right.
        errs = (table * ~self._optimal).sum(1)
        distance = total_variation(self._states(table), self._expert_states)
        return Mismatch(self._course(self._expert_table, errs), self._course(table, errs), distance, 0.0)

    def never_visited(self, states: Array) -> float:
        return float(np.mean(self._expert_states[states] == 0.0))

    def _states(self, table: FloatArray) -> FloatArray:
        """(S,) the share of the steps taken in each state."""
        visits = occupancy(self._model, table).sum(1)
        shares: FloatArray = visits / visits.sum()
        return shares

    def _course(self, driver: FloatArray, errs: FloatArray) -> Course:
        """driver (S, A), errs (S,): the chance that the student errs there."""
        running = propagate(self._model, driver)[:-1]
        running[:, self._model.terminal] = 0.0
        # The only end but the time's is the goal.
        return Course(running.sum(1), running @ errs, np.zeros(len(running)))


# -- episodes --------------------------------------------------------------------------------------------


class Balancer:
    """The scripted expert of CartPole, for many copies at once."""

    def act(self, observations: Array, rng: np.random.Generator | None = None) -> Array:
        found: Array = (observations @ CARTPOLE_GAINS > 0).astype(np.int64)
        return found


class WatchedGround:
    """CartPole: complete episodes are watched, and states counted in cells."""

    def __init__(self, world: World, seed: int) -> None:
        self._world = world
        self.expert: Policy = Balancer()
        self._seen, self._seen_again = (self._watch(self.expert, seed + n) for n in (0, 1))
        self._cells = Cells(self._seen.observations)

    def mismatch(self, student: Policy, seed: int) -> Mismatch:
        own = self._watch(student, seed)
        distance, floor = distances(
            own.observations, self._seen.observations, self._seen_again.observations, self._cells, seed
        )
        on_expert, on_own = (self._course(each, student) for each in (self._seen_again, own))
        return Mismatch(on_expert, on_own, distance, floor)

    def never_visited(self, states: Array) -> float:
        """Beyond the range of the expert's states in one of the numbers."""
        low, high = self._seen.observations.min(0), self._seen.observations.max(0)
        return float(np.mean(((states < low) | (states > high)).any(1)))

    def _watch(self, driver: Policy, seed: int) -> Episodes:
        spec = self._world.spec()
        assert spec.max_episode_steps is not None
        return watch(driver, spec, episodes=EPISODES, steps=spec.max_episode_steps, seed=seed)

    def _course(self, seen: Episodes, student: Policy) -> Course:
        running = seen.running
        observations = seen.observations
        wrong = np.zeros(running.shape, bool)
        wrong[running] = student.act(observations) != self.expert.act(observations)
        # Before the time runs out an episode ends by a fall alone.
        return Course(running.mean(1), wrong.mean(1), 1.0 - running.mean(1))


class Cells:
    """Boxes into which states are sorted: each number is cut at the quantiles of a reference."""

    def __init__(self, reference: Array) -> None:
        """reference (N, D)"""
        shares = np.arange(1, PARTS) / PARTS
        self._cuts = [np.quantile(column, shares) for column in reference.T]

    def shares(self, states: Array) -> FloatArray:
        """states (N, D) -> (PARTS ** D,) the share of them in each box."""
        places: Any = np.zeros(len(states), np.int64)
        for column, cuts in zip(states.T, self._cuts, strict=True):
            places = places * PARTS + np.searchsorted(cuts, column)
        counts = np.bincount(places, minlength=PARTS ** len(self._cuts))
        return counts / len(states)


def distances(own: Array, expert: Array, again: Array, cells: Cells, seed: int) -> tuple[float, float]:
    """Total variation between own and expert states (N, D), and its floor: between the expert's and again the
    expert's, of other episodes. All from as many states, drawn at random, for few of them look different by chance."""
    rng, n = np.random.default_rng(seed), min(len(own), len(expert), len(again))
    shares = [
        cells.shares(states[rng.choice(len(states), n, replace=False)]) for states in (own, expert, again)
    ]
    return total_variation(shares[0], shares[1]), total_variation(shares[2], shares[1])
