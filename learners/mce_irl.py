"""Maximum causal entropy inverse reinforcement learning (Ziebart, Bagnell and Dey 2010).

Objective: among all policies that match the demonstrated feature counts, the one of greatest causal entropy
E[ sum_t -log pi_t(a_t | s_t) ]. Its dual is convex in the reward theta, and its policy is soft planning:

  Q_t(s, a) = E_s'[ theta . features + V_t+1(s') ]     V_t(s) = log sum_a exp Q_t(s, a)     pi_t = exp(Q_t - V_t)

The expectation over the world's luck stands inside the backup: one answers for one's choices, not for luck.

  1. f      = mean feature counts of the demonstrations
  2. V, pi  = backward pass (above)
  3. D      = forward pass: how often pi reaches each state
  4. theta  follows  D - f + l2 theta  downhill (L-BFGS) until they match; 2-4 repeat
  5. plan on theta

Steps 4 and 5 are `learners.rewards.feature_matching`, 1 `reward_features`, 2 and 3 `soft_planning`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from gymnasium.envs.registration import EnvSpec

from learners.interface import Policy, Snapshot, TabularModel
from learners.rewards import feature_matching
from learners.rewards.feature_matching import Config, Recovered
from recordings.demonstrations import Demonstrations

__all__ = ["Config", "Recovered", "recover", "train"]


def train(
    config: Config,
    demonstrations: Demonstrations,
    world: EnvSpec | None,
    rng: np.random.Generator,
    *,
    start: Policy | None = None,
) -> Iterator[Snapshot]:
    """One snapshot for each regulariser that is tried, then the final one; steps are L-BFGS iterations.

    Metrics: `loss` and `held_out_loss` in nats a demonstration, `l2`, `mismatch` in visits an episode; of the
    saved policy, exact on the table: `arrival`, its chance to end an episode, `length`, its expected steps; and
    `agreement`, the share of demonstrated actions that it too finds likeliest. None asks the world's own reward.
    `Snapshot.reward` is what reaching each state pays (S,), or, with features=state-action, each action (S, A).

    State features need no actions. world: one with a table; None: the one that was recorded. start is not
    used: what is fitted does not depend on it. Where observations are a Box, cells of them are the table
    (`learners.rewards.discretised`), and config is not used. Raises UnsupportedWorldError without a table,
    NothingToLearnError without data.
    """
    return feature_matching.snapshots(config, demonstrations, world, rng, "causal")


def recover(
    config: Config, model: TabularModel, demonstrations: Demonstrations, rng: np.random.Generator
) -> Recovered:
    """The reward that explains the demonstrations, and the policies that follow from it.

    model: any table, whose states the demonstrations' Discrete observations number; its rewards are not looked at.
    """
    *_, last = feature_matching.fits(config, model, demonstrations, rng, "causal")
    return last
