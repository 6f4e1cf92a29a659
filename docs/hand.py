"""A hand that presses keys in a hidden window, and keeps what it shows: for the pictures of these pages."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import pygame
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from teleop.app.drive import DriveScene  # noqa: E402
from teleop.app.key_names import KEY_CODES  # noqa: E402
from teleop.app.painters.choose import painter_for  # noqa: E402
from teleop.app.window import FRAME_S, Scene, Window  # noqa: E402
from teleop.clock import StepClock  # noqa: E402
from teleop.experts import scripted_expert  # noqa: E402
from teleop.session import Session  # noqa: E402

PICTURES = ROOT / "docs" / "pictures"
SETTLING_S = 0.2
"""What moves smoothly does so in real time, which the step clock runs ahead of."""
CLUMSY = 0.06
"""Share of keys that the hand gets wrong, so that the pictures show what mistakes look like."""


class Hand:
    """Presses keys in a scene, a frame at a time."""

    def __init__(self, window: Window, scene: Scene, clock: StepClock) -> None:
        self.window, self.scene, self.clock = window, scene, clock
        self._rng = np.random.default_rng(5)
        self._down: str | None = None

    def frames(self, n: int = 1) -> None:
        for _ in range(n):
            self.window.frame(self.scene)
            self.clock.advance(round(FRAME_S * 1e9))

    def press(self, key: str) -> None:
        pygame.event.post(pygame.Event(pygame.KEYDOWN, key=KEY_CODES[key], mod=0, unicode=""))
        self.frames(2)

    def tap(self, *keys: str) -> None:
        """Each down and up."""
        for key in keys:
            self.press(key)
            self.release(key)

    def release(self, key: str) -> None:
        pygame.event.post(pygame.Event(pygame.KEYUP, key=KEY_CODES[key], mod=0))
        self.frames()

    def drive(self, session: Session, steps: int) -> None:
        """Press, step by step, the keys that the scripted expert would, with a mistake now and then."""
        expert = scripted_expert(session.env)
        key_of = {int(action): key for key, action in reversed(session.world.keys.items()) if len(key) > 1}
        target = session.recorder.steps + steps
        while session.recorder.steps < target:
            before = session.recorder.steps
            if session.running:
                right = expert.act(session.observation, session.episode_length)
                wrong = self._rng.integers(len(key_of)) if self._rng.random() < CLUMSY else right
                self._hold(key_of[int(wrong)])
            while session.recorder.steps == before and session.running:
                self.frames()
            if not session.running:
                self.frames(70)

    def let_go(self) -> None:
        if self._down is not None:
            self.release(self._down)
            self._down = None

    def _hold(self, key: str) -> None:
        self.let_go()
        self.press(key)
        self._down = key

    def save(self, name: str) -> None:
        self.frames(12)
        time.sleep(SETTLING_S)
        self.window.frame(self.scene)
        pygame.image.save(self.window.surface, str(PICTURES / name))
        make_small(PICTURES / name)


def make_small(path: Path) -> None:
    """Give a picture a palette of its own: its file becomes a third as large, and nobody sees it."""
    with Image.open(path) as image:
        picture = image.convert("RGB")
    few = picture.quantize(method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    few.save(path, optimize=True)


def scene_of(session: Session, file: str) -> DriveScene:
    return DriveScene(session, painter_for(session.env), file=file)
