"""The window: opens the display, pumps events, runs one scene at a time at 60 frames a second.

Reading order: Scene (what a window runs), Window.run (the loop), Window.frame (one turn of it).
"""

from __future__ import annotations

import gc
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from enum import Enum, auto
from typing import Final, Literal, Protocol

import numpy as np
import pygame

from learners.interface import FloatArray
from teleop.app.errors import NoDisplay
from teleop.app.gamepad import Gamepads

DEFAULT_SIZE = (1280, 800)
SMALLEST_SIZE = (800, 600)
WINDOW_CLASS = "understudy"
"""By which a desktop groups and finds the program's windows."""
INVISIBLE_DRIVERS = ("offscreen", "dummy")
"""Drivers of SDL that show nobody anything; SDL falls back on the first where there is no display."""
FRAME_S = 1 / 60 - 0.0005
"""From one frame to the next: 60 frames a second, less what a sleeping process may wake up late."""
WAKE_EARLY_S = 0.0012
"""The last part of the wait is spun, since a sleep ends late by up to about this much while a student is trained."""


class Quit(Enum):
    """The type of QUIT."""

    QUIT = auto()


QUIT: Final = Quit.QUIT
"""What a scene's `update` returns to close the window."""


class Scene(Protocol):
    """One page of the window. Knows no training and no file."""

    def handle(self, event: pygame.Event) -> None:
        """A key, the mouse, the focus. Closing the window is the window's own business."""
        ...

    def update(self, now_s: float) -> Scene | Literal[Quit.QUIT] | None:
        """Advance to `now_s`. Returns the scene to go to, QUIT to close the window, or None to stay."""
        ...

    def draw(self, surface: pygame.Surface) -> None:
        """Paint the whole surface, whatever its size."""
        ...

    def leave(self) -> None:
        """The scene is over (finished, the window closed, or an error): end properly. May be called twice."""
        ...


class FrameTimes:
    """The last durations of something, in milliseconds."""

    def __init__(self, kept: int = 3600) -> None:
        self._ring = np.zeros(kept)
        self._seen = 0

    def add(self, duration_ms: float) -> None:
        self._ring[self._seen % len(self._ring)] = duration_ms
        self._seen += 1

    def __len__(self) -> int:
        return min(self._seen, len(self._ring))

    def values(self) -> FloatArray:
        """(n,) the durations kept, in no particular order."""
        return self._ring[: len(self)].copy()

    def percentile(self, q: float) -> float:
        """The q-th percentile (0 to 100) in milliseconds; nan before the first."""
        return float(np.percentile(self._ring[: len(self)], q)) if self._seen else float("nan")


class Window:
    """One window; a context manager that closes it."""

    def __init__(
        self,
        size: tuple[int, int] = DEFAULT_SIZE,
        title: str = "Understudy",
        hidden: bool = False,
        now_s: Callable[[], float] = time.perf_counter,
    ) -> None:
        """hidden: draw into memory only, which needs no display. Raises NoDisplay where there is none."""
        self._now_s = now_s
        self._title, self._hidden = title, hidden
        self._window = _open(size, title, hidden)
        self.gamepads = Gamepads()
        """Whatever is plugged in presses keys."""
        self.frame_times_ms = FrameTimes()
        """From the start of one frame to the start of the next."""
        self.work_times_ms = FrameTimes()
        """What a frame itself took: events, update, drawing and showing."""

    def __enter__(self) -> Window:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def surface(self) -> pygame.Surface:
        """What the window shows from the next `frame` on; of the window's present size."""
        return self._window.get_surface()

    def resize(self, size: tuple[int, int]) -> None:
        """Give the window another size, as a person does at its corner; never below 800x600."""
        self._window.size = max(size[0], SMALLEST_SIZE[0]), max(size[1], SMALLEST_SIZE[1])

    def close(self) -> None:
        """Close the window; harmless if it is closed already."""
        if pygame.display.get_init():
            self.gamepads.close()
            self._window.destroy()
            pygame.display.quit()

    def run(self, scene: Scene) -> None:
        """Run `scene` and those that follow it until one returns QUIT or the window is closed."""
        with _no_collection_pauses():
            started_s = deadline_s = self._now_s()
            try:
                while True:
                    following = self.frame(scene)
                    if following is QUIT:
                        return
                    if following is not None:
                        scene.leave()
                        scene = following
                    deadline_s = self._wait(deadline_s)
                    now_s = self._now_s()
                    self.frame_times_ms.add((now_s - started_s) * 1e3)
                    started_s = now_s
            finally:
                scene.leave()

    def frame(self, scene: Scene) -> Scene | Literal[Quit.QUIT] | None:
        """One frame: every waiting event, one update, and a picture unless the scene is over. Returns what follows."""
        started_s = self._now_s()
        self._reopen_if_shut()
        for event in pygame.event.get():
            if event.type in (pygame.QUIT, pygame.WINDOWCLOSE):
                return QUIT
            if event.type == pygame.WINDOWFOCUSLOST:
                self.gamepads.forget()
            for each in (event, *self.gamepads.translate(event)):
                scene.handle(each)
        following = scene.update(started_s)
        if following is None:  # a scene that is over has closed its world, which may have shut pygame down
            scene.draw(self._window.get_surface())
            self._window.flip()
        self.work_times_ms.add((self._now_s() - started_s) * 1e3)
        return following

    def _reopen_if_shut(self) -> None:
        """Some of gymnasium's environments shut pygame down, windows of others included, when they are closed."""
        if not pygame.display.get_init():
            del self._window  # first, lest its end take the new window along, which may lie at its address
            self._window = _open(DEFAULT_SIZE, self._title, self._hidden)
            keys, self.gamepads = self.gamepads.keys, Gamepads()
            self.gamepads.keys = keys

    def _wait(self, deadline_s: float) -> float:
        """Sleep until the next frame is due, and say when that was; a late frame is not made up for."""
        deadline_s = max(deadline_s + FRAME_S, self._now_s())
        early_s = deadline_s - self._now_s() - WAKE_EARLY_S
        if early_s > 0:
            time.sleep(early_s)
        while self._now_s() < deadline_s:
            pass
        return deadline_s


NO_DISPLAY = (
    "No window can be opened: expected a display, found none ({}). Run the command with --headless, or give it a "
    "display: `xvfb-run -a python main.py ...` makes an invisible one."
)


def _has_no_screen() -> bool:
    """On Linux without any sign of X11 or Wayland SDL would only complain; elsewhere there is always a screen."""
    signs = ("DISPLAY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR")
    return sys.platform.startswith("linux") and not any(os.environ.get(sign) for sign in signs)


def _open(size: tuple[int, int], title: str, hidden: bool) -> pygame.Window:
    # SDL would otherwise show a software surface through a texture of the graphics card; where there is none,
    # that costs ten milliseconds a frame instead of one.
    settings = {"SDL_FRAMEBUFFER_ACCELERATION": "0", "SDL_VIDEO_X11_WMCLASS": WINDOW_CLASS}
    if hidden:
        settings["SDL_VIDEODRIVER"] = "dummy"
    asked_for = settings.get("SDL_VIDEODRIVER", os.environ.get("SDL_VIDEODRIVER"))
    if not asked_for and _has_no_screen():
        raise NoDisplay(NO_DISPLAY.format("DISPLAY is not set"))
    with _environment(settings):
        try:
            pygame.display.init()
            if pygame.display.get_driver() in INVISIBLE_DRIVERS and not asked_for:
                raise pygame.error("neither X11 nor Wayland answers")
            window = pygame.Window(title, size, resizable=True)
            window.get_surface()
        except pygame.error as error:
            pygame.display.quit()
            raise NoDisplay(NO_DISPLAY.format(error)) from error
    window.minimum_size = SMALLEST_SIZE
    pygame.key.set_repeat()
    return window


@contextmanager
def _environment(settings: Mapping[str, str]) -> Iterator[None]:
    """Environment variables for what happens inside."""
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _no_collection_pauses() -> Iterator[None]:
    """Keep what is already loaded out of the garbage collector's rounds, which would cost whole frames."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
