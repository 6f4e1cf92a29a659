"""What a person prefers, kept from one run to the next as JSON in the platform's configuration folder.

Reading order: Settings (what is kept), load, save. `docs/decisions/0014-settings.md` says why so.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args

from recordings.errors import UnderstudyError

FORMAT_VERSION = 1
FOLDER_VARIABLE = "UNDERSTUDY_CONFIG"
"""Environment variable that names another folder."""
FILE = "settings.json"
RECENT = 20
"""Recordings remembered."""
SMALLEST_TEXT, LARGEST_TEXT = 0.8, 1.6

Hands = Literal["two", "left", "right"]


class SettingsError(UnderstudyError):
    """The settings cannot be read or kept."""


@dataclass(frozen=True)
class Settings:
    """Everything that is remembered; unchanged, it is what a newcomer finds."""

    answers: Mapping[str, str] = field(default_factory=dict)
    """The menu's last answers: name of a question -> value of an option."""
    recent: tuple[Path, ...] = ()
    """Absolute paths of recordings, newest first; some may be gone since."""
    session_keys: Mapping[str, str] = field(default_factory=dict)
    """Name of a session order, lower case ("take_over") -> the key preferred for it."""
    drive_keys: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Name of a world -> its own drive key -> the key preferred in its place."""
    pad_keys: Mapping[str, str] = field(default_factory=dict)
    """Control of a gamepad ("a", "dpad up") -> the key it presses, where that is not the usual one."""
    hands: Hands = "two"
    """Whether all keys are to lie under one hand."""
    palette: str = "standard"
    text_size: float = 1.0
    """Times the size that suits the window, 0.8 to 1.6."""
    countdown_s: int = 1
    """Seconds before an episode of a world that runs in real time."""
    rewind_steps: int = 10
    """How far one press of the rewind key goes back."""
    reask_share: float = 0.05
    """Of the labelled states, the share that is asked again later."""
    label_budget: int | None = None
    """Labels after which nobody is asked any more; None: no limit."""
    minutes_budget: int | None = None
    """Minutes of a session after which nobody is asked any more; None: no limit."""

    def remembering(self, recording: str | os.PathLike[str]) -> Settings:
        """With this recording as the newest."""
        newest = Path(recording).absolute()
        others = (path for path in self.recent if path != newest)
        return replace(self, recent=(newest, *others)[:RECENT])

    def recent_here(self) -> list[Path]:
        """The recent recordings that are still there, newest first."""
        return [path for path in self.recent if path.is_file()]


def folder() -> Path:
    """Where settings are kept: what UNDERSTUDY_CONFIG names, else the platform's place."""
    import platformdirs

    named = os.environ.get(FOLDER_VARIABLE)
    return Path(named) if named else platformdirs.user_config_path("understudy", appauthor=False)


def load(kept_in: Path | None = None) -> tuple[Settings, str]:
    """The settings, and a notice where they could not be read: the bad file is then kept aside, and all is as usual.

    kept_in: the folder; None: `folder()`. Raises nothing.
    """
    path = (kept_in or folder()) / FILE
    try:
        return from_json(json.loads(path.read_text(encoding="utf-8")), str(path)), ""
    except FileNotFoundError:
        return Settings(), ""
    except (OSError, ValueError, RecursionError, SettingsError) as error:
        found = str(error) if isinstance(error, SettingsError) else f"{path}: expected JSON, found {error}."
        return Settings(), f"{found} Your settings are back to the usual ones.{_set_aside(path)}"


def save(settings: Settings, kept_in: Path | None = None) -> None:
    """Keep the settings, in one instant. Raises SettingsError where the folder cannot be written."""
    path = (kept_in or folder()) / FILE
    aside = path.with_name(f".{FILE}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside.write_text(json.dumps(to_json(settings), indent=2) + "\n", encoding="utf-8")
        aside.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            aside.unlink()
        raise SettingsError(
            f"{path}: expected a place to keep your settings, found: {error.strerror or error}. They hold until "
            f"you quit; make the folder writable, or name another in {FOLDER_VARIABLE}."
        ) from error


def _set_aside(path: Path) -> str:
    kept = path.with_name(f"{path.stem}.unreadable.json")
    try:
        path.replace(kept)
    except OSError:
        return ""
    return f" The file is kept as {kept.name}."


def to_json(settings: Settings) -> dict[str, Any]:
    """The settings as JSON values."""
    values = {each.name: getattr(settings, each.name) for each in fields(settings)}
    return {"format_version": FORMAT_VERSION, **values, "recent": [str(path) for path in settings.recent]}


def from_json(values: Any, name: str = "settings") -> Settings:
    """The inverse of `to_json`; what is missing is as usual, and what is unknown is left out.

    name: stands for the file in messages. Raises SettingsError, which names the field.
    """
    if not isinstance(values, dict):
        raise SettingsError(f"{name}: expected a JSON object, found {_short(values)}.")
    version = values.get("format_version", FORMAT_VERSION)
    if version != FORMAT_VERSION:
        raise SettingsError(
            f"{name}: format_version: expected {FORMAT_VERSION}, found {_short(version)}: another version wrote it."
        )
    known = {each.name: values[each.name] for each in fields(Settings) if each.name in values}
    for field_name, value in known.items():
        expected, holds = CHECKS[field_name]
        if not holds(value):
            raise SettingsError(f"{name}: {field_name}: expected {expected}, found {_short(value)}.")
    recent = tuple(Path(text) for text in known.get("recent", ()))
    return Settings(**{**known, "recent": recent})


def _is_number(value: Any, least: float, most: float) -> bool:
    return not isinstance(value, bool) and isinstance(value, int | float) and least <= value <= most


def _is_whole(value: Any, least: int, most: int) -> bool:
    return isinstance(value, int) and _is_number(value, least, most)


def _are_texts(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(each, str) for each in value.values())


TEXTS: tuple[str, Callable[[Any], bool]] = ("an object of texts", _are_texts)
BUDGET: tuple[str, Callable[[Any], bool]] = (
    "null, or a whole number above 0",
    lambda value: value is None or _is_whole(value, 1, 10**9),
)
CHECKS: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
    "answers": TEXTS,
    "recent": (
        "a list of texts",
        lambda value: isinstance(value, list) and all(isinstance(each, str) for each in value),
    ),
    "session_keys": TEXTS,
    "drive_keys": (
        "an object of objects of texts",
        lambda value: isinstance(value, dict) and all(_are_texts(each) for each in value.values()),
    ),
    "pad_keys": TEXTS,
    "hands": (f"one of {', '.join(get_args(Hands))}", lambda value: value in get_args(Hands)),
    "palette": ("a text", lambda value: isinstance(value, str)),
    "text_size": (
        f"a number from {SMALLEST_TEXT} to {LARGEST_TEXT}",
        lambda value: _is_number(value, SMALLEST_TEXT, LARGEST_TEXT),
    ),
    "countdown_s": ("a whole number from 0 to 60", lambda value: _is_whole(value, 0, 60)),
    "rewind_steps": ("a whole number from 1 to 1000", lambda value: _is_whole(value, 1, 1000)),
    "reask_share": ("a number from 0 to 1", lambda value: _is_number(value, 0, 1)),
    "label_budget": BUDGET,
    "minutes_budget": BUDGET,
}
"""Field -> what is expected of it, in words, and the test."""


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
