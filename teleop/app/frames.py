"""How long frames take in the window while a student is trained beside it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from teleop.app.drive import DriveScene
from teleop.app.errors import NoDisplay
from teleop.app.painters.choose import painter_for
from teleop.app.scripted import Scripted
from teleop.app.window import QUIT, FrameTimes, Quit, Window
from teleop.clock import WallClock
from teleop.session import Session
from teleop.start import CorrectSettings, start_correction
from teleop.worlds.catalogue import World

STEPS_HZ = 30.0
"""Steps a second of the measured session: with a label at each, the trainer never rests."""


@dataclass(frozen=True)
class Frames:
    """What was measured."""

    work_ms: FrameTimes
    """A frame itself: events, session, drawing and showing."""
    period_ms: FrameTimes
    """From the start of one frame to the start of the next."""
    students: int
    """Students trained, handed over and drawn meanwhile."""
    is_hidden: bool
    """There was no display: drawn in memory, shown nowhere."""


def frames_while_training(world: World, folder: Path, seconds: float, seed: int = 0) -> Frames:
    """Run the scripted expert's correction of a student in the window for `seconds` from its first student on."""
    settings = CorrectSettings(
        world, folder / f"frames-{world.name}-{seed}.h5", expert="scripted", gate="beta", seed=seed
    )
    window, is_hidden = open_window()
    with window:
        session = start_correction(settings, WallClock())
        session.metronome.hz = STEPS_HZ
        scene = DriveScene(session, painter_for(session.env))
        window.run(Scripted(scene, _Timing(session, window, seconds).move))
        students = 0 if session.student is None else session.student.version
        return Frames(window.work_times_ms, window.frame_times_ms, students, is_hidden)


def open_window() -> tuple[Window, bool]:
    """A window to measure in, and whether it is hidden for want of a display."""
    try:
        return Window(title="Understudy: measuring frames"), False
    except NoDisplay:
        return Window(hidden=True), True


class _Timing:
    """Ends a session after so long, and forgets the frames before its first student."""

    def __init__(self, session: Session, window: Window, seconds: float) -> None:
        self._session, self._window, self._seconds = session, window, seconds
        self._end_s: float | None = None

    def move(self, now_s: float) -> Literal[Quit.QUIT] | None:
        if self._end_s is None and self._session.student is not None:
            self._end_s = now_s + self._seconds
            self._window.work_times_ms = FrameTimes()
            self._window.frame_times_ms = FrameTimes()
        return QUIT if self._end_s is not None and now_s > self._end_s else None
