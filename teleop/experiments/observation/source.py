"""Cloning from observation with the networks of source 004, the faults of its code mended.

Kept: ten episodes of one's own at random, then an inverse model of (s, s') with two hidden layers of 256, then a
student with three; ReLU, Adam with a step size of 1e-3, ten passes over all steps at once. Mended: `FAULTS`.
"""

from __future__ import annotations

from typing import Any, cast

import gymnasium as gym
import numpy as np
from gymnasium.envs.registration import EnvSpec

from learners import bc, bco
from learners.interface import Array
from learners.networks import build, freeze
from learners.policies import Architecture, NetworkPolicy
from learners.worlds import facts_of
from recordings.demonstrations import Demonstrations
from teleop.experiments.first_episodes import watch

FAULTS = (
    (
        "The student's constructor calls that of a class which does not exist (`MLP`).",
        "The networks are the ones that every learner here uses.",
    ),
    (
        "Both networks take their number of actions from the shape of a Discrete space, which has none.",
        "One output for each action.",
    ),
    (
        "Own steps come from a policy, and a world from a function, that are defined nowhere.",
        "Its ten episodes are driven by actions drawn at random.",
    ),
    (
        "The inverse model is drawn to the action's number by the squared error: action 1 counts as larger than "
        "action 0, not as another.",
        "The likelihood of the action (cross entropy).",
    ),
    (
        "So is the student; its output is bounded by tanh, and what it is drawn to is not.",
        "The likelihood of the action that the inverse model holds to be the likeliest.",
    ),
    (
        "The student's loss sends gradients on into the inverse model, and keeps its graph from pass to pass.",
        "What the inverse model answered is data.",
    ),
    (
        "The evaluation never takes a step: it reads a reward and a next state that are defined nowhere, for ever.",
        "Ten complete episodes of the student's most probable actions.",
    ),
)
"""What keeps the source's code from running or from learning, and what is done here instead."""
EPISODES, LONGEST = 10, 1_000
INVERSE_HIDDEN, STUDENT_HIDDEN = (256, 256), (256, 256, 256)
PASSES = 10
ENOUGH = 400  # updates
"""After which neither network gets better on CartPole."""


def own_steps(world: EnvSpec, rng: np.random.Generator) -> bco.OwnTransitions:
    """Every step of the source's episodes."""
    facts = facts_of(world)
    driver = undecided(facts.observation_space, facts.action_space)
    seed = int(rng.integers(2**31))
    seen = watch(driver, world, episodes=EPISODES, steps=LONGEST, seed=seed, rng=rng)
    rollout, running = seen.rollout, seen.running & seen.rollout.valid
    return bco.OwnTransitions(
        rollout.observations[running], rollout.next_observations[running], rollout.actions[running]
    )


def undecided(observations: gym.Space[Any], actions: gym.Space[Any]) -> NetworkPolicy:
    """A driver to whom all actions are alike."""
    architecture = Architecture(observations, actions)
    return freeze(build(architecture, np.random.default_rng(0)), architecture)


class Inverse:
    """The source's inverse model: which action leads from s to s'."""

    def __init__(
        self,
        own: bco.OwnTransitions,
        action_space: gym.Space[Any],
        rng: np.random.Generator,
        passes: int | None = PASSES,
    ) -> None:
        """passes: over all steps at once; None: until it gets no better."""
        seen = both(own)
        space = gym.spaces.Box(-np.inf, np.inf, seen.shape[1:], np.float32)
        self._policy = _cloned(seen, own.actions, space, action_space, INVERSE_HIDDEN, passes, rng)

    def actions(self, steps: bco.Transitions) -> Array:
        """(N, *action shape) the likeliest cause of each step."""
        return self._policy.act(both(steps))


def imitate(
    shown: Demonstrations, world: EnvSpec, rng: np.random.Generator, passes: int | None = PASSES
) -> tuple[NetworkPolicy, int]:
    """The student, and how many steps of one's own it took. The demonstrations' actions are not read."""
    own = own_steps(world, rng)
    guessed = Inverse(own, shown.action_space, rng, passes).actions(bco.demonstrated(shown))
    return clone(shown, guessed, rng, passes), len(own.actions)


def clone(
    shown: Demonstrations, actions: Array, rng: np.random.Generator, passes: int | None = PASSES
) -> NetworkPolicy:
    """The source's student, cloned from these actions. actions (N, *action shape)."""
    spaces = shown.observation_space, shown.action_space
    return _cloned(shown.observations, actions, *spaces, STUDENT_HIDDEN, passes, rng)


def both(steps: bco.Transitions) -> Array:
    """(N, 2 * numbers of an observation): s and s', side by side as in the source."""
    return np.concatenate([steps.before, steps.after], axis=1).astype(np.float32)


def _cloned(
    observations: Array,
    actions: Array,
    observation_space: gym.Space[Any],
    action_space: gym.Space[Any],
    hidden: tuple[int, ...],
    passes: int | None,
    rng: np.random.Generator,
) -> NetworkPolicy:
    data = Demonstrations.from_pairs(
        observations, actions, observation_space=observation_space, action_space=action_space
    )
    config = bc.Config(
        hidden=hidden,
        activation="relu",
        learning_rate=1e-3,
        l2=0.0,
        held_out=0.0,
        batch_size=256 if passes is None else len(observations),
        updates=ENOUGH if passes is None else passes,
        check_every=passes,
    )
    *_, last = bc.train(config, data, None, rng)
    return cast(NetworkPolicy, last.policy)
