"""Ways from demonstrations to a student, states alone or not, and ways to infer what caused a step: those compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import gymnasium as gym
import numpy as np

from learners import bc, bco
from learners.interface import Array, Policy
from learners.rollout import Sampler
from learners.worlds import facts_of
from recordings.demonstrations import Demonstrations
from teleop.experiments.hopper.strong import OBSERVER, STUDENT
from teleop.experiments.observation import source
from teleop.worlds.catalogue import World

Student = tuple[Policy, int]
"""And the steps of its own that it took."""


@dataclass(frozen=True)
class Way:
    """One way from demonstrations to a student."""

    title: str
    learn: Callable[[Demonstrations, World, np.random.Generator, int | None], Student]
    """Demonstrations, world, chance, steps of one's own before the first clone (None: as usual)."""


# -- ways ------------------------------------------------------------------------------------------------


def states_alone(shown: Demonstrations) -> Demonstrations:
    """The same without an action."""
    return replace(shown, actions=None, labelled=np.zeros(len(shown), bool))


def _with_actions(
    shown: Demonstrations, world: World, rng: np.random.Generator, own_steps: int | None
) -> Student:
    """The student of cloning from observation, and its settings."""
    same = bco.Config()
    config = bc.Config(
        smoothing=same.smoothing,
        fallback=same.fallback,
        hidden=same.hidden,
        learning_rate=same.learning_rate,
        batch_size=same.batch_size,
        l2=same.l2,
        updates=same.updates,
        held_out=0.0,
    )
    return _cloned(config, shown, world, rng)


def _from_states(
    shown: Demonstrations, world: World, rng: np.random.Generator, own_steps: int | None, pooling: float = 1.0
) -> Student:
    return _observed(bco.Config(exploration=own_steps, pooling=pooling), shown, world, rng)


def _cloned(config: bc.Config, shown: Demonstrations, world: World, rng: np.random.Generator) -> Student:
    *_, last = bc.train(config, shown, world.spec(), rng, symmetry=world.mirror)
    return last.policy, 0


def _observed(config: bco.Config, shown: Demonstrations, world: World, rng: np.random.Generator) -> Student:
    *_, last = bco.train(config, states_alone(shown), world.spec(), rng, symmetry=world.mirror)
    return last.policy, last.env_steps


WAYS: Mapping[str, Way] = {
    "actions": Way("cloning, actions known", _with_actions),
    "states": Way("cloning from observation", _from_states),
    "states-unpooled": Way(
        "cloning from observation, each cell by itself",
        lambda shown, world, rng, own_steps: _from_states(shown, world, rng, own_steps, pooling=0.0),
    ),
    "actions-wide": Way(
        "cloning, actions known", lambda shown, world, rng, own_steps: _cloned(STUDENT, shown, world, rng)
    ),
    "states-wide": Way(
        "cloning from observation",
        lambda shown, world, rng, own_steps: _observed(
            replace(OBSERVER, exploration=own_steps or OBSERVER.exploration), shown, world, rng
        ),
    ),
    "source-actions": Way(
        "the source's student, actions known, trained to the end",
        lambda shown, world, rng, own_steps: (source.clone(shown, shown.pairs()[1], rng, None), 0),
    ),
    "source-states": Way(
        "the source's two networks, states alone, trained to the end",
        lambda shown, world, rng, own_steps: source.imitate(
            states_alone(shown), world.spec(), rng, passes=None
        ),
    ),
    "source-short": Way(
        f"the same, {source.PASSES} passes each as in the source",
        lambda shown, world, rng, own_steps: source.imitate(states_alone(shown), world.spec(), rng),
    ),
}


# -- inverse models --------------------------------------------------------------------------------------

Infer = Callable[[bco.OwnTransitions, bco.Transitions, World, np.random.Generator], Array]
"""Own steps, demonstrated steps, world, chance -> (N,) the likeliest cause of each; -1: nothing is known. Where actions
are numbers, (N, numbers) the expected one."""


def explored(world: World, n_steps: int, rng: np.random.Generator) -> bco.OwnTransitions:
    """So many steps of actions drawn at random."""
    facts = facts_of(world.spec())
    driver = source.undecided(facts.observation_space, facts.action_space)
    sampler = Sampler(world.spec(), 128 if facts.model is not None else 8, seed=int(rng.integers(2**31)))
    try:
        own = bco.own_transitions(sampler, driver, n_steps, rng)
    finally:
        sampler.close()
    return bco.OwnTransitions(own.before[:n_steps], own.after[:n_steps], own.actions[:n_steps])


def _counted(own: bco.OwnTransitions, shown: bco.Transitions, world: World, pooling: float) -> Array:
    model = facts_of(world.spec()).model
    assert model is not None
    inverse = bco.CountedInverse(own, model.n_states, model.n_actions, model.coordinates, pooling)
    return likeliest(inverse.causes(shown.before, shown.after))


def _by_difference(
    own: bco.OwnTransitions,
    shown: bco.Transitions,
    world: World,
    rng: np.random.Generator,
    config: bco.Config | None = None,
) -> Array:
    space = facts_of(world.spec()).action_space
    causes = bco.LearnedInverse(config or bco.Config(), space, own, rng).causes(shown.before, shown.after)
    return causes if isinstance(space, gym.spaces.Box) else likeliest(causes)


def likeliest(causes: Array) -> Array:
    """causes (N, A) -> (N,) the first of the greatest; -1 where all are 0."""
    return np.where(causes.max(1) > 0, causes.argmax(1), -1)


def _by_source(
    own: bco.OwnTransitions,
    shown: bco.Transitions,
    world: World,
    rng: np.random.Generator,
    passes: int | None = None,
) -> Array:
    return source.Inverse(own, facts_of(world.spec()).action_space, rng, passes).actions(shown)


INVERSES: Mapping[str, Infer] = {
    "difference": _by_difference,
    "wide": lambda own, shown, world, rng: _by_difference(own, shown, world, rng, OBSERVER),
    "source": _by_source,
    "source-short": lambda own, shown, world, rng: _by_source(own, shown, world, rng, source.PASSES),
    "pooled": lambda own, shown, world, rng: _counted(own, shown, world, 1.0),
    "unpooled": lambda own, shown, world, rng: _counted(own, shown, world, 0.0),
}
INVERSE_TITLES: Mapping[str, str] = {
    "difference": "linear, of s and s' − s",
    "wide": "two layers of 256, of s and s' − s",
    "source": "the source's, of s and s', trained to the end",
    "source-short": f"the same, {source.PASSES} passes",
    "pooled": "counts, pooled over cells",
    "unpooled": "counts, each cell by itself",
}
