"""Behavioural cloning: imitation as supervised learning (Pomerleau 1991; Bain and Sammut 1995).

Objective, over labelled states s with actions a:
  Discrete actions: minimise  -mean log pi(a | s) + l2/2 |weights|^2  (maximum likelihood)
  Box actions:      minimise  mean (a - mu(s))^2  + l2/2 |weights|^2  (the same, for a fixed Gaussian width)

On Discrete states the policy is a table; the minimiser is known: each action's share of a state's labels.
It is written down at once (`table_of_shares`); nothing is as fast, and nothing is left to stop too early.
On all other states a perceptron follows the gradient with Adam.

Reading order: Config, train, then table_of_shares or _fit_perceptron.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

import gymnasium as gym
import numpy as np
import torch
from gymnasium.envs.registration import EnvSpec
from torch import Tensor
from torch.nn import functional

from learners import table_clone
from learners.errors import NothingToLearnError
from learners.interface import Array, Policy, Snapshot
from learners.networks import Perceptron, build, freeze, thaw
from learners.policies import Activation, Architecture, NetworkPolicy
from learners.table_clone import ClassWeights, Fallback
from recordings.demonstrations import Demonstrations

WORTHWHILE = 0.01
"""A loss counts as better when it is smaller by at least this share."""

Symmetry = Callable[[Array, Array], tuple[Array, Array]]
"""A mirror of the world: observations (N, *o), actions (N, *a) -> the same, mirrored."""


@dataclass(frozen=True)
class Config:
    """Settings of behavioural cloning. Those after `class_weights` concern perceptrons alone."""

    smoothing: float = 0.01  # labels
    """Table: labels of every action that each taught state is taken to have had before its first; over 0."""
    fallback: Fallback = "return"
    """Table: what to do in a state without label: go back to a taught one in the fewest steps (where the world
    writes out its moves), as the nearest taught one (where states lie), or none."""
    arrive: bool = True
    """Table: where most probable actions circle for ever, prefer the likeliest way to an end that was shown."""
    class_weights: ClassWeights = "equal"
    """Discrete actions: every label counts the same, or (balanced) every action does."""
    hidden: tuple[int, ...] = (64, 64)
    """Units in each hidden layer; () for a linear policy."""
    activation: Activation = "tanh"
    """What follows each hidden layer."""
    learning_rate: float = 3e-3  # per update
    """Adam step size at the start; it falls to 0 along half a cosine."""
    batch_size: int = 256  # labels
    """Labels in one update."""
    l2: float = 1e-4
    """Weight of half the squared weights (not biases) in the loss."""
    updates: int = 4_000
    """Updates at most."""
    check_every: int = 200  # updates
    """Updates between two looks at the loss, each of which gives a snapshot."""
    patience: int = 5  # looks
    """Looks in a row without a loss at least 1 % better after which training ends."""
    held_out: float = 0.1  # share of the episodes
    """Share of the episodes kept for choosing the best moment; none with fewer than ten episodes."""


def train(
    config: Config,
    demonstrations: Demonstrations,
    world: EnvSpec | None,
    rng: np.random.Generator,
    *,
    start: Policy | None = None,
    symmetry: Symmetry | None = None,
) -> Iterator[Snapshot]:
    """Yield the best student so far; `Snapshot.step` counts updates (a table needs one).

    world: tells a table where its states lie. start: a student to go on from; a table keeps what it knew of
    states without label. symmetry: each label also counts mirrored.
    Raises NothingToLearnError where there is no label, or labels that do not fit the spaces.
    """
    observations, actions = labelled_pairs(demonstrations)
    held_out = _held_out_rows(config, demonstrations, rng)
    if symmetry is not None:
        twins = symmetry(observations, actions)
        observations, actions = (
            np.concatenate(both) for both in zip((observations, actions), twins, strict=True)
        )
        held_out = np.tile(held_out, 2)
    if isinstance(demonstrations.observation_space, gym.spaces.Discrete):
        yield table_clone.clone(config, demonstrations, observations, actions, world, start)
    else:
        architecture = Architecture(
            demonstrations.observation_space, demonstrations.action_space, config.hidden, config.activation
        )
        yield from _fit_perceptron(config, architecture, observations, actions, held_out, start, rng)


# -- labels ----------------------------------------------------------------------------------------------


def labelled_pairs(demonstrations: Demonstrations) -> tuple[Array, Array]:
    """Observations (N, *o) and actions (N, *a) of the labelled steps, known to lie in the spaces."""
    if demonstrations.actions is None:
        raise NothingToLearnError(
            "actions: expected the actions to imitate, found observations alone. "
            "Cloning needs actions: load the demonstrations with them, or choose a learner from observation."
        )
    observations, actions = demonstrations.pairs()
    if len(observations) == 0:
        raise NothingToLearnError(
            f"labels: expected at least one labelled step, found none in "
            f"{len(demonstrations.observations)} steps. "
            "Choose other drivers, labels or episodes, or record some."
        )
    _check(observations, demonstrations.observation_space, "observations")
    _check(actions, demonstrations.action_space, "actions")
    return observations, actions


def _check(values: Array, space: gym.Space, what: str) -> None:  # type: ignore[type-arg]
    if isinstance(space, gym.spaces.Discrete):
        low, high = int(space.start), int(space.start + space.n) - 1
        fits = values.min() >= low and values.max() <= high
        expected = f"whole numbers from {low} to {high}"
    else:
        fits = bool(np.isfinite(values).all())
        expected = "finite numbers"
    if not fits:
        raise NothingToLearnError(
            f"{what}: expected {expected}, found {values.min()} to {values.max()}. "
            "The demonstrations are of another world, or damaged."
        )


def _held_out_rows(config: Config, demonstrations: Demonstrations, rng: np.random.Generator) -> Array:
    """(labelled rows,) bool: which belong to an episode that is not trained on."""
    n_episodes = len(demonstrations.lengths)
    chosen = np.zeros(n_episodes, dtype=bool)
    if n_episodes >= 10:
        chosen[rng.permutation(n_episodes)[: round(config.held_out * n_episodes)]] = True
    return np.repeat(chosen, demonstrations.lengths)[demonstrations.labelled]


# -- perceptrons -----------------------------------------------------------------------------------------


def _fit_perceptron(
    config: Config,
    architecture: Architecture,
    observations: Array,
    actions: Array,
    held_out: Array,
    start: Policy | None,
    rng: np.random.Generator,
) -> Iterator[Snapshot]:
    network = _student(architecture, start, observations[~held_out], rng)
    x = torch.from_numpy(np.ascontiguousarray(observations, dtype=np.float32))
    y = _targets(architecture, actions)
    train_x, train_y = x[torch.from_numpy(~held_out)], y[torch.from_numpy(~held_out)]
    judge_x, judge_y = (
        (x[torch.from_numpy(held_out)], y[torch.from_numpy(held_out)]) if held_out.any() else (x, y)
    )
    optimiser = _optimiser(network, config)
    best_loss, best_at, best = float("inf"), 0, freeze(network, architecture)
    batches = _batches(len(train_x), config.batch_size, rng)
    for done in range(1, config.updates + 1):
        _cool(optimiser, config, done)
        rows = next(batches)
        loss = imitation_loss(network, train_x[rows], train_y[rows])
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        if done % config.check_every and done != config.updates:
            continue
        metrics = _judge(network, judge_x, judge_y)
        objective = metrics["loss"] + (0.0 if held_out.any() else config.l2 * half_squares(network))
        if objective < best_loss * (1 - WORTHWHILE):
            best_loss, best_at = objective, done
            best = _with_deviation(network, architecture, judge_x, judge_y)
        metrics |= {"training_loss": loss.item(), "objective": objective, "best_update": float(best_at)}
        yield Snapshot(step=done, policy=best, metrics=metrics)
        if done - best_at >= config.patience * config.check_every:
            return


def _optimiser(network: Perceptron, config: Config) -> torch.optim.Optimizer:
    """Adam on loss + l2/2 |weights|^2: torch's `weight_decay` is exactly the gradient of the second term."""
    weights = [p for p in network.parameters() if p.dim() == 2]
    others = [p for p in network.parameters() if p.dim() != 2]
    groups: list[dict[str, Any]] = [{"params": weights, "weight_decay": config.l2}, {"params": others}]
    return torch.optim.Adam(groups, lr=config.learning_rate, fused=True)


def imitation_loss(network: torch.nn.Module, observations: Tensor, targets: Tensor) -> Tensor:
    """Mean negative log likelihood (targets (B,) int64) or mean squared error (targets (B, outputs))."""
    outputs = network(observations)
    if targets.dtype == torch.int64:
        return functional.cross_entropy(outputs, targets)
    return functional.mse_loss(outputs, targets)


@torch.no_grad()
def half_squares(network: torch.nn.Module) -> float:
    """Half the sum of all squared weights; biases and deviations are free."""
    return 0.5 * sum(p.square().sum().item() for p in network.parameters() if p.dim() == 2)


def _student(
    architecture: Architecture, start: Policy | None, seen: Array, rng: np.random.Generator
) -> Perceptron:
    """A new network with the data's mean and deviation, or the given student with its own."""
    if isinstance(start, NetworkPolicy) and start.architecture == architecture:
        return cast(Perceptron, thaw(start))
    network = cast(Perceptron, build(architecture, rng))
    network.standardise(seen)
    return network


def _targets(architecture: Architecture, actions: Array) -> Tensor:
    if architecture.is_categorical:
        first = int(cast(gym.spaces.Discrete, architecture.action_space).start)
        return torch.from_numpy(actions.astype(np.int64) - first)
    return torch.from_numpy(actions.reshape(len(actions), -1).astype(np.float32))


def _batches(n: int, batch_size: int, rng: np.random.Generator) -> Iterator[Tensor | slice]:
    """Rows of each update: all of them if they fit one batch, else every row once an epoch."""
    while n <= batch_size:
        yield slice(None)
    while True:
        order = torch.from_numpy(rng.permutation(n))
        yield from torch.split(order, batch_size)[: n // batch_size]


def _cool(optimiser: torch.optim.Optimizer, config: Config, done: int) -> None:
    rate = config.learning_rate * 0.5 * (1 + np.cos(np.pi * (done - 1) / config.updates))
    for group in optimiser.param_groups:
        group["lr"] = rate


@torch.no_grad()
def _judge(network: torch.nn.Module, x: Tensor, y: Tensor) -> dict[str, float]:
    outputs = network(x)
    if y.dtype != torch.int64:
        return {"loss": float(functional.mse_loss(outputs, y))}
    return {
        "loss": float(functional.cross_entropy(outputs, y)),
        "accuracy": float((outputs.argmax(1) == y).float().mean()),
    }


@torch.no_grad()
def _with_deviation(network: Perceptron, architecture: Architecture, x: Tensor, y: Tensor) -> NetworkPolicy:
    """The policy, with the most likely Gaussian width around its means where actions are a Box."""
    if not architecture.is_categorical:
        deviation = (network(x) - y).square().mean(0).sqrt().clamp(min=1e-3)
        cast(torch.nn.Parameter, network.log_std).copy_(deviation.log())
    return freeze(network, architecture)
