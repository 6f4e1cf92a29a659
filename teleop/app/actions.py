"""What the menu's answers start: the one place of the window that makes sessions and opens files."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import recordings
from recordings.errors import UnderstudyError
from teleop.app.drive import DriveScene, Following
from teleop.app.form import Form, Option
from teleop.app.menu import MenuActions, MenuScene
from teleop.app.painters.choose import painter_for, painter_for_replay
from teleop.app.recorded_world import world_of
from teleop.app.replay import ReplayScene
from teleop.app.window import Scene, Window
from teleop.clock import WallClock
from teleop.finish import keep_policy, recorded, verdict
from teleop.session import Session
from teleop.start import CorrectSettings, RecordSettings, start_correction, start_recording
from teleop.worlds.catalogue import WORLDS, find

REST_S = 1.0
"""How long an ended episode stays on the screen."""
LISTED = 200
"""Recordings offered for replay, the newest ones."""
MenuOf = Callable[[Form, str], Scene]
"""The menu again, with these answers and this to tell."""


def first_menu(window: Window, folder: Path) -> Scene:
    """The menu of a program just started; recordings go to `folder` and come from there."""

    def menu(form: Form | None, notice: str) -> Scene:
        return MenuScene(window, menu_actions(folder, menu), form=form, notice=notice)

    return menu(None, "")


def menu_actions(folder: Path, menu: MenuOf) -> MenuActions:
    """menu: makes the menu that a started scene goes back to."""
    return MenuActions(
        worlds=[Option(world.name, world.title, world.description) for world in WORLDS],
        record=partial(_record, menu),
        correct=partial(_correct, menu),
        replay=lambda form, path: _replay(menu, form, path),
        recent=partial(recent_recordings, folder),
        new_file=partial(new_file, folder),
    )


def recent_recordings(folder: Path) -> list[Path]:
    """The recordings in a folder, newest first."""
    found = [(path.stat().st_mtime_ns, path) for path in folder.glob("*.h5") if path.is_file()]
    return [path for _, path in sorted(found, reverse=True)[:LISTED]]


def new_file(folder: Path, world: str) -> Path:
    """A file in the folder that does not exist yet: "gridworld-3.h5" after two others."""
    number = 1
    while (path := folder / f"{world}-{number}.h5").exists():
        number += 1
    return path


def _record(menu: MenuOf, form: Form, file: Path) -> Scene:
    settings = RecordSettings(find(form.answer("world")), file, driver=form.answer("driver"), rest_s=REST_S)
    return _drive(menu, form, start_recording(settings, WallClock()))


def _correct(menu: MenuOf, form: Form, file: Path) -> Scene:
    settings = CorrectSettings(
        find(form.answer("world")),
        file,
        expert=form.answer("expert"),
        gate=form.answer("gate"),  # type: ignore[arg-type]  # the form offers these alone
        takeover=form.answer("takeover"),  # type: ignore[arg-type]
        rest_s=REST_S,
    )
    return _drive(menu, form, start_correction(settings, WallClock()))


def _drive(menu: MenuOf, form: Form, session: Session) -> Scene:
    file = str(session.recorder.path)

    def then(error: UnderstudyError | None) -> Scene:
        return menu(form, _told(session) if error is None else str(error))

    return DriveScene(session, painter_for(session.env), file=file, then=then, leave_word="back to menu")


def _told(session: Session) -> str:
    """What a finished session left behind; a student is kept beside its recording."""
    file = session.recorder.path
    _, words = verdict(file, session.own_episodes)
    told = f"{file}: {recorded(session.driven_ticks, session.episodes)}. {words}"
    if session.student is None or session.student.version == 0:
        return told
    student = file.with_suffix(".safetensors")
    keep_policy(session.student.policy, student, "dagger", session.world.env_id)
    return f"{told} The student is kept in {student.name}."


def _replay(menu: MenuOf, form: Form, path: Path) -> Scene:
    reader = recordings.open(path)
    world = world_of(reader.header)
    then: Following = lambda error: menu(form, "" if error is None else str(error))  # noqa: E731
    return ReplayScene(reader, world, painter_for_replay(world), then=then)
