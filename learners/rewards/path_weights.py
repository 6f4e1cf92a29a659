"""The dual of relative entropy inverse reinforcement learning, estimated from weighted episodes.

See `learners.relent_irl` for the objective. Everything stays in logs until the greatest of a start is subtracted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array, vstack

from learners.errors import NothingToLearnError
from learners.interface import FloatArray, IntArray


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
    weights: FloatArray
    """(N,) of each episode; those of a start sum to its share."""
    power: float
    """To which the weights were raised; below 1 they are evener than theta says, and the slope is biased."""


def joined(parts: list[Drawn]) -> Drawn:
    return Drawn(
        vstack([part.counts for part in parts], format="csr"),
        np.concatenate([part.log_ratios for part in parts]),
        np.concatenate([part.groups for part in parts]),
    )


def tempered(theta: FloatArray, drawn: Drawn, shown: Shown, least_effective: float) -> Weighed:
    """`weigh`, the power halved until the effective size is this share of the sample."""
    power = 1.0
    while (found := weigh(theta, drawn, shown, power)).effective < least_effective * found.samples:
        power /= 2
    return found


def weigh(theta: FloatArray, drawn: Drawn, shown: Shown, power: float = 1.0) -> Weighed:
    """The importance-sampled dual, with a normaliser for each kind of start.

    Starts that are demonstrated but were not drawn are left out on both sides, those that were drawn but not
    demonstrated carry no weight. Raises NothingToLearnError where no start is shared.
    """
    groups, n_groups = drawn.groups, len(shown.share)
    logs = power * (drawn.counts @ theta + drawn.log_ratios)
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
    weights *= (share / np.maximum(total, 1e-300))[groups]
    effective = float((total[covered] ** 2 / squares[covered]).sum())
    slope = drawn.counts.T @ weights - wanted
    return Weighed(float(loss), slope, effective, int(number[covered].sum()), weights, power)
