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

Reading order: Config, train, `_fit`, Sampled and Dual, then the grounds: what states are, and what pays in them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, cast

import gymnasium as gym
import numpy as np
from gymnasium.envs.registration import EnvSpec
from scipy.sparse import csr_array, vstack

from learners import bco
from learners.errors import NothingToLearnError, UnsupportedWorldError
from learners.grounds import CountedGround, Ground
from learners.interface import FloatArray, IntArray, Policy, Snapshot
from learners.policies import Architecture, CategoricalPolicy, dtype_of, policy_from
from learners.trajectories import TrajectorySampler
from recordings.demonstrations import Demonstrations

FEWEST_TO_HOLD_OUT = 10
"""Fewer episodes than this, and none is spared for choosing the prior."""
JUDGING_ROUNDS = 8
"""Rounds' worth of episodes from which the likelihood of held-out episodes is estimated."""
MOST_COPIES = 256
"""Copies of the world that run at once, at most."""
FIRST_DECAY, SECOND_DECAY = 0.9, 0.99
"""Adam's memory of slopes and of their squares, from one round to the next."""


@dataclass(frozen=True)
class Config:
    """Settings of relative entropy inverse reinforcement learning."""

    policy: Literal["planned", "soft", "greedy"] = "planned"
    """What is kept: the best plan on the recovered reward; the soft policy, which imitates the demonstrators'
    noise too; or the soft policy's most probable actions."""
    exploration: int = 360_000  # environment steps
    """Steps of the base policy before the first round."""
    rounds: int = 40
    """Rounds of a fit: each draws episodes and takes one step along the gradient."""
    steps: int = 40_000  # environment steps
    """Steps taken in a round."""
    remembered: int = 4  # rounds
    """Rounds whose episodes a gradient is estimated from, the last one among them; each is weighed anew."""
    learning_rate: float = 0.1  # nats per round
    """Adam step size at the start; it falls to 0 along half a cosine."""
    epsilon: float = 0.0  # visits an episode
    """How far expected and demonstrated feature counts may lie apart at no cost."""
    l2: float = 1e-6
    """Weight of half the squared distance of the reward from its prior, in the dual."""
    unseen: float | None = None  # nats
    """What reaching a state that nobody demonstrated costs beforehand; None: chosen by the likelihood of
    held-out episodes."""
    unseen_candidates: tuple[float, ...] = (12.0, 24.0, 48.0)
    """What is tried where `unseen` is None; the middle one where there are too few episodes to choose."""
    held_out: float = 0.1  # share of the episodes
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

    Metrics: `loss` and `held_out_loss` in nats a demonstration, `effective_samples` of `samples` in the last
    round's estimate, `mismatch` in visits an episode. The demonstrations' actions are not read, the world's
    table and reward neither. start is not used. Raises UnsupportedWorldError without a world to act in,
    NothingToLearnError without a demonstrated step.
    """
    if world is None:
        raise UnsupportedWorldError("relent-irl: expected a world to act in, found none. Name one.")
    if len(demonstrations) == 0:
        raise NothingToLearnError("demonstrations: expected at least one step, found none. Record some.")
    horizon = world.max_episode_steps or int(demonstrations.lengths.max())
    copies = max(1, min(MOST_COPIES, config.steps // horizon))
    sampler = TrajectorySampler(world, copies, int(rng.integers(2**31)))
    try:
        own = sampler.collect(_base(demonstrations), config.exploration, rng)
        ground = CountedGround(demonstrations, own, horizon)
        yield from _Search(config, ground, sampler, demonstrations, rng).snapshots()
    finally:
        sampler.close()


def _base(demonstrations: Demonstrations) -> CategoricalPolicy:
    """All actions alike."""
    architecture = Architecture(demonstrations.observation_space, demonstrations.action_space)
    if not architecture.is_categorical:
        raise UnsupportedWorldError(
            f"actions: expected Discrete ones, found {architecture.action_space}. Choose gail or bc."
        )
    arrays = {name: np.zeros(shape, dtype_of(name)) for name, shape in architecture.shapes().items()}
    if "std" in arrays:
        arrays["std"] += 1.0
    return cast(CategoricalPolicy, policy_from(architecture, arrays))


class _Search:
    """The fits of one call of `train`."""

    def __init__(
        self,
        config: Config,
        ground: Ground,
        sampler: TrajectorySampler,
        demonstrations: Demonstrations,
        rng: np.random.Generator,
    ) -> None:
        self._config, self._ground, self._sampler, self._rng = config, ground, sampler, rng
        space = cast(gym.spaces.Discrete, demonstrations.action_space)
        self._n_actions, self._first_action = int(space.n), int(space.start)
        self._lengths = demonstrations.lengths[demonstrations.lengths > 0]
        first = demonstrations.starts[demonstrations.lengths > 0]
        self._kinds = ground.kinds(demonstrations.observations[first])
        self._counts = ground.counts(bco.demonstrated(demonstrations).after, demonstrations.lengths)
        self._rounds = 0

    def snapshots(self) -> Iterator[Snapshot]:
        """A fit for each prior without the held-out episodes, then one of the best with them all."""
        config = self._config
        order = self._rng.permutation(len(self._lengths))
        n_held_out = round(config.held_out * len(order)) if len(order) >= FEWEST_TO_HOLD_OUT else 0
        tried = config.unseen_candidates
        best, best_loss = tried[len(tried) // 2] if config.unseen is None else config.unseen, np.inf
        if config.unseen is None and n_held_out > 0 and self._ground.has_prior:
            held_out = self._shown(order[:n_held_out])
            for unseen in tried:
                theta, last = self._fit(unseen, self._shown(order[n_held_out:]))
                judged = weigh(theta, self._drawn(theta, JUDGING_ROUNDS * config.steps), held_out)
                yield self._snapshot(theta, unseen, last, judged.loss)
                if judged.loss < best_loss:
                    best, best_loss = unseen, judged.loss
        theta, last = self._fit(best, self._shown(order))
        yield self._snapshot(theta, best, last, best_loss)

    def _fit(self, unseen: float, shown: Shown) -> tuple[FloatArray, Weighed]:
        """Adam on the dual, each slope from fresh episodes and the last few rounds' (Kingma and Ba 2015)."""
        config = self._config
        prior = self._ground.prior(unseen)
        theta, mean, square = prior.copy(), np.zeros_like(prior), np.zeros_like(prior)
        held: list[Drawn] = []
        for done in range(config.rounds):
            held = [*held, self._drawn(theta, config.steps)][-config.remembered :]
            found = weigh(theta, joined(held), shown)
            slope = found.slope + config.epsilon * np.sign(theta - prior) + config.l2 * (theta - prior)
            mean = FIRST_DECAY * mean + (1 - FIRST_DECAY) * slope
            square = SECOND_DECAY * square + (1 - SECOND_DECAY) * slope**2
            unbiased = mean / (1 - FIRST_DECAY ** (done + 1))
            deviation = np.sqrt(square / (1 - SECOND_DECAY ** (done + 1)))
            rate = config.learning_rate * 0.5 * (1 + np.cos(np.pi * done / config.rounds))
            theta = theta - rate * unbiased / (deviation + 1e-6)
        self._rounds += config.rounds
        return theta, found

    def _drawn(self, theta: FloatArray, steps: int) -> Drawn:
        """Episodes of the soft policy of theta."""
        paths = self._sampler.collect(self._ground.soft(theta), steps, self._rng, self._first_action)
        log_base = -paths.lengths * np.log(self._n_actions)
        log_ratios = log_base - paths.sums(paths.log_chances)
        counts = self._ground.counts(paths.after, paths.lengths)
        return Drawn(counts, log_ratios, self._ground.kinds(paths.before[paths.starts]))

    def _shown(self, episodes: IntArray) -> Shown:
        """Means over these demonstrated episodes."""
        shape = (self._ground.n_kinds, len(self._lengths))
        kinds, part = self._kinds[episodes], np.full(len(episodes), 1.0 / len(episodes))
        by_kind = csr_array((part, (kinds, episodes)), shape=shape)
        log_base = by_kind @ (-self._lengths * np.log(self._n_actions))
        return Shown(by_kind.sum(1), by_kind @ self._counts, log_base)

    def _snapshot(self, theta: FloatArray, unseen: float, last: Weighed, held_out_loss: float) -> Snapshot:
        metrics = {
            "loss": last.loss,
            "effective_samples": last.effective,
            "samples": float(last.samples),
            "mismatch": float(np.abs(last.slope).max()),
            "unseen": unseen,
        }
        if np.isfinite(held_out_loss):
            metrics["held_out_loss"] = held_out_loss
        policy = self._ground.kept(theta, self._config.policy)
        return Snapshot(self._rounds, policy, metrics, self._sampler.steps, self._ground.reward(theta))


# -- the dual --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Shown:
    """Demonstrated episodes, start by start: G kinds of start, D features."""

    share: FloatArray
    """(G,) of the episodes that begin so; sums to 1."""
    counts: csr_array
    """(G, D) their mean feature counts, times the share."""
    log_base: FloatArray
    """(G,) the mean log chance that the base policy takes their actions, times the share."""


@dataclass(frozen=True)
class Drawn:
    """N episodes of one's own."""

    counts: csr_array
    """(N, D) features of the states reached, summed over the episode."""
    log_ratios: FloatArray
    """(N,) log base(path) - log pi(path), for the policy pi that drew it."""
    groups: IntArray
    """(N,) which kind of start, 0 to G - 1."""


@dataclass(frozen=True)
class Weighed:
    """What a sample says of the dual at one theta."""

    loss: float
    """The dual without its regularisers, plus what does not depend on theta: minus the log likelihood of a
    demonstrated path, in nats, the world's chances left out."""
    slope: FloatArray
    """(D,) its gradient."""
    effective: float
    """Kish's effective sample size, start by start and summed: a path alone with its start counts as 1."""
    samples: int
    """Episodes that began where demonstrations do."""


def joined(parts: list[Drawn]) -> Drawn:
    return Drawn(
        vstack([part.counts for part in parts], format="csr"),
        np.concatenate([part.log_ratios for part in parts]),
        np.concatenate([part.groups for part in parts]),
    )


def weigh(theta: FloatArray, drawn: Drawn, shown: Shown) -> Weighed:
    """Equations 5 to 7 of the paper, with a normaliser for each kind of start.

    Starts that are demonstrated but were not drawn are left out on both sides, those that were drawn but not
    demonstrated carry no weight. Raises NothingToLearnError where no start is shared.
    """
    groups, n_groups = drawn.groups, len(shown.share)
    logs = drawn.counts @ theta + drawn.log_ratios
    greatest = np.full(n_groups, -np.inf)
    np.maximum.at(greatest, groups, logs)
    weights = np.exp(logs - greatest[groups])
    total = np.bincount(groups, weights, n_groups)
    squares = np.bincount(groups, weights**2, n_groups)
    number = np.bincount(groups, minlength=n_groups)
    covered = (number > 0) & (shown.share > 0)
    share = np.where(covered, shown.share, 0.0)
    if not covered.any():
        raise NothingToLearnError(
            "starts: expected own episodes that begin where a demonstration does, found none. Raise `steps`, or "
            "check that the demonstrations are of this world."
        )
    share /= (whole := share.sum())
    wanted = shown.counts.T @ (covered / whole)
    log_normalisers = greatest[covered] + np.log(total[covered] / number[covered])
    loss = share[covered] @ log_normalisers - wanted @ theta - shown.log_base[covered].sum() / whole
    expected = drawn.counts.T @ (weights * (share / np.maximum(total, 1e-300))[groups])
    effective = (total[covered] ** 2 / squares[covered]).sum()
    return Weighed(float(loss), expected - wanted, float(effective), int(number[covered].sum()))
