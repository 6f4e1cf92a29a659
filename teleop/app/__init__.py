"""The window. The one package that imports pygame.

run_menu(folder)                          choose what to do, again and again
run_session(session, episodes=None)       drive a session that is ready to run; closes it
"""

from __future__ import annotations

from teleop.app.drive import DriveScene
from teleop.app.painters.choose import painter_for
from teleop.app.window import Window
from teleop.session import Session

__all__ = ["run_session"]


def run_session(session: Session, *, hidden: bool = False, episodes: int | None = None) -> None:
    """Drive `session` in a window until it is closed (or after `episodes`); the session is closed then.

    hidden: without a display. Raises NoDisplay, and whatever the session raises (DiskFull).
    """
    try:
        with Window(title=f"Understudy: {session.world.title}", hidden=hidden) as window:
            window.run(
                DriveScene(session, painter_for(session.env), file=recording_of(session), episodes=episodes)
            )
    finally:
        session.close()


def recording_of(session: Session) -> str:
    """Where a session's recording goes, as it is shown."""
    return str(session.recorder.path)
