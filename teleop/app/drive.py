"""The driving scene: a person records demonstrations, or watches a student and corrects it.

Everything that happens is the session's doing; the scene hands it keys and shows what it has become.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Literal

import pygame

from recordings.errors import UnderstudyError
from recordings.schema import Driver, Outcome
from teleop.app.chart import SHOWN
from teleop.app.desk_strip import DeskStrip
from teleop.app.facts import Finished
from teleop.app.key_names import key_name
from teleop.app.key_rows import chart_key
from teleop.app.layout import Layout, lay_out
from teleop.app.live_view import LiveView
from teleop.app.painters.choose import layer_keys, show_layer
from teleop.app.painters.view import Painter
from teleop.app.panel import Panel
from teleop.app.reading import Reading
from teleop.app.stage import Sign, Stage, draw_countdown
from teleop.app.timeline import HEIGHT
from teleop.app.typeface import Typeface
from teleop.app.window import QUIT, Quit, Scene
from teleop.app.words import corrects, expert_driver, hint, phase_note, phase_word, who_drives
from teleop.session import Session
from teleop.studio.past import Lived
from teleop.studio.phases import Phase

NOTICE_S = 4.0
"""How long what an order came to stays in place of what to do next."""
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
        self._painter, self._episodes, self._then = painter, episodes, then
        self._stage, self._strip = Stage(), DeskStrip()
        self._panels = {False: Panel(), True: Panel()}
        """One away from the desk, one at it: neither is painted anew when a person comes and goes."""
        self._layout: Layout | None = None
        self._typeface = Typeface(1.0)
        self._laid_out_for: tuple[tuple[int, int], bool] = ((0, 0), False)
        self._live = LiveView(session)
        self._reading = Reading(session, painter, file=file, leave_word=leave_word)
        self._held: set[str] = set()
        self._keyboard_lost = False
        self._leaving = self._closed = False
        self._failed: UnderstudyError | None = None
        self._layer_keys = layer_keys(painter, session.world) if corrects(session) else None
        self._finished: list[Finished] = []
        self._noted = -1
        """The last episode among them."""
        self._notice_until_s = 0.0
        self._now_s = 0.0

    # -- events -------------------------------------------------------------------------------------------

    def handle(self, event: pygame.Event) -> None:
        try:
            self._handle(event)
        except UnderstudyError as error:  # the disk may be full when a key is pressed, too
            self._failed = self._failed or error

    def _handle(self, event: pygame.Event) -> None:
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
            case pygame.MOUSEBUTTONDOWN | pygame.MOUSEMOTION | pygame.MOUSEBUTTONUP:
                self._point(event)

    def _press(self, event: pygame.Event) -> None:
        name = key_name(event)
        if name is None:
            return
        session = self.session
        if name == "escape" and (session.desk is None or not session.own_episodes):
            self._leaving = True  # also from the desk, where a session has done nothing but look back
        elif name == "escape":
            session.resume()
        elif self._layer_keys is not None and name in self._layer_keys:
            show_layer(self._painter, 2 * self._layer_keys.index(name) - 1)
        elif corrects(session) and name == chart_key(session.world):
            for panel in self._panels.values():
                panel.show_next_chart()
        else:
            self.session.press(name)
            self._notice_until_s = self._now_s + NOTICE_S
            if self.session.phase is not Phase.PAUSED:
                self._held.add(name)
            self._note_ended_episode()

    def _point(self, event: pygame.Event) -> None:
        """The mouse scrubs at the desk, and a click on the world goes on where the keyboard was lost."""
        desk = self.session.desk
        if desk is not None:
            step = self._strip.step_at(event, desk)
            if step is not None and step != desk.step:
                self.session.scrub(step)
        elif event.type == pygame.MOUSEBUTTONDOWN and self._layout is not None:
            on_stage = self._layout.stage.collidepoint(event.pos)
            if on_stage and self._keyboard_lost and self.session.phase is Phase.PAUSED:
                self.session.resume()

    # -- time ---------------------------------------------------------------------------------------------

    def update(self, now_s: float) -> Scene | Literal[Quit.QUIT] | None:
        self._now_s = now_s
        if self._leaving or self._failed is not None or self._is_done():
            return self._leave_for(self._failed)
        try:
            tick = self.session.update()
        except UnderstudyError as error:
            return self._leave_for(error)
        self._live.follow(tick)
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

    def _note_ended_episode(self) -> None:
        for episode in self.session.past.episodes:
            is_new = episode.index > self._noted and episode.index in self.session.own_episodes
            if is_new and episode.outcome is not Outcome.RUNNING:
                self._noted = episode.index
                self._finished.append(_finished(episode, expert_driver(self.session)))

    # -- picture ------------------------------------------------------------------------------------------

    def draw(self, surface: pygame.Surface) -> None:
        session = self.session
        layout = self._laid_out(surface.get_size())
        sign = Sign(phase_word(session), phase_note(session), self._advice(), who_drives(session)[1])
        self._stage.draw(surface, self._typeface, layout, sign)
        surface.set_clip(layout.inside)
        self._painter.draw(surface, layout.world, self._live.view(), self._now_s)
        draw_countdown(surface, self._typeface, layout, session.countdown_s)
        surface.set_clip(None)
        if session.desk is not None:
            strip = pygame.Rect(layout.stage.x, layout.stage.bottom, layout.panel.right - layout.stage.x, 0)
            strip.height = surface.get_height() - strip.y
            self._strip.draw(surface, self._typeface, strip, session.desk, session.labelling.version)
        facts = self._reading.at(self._now_s, finished=self._finished[-SHOWN:], held=frozenset(self._held))
        self._panels[session.desk is not None].draw(surface, self._typeface, layout.panel, facts)

    def _advice(self) -> str:
        """What stands under the world."""
        if self.caption:
            return self.caption
        if self.session.notice and self._now_s < self._notice_until_s:
            return self.session.notice
        return hint(self.session, keyboard_lost=self._keyboard_lost)

    def _laid_out(self, size: tuple[int, int]) -> Layout:
        wanted = size, self.session.desk is not None
        if self._layout is None or wanted != self._laid_out_for:
            self._laid_out_for = wanted
            self._layout = lay_out(size, self._painter.aspect, below=HEIGHT - 16 if wanted[1] else 0)
            if self._typeface.scale != self._layout.scale:
                self._typeface = Typeface(self._layout.scale)
        return self._layout


def _finished(episode: Lived, expert: Driver) -> Finished:
    """expert: who is said to have driven an episode without a step."""
    drivers = Counter(tick.driver for tick in episode.ticks)
    driver = drivers.most_common(1)[0][0] if drivers else expert
    return_ = sum(tick.reward for tick in episode.ticks)
    is_alone = len(drivers) <= 1
    return Finished(episode.index, return_, episode.length, episode.outcome, driver, is_alone)
