"""Telling the expert's steps from the policy's own: the discriminator's half of adversarial imitation.

With D = P(step is the expert's) = sigmoid(f), a discriminator maximises

  mean over demonstrations of log D  +  mean over the policy's own steps of log(1 - D)

whose maximum is f = log(share of the expert's steps / share of the policy's own) (Goodfellow et al. 2014,
proposition 1). Where steps can be counted this is written down; elsewhere a perceptron follows the gradient.

Reading order: imitation_reward, paid, Encoder, CountingDiscriminator, PerceptronDiscriminator.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol, cast

import gymnasium as gym
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from learners.errors import NothingToLearnError
from learners.gradients.adam import Adam
from learners.interface import Array, FloatArray
from learners.networks import Perceptron
from learners.rollout import Rollout
from learners.worlds import WorldFacts
from recordings.demonstrations import Demonstrations

Judged = Literal["state-action", "state"]
RewardForm = Literal["logit", "log-d", "minus-log-one-minus-d"]


@dataclass(frozen=True)
class Steps:
    """N different steps as a discriminator reads them."""

    rows: Tensor
    """(N,) int64 entries of a table, or (N, features) float32."""
    weights: Tensor
    """(N,) how often each occurred."""


class Discriminator(Protocol):
    """Whoever can say how much a step looks like the expert's. Before any update D = 1/2 everywhere."""

    def logits(self, rows: Tensor) -> Tensor:
        """f = logit D: (N,) or (N, features) -> (N,)"""
        ...

    def update(self, own: Steps, rng: np.random.Generator) -> dict[str, float]:
        """Learn to tell the expert's steps from these, the policy's newest."""
        ...


# -- what a step is worth --------------------------------------------------------------------------------


def imitation_reward(form: RewardForm, logits: Tensor) -> Tensor:
    """What a step is worth by f = logit D, any shape; D is the probability that the step is the expert's."""
    if form == "log-d":
        return functional.logsigmoid(logits)
    if form == "minus-log-one-minus-d":
        return functional.softplus(logits)
    return logits


@torch.no_grad()
def worths(form: RewardForm, discriminator: Discriminator, encoder: Encoder, rows: Tensor) -> FloatArray:
    """(N,) the worth of steps, as far as it exceeds that of a step in the absorbing state, if there is one.

    A constant taken from every step changes no preference between policies that never stop. But it makes being
    absorbed worth 0 for ever, so that no arrival need be paid a sum as large, and as noisy, as a whole episode.
    """
    worth = imitation_reward(form, discriminator.logits(rows))
    if encoder.absorbing:
        worth = worth - imitation_reward(form, discriminator.logits(encoder.absorbing_row))
    return cast(FloatArray, worth.numpy().astype(np.float64))


def paid(form: RewardForm, discriminator: Discriminator, encoder: Encoder, rollout: Rollout) -> Rollout:
    """The same rollout, but paid by the discriminator."""
    rewards = np.zeros(rollout.valid.shape)
    rewards[rollout.valid] = worths(form, discriminator, encoder, encoder.rows_of(rollout))
    return replace(rollout, rewards=rewards)


# -- what a step looks like ------------------------------------------------------------------------------


class Encoder:
    """Turns steps into what a discriminator reads: entries of a table, or features.

    An absorbed step is a single row of its own. Features: the observation, the action (one-hot where Discrete)
    if it is judged, and 1 in the absorbing state's row alone.
    """

    def __init__(self, facts: WorldFacts, judged: Judged, *, absorbing: bool, discount: float) -> None:
        self._observations, self._actions = facts.observation_space, facts.action_space
        self._judges_actions = judged == "state-action"
        self._absorbed_for = discount / (1.0 - discount)
        self.absorbing = absorbing
        self.is_table = isinstance(self._observations, gym.spaces.Discrete) and (
            not self._judges_actions or isinstance(self._actions, gym.spaces.Discrete)
        )
        n_inputs = int(gym.spaces.flatdim(self._observations))
        self._n_actions = int(gym.spaces.flatdim(self._actions)) if self._judges_actions else 1
        self.shape = (n_inputs, self._n_actions) if self._judges_actions else (n_inputs,)
        """Of a table of worths: (S, A), or (S,) where only the state reached is judged."""
        self.width = (
            n_inputs * self._n_actions if self.is_table else n_inputs + self._judges_actions * self._n_actions
        )
        """Entries of a table, or features; the absorbing state needs one more."""

    @property
    def absorbing_row(self) -> Tensor:
        """(1,) or (1, features)"""
        if self.is_table:
            return torch.tensor([self.width])
        return functional.one_hot(torch.tensor([self.width]), self.width + 1).float()

    def rows(self, observations: Array, actions: Array | None, reached: Array) -> Tensor:
        """observations, reached (N, *o), actions (N, *a) -> (N,) or (N, features)."""
        seen = observations if self._judges_actions else reached
        if self.is_table:
            entries = _from_zero(seen, self._observations) * self._n_actions
            if self._judges_actions:
                entries = entries + _from_zero(cast(Array, actions), self._actions)
            return torch.from_numpy(entries)
        parts = [_flat(seen, self._observations)]
        if self._judges_actions:
            parts.append(_flat(cast(Array, actions), self._actions))
        parts.append(np.zeros((len(seen), 1)))
        return torch.from_numpy(np.concatenate(parts, axis=1).astype(np.float32))

    def rows_of(self, rollout: Rollout) -> Tensor:
        """The rows of a rollout's valid steps, in order."""
        valid = rollout.valid
        return self.rows(
            rollout.observations[valid], rollout.actions[valid], rollout.next_observations[valid]
        )

    def own(self, rollout: Rollout) -> Steps:
        """The policy's own steps."""
        return self._steps(self.rows_of(rollout), int((rollout.terminated & rollout.valid).sum()))

    def demonstrated(self, demonstrations: Demonstrations) -> Steps:
        """The expert's steps. Raises NothingToLearnError where there are none that can be judged here."""
        self._check(demonstrations)
        used = demonstrations.labelled if self._judges_actions else np.ones(len(demonstrations), dtype=bool)
        if not used.any():
            raise NothingToLearnError(
                f"demonstrations: expected at least one step to imitate, found none in "
                f"{len(demonstrations)} steps. Choose other drivers, labels or episodes, or record some."
            )
        actions = demonstrations.actions[used] if demonstrations.actions is not None else None
        rows = self.rows(demonstrations.observations[used], actions, reached(demonstrations)[used])
        return self._steps(rows, int((demonstrations.terminated & used).sum()))

    def _check(self, demonstrations: Demonstrations) -> None:
        for name, expected in (("observation_space", self._observations), ("action_space", self._actions)):
            found = getattr(demonstrations, name)
            if type(found) is not type(expected) or gym.spaces.flatdim(found) != gym.spaces.flatdim(expected):
                raise NothingToLearnError(
                    f"{name}: expected demonstrations of this world's {expected}, found {found}. "
                    "Load demonstrations of the world to act in."
                )
        if self._judges_actions and demonstrations.actions is None:
            raise NothingToLearnError(
                "actions: expected demonstrated actions to judge, found observations alone. "
                'Load the demonstrations with actions, or set judged to "state".'
            )

    def _steps(self, rows: Tensor, n_arrivals: int) -> Steps:
        """Those rows, each arrival followed by as many absorbed steps as the discount lets count."""
        weights = torch.ones(len(rows))
        if not self.absorbing or n_arrivals == 0:
            return Steps(rows, weights)
        absorbed = torch.tensor([n_arrivals * self._absorbed_for])
        return Steps(torch.cat([rows, self.absorbing_row]), torch.cat([weights, absorbed]))


def reached(demonstrations: Demonstrations) -> Array:
    """(N, *o) what each demonstrated step led to, an episode's last one included."""
    following = np.roll(demonstrations.observations, -1, axis=0)
    ends = demonstrations.starts + demonstrations.lengths - 1
    following[ends[demonstrations.lengths > 0]] = demonstrations.final_observations[
        demonstrations.lengths > 0
    ]
    return following


def _from_zero(values: Array, space: gym.Space[Any]) -> Array:
    return values.astype(np.int64) - int(cast(gym.spaces.Discrete, space).start)


def _flat(values: Array, space: gym.Space[Any]) -> FloatArray:
    """(N, *shape) -> (N, numbers); Discrete ones become one-hot."""
    if isinstance(space, gym.spaces.Discrete):
        return np.eye(int(space.n))[_from_zero(values, space)]
    return values.reshape(len(values), -1).astype(np.float64)


# -- those who judge -------------------------------------------------------------------------------------


def discriminator_loss(expert: Tensor, expert_weights: Tensor, own: Tensor, own_weights: Tensor) -> Tensor:
    """Half the cross entropy of each side: expert steps are to have D = 1, the policy's own D = 0.

    Logits (N,) and (M,) with weights that count equal steps once; both sides weigh alike, however many they are.
    """
    taken_for_own = (functional.softplus(-expert) * expert_weights).sum() / expert_weights.sum()
    taken_for_expert = (functional.softplus(own) * own_weights).sum() / own_weights.sum()
    return 0.5 * (taken_for_own + taken_for_expert)


class CountingDiscriminator:
    """The best discriminator of a table: f = log(share of the expert's steps / share of the policy's own).

    The policy's own steps are forgotten exponentially: a judge who answered to the newest alone would drive the
    policy in circles, each place being good for as long as it is not visited.
    """

    def __init__(self, expert: Steps, n_rows: int, *, remembered: int, smoothing: float) -> None:
        """remembered: iterations. smoothing: of the expert's steps, added to both sides of every row."""
        counts = _counts(expert, n_rows)
        occurring = counts.nonzero()[:, 0]
        self._expert = Steps(occurring, counts[occurring])
        self._prior = smoothing / counts.sum()
        self._shares = counts / counts.sum() + self._prior
        self._own = torch.zeros(n_rows)
        self._kept = 1.0 - 1.0 / remembered
        self.table = torch.zeros(n_rows)
        """(rows,) f"""

    def logits(self, rows: Tensor) -> Tensor:
        return self.table[rows]

    def update(self, own: Steps, rng: np.random.Generator) -> dict[str, float]:
        self._own = self._kept * self._own + _counts(own, len(self.table))
        self.table = torch.log(self._shares / (self._own / self._own.sum() + self._prior))
        loss = discriminator_loss(
            self.logits(self._expert.rows), self._expert.weights, self.logits(own.rows), own.weights
        )
        return {"discriminator_loss": loss.item()}


def _counts(steps: Steps, n_rows: int) -> Tensor:
    return torch.bincount(steps.rows, steps.weights, minlength=n_rows)


@dataclass(frozen=True)
class PerceptronSettings:
    """How a perceptron learns to discriminate."""

    hidden: tuple[int, ...]
    learning_rate: float
    updates: int
    """In one iteration."""
    batch_size: int
    """Steps of each side in one update."""
    remembered: int
    """Iterations whose own steps are drawn from."""
    l2: float
    """Weight of half the squared weights in the loss."""
    gradient_penalty: float
    """Weight of the squared slope of f, over standardised features, between the expert's steps and the policy's."""


class PerceptronDiscriminator:
    """f from a perceptron over standardised features, whose slope is penalised (after Gulrajani et al. 2017).

    Without the penalty it separates the two sides perfectly wherever they do not meet, and pays nothing for
    coming nearer.
    """

    def __init__(
        self, expert: Steps, width: int, settings: PerceptronSettings, rng: np.random.Generator
    ) -> None:
        self._expert, self._settings = expert, settings
        self.network = Perceptron(width, settings.hidden, 1)
        self.network.initialise(rng)
        self._adam = Adam(self.network.parameters(), settings.learning_rate)
        self._own: deque[Steps] = deque(maxlen=settings.remembered)

    def logits(self, rows: Tensor) -> Tensor:
        return cast(Tensor, self.network(rows))[:, 0]

    def update(self, own: Steps, rng: np.random.Generator) -> dict[str, float]:
        if not self._own:
            self.network.standardise(torch.cat([self._expert.rows, own.rows]).numpy())
        self._own.append(own)
        remembered = Steps(
            torch.cat([steps.rows for steps in self._own]), torch.cat([steps.weights for steps in self._own])
        )
        for _ in range(self._settings.updates):
            n = self._settings.batch_size
            loss = self.loss(_drawn(self._expert, n, rng), _drawn(remembered, n, rng), rng)
            self._adam.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self._adam.step()
        return {"discriminator_loss": loss.item()}

    def loss(self, expert: Tensor, own: Tensor, rng: np.random.Generator) -> Tensor:
        """The cross entropy of as many rows of each side, (N, features), and its regularisers."""
        weights = torch.ones(len(expert))
        entropy = discriminator_loss(self.logits(expert), weights, self.logits(own), weights)
        squares = sum(p.square().sum() for p in self.network.parameters() if p.dim() == 2)
        share = torch.from_numpy(rng.random((len(expert), 1), dtype=np.float32))
        slope = self._mean_squared_slope(share * expert + (1 - share) * own)
        return entropy + 0.5 * self._settings.l2 * squares + self._settings.gradient_penalty * slope

    def _mean_squared_slope(self, rows: Tensor) -> Tensor:
        rows.requires_grad_()
        (slope,) = torch.autograd.grad(self.logits(rows).sum(), rows, create_graph=True)
        return (slope * self.network.std).square().sum(1).mean()


def _drawn(steps: Steps, n: int, rng: np.random.Generator) -> Tensor:
    """(n, features) rows drawn by weight."""
    cumulative = steps.weights.cumsum(0, dtype=torch.float64).numpy()
    # The last row takes what rounding leaves over, so it is never compared.
    return steps.rows[np.searchsorted(cumulative[:-1], rng.random(n) * cumulative[-1], side="right")]
