"""What a policy is worth: exactly where the world is a table, else from complete episodes."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.envs.registration import EnvSpec

from learners.errors import UnsupportedWorldError
from learners.interface import DiscretePolicy, FloatArray, Policy, TabularModel
from learners.pictures import is_picture
from learners.rollout import FinishedEpisode, run_episodes
from learners.tabular import deterministic, exact_return
from learners.worlds import WorldFacts, facts_of

EPISODES, PICTURED_EPISODES = 100, 2
"""That a return is sampled from where nobody says how many; worlds that draw pictures take milliseconds a step."""


@dataclass(frozen=True)
class Evaluation:
    """How a policy does in a world."""

    return_mean: float
    """Undiscounted return of an episode."""
    return_std: float
    """Standard deviation over episodes (not of the mean)."""
    length_mean: float
    """Steps of an episode."""
    success: float | None
    """Share of the episodes that reached the goal; None where the world does not say what success is."""
    episodes: int | None
    """Episodes run; None where exact."""
    exact: bool
    """Propagated through the world's table: no sampling error."""
    seconds: float
    """Wall time of this evaluation."""


def evaluate(
    policy: Policy, world: EnvSpec, *, episodes: int | None = None, seed: int = 0, sample: bool = False
) -> Evaluation:
    """The policy's most probable actions, or with `sample` its drawn ones, in `world`.

    episodes: None: EPISODES, or where observations are pictures PICTURED_EPISODES.
    On a world with a `TabularModel` the answer is exact, and `episodes` and `seed` change nothing. Success is
    arrival in a terminal state where the world is a table, else a return of at least the spec's
    `reward_threshold`. Raises UnsupportedWorldError where the policy is not made for this world.
    """
    started_s = time.perf_counter()
    facts = facts_of(world)
    check_fit(policy, facts)
    if facts.model is not None and (not sample or isinstance(policy, DiscretePolicy)):
        found = exact_return(facts.model, policy_table(policy, facts.model, sample=sample))
        success = min(found.success, 1.0)  # rounding may carry a sum of chances past 1
        measured = Evaluation(found.mean, found.std, found.length_mean, success, None, True, 0.0)
    else:
        if episodes is None:
            episodes = PICTURED_EPISODES if is_picture(facts.observation_space) else EPISODES
        rng = np.random.default_rng(seed) if sample else None
        measured = _summary(run_episodes(policy, world, episodes=episodes, seed=seed, rng=rng), world)
    return replace(measured, seconds=time.perf_counter() - started_s)


def policy_table(policy: Policy, model: TabularModel, *, sample: bool = False) -> FloatArray:
    """The policy written out, (S, A): its probabilities, or 1 for its most probable action."""
    states = np.arange(model.n_states)
    if sample:
        assert isinstance(policy, DiscretePolicy)
        return policy.probabilities(states)
    return deterministic(np.asarray(policy.act(states)), model.n_actions)


def check_fit(policy: Policy, facts: WorldFacts) -> None:
    """Raise UnsupportedWorldError unless the policy's spaces, where it knows them, are the world's."""
    architecture = getattr(policy, "architecture", None)
    if architecture is None:
        return
    for what in ("observation_space", "action_space"):
        expected, found = getattr(facts, what), getattr(architecture, what)
        if not same_form(expected, found):
            raise UnsupportedWorldError(
                f"{what}: expected a policy for this world's {expected}, found one for {found}. "
                "Give a policy that was trained in this world."
            )


def same_form(one: gym.Space[Any], other: gym.Space[Any]) -> bool:
    """Whether a policy may go from one space to the other; bounds may differ."""
    return _form(one) == _form(other)


def _form(space: gym.Space[Any]) -> tuple[Any, ...]:
    whole_numbers = (int(space.n), int(space.start)) if isinstance(space, gym.spaces.Discrete) else ()
    return (type(space), space.shape, *whole_numbers)


def _summary(finished: list[FinishedEpisode], world: EnvSpec) -> Evaluation:
    returns = np.array([episode.return_ for episode in finished])
    length_mean = float(np.mean([episode.length for episode in finished]))
    threshold = world.reward_threshold
    success = None if threshold is None else float((returns >= threshold).mean())
    return Evaluation(
        float(returns.mean()), float(returns.std()), length_mean, success, len(finished), False, 0.0
    )
