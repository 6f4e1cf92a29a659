"""Relative entropy inverse reinforcement learning (Boularias, Kober and Peters 2011): no model is given.

Objective: among all distributions over paths that match the demonstrated feature counts f up to epsilon, the one
nearest, in relative entropy, to what the base policy (all actions alike) does in this world. It is

  P(path | start)  proportional to  base(path | start) * exp(theta . features of the path)

and theta minimises the dual

  E_start[ log Z(start) ] - theta . f  +  epsilon |theta - prior|_1  +  l2/2 |theta - prior|²

whose normalisers Z are estimated by importance sampling: a path drawn by the policy pi weighs
base(path) / pi(path) * exp(theta . features). The world's chances cancel: they need not be known.

  1. explore: steps of the base policy; a table counted from them
  2. sample: episodes of the soft policy of theta on that table, run in the world
  3. weigh them, in logs, each start with its own normaliser
  4. follow the gradient, weighted minus demonstrated features (Adam); 2-4 repeat
  5. plan on theta, on the table

The table only proposes: the better it is, the more equal the weights, and the larger the sample's effective size.
Where observations are numbers there is no table: a crowd of linear policies proposes (`learners.rewards.grounds`).

Reading order: Config, train, `_fit`, then in `learners.rewards` `path_weights` (step 3) and `grounds` (1, 2 and 5).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import gymnasium as gym
import numpy as np
from gymnasium.envs.registration import EnvSpec
from scipy.sparse import csr_array

from learners import bco
from learners.errors import NothingToLearnError, UnsupportedWorldError
from learners.interface import FloatArray, IntArray, Policy, Snapshot
from learners.rewards.grounds import CountedGround, CrowdGround, Ground
from learners.rewards.path_weights import Drawn, Shown, Weighed, joined, tempered, weigh
from learners.settings import Candidates, Count, NonNegative, Part, Positive, Settings, Share
from recordings.demonstrations import Demonstrations
from recordings.held_out import n_held_out

JUDGING_ROUNDS = 8
"""Rounds' worth of episodes from which the likelihood of held-out episodes is estimated."""
FIRST_DECAY, SECOND_DECAY = 0.9, 0.99
"""Adam's memory of slopes and of their squares, from one round to the next."""


@dataclass(frozen=True)
class Config(Settings):
    """Settings of relative entropy inverse reinforcement learning."""

    policy: Literal["planned", "soft", "greedy"] = "planned"
    """What is kept: the best plan on the recovered reward; the soft policy, which imitates the demonstrators'
    noise too; or the soft policy's most probable actions."""
    exploration: Count | None = None  # environment steps
    """Steps of the base policy before the first round, an episode's worth in each copy of the world at least; None: 36
    for each state and action. Table alone."""
    rounds: Count | None = None
    """Rounds of a fit, each of which draws episodes and takes one step along the gradient; None: 40 (table), 60
    (numbers)."""
    steps: Count | None = None  # environment steps
    """Steps taken in a round, an episode's worth at least; None: 16 for each state, and two episodes' worth at least.
    Table alone: on numbers a round is 64 episodes."""
    remembered: Count = 4  # rounds
    """Rounds whose episodes a gradient is estimated from, the last one among them; each is weighed anew."""
    learning_rate: Positive | None = None  # nats per round
    """Adam step size at the start, which falls to 0 along half a cosine; None: 0.1 (table), 1 (numbers)."""
    epsilon: NonNegative = 0.0  # visits an episode
    """How far expected and demonstrated feature counts may lie apart at no cost."""
    l2: NonNegative = 1e-6
    """Weight of half the squared distance of the reward from its prior, in the dual."""
    unseen: NonNegative | None = None  # nats
    """What reaching a state that nobody demonstrated costs beforehand; None: chosen by the likelihood of
    held-out episodes."""
    unseen_candidates: Candidates = (6.0, 12.0, 24.0)
    """What is tried where `unseen` is None; the middle one where there are too few episodes to choose."""
    least_effective: Share = 0.1  # share of the sample
    """Candidates are tempered until the effective sample size is this share; numbers need it."""
    held_out: Part = 0.1  # share of the episodes
    """Share of the episodes kept for choosing `unseen`; none with fewer than ten episodes."""


def train(
    config: Config,
    demonstrations: Demonstrations,
    world: EnvSpec | None,
    rng: np.random.Generator,
    *,
    start: Policy | None = None,
) -> Iterator[Snapshot]:
    """One snapshot for each prior that is tried, then the final one; `Snapshot.step` counts rounds.

    Metrics: `loss` and `held_out_loss` in nats a demonstration (on numbers `loss` is the dual alone),
    `effective_samples` of `samples` in the last round's estimate and the `power` to which their weights were
    tempered, `mismatch` in visits an episode. The demonstrations' actions are not read, the world's table and
    reward neither. start is not used. Raises UnsupportedWorldError without a world to act in,
    NothingToLearnError without a demonstrated step.
    """
    if world is None:
        raise UnsupportedWorldError("relent-irl: expected a world to act in, found none. Name one.")
    if len(demonstrations) == 0:
        raise NothingToLearnError("demonstrations: expected at least one step, found none. Record some.")
    table = isinstance(demonstrations.observation_space, gym.spaces.Discrete)
    ground: Ground = (CountedGround if table else CrowdGround)(
        demonstrations, world, rng, exploration=config.exploration, steps=config.steps
    )
    try:
        yield from _Search(config, ground, demonstrations, rng).snapshots()
    finally:
        ground.close()


class _Search:
    """The fits of one call of `train`."""

    def __init__(
        self,
        config: Config,
        ground: Ground,
        demonstrations: Demonstrations,
        rng: np.random.Generator,
    ) -> None:
        self._config, self._ground, self._rng = config, ground, rng
        self._lengths = demonstrations.lengths[demonstrations.lengths > 0]
        first = demonstrations.starts[demonstrations.lengths > 0]
        self._kinds = ground.kinds(demonstrations.observations[first])
        self._counts = ground.counts(bco.demonstrated(demonstrations).after, self._lengths)
        self._rate = config.learning_rate or (0.1 if ground.has_prior else 1.0)
        self._rounds = 0

    def snapshots(self) -> Iterator[Snapshot]:
        """A fit for each prior without the held-out episodes, then one of the best with them all."""
        config = self._config
        order = self._rng.permutation(len(self._lengths))
        n_apart = n_held_out(config.held_out, len(order))
        tried = config.unseen_candidates
        best, best_loss = tried[len(tried) // 2] if config.unseen is None else config.unseen, np.inf
        if config.unseen is None and n_apart > 0 and self._ground.has_prior:
            held_out = self._shown(order[:n_apart])
            for unseen in tried:
                theta, last = self._fit(unseen, self._shown(order[n_apart:]))
                judging = self._ground.draw(theta, self._rng, rounds=JUDGING_ROUNDS)
                judged = weigh(theta, judging, held_out)
                yield self._snapshot(theta, unseen, last, judged.loss)
                if judged.loss < best_loss:
                    best, best_loss = unseen, judged.loss
        theta, last = self._fit(best, self._shown(order))
        yield self._snapshot(theta, best, last, best_loss)

    def _fit(self, unseen: float, shown: Shown) -> tuple[FloatArray, Weighed]:
        """Adam on the dual, each slope from fresh episodes and the last few rounds' (Kingma and Ba 2015)."""
        config = self._config
        prior = self._ground.prior(np.asarray(shown.counts.sum(0)) > 0, unseen)
        theta, mean, square = prior.copy(), np.zeros_like(prior), np.zeros_like(prior)
        held: list[Drawn] = []
        rounds = config.rounds or (40 if self._ground.has_prior else 60)
        for done in range(rounds):
            held = [*held, self._ground.draw(theta, self._rng)][-config.remembered :]
            found = tempered(theta, joined(held), shown, config.least_effective)
            self._ground.follow(found.weights)
            slope = found.slope + config.epsilon * np.sign(theta - prior) + config.l2 * (theta - prior)
            mean = FIRST_DECAY * mean + (1 - FIRST_DECAY) * slope
            square = SECOND_DECAY * square + (1 - SECOND_DECAY) * slope**2
            unbiased = mean / (1 - FIRST_DECAY ** (done + 1))
            deviation = np.sqrt(square / (1 - SECOND_DECAY ** (done + 1)))
            rate = self._rate * 0.5 * (1 + np.cos(np.pi * done / rounds))
            theta = theta - rate * unbiased / (deviation + 1e-6)
        self._rounds += rounds
        return theta, found

    def _shown(self, episodes: IntArray) -> Shown:
        """Means over these demonstrated episodes."""
        shape = (self._ground.n_kinds, len(self._lengths))
        kinds, part = self._kinds[episodes], np.full(len(episodes), 1.0 / len(episodes))
        by_kind = csr_array((part, (kinds, episodes)), shape=shape)
        log_base = by_kind @ self._ground.log_base(self._lengths)
        return Shown(by_kind.sum(1), by_kind @ self._counts, log_base)

    def _snapshot(self, theta: FloatArray, unseen: float, last: Weighed, held_out_loss: float) -> Snapshot:
        metrics = {
            "loss": last.loss,
            "effective_samples": last.effective,
            "samples": float(last.samples),
            "mismatch": float(np.abs(last.slope).max()),
            "power": last.power,
        }
        if self._ground.has_prior:
            metrics["unseen"] = unseen
        if np.isfinite(held_out_loss):
            metrics["held_out_loss"] = held_out_loss
        policy = self._ground.kept(theta, self._config.policy)
        return Snapshot(self._rounds, policy, metrics, self._ground.steps_taken, self._ground.reward(theta))
