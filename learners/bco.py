"""Behavioural cloning from observation: imitating states alone (Torabi, Warnell and Stone 2018, algorithm 1).

  1. explore: take steps (s, a, s') of one's own
  2. inverse model: p(a | s, s'), fitted to all of one's own steps so far
  3. infer: for each step (s, s') of the demonstrations, how likely each action led there
  4. clone: minimise  -mean sum_a p(a | s, s') log pi(a | s)  over the demonstrations
  5. take alpha times as many steps as in 1 with the student; go to 2

The demonstrations' actions are never read, also where they hold some. The whole distribution p(a | s, s') goes
into the clone: a bump at the border (s' = s) has several possible causes, and the likeliest would be a guess.

On Discrete states the inverse model is Bayes' rule over counted transitions, and the clone is a table in closed
form. On all others both are perceptrons.

Reading order: Config, train, Transitions, CountedInverse, LearnedInverse, then the two fits.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol, cast

import gymnasium as gym
import numpy as np
import torch
from gymnasium.envs.registration import EnvSpec

from learners import bc
from learners.cloning.labelled_steps import Symmetry
from learners.cloning.lessons import Rows
from learners.cloning.table_clone import Fallback, Taught, label_counts, mean_loss, stand_ins, table_of_shares
from learners.errors import NothingToLearnError, UnsupportedWorldError
from learners.evaluation import check_fit
from learners.gradients.starts import spread
from learners.interface import Array, FloatArray, IntArray, Policy, Snapshot
from learners.networks import Perceptron, build, freeze, thaw
from learners.policies import Activation, Architecture, CategoricalPolicy, NetworkPolicy, policy_from
from learners.rollout import Rollout, Sampler
from learners.settings import Count, NonNegative, Positive, Settings
from learners.worlds import WorldFacts, facts_of
from recordings.demonstrations import Demonstrations


@dataclass(frozen=True)
class Config(Settings):
    """Settings of cloning from observation. Those after `fallback` concern perceptrons alone."""

    exploration: Count | None = None  # environment steps
    """Steps taken before the first clone; None: 50,000 (table), 2,000 (perceptron)."""
    alpha: NonNegative = 0.2
    """Steps that each clone takes, as a share of `exploration`; 0: only those before the first clone count."""
    spread: NonNegative = 0.0  # share of half an action's range
    """Perceptron, Box actions: standard deviation, at least, of the actions that a clone takes. One that is sure of
    itself sees little beside its own path, from which an inverse model learns little."""
    iterations: Count = 3
    """Clones made, each with an inverse model of all steps so far."""
    pooling: NonNegative = 1.0  # steps
    """Table: what all states together say of an action's moves counts as this many steps in each state. It
    needs a world that says where its states lie; 0: each state is learned by itself."""
    smoothing: Positive = 0.01  # labels
    """Table: as in cloning."""
    fallback: Fallback = "return"
    """Table: what to do in a state that was not demonstrated: go back, as one's own steps say, to one that was;
    as the nearest demonstrated one; or anything."""
    hidden: tuple[Count, ...] = ()
    """Units in each hidden layer of the student; () for a linear one."""
    activation: Activation = "tanh"
    """What follows each hidden layer."""
    learning_rate: Positive = 0.3  # per update
    """Adam step size of the student at the start; it falls to 0 along half a cosine."""
    batch_size: Count = 2_048  # transitions
    """Demonstrated transitions in one update."""
    l2: NonNegative = 1e-5
    """Weight of half the squared weights (not biases) in the student's loss."""
    updates: Count = 1_000
    """Updates of each clone."""
    inverse_hidden: tuple[Count, ...] = ()
    """Units in each hidden layer of the inverse model, which reads s and s' - s."""
    inverse_rate: Positive = 0.03  # per update
    """Adam step size of the inverse model at the start; it falls to 0 along half a cosine."""
    inverse_updates: Count = 1_000
    """Updates of each inverse model, at most; a tenth of one's own steps is held out to stop earlier."""


def train(
    config: Config,
    demonstrations: Demonstrations,
    world: EnvSpec | None,
    rng: np.random.Generator,
    *,
    start: Policy | None = None,
    symmetry: Symmetry | None = None,
) -> Iterator[Snapshot]:
    """One snapshot a clone; `Snapshot.step` counts clones.

    demonstrations: observations are enough. start: who explores before the first clone, and where a perceptron
    begins; by default all actions are equally likely. symmetry: each transition also counts mirrored.
    Raises UnsupportedWorldError without a world or in one that the demonstrations are not of,
    NothingToLearnError without a demonstrated step.
    """
    if world is None:
        raise UnsupportedWorldError("bco: expected a world to act in, found none. Name one.")
    facts = facts_of(world)
    student = _first_student(config, demonstrations, start, rng)
    check_fit(student, facts)
    shown = demonstrated(demonstrations, symmetry)
    is_table = student.architecture.is_table
    explored = config.exploration or (50_000 if is_table else 2_000)
    sampler = Sampler(world, 128 if is_table else 8, seed=int(rng.integers(2**31)))
    try:
        own = own_transitions(sampler, student, explored, rng)
        for iteration in range(1, config.iterations + 1):
            inverse = _inverse_model(config, facts, own, rng)
            causes = inverse.causes(shown.before, shown.after)
            if is_table:
                student, metrics = _fit_table(config, student, shown.before, causes, facts, own)
            else:
                student, metrics = _fit_perceptron(config, student, shown.before, causes, rng)
            yield Snapshot(iteration, student, metrics | _certainty(student, causes), len(own.before))
            if config.alpha > 0 and iteration < config.iterations:
                driver = spread(student, config.spread)
                more = max(1, round(config.alpha * explored))
                own = joined(own, own_transitions(sampler, driver, more, rng))
    finally:
        sampler.close()


def _first_student(
    config: Config, demonstrations: Demonstrations, start: Policy | None, rng: np.random.Generator
) -> NetworkPolicy:
    if isinstance(start, NetworkPolicy):
        return start
    spaces = demonstrations.observation_space, demonstrations.action_space
    hidden = () if isinstance(spaces[0], gym.spaces.Discrete) else config.hidden
    architecture = Architecture(*spaces, hidden, config.activation)
    if architecture.is_table and not architecture.is_categorical:
        raise UnsupportedWorldError(
            f"actions: expected Discrete ones where observations are, found {architecture.action_space}. "
            "Counting transitions needs both; wrap the world so that its observations are a Box."
        )
    network = build(architecture, rng)
    if isinstance(network, Perceptron):
        network.standardise(demonstrations.observations)
    return freeze(network, architecture)


def _certainty(student: NetworkPolicy, causes: Array) -> dict[str, float]:
    """How sure the inverse model is of the demonstrated actions."""
    if not student.architecture.is_categorical:
        return {}
    known = causes.sum(1) > 0
    return {"explained": float(known.mean()), "certainty": float(causes[known].max(1).mean())}


# -- steps -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Transitions:
    """N steps, in no particular order."""

    before: Array
    """(N, *observation shape)"""
    after: Array
    """(N, *observation shape)"""


@dataclass(frozen=True)
class OwnTransitions(Transitions):
    """Steps whose actions are known, for they are one's own."""

    actions: Array
    """(N, *action shape)"""


def demonstrated(demonstrations: Demonstrations, symmetry: Symmetry | None = None) -> Transitions:
    """What was seen before and after each demonstrated step, and mirrored; no action is read."""
    if len(demonstrations.observations) == 0:
        raise NothingToLearnError("demonstrations: expected at least one step, found none. Record some.")
    before = demonstrations.observations
    after = np.concatenate([before[1:], before[:1]])
    kept = demonstrations.lengths > 0
    last = (demonstrations.starts + demonstrations.lengths - 1)[kept]
    after[last] = demonstrations.final_observations[kept]
    if symmetry is None:
        return Transitions(before, after)
    nothing_done = np.zeros((len(before), *(demonstrations.action_space.shape or ())), np.int64)
    mirrored = [symmetry(each, nothing_done)[0] for each in (before, after)]
    return Transitions(np.concatenate([before, mirrored[0]]), np.concatenate([after, mirrored[1]]))


def own_transitions(
    sampler: Sampler, policy: Policy, n_steps: int, rng: np.random.Generator
) -> OwnTransitions:
    """At least `n_steps` steps of the policy's drawn actions."""
    parts: list[Rollout] = []
    missing = n_steps
    while missing > 0:
        parts.append(sampler.collect(policy, -(-missing // sampler.copies), rng))
        missing -= int(parts[-1].valid.sum())
    columns = (
        np.concatenate([getattr(part, name)[part.valid] for part in parts])
        for name in ("observations", "next_observations", "actions")
    )
    return OwnTransitions(*columns)


def joined(first: OwnTransitions, second: OwnTransitions) -> OwnTransitions:
    return OwnTransitions(
        np.concatenate([first.before, second.before]),
        np.concatenate([first.after, second.after]),
        np.concatenate([first.actions, second.actions]),
    )


# -- inverse models --------------------------------------------------------------------------------------


class InverseModel(Protocol):
    """What says which action led from one observation to the next."""

    def causes(self, before: Array, after: Array) -> Array:
        """before, after (N, *o) -> (N, A) probabilities, 0 throughout where nothing is known; where actions are
        a Box (N, numbers of an action), the expected action."""
        ...


def _inverse_model(
    config: Config, facts: WorldFacts, own: OwnTransitions, rng: np.random.Generator
) -> InverseModel:
    if not isinstance(facts.observation_space, gym.spaces.Discrete):
        return LearnedInverse(config, facts.action_space, own, rng)
    coordinates = None if facts.model is None else facts.model.coordinates
    return CountedInverse(
        _from_zero(own, facts),
        int(facts.observation_space.n),
        int(cast(gym.spaces.Discrete, facts.action_space).n),
        coordinates,
        config.pooling,
        _first(facts.observation_space),
    )


def _from_zero(own: OwnTransitions, facts: WorldFacts) -> OwnTransitions:
    """The same steps, states and actions numbered from 0."""
    state, action = _first(facts.observation_space), _first(facts.action_space)
    return OwnTransitions(own.before - state, own.after - state, own.actions - action)


def _first(space: gym.Space[Any]) -> int:
    return int(cast(gym.spaces.Discrete, space).start)


class CountedInverse:
    """Bayes' rule over counted transitions: p(a | s, s') is proportional to p(s' | s, a).

    The prior over actions is uniform, and p(s' | s, a) is a share of the steps with a in s: so it does not
    matter how often the student happens to choose a, only where a leads. With coordinates, the shares start
    from the action's moves s' - s in all states together, which count as `pooling` steps.
    """

    def __init__(
        self,
        own: OwnTransitions,
        n_states: int,
        n_actions: int,
        coordinates: FloatArray | None,
        pooling: float,
        first_state: int = 0,
    ) -> None:
        """own: states and actions from 0. coordinates (S, D), or None: nothing is pooled."""
        self._own, self._n_states, self._n_actions = own, n_states, n_actions
        self._coordinates = coordinates
        self._pooling = pooling if coordinates is not None else 0.0
        self._first_state = first_state
        self._keys, self._counts = np.unique(
            self._key(own.before, own.actions, own.after), return_counts=True
        )
        self._taken = np.bincount(own.before * n_actions + own.actions, minlength=n_states * n_actions)

    def causes(self, before: Array, after: Array) -> FloatArray:
        """before, after (N,) -> (N, A)."""
        before, after = (np.asarray(each, np.int64) - self._first_state for each in (before, after))
        actions = np.arange(self._n_actions)
        keys = self._key(before[:, None], actions, after[:, None])
        places = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        seen = np.where(self._keys[places] == keys, self._counts[places], 0)
        taken = self._taken[before[:, None] * self._n_actions + actions]
        chances = seen + self._pooling * self._pooled(before, after) if self._pooling else seen
        chances = chances / np.maximum(taken + self._pooling, 1e-12)
        total = chances.sum(1, keepdims=True)
        return cast(FloatArray, np.divide(chances, total, out=np.zeros_like(chances), where=total > 0))

    def _key(self, before: Array, actions: Array, after: Array) -> IntArray:
        return cast(IntArray, (before * self._n_actions + actions) * self._n_states + after)

    def _pooled(self, before: Array, after: Array) -> FloatArray:
        """(N, A): how often each action, wherever it was taken, made the same move."""
        assert self._coordinates is not None
        own, where = self._own, self._coordinates
        moves = np.concatenate([where[own.after] - where[own.before], where[after] - where[before]])
        _, kinds = np.unique(moves, axis=0, return_inverse=True)
        kinds = kinds.reshape(-1)
        made = label_counts(kinds[: len(own.before)], own.actions, kinds.max() + 1, self._n_actions)
        shares = made / np.maximum(made.sum(0), 1)
        return cast(FloatArray, shares[kinds[len(own.before) :]])


class LearnedInverse:
    """A perceptron that reads s and s' - s, cloned from one's own actions."""

    BLOCKS = 20
    """Stretches into which one's own steps are cut, so that cloning can hold a tenth of them out."""

    def __init__(
        self,
        config: Config,
        action_space: gym.Space[Any],
        own: OwnTransitions,
        rng: np.random.Generator,
    ) -> None:
        seen = _both(own.before, own.after)
        data = Demonstrations.from_steps(
            seen,
            own.actions,
            observation_space=gym.spaces.Box(-np.inf, np.inf, seen.shape[1:], np.float32),
            action_space=action_space,
            lengths=np.array([len(part) for part in np.array_split(np.arange(len(seen)), self.BLOCKS)]),
        )
        settings = bc.Config(
            hidden=config.inverse_hidden,
            learning_rate=config.inverse_rate,
            l2=0.0,
            updates=config.inverse_updates,
        )
        *_, last = bc.train(settings, data, None, rng)
        self._policy = cast(NetworkPolicy, last.policy)

    def causes(self, before: Array, after: Array) -> Array:
        """before, after (N, *o) -> (N, A) probabilities, or (N, numbers) the expected action."""
        seen = _both(before, after)
        if isinstance(self._policy, CategoricalPolicy):
            return self._policy.probabilities(seen)
        return self._policy.act(seen).reshape(len(seen), -1)


def _both(before: Array, after: Array) -> Array:
    """(N, 2 * numbers of an observation): s and s' - s."""
    first, then = (np.asarray(each, np.float32).reshape(len(each), -1) for each in (before, after))
    return np.concatenate([first, then - first], axis=1)


# -- clones ----------------------------------------------------------------------------------------------


def _fit_table(
    config: Config,
    student: NetworkPolicy,
    before: Array,
    causes: Array,
    facts: WorldFacts,
    own: OwnTransitions,
) -> tuple[NetworkPolicy, dict[str, float]]:
    """The most likely table: in each state the mean of its transitions' causes."""
    architecture = student.architecture
    states = before - _first(architecture.observation_space)
    counts: FloatArray = np.zeros((architecture.n_inputs, architecture.n_outputs))
    np.add.at(counts, states, causes)
    taught = Taught(table_of_shares(counts, config.smoothing), counts.sum(1) > 0, counts > 0)
    moves = likeliest_own_moves(_from_zero(own, facts), *counts.shape)
    coordinates = None if facts.model is None else facts.model.coordinates
    stand_in = stand_ins(config.fallback, taught, moves, coordinates)
    arrays: dict[str, Array] = {"outputs": taught.outputs.astype(np.float32), "stand_in": stand_in}
    metrics = {"loss": mean_loss(counts, taught.outputs), "shown_states": float(taught.known.sum())}
    return policy_from(architecture, arrays), metrics


def likeliest_own_moves(own: OwnTransitions, n_states: int, n_actions: int) -> IntArray:
    """own: states and actions from 0 -> (S, A): where each action led most often; -1: it was never taken."""
    steps = np.stack([own.before, own.actions, own.after], axis=1)
    found, times = np.unique(steps, axis=0, return_counts=True)
    before, actions, after = found[np.argsort(times, kind="stable")].T
    moves = np.full((n_states, n_actions), -1)
    moves[before, actions] = after  # of several, the last one written is the most frequent
    return moves


def _fit_perceptron(
    config: Config, student: NetworkPolicy, before: Array, causes: Array, rng: np.random.Generator
) -> tuple[NetworkPolicy, dict[str, float]]:
    """Cloning of the causes: the cross entropy with them, or the squared distance from the expected action."""
    settings = bc.Config(
        learning_rate=config.learning_rate,
        batch_size=config.batch_size,
        l2=config.l2,
        updates=config.updates,
    )
    targets = torch.from_numpy(np.ascontiguousarray(causes, np.float32))
    lessons = Rows(before, targets, config.batch_size, rng)
    loss = bc.Loss(is_categorical=student.architecture.is_categorical)
    network = cast(Perceptron, thaw(student))
    *_, last = bc.descend(settings, student.architecture, network, lessons, None, loss)
    return cast(NetworkPolicy, last.policy), {"loss": last.metrics["loss"]}
