"""The menu: what to do, in which world, with whom, and where the recording goes; by mouse or keyboard alone.

Reading order: MenuActions (what the menu can start), MenuScene (events, then where things lie, then the picture).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pygame
import pygame_gui
from pygame_gui.elements import UITextEntryLine

from recordings.errors import UnderstudyError
from teleop.app.answers import (
    GAP,
    LABEL,
    Row,
    draw_answers,
    draw_key_button,
    draw_label,
    draw_start,
    key_button,
    make_row,
)
from teleop.app.form import Form, Option, Task
from teleop.app.key_names import key_name
from teleop.app.keycaps import KeyRow, cap_height, draw_row, row_width
from teleop.app.recording_list import RecordingList
from teleop.app.theme import theme
from teleop.app.title import draw_head, draw_sheet, first_row, scale_of_rows
from teleop.app.typeface import Role, Typeface
from teleop.app.window import QUIT, Quit, Scene, Window
from teleop.preferences.palette import BACKGROUND, MUTED

KEYS = (KeyRow(("up", "down"), "row"), KeyRow(("left", "right"), "choose"), KeyRow(("return",), "start"))
SETTINGS, LEAVE = KeyRow(("f1",), "Settings"), KeyRow(("escape",), "Quit")
FILE, LIST = "file", "list"
"""Names of the two rows that are no questions."""


@dataclass(frozen=True)
class MenuActions:
    """What the menu can start. It knows no file itself: these functions do."""

    record: Callable[[Form, Path], Scene]
    """Form and file of the recording -> the scene that records it. Raises UnderstudyError."""
    correct: Callable[[Form, Path], Scene]
    review: Callable[[Form, Path], Scene]
    recent: Callable[[], Sequence[Option]]
    """Recordings that can be reviewed, newest first: path, name, and what else is known."""
    new_file: Callable[[str], Path]
    """A file that is free, for a world's value."""
    settings: Callable[[Form], Scene]


class MenuScene:
    """A form and a button; laid out anew whenever an answer or the window's size changes."""

    def __init__(self, window: Window, actions: MenuActions, form: Form, notice: str = "") -> None:
        """form: the answers to begin with. notice: how the last scene ended, if there is anything to tell."""
        self._window, self._actions = window, actions
        self.form, self.notice = form, notice
        self.file = actions.new_file(form.answer("world"))
        """Where a new recording goes."""
        self.list = RecordingList(actions.recent())
        self._focus = 0
        self._following: Scene | Literal[Quit.QUIT] | None = None
        self._manager: Any = None
        self._entry: Any = None
        self.rows: list[tuple[str, pygame.Rect, Row | None]] = []
        """What can be focused, from top to bottom: its name, its place, and its answers if it is a question."""
        self.buttons: dict[str, pygame.Rect] = {}
        """"start", "settings" and "quit"."""
        self._pointer = (-1, -1)
        self._now_s = 0.0
        self._typeface = Typeface(1.0)
        self._size = (0, 0)

    @property
    def focused(self) -> str:
        """The name of the row that has the keyboard."""
        return self.rows[self._focus][0] if self.rows else ""

    # -- events -------------------------------------------------------------------------------------------

    def handle(self, event: pygame.Event) -> None:
        if event.type == pygame.KEYDOWN and self._press(key_name(event)):
            return
        if self._manager is not None:
            self._manager.process_events(event)
        match event.type:
            case pygame.MOUSEMOTION:
                self._pointer = event.pos
            case pygame.MOUSEBUTTONDOWN if event.button == 1:
                self._click(event.pos)
            case pygame.MOUSEWHEEL if self.form.task is Task.REVIEW:
                self.list.scroll(event.y)
            case pygame_gui.UI_TEXT_ENTRY_CHANGED if event.ui_element is self._entry:
                self.file = Path(event.text)

    def _press(self, name: str | None) -> bool:
        """Says whether the key was the menu's own, rather than for the text being typed."""
        match name:
            case "escape":
                self._following = QUIT
            case "return":
                self._begin()
            case "space" if self.focused != FILE:
                self._begin()
            case "f1":
                self._following = self._actions.settings(self.form)
            case "up" | "down" | "tab":
                self._move(-1 if name == "up" else 1)
            case "left" | "right" if self.focused not in (FILE, LIST):
                question = self.form.question(self.focused)
                beside = question.beside(self.form.answer(question.name), 1 if name == "right" else -1)
                self._take(question.name, beside.value)
            case _:
                return False
        return True

    def _click(self, place: tuple[int, int]) -> None:
        for button, area in self.buttons.items():
            if area.collidepoint(place):
                self._press({"start": "return", "settings": "f1", "quit": "escape"}[button])
                return
        for index, (name, area, row) in enumerate(self.rows):
            if area.collidepoint(place):
                self._focus = index
                option = None if row is None else row.option_at(place)
                if option is not None:
                    self._take(name, option.value)
                elif name == LIST and self.list.press(place):
                    self._begin()
        self._give_keyboard()

    def _move(self, by: int) -> None:
        """To the row above or below; within the list of recordings first from one to the next."""
        if self.focused != LIST or not self.list.move(by):
            self._focus = min(len(self.rows) - 1, max(0, self._focus + by))
        self._give_keyboard()

    def _take(self, name: str, value: str) -> None:
        if value == self.form.answer(name):
            return
        self.form, self.notice = self.form.with_answer(name, value), ""
        if name == "world":
            self.file = self._actions.new_file(value)
        self._lay_out()

    def _begin(self) -> None:
        chosen = self.form.answer("recording") if self.form.task is not Task.REVIEW else self.list.path
        file = Path(chosen) if chosen else self.file
        try:
            match self.form.task:
                case Task.RECORD:
                    self._following = self._actions.record(self.form, file)
                case Task.CORRECT:
                    self._following = self._actions.correct(self.form, file)
                case Task.REVIEW if chosen:
                    self._following = self._actions.review(self.form, file)
        except UnderstudyError as error:
            self.notice = str(error)

    # -- time ---------------------------------------------------------------------------------------------

    def update(self, now_s: float) -> Scene | Literal[Quit.QUIT] | None:
        elapsed_s, self._now_s = now_s - self._now_s, now_s
        if self._window.surface.get_size() != self._size:
            self._lay_out()
        self._manager.update(min(elapsed_s, 0.1))
        return self._following

    def leave(self) -> None:
        """Nothing is open."""

    # -- where things lie ---------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        size = self._window.surface.get_size()
        if self._manager is None or size != self._size:
            self._size = size
            self._typeface = Typeface(scale_of_rows(size))
            self._manager = pygame_gui.UIManager(size, theme_path=theme(self._typeface.scale))
        self._manager.clear_and_reset()
        px, focused = self._typeface.px, self.focused
        line = first_row(self._typeface, size)
        self.rows, self._entry = [], None
        for question in self.form.questions():
            value, area = self.form.answer(question.name), line.copy()
            types_file = question.name == "recording" and not value
            if types_file:
                area.width = px(LABEL) + (0 if len(question.options) == 1 else px(220))
            if not types_file or len(question.options) > 1:
                self.rows.append((question.name, area, make_row(self._typeface, question, value, area)))
            if types_file:
                self._add_entry(pygame.Rect(area.right, line.y, line.right - area.right, line.height))
            line.y += line.height + px(GAP if question.name != "task" else 16)
        self._place_buttons(self._add_list(line) if self.form.task is Task.REVIEW else line)
        names = [name for name, _, _ in self.rows]
        self._focus = names.index(focused) if focused in names else min(self._focus, len(names) - 1)
        self._give_keyboard()

    def _add_entry(self, room: pygame.Rect) -> None:
        gap = 0 if room.x == self.rows[-1][1].x + self._typeface.px(LABEL) else self._typeface.px(8)
        area = pygame.Rect(room.x + gap, room.y, room.width - gap, room.height)
        self._entry = UITextEntryLine(
            area.inflate(0, -self._typeface.px(4)), self._manager, initial_text=str(self.file)
        )
        self.rows.append((FILE, area, None))

    def _add_list(self, line: pygame.Rect) -> pygame.Rect:
        """The list takes the room that is left; returns the line below it."""
        px = self._typeface.px
        area = pygame.Rect(line.x, line.y, line.width, self._size[1] - line.y - px(150))
        self.rows.append((LIST, area, None))
        return pygame.Rect(line.x, area.bottom + px(GAP), line.width, line.height)

    def _place_buttons(self, line: pygame.Rect) -> None:
        px = self._typeface.px
        leave = key_button(self._typeface, LEAVE, bottomright=(line.right + px(20), self._size[1] - px(12)))
        settings = key_button(self._typeface, SETTINGS, midright=(leave.x - px(10), leave.centery))
        start = pygame.Rect(line.x + px(LABEL), line.y + px(8), px(190), px(44))
        self.buttons = {"start": start, "settings": settings, "quit": leave}

    def _give_keyboard(self) -> None:
        """To the text where a file is typed, else to the menu alone."""
        self._manager.set_focus_set(self._entry if self.focused == FILE else None)

    # -- picture ------------------------------------------------------------------------------------------

    def draw(self, surface: pygame.Surface) -> None:
        typeface, px = self._typeface, self._typeface.px
        surface.fill(BACKGROUND)
        first, start = self.rows[0][1], self.buttons["start"]
        draw_head(surface, typeface, first, "Understudy", "Teach an agent by driving it.", self.notice)
        draw_sheet(surface, typeface, pygame.Rect(first.x, first.y, first.width, start.bottom - first.y))
        for index, (name, area, row) in enumerate(self.rows):
            if row is not None:
                draw_answers(surface, typeface, row, focused=index == self._focus, pointer=self._pointer)
            elif name == LIST:
                self.list.draw(surface, typeface, area, self._pointer)
            elif self.rows[index - 1][0] != "recording":
                label = area.move(-px(LABEL), 0)
                draw_label(surface, typeface, label, "Recording", focused=index == self._focus)
        self._manager.draw_ui(surface)
        self._draw_buttons(surface)
        self._draw_note(surface)

    def _draw_buttons(self, surface: pygame.Surface) -> None:
        typeface, px, areas = self._typeface, self._typeface.px, self.buttons
        word = "Open" if self.form.task is Task.REVIEW else "Start"
        draw_start(surface, typeface, areas["start"], word, over=areas["start"].collidepoint(self._pointer))
        for name, row in (("settings", SETTINGS), ("quit", LEAVE)):
            draw_key_button(surface, typeface, areas[name], row, over=areas[name].collidepoint(self._pointer))
        x, y = self.rows[0][1].x - px(20), areas["quit"].centery - cap_height(typeface) // 2
        for row in KEYS:
            if x + row_width(typeface, row) < areas["settings"].x - px(10):
                draw_row(surface, typeface, (x, y), row)
            x += row_width(typeface, row) + px(20)

    def _draw_note(self, surface: pygame.Surface) -> None:
        """What the answer in the focused row means, beside the button."""
        typeface, left = self._typeface, self.buttons["start"].right + self._typeface.px(20)
        lines = typeface.wrap(self._note(), Role.SMALL, self.rows[0][1].right - left)
        height = typeface.height(Role.SMALL)
        top = self.buttons["start"].centery - height * len(lines) // 2
        for index, line in enumerate(lines):
            typeface.draw(surface, line, Role.SMALL, MUTED, topleft=(left, top + index * height))

    def _note(self) -> str:
        if self.focused == FILE:
            return "Every step is on the disk at once. An existing recording of the same world is continued."
        if self.focused == LIST:
            return self.list.path
        return self.form.question(self.focused).option(self.form.answer(self.focused)).note
