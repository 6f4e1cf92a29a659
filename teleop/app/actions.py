"""What the menu's answers start: the one place of the window that makes sessions and opens files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import recordings
from recordings.errors import UnderstudyError
from teleop.app.drive import DriveScene
from teleop.app.form import Form, Option
from teleop.app.menu import MenuActions, MenuScene
from teleop.app.offers import (
    folder_worlds,
    mapped_worlds,
    new_file,
    policies,
    recent_recordings,
    to_continue,
    to_review,
)
from teleop.app.painters.choose import painter_for
from teleop.app.preferences import Preferences
from teleop.app.relabel import label_episode
from teleop.app.review import ReviewScene
from teleop.app.settings_scene import SettingsScene
from teleop.app.window import Scene, Window
from teleop.clock import WallClock
from teleop.finish import keep_policy, recorded, verdict
from teleop.preferences.bindings import bindings, driven
from teleop.session import Session
from teleop.start import CorrectSettings, RecordSettings, start_correction, start_recording
from teleop.worlds.catalogue import WORLDS, ControlScheme, World

REST_S = 1.0
"""How long an ended episode stays on the screen."""


def first_menu(window: Window, folder: Path) -> Scene:
    """The menu of a program just started; recordings go to `folder` and come from there."""
    return Lobby(window, folder).menu()


class Lobby:
    """Leads from the menu to a scene and back, and remembers what was chosen."""

    def __init__(self, window: Window, folder: Path) -> None:
        self._window, self._folder = window, folder
        self._preferences = Preferences(window)
        found = mapped_worlds() | folder_worlds(folder)
        self._worlds: dict[str, World] = {world.name: world for world in WORLDS} | found

    def menu(self, notice: str = "") -> Scene:
        """The menu with the last answers, and this to tell."""
        actions = MenuActions(
            record=self._record,
            correct=self._correct,
            review=self._review,
            recent=lambda: to_review(self._recordings()),
            new_file=lambda name: new_file(self._folder, Path(name).stem),
            settings=self._settings,
        )
        notices = (notice, self._preferences.take_notice())
        return MenuScene(self._window, actions, self._form(), " ".join(each for each in notices if each))

    def _form(self) -> Form:
        return Form(
            tuple(Option(name, world.title, world.description) for name, world in self._worlds.items()),
            self._preferences.settings.answers,
            policies(self._folder, self._worlds),
            to_continue(self._recordings(), self._worlds),
        )

    def _recordings(self) -> list[Path]:
        """Those remembered, and those that lie in the folder; newest first."""
        return recent_recordings(self._folder, self._preferences.settings.recent_here())

    # -- what is started ----------------------------------------------------------------------------------

    def _record(self, form: Form, file: Path) -> Scene:
        world = self._driven(form)
        settings = RecordSettings(
            world,
            file,
            driver=form.answer("driver"),
            rest_s=REST_S,
            countdown_s=self._countdown_s(world),
            render=True,
            bindings=bindings(self._preferences.settings),
        )
        return self._drive(form, start_recording(settings, WallClock()))

    def _correct(self, form: Form, file: Path) -> Scene:
        world, preferred = self._driven(form), self._preferences.settings
        student, adviser = form.answer("student"), form.answer("adviser")
        by_hand = form.answer("expert") == "human"
        settings = CorrectSettings(
            world,
            file,
            expert=form.answer("expert"),
            gate=form.answer("gate"),  # type: ignore[arg-type]  # the form offers these alone
            takeover=form.answer("takeover"),  # type: ignore[arg-type]
            student=Path(student) if student else None,
            advisers=(adviser,) if adviser and by_hand else (),
            label_budget=preferred.label_budget,
            minutes_budget=preferred.minutes_budget,
            reask_share=preferred.reask_share if by_hand else 0.0,
            rewind_steps=preferred.rewind_steps,
            rest_s=REST_S,
            countdown_s=self._countdown_s(world),
            render=True,
            bindings=bindings(preferred),
        )
        return self._drive(form, start_correction(settings, WallClock()))

    def _review(self, form: Form, file: Path) -> Scene:
        reader = recordings.open(file)
        self._remember(form, file)
        return ReviewScene(reader, then=self._back, relabel=label_episode, leave_word="back to menu")

    def _back(self, error: UnderstudyError | None) -> Scene:
        return self.menu("" if error is None else str(error))

    def _settings(self, form: Form) -> Scene:
        self._remember(form)
        return SettingsScene(self._window, self._preferences, list(self._worlds.values()), self.menu)

    def _driven(self, form: Form) -> World:
        return driven(self._worlds[form.answer("world")], self._preferences.settings)

    def _countdown_s(self, world: World) -> float:
        """A world that waits for a key needs none."""
        return 0.0 if world.scheme is ControlScheme.WAIT else self._preferences.settings.countdown_s

    def _drive(self, form: Form, session: Session) -> Scene:
        file = session.recorder.path
        self._remember(form, file)

        def then(error: UnderstudyError | None) -> Scene:
            return self.menu(_told(session) if error is None else str(error))

        painter = painter_for(session.env)
        return DriveScene(session, painter, file=str(file), then=then, leave_word="back to menu")

    def _remember(self, form: Form, recording: Path | None = None) -> None:
        kept = self._preferences.settings
        answers = {name: value for name, value in form.answers.items() if name != "recording"}
        chosen = replace(kept, answers=answers)
        self._preferences.change(chosen if recording is None else chosen.remembering(recording))


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
