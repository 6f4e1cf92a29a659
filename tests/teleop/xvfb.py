"""A screen nobody sees and a hand that presses real keys on it: Xvfb and xdotool, for tests of the window."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

import numpy as np
import numpy.typing as npt

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
        self._folder = tempfile.TemporaryDirectory(prefix="understudy-screen-")
        command = ["Xvfb", "-displayfd", str(number), "-screen", "0", size, "-nolisten", "tcp"]
        command += ["-fbdir", self._folder.name]
        command += ["-noreset"]  # else it starts anew, and answers nobody, whenever its last client leaves
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
        self._folder.cleanup()

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

    def look(self) -> npt.NDArray[np.uint8]:
        """(H, W, 3) what the screen shows now: Xvfb keeps it in a file, in the format of xwd."""
        data = (Path(self._folder.name) / "Xvfb_screen0").read_bytes()
        header = struct.unpack(">25I", data[:100])
        header_bytes, width, height, line_bytes, colours = (
            header[0],
            header[4],
            header[5],
            header[12],
            header[19],
        )
        first = header_bytes + 12 * colours
        rows = np.frombuffer(data, np.uint8, height * line_bytes, first).reshape(height, line_bytes)
        pixels = rows[:, : 4 * width].reshape(height, width, 4)  # blue, green, red and nothing
        return pixels[:, :, 2::-1].copy()


def wait_until(holds: Callable[[], bool], what: str) -> None:
    """Wait for something; fails with its name when it does not come."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not holds():
        if time.monotonic() > deadline_s:
            raise AssertionError(f"waited {PATIENCE_S:.0f} s for {what}")
        time.sleep(0.02)
