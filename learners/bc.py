"""Behavioural cloning: imitation as supervised learning (Pomerleau 1991; Bain and Sammut 1995).

Objective, over labelled states s with actions a:
  Discrete actions: minimise  -mean log pi(a | s) + l2/2 |weights|^2   (maximum likelihood)
  Box actions:      minimise  mean (a - mu(s))^2  + l2/2 |weights|^2   (the same, for a fixed Gaussian width)
              or    minimise  -mean log N(a; mu(s), sigma) + l2/2 |weights|^2,  sigma learned too

On Discrete states the policy is a table; the minimiser is known: each action's share of a state's labels.
It is written down at once (`table_clone`); nothing is as fast, and nothing is left to stop too early.
On all other states a perceptron follows the gradient; with `memory` one that reads whole episodes.

Reading order: Config, train, then `descend` and its Loss.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, cast

import gymnasium as gym
import numpy as np
import torch
from gymnasium.envs.registration import EnvSpec
from torch import Tensor
from torch.nn import functional

from learners.cloning import table_clone
from learners.cloning.labelled_steps import Steps, labelled_steps
from learners.cloning.labelled_steps import Symmetry as Symmetry
from learners.cloning.lessons import Lessons, Rows, Sequences
from learners.cloning.shuffled import EXAM, Shuffled, gathered, sampled
from learners.cloning.table_clone import ClassWeights, Fallback, Said, action_weights
from learners.errors import NothingToLearnError
from learners.gradients.adam import Adam
from learners.interface import Array, Policy, Snapshot
from learners.networks import Perceptron, build, freeze, thaw
from learners.pictures import is_picture
from learners.policies import Activation, Architecture, NetworkPolicy
from learners.settings import Count, CountOrZero, NonNegative, Part, Positive, Settings
from recordings.demonstrations import Demonstrations
from recordings.stream import Stream

WORTHWHILE = 0.01
"""A loss counts as better when it is smaller by at least this share."""
LEAST_LOG_STD = math.log(1e-3)
"""Of a Gaussian policy's width, in the action's own units."""


@dataclass(frozen=True)
class Config(Settings):
    """Settings of behavioural cloning. Those after `class_weights` concern perceptrons alone."""

    smoothing: Positive = 0.01  # labels
    """Table: labels of every action that each taught state is taken to have had before its first; over 0."""
    fallback: Fallback = "return"
    """Table: what to do in a state without label: go back to a taught one in the fewest steps (where the world
    writes out its moves), as the nearest taught one (where states lie), or none."""
    arrive: bool = True
    """Table: where most probable actions circle for ever, prefer the likeliest way to an end that was shown."""
    class_weights: ClassWeights = "equal"
    """Discrete actions: every label counts the same, or (balanced) every action does."""
    hidden: tuple[Count, ...] = (64, 64)
    """Units in each hidden layer; () for a linear policy."""
    activation: Activation = "tanh"
    """What follows each hidden layer."""
    filters: tuple[Count, ...] = (16, 32)
    """Pictures: filters of each convolution before the hidden layers, three at most; (): every pixel is a number."""
    memory: CountOrZero = 0
    """Units of an LSTM after the hidden layers, which remembers within an episode; 0: none."""
    window: Count = 50  # steps
    """With `memory`: steps through which a gradient goes back."""
    box_loss: Literal["squared", "likelihood"] = "squared"
    """Box actions: the mean squared error, or the likelihood of a Gaussian whose width is learned too."""
    optimiser: Literal["adam", "adamw", "sgd"] = "adam"
    """What follows the gradient. adamw keeps the L2 term out of it, and shrinks weights by rate * l2 instead."""
    learning_rate: Positive | None = None  # per update
    """Step size at the start; None: 0.01, for sgd 0.1; of pictures a tenth of these."""
    decay: Literal["cosine", "none"] = "cosine"
    """How the step size goes on: it falls to 0 along half a cosine, or stays."""
    momentum: Part = 0.9
    """sgd: share of each step that the next one carries on; 0: plain gradient descent."""
    standardised: bool = True
    """Read inputs relative to mean and deviation of the labels' own, or as they are."""
    batch_size: Count = 256  # labels
    """Labels in one update."""
    l2: NonNegative | None = None
    """Weight of half the squared weights (not biases) in the loss; None: 1e-3 where actions are Discrete, 1e-5
    where they are a Box."""
    updates: Count | None = None
    """Updates at most; None: thirty times around the labels, at least 1,000 and at most 20,000; of pictures ten times,
    at least 200 and at most 2,000."""
    check_every: Count | None = None  # updates
    """Updates between two looks at the loss, each of which gives a snapshot; None: a twentieth of `updates`."""
    patience: Count = 5  # looks
    """Looks in a row without a loss at least 1 % better after which training ends."""
    held_out: Part = 0.1  # share of the episodes
    """Share of the episodes kept for choosing the best moment; none with fewer than ten episodes."""


def train(
    config: Config,
    demonstrations: Demonstrations | Stream,
    world: EnvSpec | None,
    rng: np.random.Generator,
    *,
    start: Policy | None = None,
    symmetry: Symmetry | None = None,
) -> Iterator[Snapshot]:
    """Yield the best student so far; `Snapshot.step` counts updates (a table needs one).

    demonstrations: a Stream is read again and again, and judged by a sample; a student with `memory` needs all at
    once. world: tells a table where its states lie and what actions lead to. start: a student to go on from; a table
    keeps what it knew of states without label. symmetry: each label also counts mirrored.
    Raises NothingToLearnError where there is no label, or labels that do not fit the spaces.
    """
    if isinstance(demonstrations, Stream):
        material = _streamed(config, demonstrations, rng, symmetry)
    else:
        material = _in_memory(config, demonstrations, rng, symmetry)
    if isinstance(material, Said):
        yield table_clone.clone(config, material, world, start)
        return
    network = _student(config, start, material, rng)
    loss = _loss(config, material, network)
    yield from descend(config, material.architecture, network, material.lessons, material.exam, loss)


@dataclass(frozen=True)
class _Material:
    """What a network is taught, and examined in."""

    architecture: Architecture
    lessons: Lessons
    exam: Lessons | None
    observations: Array
    """(L, *o) of the labels taught, or of a sample of them."""
    actions: Array
    """(L, *a)"""


def _in_memory(
    config: Config, demonstrations: Demonstrations, rng: np.random.Generator, symmetry: Symmetry | None
) -> Said | _Material:
    steps = labelled_steps(demonstrations, config.held_out, rng)
    if symmetry is not None:
        steps = steps.mirrored(symmetry)
    if isinstance(demonstrations.observation_space, gym.spaces.Discrete):
        return table_clone.said(demonstrations, *steps.pairs())
    architecture = _architecture(config, demonstrations)
    taught, judged = steps.of(~steps.held_out), steps.of(steps.held_out)
    lessons = _lessons(config, architecture, taught, rng)
    exam = _lessons(config, architecture, judged, rng) if steps.held_out.any() else None
    return _Material(architecture, lessons, exam, *taught.pairs())


def _streamed(
    config: Config, stream: Stream, rng: np.random.Generator, symmetry: Symmetry | None
) -> Said | _Material:
    if isinstance(stream.observation_space, gym.spaces.Discrete):
        return table_clone.said_in(stream, symmetry)
    if config.memory:
        raise NothingToLearnError(
            "memory: expected whole episodes for a student that remembers, found a stream of blocks. Load the "
            "demonstrations into memory."
        )
    architecture = _architecture(config, stream)
    taught, judged = stream.split(config.held_out, rng)
    known = next(gathered(taught, rng, symmetry), None)
    asked = next(gathered(judged, rng, symmetry, EXAM), None)
    if known is None:  # whatever labels there are were held out
        taught, known, asked = stream, sampled(stream, rng, symmetry), None
    sample = _rows(config, architecture, *known, rng)
    exam = None if asked is None else _rows(config, architecture, *asked, rng)
    targets = partial(_targets, architecture)
    lessons = Shuffled(taught, targets, config.batch_size, rng, sample=sample, symmetry=symmetry)
    return _Material(architecture, lessons, exam, *known)


def _architecture(config: Config, demonstrations: Demonstrations | Stream) -> Architecture:
    return Architecture(
        demonstrations.observation_space,
        demonstrations.action_space,
        config.hidden,
        config.activation,
        config.memory,
        config.filters if is_picture(demonstrations.observation_space) else (),
    )


def _lessons(config: Config, architecture: Architecture, steps: Steps, rng: np.random.Generator) -> Lessons:
    if config.memory:
        steps = steps.of(steps.lengths > 0)
        targets = _targets(architecture, steps.actions)
        return Sequences(
            steps.observations, targets, steps.labelled, steps.lengths, config.window, config.batch_size, rng
        )
    return _rows(config, architecture, *steps.pairs(), rng)


def _rows(
    config: Config, architecture: Architecture, observations: Array, actions: Array, rng: np.random.Generator
) -> Rows:
    return Rows(observations, _targets(architecture, actions), config.batch_size, rng)


def _student(
    config: Config,
    start: Policy | None,
    material: _Material,
    rng: np.random.Generator,
) -> Perceptron:
    """A new network with the data's mean and deviation, or the given student with its own."""
    if isinstance(start, NetworkPolicy) and start.architecture == material.architecture:
        return cast(Perceptron, thaw(start))
    network = cast(Perceptron, build(material.architecture, rng))
    if config.standardised:
        network.standardise(material.observations)
    return network


def _targets(architecture: Architecture, actions: Array) -> Tensor:
    """actions (N, *a) -> (N,) from 0, or (N, numbers of an action)."""
    if architecture.is_categorical:
        first = int(cast(gym.spaces.Discrete, architecture.action_space).start)
        return torch.from_numpy(actions.astype(np.int64) - first)
    return torch.from_numpy(actions.reshape(len(actions), -1).astype(np.float32))


# -- the loss --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Loss:
    """What is minimised, but for the regulariser: a mean over labels."""

    is_categorical: bool
    class_weights: Tensor | None = None
    """(A,) what a label of each action counts, if not the same."""
    log_std: Tensor | None = None
    """(numbers of an action,) a Gaussian's width, if its likelihood counts rather than the squared error."""

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """outputs (B, outputs); targets (B,) actions from 0, (B, A) probabilities, or (B, outputs) of a Box."""
        if self.is_categorical:
            return functional.cross_entropy(outputs, targets, weight=self.class_weights)
        if self.log_std is None:
            return functional.mse_loss(outputs, targets)
        log_std = self.log_std.clamp(min=LEAST_LOG_STD)
        deviations = (targets - outputs) / log_std.exp()
        return (0.5 * deviations.square() + log_std + 0.5 * math.log(2 * math.pi)).sum(1).mean()


def _loss(config: Config, material: _Material, network: Perceptron) -> Loss:
    architecture = material.architecture
    if not architecture.is_categorical:
        by_likelihood = config.box_loss == "likelihood"
        return Loss(is_categorical=False, log_std=cast(Tensor, network.log_std) if by_likelihood else None)
    if config.class_weights == "equal":
        return Loss(is_categorical=True)
    actions = _targets(architecture, material.actions).numpy()
    weights = action_weights(np.bincount(actions, minlength=architecture.n_outputs), config.class_weights)
    return Loss(is_categorical=True, class_weights=torch.from_numpy(weights.astype(np.float32)))


# -- the gradient ----------------------------------------------------------------------------------------


def descend(
    config: Config,
    architecture: Architecture,
    network: Perceptron,
    lessons: Lessons,
    exam: Lessons | None,
    loss: Loss,
) -> Iterator[Snapshot]:
    """Follow the gradient over `lessons`; the best moment is the best in the `exam`, or by the whole objective."""
    plan = _plan(config, architecture, len(lessons))
    optimiser = _optimiser(network, config, plan)
    best_objective, best_at, best = float("inf"), 0, freeze(network, architecture)
    hurdle, cleared_at = float("inf"), 0
    for done in range(1, plan.updates + 1):
        for group in optimiser.param_groups:
            group["lr"] = plan.rate_at(done)
        batch_loss = loss(*lessons.next(network))
        optimiser.zero_grad()
        batch_loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        if done % plan.check_every and done != plan.updates:
            continue
        metrics = _judge(network, exam or lessons, loss)
        objective = metrics["loss"] + (0.0 if exam else plan.in_loss * half_squares(network))
        if objective < hurdle:
            hurdle, cleared_at = objective - WORTHWHILE * abs(objective), done
        if objective < best_objective:
            best_objective, best_at = objective, done
            best = _with_deviation(network, architecture, exam or lessons, loss)
        metrics |= {"training_loss": batch_loss.item(), "objective": objective, "best_update": float(best_at)}
        yield Snapshot(step=done, policy=best, metrics=metrics)
        if done - cleared_at >= config.patience * plan.check_every:
            return


@dataclass(frozen=True)
class _Plan:
    """The settings that were left open, closed."""

    learning_rate: float
    decays: bool
    l2: float
    in_loss: float
    """What of `l2` is in the loss: adamw has none of it there."""
    updates: int
    check_every: int

    def rate_at(self, update: int) -> float:
        """The step size of an update, 1 the first."""
        if not self.decays:
            return self.learning_rate
        return self.learning_rate * 0.5 * (1 + math.cos(math.pi * (update - 1) / self.updates))


def _plan(config: Config, architecture: Architecture, n_labels: int) -> _Plan:
    around = -(-n_labels // config.batch_size)
    updates = config.updates or min(max(1_000, 30 * around), 20_000)
    rate = config.learning_rate or (0.1 if config.optimiser == "sgd" else 0.01)
    if architecture.filters:
        updates = config.updates or min(max(200, 10 * around), 2_000)
        rate = config.learning_rate or 0.1 * rate
    l2 = (1e-3 if architecture.is_categorical else 1e-5) if config.l2 is None else config.l2
    return _Plan(
        rate,
        config.decay == "cosine",
        l2,
        0.0 if config.optimiser == "adamw" else l2,
        updates,
        config.check_every or max(1, updates // 20),
    )


def _optimiser(network: Perceptron, config: Config, plan: _Plan) -> Adam | torch.optim.Optimizer:
    """On loss + l2/2 |weights|^2: torch's `weight_decay` is exactly the gradient of the second term, but in AdamW."""
    if config.optimiser == "adam":
        return Adam(network.parameters(), plan.learning_rate, plan.l2)
    weights = [p for p in network.parameters() if p.dim() >= 2]
    others = [p for p in network.parameters() if p.dim() < 2]
    groups: list[dict[str, Any]] = [{"params": weights, "weight_decay": plan.l2}, {"params": others}]
    if config.optimiser == "adamw":
        return torch.optim.AdamW(groups, lr=plan.learning_rate, weight_decay=0.0, fused=True)
    return torch.optim.SGD(groups, lr=plan.learning_rate, momentum=config.momentum, fused=True)


@torch.no_grad()
def half_squares(network: torch.nn.Module) -> float:
    """Half the sum of all squared weights; biases and deviations are free."""
    return 0.5 * sum(p.square().sum().item() for p in network.parameters() if p.dim() >= 2)


@torch.no_grad()
def _judge(network: Perceptron, lessons: Lessons, loss: Loss) -> dict[str, float]:
    """Loss and, where labels are actions, how many are met; with ties, any label of the same observation will do."""
    outputs, targets = lessons.all(network)
    metrics = {"loss": float(loss(outputs, targets))}
    if targets.dtype == torch.int64:
        chosen, alike = outputs.argmax(1), lessons.alike
        shown = torch.zeros(len(targets), outputs.shape[1], dtype=torch.bool)
        shown[alike, targets] = True
        metrics["accuracy"] = float((chosen == targets).float().mean())
        metrics["accuracy_ties"] = float(shown[alike, chosen].float().mean())
    return metrics


@torch.no_grad()
def _with_deviation(
    network: Perceptron, architecture: Architecture, lessons: Lessons, loss: Loss
) -> NetworkPolicy:
    """The policy; where actions are a Box and no width was learned, with the most likely one around its means."""
    if not architecture.is_categorical:
        log_std = cast(torch.nn.Parameter, network.log_std)
        if loss.log_std is None:
            outputs, targets = lessons.all(network)
            log_std.copy_((outputs - targets).square().mean(0).sqrt().log())
        log_std.clamp_(min=LEAST_LOG_STD)
    return freeze(network, architecture)
