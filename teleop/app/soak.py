"""A long correction session in the window, with a scripted hand at the keys: frames, keys and memory."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import pygame

from teleop.app.drive import DriveScene
from teleop.app.frames import open_window
from teleop.app.painters.choose import painter_for
from teleop.app.scripted import Scripted, post_key
from teleop.app.window import QUIT, FrameTimes, Quit, Scene, Window
from teleop.benchmark.correcting_hand import CorrectingHand
from teleop.clock import WallClock
from teleop.memory import resident_mb
from teleop.processes import stolen_s
from teleop.session import Session
from teleop.start import CorrectSettings, start_correction
from teleop.studio.phases import Order, Phase
from teleop.trainer import BackgroundTrainer
from teleop.worlds.catalogue import World

FRAMES_KEPT_HZ = 64
"""Frames a second, and a few, of which the times are kept."""


@dataclass
class Soak:
    """What was measured."""

    period_ms: float = math.nan
    """99th percentile of the time from one frame to the next, from the first student on."""
    work_ms: float = math.nan
    """99th percentile of what a frame takes."""
    input_frames: list[int] = field(default_factory=list)
    """From a key that takes over to the picture that shows it."""
    early_mb: float | None = None
    """Resident memory of the window's process after a tenth of the time."""
    late_mb: float | None = None
    """The same at the end."""
    trainer_early_mb: float | None = None
    trainer_late_mb: float | None = None
    frames: int = 0
    labels: int = 0
    episodes: int = 0
    students: int = 0
    stolen_s: float = math.nan
    """Seconds of processor that the host of a virtual machine gave to others meanwhile, by which frames come late."""
    is_hidden: bool = False
    """There was no display: drawn in memory, shown nowhere."""


def soak(world: World, folder: Path, seconds: float, seed: int = 0) -> Soak:
    """Correct a student for `seconds` from its first version on, as a person would; everything in real time."""
    settings = CorrectSettings(
        world, folder / f"soak-{world.name}-{seed}.h5", seed=seed, reask_share=0.05, advisers=("scripted",)
    )
    window, is_hidden = open_window()
    with window:
        session = start_correction(settings, WallClock())
        found = Soak(is_hidden=is_hidden)
        sitting = _Sitting(session, window, found, seconds, seed)
        scene = DriveScene(session, painter_for(session.env), file=str(settings.out))
        window.run(Scripted(scene, sitting.move, sitting.look))
        found.period_ms = window.frame_times_ms.percentile(99)
        found.work_ms = window.work_times_ms.percentile(99)
        found.frames, found.labels = len(window.frame_times_ms), session.labels
        found.episodes = session.episodes
        return found


class _Sitting:
    """The hand at the keys, and somebody who watches the picture and the memory."""

    def __init__(self, session: Session, window: Window, found: Soak, seconds: float, seed: int) -> None:
        self._session, self._window, self._found, self._seconds = session, window, found, seconds
        self._hand = CorrectingHand(session, self._press, np.random.default_rng(seed))
        self._takeover = next(key for key, order in session.keys.items() if order is Order.TAKE_OVER)
        self._began_s: float | None = None
        self._stolen_s = 0.0
        self._waiting: tuple[pygame.Color, int] | None = None
        self._shown = pygame.Color(0)

    def move(self, now_s: float) -> Scene | Literal[Quit.QUIT] | None:
        self._hand.move()
        if self._began_s is None:
            if self._session.student is not None:
                self._begin(now_s)
            return None
        passed = (now_s - self._began_s) / self._seconds
        if passed >= 0.1 and self._found.early_mb is None:
            self._found.early_mb, self._found.trainer_early_mb = self._memory()
        if passed < 1:
            return None
        self._found.late_mb, self._found.trainer_late_mb = self._memory()
        self._found.stolen_s = stolen_s() - self._stolen_s
        self._found.students = 0 if self._session.student is None else self._session.student.version
        return QUIT

    def _begin(self, now_s: float) -> None:
        kept = round(self._seconds * FRAMES_KEPT_HZ)
        self._began_s, self._stolen_s = now_s, stolen_s()
        self._window.work_times_ms, self._window.frame_times_ms = FrameTimes(kept), FrameTimes(kept)

    def _memory(self) -> tuple[float | None, float | None]:
        trainer = self._session.trainer
        pid = trainer.pid if isinstance(trainer, BackgroundTrainer) else None
        return resident_mb(), None if pid is None else resident_mb(pid)

    def _press(self, key: str, is_down: bool) -> None:
        """Pass a key on to the window; one that takes over from the student is waited for in the picture."""
        post_key(key, is_down)
        takes_over = is_down and key == self._takeover and self._session.phase is Phase.STUDENT
        if takes_over and self._session.running and self._began_s is not None:
            self._waiting = self._shown, -1  # this frame is drawn before the key is seen

    def look(self, surface: pygame.Surface) -> None:
        """After each picture: does the frame around the world have another colour by now?"""
        self._shown = frame_colour(surface)
        if self._waiting is None:
            return
        before, frames = self._waiting
        self._waiting = before, frames + 1
        if self._shown != before:
            self._found.input_frames.append(frames + 1)
            self._waiting = None


def frame_colour(surface: pygame.Surface) -> pygame.Color:
    """The first colour from the left that is not the background: that of the frame, by which one sees who drives."""
    width, height = surface.get_size()
    colours = (surface.get_at((x, height // 2)) for x in range(width))
    background = next(colours)
    return next((colour for colour in colours if colour != background), background)
