"""A journal of a session: all that reached it from outside, and when, so that it can be played back to the step.

A text file. The first line is a JSON object: how the session was begun (`teleop.journals.journal_head`). Then one line
an event: the nanoseconds since the event before it, a word, and its argument; a line that is only a number is an
update, of which there is one a frame. A journal is appended to and never rewritten, so a kill costs at most its last
100 ms.

    {"understudy_journal": 1, "command": "dagger", "began_ns": 81273641, ...}
    16683214
    4100233 press space
    12583100
    9000000 release space

The other direction is `teleop.journals.rerun`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from recordings.errors import UnderstudyError
from teleop.session import Session

VERSION = 1
FLUSH_NS = 100_000_000
LONGEST_HEAD, LONGEST_LINE = 1 << 20, 1 << 8
DIGITS = 18
"""Of the greatest number of nanoseconds: some thirty years."""

WORDS: Mapping[str, Callable[[Session, str], object]] = {
    "update": lambda session, _: session.update(),
    "press": lambda session, key: session.press(key),
    "release": lambda session, key: session.release(key),
    "focus_lost": lambda session, _: session.focus_lost(),
    "resume": lambda session, _: session.resume(),
    "scrub": lambda session, step: session.scrub(int(step)),
    "close": lambda session, _: session.close(),
}
"""Everything a session hears, and how to say it again."""


class UnusableJournal(UnderstudyError):
    """A journal that cannot be written, read or played back."""


class JournalWriter:
    """Listens to one session. Trouble with the file ends the journal, never the session."""

    def __init__(self, path: Path) -> None:
        """Raises UnusableJournal: a file is there already, or none can be made."""
        self.path = path
        self.trouble = ""
        """Empty, or why the journal ends before the session does."""
        self._lines: list[str] = []
        self._last_ns = self._flushed_ns = 0
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file: IO[str] = path.open("x", encoding="utf-8", newline="\n")
        except FileExistsError as error:
            raise UnusableJournal(
                f"{path}: expected no file, found one. A journal is of one session; name another file."
            ) from error
        except OSError as error:
            raise UnusableJournal(f"{path}: this journal cannot be written ({error.strerror}).") from error

    def begin(self, head: Mapping[str, Any], began_ns: int) -> None:
        """Write the first line. began_ns: when the session first looked at its clock."""
        first = {"understudy_journal": VERSION, "began_ns": began_ns, **head}
        self._lines.append(json.dumps(first))
        self._last_ns = self._flushed_ns = began_ns
        self._flush()

    def hear(self, now_ns: int, word: str, argument: str) -> None:
        """Write down that this reached the session; a `Listener`."""
        said = "" if word == "update" else f" {word} {argument}".rstrip()
        self._lines.append(f"{now_ns - self._last_ns}{said}")
        self._last_ns = now_ns
        if word == "close":
            self._flush()
            self.close()
        elif now_ns - self._flushed_ns >= FLUSH_NS:
            self._flushed_ns = now_ns
            self._flush()

    def close(self) -> None:
        """Let go of the file; doing so again changes nothing."""
        try:
            self._file.close()
        except OSError as error:
            self._give_up(error)

    def discard(self) -> None:
        """No session came of it."""
        self.close()
        self.path.unlink(missing_ok=True)

    def _flush(self) -> None:
        lines, self._lines = self._lines, []
        if self.trouble:
            return
        try:
            self._file.write("\n".join([*lines, ""]))
            self._file.flush()
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        self.trouble = (
            f"{self.path}: the journal ends early ({error.strerror or error}). The recording goes on; it can be played "
            "back up to there."
        )


def said(writer: JournalWriter | None) -> str:
    """What became of a journal, as a line for a person; empty without one."""
    if writer is None:
        return ""
    return f"\n{writer.trouble or f'{writer.path}: every key, to be played back with `rerun`.'}"


class Journal:
    """A journal that was written, for reading."""

    def __init__(self, path: Path) -> None:
        """Reads the first line. Raises UnusableJournal."""
        self.path = path
        self.is_whole = False
        """Its last event was read, and is the session's end."""
        with self._open() as file:
            self.head = self._first(file)
        began = self.head.get("began_ns")
        if not isinstance(began, int) or not 0 <= began < 10**DIGITS:
            raise self.wrong("began_ns", f"nanoseconds below 10^{DIGITS}", began)
        self.began_ns = began

    def events(self) -> Iterator[tuple[int, str, str]]:
        """Nanoseconds since the event before, word and argument of every event. A torn last line is left out.

        Raises UnusableJournal at a line that is none.
        """
        with self._open() as file:
            self._first(file)
            number, word = 1, ""
            while line := self._line(file, LONGEST_LINE, number + 1):
                number += 1
                if not line.endswith("\n"):
                    if len(line) >= LONGEST_LINE:
                        raise self.wrong(f"line {number}", f"at most {LONGEST_LINE} characters", line)
                    break
                nanoseconds, word, argument = self._parsed(line[:-1], number)
                yield nanoseconds, word, argument
            self.is_whole = word == "close"

    def wrong(self, where: str, expected: str, found: object) -> UnusableJournal:
        """The paragraph about something in this file."""
        return UnusableJournal(
            f"{self.path}: {where}: expected {expected}, found {str(found)[:100]!r}. This is no journal, or a damaged "
            "one; restore it from a copy."
        )

    def _open(self) -> IO[str]:
        try:
            return self.path.open(encoding="utf-8", newline="\n")
        except OSError as error:
            raise UnusableJournal(
                f"{self.path}: expected a journal, found none that can be read ({error.strerror})."
            ) from error

    def _first(self, file: IO[str]) -> dict[str, Any]:
        line = self._line(file, LONGEST_HEAD, 1)
        try:
            head = json.loads(line)
        except (ValueError, RecursionError):
            head = None
        if not isinstance(head, dict) or "understudy_journal" not in head:
            raise self.wrong("line 1", "a JSON object with the version of a journal", line)
        if head["understudy_journal"] != VERSION:
            raise UnusableJournal(
                f"{self.path}: understudy_journal: expected {VERSION}, found {str(head['understudy_journal'])[:100]}. "
                "Play this journal back with the version of Understudy that wrote it."
            )
        return head

    def _line(self, file: IO[str], most: int, number: int) -> str:
        try:
            return file.readline(most)
        except UnicodeDecodeError as error:
            raise self.wrong(
                f"line {number}", "text in UTF-8", error.object[error.start : error.end]
            ) from error
        except OSError as error:
            raise UnusableJournal(f"{self.path}: this file cannot be read ({error.strerror}).") from error

    def _parsed(self, line: str, number: int) -> tuple[int, str, str]:
        digits, _, said = line.partition(" ")
        word, _, argument = said.partition(" ")
        if not (digits.isascii() and digits.isdecimal() and len(digits) <= DIGITS):
            raise self.wrong(f"line {number}", "nanoseconds", line)
        word = word or "update"
        if word not in WORDS or (word == "scrub" and not _is_step(argument)):
            raise self.wrong(f"line {number}", f"one of {', '.join(WORDS)}, with its argument", line)
        return int(digits), word, argument


def _is_step(argument: str) -> bool:
    digits = argument.removeprefix("-")
    return digits.isascii() and digits.isdecimal() and len(digits) <= DIGITS
