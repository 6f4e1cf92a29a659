"""A stand-in for a person: an expert who needs time to react, and whose finger slips.

Gates are compared on people, and people cannot be had by the hundred. What makes labels from a person worse than
those from a script is here two numbers: a reaction time, and a share of slips.
"""

from __future__ import annotations

from collections import deque
from typing import Any

import gymnasium as gym
import numpy as np

from learners.alike import alike, tolerance_of
from learners.asking.dart import another
from learners.interface import Expert


class SimulatedPerson:
    """Answers as `expert` would have some steps ago, now and then wrongly.

    Where the world waits for a person (they act, then it steps) answers are about what is on the screen: only the
    watching takes time. Elsewhere it goes on meanwhile, and the answer is to a state that is past by then.
    """

    def __init__(
        self,
        expert: Expert,
        action_space: gym.Space[Any],
        rng: np.random.Generator,
        *,
        delay_steps: int = 0,
        slips: float = 0.0,
        world_waits: bool = False,
    ) -> None:
        """slips: the share of answers that are another action, drawn at random."""
        if delay_steps < 0 or not 0.0 <= slips <= 1.0:
            raise ValueError(
                f"simulated person: expected a delay of at least 0 and a share of slips from 0 to 1, "
                f"found {delay_steps} and {slips}"
            )
        self.delay_steps = delay_steps
        self._expert, self._action_space, self._rng, self._slips = expert, action_space, rng, slips
        self._needed = 1 if world_waits else 1 + delay_steps
        self._seen: deque[tuple[Any, int]] = deque(maxlen=self._needed)
        self._asked_at = -1
        self._tolerance = tolerance_of(action_space)

    @property
    def name(self) -> str:
        return f"simulated-{self._expert.name}"

    def see(self, observation: Any, tick: int) -> None:
        """The world stands so; told twice of a tick, they have seen it once. An episode begins with tick 0."""
        if self._seen and self._seen[-1][1] == tick:
            return
        if tick == 0:
            self._seen.clear()
            self._asked_at = -1
        self._seen.append((observation, tick))

    def act(self, observation: Any, tick: int) -> Any | None:
        """The answer to what was seen `delay_steps` ago.

        None where nothing was: they have only begun to look. Who asks again at the same tick waits for them: a
        step's time passes.
        """
        self.see(observation, tick)
        if tick == self._asked_at and len(self._seen) < self._needed:
            self._seen.append((observation, tick))
        self._asked_at = tick
        if len(self._seen) < self._needed:
            return None
        answer = self._expert.act(*self._seen[0])
        if answer is None or self._rng.random() >= self._slips:
            return answer
        return another(answer, self._action_space, self._rng)

    def approves(self, choice: Any, observation: Any, tick: int) -> bool:
        """Would they do the same here? Judged without slip or delay."""
        answer = self._expert.act(observation, tick)
        return answer is not None and alike(choice, answer, self._tolerance)


def steps_within(reaction_ms: float, control_hz: float) -> int:
    """Steps of a world that pass while a person reacts, rounded."""
    return round(reaction_ms / 1000.0 * control_hz)
