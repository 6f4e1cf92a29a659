"""Fit a reward under which a soft planner does, on average, what the demonstrators did.

What maximum entropy and maximum causal entropy inverse reinforcement learning share: features, the convex
dual, the choice of the regulariser, and the policies made of what was recovered. They differ in the reading
of chance alone (`learners.soft_planning`).

  minimise over theta   E[V_theta(first state)] - theta . f  +  l2/2 |theta|²
  gradient              (expected features) - f + l2 theta

f: mean feature counts of a demonstrated episode. Both expectations begin where the demonstrations began, so
that start states carry no weight of their own. Without l2 the first two terms are the negative log
likelihood of a demonstration: exactly so without chance, else on average over the world's luck.

Reading order: Config, `fits` (the procedure), `minimise` (the dual), then the policies.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

import gymnasium as gym
import numpy as np
from gymnasium.envs.registration import EnvSpec
from scipy.optimize import minimize

from learners.errors import NothingToLearnError, UnsupportedWorldError
from learners.interface import Array, FloatArray, IntArray, Snapshot, TabularModel
from learners.policies import Architecture, NetworkPolicy, policy_from
from learners.soft_planning import Reading, SoftWorld, soft_plan
from learners.tabular import deterministic, occupancy, plan
from learners.worlds import facts_of
from recordings.demonstrations import Demonstrations

FEWEST_TO_HOLD_OUT = 10
"""Fewer episodes than this, and none is spared for choosing the regulariser."""
CURVATURE_FLOOR = 0.03  # visits an episode
"""What is added to visits where they stand for the dual's curvature, so that the unvisited have some."""
LEAST_PROBABILITY = 1e-12
"""Probabilities are taken to be at least this when a table of logits is written."""


@dataclass(frozen=True)
class Config:
    """Settings of inverse reinforcement learning by matching features."""

    features: Literal["state", "state-action"] = "state"
    """What pays: states reached (the goal among them), or actions taken in a state."""
    policy: Literal["planned", "soft", "greedy"] = "planned"
    """What is kept: the best plan on the recovered reward; the soft policy, which imitates the demonstrators'
    noise too; or the soft policy's most probable actions."""
    l2: float | None = None
    """Weight of half the squared reward in the dual; None: chosen by the likelihood of held-out episodes."""
    l2_candidates: tuple[float, ...] = (1e-4, 1e-5, 1e-6)
    """What is tried where `l2` is None, greatest first; the first when there are too few episodes to choose."""
    held_out: float = 0.1  # share of the episodes
    """Share of the episodes kept for choosing l2; none with fewer than ten episodes."""
    iterations: int = 80
    """L-BFGS iterations of each fit, at most."""
    memory: int = 20
    """Past steps from which L-BFGS estimates curvature."""


@dataclass(frozen=True)
class Recovered:
    """What inverse reinforcement learning found, ready to be drawn or followed."""

    reward: FloatArray
    """(S,) paid on reaching a state, or (S, A) paid for an action there; in nats."""
    soft: FloatArray
    """(H, S, A) the soft policy of that reward, one table a step."""
    planned: FloatArray
    """(H, S, A) the plan that earns most of that reward, one table a step, 1 for the action taken."""
    stationary: NetworkPolicy
    """The policy that `Config.policy` asks for, the same at every step, to be saved."""
    l2: float
    """The regulariser it was fitted with."""
    losses: tuple[float, ...]
    """The dual after each iteration of this fit, in nats a demonstration."""
    held_out_loss: float
    """The dual of the held-out episodes without l2, in nats a demonstration; NaN where none was held out."""
    mismatch: float
    """Greatest difference between expected and demonstrated feature counts, per episode."""


@dataclass(frozen=True)
class Demonstrated:
    """What is matched: means over the episodes."""

    starts: FloatArray
    """(S,) share of the episodes that begin in each state."""
    counts: FloatArray
    """Mean feature counts of an episode, (S,) or (S, A)."""
    luck: FloatArray | None = None
    """(H, S) by how much more than its actions lead one to expect an episode is in each state after t steps."""


def facts_for(demonstrations: Demonstrations, world: EnvSpec | None) -> TabularModel:
    """The table of `world`, or else of the world that was recorded. Raises UnsupportedWorldError without one."""
    spec = world or demonstrations.env_spec
    model = facts_of(spec).model if spec is not None else None
    if model is None:
        raise UnsupportedWorldError(
            "world: expected one that can write itself out as a table (TabularWorld), found "
            f"{'none' if spec is None else spec.id}. Choose gridworld, or a learner that needs no model."
        )
    return model


def snapshots(
    config: Config,
    demonstrations: Demonstrations,
    world: EnvSpec | None,
    rng: np.random.Generator,
    reading: Reading,
) -> Iterator[Snapshot]:
    """One snapshot for each fit of `fits`; `Snapshot.step` counts L-BFGS iterations."""
    model, done = facts_for(demonstrations, world), 0
    for found in fits(config, model, demonstrations, rng, reading):
        done += len(found.losses)
        metrics = {"loss": found.losses[-1], "l2": found.l2, "mismatch": found.mismatch}
        if np.isfinite(found.held_out_loss):
            metrics["held_out_loss"] = found.held_out_loss
        yield Snapshot(done, found.stationary, metrics)


def fits(
    config: Config,
    model: TabularModel,
    demonstrations: Demonstrations,
    rng: np.random.Generator,
    reading: Reading,
) -> Iterator[Recovered]:
    """A fit for each regulariser without the held-out episodes, then, last, one of the best with them all.

    Each begins where the last one ended. The trials stop at the first that is worse than the one before.
    """
    world = SoftWorld(model, reading, count_actions=config.features == "state-action")
    everything, trained, held_out = _split(config, world, demonstrations, rng)
    shape = (model.n_states,) if config.features == "state" else (model.n_states, model.n_actions)
    theta, best_l2, best_loss = np.zeros(shape), config.l2 or config.l2_candidates[0], np.inf
    best_theta = theta
    if held_out is not None:
        for l2 in sorted(config.l2_candidates, reverse=True):
            theta, losses = minimise(config, world, trained, theta, l2)
            loss = dual(world, held_out, theta)[0]
            yield _recovered(config, world, demonstrations, trained, theta, l2, losses, loss)
            if loss >= best_loss:
                break
            best_l2, best_loss, best_theta = l2, loss, theta
    theta, losses = minimise(config, world, everything, best_theta, best_l2)
    judged = np.nan if held_out is None else best_loss
    yield _recovered(config, world, demonstrations, everything, theta, best_l2, losses, judged)


def minimise(
    config: Config, world: SoftWorld, wanted: Demonstrated, theta: FloatArray, l2: float
) -> tuple[FloatArray, tuple[float, ...]]:
    """L-BFGS on the regularised dual from `theta`; the best reward, and the dual after each iteration.

    A reward is searched for in units of one over the root of how often it was earned, for the dual is about
    as curved as that. It helped on the data of one map; whether it does under slip is an open question.
    """
    unit = 1.0 / np.sqrt(np.maximum(wanted.counts, 0.0).ravel() + CURVATURE_FLOOR)
    losses: list[float] = []
    size = theta.shape

    def objective(flat: FloatArray) -> tuple[float, FloatArray]:
        weights = unit * flat
        value, slope = dual(world, wanted, weights.reshape(size))
        return value + 0.5 * l2 * float(weights @ weights), unit * (slope.ravel() + l2 * weights)

    found = minimize(
        objective,
        theta.ravel() / unit,
        jac=True,
        method="L-BFGS-B",
        callback=lambda intermediate_result: losses.append(float(intermediate_result.fun)),
        options={"maxcor": config.memory, "maxiter": config.iterations, "ftol": 1e-9, "gtol": 1e-6},
    )
    return (unit * found.x).reshape(size), (*losses, float(found.fun))


def dual(world: SoftWorld, wanted: Demonstrated, theta: FloatArray) -> tuple[float, FloatArray]:
    """The dual without l2, in nats a demonstration, and its gradient, of the shape of `theta`."""
    visits = world.visits(rewards_of(world.model, theta), wanted.starts, wanted.luck)
    expected = visits.reached if theta.ndim == 1 else visits.taken
    assert expected is not None
    return visits.value - float((theta * wanted.counts).sum()), expected - wanted.counts


def rewards_of(model: TabularModel, theta: FloatArray) -> FloatArray:
    """theta (S,) or (S, A) -> what each outcome pays (S, A, K)."""
    if theta.ndim == 1:
        return theta[model.next_states]
    return np.broadcast_to(theta[:, :, None], model.next_states.shape)


# -- what was demonstrated -------------------------------------------------------------------------------


def demonstrated(
    config: Config, world: SoftWorld, demonstrations: Demonstrations, episodes: IntArray
) -> Demonstrated:
    """Means over these episodes. The state in which an episode ends counts as reached; its start does not.

    Raises NothingToLearnError without episodes, with states that are not the model's, or, where actions pay,
    without actions.
    """
    model = world.model
    states, finals = _states(model, demonstrations)
    starts = np.bincount(states[demonstrations.starts[episodes]], minlength=model.n_states) / len(episodes)
    chosen = np.zeros(len(demonstrations.lengths), bool)
    chosen[episodes] = True
    steps = np.repeat(chosen, demonstrations.lengths)
    has_actions = demonstrations.actions is not None and bool(demonstrations.labelled.all())
    subtracts_luck = has_actions and world.reading == "causal" and not world.is_certain
    if config.features == "state" and not subtracts_luck:
        reached = np.bincount(states[steps], minlength=model.n_states)
        reached += np.bincount(finals[episodes], minlength=model.n_states)
        return Demonstrated(starts, np.asarray(reached / len(episodes) - starts))
    ticks = np.arange(len(states)) - np.repeat(demonstrations.starts, demonstrations.lengths)
    actions = _actions(model, demonstrations)
    timed = _timed_counts(model, ticks[steps], states[steps], actions[steps]) / len(episodes)
    luck = _luck(model, timed, starts) if subtracts_luck else None
    taken = timed.sum(0)
    if config.features == "state-action":
        return Demonstrated(starts, taken, luck)
    expected = np.bincount(
        model.next_states.ravel(), (taken[:, :, None] * model.probabilities).ravel(), model.n_states
    )
    return Demonstrated(starts, expected.astype(np.float64), luck)


def _timed_counts(model: TabularModel, ticks: IntArray, states: IntArray, actions: IntArray) -> FloatArray:
    """(H, S, A): how often each action was taken in each state after t steps; later steps are left out."""
    shape = (model.horizon, model.n_states, model.n_actions)
    inside = ticks < model.horizon
    flat = np.ravel_multi_index((ticks[inside], states[inside], actions[inside]), shape)
    counts: FloatArray = np.bincount(flat, minlength=int(np.prod(shape))).reshape(shape).astype(np.float64)
    return counts


def _luck(model: TabularModel, timed: FloatArray, starts: FloatArray) -> FloatArray:
    """(H, S): where the demonstrations were, less where their last actions lead one to expect them.

    With it the dual is the demonstrations' causal likelihood to the letter. Without it the world's chance
    deviations, of which a finite sample has many, would be taken for wishes of the demonstrators.
    """
    luck: FloatArray = timed.sum(2)
    luck[0] -= starts
    for step in range(1, model.horizon):
        outcomes = timed[step - 1][:, :, None] * model.probabilities
        luck[step] -= np.bincount(model.next_states.ravel(), outcomes.ravel(), model.n_states)
    luck[:, model.terminal] = 0.0
    return luck


def _states(model: TabularModel, demonstrations: Demonstrations) -> tuple[IntArray, IntArray]:
    """States (N,) and final states (E,), counted from 0."""
    if len(demonstrations) == 0:
        raise NothingToLearnError("demonstrations: expected at least one step, found none. Record some.")
    space = demonstrations.observation_space
    states = _from_zero(demonstrations.observations, space, model.n_states, "observations")
    return states, _from_zero(demonstrations.final_observations, space, model.n_states, "final_observations")


def _actions(model: TabularModel, demonstrations: Demonstrations) -> IntArray:
    if demonstrations.actions is None or not demonstrations.labelled.all():
        raise NothingToLearnError(
            "actions: expected one at every step, found steps without. "
            "Load the demonstrations with executed actions, or choose features=state."
        )
    return _from_zero(demonstrations.actions, demonstrations.action_space, model.n_actions, "actions")


def _from_zero(values: Array, space: gym.Space[Any], n: int, what: str) -> IntArray:
    fits_space = isinstance(space, gym.spaces.Discrete) and int(space.n) == n
    indices = np.asarray(values).astype(np.int64) - int(getattr(space, "start", 0))
    if not fits_space or indices.min() < 0 or indices.max() >= n:
        raise NothingToLearnError(
            f"{what}: expected {n} of them as the world's table has, found {space} with "
            f"{values.min()} to {values.max()}. The demonstrations are of another world, or damaged."
        )
    return indices


def _split(
    config: Config, world: SoftWorld, demonstrations: Demonstrations, rng: np.random.Generator
) -> tuple[Demonstrated, Demonstrated, Demonstrated | None]:
    """All, those to fit and those to judge by; None and nothing spared where l2 is given or data are few."""
    kept = np.flatnonzero(demonstrations.lengths > 0)
    everything = demonstrated(config, world, demonstrations, kept)
    n_held_out = round(config.held_out * len(kept))
    if config.l2 is not None or len(kept) < FEWEST_TO_HOLD_OUT or n_held_out == 0:
        return everything, everything, None
    order = rng.permutation(kept)
    trained = demonstrated(config, world, demonstrations, order[n_held_out:])
    return everything, trained, demonstrated(config, world, demonstrations, order[:n_held_out])


# -- what is made of it ----------------------------------------------------------------------------------


def _recovered(
    config: Config,
    world: SoftWorld,
    demonstrations: Demonstrations,
    wanted: Demonstrated,
    theta: FloatArray,
    l2: float,
    losses: tuple[float, ...],
    held_out_loss: float,
) -> Recovered:
    model = world.model
    rewards = rewards_of(model, theta)
    soft = soft_plan(model, rewards, world.reading).policy
    best = plan(replace(model, rewards=rewards))
    planned = deterministic(best.timed_actions(), model.n_actions)
    mismatch = float(np.abs(dual(world, wanted, theta)[1]).max())
    if config.policy == "planned":
        table = stationary(replace(model, starts=wanted.starts), planned)
    else:
        table = stationary(replace(model, starts=wanted.starts), soft)
        if config.policy == "greedy":
            table = deterministic(table.argmax(1), model.n_actions)
    policy = _policy(demonstrations, table)
    return Recovered(theta, soft, planned, policy, l2, losses, held_out_loss, mismatch)


def stationary(model: TabularModel, timed: FloatArray) -> FloatArray:
    """timed (H, S, A) -> (S, A): in each state each action's share over the times an episode comes there.

    Where the timed policy never comes from the model's starts, its first table holds.
    """
    taken = occupancy(model, timed)
    visits = taken.sum(1, keepdims=True)
    return np.where(visits > 0, taken / np.where(visits > 0, visits, 1.0), timed[0])


def _policy(demonstrations: Demonstrations, table: FloatArray) -> NetworkPolicy:
    architecture = Architecture(demonstrations.observation_space, demonstrations.action_space)
    logits = np.log(np.maximum(table, LEAST_PROBABILITY)).astype(np.float32)
    return policy_from(architecture, {"outputs": logits, "stand_in": np.arange(len(table))})
