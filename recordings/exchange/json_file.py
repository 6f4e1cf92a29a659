"""JSON files beside the data of other formats: one object each, of bounded size."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from recordings.errors import UnreadableSource

LARGEST = 1 << 24
"""Bytes of a file that is read."""


def read_object(path: Path, what: str, remedy: str) -> dict[str, Any]:
    """what: it is expected to be, and remedy, a sentence, for messages. Raises UnreadableSource."""
    try:
        if not path.is_file():
            raise ValueError("no such file, or a folder")
        if path.stat().st_size > LARGEST:
            raise ValueError(f"{path.stat().st_size} bytes")
        words = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UnreadableSource(
            f"{path}: expected {what}, found none that can be read ({str(error)[:200]}). {remedy}"
        ) from error
    if not isinstance(words, dict):
        raise UnreadableSource(f"{path}: expected a JSON object, found {str(words)[:60]!r}.")
    return words
