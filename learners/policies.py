"""Trained policies as plain arrays: they act with numpy alone, so a window can drive one without torch.

A policy is an `Architecture` (what it reads and answers) and the arrays that it names. The arrays are
copied and made read-only: a policy never changes under whoever drives it while training goes on elsewhere.

Reading order: `Architecture`, `NetworkPolicy`, then the three kinds that `policy_from` chooses between.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, cast

import gymnasium as gym
import numpy as np

from learners import pictures
from learners.errors import UnsupportedWorldError
from learners.interface import Array, FloatArray, IntArray

Activation = Literal["tanh", "relu"]
Memory = tuple[Array, Array]
"""What a recurrent policy remembers of each of B episodes: its LSTM's output and cells, (B, units) both."""
OBSERVATION_SPACES = (
    gym.spaces.Discrete,
    gym.spaces.Box,
    gym.spaces.MultiDiscrete,
    gym.spaces.MultiBinary,
)
ACTION_SPACES = (gym.spaces.Discrete, gym.spaces.Box)


@dataclass(frozen=True)
class Architecture:
    """Which arrays a policy has, and how they turn an observation into an answer.

    Discrete observations have a table: one row of outputs a state. All others have a multi-layer perceptron
    over the flattened, standardised observation, or over what convolutions make of a picture. Outputs: logits of
    Discrete actions, means of Box actions.
    """

    observation_space: gym.Space  # type: ignore[type-arg]
    action_space: gym.Space  # type: ignore[type-arg]
    hidden: tuple[int, ...] = ()
    """Units in each hidden layer; always () for a table."""
    activation: Activation = "tanh"
    memory: int = 0
    """Units of the LSTM between the hidden layers and the last one; 0: none, and the policy remembers nothing."""
    filters: tuple[int, ...] = ()
    """Of each convolution before the hidden layers, where observations are pictures; (): no convolutions."""

    def __post_init__(self) -> None:
        if not isinstance(self.observation_space, OBSERVATION_SPACES):
            raise UnsupportedWorldError(
                _unsupported("observations", self.observation_space, OBSERVATION_SPACES)
            )
        if not isinstance(self.action_space, ACTION_SPACES):
            raise UnsupportedWorldError(_unsupported("actions", self.action_space, ACTION_SPACES))
        if self.is_table and (self.hidden or self.memory):
            raise ValueError(f"a table has no layers, found hidden={self.hidden}, memory={self.memory}")
        if self.filters:
            if not pictures.is_picture(self.observation_space):
                raise ValueError(f"filters: expected none without pictures, found {self.filters}")
            pictures.filter_shapes(self.picture, self.filters)

    @property
    def is_table(self) -> bool:
        return isinstance(self.observation_space, gym.spaces.Discrete)

    @property
    def is_categorical(self) -> bool:
        return isinstance(self.action_space, gym.spaces.Discrete)

    @property
    def n_inputs(self) -> int:
        """Rows of a table; numbers in a flattened observation."""
        space = self.observation_space
        return int(space.n) if isinstance(space, gym.spaces.Discrete) else math.prod(space.shape or ())

    @property
    def picture(self) -> tuple[int, ...]:
        """Height, width and channels of what is seen, where that is a picture."""
        return tuple(self.observation_space.shape or ())

    @property
    def n_features(self) -> int:
        """Numbers that the first hidden layer reads."""
        return pictures.n_features(self.picture, self.filters) if self.filters else self.n_inputs

    @property
    def n_outputs(self) -> int:
        """Actions to choose between; numbers in a flattened action."""
        return int(gym.spaces.flatdim(self.action_space))

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Every array of the policy by name. All are float32 but `stand_in`, which is int64."""
        if self.is_table:
            shapes: dict[str, tuple[int, ...]] = {
                "outputs": (self.n_inputs, self.n_outputs),
                "stand_in": (self.n_inputs,),
            }
        else:
            n_scaled = self.picture[2] if self.filters else self.n_inputs
            shapes = {"mean": (n_scaled,), "std": (n_scaled,)}
            convolutions = pictures.filter_shapes(self.picture, self.filters) if self.filters else []
            for i, shape in enumerate(convolutions):
                shapes[f"convolutions.{i}.weight"] = shape
                shapes[f"convolutions.{i}.bias"] = shape[:1]
            layers = layer_shapes(self.n_features, self.hidden, self.n_outputs, self.memory)
            for i, (n_in, n_out) in enumerate(layers):
                shapes[f"layers.{i}.weight"] = (n_out, n_in)
                shapes[f"layers.{i}.bias"] = (n_out,)
            if self.memory:
                n_in, n_gates = (self.n_features, *self.hidden)[-1], 4 * self.memory
                shapes["memory.weight_ih_l0"] = (n_gates, n_in)
                shapes["memory.weight_hh_l0"] = (n_gates, self.memory)
                shapes["memory.bias_ih_l0"] = shapes["memory.bias_hh_l0"] = (n_gates,)
        if not self.is_categorical:
            shapes["log_std"] = (self.n_outputs,)
        return shapes


def layer_shapes(
    n_inputs: int, hidden: tuple[int, ...], n_outputs: int, memory: int
) -> list[tuple[int, int]]:
    """Numbers into and out of each layer but the LSTM, which stands before the last one."""
    last = (memory or (n_inputs, *hidden)[-1], n_outputs)
    return [*pairwise((n_inputs, *hidden)), last]


def _unsupported(what: str, space: object, supported: tuple[type, ...]) -> str:
    names = ", ".join(kind.__name__ for kind in supported)
    return f"{what}: expected one of {names}, found {space}. Wrap the world so that they become one of these."


def dtype_of(name: str) -> np.dtype[np.float32] | np.dtype[np.int64]:
    return np.dtype(np.int64) if name == "stand_in" else np.dtype(np.float32)


def fault(architecture: Architecture, arrays: Mapping[str, Array]) -> str | None:
    """What keeps these arrays from being a policy of this architecture (field, expected, found), or None."""
    shapes = architecture.shapes()
    if set(arrays) != set(shapes):
        return f"arrays: expected {sorted(shapes)}, found {sorted(arrays)}"
    for name, shape in shapes.items():
        found = arrays[name]
        if found.shape != shape or found.dtype != dtype_of(name):
            return f"{name}: expected {dtype_of(name)} {shape}, found {found.dtype} {found.shape}"
        if not np.isfinite(found).all():
            return f"{name}: expected finite numbers, found NaN or infinity"
    if architecture.is_table:
        stand_in = arrays["stand_in"]
        if stand_in.size and not (stand_in.min() >= 0 and stand_in.max() < architecture.n_inputs):
            return f"stand_in: expected states 0 to {architecture.n_inputs - 1}, found one outside"
    elif not (arrays["std"] > 0).all():
        return "std: expected positive numbers, found 0 or less"
    return None


class NetworkPolicy:
    """What every trained policy has in common: its architecture and its read-only arrays."""

    def __init__(self, architecture: Architecture, arrays: Mapping[str, Array]) -> None:
        """Raises ValueError where the arrays are not those that the architecture names."""
        if (found := fault(architecture, arrays)) is not None:
            raise ValueError(found)
        self.architecture = architecture
        self.arrays: dict[str, Array] = {name: _frozen(arrays[name]) for name in architecture.shapes()}
        self._first_action = int(getattr(architecture.action_space, "start", 0))

    def act(self, observations: Array, rng: np.random.Generator | None = None) -> Array:
        """As `Policy.act`. One that remembers acts as at an episode's start; `recollection.begin` lets it go on."""
        return self.choose(self._outputs(observations), rng)

    def choose(self, outputs: Array, rng: np.random.Generator | None = None) -> Array:
        """outputs (B, outputs) -> actions (B, *action shape): the most probable ones, with `rng` drawn ones."""
        raise NotImplementedError

    def recall(self, observations: Array, memory: Memory | None) -> tuple[Array, Memory]:
        """observations (B, *o), what is remembered of each row's episode (None: it begins) -> outputs, memory."""
        return recurrent_perceptron(self.architecture, self.arrays, observations, memory)

    def _outputs(self, observations: Array) -> Array:
        """observations (B, *observation shape) -> (B, outputs), float32."""
        if self.architecture.is_table:
            states = self.arrays["stand_in"][self._rows(observations)]
            return self.arrays["outputs"][states]
        if self.architecture.memory:
            return self.recall(observations, None)[0]
        return perceptron(self.architecture, self.arrays, observations)

    def _rows(self, observations: Array) -> Array:
        first = int(getattr(self.architecture.observation_space, "start", 0))
        return np.asarray(observations) - first if first else np.asarray(observations)

    def __repr__(self) -> str:
        a = self.architecture
        kind = "table" if a.is_table else f"perceptron {a.hidden} {a.activation}"
        kind = f"convolutions {a.filters}, {kind}" if a.filters else kind
        kind += f" LSTM {a.memory}" if a.memory else ""
        return f"{type(self).__name__}({kind}, {a.observation_space} -> {a.action_space})"


class CategoricalPolicy(NetworkPolicy):
    """A distribution over Discrete actions, from a perceptron."""

    def probabilities(self, observations: Array) -> FloatArray:
        """observations (B, *observation shape) -> (B, A); rows sum to 1."""
        return softmax(self._outputs(observations))

    def confidence(self, observations: Array) -> FloatArray:
        """observations (B, *observation shape) -> (B,): the probability of the most probable action."""
        return cast(FloatArray, self.probabilities(observations).max(1))

    def choose(self, outputs: Array, rng: np.random.Generator | None = None) -> Array:
        if rng is None:
            return cast(Array, outputs.argmax(1) + self._first_action)
        return draw(softmax(outputs).cumsum(1), rng) + self._first_action


class TablePolicy(CategoricalPolicy):
    """A distribution over Discrete actions for each Discrete state, looked up in tables that are made once.

    A state that was never labelled lets another one answer (`stand_in`), but does not borrow its certainty:
    its confidence is 1/A, as before any label.
    """

    def __init__(self, architecture: Architecture, arrays: Mapping[str, Array]) -> None:
        super().__init__(architecture, arrays)
        stand_in = self.arrays["stand_in"]
        own = softmax(self.arrays["outputs"])
        speaks_for_itself = stand_in == np.arange(len(stand_in))
        self._probabilities = own[stand_in]
        self._best = self._probabilities.argmax(1) + self._first_action
        self._confidence = np.where(speaks_for_itself, own.max(1), 1.0 / architecture.n_outputs)

    def probabilities(self, observations: Array) -> FloatArray:
        return self._probabilities[self._rows(observations)]

    def confidence(self, observations: Array) -> FloatArray:
        return cast(FloatArray, self._confidence[self._rows(observations)])

    def act(self, observations: Array, rng: np.random.Generator | None = None) -> Array:
        rows = self._rows(observations)
        if rng is None:
            return cast(Array, self._best[rows])
        return draw(self._probabilities[rows].cumsum(1), rng) + self._first_action


class GaussianPolicy(NetworkPolicy):
    """A Gaussian over Box actions one deviation for each number, clipped to the action space."""

    def choose(self, outputs: Array, rng: np.random.Generator | None = None) -> Array:
        space = self.architecture.action_space
        assert isinstance(space, gym.spaces.Box)
        flat = outputs
        if rng is not None:
            noise = rng.standard_normal(flat.shape, dtype=np.float32)
            flat = flat + np.exp(self.arrays["log_std"]) * noise
        return np.clip(flat.reshape(-1, *space.shape), space.low, space.high).astype(space.dtype)


def policy_from(architecture: Architecture, arrays: Mapping[str, Array]) -> NetworkPolicy:
    """The policy of these arrays; raises ValueError where they do not fit the architecture."""
    if not architecture.is_categorical:
        return GaussianPolicy(architecture, arrays)
    kind = TablePolicy if architecture.is_table else CategoricalPolicy
    return kind(architecture, arrays)


def perceptron(architecture: Architecture, arrays: Mapping[str, Array], observations: Array) -> Array:
    """observations (B, *observation shape) -> (B, outputs), float32; `networks.Perceptron` in numpy."""
    return _last_layer(architecture, arrays, _features(architecture, arrays, observations))


def recurrent_perceptron(
    architecture: Architecture, arrays: Mapping[str, Array], observations: Array, memory: Memory | None
) -> tuple[Array, Memory]:
    """One step of B episodes: `networks.Perceptron.recall` in numpy.

    observations (B, *observation shape) -> outputs (B, outputs), and what is remembered from then on.
    """
    x = _features(architecture, arrays, observations)
    if memory is None:
        memory = (np.zeros((len(x), architecture.memory), np.float32),) * 2
    output, cells = memory
    gates = x @ arrays["memory.weight_ih_l0"].T + arrays["memory.bias_ih_l0"]
    gates = gates + output @ arrays["memory.weight_hh_l0"].T + arrays["memory.bias_hh_l0"]
    let_in, keep, fresh, let_out = np.split(gates, 4, axis=1)
    cells = _sigmoid(keep) * cells + _sigmoid(let_in) * np.tanh(fresh)
    output = _sigmoid(let_out) * np.tanh(cells)
    return _last_layer(architecture, arrays, output), (output, cells)


def _features(architecture: Architecture, arrays: Mapping[str, Array], observations: Array) -> Array:
    x: Array = np.asarray(observations, dtype=np.float32)
    if architecture.filters:
        x = pictures.read(arrays, x.reshape(-1, *architecture.picture))
    else:
        x = (x.reshape(-1, architecture.n_inputs) - arrays["mean"]) / arrays["std"]
    for i in range(len(architecture.hidden)):
        x = x @ arrays[f"layers.{i}.weight"].T + arrays[f"layers.{i}.bias"]
        x = np.tanh(x) if architecture.activation == "tanh" else np.maximum(x, 0)
    return x


def _last_layer(architecture: Architecture, arrays: Mapping[str, Array], x: Array) -> Array:
    last = len(architecture.hidden)
    return x @ arrays[f"layers.{last}.weight"].T + arrays[f"layers.{last}.bias"]


def _sigmoid(x: Array) -> Array:
    return cast(Array, 0.5 * (1.0 + np.tanh(0.5 * x)))  # without overflow, however large x


def softmax(logits: Array) -> FloatArray:
    """logits (B, A) -> (B, A) float64, rows sum to 1."""
    exponentials = np.exp(np.asarray(logits, dtype=np.float64) - logits.max(1, keepdims=True))
    return cast(FloatArray, exponentials / exponentials.sum(1, keepdims=True))


def draw(cumulative: FloatArray, rng: np.random.Generator) -> IntArray:
    """cumulative probabilities (B, A) -> one index a row (B,)."""
    # The last column is 1 only up to rounding, so it is never compared: whatever is left over goes to it.
    return cast(IntArray, (cumulative[:, :-1] <= rng.random((len(cumulative), 1))).sum(1))


def _frozen(array: Array) -> Array:
    copy = np.array(array, order="C")
    copy.flags.writeable = False
    return copy
