"""The settings: colours, text, hands, sessions, keys and gamepad, each tried out at once; by mouse or keyboard alone.

Reading order: SettingsScene (events, then where things lie, then the picture); what can be set is `settings_form`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

import pygame

from teleop.app.answers import GAP, Row, draw_answers, draw_key_button, key_button, make_row
from teleop.app.form import Option, Question
from teleop.app.key_names import key_cap, key_name
from teleop.app.keycaps import KeyRow
from teleop.app.layout import scale_of
from teleop.app.look_preview import draw_preview
from teleop.app.preferences import Preferences
from teleop.app.settings_form import (
    PAGES,
    QUESTIONS,
    Slot,
    key_slots,
    pad_slots,
    question_of,
    value_of,
    with_value,
)
from teleop.app.slot_grid import SlotGrid
from teleop.app.title import draw_head, draw_sheet, first_row, scale_of_rows
from teleop.app.typeface import Role, Typeface
from teleop.app.window import Quit, Scene, Window
from teleop.preferences.bindings import KeyTaken, as_usual, owner_of, rebound
from teleop.preferences.palette import BACKGROUND, MUTED, WARNING
from teleop.worlds.catalogue import World

BACK, USUAL = KeyRow(("escape",), "Back"), KeyRow(("delete",), "Usual keys")


class SettingsScene:
    """One page at a time. What is changed holds at once, and is kept."""

    def __init__(
        self, window: Window, preferences: Preferences, worlds: Sequence[World], then: Callable[[], Scene]
    ) -> None:
        """worlds: whose drive keys can be chosen. then: makes the scene to go back to."""
        self._window, self._preferences, self._then = window, preferences, then
        self._worlds = {world.title: world for world in worlds if world.keys}
        self.page = "look"
        self._world = next(iter(self._worlds))
        self.rows: list[Row] = []
        self.grid = SlotGrid()
        self._focus = 0
        self.waiting = False
        """The grid's slot waits for its new key."""
        self.notice = ""
        self.buttons: dict[str, pygame.Rect] = {}
        self._rest = pygame.Rect(0, 0, 1, 1)
        """What the rows leave free."""
        self._pointer = (-1, -1)
        self._following: Scene | None = None
        self._typeface = self._session_typeface = Typeface(1.0)
        self._laid_out_for: tuple[tuple[int, int], float] | None = None

    # -- events -------------------------------------------------------------------------------------------

    def handle(self, event: pygame.Event) -> None:
        match event.type:
            case pygame.KEYDOWN if self.waiting:
                self._choose(key_name(event))
            case pygame.KEYDOWN:
                self._press(key_name(event))
            case pygame.MOUSEMOTION:
                self._pointer = event.pos
            case pygame.MOUSEBUTTONDOWN if event.button == 1:
                self._click(event.pos)
            case pygame.WINDOWFOCUSLOST:
                self.waiting = False

    def _press(self, name: str | None) -> None:
        self.notice = ""
        match name:
            case "escape":
                self._following = self._then()
            case "delete" if self.grid.columns:
                self._as_usual()
            case "up" | "down" | "tab":
                self._move(-1 if name == "up" else 1)
            case "left" | "right" if self.grid.at is not None:
                self.grid.move(1 if name == "right" else -1, 0)
            case "left" | "right":
                row = self.rows[self._focus]
                self._take(row.question, row.question.beside(row.chosen.value, 1 if name == "right" else -1))
            case "return" | "space" if self.grid.at is not None:
                self.waiting = True

    def _click(self, place: tuple[int, int]) -> None:
        self.notice, self.waiting = "", False
        for button, area in self.buttons.items():
            if area.collidepoint(place):
                self._press({"back": "escape", "usual": "delete"}[button])
                return
        for index, row in enumerate(self.rows):
            if row.area.collidepoint(place):
                self._focus, self.grid.at = index, None
                option = row.option_at(place)
                if option is not None:
                    self._take(row.question, option)
                return
        self.waiting = self.grid.press(place)

    def _move(self, by: int) -> None:
        """Down through the rows into the grid, and back."""
        if self.grid.at is not None:
            self.grid.move(0, by)
        elif self._focus + by == len(self.rows):
            self.grid.enter()
        else:
            self._focus = max(0, self._focus + by)

    def _take(self, question: Question, option: Option) -> None:
        match question.name:
            case "page":
                self.page, self._focus, self.grid.at = option.value, 0, None
            case "world":
                self._world = option.value
            case name:
                self._preferences.change(with_value(self._preferences.settings, name, option.value))
        self._lay_out()

    def _choose(self, key: str | None) -> None:
        """The key that was pressed for the slot that waits."""
        slot = self.grid.slot
        self.waiting = False
        if key == "escape" or slot is None:
            return
        if key is None:
            self.notice = "That key belongs to the desktop or is not known here. Try another."
            return
        settings = self._preferences.settings
        if slot.kind == "pad":
            self._preferences.change(replace(settings, pad_keys={**settings.pad_keys, slot.name: key}))
        else:
            self._bind(slot, key)
        self._lay_out()

    def _bind(self, slot: Slot, key: str) -> None:
        settings, world = self._preferences.settings, self._worlds[self._world]
        owner = owner_of(key, world, settings)
        try:
            self._preferences.change(rebound(settings, world, slot.bound, key))
        except KeyTaken as taken:
            self.notice = f"{key_cap(key)} {taken}. Nothing was changed."
            return
        for other in itertools.chain(*key_slots(world, self._preferences.settings)):
            if other.bound == owner != slot.bound:
                self.notice = f"Swapped: {key_cap(other.key)} is for “{other.does}” now."

    def _as_usual(self) -> None:
        settings = self._preferences.settings
        if self.page == "gamepad":
            self._preferences.change(replace(settings, pad_keys={}))
        else:
            self._preferences.change(as_usual(settings, self._worlds[self._world]))
        self._lay_out()

    # -- time ---------------------------------------------------------------------------------------------

    def update(self, now_s: float) -> Scene | Literal[Quit.QUIT] | None:
        size = self._window.surface.get_size()
        if self._laid_out_for != (size, scale_of(size)):
            self._lay_out()
        return self._following

    def leave(self) -> None:
        """Everything is kept already."""

    # -- where things lie ---------------------------------------------------------------------------------

    def _questions(self) -> list[tuple[Question, str]]:
        """Those of the page, each with its present answer."""
        settings = self._preferences.settings
        if self.page == "keys":
            options = tuple(Option(title, title, world.description) for title, world in self._worlds.items())
            return [(PAGES, self.page), (Question("world", "World", options), self._world)]
        names = [question.name for question in QUESTIONS.get(self.page, ())]
        return [
            (PAGES, self.page),
            *((question_of(self.page, name, settings), value_of(settings, name)) for name in names),
        ]

    def _slots(self) -> list[tuple[str, list[Slot]]]:
        settings = self._preferences.settings
        match self.page:
            case "keys":
                drive, orders = key_slots(self._worlds[self._world], settings)
                return [("drive", drive), ("command", orders)]
            case "gamepad":
                return [("control: key it presses", pad_slots(settings))]
        return []

    def _lay_out(self) -> None:
        size = self._window.surface.get_size()
        scale = scale_of_rows(size)
        if self._laid_out_for is None or self._typeface.scale != scale:
            self._typeface = Typeface(scale)
        if self._laid_out_for != (size, scale_of(size)):
            self._session_typeface = Typeface(scale_of(size))
        self._laid_out_for = (size, scale_of(size))
        px = self._typeface.px
        line = first_row(self._typeface, size)
        self.rows = []
        for question, value in self._questions():
            self.rows.append(make_row(self._typeface, question, value, line.copy()))
            line.y += line.height + px(GAP if question.name != "page" else 16)
        back = key_button(self._typeface, BACK, bottomright=(line.right + px(20), size[1] - px(12)))
        top, foot = self.rows[-1].area.bottom + px(14), back.y - px(32)
        self._rest = pygame.Rect(line.x, top, line.width, foot - top)
        self.grid.show(self._slots(), self._typeface, self._rest.height)
        self.buttons = {"back": back}
        if self.grid.columns:
            self.buttons["usual"] = key_button(
                self._typeface, USUAL, midright=(back.x - px(10), back.centery)
            )

    # -- picture ------------------------------------------------------------------------------------------

    def draw(self, surface: pygame.Surface) -> None:
        typeface, px = self._typeface, self._typeface.px
        surface.fill(BACKGROUND)
        first = self.rows[0].area
        below = "They hold at once and are kept."
        draw_head(surface, typeface, first, "Settings", below, self._preferences.notice)
        draw_sheet(surface, typeface, first.union(self._rest))
        for index, row in enumerate(self.rows):
            focused = self.grid.at is None and index == self._focus
            draw_answers(surface, typeface, row, focused=focused, pointer=self._pointer)
        if self.page == "look":
            draw_preview(surface, self._session_typeface, self._rest)
        elif self.grid.columns:
            self.grid.draw(surface, typeface, self._rest, pointer=self._pointer, waiting=self.waiting)
        for name, key in (("back", BACK), ("usual", USUAL)):
            if name in self.buttons:
                over = self.buttons[name].collidepoint(self._pointer)
                draw_key_button(surface, typeface, self.buttons[name], key, over=over)
        self._draw_note(surface, first.x - px(20))

    def _draw_note(self, surface: pygame.Surface, left: int) -> None:
        """What the focused row means, or what to do, at the foot."""
        typeface, px = self._typeface, self._typeface.px
        button = self.buttons.get("usual", self.buttons["back"])
        lines = typeface.wrap(self.notice or self._note(), Role.SMALL, button.x - px(20) - left)[:3]
        height = typeface.height(Role.SMALL)
        top = button.centery - height * len(lines) // 2
        for index, line in enumerate(lines):
            place = (left, top + index * height)
            typeface.draw(surface, line, Role.SMALL, WARNING if self.notice else MUTED, topleft=place)

    def _note(self) -> str:
        slot = self.grid.slot
        if self.waiting and slot is not None:
            return f"Press the key for “{slot.does}”. ESC leaves it as it is."
        if slot is not None:
            return "ENTER, then the new key."
        if self.page == "gamepad":
            names = self._window.gamepads.names
            return (
                f"Plugged in: {', '.join(names)}."
                if names
                else "No gamepad is plugged in. One can be at any time."
            )
        row = self.rows[self._focus]
        return row.chosen.note
