"""A policy to go on from, made ready to learn by a gradient: every state for itself, and none too certain."""

from __future__ import annotations

import gymnasium as gym
import numpy as np

from learners.errors import UnsupportedWorldError
from learners.interface import Policy
from learners.policies import NetworkPolicy, policy_from, softmax


def own_rows(policy: Policy) -> NetworkPolicy:
    """The same policy, but each state of a table answers for itself, so that it can learn for itself.

    Raises UnsupportedWorldError for a policy that is no network, and for one that remembers: here each step is
    learned from by itself.
    """
    if not isinstance(policy, NetworkPolicy):
        raise UnsupportedWorldError(
            f"start: expected a trained policy, found {type(policy).__name__}, which has nothing to train."
        )
    if policy.architecture.memory:
        raise UnsupportedWorldError(
            f"start: expected a policy that forgets, found one that remembers ({policy.architecture.memory} units). "
            "Clone one without --memory."
        )
    if not policy.architecture.is_table:
        return policy
    stand_in = policy.arrays["stand_in"]
    own = {"outputs": policy.arrays["outputs"][stand_in], "stand_in": np.arange(len(stand_in))}
    return policy_from(policy.architecture, {**policy.arrays, **own})


def doubted(policy: NetworkPolicy, doubt: float) -> NetworkPolicy:
    """The same policy, of a table mixed with `doubt` of the uniform one; its most probable actions stay.

    A clone is all but certain of what it saw once, and even of what it took from a neighbour: it would never try
    another action. Perceptrons, which cannot be mixed so, are given back as they are.
    """
    if not (policy.architecture.is_table and policy.architecture.is_categorical):
        return policy
    chances = softmax(policy.arrays["outputs"])
    mixed = np.log((1 - doubt) * chances + doubt / policy.architecture.n_outputs)
    return policy_from(policy.architecture, {**policy.arrays, "outputs": mixed.astype(np.float32)})


def spread(policy: NetworkPolicy, least: float, most: float = np.inf) -> NetworkPolicy:
    """The same policy, whose numbers deviate by at least and at most these shares of half their range.

    Its most probable actions stay. Where actions are numbers a clone is all but certain too, and learns nothing new;
    one that deviates widely learns what is good for a policy that deviates. Others are given back as they are, and
    so are numbers without bounds.
    """
    space = policy.architecture.action_space
    if not isinstance(space, gym.spaces.Box):
        return policy
    half = (space.high.astype(np.float64) - space.low).reshape(-1) / 2
    half[~np.isfinite(half)] = np.nan  # no limit to what follows
    with np.errstate(divide="ignore"):
        narrowest, widest = np.log(least * half), np.log(most * half)
    log_std = np.fmin(np.fmax(policy.arrays["log_std"], narrowest), widest)
    return policy_from(policy.architecture, {**policy.arrays, "log_std": log_std.astype(np.float32)})
