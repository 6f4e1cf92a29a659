"""What can be laid over GridWorld's map about a student: its policy, its confidence, its ways, the reward it follows.

A layer is a code for each cell, which the board paints: 0 nothing, then arrows, then tints.
Reading order: Layer, `layers_of` (what there is to show), `laid_over` (the codes, and what they mean).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from learners.interface import DiscretePolicy, FloatArray, IntArray, Policy, TabularModel
from recordings.schema import Driver
from teleop.app.painters.view import Legend, View
from teleop.app.words import figure
from teleop.palette import CARD_EDGE, DRIVERS, STAGE, TEXT, Colour, mix
from teleop.visits import SELDOM, policy_visits

DIRECTIONS = 4
"""Up, down, left, right: the order of GridWorld's actions."""
SHADES = 8
"""Steps from an arrow that can hardly be seen to a full one."""
FAINTEST = 0.12
LEANING = 0.02
"""How far a probability must lie above chance to count as a preference."""
LEVELS = 16
"""Steps of a tint, the weakest of which can just be seen."""
WEAKEST = 0.12
"""How much of a tint's colour is at least mixed into a cell's own."""
TYPICAL = 98.0
"""Percentile of the rewards' size at which a tint is fullest: a few cells are not to outshine the rest."""


class Layer(Enum):
    """What is shown on the map; the value is its name."""

    POLICY = "policy"
    CONFIDENCE = "confidence"
    VISITS = "visits an episode"
    REWARD = "recovered reward"
    NOTHING = "bare map"


@dataclass(frozen=True)
class Tint:
    """The colour of a cell, or of what is mixed into it."""

    colour: Colour
    share: float
    """Of the colour; the rest is the cell's own, so that a costly cell can still be told."""


def _tints(colour: Colour, strongest: float, curve: float) -> tuple[Tint, ...]:
    """strongest: the share of the last. curve: above 1 the lower levels lie closer together."""
    rising = np.linspace(0, 1, LEVELS) ** curve
    return tuple(Tint(colour, share) for share in (WEAKEST + (strongest - WEAKEST) * rising).tolist())


def _gain_or_loss(level: int) -> Tint:
    """level: -LEVELS to LEVELS. The cell's own colour is hidden: the learner was never told which cells cost."""
    towards = DRIVERS[Driver.STUDENT if level > 0 else Driver.HUMAN]
    return Tint(mix(CARD_EDGE, towards, abs(level) / LEVELS), 1.0)


NO_ARROW = 0
TINTS: dict[Layer, tuple[Tint, ...]] = {
    Layer.CONFIDENCE: _tints(DRIVERS[Driver.STUDENT], strongest=0.6, curve=1.0),
    Layer.VISITS: _tints(TEXT, strongest=0.92, curve=2.0),
    Layer.REWARD: tuple(_gain_or_loss(level) for level in range(-LEVELS, LEVELS + 1)),
}
FIRST_TINT: dict[Layer, int] = {
    Layer.CONFIDENCE: 1 + DIRECTIONS * SHADES,
    Layer.VISITS: 1 + DIRECTIONS * SHADES + LEVELS,
    Layer.REWARD: 1 + DIRECTIONS * SHADES + 2 * LEVELS,
}
"""The code of each layer's first tint; arrows have 1 to DIRECTIONS * SHADES."""
CODES = FIRST_TINT[Layer.REWARD] + len(TINTS[Layer.REWARD])


def layers_of(view: View) -> tuple[Layer, ...]:
    """What there is to show of the student in view; nothing without one."""
    if view.policy is None:
        return ()
    layers = [Layer.POLICY, Layer.VISITS]
    if isinstance(view.policy, DiscretePolicy):
        layers.insert(1, Layer.CONFIDENCE)
    if view.reward is not None:
        layers.append(Layer.REWARD)
    return (*layers, Layer.NOTHING)


def laid_over(layer: Layer, view: View, model: TabularModel) -> tuple[IntArray, Legend | None]:
    """(S,) the code of each cell, and what the codes mean; zeros and None where there is nothing to show."""
    policy, reward = view.policy, view.reward
    if policy is not None:
        match layer:
            case Layer.POLICY:
                shades = [
                    mix(STAGE, DRIVERS[Driver.STUDENT], opacity(shade)) for shade in range(1, SHADES + 1)
                ]
                return arrow_codes(policy, model.n_states), Legend(
                    layer.value, "guess", "sure", tuple(shades)
                )
            case Layer.CONFIDENCE if isinstance(policy, DiscretePolicy):
                codes = _levels(layer, _confidence(policy, model.n_states))
                return codes, _legend(layer, "guess", "sure")
            case Layer.VISITS:
                return _visits(policy, model)
            case Layer.REWARD if reward is not None:
                return _reward(reward)
    return np.zeros(model.n_states, np.int64), None


def tint_of(code: int) -> Tint:
    """The tint of a code that is no arrow's."""
    layer = max((layer for layer in TINTS if FIRST_TINT[layer] <= code), key=lambda layer: FIRST_TINT[layer])
    return TINTS[layer][code - FIRST_TINT[layer]]


def arrow_codes(policy: Policy, n_states: int) -> IntArray:
    """(S,) 0 where the policy has no preference, else 1 + DIRECTIONS * (shade - 1) + action.

    Shade 1 is a guess taken over from other states, SHADES is certainty.
    """
    states = np.arange(n_states)
    if not isinstance(policy, DiscretePolicy):
        return 1 + DIRECTIONS * (SHADES - 1) + np.asarray(policy.act(states), dtype=np.int64)
    probabilities = policy.probabilities(states)
    shades = np.rint(_confidence(policy, n_states) * SHADES).astype(np.int64)
    shades = np.maximum(shades, probabilities.max(1) > 1 / probabilities.shape[1] + LEANING)
    codes: IntArray = np.where(shades > 0, 1 + DIRECTIONS * (shades - 1) + probabilities.argmax(1), NO_ARROW)
    return codes


def opacity(shade: int) -> float:
    """Of an arrow of this shade, 1 to SHADES."""
    return FAINTEST + (1 - FAINTEST) * shade / SHADES


def _confidence(policy: DiscretePolicy, n_states: int) -> FloatArray:
    """(S,) from 0, a guess, to 1, certainty."""
    states = np.arange(n_states)
    probabilities = policy.probabilities(states)
    confidence = getattr(policy, "confidence", None)
    sureness = probabilities.max(1) if confidence is None else confidence(states)
    guess = 1 / probabilities.shape[1]
    shares: FloatArray = np.clip((sureness - guess) / (1 - guess), 0.0, 1.0)
    return shares


def _visits(policy: Policy, model: TabularModel) -> tuple[IntArray, Legend]:
    """How often an episode of the student's most probable actions comes to each cell: exact, logarithmic."""
    layer = Layer.VISITS
    visits = policy_visits(model, policy)
    most = max(float(visits.max()), 10 * SELDOM)
    shares = np.log(np.maximum(visits, SELDOM) / SELDOM) / np.log(most / SELDOM)
    return _levels(layer, shares), _legend(layer, figure(SELDOM), figure(most))


def _reward(reward: FloatArray) -> tuple[IntArray, Legend]:
    """reward (S,), or (S, A), of which the best action's is shown."""
    layer = Layer.REWARD
    by_state = reward if reward.ndim == 1 else reward.max(axis=1)
    reach = max(float(np.percentile(np.abs(by_state), TYPICAL)), 1e-9)
    levels = np.rint(np.clip(by_state / reach, -1, 1) * LEVELS).astype(np.int64)
    codes: IntArray = FIRST_TINT[layer] + LEVELS + levels
    return codes, _legend(layer, figure(-reach), figure(reach))


def _levels(layer: Layer, shares: FloatArray) -> IntArray:
    """shares (S,) 0 to 1 -> codes, none where a share is 0."""
    levels = np.ceil(shares * LEVELS).astype(np.int64)
    codes: IntArray = np.where(levels > 0, FIRST_TINT[layer] + levels - 1, 0)
    return codes


def _legend(layer: Layer, low: str, high: str) -> Legend:
    tints: Sequence[Tint] = TINTS[layer]
    return Legend(layer.value, low, high, tuple(mix(STAGE, tint.colour, tint.share) for tint in tints))
