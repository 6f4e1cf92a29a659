"""Fit a reward under which a soft planner does, on average, what the demonstrators did.

What maximum entropy and maximum causal entropy inverse reinforcement learning share: the convex dual, the choice
of the regulariser, and the policies made of what was recovered. They differ in the reading of chance alone
(`learners.soft_planning`); `learners.rewards.reward_features` says what may pay.

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
from typing import Literal

import gymnasium as gym
import numpy as np
from gymnasium.envs.registration import EnvSpec
from scipy.optimize import minimize

from learners.errors import UnsupportedWorldError
from learners.interface import FloatArray, IntArray, Snapshot, TabularModel
from learners.policies import Architecture, NetworkPolicy, policy_from
from learners.rewards import discretised
from learners.rewards.reward_features import Demonstrated, Features, What, demonstrated, has_actions
from learners.settings import Candidates, Count, NonNegative, Part, Settings
from learners.soft_planning import Reading, SoftWorld
from learners.tabular import deterministic, occupancy, plan, propagate
from learners.worlds import facts_of
from recordings.demonstrations import Demonstrations
from recordings.held_out import n_held_out

CURVATURE_FLOOR = 0.03  # visits an episode
"""What is added to visits where they stand for the dual's curvature, so that the unvisited have some."""
LEAST_PROBABILITY = 1e-12
"""Probabilities are taken to be at least this when a table of logits is written."""


@dataclass(frozen=True)
class Config(Settings):
    """Settings of inverse reinforcement learning by matching features."""

    features: What | None = None
    """What pays: states reached (the goal among them), actions taken in a state, or both, one on top of the
    other. None: both, where every step has its action; states, where actions are not known."""
    policy: Literal["planned", "soft", "greedy"] = "planned"
    """What is kept: the best plan on the recovered reward; the soft policy, which imitates the demonstrators'
    noise too; or the soft policy's most probable actions."""
    l2: NonNegative | None = None
    """Weight of half the squared reward in the dual; None: chosen by the likelihood of held-out episodes."""
    l2_candidates: Candidates = (1e-4, 1e-5, 1e-6)
    """What is tried where `l2` is None, greatest first; the first when there are too few episodes to choose."""
    caution: NonNegative = 1.0  # standard deviations of the states' prices
    """By how much a state in which no demonstration was is priced below what the fit says of it."""
    held_out: Part = 0.1  # share of the episodes
    """Share of the episodes kept for choosing l2; none with fewer than ten episodes."""
    iterations: Count = 40
    """L-BFGS iterations of each fit, at most."""
    memory: Count = 20
    """Past steps from which L-BFGS estimates curvature."""


@dataclass(frozen=True)
class Recovered:
    """What inverse reinforcement learning found, ready to be drawn or followed."""

    reward: FloatArray
    """(S,) paid on reaching a state, or, where states do not pay, (S, A) paid for an action there; in nats."""
    action_reward: FloatArray | None
    """(S, A) paid for an action on top of `reward`, where both pay; else None."""
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
    """Greatest difference between expected and demonstrated feature counts, per episode, before caution."""
    arrival: float
    """Chance that the saved policy ends an episode in a terminal state, from where the demonstrations began."""
    length: float
    """Steps that the saved policy takes in an episode, on average."""


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
    """One snapshot for each fit; `Snapshot.step` counts L-BFGS iterations. Numbers are cut into cells first."""
    if world is not None and not isinstance(demonstrations.observation_space, gym.spaces.Discrete):
        # What chance there is on cells is the grid's, not the world's: it is nobody's wish in either reading.
        return discretised.snapshots(demonstrations, world, rng)
    return _of_table(config, demonstrations, world, rng, reading)


def _of_table(
    config: Config,
    demonstrations: Demonstrations,
    world: EnvSpec | None,
    rng: np.random.Generator,
    reading: Reading,
) -> Iterator[Snapshot]:
    model, done = facts_for(demonstrations, world), 0
    for found in fits(config, model, demonstrations, rng, reading):
        done += len(found.losses)
        yield Snapshot(done, found.stationary, _metrics(found, demonstrations), reward=found.reward)


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
    fit = Fit(config, model, demonstrations, reading)
    kept = np.flatnonzero(demonstrations.lengths > 0)
    everything = fit.counts(kept)
    best_l2, best_loss = max(config.l2_candidates) if config.l2 is None else config.l2, np.inf
    theta = best_theta = np.zeros(fit.features.size)
    n_apart = n_held_out(config.held_out, len(kept))
    if config.l2 is None and n_apart > 0:
        order = rng.permutation(kept)
        trained, held_out = fit.counts(order[n_apart:]), fit.counts(order[:n_apart])
        for l2 in sorted(config.l2_candidates, reverse=True):
            theta, losses = fit.minimise(trained, theta, l2)
            loss = fit.dual(held_out, fit.cautious(trained, theta))[0]
            yield fit.recovered(trained, theta, l2, losses, loss)
            if loss >= best_loss:
                break
            best_l2, best_loss, best_theta = l2, loss, theta
    theta, losses = fit.minimise(everything, best_theta, best_l2)
    yield fit.recovered(everything, theta, best_l2, losses, best_loss if np.isfinite(best_loss) else np.nan)


class Fit:
    """One model, one set of demonstrations: the dual, and what is made of its answer."""

    def __init__(
        self, config: Config, model: TabularModel, demonstrations: Demonstrations, reading: Reading
    ) -> None:
        self.config, self.model, self.demonstrations = config, model, demonstrations
        self.features = Features(
            model, config.features or ("both" if has_actions(demonstrations) else "state")
        )
        self.world = SoftWorld(model, reading)

    def counts(self, episodes: IntArray) -> Demonstrated:
        """What these episodes collected of the features."""
        return demonstrated(self.features, self.world, self.demonstrations, episodes)

    def dual(self, wanted: Demonstrated, theta: FloatArray) -> tuple[float, FloatArray]:
        """The dual without l2, in nats a demonstration, and its gradient, both of theta (F,)."""
        visits = self.world.visits(self.features.rewards(theta), wanted.starts, wanted.entries)
        expected = self.features.counts(visits.reached, visits.taken)
        return visits.value - float(theta @ wanted.counts), expected - wanted.counts

    def minimise(
        self, wanted: Demonstrated, theta: FloatArray, l2: float
    ) -> tuple[FloatArray, tuple[float, ...]]:
        """L-BFGS on the regularised dual from `theta`; the best reward, and the dual after each iteration.

        A reward is searched for in units of one over the root of how often it was earned, for the dual is about
        as curved as that.
        """
        unit = 1.0 / np.sqrt(np.maximum(wanted.counts, 0.0) + CURVATURE_FLOOR)
        losses: list[float] = []

        def objective(scaled: FloatArray) -> tuple[float, FloatArray]:
            weights = unit * scaled
            value, slope = self.dual(wanted, weights)
            return value + 0.5 * l2 * float(weights @ weights), unit * (slope + l2 * weights)

        found = minimize(
            objective,
            theta / unit,
            jac=True,
            method="L-BFGS-B",
            callback=lambda intermediate_result: losses.append(float(intermediate_result.fun)),
            options={
                "maxcor": self.config.memory,
                "maxiter": self.config.iterations,
                "ftol": 1e-9,
                "gtol": 1e-6,
            },
        )
        return unit * found.x, (*losses, float(found.fun))

    def cautious(self, wanted: Demonstrated, theta: FloatArray) -> FloatArray:
        """theta with what no demonstration was seen to reach priced lower.

        Whoever knows the world avoids what is bad, so the unseen is worse than its neighbours suggest; but where
        nobody goes, the dual, which is content as soon as going there is unlikely, says little.
        """
        lowered = theta.copy()
        states = self.features.of_states(lowered)
        if states is not None:
            states[~wanted.seen] -= self.config.caution * states[~self.model.terminal].std()
        return lowered

    def recovered(
        self,
        wanted: Demonstrated,
        theta: FloatArray,
        l2: float,
        losses: tuple[float, ...],
        held_out_loss: float,
    ) -> Recovered:
        """The policies that follow from theta, caution added."""
        mismatch = float(np.abs(self.dual(wanted, theta)[1]).max())
        theta = self.cautious(wanted, theta)
        rewards = self.features.rewards(theta)
        soft = self.world.policy(rewards)
        best = plan(replace(self.model, rewards=rewards))
        planned = deterministic(best.timed_actions(), self.model.n_actions)
        begun = replace(self.model, starts=wanted.starts)
        table = stationary(begun, planned if self.config.policy == "planned" else soft)
        if self.config.policy == "greedy":
            table = deterministic(table.argmax(1), self.model.n_actions)
        present = propagate(begun, table)
        states, actions = self.features.of_states(theta), self.features.of_actions(theta)
        reward, on_top = (actions, None) if states is None else (states, actions)
        assert reward is not None
        return Recovered(
            reward=reward,
            action_reward=on_top,
            soft=soft,
            planned=planned,
            stationary=_policy(self.demonstrations, table),
            l2=l2,
            losses=losses,
            held_out_loss=held_out_loss,
            mismatch=mismatch,
            arrival=float(present[:, self.model.terminal].sum()),
            length=float(present[:-1, ~self.model.terminal].sum()),
        )


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


def _metrics(found: Recovered, demonstrations: Demonstrations) -> dict[str, float]:
    """What a user may judge a fit by without the world's own reward; the docstrings of the learners say what."""
    metrics = {"loss": found.losses[-1], "l2": found.l2, "mismatch": found.mismatch}
    if np.isfinite(found.held_out_loss):
        metrics["held_out_loss"] = found.held_out_loss
    metrics |= {"arrival": found.arrival, "length": found.length}
    if has_actions(demonstrations):
        metrics["agreement"] = float(
            (found.stationary.act(demonstrations.observations) == demonstrations.actions).mean()
        )
    return metrics
