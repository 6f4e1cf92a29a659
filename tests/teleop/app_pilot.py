"""A hand for tests of the window: posts real key events to a real window and lets a step clock run."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pygame
import pytest

from teleop.app.drive import DriveScene
from teleop.app.key_names import KEY_CODES
from teleop.app.painters.choose import painter_for
from teleop.app.typeface import Typeface
from teleop.app.window import FRAME_S, Scene, Window
from teleop.clock import StepClock
from teleop.session import Session
from teleop.start import CorrectSettings, RecordSettings, start_correction, start_recording
from teleop.worlds.catalogue import find


class Pilot:
    """One scene in one hidden window; every frame is a sixtieth of a second of the step clock."""

    def __init__(self, window: Window, scene: Scene, clock: StepClock) -> None:
        self.window, self.scene, self.clock = window, scene, clock
        self.following: object = None
        """What the scene returned last."""

    def frames(self, n: int = 1) -> None:
        for _ in range(n):
            self.following = self.window.frame(self.scene)
            self.clock.advance(round(FRAME_S * 1e9))

    def seconds(self, duration_s: float) -> None:
        self.frames(round(duration_s / FRAME_S))

    def down(self, key: str) -> None:
        pygame.event.post(pygame.Event(pygame.KEYDOWN, key=KEY_CODES[key], mod=0, unicode=""))
        self.frames()

    def up(self, key: str) -> None:
        pygame.event.post(pygame.Event(pygame.KEYUP, key=KEY_CODES[key], mod=0))
        self.frames()

    def tap(self, *keys: str) -> None:
        for key in keys:
            self.down(key)
            self.up(key)

    def post(self, kind: int, **values: object) -> None:
        pygame.event.post(pygame.Event(kind, **values))
        self.frames()

    def picture(self) -> npt.NDArray[np.uint8]:
        """(width, height, 3) what the window shows."""
        return pygame.surfarray.array3d(self.window.surface)


def texts_drawn(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every text that is drawn from now on."""
    texts: list[str] = []
    draw = Typeface.draw

    def noted(self: Typeface, surface: pygame.Surface, text: str, *rest: object, **anchor: object) -> object:
        texts.append(text)
        return draw(self, surface, text, *rest, **anchor)  # type: ignore[arg-type]

    monkeypatch.setattr(Typeface, "draw", noted)
    return texts


def recording_session(world: str, out: Path, clock: StepClock, *, driver: str = "human") -> Session:
    """A session of plain demonstration with seed 0 and no rest between episodes."""
    return start_recording(RecordSettings(find(world), out, driver=driver, seed=0), clock)


def correction_session(world: str, out: Path, clock: StepClock, **settings: object) -> Session:
    """A session of correction with seed 0 that trains between ticks."""
    chosen = CorrectSettings(find(world), out, training="inline", seed=0)
    return start_correction(dataclasses.replace(chosen, **settings), clock)  # type: ignore[arg-type]


def drive(window: Window, session: Session, clock: StepClock) -> Pilot:
    """A pilot for a driving scene, after its first frame."""
    scene = DriveScene(session, painter_for(session.env), file=str(session.recorder.path))
    pilot = Pilot(window, scene, clock)
    pilot.frames()
    return pilot
