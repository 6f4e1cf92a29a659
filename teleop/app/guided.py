"""A driving scene with nobody at the keyboard: a scripted hand posts real key events, and time may run fast."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import pygame

from learners.interface import Expert
from teleop.app.drive import DriveScene
from teleop.app.key_names import KEY_CODES
from teleop.app.window import QUIT, Quit, Scene
from teleop.clock import StepClock
from teleop.session import Session
from teleop.studio.past import Tick


class ScriptedHand:
    """Presses, through the window's own event queue, the keys that an expert would."""

    def __init__(self, session: Session, expert: Expert) -> None:
        self._session, self._expert = session, expert
        self._down: int | None = None
        self._pressed_at = -1

    def move(self) -> None:
        """Once the last key has had its effect, let go of it and press the one for the state that it led to."""
        if self._down is not None and self._session.driven_ticks == self._pressed_at:
            return
        if self._down is not None:
            pygame.event.post(pygame.Event(pygame.KEYUP, key=self._down))
            self._down = None
        if self._session.running:
            self._pressed_at = self._session.driven_ticks
            action = self._expert.act(self._session.observation, self._session.episode_length)
            self._down = KEY_CODES[self._session.world.key_for(action)]
            pygame.event.post(pygame.Event(pygame.KEYDOWN, key=self._down))


class Guided:
    """Runs a driving scene on the step clock until something is so; does not end it."""

    def __init__(
        self,
        scene: DriveScene,
        clock: StepClock,
        until: Callable[[], bool],
        *,
        hand: ScriptedHand | None = None,
        watch: Callable[[Tick], None] | None = None,
        ticks_per_frame: int = 1,
    ) -> None:
        """watch: is shown every step. ticks_per_frame: steps in one frame; 1 can be watched, hundreds run fast."""
        self._scene, self._clock, self._until = scene, clock, until
        self._hand, self._watch, self._ticks_per_frame = hand, watch, ticks_per_frame
        self.was_closed = True
        """Somebody closed the window before it was done."""

    def handle(self, event: pygame.Event) -> None:
        self._scene.handle(event)

    def update(self, now_s: float) -> Scene | Literal[Quit.QUIT] | None:
        for _ in range(self._ticks_per_frame):
            if self._until():
                self.was_closed = False
                return QUIT
            before = self._scene.session.driven_ticks
            following = self._scene.update(now_s)
            if following is not None:
                return following
            self._report(before)
            self._clock.advance(self._scene.session.metronome.period_ns)
        if self._hand is not None:
            self._hand.move()
        return None

    def _report(self, ticks_before: int) -> None:
        session = self._scene.session
        if self._watch is not None and session.driven_ticks > ticks_before and session.tick is not None:
            self._watch(session.tick)

    def draw(self, surface: pygame.Surface) -> None:
        self._scene.draw(surface)

    def leave(self) -> None:
        """The scene goes on in the next guided run."""
