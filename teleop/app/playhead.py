"""A playhead: where in an episode one is, moved by time, by keys that repeat, and by the mouse."""

from __future__ import annotations

from typing import Protocol

import pygame

from teleop.app.held_key import HeldKey
from teleop.app.key_names import key_name
from teleop.app.words import pace

SPEEDS = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
"""Times the recorded control rate."""
END_REST_S = 0.8
"""How long the end of an episode stays before what comes after it."""


class Bar(Protocol):
    """What a playhead is moved along with the mouse."""

    def on_button(self, place: tuple[int, int]) -> bool:
        """Is this on the play button?"""
        ...

    def on_bar(self, place: tuple[int, int]) -> bool: ...

    def step_at(self, x: int, length: int) -> int:
        """The step under a mouse at x, also beyond the bar's ends."""
        ...


class Playhead:
    """Of something that is `length` steps long."""

    def __init__(self, control_hz: float) -> None:
        """control_hz: steps a second at speed 1."""
        self.step = self.length = 0
        self.playing = self.scrubbing = False
        self.speed = SPEEDS.index(1.0)
        """Which of SPEEDS."""
        self.now_s = 0.0
        self._control_hz = control_hz
        self._next_s = 0.0
        self._held = HeldKey()

    @property
    def steps_hz(self) -> float:
        """Steps a second while playing."""
        return self._control_hz * SPEEDS[self.speed]

    @property
    def pace(self) -> str:
        """How fast it plays, in words."""
        return pace(self.steps_hz, SPEEDS[self.speed])

    def begin(self, length: int) -> None:
        """Go to the start of something of this length."""
        self.length, self.step = length, 0
        self._next_s = self.now_s + 1 / self.steps_hz

    def go(self, step: int) -> None:
        """Stand before `step`, or at the nearer end."""
        self.step = min(self.length, max(0, step))

    def play(self, playing: bool) -> None:
        """Go on by itself, or stop; from the end playing starts over."""
        if playing and self.step == self.length:
            self.step = 0
        self.playing = playing
        self._next_s = self.now_s + 1 / self.steps_hz

    def scrub(self, step: int) -> None:
        """Follow the mouse."""
        self.scrubbing, self.playing = True, False
        self.go(step)

    def press(self, name: str) -> bool:
        """Says whether the key was the playhead's own."""
        match name:
            case "space" | "p":
                self.play(not self.playing)
            case "left" | "right":
                self._step_by_key(name)
                self._held.press(name, self.now_s)
            case "home":
                self.go(0)
            case "end":
                self.go(self.length)
            case "-":
                self.speed = max(0, self.speed - 1)
            case "=":
                self.speed = min(len(SPEEDS) - 1, self.speed + 1)
            case _:
                return False
        return True

    def release(self, name: str | None) -> None:
        self._held.release(name)

    def let_go(self) -> None:
        """No key is held any more, nor the mouse."""
        self._held.let_go()
        self.scrubbing = False

    def advance(self, now_s: float) -> bool:
        """Move with the time. Says whether the end has been played, and has been seen for a while."""
        self.now_s = now_s
        held = self._held.due(now_s)
        if held is not None:
            self._step_by_key(held)
        if not self.playing or now_s < self._next_s:
            return False
        if self.step == self.length:
            return True
        period_s = 1 / self.steps_hz
        behind = int((now_s - self._next_s) / period_s)
        self.go(self.step + 1 + behind)
        self._next_s += period_s * (1 + behind)
        if self.step == self.length:
            self._next_s = now_s + END_REST_S
        return False

    def _step_by_key(self, name: str) -> None:
        self.playing = False
        self.go(self.step + (1 if name == "right" else -1))

    def handle(self, event: pygame.Event, bar: Bar) -> None:
        """The mouse on the bar, keys let go, and the focus lost; keys that go down are for `press`."""
        match event.type:
            case pygame.KEYUP:
                self.release(key_name(event))
            case pygame.WINDOWFOCUSLOST:
                self.let_go()
            case pygame.MOUSEBUTTONDOWN if event.button == 1:
                if bar.on_button(event.pos):
                    self.play(not self.playing)
                elif bar.on_bar(event.pos):
                    self.scrub(bar.step_at(event.pos[0], self.length))
            case pygame.MOUSEMOTION if self.scrubbing:
                self.scrub(bar.step_at(event.pos[0], self.length))
            case pygame.MOUSEBUTTONUP:
                self.scrubbing = False
