"""What can be laid over GridWorld's map: what the student would do, what it learned from, where everybody went.

Reading order: Layer, `layers_of` (what there is to show), `laid_over` (how each cell then looks, and what that means).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from learners.interface import DiscretePolicy, FloatArray, IntArray, Policy, TabularModel
from recordings.schema import Driver, Outcome
from teleop.app.painters.arrows import DIRECTIONS
from teleop.app.painters.looks import (
    LEVELS,
    SHADES,
    UNTOUCHED,
    Look,
    arrows,
    arrows_on,
    gains_and_losses,
    swatches,
    tints,
)
from teleop.app.painters.view import Legend, View
from teleop.app.words import figure
from teleop.preferences.palette import DRIVERS, OUTCOMES, TEXT, Colour
from teleop.visits import SELDOM, policy_visits

LEANING = 0.02
"""How far a probability must lie above chance to count as a preference."""
TYPICAL = 98.0
"""Percentile of the rewards' size at which a tint is fullest: a few cells are not to outshine the rest."""


class Layer(Enum):
    """What is shown on the map; the value is its name."""

    POLICY = "policy"
    CONFIDENCE = "confidence"
    EXPECTED = "visits an episode"
    REWARD = "recovered reward"
    LABELLED = "labels"
    DISAGREEMENT = "student and label"
    VISITED = "visited here"
    NOTHING = "bare map"


@dataclass(frozen=True, eq=False)
class Overlay:
    """A layer of one moment."""

    codes: IntArray
    """(S,) which of `looks` each cell has."""
    looks: tuple[Look, ...]
    """The first leaves a cell as it is."""
    legend: Legend | None
    """What they mean; None where there is nothing to tell."""


def layers_of(view: View) -> tuple[Layer, ...]:
    """What there is to show of student, labels and ways; nothing where nothing is known."""
    layers = []
    if view.policy is not None:
        layers.append(Layer.POLICY)
        if isinstance(view.policy, DiscretePolicy):
            layers.append(Layer.CONFIDENCE)
        layers.append(Layer.EXPECTED)
        if view.reward is not None:
            layers.append(Layer.REWARD)
    if view.labels:
        layers.append(Layer.LABELLED)
        if view.policy is not None:
            layers.append(Layer.DISAGREEMENT)
    if view.visited is not None and view.visited.any():
        layers.append(Layer.VISITED)
    return (*layers, Layer.NOTHING) if layers else ()


def stamp_of(layer: Layer, view: View) -> tuple[int, ...]:
    """What a layer was made from: as long as this stays, so does its picture."""
    match layer:
        case Layer.LABELLED:
            return (view.version_of_labels,)
        case Layer.DISAGREEMENT:
            return view.version, view.version_of_labels
        case Layer.VISITED:
            return () if view.visited is None else (int(view.visited.sum()),)
        case Layer.NOTHING:
            return ()
    return (view.version,)


def laid_over(layer: Layer, view: View, model: TabularModel) -> Overlay:
    """How each cell looks under this layer; untouched where there is nothing to show."""
    policy = view.policy
    match layer:
        case Layer.LABELLED if view.labels:
            return _labelled(view.labels, model.n_states)
        case Layer.VISITED if view.visited is not None:
            return _visited(view.visited)
        case Layer.POLICY if policy is not None:
            return _preferred(policy, model.n_states)
        case Layer.CONFIDENCE if isinstance(policy, DiscretePolicy):
            looks = tints(DRIVERS[Driver.STUDENT], strongest=0.6, curve=1.0)
            return _graded(layer, _confidence(policy, model.n_states), looks, ("guess", "sure"))
        case Layer.EXPECTED if policy is not None:
            return _expected(policy, model)
        case Layer.REWARD if policy is not None and view.reward is not None:
            return _rewards(view.reward)
        case Layer.DISAGREEMENT if policy is not None:
            return _disagreement(policy, view.labels, model.n_states)
    return Overlay(np.zeros(model.n_states, np.int64), (UNTOUCHED,), None)


def _preferred(policy: Policy, n_states: int) -> Overlay:
    """An arrow where the policy has a preference; the faintest is a guess taken over from other states."""
    colour = DRIVERS[Driver.STUDENT]
    return Overlay(
        _preferences(policy, n_states),
        (UNTOUCHED, *arrows(colour)),
        Legend(Layer.POLICY.value, "guess", "sure", swatches(arrows(colour)[::DIRECTIONS])),
    )


def _preferences(policy: Policy, n_states: int) -> IntArray:
    """(S,) 0 where the policy has no preference, else 1 + DIRECTIONS * (shade - 1) + action."""
    states = np.arange(n_states)
    if not isinstance(policy, DiscretePolicy):
        return 1 + DIRECTIONS * (SHADES - 1) + np.asarray(policy.act(states), dtype=np.int64)
    probabilities = policy.probabilities(states)
    shades = np.rint(_confidence(policy, n_states) * SHADES).astype(np.int64)
    shades = np.maximum(shades, probabilities.max(1) > 1 / probabilities.shape[1] + LEANING)
    codes: IntArray = np.where(shades > 0, 1 + DIRECTIONS * (shades - 1) + probabilities.argmax(1), 0)
    return codes


def _confidence(policy: DiscretePolicy, n_states: int) -> FloatArray:
    """(S,) from 0, a guess, to 1, certainty."""
    states = np.arange(n_states)
    probabilities = policy.probabilities(states)
    confidence = getattr(policy, "confidence", None)
    sureness = probabilities.max(1) if confidence is None else confidence(states)
    guess = 1 / probabilities.shape[1]
    shares: FloatArray = np.clip((sureness - guess) / (1 - guess), 0.0, 1.0)
    return shares


def _expected(policy: Policy, model: TabularModel) -> Overlay:
    """How often an episode of the student's most probable actions comes to each cell: exact, logarithmic."""
    visits = policy_visits(model, policy)
    most = max(float(visits.max()), 10 * SELDOM)
    shares = np.log(np.maximum(visits, SELDOM) / SELDOM) / np.log(most / SELDOM)
    return _graded(Layer.EXPECTED, shares, _ways(), (figure(SELDOM), figure(most)))


def _visited(counts: IntArray) -> Overlay:
    """How often anybody came to each cell: logarithmic, once is the weakest tint."""
    most = max(int(counts.max()), 1)
    shares = np.where(counts > 0, (1 + np.log(np.maximum(counts, 1))) / (1 + np.log(most)), 0.0)
    return _graded(Layer.VISITED, shares, _ways(), ("once", f"{most} times"))


def _ways() -> tuple[Look, ...]:
    return tints(TEXT, strongest=0.92, curve=2.0)


def _rewards(reward: FloatArray) -> Overlay:
    """reward (S,), or (S, A), of which the best action's is shown."""
    by_state = reward if reward.ndim == 1 else reward.max(axis=1)
    reach = max(float(np.percentile(np.abs(by_state), TYPICAL)), 1e-9)
    levels = np.rint(np.clip(by_state / reach, -1, 1) * LEVELS).astype(np.int64)
    looks = gains_and_losses()
    legend = Legend(Layer.REWARD.value, figure(-reach), figure(reach), swatches(looks))
    return Overlay(1 + LEVELS + levels, (UNTOUCHED, *looks), legend)


def _labelled(labels: Mapping[int, Any], n_states: int) -> Overlay:
    """The last label of each labelled cell, as an arrow."""
    codes = np.zeros(n_states, np.int64)
    states, actions = _columns(labels)
    codes[states] = 1 + actions
    looks = arrows_on(TEXT, 0.22, TEXT)
    legend = Legend(Layer.LABELLED.value, "", f"{len(states)} cells", (TEXT,))
    return Overlay(codes, (UNTOUCHED, *looks), legend)


def _disagreement(policy: Policy, labels: Mapping[int, Any], n_states: int) -> Overlay:
    """The last label of each labelled cell, upon whether the student would now do the same."""
    codes = np.zeros(n_states, np.int64)
    states, actions = _columns(labels)
    differs = np.asarray(policy.act(states), np.int64) != actions
    codes[states] = 1 + actions + DIRECTIONS * differs
    same, other = DRIVERS[Driver.STUDENT], OUTCOMES[Outcome.FAILURE]
    looks = (*arrows_on(same, 0.3, TEXT), *arrows_on(other, 0.85, TEXT))
    n_differing = int(differs.sum())
    low, high = f"same {len(states) - n_differing}", f"differ {n_differing}"
    return Overlay(codes, (UNTOUCHED, *looks), Legend(Layer.DISAGREEMENT.value, low, high, (same, other)))


def _columns(labels: Mapping[int, Any]) -> tuple[IntArray, IntArray]:
    """states (L,), actions (L,)"""
    n = len(labels)
    return np.fromiter(labels.keys(), np.int64, n), np.fromiter(map(int, labels.values()), np.int64, n)


def _graded(layer: Layer, shares: FloatArray, looks: Sequence[Look], ends: tuple[str, str]) -> Overlay:
    """shares (S,) 0 to 1 -> the tints in as many steps as there are `looks`, none where a share is 0."""
    codes: IntArray = np.ceil(np.clip(shares, 0, 1) * len(looks)).astype(np.int64)
    colours: tuple[Colour, ...] = swatches(looks)
    return Overlay(codes, (UNTOUCHED, *looks), Legend(layer.value, *ends, colours))
