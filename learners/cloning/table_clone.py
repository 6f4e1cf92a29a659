"""Cloning into a table, in closed form: the most likely answer of every taught state, and who answers elsewhere.

Reading order: Said, `clone`, `table_of_shares`, `completed`, `stand_ins`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, Protocol, cast

import gymnasium as gym
import numpy as np
from gymnasium.envs.registration import EnvSpec

from learners.cloning.arrival import arriving, likeliest_moves, ways_back, ways_on, with_preference
from learners.cloning.labelled_steps import Symmetry, no_label
from learners.cloning.shuffled import labels_of
from learners.interface import Array, FloatArray, IntArray, Policy, Snapshot, TabularModel
from learners.networks import nearest_labelled
from learners.policies import Architecture, NetworkPolicy, policy_from
from learners.worlds import facts_of
from recordings.demonstrations import Demonstrations
from recordings.stream import Stream

Fallback = Literal["return", "nearest", "none"]
"""Who answers for a state without label; see `stand_ins`."""
ClassWeights = Literal["equal", "balanced"]
"""What a label counts; see `action_weights`."""


class Settings(Protocol):
    """What a table reads of `bc.Config`."""

    @property
    def smoothing(self) -> float: ...
    @property
    def fallback(self) -> Fallback: ...
    @property
    def arrive(self) -> bool: ...
    @property
    def class_weights(self) -> ClassWeights: ...


@dataclass(frozen=True)
class Taught:
    """What the labels say of each state, states and actions from 0."""

    outputs: FloatArray
    """(S, A) logits, or (S, numbers of an action) means."""
    known: Array
    """(S,) bool: has a label."""
    shown: Array
    """(S, A) bool: the actions labelled there; none where actions are a Box."""


@dataclass(frozen=True)
class Said:
    """What all labels come to."""

    architecture: Architecture
    tally: FloatArray
    """(S, A) how often each action is right; of Box actions (S, 1 + 2 D) labels, sums and sums of squares."""
    ends: Array
    """(S,) bool: the states in which a labelled step ended an episode."""

    def distinct(self) -> tuple[IntArray, IntArray]:
        """Every state and action that occur together, (L,) both; of Discrete actions."""
        spaces = self.architecture.observation_space, self.architecture.action_space
        states, actions = np.nonzero(self.tally)
        return states + _first(spaces[0]), actions + _first(spaces[1])


def said(demonstrations: Demonstrations, observations: Array, actions: Array) -> Said:
    """observations (N,), actions (N, *a): the labels of these demonstrations."""
    architecture = Architecture(demonstrations.observation_space, demonstrations.action_space)
    return Said(architecture, _tally(architecture, observations, actions), shown_ends(demonstrations))


def said_in(stream: Stream, symmetry: Symmetry | None) -> Said:
    """The same of blocks that are read one by one. Raises NothingToLearnError where there is no label."""
    architecture = Architecture(stream.observation_space, stream.action_space)

    def of(block: Demonstrations) -> FloatArray:
        return _tally(architecture, *labels_of(block, symmetry))

    tally = stream.total(("tally", symmetry), of)
    if not tally.any():
        raise no_label(len(stream))
    return Said(architecture, tally, stream.total("ends", shown_ends))


def clone(settings: Settings, said: Said, world: EnvSpec | None, start: Policy | None) -> Snapshot:
    """start: answers for states that it knew and these labels do not."""
    architecture = said.architecture
    fit = _shares if architecture.is_categorical else _means
    taught, arrays, metrics = fit(settings, said.tally)
    if isinstance(start, NetworkPolicy) and start.architecture == architecture:
        taught = _with_memories(taught, start)
    model = facts_of(world).model if world is not None else None
    moves = None if model is None or not architecture.is_categorical else likeliest_moves(model)
    coordinates = None if model is None else model.coordinates
    stand_in = stand_ins(settings.fallback, taught, moves, coordinates)
    if settings.arrive and model is not None and moves is not None:
        mended = with_arrival(taught, stand_in, model, moves, said.ends)
        metrics["mended_states"] = float((mended.outputs != taught.outputs).any(1).sum())
        if metrics["mended_states"]:
            taught, stand_in = mended, stand_ins(settings.fallback, mended, moves, coordinates)
    arrays |= {"outputs": taught.outputs.astype(np.float32), "stand_in": stand_in}
    return Snapshot(step=1, policy=policy_from(architecture, arrays), metrics=metrics)


def shown_ends(demonstrations: Demonstrations) -> Array:
    """(S,) bool: the states in which a labelled step ended an episode."""
    space = cast(gym.spaces.Discrete, demonstrations.observation_space)
    kept = demonstrations.lengths > 0
    last = (demonstrations.starts + demonstrations.lengths - 1)[kept]
    arrived = demonstrations.terminated[last] & demonstrations.labelled[last]
    ends = np.zeros(int(space.n), dtype=bool)
    ends[demonstrations.final_observations[kept][arrived] - _first(space)] = True
    return ends


def _first(space: gym.Space) -> int:  # type: ignore[type-arg]
    return int(cast(gym.spaces.Discrete, space).start)


# -- taught states ---------------------------------------------------------------------------------------

_Fitted = tuple[Taught, dict[str, Array], dict[str, float]]
"""What was taught, the policy's arrays beside it, and how well it fits."""


def _shares(settings: Settings, counts: FloatArray) -> _Fitted:
    weighted = counts * action_weights(counts.sum(0), settings.class_weights)
    outputs = table_of_shares(weighted, settings.smoothing)
    taught = Taught(outputs, counts.sum(1) > 0, counts > 0)
    metrics = _amounts(counts.sum(1)) | {"loss": mean_loss(weighted, outputs)} | _accuracies(counts, outputs)
    return taught, {}, metrics


def _means(settings: Settings, tally: FloatArray) -> _Fitted:
    """The mean action of each state, and the most likely Gaussian width around them all."""
    labels, (sums, squares) = tally[:, 0], np.split(tally[:, 1:], 2, axis=1)
    outputs = sums / np.maximum(labels, 1)[:, None]
    deviations = (squares.sum(0) - (sums * outputs).sum(0)).clip(0) / labels.sum()
    log_std = np.log(np.maximum(np.sqrt(deviations), 1e-3)).astype(np.float32)
    taught = Taught(outputs, labels > 0, np.zeros(outputs.shape, dtype=bool))
    return taught, {"log_std": log_std}, _amounts(labels) | {"loss": float(deviations.mean())}


def _amounts(labels: FloatArray) -> dict[str, float]:
    """labels (S,) of each state."""
    return {"labels": float(labels.sum()), "distinct_labels": float((labels > 0).sum())}


def _tally(architecture: Architecture, observations: Array, actions: Array) -> FloatArray:
    """Of labels: observations (N,), actions (N, *a)."""
    states = observations - _first(architecture.observation_space)
    if architecture.is_categorical:
        choices = actions - _first(architecture.action_space)
        return label_counts(states, choices, architecture.n_inputs, architecture.n_outputs)
    targets = actions.reshape(len(actions), -1).astype(np.float64)
    tally = np.zeros((architecture.n_inputs, 1 + 2 * architecture.n_outputs))
    np.add.at(tally, states, np.column_stack([np.ones(len(targets)), targets, targets**2]))
    return tally


def label_counts(states: IntArray, actions: IntArray, n_states: int, n_actions: int) -> FloatArray:
    """states (N,), actions (N,), both from 0 -> how often each pair occurs (S, A)."""
    pairs = states.astype(np.int64) * n_actions + actions
    counts = np.bincount(pairs, minlength=n_states * n_actions).astype(np.float64)
    return counts.reshape(n_states, n_actions)


def action_weights(counts: Array, class_weights: ClassWeights) -> FloatArray:
    """counts (A,) of labels -> (A,) what a label of each action counts.

    "equal": 1. "balanced": all actions that occur count the same together, and a label counts 1 on average.
    """
    if class_weights == "equal":
        return np.ones(len(counts))
    occurring = counts > 0
    weights = np.divide(counts.sum(), occurring.sum() * counts, out=np.zeros(len(counts)), where=occurring)
    return cast(FloatArray, weights)


def table_of_shares(counts: FloatArray, smoothing: float) -> FloatArray:
    """counts (S, A) of labels -> logits (S, A): the most likely table.

    `smoothing` labels of every action come first; a state without any other has logits 0, all actions alike.
    """
    smoothed = counts + smoothing
    return cast(FloatArray, np.log(smoothed / smoothed.mean(1, keepdims=True)))


def mean_loss(counts: FloatArray, logits: FloatArray) -> float:
    """counts (S, A) of labels, logits (S, A) -> mean negative log likelihood of a label."""
    log_shares = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    return float(-(counts * log_shares).sum() / max(counts.sum(), 1.0))


def _accuracies(counts: FloatArray, logits: FloatArray) -> dict[str, float]:
    """Share of the labels that the most probable action meets; and where any action labelled there is right."""
    chosen = counts[np.arange(len(counts)), logits.argmax(1)]
    n = counts.sum()
    return {
        "accuracy": float(chosen.sum() / n),
        "accuracy_ties": float(counts.sum(1)[chosen > 0].sum() / n),
    }


def _with_memories(taught: Taught, start: NetworkPolicy) -> Taught:
    """Where there is no label now, what `start` says in the states that it knew."""
    outputs, stand_in = start.arrays["outputs"], start.arrays["stand_in"]
    knew = (stand_in == np.arange(len(stand_in))) & (outputs != outputs[:, :1]).any(1) & ~taught.known
    everything, shown = taught.outputs.copy(), taught.shown.copy()
    everything[knew] = outputs[knew]
    shown[knew, outputs[knew].argmax(1)] = True
    return Taught(everything, taught.known | knew, shown)


# -- all other states, and circles -----------------------------------------------------------------------


def stand_ins(
    fallback: Fallback, taught: Taught, moves: IntArray | None, coordinates: FloatArray | None
) -> IntArray:
    """(S,): which state answers for each one. Those with labels answer for themselves.

    "return": the state that is surest of the action which leads back to a taught state in the fewest `moves`.
    Where no move is known or nobody prefers that action, and for "nearest": the nearest taught state, where
    states have `coordinates`. "none", and where nothing else is known: each for itself.
    """
    if fallback == "none":
        return np.arange(len(taught.known))
    answering = (
        np.arange(len(taught.known)) if coordinates is None else nearest_labelled(coordinates, taught.known)
    )
    if fallback == "return" and moves is not None and taught.known.any():
        back = ways_back(moves, taught.known)
        surest = _surest_states(taught)
        led = (back >= 0) & (surest[back] >= 0)
        answering[led] = surest[back[led]]
    return answering


def _surest_states(taught: Taught) -> IntArray:
    """(A,): the taught state with the greatest lead of each action over the next best; -1: nobody prefers it."""
    ordered = np.sort(taught.outputs, axis=1)
    lead = np.where(taught.known, ordered[:, -1] - ordered[:, -2], -np.inf)
    leads = np.where(
        taught.outputs.argmax(1)[:, None] == np.arange(taught.outputs.shape[1]), lead[:, None], -np.inf
    )
    return cast(IntArray, np.where(np.isfinite(leads.max(0)), leads.argmax(0), -1))


def with_arrival(
    taught: Taught, stand_in: IntArray, model: TabularModel, moves: IntArray, ends: Array
) -> Taught:
    """The same table, but that most probable actions which never reach any of `ends` (S,) bool do so.

    Only states that never arrive are changed, and only where labelled actions lead to an end. States without
    label are passed through as they answer.
    """
    actions = taught.outputs[stand_in].argmax(1)
    lost = taught.known & ~arriving(model, actions, ends)
    if not lost.any():
        return taught
    allowed = taught.shown.copy()
    strangers = np.flatnonzero(~taught.known & (stand_in != np.arange(len(stand_in))))
    allowed[strangers, actions[strangers]] = True
    ways = ways_on(moves, taught.outputs[stand_in], allowed, ends)
    outputs = taught.outputs.copy()
    astray = lost & (ways >= 0) & (ways != outputs.argmax(1))
    for state in np.flatnonzero(astray):
        outputs[state] = with_preference(outputs[state], ways[state])
    return replace(taught, outputs=outputs)
