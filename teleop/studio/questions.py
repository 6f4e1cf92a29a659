"""What a person is asked while the world waits: the student's questions, and their own answers once more."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np

from teleop.studio.past import Tick

APART = 20
"""Labels between an answer and the same question again."""
TOGETHER = 3
"""Questions asked again in one pause."""


@dataclass(frozen=True)
class Question:
    """What is to be done in this state?"""

    observation: Any
    tick: Tick | None = None
    """The step it is about, where it was asked before; None: the state in which the world is."""
    answered: Any = None
    """The answer then, which is not shown."""

    @property
    def is_again(self) -> bool:
        return self.tick is not None


class Reasking:
    """Keeps a share of a person's answers, to ask the same again when they have forgotten it."""

    def __init__(self, share: float, rng: np.random.Generator) -> None:
        self._share, self._rng = share, rng
        self._waiting: deque[tuple[int, Question]] = deque()
        self._asked = 0

    def answered(self, tick: Tick, action: Any, labels: int) -> None:
        """A label was given, after `labels` others."""
        if self._share and self._rng.random() < self._share:
            self._waiting.append((labels + APART, Question(tick.observation, tick, action)))

    def next(self, labels: int) -> Question | None:
        """What to ask between two episodes; None: enough for now."""
        if self._waiting and self._waiting[0][0] <= labels and self._asked < TOGETHER:
            self._asked += 1
            return self._waiting.popleft()[1]
        self._asked = 0
        return None
