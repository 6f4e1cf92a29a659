"""Policies as torch modules, for learners that follow a gradient; `freeze` makes the numpy policy that acts.

A module's parameters and buffers have the names of the policy's arrays, so `freeze` and `thaw` are copies.
"""

from __future__ import annotations

from typing import cast

import gymnasium as gym
import numpy as np
import torch
from scipy.spatial import cKDTree
from torch import Tensor, nn

from learners import pictures
from learners.interface import Array, FloatArray, IntArray
from learners.policies import Architecture, NetworkPolicy, layer_shapes, policy_from


class Table(nn.Module):
    """An embedding: one row of outputs for each Discrete state, zero at first (all actions alike)."""

    stand_in: Tensor

    def __init__(self, n_states: int, n_outputs: int, first_state: int = 0) -> None:
        super().__init__()
        self.first_state = first_state
        self.outputs = nn.Parameter(torch.zeros(n_states, n_outputs))
        self.register_buffer("stand_in", torch.arange(n_states))

    def forward(self, observations: Tensor) -> Tensor:
        """observations (B,) of whole numbers -> (B, outputs)."""
        return nn.functional.embedding(self.stand_in[observations.long() - self.first_state], self.outputs)


STANDARDISED_BY = 200
"""Pictures, about, whose pixels tell a channel's mean and deviation."""
LstmState = tuple[Tensor, Tensor]
"""What an LSTM remembers of each of B episodes: its output and its cells, (1, B, units) both."""


class Perceptron(nn.Module):
    """A multi-layer perceptron on the flattened, standardised observation; with `memory` units, its last hidden
    layer is an LSTM (Hochreiter and Schmidhuber 1997), which remembers within an episode.

    The last layer starts at zero: before any label all actions are equally likely, all means 0.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        n_inputs: int,
        hidden: tuple[int, ...],
        n_outputs: int,
        activation: str = "tanh",
        memory: int = 0,
    ) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(n_inputs))
        self.register_buffer("std", torch.ones(n_inputs))
        shapes = layer_shapes(n_inputs, hidden, n_outputs, memory)
        self.layers = nn.ModuleList(nn.Linear(n_in, n_out) for n_in, n_out in shapes)
        self.memory = nn.LSTM((n_inputs, *hidden)[-1], memory, batch_first=True) if memory else None
        self.activation = torch.tanh if activation == "tanh" else torch.relu
        for layer in self.layers:
            nn.init.zeros_(cast(nn.Linear, layer).weight)
            nn.init.zeros_(cast(nn.Linear, layer).bias)

    def initialise(self, rng: np.random.Generator) -> None:
        """Random orthogonal hidden layers (Saxe 2014), scaled by sqrt 2; the last layer stays zero."""
        for layer in self.layers[:-1]:
            weight = cast(nn.Linear, layer).weight
            weight.data.copy_(
                torch.from_numpy(np.sqrt(2.0) * orthogonal(weight.shape[0], weight.shape[1], rng))
            )
        if self.memory is not None:
            self._initialise_memory(self.memory, rng)

    @staticmethod
    def _initialise_memory(lstm: nn.LSTM, rng: np.random.Generator) -> None:
        """Uniform up to 1 / sqrt(units); forget gates open at first (Jozefowicz 2015)."""
        bound = lstm.hidden_size**-0.5
        for name, parameter in lstm.named_parameters():
            if name.startswith("weight"):
                drawn = rng.uniform(-bound, bound, tuple(parameter.shape))
                parameter.data.copy_(torch.from_numpy(drawn))
            else:
                nn.init.zeros_(parameter)
            if name == "bias_ih_l0":
                parameter.data[lstm.hidden_size : 2 * lstm.hidden_size] = 1.0

    def forward(self, observations: Tensor) -> Tensor:
        """observations (B, *observation shape) -> (B, outputs); one that remembers: as at an episode's start."""
        if self.memory is not None:
            return self.recall(observations[:, None], None)[0][:, 0]
        return cast(Tensor, self.layers[-1](self._features(observations.float().flatten(1))))

    def recall(self, observations: Tensor, memory: LstmState | None) -> tuple[Tensor, LstmState]:
        """observations (B, T, *observation shape), what is remembered of each row's steps before (None: it is an
        episode's start) -> outputs (B, T, outputs), what is remembered after them."""
        assert self.memory is not None
        remembered, memory = self.memory(self._features(observations.float().flatten(2)), memory)
        return self.layers[-1](remembered), memory

    def _features(self, flat: Tensor) -> Tensor:
        """(..., numbers of an observation) -> (..., units of the last hidden layer)."""
        x = self._inputs(flat)
        for layer in self.layers[:-1]:
            x = self.activation(layer(x))
        return x

    def _inputs(self, flat: Tensor) -> Tensor:
        """What the first layer reads."""
        return (flat - self.mean) / self.std

    def standardise(self, observations: Array) -> None:
        """Take mean and deviation from observations (N, *observation shape); constants keep deviation 1."""
        flat = np.asarray(observations, dtype=np.float64).reshape(len(observations), -1)
        self.measure_by(flat.mean(0), flat.std(0))

    def measure_by(self, mean: FloatArray, deviation: FloatArray) -> None:
        """Read inputs relative to these, (inputs,) both; a deviation of nothing counts as 1."""
        self.mean.copy_(torch.from_numpy(mean))
        self.std.copy_(torch.from_numpy(np.where(deviation > 1e-6, deviation, 1.0)))


class PicturePerceptron(Perceptron):
    """A perceptron on what convolutions make of a picture (`learners.pictures`); mean and deviation are a channel's."""

    def __init__(self, architecture: Architecture) -> None:
        a = architecture
        super().__init__(a.n_features, a.hidden, a.n_outputs, a.activation, a.memory)
        self._picture = a.picture
        self.register_buffer("mean", torch.zeros(a.picture[2]))
        self.register_buffer("std", torch.ones(a.picture[2]))
        shapes = pictures.filter_shapes(a.picture, a.filters)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(n_in, n_out, side, stride)
            for (n_out, n_in, side, _), (_, stride) in zip(shapes, pictures.SQUARES, strict=False)
        )

    def initialise(self, rng: np.random.Generator) -> None:
        """Random orthogonal filters too."""
        super().initialise(rng)
        for convolution in self.convolutions:
            weight, bias = (cast(nn.Parameter, p) for p in (convolution.weight, convolution.bias))
            drawn = np.sqrt(2.0) * orthogonal(len(weight), weight[0].numel(), rng)
            weight.data.copy_(torch.from_numpy(drawn).reshape(weight.shape))
            nn.init.zeros_(bias)

    def _inputs(self, flat: Tensor) -> Tensor:
        x = (flat.reshape(-1, *self._picture) - self.mean) / self.std
        x = x.permute(0, 3, 1, 2)
        for convolution in self.convolutions:
            x = torch.relu(convolution(x))
        return x.reshape(*flat.shape[:-1], -1)

    def standardise(self, observations: Array) -> None:
        """Take each channel's mean and deviation from observations (N, height, width, channels)."""
        every = -(-len(observations) // STANDARDISED_BY)
        pixels = observations[::every].reshape(-1, self._picture[2]).astype(np.float32)
        deviation = pixels.std(0)
        self.mean.copy_(torch.from_numpy(pixels.mean(0)))
        self.std.copy_(torch.from_numpy(np.where(deviation > 1.0, deviation, 1.0)))


PolicyNetwork = Table | Perceptron


def build(architecture: Architecture, rng: np.random.Generator) -> PolicyNetwork:
    """A network that answers alike everywhere; `rng` draws its hidden layers."""
    network = _blank(architecture)
    if isinstance(network, Perceptron):
        network.initialise(rng)
    return network


def _blank(architecture: Architecture) -> PolicyNetwork:
    network: PolicyNetwork
    if architecture.is_table:
        first = int(cast(gym.spaces.Discrete, architecture.observation_space).start)
        network = Table(architecture.n_inputs, architecture.n_outputs, first)
    elif architecture.filters:
        network = PicturePerceptron(architecture)
    else:
        network = Perceptron(
            architecture.n_inputs,
            architecture.hidden,
            architecture.n_outputs,
            architecture.activation,
            architecture.memory,
        )
    space = architecture.action_space
    if isinstance(space, gym.spaces.Box):
        network.log_std = nn.Parameter(torch.zeros(architecture.n_outputs))
        for name, bound in (("low", space.low), ("high", space.high)):  # no part of the policy's own arrays
            limits = torch.from_numpy(bound.reshape(-1).astype(np.float32))
            network.register_buffer(name, limits, persistent=False)
    return network


def freeze(network: PolicyNetwork, architecture: Architecture) -> NetworkPolicy:
    """The policy that the network is now; later updates of the network do not reach it."""
    return policy_from(architecture, {name: t.detach().numpy() for name, t in network.state_dict().items()})


def thaw(policy: NetworkPolicy) -> PolicyNetwork:
    """A network that answers as the policy does, free to be trained further."""
    network = _blank(policy.architecture)
    network.load_state_dict({name: torch.from_numpy(a.copy()) for name, a in policy.arrays.items()})
    return network


def orthogonal(n_rows: int, n_columns: int, rng: np.random.Generator) -> FloatArray:
    """(n_rows, n_columns) with orthonormal rows or columns, whichever are fewer, drawn uniformly."""
    tall = rng.standard_normal((max(n_rows, n_columns), min(n_rows, n_columns)))
    q, r = np.linalg.qr(tall)
    q = q * np.sign(np.diag(r))
    return cast(FloatArray, q if n_rows >= n_columns else q.T)


def nearest_labelled(coordinates: FloatArray, labelled: Array) -> IntArray:
    """Who answers for whom: each labelled state for itself, any other lets the nearest labelled state answer.

    coordinates (S, D), labelled (S,) bool -> (S,) states. Without any labelled state each answers for itself.
    """
    stand_in = np.arange(len(coordinates))
    taught = np.flatnonzero(labelled)
    if len(taught) == 0:
        return stand_in
    strangers = np.flatnonzero(~np.asarray(labelled, dtype=bool))
    _, nearest = cKDTree(coordinates[taught]).query(coordinates[strangers])
    stand_in[strangers] = taught[nearest]
    return stand_in
