"""The window. The one package that imports pygame.

run_menu(folder)        choose what to do, as often as one likes
run_session(start)      start a session and drive it
watch.watch(path)       review a recording
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from teleop.app.drive import DriveScene
from teleop.app.painters.choose import painter_for
from teleop.app.preferences import Preferences
from teleop.app.window import Window
from teleop.session import Session

__all__ = ["run_menu", "run_session"]


def run_menu(folder: str | os.PathLike[str], *, hidden: bool = False) -> None:
    """The window with its menu; recordings go to `folder` and are offered from there. Raises NoDisplay."""
    from teleop.app.actions import (
        first_menu,  # loads pygame_gui and every learner, which the others do not need
    )

    with Window(hidden=hidden) as window:
        window.run(first_menu(window, Path(folder)))


def run_session(
    start: Callable[[], Session], *, title: str, hidden: bool = False, episodes: int | None = None
) -> Session:
    """Start a session in a window and drive it until it is closed (or after `episodes`); returns it, closed.

    The window opens first, so that nothing is begun where there is no display. hidden: without a display.
    Raises NoDisplay, and whatever the session raises (DiskFull).
    """
    with Window(title=f"Understudy: {title}", hidden=hidden) as window:
        preferences = Preferences(window)
        session = start()
        session.notice = preferences.take_notice()
        file = str(session.recorder.path)
        window.run(DriveScene(session, painter_for(session.env), file=file, episodes=episodes))
        return session
