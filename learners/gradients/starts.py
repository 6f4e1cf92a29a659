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


def spread(policy: NetworkPolicy, share: float) -> NetworkPolicy:
    """The same policy, whose numbers deviate by at least `share` of half their range; its most probable actions stay.

    Where actions are numbers a clone is all but certain too. Others are given back as they are.
    """
    space = policy.architecture.action_space
    if not isinstance(space, gym.spaces.Box) or share <= 0:
        return policy
    least = np.log(share * (space.high - space.low).reshape(-1) / 2).astype(np.float32)
    width = np.maximum(policy.arrays["log_std"], np.where(np.isfinite(least), least, -np.inf))
    return policy_from(policy.architecture, {**policy.arrays, "log_std": width})
