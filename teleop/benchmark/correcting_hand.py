"""A scripted person at the keyboard of a correction session: presses and lets go of keys, frame by frame.

They watch the student, take over, drive a few steps as the scripted expert would, let go; go through the timeline and
label there; go back and branch; judge, discard, undo and redo; and answer when they are asked. Nothing reaches the
session but keys, so whoever passes these on decides what is tested: the session, or the window with its events.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from teleop.experts import scripted_expert
from teleop.session import Session
from teleop.studio.phases import Order, Phase

Press = Callable[[str, bool], None]
"""(name of a key, whether it goes down or up)"""

PATIENCE = 60  # frames
"""After so many without a step the hand gives up waiting for one: the episode has ended, or nobody drives."""
HABITS: dict[str, float] = {"correct": 0.4, "go_through": 0.2, "go_back": 0.15, "undo": 0.15, "judge": 0.1}
"""How often it does what, each after watching for a while."""


class CorrectingHand:
    """Call `move` once a frame."""

    def __init__(self, session: Session, press: Press, rng: np.random.Generator) -> None:
        self._session, self._press, self._rng = session, press, rng
        self._expert = scripted_expert(session.env)
        self._orders = {order: key for key, order in session.keys.items()}
        self._life = self._live()
        self.done: dict[str, int] = dict.fromkeys(HABITS, 0)
        """How often it did what so far."""

    def move(self) -> None:
        """Press or let go of at most a key or two, or wait."""
        next(self._life)

    def _live(self) -> Iterator[None]:
        names, odds = list(HABITS), list(HABITS.values())
        while True:
            yield from self._watch()
            if self._session.student is None:
                yield from self._drive(5)
                continue
            habit = str(self._rng.choice(names, p=odds))
            yield from getattr(self, f"_{habit}")()
            self.done[habit] += 1

    def _watch(self) -> Iterator[None]:
        """Look on for up to a second; answer what is asked, and go on where the world waits without a question."""
        for _ in range(int(self._rng.integers(1, 60))):
            yield
        if self._session.question is not None:
            yield from self._answer(self._session.question.observation)
        elif self._session.phase is Phase.PAUSED and self._session.desk is None:
            yield from self._tap(self._orders[Order.PAUSE])

    def _answer(self, observation: Any) -> Iterator[None]:
        yield from self._tap(self._session.world.key_for(self._expert.act(observation, 0)))

    def _correct(self) -> Iterator[None]:
        """Take over, drive some steps, hand back."""
        key = self._orders[Order.TAKE_OVER]
        self._press(key, True)
        yield
        yield from self._drive(int(self._rng.integers(1, 8)))
        self._press(key, False)
        yield

    def _drive(self, steps: int) -> Iterator[None]:
        """Press what the expert would, and hold it until the world has made a step."""
        session = self._session
        for _ in range(steps):
            if not session.running:
                yield
                continue
            key = session.world.key_for(self._expert.act(session.observation, session.episode_length))
            before = session.driven_ticks
            self._press(key, True)
            for _ in range(PATIENCE):
                yield
                if session.driven_ticks != before:
                    break
            self._press(key, False)

    def _go_through(self) -> Iterator[None]:
        """Open the timeline, label some states, and close it again."""
        session = self._session
        yield from self._tap(self._orders[Order.DESK])
        for _ in range(int(self._rng.integers(2, 10))):
            desk = session.desk
            if desk is None:
                return
            if desk.tick is None or self._rng.random() < 0.4:
                yield from self._tap(str(self._rng.choice(["left", "right", "home", "up", "down", "tab"])))
                continue
            right = self._expert.act(desk.observation, desk.step)
            yield from self._tap(next(key for key, action in desk.label_keys.items() if action == right))
        yield from self._tap(self._orders[Order.DESK])

    def _go_back(self) -> Iterator[None]:
        """Rewind, and take over there: a branch."""
        for _ in range(int(self._rng.integers(1, 3))):
            yield from self._tap(self._orders[Order.REWIND])
        yield from self._correct()

    def _undo(self) -> Iterator[None]:
        for _ in range(int(self._rng.integers(1, 4))):
            yield from self._tap(self._orders[Order.UNDO])
        if self._rng.random() < 0.5:
            yield from self._tap(self._orders[Order.REDO])

    def _judge(self) -> Iterator[None]:
        orders = (Order.SUCCESS, Order.FAILURE, Order.DISCARD, Order.NEXT_EPISODE)
        yield from self._tap(self._orders[orders[int(self._rng.integers(len(orders)))]])

    def _tap(self, key: str) -> Iterator[None]:
        self._press(key, True)
        yield
        self._press(key, False)
        yield
