"""Gates decide who drives the next step, student or expert; live session and headless sampler share them.

    gate.begin_episode()
    expert_drives = gate.wants_expert(observation, student, rng)      # once in every new state

A gate knows no world and no recording. It holds what it remembers of the running episode, nothing else.
"""

from __future__ import annotations

from typing import Any, Literal, Protocol

import numpy as np

from learners.errors import UnsupportedWorldError
from learners.interface import Policy

Schedule = Literal["first-only", "exponential", "linear", "constant"]


class Gate(Protocol):
    """Who drives?"""

    def begin_episode(self) -> None:
        """A new episode starts; what was remembered of the last one is forgotten."""
        ...

    def wants_expert(self, observation: Any, student: Policy, rng: np.random.Generator) -> bool:
        """Asked once in each new state, in order. True: the expert drives (and labels) this step."""
        ...


class ExpertGate:
    """The expert always drives: plain demonstration, the states of behavioural cloning."""

    def begin_episode(self) -> None:
        pass

    def wants_expert(self, observation: Any, student: Policy, rng: np.random.Generator) -> bool:
        return True


class BetaGate:
    """DAgger's mixture (Ross 2011, algorithm 3.1): at each step the expert drives with probability beta."""

    def __init__(self, beta: float) -> None:
        if not 0.0 <= beta <= 1.0:
            raise ValueError(f"beta: expected a probability, found {beta}")
        self.beta = beta

    def begin_episode(self) -> None:
        pass

    def wants_expert(self, observation: Any, student: Policy, rng: np.random.Generator) -> bool:
        return bool(rng.random() < self.beta)


class UncertaintyGate:
    """The student hands over where it is unsure, and (Discrete states) where it was before.

    Unsure: its `confidence` in its best action is below `threshold`, as it is in a state never taught.
    A revisited state is a cycle, which a deterministic student in a deterministic world would never leave.
    """

    def __init__(self, threshold: float = 0.6, *, on_revisit: bool = True) -> None:
        if not 0.0 <= threshold <= 1.0:
            raise ValueError(f"threshold: expected a probability, found {threshold}")
        self.threshold = threshold
        self.on_revisit = on_revisit
        self._visited: set[int] = set()

    def begin_episode(self) -> None:
        self._visited.clear()

    def wants_expert(self, observation: Any, student: Policy, rng: np.random.Generator) -> bool:
        """Raises UnsupportedWorldError for a student that cannot say how sure it is."""
        return self._revisits(observation) or self._is_unsure(observation, student)

    def _is_unsure(self, observation: Any, student: Policy) -> bool:
        confidence = getattr(student, "confidence", None)
        if confidence is None:
            raise UnsupportedWorldError(
                "uncertainty gate: expected a student that can say how sure it is, found "
                f"{type(student).__name__}, which cannot where actions are a Box. Use the gate `beta` here."
            )
        return bool(confidence(np.asarray(observation)[None])[0] < self.threshold)

    def _revisits(self, observation: Any) -> bool:
        if not self.on_revisit or np.shape(observation):
            return False
        state = int(observation)
        seen = state in self._visited
        self._visited.add(state)
        return seen


def beta_of_round(schedule: Schedule, round_index: int, rounds: int, constant: float = 0.5) -> float:
    """The expert's share of the driving in a round (0 is the first); all but "constant" start at 1.

    first-only: I(i = 1), parameter-free DAgger; exponential: 0.5^(i - 1); linear: down to 0 in the last round
    (Ross 2011, section 3.1 asks only that the average over the rounds goes to 0).
    """
    match schedule:
        case "first-only":
            return float(round_index == 0)
        case "exponential":
            return 0.5**round_index
        case "linear":
            return 1.0 - round_index / max(rounds - 1, 1)
        case "constant":
            return constant
