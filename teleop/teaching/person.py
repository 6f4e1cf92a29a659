"""A simulated person at the keyboard: what they know, how fast and how surely they act, and their fingers.

Every time that the study charges for stands in `Person`, and nowhere else.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from learners.asking.simulated_person import SimulatedPerson
from learners.tabular import plan
from learners.worlds import facts_of
from teleop.experts import scripted_expert
from teleop.session import Session
from teleop.worlds.catalogue import World

TAP_S = 0.06
"""A key that is only tapped is down so long."""


@dataclass(frozen=True)
class Person:
    """What a person needs, and how often they err."""

    reaction_s: float = 0.25
    """From what is seen to the key; a visuomotor loop takes 250 to 300 ms."""
    press_s: float = 0.15
    """What an answer to a single state takes beyond that: finding the key for something that was not led up to."""
    switch_s: float = 1.0
    """What it takes to turn to something else: to be asked out of the blue, to sit down at the desk."""
    slips: float = 0.05
    """Share of the answers that are another action."""
    wrong_steps: int = 1
    """Takes over after so many wrong moves of the student in a row."""
    right_steps: int = 3
    """Hands back after so many steps in a row in which the student would have been right."""

    @property
    def isolated_s(self) -> float:
        """What one answer to a single state takes."""
        return self.reaction_s + self.press_s


class Mind:
    """What the person knows: the right action, and whether another one is as good."""

    def __init__(self, world: World, person: Person, rng: np.random.Generator) -> None:
        facts = facts_of(world.spec())
        expert = scripted_expert(world)
        self._answers = SimulatedPerson(expert, facts.action_space, rng, slips=person.slips, world_waits=True)
        self._optimal = None if facts.model is None else plan(facts.model).optimal[0]

    def answer(self, observation: Any, tick: int) -> Any:
        """What the finger does; now and then not what was meant."""
        return self._answers.act(observation, tick)

    def approves(self, choice: Any, observation: Any, tick: int) -> bool:
        """Whether this is right here: as good as what they would do where that is known, else the same."""
        if self._optimal is not None:
            return bool(self._optimal[int(observation), int(choice)])
        return self._answers.approves(choice, observation, tick)


class Fingers:
    """Presses and releases keys of a session when their time has come."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._plan: list[tuple[int, int, Callable[[], None]]] = []
        self._planned = 0
        self._down: set[str] = set()
        self._held = ""

    def tap(self, key: str, at_ns: int) -> None:
        """Down and, soon after, up again."""
        self._at(at_ns, lambda: self._press(key))
        self._at(at_ns + round(TAP_S * 1e9), lambda: self._release(key))

    def press(self, key: str, at_ns: int) -> None:
        """Down until it is released."""
        self._at(at_ns, lambda: self._press(key))

    def release(self, key: str, at_ns: int) -> None:
        self._at(at_ns, lambda: self._release(key))

    def hold(self, key: str, at_ns: int) -> None:
        """Down until another one is to be held."""
        self._at(at_ns, lambda: self._change_to(key))

    def move(self, now_ns: int) -> None:
        """Do whatever is due."""
        while self._plan and self._plan[0][0] <= now_ns:
            heapq.heappop(self._plan)[2]()

    def lift(self, at_ns: int) -> None:
        """Let go of everything then."""
        self._at(at_ns, self.let_go)

    def let_go(self) -> None:
        """Lift every finger, and think better of whatever was planned."""
        self._plan.clear()
        for key in sorted(self._down):
            self._release(key)

    @property
    def is_idle(self) -> bool:
        """Nothing is planned."""
        return not self._plan

    def _at(self, at_ns: int, do: Callable[[], None]) -> None:
        self._planned += 1
        heapq.heappush(self._plan, (at_ns, self._planned, do))

    def _change_to(self, key: str) -> None:
        if key == self._held:
            return
        if self._held:
            self._release(self._held)
        self._held = key
        self._press(key)

    def _press(self, key: str) -> None:
        self._down.add(key)
        self._session.press(key)

    def _release(self, key: str) -> None:
        self._down.discard(key)
        if key == self._held:
            self._held = ""
        self._session.release(key)
