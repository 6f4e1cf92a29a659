"""Finished measurements in a file, so that a benchmark that was interrupted goes on where it stopped.

One JSON object a line: `key` (what was measured), `code` (a fingerprint of the sources that were), `date`, `found`.
Lines are appended whole and the last of a key counts; a line that was cut off by a kill is as if never written.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from recordings.errors import UnderstudyError

SOURCES = ("recordings", "learners", "teleop/worlds")
"""What figures of learners come from."""
BEGINNING = '{"key": '
"""Of every line."""


class NotMeasured(UnderstudyError):
    """Nothing is known of this figure yet."""


class LedgerError(UnderstudyError):
    """The file of measurements is not one."""


@dataclass(frozen=True)
class Entry:
    """One finished measurement."""

    key: str
    code: str
    date: str
    found: Any


class Ledger:
    """What was measured before, and what is measured now."""

    def __init__(
        self,
        path: Path | None,
        *,
        again: bool = False,
        sources: tuple[str, ...] = SOURCES,
        tell: Callable[[Entry], None] | None = None,
    ) -> None:
        """path: None keeps nothing. again: measure anew whatever is asked for. sources: packages that the figures
        come from. tell: hears of every entry when it is first handed out. Raises LedgerError."""
        self._path = path
        self._entries = {} if path is None or not path.exists() else _read(path)
        self._stale = set(self._entries) if again else set()
        self._code = code_fingerprint(sources)
        self._used: list[Entry] = []
        self._tell, self._told = tell, set[str]()

    def once(self, key: str, measure: Callable[[], Any] | None) -> Any:
        """What was found under this key, measured now if it was not before; JSON throughout.

        Raises NotMeasured where there is nothing and no way to measure.
        """
        entry = self._entries.get(key)
        if entry is None or (measure is not None and key in self._stale):
            if measure is None:
                raise NotMeasured(f"{key}: not measured yet.")
            entry = Entry(key, self._code, time.strftime("%Y-%m-%d"), json.loads(json.dumps(measure())))
            self._keep(entry)
        self._used.append(entry)
        if self._tell is not None and key not in self._told:
            self._told.add(key)
            self._tell(entry)
        return entry.found

    def is_known(self, key: str) -> bool:
        """Whether this was measured before, and need not be again."""
        return key in self._entries and key not in self._stale

    def used(self) -> list[Entry]:
        """The entries handed out since the last call."""
        used, self._used = self._used, []
        return used

    def is_current(self, entry: Entry) -> bool:
        """Whether this was measured with the sources as they are now."""
        return entry.code == self._code

    def _keep(self, entry: Entry) -> None:
        self._entries[entry.key] = entry
        self._stale.discard(entry.key)
        if self._path is None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        _cut_torn_line(self._path)
        line = json.dumps(vars(entry)) + "\n"
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            os.write(descriptor, line.encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _read(path: Path) -> dict[str, Entry]:
    entries = {}
    *lines, torn = path.read_text(errors="replace").split("\n")
    for number, line in enumerate([*lines, torn], 1):
        try:
            entry = Entry(**json.loads(line))
        except (ValueError, TypeError):
            if number > len(lines) and BEGINNING.startswith(torn[: len(BEGINNING)]):
                continue
            raise LedgerError(
                f"{path}: line {number}: expected a measurement (key, code, date, found), found "
                f"{line[:40]!r}. Choose another file with --out, or delete the line."
            ) from None
        entries[entry.key] = entry
    return entries


def _cut_torn_line(path: Path) -> None:
    """Cut off a last line that a kill left without its end."""
    if path.exists() and not (content := path.read_bytes()).endswith(b"\n"):
        os.truncate(path, content.rfind(b"\n") + 1)


@cache
def code_fingerprint(sources: tuple[str, ...] = SOURCES) -> str:
    """Eight hexadecimal digits that change whenever these packages do; not by a comment. Read once a process."""
    root = Path(__file__).parents[2]
    digest = hashlib.sha256()
    for package in sources:
        for file in sorted((root / package).rglob("*.py")):
            digest.update(str(file.relative_to(root)).encode())
            digest.update(without_remarks(file.read_text(encoding="utf-8")).encode())
    return digest.hexdigest()[:8]


def without_remarks(source: str) -> str:
    """What a Python source does, without its comments and docstrings."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [each for each in body if not _is_remark(each)]  # type: ignore[attr-defined]
    return ast.dump(tree)


def _is_remark(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
