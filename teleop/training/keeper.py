"""Keeps a training process running: starts it, listens to it, and starts another when it dies or falls silent.

All of this happens in a thread, since starting a process and reading a policy take milliseconds that a frame does not
have. The session only leaves a nudge and collects the newest student.
"""

from __future__ import annotations

import json
import multiprocessing
import signal
import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection, wait
from typing import Any

from learners.checkpoint import load
from learners.errors import LearnerError
from teleop.training.classroom import LOOK, Task, clear, teach
from teleop.training.student import StudentVersion

SILENT_S = 20.0
"""Without a sign of life for so long a process counts as dead."""
STARTING_S = 120.0
"""The same before its first sign: libraries take their time to load."""
ENDING_S = 1.0
"""How long a process that said its last word may take to end."""
MOST_DEATHS, WITHIN_S = 4, 60.0
"""So many deaths in so short a time, and no other process is started."""
STARTED_AGAIN = "The trainer has ended ({}). Nothing is lost: another one is starting."
GIVEN_UP = (
    "The trainer has ended {} times within a minute ({}). Recording goes on, the student stays as it is; what is "
    "recorded is learned when the recording is continued."
)


class Keeper:
    """One training process after the other, for as long as the session lasts."""

    def __init__(self, task: Task) -> None:
        self.trouble = ""
        """Empty, or what keeps newer students from coming; empty again when a new process has come to life."""
        self._task, self._version = task, task.after_version
        self._context = multiprocessing.get_context("spawn")
        self._students: deque[StudentVersion] = deque(maxlen=1)
        self._ear, self._mouth = self._context.Pipe(duplex=False)
        self._is_nudged, self._is_closing = threading.Event(), threading.Event()
        self.pid: int | None = None
        """Of the newest process."""
        self._thread = threading.Thread(target=self._run, name="understudy-keeper", daemon=True)
        self._thread.start()

    def newest_student(self) -> StudentVersion | None:
        """The newest student that was not collected yet. Takes no time."""
        try:
            return self._students.popleft()
        except IndexError:
            return None

    def nudge(self) -> None:
        """There is something new in the recording. Takes no time."""
        if not self._is_nudged.is_set():
            self._is_nudged.set()
            self._mouth.send_bytes(b"")

    def close(self) -> None:
        """End the process, whatever it is doing, and clear its folder; doing so again changes nothing."""
        if not self._is_closing.is_set():
            self._is_closing.set()
            self._mouth.send_bytes(b"")
            self._thread.join()
            self._mouth.close()
            self._ear.close()

    # -- the thread ---------------------------------------------------------------------------------------

    def _run(self) -> None:
        deaths: deque[float] = deque(maxlen=MOST_DEATHS)
        while self._is_wanted():
            why = self._live_once()
            if not self._is_wanted():
                break
            deaths.append(time.monotonic())
            if len(deaths) == MOST_DEATHS and deaths[-1] - deaths[0] < WITHIN_S:
                self.trouble = GIVEN_UP.format(MOST_DEATHS, why)
                break
            self.trouble = STARTED_AGAIN.format(why)
        clear(self._task.folder)

    def _is_wanted(self) -> bool:
        return not self._is_closing.is_set() and threading.main_thread().is_alive()

    def _live_once(self) -> str:
        """One process, from its start to its end; says why it ended."""
        near, far = self._context.Pipe()
        task = replace(self._task, after_version=self._version)
        process = self._context.Process(
            target=teach, args=(far, task), name="understudy-trainer", daemon=True
        )
        try:
            process.start()
        except (OSError, RuntimeError) as error:
            return f"it cannot be started: {error}"
        finally:
            far.close()
        self.pid = process.pid
        why = self._listen(near)
        if self._is_wanted():
            process.join(ENDING_S)
        process.kill()  # it has nothing to lose, and may be unable to listen
        process.join()
        near.close()
        return why or _exit_words(process.exitcode)

    def _listen(self, connection: Connection) -> str:
        """Until the session closes or the process ends; says why, where that is known."""
        heard_s, patience_s, is_asked, why = time.monotonic(), STARTING_S, False, ""
        while self._is_wanted():
            ready = wait([connection, self._ear], timeout=1.0)
            try:
                if self._ear in ready:
                    self._ear.recv_bytes()
                if connection in ready:
                    why = self._hear(json.loads(connection.recv_bytes()))
                    heard_s, patience_s, is_asked = time.monotonic(), SILENT_S, False
                if self._is_nudged.is_set() and not is_asked:  # one at a time, lest they pile up unread
                    self._is_nudged.clear()
                    connection.send_bytes(LOOK)
                    is_asked = True
            except (OSError, EOFError):
                return why
            if time.monotonic() > heard_s + patience_s:
                return f"it did not answer for {patience_s:.0f} s"
        return ""

    def _hear(self, words: dict[str, Any]) -> str:
        """Take what the process says; its trouble, if it has any."""
        if "trouble" in words:
            return str(words["trouble"])
        self.trouble = ""
        if "path" in words:
            self._version = words["version"]
            with suppress(LearnerError):  # a newer one has taken its place already
                self._students.append(StudentVersion(load(words.pop("path")).policy, **words))
        return ""


def _exit_words(code: int | None) -> str:
    """How a process ended, for a person."""
    if code is not None and code < 0:
        return f"it was ended by {signal.Signals(-code).name}"
    return f"its exit status is {code}"
