"""How long frames take in the real window while a student is trained beside it.

    python -m tests.teleop.xvfb_frames [--seconds 20] [--world gridworld]

Opens a window of 1280x800 (on a screen of its own where there is no display), has the scripted expert correct a
student at 30 steps a second, so that the trainer never rests, and prints percentiles in milliseconds. The CPU time
(the spin before each frame included) tells what is the window's own from what other programs took.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Literal

import pygame

from teleop.app.drive import DriveScene
from teleop.app.painters.choose import painter_for
from teleop.app.window import QUIT, FrameTimes, Quit, Scene, Window
from teleop.clock import WallClock
from teleop.start import CorrectSettings, start_correction
from teleop.worlds.catalogue import find
from tests.teleop.xvfb import Screen

STEPS_HZ = 30.0


class Timed:
    """A driving scene that ends by itself and notes what drawing and updating cost."""

    def __init__(self, scene: DriveScene, seconds: float) -> None:
        self._scene, self._seconds = scene, seconds
        self._end_s = float("inf")
        self.draw_ms, self.update_ms, self.cpu_ms = FrameTimes(), FrameTimes(), FrameTimes()
        self._cpu_s = time.thread_time()
        self.versions = 0

    def handle(self, event: pygame.Event) -> None:
        self._scene.handle(event)

    def update(self, now_s: float) -> Scene | Literal[Quit.QUIT] | None:
        student = self._scene.session.student
        if student is not None and self._end_s == float("inf"):
            self._end_s = now_s + self._seconds
        self.versions = student.version if student is not None else 0
        if now_s > self._end_s:
            return QUIT
        started_s = time.perf_counter()
        cpu_s = time.thread_time()
        self.cpu_ms.add((cpu_s - self._cpu_s) * 1e3)
        self._cpu_s = cpu_s
        following = self._scene.update(now_s)
        self.update_ms.add((time.perf_counter() - started_s) * 1e3)
        return following

    def draw(self, surface: pygame.Surface) -> None:
        started_s = time.perf_counter()
        self._scene.draw(surface)
        self.draw_ms.add((time.perf_counter() - started_s) * 1e3)

    def leave(self) -> None:
        self._scene.leave()


def measure(world: str, seconds: float, folder: Path) -> None:
    settings = CorrectSettings(find(world), folder / "frames.h5", expert="scripted", gate="beta", seed=0)
    with Window() as window:
        session = start_correction(settings, WallClock())
        session.metronome.hz = STEPS_HZ
        scene = Timed(DriveScene(session, painter_for(session.env)), seconds)
        window.run(scene)
        rows = {
            "draw": scene.draw_ms,
            "session": scene.update_ms,
            "whole frame": window.work_times_ms,
            "its CPU time": scene.cpu_ms,
            "frame to frame": window.frame_times_ms,
        }
        print(f"{world}: {len(window.frame_times_ms)} frames, {scene.versions} students trained meanwhile")
        print(f"{'ms':<16}{'median':>9}{'90 %':>9}{'99 %':>9}{'99.9 %':>9}{'longest':>9}")
        for name, times in rows.items():
            cells = "".join(f"{times.percentile(q):9.2f}" for q in (50, 90, 99, 99.9, 100))
            print(f"{name:<16}{cells}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--world", default="gridworld")
    parser.add_argument("--seconds", type=float, default=20.0)
    options = parser.parse_args()
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        with Screen() as screen:
            command = [sys.executable, "-m", "tests.teleop.xvfb_frames", *sys.argv[1:]]
            return subprocess.run(command, env=screen.environment(), check=False).returncode
    with tempfile.TemporaryDirectory() as folder:
        measure(options.world, options.seconds, Path(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
