"""A screen nobody sees and a hand that presses real keys on it: Xvfb and xdotool, for tests of the window."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from teleop.app.window import WINDOW_CLASS

PROGRAMS = ("Xvfb", "xdotool")
PATIENCE_S = 60.0


def missing() -> list[str]:
    """Programs that such a test needs and this machine lacks."""
    return [name for name in PROGRAMS if shutil.which(name) is None]


class Screen:
    """One X server of its own; a context manager that ends it."""

    def __init__(self, size: str = "1920x1080x24") -> None:
        seen, number = os.pipe()
        command = ["Xvfb", "-displayfd", str(number), "-screen", "0", size, "-nolisten", "tcp"]
        self._server = subprocess.Popen(
            command, pass_fds=[number], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        os.close(number)
        with os.fdopen(seen) as pipe:
            self.display = f":{pipe.readline().strip()}"

    def __enter__(self) -> Screen:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.terminate()
        self._server.wait(PATIENCE_S)

    def environment(self) -> dict[str, str]:
        """The environment of a program that is to appear on this screen."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith("SDL_")}
        kept.pop("WAYLAND_DISPLAY", None)
        return {**kept, "DISPLAY": self.display}

    def start(self, *command: str | Path) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(word) for word in command],
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def xdotool(self, *words: str | int) -> str:
        command = ["xdotool", *map(str, words)]
        done = subprocess.run(command, env=self.environment(), capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def find_window(self) -> str:
        """Wait for the project's window, give it the keyboard, and return its number."""
        window = ""

        def appeared() -> bool:
            nonlocal window
            command = ["xdotool", "search", "--onlyvisible", "--class", WINDOW_CLASS]
            found = subprocess.run(
                command, env=self.environment(), capture_output=True, text=True, check=False
            )
            window = found.stdout.split()[0] if found.stdout.split() else ""
            return bool(window)

        def focused() -> bool:  # refused while the window is not yet on the screen
            command = ["xdotool", "windowfocus", "--sync", window]
            return not subprocess.run(command, env=self.environment(), capture_output=True).returncode

        wait_until(appeared, "the window")
        wait_until(focused, "the window to take the keyboard")
        return window

    def look_away(self) -> None:
        """Take the keyboard from every window, and the pointer, which would take it back."""
        self.xdotool("mousemove", 2, 2)
        root = self.xdotool("search", "--maxdepth", 0, "--name", ".*")
        self.xdotool("windowfocus", root.split()[0])

    def shoot(self, window: str, path: Path) -> None:
        """Save what the window shows (needs ImageMagick's import)."""
        command = ["import", "-window", window, str(path)]
        subprocess.run(command, env=self.environment(), check=True, capture_output=True)


def wait_until(holds: Callable[[], bool], what: str) -> None:
    """Wait for something; fails with its name when it does not come."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not holds():
        if time.monotonic() > deadline_s:
            raise AssertionError(f"waited {PATIENCE_S:.0f} s for {what}")
        time.sleep(0.02)
