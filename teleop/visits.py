"""Where a student goes and where its demonstrators went, state by state, in worlds that are tables."""

from __future__ import annotations

import numpy as np

from learners.interface import FloatArray, Policy, TabularModel
from recordings.demonstrations import Demonstrations

SELDOM = 1e-4
"""Visits an episode below which a state looks unvisited in pictures."""


def policy_visits(model: TabularModel, policy: Policy) -> FloatArray:
    """(S,) how often an episode of the policy's most probable actions comes to each state, start and end included.

    Exact, as the sum of `learners.tabular.propagate` over time is; but a window asks between two frames, and one
    action a state is summed in a fraction of the time that whole tables take.
    """
    states = np.arange(model.n_states)
    actions = np.asarray(policy.act(states), dtype=np.int64)
    reached = model.next_states[states, actions].ravel()
    chances = np.where(model.terminal[:, None], 0.0, model.probabilities[states, actions])
    now = model.starts
    visits: FloatArray = now.astype(np.float64)
    for _ in range(model.horizon):
        now = np.bincount(reached, (chances * now[:, None]).ravel(), model.n_states).astype(np.float64)
        visits += now
    return visits


def demonstrated_visits(model: TabularModel, demonstrations: Demonstrations) -> FloatArray:
    """(S,) how often a demonstration comes to each state, its start and its end included."""
    first = int(getattr(demonstrations.observation_space, "start", 0))
    seen = np.concatenate([demonstrations.observations, demonstrations.final_observations]) - first
    visits: FloatArray = np.bincount(seen, minlength=model.n_states) / max(1, len(demonstrations.starts))
    return visits
