"""The settings as questions with a few answers each, and as keys to choose; data alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Literal

from teleop.app.form import Option, Question
from teleop.app.gamepad import PAD_KEYS
from teleop.app.key_rows import word_of
from teleop.preferences.bindings import DOES, Bound, key_of, usual_keys
from teleop.preferences.palettes import PALETTES
from teleop.preferences.settings import Settings
from teleop.studio.phases import SESSION_KEYS
from teleop.worlds.catalogue import World

PAGES = Question(
    "page",
    "Settings",
    (
        Option("look", "Look", "Colours, size of text, and which hand drives."),
        Option("session", "Session", "How sessions begin, ask and end."),
        Option("keys", "Keys", "Which keys drive and command."),
        Option("gamepad", "Gamepad", "Which keys a gamepad presses."),
    ),
)


def _number(value: float | None, word: str, note: str = "") -> Option:
    return Option("" if value is None else f"{value:g}", word, note)


LOOK = (
    Question(
        "palette", "Colours", tuple(Option(palette.name, palette.title, palette.note) for palette in PALETTES)
    ),
    Question(
        "text_size",
        "Size of text",
        tuple(
            _number(
                size / 10,
                f"{10 * size} %",
                "Everything around a text grows with it; the world has what is left.",
            )
            for size in range(8, 17)
        ),
    ),
    Question(
        "hands",
        "Keys for",
        (
            Option("two", "Two hands", "Arrows or WASD drive; the other hand commands."),
            Option("left", "The left hand", "WASD drives, and commands lie around it."),
            Option("right", "The right hand", "Arrows drive, and commands lie on the keyboard's right."),
        ),
    ),
)
SESSION = (
    Question(
        "countdown_s",
        "Countdown",
        tuple(
            _number(
                s, f"{s} s" if s else "None", "Before an episode of a world that does not wait for a key."
            )
            for s in (0, 1, 2, 3, 5)
        ),
    ),
    Question(
        "rewind_steps",
        "Rewind by",
        tuple(
            _number(n, f"{n} steps", "How far one press of the rewind key goes back.")
            for n in (5, 10, 20, 50)
        ),
    ),
    Question(
        "reask_share",
        "Ask again",
        tuple(
            _number(
                share,
                f"{100 * share:g} %" if share else "Never",
                "The share of your labels that you are asked about again, to see whether you agree with yourself.",
            )
            for share in (0.0, 0.02, 0.05, 0.1, 0.2)
        ),
    ),
    Question(
        "label_budget",
        "Label budget",
        tuple(
            _number(n, str(n) if n else "No limit", "After so many labels nobody is asked any more.")
            for n in (None, 50, 100, 200, 500, 1000)
        ),
    ),
    Question(
        "minutes_budget",
        "Minutes at most",
        tuple(
            _number(n, str(n) if n else "No limit", "A person teaches best for a quarter of an hour.")
            for n in (None, 5, 10, 15, 30, 60)
        ),
    ),
)
QUESTIONS: Mapping[str, tuple[Question, ...]] = MappingProxyType({"look": LOOK, "session": SESSION})
"""Page -> its questions; the other pages choose keys."""


def value_of(settings: Settings, name: str) -> str:
    """The present answer to a question."""
    value = getattr(settings, name)
    return value if isinstance(value, str) else _number(value, "").value


def with_value(settings: Settings, name: str, value: str) -> Settings:
    """The settings after an answer."""
    changes: dict[str, Any] = {name: value}
    if name in ("text_size", "reask_share"):
        changes[name] = float(value)
    elif name in ("countdown_s", "rewind_steps", "label_budget", "minutes_budget"):
        changes[name] = int(value) if value else None
    return replace(settings, **changes)


def question_of(page: str, name: str, settings: Settings) -> Question:
    """A question of a page; a value that is not among its answers (written by hand into the file) is added to them."""
    question = next(each for each in QUESTIONS[page] if each.name == name)
    value = value_of(settings, name)
    if value in [option.value for option in question.options]:
        return question
    return replace(question, options=(*question.options, Option(value, value, question.options[-1].note)))


@dataclass(frozen=True)
class Slot:
    """Something to choose a key for."""

    kind: Literal["order", "drive", "pad"]
    name: str
    does: str
    """In a word or two."""
    key: str
    """Chosen now; empty: none."""

    @property
    def bound(self) -> Bound:
        """As `teleop.preferences.bindings` knows it. Raises ValueError for a control of a gamepad."""
        if self.kind == "pad":
            raise ValueError("a gamepad's control is not bound to a meaning but to a key")
        return Bound(self.kind, self.name)


def key_slots(world: World, settings: Settings) -> tuple[list[Slot], list[Slot]]:
    """For driving this world, and for commanding any session."""
    drive = []
    for key in usual_keys(world, settings.hands):
        word = word_of(world, world.keys[key])
        drive.append(Slot("drive", key, word, key_of(Bound("drive", key), world, settings)))
    names = [(order.name.lower(), DOES[order]) for order in SESSION_KEYS]
    orders = [
        Slot("order", name, does, key_of(Bound("order", name), world, settings)) for name, does in names
    ]
    return drive, orders


def pad_slots(settings: Settings) -> list[Slot]:
    """For every control of a gamepad."""
    words = {"up": "stick up", "down": "stick down", "left": "stick left", "right": "stick right"}
    words |= {"left stick": "press left stick", "right stick": "press right stick"}
    return [
        Slot("pad", control, words.get(control, control), settings.pad_keys.get(control, usual))
        for control, usual in PAD_KEYS.items()
    ]
