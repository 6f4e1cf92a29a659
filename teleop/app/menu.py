"""The menu: what to do, in which world, with whom, and where the recording goes; by mouse or keyboard alone.

Reading order: MenuActions (what the menu can start), MenuScene (the form as widgets).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pygame
import pygame_gui
from pygame_gui.elements import UIButton, UISelectionList, UITextEntryLine

from recordings.errors import UnderstudyError
from teleop.app.form import Form, Option, Question, Task
from teleop.app.key_names import key_name
from teleop.app.keycaps import KeyRow, cap_height, draw_row, row_width
from teleop.app.layout import scale_of
from teleop.app.theme import ACCENT, theme
from teleop.app.typeface import Role, Typeface
from teleop.app.window import QUIT, Quit, Scene, Window
from teleop.palette import BACKGROUND, CARD, CARD_EDGE, MUTED, TEXT, WARNING

COLUMN = 880
"""Width of the form, in design pixels."""
ROW, LABEL = 44, 150
"""Height of a row, and width of its question."""
KEYS = (
    KeyRow(("up", "down"), "row"),
    KeyRow(("left", "right"), "choose"),
    KeyRow(("return",), "start"),
    KeyRow(("escape",), "quit"),
)
FILE, LIST = "file", "list"
"""Names of the two rows that are no questions."""


@dataclass(frozen=True)
class MenuActions:
    """What the menu can start. It knows no file itself: these functions do."""

    worlds: Sequence[Option]
    """Name, title and description of each world."""
    record: Callable[[Form, Path], Scene]
    """Form and file of the recording -> the scene that records it. Raises UnderstudyError."""
    correct: Callable[[Form, Path], Scene]
    replay: Callable[[Form, Path], Scene]
    recent: Callable[[], Sequence[Path]]
    """Recordings that can be replayed, newest first."""
    new_file: Callable[[str], Path]
    """A file that is free, for a world's name."""


class MenuScene:
    """A form and a button. Rebuilt whenever an answer or the window's size changes."""

    def __init__(
        self, window: Window, actions: MenuActions, *, form: Form | None = None, notice: str = ""
    ) -> None:
        """form: the answers to begin with. notice: how the last scene ended, if there is anything to tell."""
        self._window, self._actions = window, actions
        self.form = form or Form(tuple(actions.worlds))
        self.notice = notice
        self._recent = list(actions.recent())
        self._picked = 0
        self._file = actions.new_file(self.form.answer("world"))
        self._focus = 0
        self._following: Scene | Literal[Quit.QUIT] | None = None
        self._manager: Any = None
        self._buttons: dict[Any, tuple[Question, Option]] = {}
        self._rows: list[tuple[str, pygame.Rect]] = []
        self._entry: Any = None
        self._list: Any = None
        self._start: Any = None
        self._quit: Any = None
        self._now_s = 0.0
        self._typeface = Typeface(1.0)
        self._size = (0, 0)

    # -- events -------------------------------------------------------------------------------------------

    def handle(self, event: pygame.Event) -> None:
        if event.type == pygame.KEYDOWN and self._press(key_name(event)):
            return
        if self._manager is None:
            return
        self._manager.process_events(event)
        match event.type:
            case pygame_gui.UI_BUTTON_PRESSED if event.ui_element is self._start:
                self._begin()
            case pygame_gui.UI_BUTTON_PRESSED if event.ui_element is self._quit:
                self._following = QUIT
            case pygame.MOUSEBUTTONDOWN:
                under = [index for index, row in enumerate(self._rows) if row[1].collidepoint(event.pos)]
                self._focus = under[0] if under else self._focus
            case pygame_gui.UI_BUTTON_PRESSED if event.ui_element in self._buttons:
                question, option = self._buttons[event.ui_element]
                self._focus = self._row_of(question.name)
                self._take(self.form.with_answer(question.name, option.value))
            case pygame_gui.UI_TEXT_ENTRY_CHANGED if event.ui_element is self._entry:
                self._file = Path(event.text)
            case pygame_gui.UI_SELECTION_LIST_NEW_SELECTION:
                self._picked = self._names().index(event.text)
                self._focus = self._row_of(LIST)
            case pygame_gui.UI_SELECTION_LIST_DOUBLE_CLICKED_SELECTION:
                self._begin()

    def _press(self, name: str | None) -> bool:
        """Says whether the key was the menu's own, rather than for the text being typed."""
        row = self._rows[self._focus][0] if self._rows else ""
        match name:
            case "escape":
                self._following = QUIT
            case "return":
                self._begin()
            case "up" | "down" | "tab":
                self._move(row, -1 if name == "up" else 1)
            case "left" | "right" if row not in (FILE, LIST):
                question = next(each for each in self.form.questions() if each.name == row)
                self._take(self.form.turned(question, 1 if name == "right" else -1))
            case _:
                return False
        return True

    def _move(self, row: str, by: int) -> None:
        """To the row above or below; within the list of recordings first from one to the next."""
        inside = self._picked + by
        if row == LIST and 0 <= inside < len(self._recent):
            self._picked = inside
        else:
            self._focus = min(len(self._rows) - 1, max(0, self._focus + by))
        self._build()

    def _take(self, form: Form) -> None:
        if form == self.form:
            return
        if form.answer("world") != self.form.answer("world"):
            self._file = self._actions.new_file(form.answer("world"))
        self.form, self.notice = form, ""
        self._build()

    def _row_of(self, name: str) -> int:
        return next((index for index, row in enumerate(self._rows) if row[0] == name), 0)

    def _begin(self) -> None:
        try:
            match self.form.task:
                case Task.RECORD:
                    self._following = self._actions.record(self.form, self._file)
                case Task.CORRECT:
                    self._following = self._actions.correct(self.form, self._file)
                case Task.REPLAY if self._recent:
                    self._following = self._actions.replay(self.form, self._recent[self._picked])
        except UnderstudyError as error:
            self.notice = str(error)

    # -- time ---------------------------------------------------------------------------------------------

    def update(self, now_s: float) -> Scene | Literal[Quit.QUIT] | None:
        elapsed_s, self._now_s = now_s - self._now_s, now_s
        if self._window.surface.get_size() != self._size:
            self._build()
        self._manager.update(min(elapsed_s, 0.1))
        return self._following

    def leave(self) -> None:
        """Nothing is open."""

    # -- widgets ------------------------------------------------------------------------------------------

    def _names(self) -> list[str | tuple[str, str]]:
        return [path.name for path in self._recent]

    def _build(self) -> None:
        """Lay the form out anew."""
        size = self._window.surface.get_size()
        if self._manager is None or size != self._size:
            self._size = size
            self._typeface = Typeface(scale_of(size))
            self._manager = pygame_gui.UIManager(size, theme_path=theme(self._typeface.scale))
        self._manager.clear_and_reset()
        px = self._typeface.px
        self._buttons, self._rows, self._entry, self._list = {}, [], None, None
        width = min(px(COLUMN), size[0] - 2 * px(40))
        left, y = (size[0] - width) // 2, px(150)
        for question in self.form.questions():
            area = pygame.Rect(left, y, width, px(ROW))
            self._add_question(question, area)
            y += px(ROW) + px(8 if question.name != "task" else 18)
        y = (
            self._add_list(left, y, width)
            if self.form.task is Task.REPLAY
            else self._add_file(left, y, width)
        )
        self._focus = min(self._focus, len(self._rows) - 1)
        self._start = UIButton(
            pygame.Rect(left + px(LABEL), y + px(14), px(200), px(46)),
            "Open" if self.form.task is Task.REPLAY else "Start",
            self._manager,
            object_id="@start",
        )
        if self.form.task is Task.REPLAY and not self._recent:
            self._start.disable()
        foot = pygame.Rect(0, 0, px(110), px(34))
        foot.bottomright = (left + width + px(20), size[1] - px(14))
        self._quit = UIButton(foot, "Quit", self._manager)
        if self._entry is not None and self._rows[self._focus][0] == FILE:
            self._manager.set_focus_set(self._entry)

    def _add_question(self, question: Question, area: pygame.Rect) -> None:
        px = self._typeface.px
        self._rows.append((question.name, area))
        gap, inset = px(8), px(4)
        room = area.width - px(LABEL) - inset - gap * (len(question.options) - 1)
        width = room // len(question.options)
        for index, option in enumerate(question.options):
            x = area.x + px(LABEL) + index * (width + gap)
            rect = pygame.Rect(x, area.y + inset, width, area.height - 2 * inset)
            button = UIButton(rect, option.word, self._manager)
            if option == self.form.chosen(question):
                button.select()  # type: ignore[no-untyped-call]
            self._buttons[button] = (question, option)

    def _add_file(self, left: int, y: int, width: int) -> int:
        px = self._typeface.px
        area = pygame.Rect(left, y, width, px(ROW))
        self._rows.append((FILE, area))
        inset = px(4)
        rect = pygame.Rect(left + px(LABEL), y + inset, width - px(LABEL) - inset, area.height - 2 * inset)
        self._entry = UITextEntryLine(rect, self._manager, initial_text=str(self._file))
        return area.bottom

    def _add_list(self, left: int, y: int, width: int) -> int:
        px = self._typeface.px
        height = max(px(ROW) * 2, self._size[1] - y - px(190))
        area = pygame.Rect(left, y, width, height)
        self._rows.append((LIST, area))
        rect = pygame.Rect(left + px(LABEL), y, width - px(LABEL) - px(4), height)
        if self._recent:
            names = self._names()
            self._list = UISelectionList(rect, names, self._manager, default_selection=names[self._picked])
        return area.bottom

    # -- picture ------------------------------------------------------------------------------------------

    def draw(self, surface: pygame.Surface) -> None:
        typeface, px = self._typeface, self._typeface.px
        surface.fill(BACKGROUND)
        if not self._rows:
            return
        left, width = self._rows[0][1].x, self._rows[0][1].width
        self._draw_title(surface, left)
        sheet = pygame.Rect(left, px(136), width, self._start.rect.bottom + px(16) - px(136)).inflate(
            px(40), 0
        )
        pygame.draw.rect(surface, CARD, sheet, border_radius=px(10))
        pygame.draw.rect(surface, CARD_EDGE, sheet, 1, border_radius=px(10))
        for index, (name, area) in enumerate(self._rows):
            self._draw_label(surface, name, area, focused=index == self._focus)
        if self.form.task is Task.REPLAY and not self._recent:
            text = "No recordings yet: record a demonstration first."
            typeface.draw(
                surface, text, Role.BODY, MUTED, midleft=(left + px(LABEL), self._rows[-1][1].y + px(20))
            )
        self._manager.draw_ui(surface)
        self._draw_note(surface)
        self._draw_foot(surface, sheet)

    def _draw_title(self, surface: pygame.Surface, left: int) -> None:
        typeface, px = self._typeface, self._typeface.px
        title = typeface.draw(surface, "Understudy", Role.LOGO, TEXT, topleft=(left, px(46)))
        bar = pygame.Rect(left - px(20), title.y + px(6), px(6), title.height - px(10))
        pygame.draw.rect(surface, ACCENT, bar, border_radius=px(3))
        below = (left, title.bottom + px(2))
        typeface.draw(surface, "Teach an agent by driving it.", Role.HINT, MUTED, topleft=below)

    def _draw_label(self, surface: pygame.Surface, name: str, area: pygame.Rect, *, focused: bool) -> None:
        typeface, px = self._typeface, self._typeface.px
        asks = {FILE: "Recording", LIST: "Recording"}
        asks |= {question.name: question.asks for question in self.form.questions()}
        middle = area.y + px(ROW) // 2
        if focused:
            mark = pygame.Rect(area.x - px(12), area.y + px(8), px(4), px(ROW) - px(16))
            pygame.draw.rect(surface, ACCENT, mark, border_radius=px(2))
        colour = TEXT if focused else MUTED
        typeface.draw(
            surface, asks[name], Role.STRONG if focused else Role.BODY, colour, midleft=(area.x, middle)
        )

    def _draw_note(self, surface: pygame.Surface) -> None:
        """What the answer in the focused row means, beside the button."""
        typeface, px = self._typeface, self._typeface.px
        left = self._start.rect.right + px(20)
        width = self._rows[0][1].right - left
        lines = typeface.wrap(self._note(), Role.SMALL, width)
        height = typeface.height(Role.SMALL)
        top = self._start.rect.centery - height * len(lines) // 2
        for index, line in enumerate(lines):
            typeface.draw(surface, line, Role.SMALL, MUTED, topleft=(left, top + index * height))

    def _note(self) -> str:
        name = self._rows[self._focus][0]
        if name == FILE:
            return "Every step is on the disk at once. An existing recording of the same world is continued."
        if name == LIST:
            return str(self._recent[self._picked]) if self._recent else ""
        question = next(each for each in self.form.questions() if each.name == name)
        return self.form.chosen(question).note

    def _draw_foot(self, surface: pygame.Surface, sheet: pygame.Rect) -> None:
        typeface, px = self._typeface, self._typeface.px
        y = sheet.bottom + px(14)
        for line in typeface.wrap(self.notice, Role.BODY, sheet.width)[:3] if self.notice else ():
            typeface.draw(surface, line, Role.BODY, WARNING, topleft=(sheet.x, y))
            y += typeface.height(Role.BODY)
        x, y = sheet.x, surface.get_height() - cap_height(typeface) - px(20)
        for row in KEYS:
            draw_row(surface, typeface, (x, y), row)
            x += row_width(typeface, row) + px(24)
