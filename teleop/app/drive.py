"""The driving scene: a person records demonstrations, or watches a student and corrects it.

Everything that happens is the session's doing; the scene hands it keys and shows what it has become.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import pygame

from recordings.errors import UnderstudyError
from recordings.schema import Driver
from teleop.app.chart import SHOWN
from teleop.app.key_names import key_name
from teleop.app.layout import Layout, lay_out
from teleop.app.painters.choose import layer_key, legend_of, show_next_layer
from teleop.app.painters.view import Painter, View
from teleop.app.panel import Finished, Panel, facts_of
from teleop.app.stage import Sign, Stage
from teleop.app.typeface import Typeface
from teleop.app.window import QUIT, Quit, Scene
from teleop.app.words import corrects, expert_driver, hint, phase_note, who_drives
from teleop.phases import Phase
from teleop.session import Session, Tick

RECENT_LABELS = 50
"""Labels over which agreement is reckoned."""
Following = Callable[[UnderstudyError | None], Scene | Literal[Quit.QUIT]]
"""What comes after a scene, told what went wrong, if anything did."""


def close_window(error: UnderstudyError | None) -> Literal[Quit.QUIT]:
    """Nothing comes after; an error goes to whoever opened the window."""
    if error is not None:
        raise error
    return QUIT


class DriveScene:
    """Drives one session until it is left, and closes it then."""

    def __init__(
        self,
        session: Session,
        painter: Painter,
        *,
        file: str = "",
        episodes: int | None = None,
        then: Following = close_window,
        leave_word: str = "finish",
    ) -> None:
        """file: the recording, for showing. episodes: leave after so many. then: what comes after."""
        self.session = session
        self.caption = ""
        """What to say under the world in place of what to do next; empty: nothing special."""
        self._painter, self._file, self._episodes = painter, file, episodes
        self._then, self._leave_word = then, leave_word
        self._stage, self._panel = Stage(), Panel()
        self._layout: Layout | None = None
        self._typeface = Typeface(1.0)
        self._size = (0, 0)
        self._held: set[str] = set()
        self._keyboard_lost = False
        self._leaving = self._closed = False
        self._path: list[Any] = []
        self._drivers: list[Driver] = []
        self._path_of = -1
        self._layer_key = layer_key(painter, session.world) if corrects(session) else None
        self._finished: list[Finished] = []
        self._agreements: deque[bool] = deque(maxlen=RECENT_LABELS)
        self._student_since_s = 0.0
        self._student_version: int | None = None
        self._now_s = 0.0

    # -- events -------------------------------------------------------------------------------------------

    def handle(self, event: pygame.Event) -> None:
        match event.type:
            case pygame.KEYDOWN:
                self._press(event)
            case pygame.KEYUP:
                name = key_name(event)
                if name is not None:
                    self._held.discard(name)
                    self.session.release(name)
            case pygame.WINDOWFOCUSLOST:
                self._held.clear()
                self._keyboard_lost = True
                self.session.focus_lost()
            case pygame.MOUSEBUTTONDOWN:
                self._click(event.pos)

    def _press(self, event: pygame.Event) -> None:
        name = key_name(event)
        if name == "escape":
            self._leaving = True
        elif name is not None and name == self._layer_key:
            show_next_layer(self._painter)
        elif name is not None:
            self.session.press(name)
            if self.session.phase is not Phase.PAUSED:
                self._held.add(name)
            self._note_ended_episode()

    def _click(self, place: tuple[int, int]) -> None:
        on_stage = self._layout is not None and self._layout.stage.collidepoint(place)
        if on_stage and self._keyboard_lost and self.session.phase is Phase.PAUSED:
            self.session.resume()

    # -- time ---------------------------------------------------------------------------------------------

    def update(self, now_s: float) -> Scene | Literal[Quit.QUIT] | None:
        self._now_s = now_s
        if self._leaving or self._is_done():
            return self._leave_for(None)
        try:
            tick = self.session.update()
        except UnderstudyError as error:
            return self._leave_for(error)
        self._note_path(tick)
        self._note_student(now_s)
        self._note_ended_episode()
        if self.session.phase is not Phase.PAUSED:
            self._keyboard_lost = False
        return None

    def _is_done(self) -> bool:
        return self._episodes is not None and self.session.episodes >= self._episodes

    def _leave_for(self, error: UnderstudyError | None) -> Scene | Literal[Quit.QUIT]:
        try:
            self.leave()
        except UnderstudyError as second:
            error = error or second
        return self._then(error)

    def leave(self) -> None:
        """End the episode and close the recording."""
        if not self._closed:
            self._closed = True
            self.session.close()

    def _note_path(self, tick: Tick | None) -> None:
        if self.session.episode != self._path_of:
            self._path_of = self.session.episode
            self._path.clear()
            self._drivers.clear()
        if tick is not None:
            self._path.append(tick.observation)
            self._drivers.append(tick.driver)
            if tick.label is not None and tick.student_action is not None:
                self._agreements.append(bool(np.array_equal(tick.label, tick.student_action)))

    def _note_student(self, now_s: float) -> None:
        version = None if self.session.student is None else self.session.student.version
        if version != self._student_version:
            self._student_version, self._student_since_s = version, now_s

    def _note_ended_episode(self) -> None:
        session = self.session
        if session.episodes == len(self._finished):
            return
        mostly = Counter(self._drivers).most_common(1)
        driver = mostly[0][0] if mostly else expert_driver(session)
        self._finished.append(
            Finished(
                session.episode + 1, session.episode_return, session.episode_length, session.outcome, driver
            )
        )

    # -- picture ------------------------------------------------------------------------------------------

    def draw(self, surface: pygame.Surface) -> None:
        layout = self._laid_out(surface.get_size())
        word, colour = who_drives(self.session)
        advice = self.caption or hint(self.session, keyboard_lost=self._keyboard_lost)
        self._stage.draw(
            surface, self._typeface, layout, Sign(word, phase_note(self.session), advice, colour)
        )
        surface.set_clip(layout.inside)
        self._painter.draw(surface, layout.world, self._view(), self._now_s)
        surface.set_clip(None)
        facts = facts_of(
            self.session,
            finished=self._finished[-SHOWN:],
            held=frozenset(self._held),
            student_age_s=self._now_s - self._student_since_s,
            agreement=(sum(self._agreements), len(self._agreements)),
            file=self._file,
            leave_word=self._leave_word,
            legend=legend_of(self._painter),
            layer_key=self._layer_key,
        )
        self._panel.draw(surface, self._typeface, layout.panel, facts)

    def _laid_out(self, size: tuple[int, int]) -> Layout:
        if self._layout is None or size != self._size:
            self._size = size
            self._layout = lay_out(size, self._painter.aspect)
            if self._typeface.scale != self._layout.scale:
                self._typeface = Typeface(self._layout.scale)
        return self._layout

    def _view(self) -> View:
        session = self.session
        tick = session.tick if session.episode_length else None
        return View(
            observation=session.observation,
            path=self._path,
            drivers=self._drivers,
            colour=who_drives(session)[1],
            action=None if tick is None else tick.action,
            student_action=session.student_action if session.running else None,
            policy=None if session.student is None else session.student.policy,
            version=-1 if session.student is None else session.student.version,
            reward=None if session.student is None else session.student.reward,
        )
