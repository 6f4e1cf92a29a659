"""The few protocols through which learners, experts and worlds meet. Imports neither torch nor any world.

A learner is a module with a frozen dataclass `Config` (a `learners.settings.Settings`) and a function

    train(config, demonstrations, world, rng) -> Iterator[Snapshot]

that yields whenever there is something worth showing; the caller decides when to stop, save or print.
`world` is a `gymnasium.envs.registration.EnvSpec` (or None for a learner that needs no interaction):
`gym.make(world)` and `gym.make_vec(world, num_envs=n)` both take it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@runtime_checkable
class Policy(Protocol):
    """Whatever turns observations into actions, a batch at a time."""

    def act(self, observations: Array, rng: np.random.Generator | None = None) -> Array:
        """observations (B, *observation shape) -> actions (B, *action shape).

        Without `rng` the most probable action; with it, one drawn from the policy's distribution.
        """
        ...


@runtime_checkable
class DiscretePolicy(Policy, Protocol):
    """A policy over finitely many actions, which can say how sure it is."""

    def probabilities(self, observations: Array) -> FloatArray:
        """observations (B, *observation shape) -> (B, A); rows sum to 1."""
        ...


@runtime_checkable
class Expert(Protocol):
    """Someone who may be asked what to do: a person at the keyboard, a script, a trained policy."""

    @property
    def name(self) -> str:
        """Who answers, as it is written beside each label ("human", "scripted", a policy's file name)."""
        ...

    def act(self, observation: Any, tick: int) -> Any | None:
        """The action this expert would take now, or None: silence, which is never an action."""
        ...


@dataclass(frozen=True)
class Snapshot:
    """A learner's state at one moment: a policy that can be used at once, and how it is doing."""

    step: int
    """Updates, rounds or iterations done so far; each learner says which."""
    policy: Policy
    metrics: Mapping[str, float] = field(default_factory=dict)
    env_steps: int = 0
    """Interactions with the world so far."""
    reward: FloatArray | None = None
    """What a learner of rewards makes of the demonstrations, where states are Discrete: (S,) for reaching a state, or
    (S, A) for an action in it. None: the learner recovers none."""


@dataclass(frozen=True)
class TabularModel:
    """A finite world written out: S states, A actions, at most K outcomes of a state and action.

    An outcome that cannot happen has probability 0. Terminal states absorb with reward 0.
    """

    next_states: IntArray
    """(S, A, K) the state reached."""
    probabilities: FloatArray
    """(S, A, K) sums to 1 over K."""
    rewards: FloatArray
    """(S, A, K) paid on that transition."""
    terminal: npt.NDArray[np.bool_]
    """(S,) an episode ends on arrival here."""
    starts: FloatArray
    """(S,) the distribution of an episode's first state."""
    horizon: int
    """Steps after which an episode is truncated."""
    coordinates: FloatArray | None = None
    """(S, D) where the state lies, for worlds in which near states look alike."""

    def __post_init__(self) -> None:
        shape = self.next_states.shape
        if not (len(shape) == 3 and self.probabilities.shape == shape and self.rewards.shape == shape):
            raise ValueError(
                f"next_states, probabilities and rewards must share one shape (S, A, K): "
                f"{shape}, {self.probabilities.shape}, {self.rewards.shape}"
            )
        if self.terminal.shape != shape[:1] or self.starts.shape != shape[:1]:
            raise ValueError(f"terminal and starts must have shape ({shape[0]},)")
        if not np.allclose(self.probabilities.sum(2), 1.0) or not np.isclose(self.starts.sum(), 1.0):
            raise ValueError("probabilities must sum to 1 over outcomes, starts over states")

    @property
    def n_states(self) -> int:
        return int(self.next_states.shape[0])

    @property
    def n_actions(self) -> int:
        return int(self.next_states.shape[1])


@runtime_checkable
class TabularWorld(Protocol):
    """An environment (unwrapped) that can write itself out as a table."""

    def tabular_model(self) -> TabularModel: ...
