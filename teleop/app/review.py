"""The review scene: every episode of a recording as a card; filter, order, open, compare, discard, film.

Nothing waits: what there is to know is read a little a frame (`survey`), pictures are made a few a frame (`album`).
Reading order: ReviewScene, its keys (`_press`), what they do, `update`, `draw`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import pygame

from recordings.errors import UnderstudyError
from recordings.reader import Reader
from recordings.schema import Outcome
from recordings.survey import Survey
from teleop.app.amendments import Amendments
from teleop.app.choice import ALL_KEY, FACETS, ORDER_KEY, TURN_KEY, Choice, chosen
from teleop.app.compare import CompareScene
from teleop.app.drive import Following, close_window
from teleop.app.episode_view import episode_name
from teleop.app.filming import Filming
from teleop.app.held_key import HeldKey
from teleop.app.key_names import key_name
from teleop.app.keycaps import KeyRow
from teleop.app.painters.choose import painter_for_replay
from teleop.app.recorded_world import world_of
from teleop.app.replay import Extra, ReplayScene
from teleop.app.review_picture import ReviewPicture, Shown
from teleop.app.thumbnails import thumbnail_for
from teleop.app.window import Quit, Scene
from teleop.training.student import StudentVersion

SURVEY_S, THUMBNAILS_S, FILM_S = 0.004, 0.003, 0.012
"""Of a frame, spent on reading, on making pictures, and on filming."""
RESHUFFLE_S = 0.25
"""While a recording is being read, the shown episodes are chosen anew this often."""
REFRESH_S = 1.0
"""How often a recording that is being written is looked at again."""
DOUBLE_CLICK_S = 0.4
Relabel = Callable[[Path, int, int, Following], Scene]
"""(recording, episode, step, what follows) -> the scene in which a person labels that episode. Nobody may have the
recording open. Raises UnderstudyError."""


class ReviewScene:
    """One recording. The cursor is a place among the episodes shown."""

    def __init__(
        self,
        reader: Reader,
        *,
        then: Following = close_window,
        student: StudentVersion | None = None,
        relabel: Relabel | None = None,
        leave_word: str = "close",
    ) -> None:
        """reader: closed by `leave`. student: a policy to show in place of the recorded student.

        relabel: what T does with an episode; None: nothing.
        """
        self._reader, self._then, self._student = reader, then, student
        self._relabel, self._leave_word = relabel, leave_word
        self.world = world_of(reader.header)
        self.survey = Survey(reader)
        self.choice = Choice()
        self.shown = np.arange(reader.n_episodes)
        """(n,) the episodes shown, in order."""
        self.cursor = 0
        """Which of them is selected."""
        self.marked: tuple[int, ...] = ()
        """Episodes to be compared, at most one before the comparison opens."""
        self.told = ""
        self._amendments = Amendments()
        self._filming = Filming(self.world, student)
        self._picture = ReviewPicture(thumbnail_for(self.world, reader.header.observation_space))
        self._seen_changes = -1
        self._now_s = self._chosen_s = self._refreshed_s = self._clicked_s = 0.0
        self._following: Scene | None = None
        self._held = HeldKey()
        self._leaving = self._closed = self._dragging = False

    @property
    def episode(self) -> int:
        """The one selected, counted from 0; -1 where none is shown."""
        return int(self.shown[self.cursor]) if len(self.shown) else -1

    # -- events -------------------------------------------------------------------------------------------

    def handle(self, event: pygame.Event) -> None:
        match event.type:
            case pygame.KEYDOWN:
                self._guarded(lambda: self._press(key_name(event)))
            case pygame.KEYUP:
                self._held.release(key_name(event))
            case pygame.MOUSEBUTTONDOWN if event.button in (1, 3):
                self._guarded(lambda: self._click(event.pos, event.button))
            case pygame.MOUSEBUTTONUP:
                self._dragging = False
            case pygame.MOUSEMOTION if self._dragging:
                self._picture.drag(event.pos[1])
            case pygame.MOUSEWHEEL:
                self._picture.scroll_by(-event.y)
            case pygame.WINDOWFOCUSLOST:
                self._held.let_go()
                self._dragging = False

    def _guarded(self, act: Callable[[], None]) -> None:
        """What goes wrong is told; the review goes on."""
        self.told = ""
        try:
            act()
        except (UnderstudyError, OSError) as error:
            self.told = str(error)

    def _press(self, name: str | None) -> None:
        match name:
            case "escape":
                self._escape()
            case "left" | "right" | "up" | "down" | "page up" | "page down" | "home" | "end":
                self._move(name)
                self._held.press(name, self._now_s)
            case "return":
                self._open(self.episode)
            case "c":
                self._mark(self.episode)
            case "delete" | "backspace":
                self._amend(lambda: self._amendments.discard_or_restore(self._reader, self.episode))
            case "y" | "x":
                outcome = Outcome.SUCCESS if name == "y" else Outcome.FAILURE
                self._amend(lambda: self._amendments.judge(self._reader, self.episode, outcome))
            case "u":
                self._amend(lambda: self._amendments.undo(self._reader))
            case "i":
                self._amend(lambda: self._amendments.redo(self._reader))
            case "t":
                if self._relabel is not None and self.episode >= 0:
                    self._following = self._label(self._relabel, self._reader, self.episode, 0)
            case "e":
                if self.episode >= 0:
                    self._filming.begin(self._reader, self.episode)
            case _:
                self._choose(name, 1)

    def _choose(self, name: str | None, by: int) -> None:
        """Answer a question about what to show otherwise."""
        for facet in FACETS:
            if name == facet.key:
                self._take(self.choice.turned(facet, by))
        if name in (ORDER_KEY, TURN_KEY):
            turned = name == TURN_KEY
            self._take(self.choice.turned_round() if turned else self.choice.ordered_otherwise(by))
            self._move("home")
        elif name == ALL_KEY:
            self._take(self.choice.unfiltered())

    def _click(self, place: tuple[int, int], button: int) -> None:
        key, card = self._picture.chip_at(place), self._picture.card_at(place)
        if key is not None:
            self._choose(key, 1 if button == 1 else -1)
        elif card is not None and card < len(self.shown):
            again = card == self.cursor and self._now_s - self._clicked_s < DOUBLE_CLICK_S
            self.cursor, self._clicked_s = card, self._now_s
            if button == 3:
                self._mark(self.episode)
            elif again:
                self._open(self.episode)
        elif button == 1 and self._picture.on_bar(place):
            self._dragging = True
            self._picture.drag(place[1])

    # -- what keys do -------------------------------------------------------------------------------------

    def _escape(self) -> None:
        """Step by step out of what one is in."""
        if self._filming.is_under_way:
            self.told = self._filming.stop()
        elif self.marked:
            self.marked = ()
        else:
            self._leaving = True

    def _move(self, name: str) -> None:
        columns, page = self._picture.columns, self._picture.columns * self._picture.rows
        by = {
            "left": -1, "right": 1, "up": -columns, "down": columns, "page up": -page, "page down": page,
        }  # fmt: skip
        last = max(0, len(self.shown) - 1)
        ends = {"home": 0, "end": last}
        to = ends.get(name, self.cursor + by.get(name, 0))
        if name in ("up", "down") and not 0 <= to <= last:
            to = last if name == "down" and self.cursor // columns < last // columns else self.cursor
        self.cursor = min(last, max(0, to))
        self._picture.reveal(self.cursor)

    def _take(self, choice: Choice) -> None:
        self.choice = choice
        self._reshuffle()
        self._picture.reveal(self.cursor)

    def _reshuffle(self) -> None:
        """Choose the shown episodes anew; the selected one stays so where it is still shown."""
        selected = self.episode
        self.shown = chosen(self.survey, self.choice)
        places = np.flatnonzero(self.shown == selected)
        self.cursor = int(places[0]) if len(places) else min(self.cursor, max(0, len(self.shown) - 1))
        self._seen_changes, self._chosen_s = self.survey.changes, self._now_s

    def _select(self, episode: int) -> None:
        places = np.flatnonzero(self.shown == episode)
        if len(places):
            self.cursor = int(places[0])
            self._picture.reveal(self.cursor)

    def _open(self, episode: int) -> None:
        if episode < 0:
            return
        scene = ReplayScene(
            Reader(self._reader.path),
            self.world,
            painter_for_replay(self.world),
            student=self._student,
            then=lambda error: self._back(scene.episode, error),
            order=self.shown.tolist(),
            first=episode,
            extras=self._extras(),
            leave_word="all episodes",
        )
        self._following = scene

    def _extras(self) -> list[Extra]:
        """What can be done with an episode while it is watched."""
        amendments = self._amendments
        extras = [
            Extra(
                KeyRow(("delete",), "discard, restore"),
                lambda reader, episode, step: amendments.discard_or_restore(reader, episode),
            ),
            Extra(KeyRow(("u",), "undo"), lambda reader, episode, step: amendments.undo(reader)),
            Extra(KeyRow(("i",), "redo"), lambda reader, episode, step: amendments.redo(reader)),
        ]
        if self._relabel is not None:
            relabel = self._relabel
            extras.insert(0, Extra(KeyRow(("t",), "label"), lambda *of: self._label(relabel, *of)))
        return extras

    def _mark(self, episode: int) -> None:
        """Choose an episode to be compared; the second one opens the comparison."""
        if episode < 0:
            return
        if episode in self.marked:
            self.marked = ()
        elif self.marked:
            (first,), self.marked = self.marked, ()
            self._compare(first, episode)
        else:
            self.marked = (episode,)
            parent = int(self.survey.parents[episode])
            branch = f" It branched from {episode_name(parent)}." if parent >= 0 else ""
            self.told = (
                f"Go to another episode and press C: it is shown beside {episode_name(episode)}.{branch}"
            )

    def _compare(self, first: int, second: int) -> None:
        self._following = CompareScene(
            Reader(self._reader.path),
            self.world,
            (first, second),
            then=lambda error: self._back(second, error),
        )

    def _amend(self, act: Callable[[], str]) -> None:
        if self.episode < 0:
            return
        try:
            self.told = act()
        finally:
            self._look_again()

    def _label(self, relabel: Relabel, reader: Reader, episode: int, step: int) -> Scene:
        """reader: of this recording; it is closed, for a session is to go on with the file."""
        reader.close()
        try:
            return relabel(reader.path, episode, step, lambda error: self._back(episode, error))
        except UnderstudyError:
            reader.reopen()
            raise

    # -- time ---------------------------------------------------------------------------------------------

    def update(self, now_s: float) -> Scene | Literal[Quit.QUIT] | None:
        self._now_s = now_s
        if self._leaving:
            self.leave()
            return self._then(None)
        if self._following is not None:
            return self._following
        held = self._held.due(now_s)
        if held is not None:
            self._move(held)
        try:
            self._read_on()
        except UnderstudyError as error:
            self.leave()
            return self._then(error)
        self.told = self._filming.go_on(FILM_S) or self.told
        return None

    def _read_on(self) -> None:
        if self._reader.live and self._now_s - self._refreshed_s > REFRESH_S:
            self._reader.refresh()
            self._look_again()
        self.survey.advance(SURVEY_S)
        is_due = self.survey.is_complete or self._now_s - self._chosen_s > RESHUFFLE_S
        if is_due and self.survey.changes != self._seen_changes:
            self._reshuffle()
        self._picture.make_thumbnails(self._reader, self.survey, self.shown, THUMBNAILS_S)

    def _look_again(self) -> None:
        """After the reader has seen more of the file."""
        self._refreshed_s = self._now_s
        self.survey.refresh(self._reader)

    def _back(self, episode: int, error: UnderstudyError | None) -> Scene:
        """This scene again, after another one that was opened from it; that one's last episode is selected."""
        self._following, self._closed = None, False
        self._held.let_go()
        self._reader.reopen()
        self._picture.forget()
        self._look_again()
        self._select(episode)
        if error is not None:
            self.told = str(error)
        return self

    def leave(self) -> None:
        if not self._closed:
            self._closed = True
            self.told = self._filming.stop()
            self._reader.close()

    # -- picture ------------------------------------------------------------------------------------------

    def draw(self, surface: pygame.Surface) -> None:
        self._picture.draw(
            surface,
            Shown(
                title=self.world.title,
                file=self._reader.path.name,
                survey=self.survey,
                choice=self.choice,
                episodes=self.shown,
                cursor=self.cursor,
                marked=self.marked,
                told=self._filming.progress or self.told,
                keys=self._keys(),
            ),
        )

    def _keys(self) -> tuple[KeyRow, ...]:
        label = () if self._relabel is None else (KeyRow(("t",), "label"),)
        return (
            KeyRow(("return",), "open"),
            KeyRow(("c",), "compare with…" if not self.marked else "compare"),
            KeyRow(("delete",), "discard, restore"),
            KeyRow(("y", "x"), "success, failure"),
            KeyRow(("u", "i"), "undo, redo"),
            *label,
            KeyRow(("e",), "video"),
            KeyRow(("escape",), self._leave_word),
        )
