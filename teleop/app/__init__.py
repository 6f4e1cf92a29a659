"""The window. The one package that imports pygame.

run_menu(folder)        choose what to do, as often as one likes
run_session(start)      start a session and drive it
run_replay(path)        watch a recording
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import recordings
from recordings.schema import Header
from teleop.app.drive import DriveScene
from teleop.app.painters.choose import painter_for, painter_for_replay
from teleop.app.preferences import Preferences
from teleop.app.recorded_world import world_of
from teleop.app.replay import ReplayScene
from teleop.app.window import Window
from teleop.session import Session
from teleop.student import StudentVersion

__all__ = ["run_menu", "run_replay", "run_session"]


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


def run_replay(
    path: str | os.PathLike[str], *, policy: str | os.PathLike[str] | None = None, hidden: bool = False
) -> None:
    """Watch a recording, and what a policy would have done in it.

    Raises NoDisplay, the errors of `recordings.open`, and those of a policy that is none or of another world.
    """
    reader = recordings.open(path)
    try:
        student = None if policy is None else _student_for(reader.header, policy)
        window = Window(title=f"Understudy: {reader.path.name}", hidden=hidden)
    except BaseException:
        reader.close()
        raise
    with window:
        Preferences(window)
        world = world_of(reader.header)
        window.run(ReplayScene(reader, world, painter_for_replay(world), student=student))


def _student_for(header: Header, path: str | os.PathLike[str]) -> StudentVersion:
    """The policy in a file, once it is known to fit what was recorded."""
    from learners import checkpoint
    from learners.evaluation import check_fit  # loads scipy, which a replay without a policy does not need
    from learners.worlds import WorldFacts

    kept = checkpoint.load(path)
    check_fit(kept.policy, WorldFacts(header.observation_space, header.action_space, None))
    return StudentVersion(kept.policy, version=0, reward=kept.reward)
