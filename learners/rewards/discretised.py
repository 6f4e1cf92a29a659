"""Maximum causal entropy IRL where observations are numbers: on a table of cells, estimated from own steps.

  1. explore: steps (s, a, s') of one's own, all actions alike
  2. dynamics: s' - s as a quadratic in s, for each action, by least squares
  3. cells: the vertices of a grid over what was met. An outcome between them is shared among the corners of the
     simplex around it (Munos and Moore 2002), so that its mean is what the dynamics foretell. A cell is terminal
     where the nearest own outcome was an end
  4. reward: quadratic in the observation, fitted to the demonstrated choices on that table: the dual of
     `learners.mce_irl` with the cells' luck subtracted, which is minus the log likelihood of the choices
  5. plan: the linear policy that earns most of it in the dynamics, by the cross-entropy method (Rubinstein 1999)

A plan on the table itself does not hold a pole for 500 steps, not even on the true reward: sharing outcomes
among corners moves every state a little at random, and over hundreds of steps that is what such a plan fears.

The number of cells is a power of the number of dimensions: meant for a handful of them.
Reading order: `snapshots` (the procedure), then Grid, Dynamics, Cells, `choices`, `fitted`, `planned`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import gymnasium as gym
import numpy as np
from gymnasium.envs.registration import EnvSpec
from scipy.optimize import minimize
from scipy.spatial import cKDTree

from learners.errors import NothingToLearnError, UnsupportedWorldError
from learners.evaluation import check_fit
from learners.interface import Array, FloatArray, IntArray, Snapshot, TabularModel
from learners.policies import Architecture
from learners.rewards.grounds import Crowd, linear_policy
from learners.rewards.trajectories import Trajectories, TrajectorySampler
from learners.soft_planning import SoftWorld
from recordings.demonstrations import Demonstrations

EXPLORATION = 20_000  # steps
"""Own steps from which the dynamics are estimated."""
ALONG = 7
"""Cells along each dimension."""
MOST_CELLS = 20_000
"""More than this, and the world has too many dimensions for a grid."""
STRETCH = 100  # steps
"""Demonstrations are cut into stretches of so many steps, the horizon of the fit."""
ITERATIONS = 15
"""L-BFGS iterations of the fit."""
L2 = 0.01
"""Weight of half the squared reward coefficients, each in units of ten times its feature's root mean square."""
GENERATIONS, POLICIES, ELITE = 30, 64, 10
"""Of the cross-entropy method: rounds, policies in each, and those from which the next round is drawn."""
LEAST_VARIANCE = 0.01
"""Of the next round's coefficients, beside that of the elite."""


def snapshots(demonstrations: Demonstrations, world: EnvSpec, rng: np.random.Generator) -> Iterator[Snapshot]:
    """One snapshot, of the planned policy; `Snapshot.step` counts L-BFGS iterations.

    Metrics: `loss` in nats a stretch of demonstrated choices, `indifferent` what it is without any reward,
    `foreseen` the share of planned episodes that last. Raises UnsupportedWorldError in a world whose observations
    are no handful of numbers or whose actions are not Discrete, NothingToLearnError without actions.
    """
    architecture = _architecture(demonstrations)
    if len(demonstrations) == 0 or demonstrations.actions is None or not demonstrations.labelled.all():
        raise NothingToLearnError(
            "actions: expected demonstrated steps, each with an action, found none or steps without. "
            "Load the demonstrations with executed actions, or choose relent-irl."
        )
    own, env_steps = _explored(architecture, world, rng)
    cells = Cells(own, architecture.n_outputs)
    shown = choices(demonstrations, cells)
    weights, loss, iterations = fitted(cells, shown)
    horizon = world.max_episode_steps or int(demonstrations.lengths.max())
    starts = np.concatenate([own.before[own.starts], demonstrations.observations[demonstrations.starts]])
    unit = 3.0 * np.maximum(flat(demonstrations.observations).std(0), 1e-6)
    coefficients, foreseen = planned(cells, weights, flat(starts), unit, horizon, rng)
    metrics = {
        "loss": loss,
        "indifferent": float(shown.timed.sum() * np.log(architecture.n_outputs)),
        "foreseen": foreseen,
    }
    yield Snapshot(iterations, linear_policy(architecture, coefficients, unit), metrics, env_steps)


def _architecture(demonstrations: Demonstrations) -> Architecture:
    architecture = Architecture(demonstrations.observation_space, demonstrations.action_space)
    fits = not architecture.is_table and ALONG**architecture.n_inputs <= MOST_CELLS
    if not architecture.is_categorical or not fits:
        raise UnsupportedWorldError(
            f"world: expected a handful of numbers and Discrete actions, found "
            f"{architecture.observation_space} and {architecture.action_space}. Choose gail or bc."
        )
    return architecture


def _explored(
    architecture: Architecture, world: EnvSpec, rng: np.random.Generator
) -> tuple[Trajectories, int]:
    unit = np.ones(architecture.n_inputs)
    indifferent = linear_policy(architecture, np.zeros(architecture.n_outputs * (len(unit) + 1)), unit)
    sampler = TrajectorySampler(world, 64, int(rng.integers(2**31)))
    try:
        check_fit(indifferent, sampler.facts)
        first = int(cast(gym.spaces.Discrete, architecture.action_space).start)
        return sampler.collect(indifferent, EXPLORATION, rng, first), sampler.steps
    finally:
        sampler.close()


def flat(observations: Array) -> FloatArray:
    """(N, *o) -> (N, D)"""
    return np.asarray(observations, np.float64).reshape(len(observations), -1)


# -- the table -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Grid:
    """A rectilinear grid; its vertices are the cells, numbered in C order."""

    lines: FloatArray
    """(D, L) where the vertices lie along each dimension, ascending; L at least 2."""

    @classmethod
    def between_quantiles(cls, seen: list[FloatArray], size: int) -> Grid:
        """As many vertices in each part of a dimension as was seen there; each of `seen` (N, D) counts alike."""
        shares = np.linspace(0.0, 1.0, size)
        lines = np.mean([np.quantile(points, shares, axis=0).T for points in seen], axis=0)
        least = 1e-6 * np.maximum(np.ptp(lines, axis=1, keepdims=True), 1e-6)
        return cls(lines + least * np.arange(size))  # strictly ascending, also where most of it is one value

    @property
    def shape(self) -> tuple[int, int]:
        """Dimensions, and vertices along each."""
        return self.lines.shape[0], self.lines.shape[1]

    @property
    def n_cells(self) -> int:
        dimensions, size = self.shape
        return int(size**dimensions)

    @property
    def vertices(self) -> FloatArray:
        """(S, D)"""
        return np.stack(np.meshgrid(*self.lines, indexing="ij"), axis=-1).reshape(self.n_cells, -1)

    def corners(self, points: Array) -> tuple[IntArray, FloatArray]:
        """points (N, D) -> cells (N, D + 1) and weights (N, D + 1) that sum to 1 and whose mean is the point.

        Points outside are moved to the border.
        """
        dimensions, size = self.shape
        places = np.stack(
            [
                np.interp(column, line, np.arange(size))
                for column, line in zip(points.T, self.lines, strict=True)
            ],
            1,
        )
        base = np.minimum(np.floor(places), size - 2)
        within = places - base
        order = np.argsort(-within, axis=1)
        descending = np.take_along_axis(within, order, axis=1)
        padded = np.pad(descending, ((0, 0), (1, 1)), constant_values=((0, 0), (1.0, 0.0)))
        strides = size ** np.arange(dimensions)[::-1]
        cells = np.concatenate([base @ strides[:, None], strides[order]], axis=1).cumsum(1)
        return cells.astype(np.int64), padded[:, :-1] - padded[:, 1:]


class Dynamics:
    """For each action the expected s' - s, a quadratic in s."""

    def __init__(self, own: Trajectories, n_actions: int) -> None:
        before = flat(own.before)
        moves = flat(own.after) - before
        self._mean, self._std = before.mean(0), np.maximum(before.std(0), 1e-6)
        terms = self._terms(before)
        ridge = 1e-6 * len(terms) * np.eye(terms.shape[1]) / n_actions
        self._weights = []
        for action in range(n_actions):
            x, y = terms[own.actions == action], moves[own.actions == action]
            self._weights.append(np.linalg.solve(x.T @ x + ridge, x.T @ y))

    def after(self, points: FloatArray) -> FloatArray:
        """points (N, D) -> (N, A, D)"""
        terms = self._terms(points)
        return points[:, None] + np.stack([terms @ weights for weights in self._weights], axis=1)

    def _terms(self, points: FloatArray) -> FloatArray:
        return quadratic((points - self._mean) / self._std)


class Cells:
    """A grid over what one's own steps met, and where each action leads from each of its vertices."""

    def __init__(self, own: Trajectories, n_actions: int) -> None:
        after = flat(own.after)
        self.grid = Grid.between_quantiles([after], ALONG)
        self.dynamics = Dynamics(own, n_actions)
        self._std = np.maximum(after.std(0), 1e-6)
        vertices = self.grid.vertices
        _, nearest = cKDTree(after / self._std).query(vertices / self._std)
        outcomes = self.dynamics.after(vertices).reshape(-1, vertices.shape[1])
        following, chances = self.grid.corners(outcomes)
        shape = (len(vertices), n_actions, vertices.shape[1] + 1)
        self.model = TabularModel(
            following.reshape(shape),
            chances.reshape(shape),
            np.zeros(shape),
            np.asarray(own.terminated[nearest], bool),
            np.full(len(vertices), 1.0 / len(vertices)),
            STRETCH,
        )
        self.features = self.features_of(vertices)

    def features_of(self, points: FloatArray) -> FloatArray:
        """points (N, D) -> (N, F): 1, each number, and all products of two, in deviations of what was met."""
        return quadratic(points / self._std)

    def pushed(self, taken: FloatArray) -> FloatArray:
        """taken (S, A), how often each action is taken -> (S,) how often each cell is expected to follow."""
        flow = taken[:, :, None] * self.model.probabilities
        return np.asarray(
            np.bincount(self.model.next_states.ravel(), flow.ravel(), self.model.n_states), np.float64
        )

    def ends(self, points: FloatArray) -> Array:
        """points (N, D) -> (N,) bool: terminal rather than not, or beyond all that was met."""
        following, chances = self.grid.corners(points)
        lines = self.grid.lines
        is_beyond = ((points < lines[:, 0]) | (points > lines[:, -1])).any(1)
        is_terminal: Array = (self.model.terminal[following] * chances).sum(1) >= 0.5
        return is_terminal | is_beyond


def quadratic(z: FloatArray) -> FloatArray:
    """(N, D) -> (N, 1 + D + D (D + 1) / 2)"""
    rows, columns = np.triu_indices(z.shape[1])
    return np.concatenate([np.ones((len(z), 1)), z, z[:, rows] * z[:, columns]], axis=1)


# -- the fit ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Choices:
    """Demonstrated choices in cells: means over stretches."""

    timed: FloatArray
    """(STRETCH, S, A): how often each action was taken in each cell after so many steps."""
    starts: FloatArray
    """(S,)"""
    luck: FloatArray
    """(STRETCH, S): by how much more than its actions lead one to expect a stretch is in each cell."""


def choices(demonstrations: Demonstrations, cells: Cells) -> Choices:
    """An observation between cells counts in the corners around it, in shares."""
    assert demonstrations.actions is not None
    model = cells.model
    ticks = np.arange(len(demonstrations)) - np.repeat(demonstrations.starts, demonstrations.lengths)
    ticks %= STRETCH
    corners, shares = cells.grid.corners(flat(demonstrations.observations))
    first = int(cast(gym.spaces.Discrete, demonstrations.action_space).start)
    actions = demonstrations.actions.astype(np.int64) - first
    timed = np.zeros((STRETCH, model.n_states, model.n_actions))
    np.add.at(timed, (ticks[:, None], corners, actions[:, None]), shares)
    timed /= (ticks == 0).sum()
    luck = timed.sum(2)
    starts = luck[0].copy()
    luck[0] = 0.0
    for step in range(1, STRETCH):
        luck[step] -= cells.pushed(timed[step - 1])
    luck[:, model.terminal] = 0.0
    return Choices(timed, starts, luck)


def loss_of(weights: FloatArray, cells: Cells, world: SoftWorld, shown: Choices) -> tuple[float, FloatArray]:
    """weights (F,) -> minus the log likelihood of a stretch's choices, in nats, and its gradient (F,)."""
    reward = cells.features @ weights
    counts = cells.features.T @ cells.pushed(shown.timed.sum(0))
    visits = world.visits(reward[cells.model.next_states], shown.starts, shown.luck)
    return visits.value - float(weights @ counts), cells.features.T @ visits.reached - counts


def fitted(cells: Cells, shown: Choices) -> tuple[FloatArray, float, int]:
    """The reward's weights (F,), their loss, and the iterations it took."""
    world = SoftWorld(cells.model, "causal")
    unit = 1.0 / (10.0 * np.sqrt((cells.features**2).mean(0)))

    def objective(scaled: FloatArray) -> tuple[float, FloatArray]:
        loss, slope = loss_of(unit * scaled, cells, world, shown)
        return loss + 0.5 * L2 * float(scaled @ scaled), unit * slope + L2 * scaled

    found = minimize(
        objective, np.zeros(len(unit)), jac=True, method="L-BFGS-B", options={"maxiter": ITERATIONS}
    )
    weights = unit * found.x
    return weights, loss_of(weights, cells, world, shown)[0], int(found.nit)


# -- the plan --------------------------------------------------------------------------------------------


def planned(
    cells: Cells,
    weights: FloatArray,
    starts: FloatArray,
    unit: FloatArray,
    horizon: int,
    rng: np.random.Generator,
) -> tuple[FloatArray, float]:
    """The coefficients (A * (D + 1),) of a linear policy, and the share of its last episodes that lasted."""
    n_coefficients = cells.model.n_actions * (starts.shape[1] + 1)
    mean, covariance = np.zeros(n_coefficients), np.eye(n_coefficients)
    for _ in range(GENERATIONS):
        drawn = rng.multivariate_normal(mean, covariance, POLICIES)
        crowd = Crowd(drawn.reshape(POLICIES, cells.model.n_actions, -1), unit)
        earned, lasted = _earned(
            cells, weights, crowd, starts[rng.integers(len(starts), size=POLICIES)], horizon
        )
        elite = drawn[np.argsort(-earned)[:ELITE]]
        mean = elite.mean(0)
        covariance = np.cov(elite.T) + LEAST_VARIANCE * np.eye(n_coefficients)
    return mean, float(lasted.mean())


def _earned(
    cells: Cells, weights: FloatArray, crowd: Crowd, points: FloatArray, horizon: int
) -> tuple[FloatArray, Array]:
    """What each of a crowd earns in the dynamics, one episode each, and whether it lasted."""
    earned, lasts = np.zeros(len(points)), np.ones(len(points), bool)
    rows = np.arange(len(points))
    for _ in range(horizon):
        points = cells.dynamics.after(points)[rows, crowd.act(points)]
        points = np.where(lasts[:, None], points, 0.0)  # what is over goes nowhere
        earned += np.where(lasts, cells.features_of(points) @ weights, 0.0)
        lasts = lasts & ~cells.ends(points)
        if not lasts.any():
            break
    return earned, lasts
