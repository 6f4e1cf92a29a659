"""A new recording made of whole rows, beside its place until it is complete: what merging and importing write with.

A `Recorder` records what happens, step by step; a `Composer` is given what happened, a slice of a table at a time.
Nothing is at `path` until `finish`: an error, or a kill, leaves no half recording behind.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from recordings import diskspace
from recordings.appender import Appender, Batch, create, move_without_overwriting
from recordings.errors import DiskFull, InvalidRow, RecordingError, RecordingExists
from recordings.schema import Header, tables

Rows = npt.NDArray[Any]

_LONGEST_NAME = 255
_REMEMBERED_TEXTS = 4096


class Composer:
    """Writes one recording from rows; use it as a context manager.

    with Composer("merged.h5", header) as composer:
        composer.add("steps", rows)
        composer.add("episodes", rows)

    Leaving the block without an error finishes the recording, with one throws it away.
    """

    def __init__(self, path: str | os.PathLike[str], header: Header) -> None:
        """Raises RecordingExists if anything is at `path`, RecordingError where nothing can be written."""
        self.path, self.header = Path(path), header
        self._aside = self.path.with_name(f".{self.path.name}.{os.getpid()}.part")
        self._tables = {table.name: table for table in tables(header)}
        self._dtypes = {name: table.row_dtype() for name, table in self._tables.items()}
        self._counts = dict.fromkeys(self._tables, 0)
        self._labelers: dict[str, int] = {}
        self._texts: dict[str, int] = {}
        self._text, self._text_bytes = b"", 0
        require_nothing_at(self.path)
        try:
            create(self._aside, header)
            self._appender: Appender | None = Appender(self._aside, header)
        except OSError as error:
            raise self._refused(error) from error

    def __enter__(self) -> Composer:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.finish()
        else:
            self.discard()

    def rows_of(self, table: str) -> int:
        """Rows of this table so far."""
        return self._counts[table]

    def empty_rows(self, table: str, n: int) -> Rows:
        """(n,) rows of this table, each field as it is before anything is known."""
        rows = np.zeros(n, self._dtypes[table])
        for column in self._tables[table].columns:
            rows[column.name] = column.fill
        return rows

    def add(self, table: str, rows: Rows) -> int:
        """Append structured rows to a table; returns where the first of them is. Raises DiskFull, RecordingError."""
        first = self._counts[table]
        if len(rows):
            self._commit({table: (first, rows)})
            self._counts[table] += len(rows)
        return first

    def add_text(self, text: str) -> int:
        """Where in /text this text is, added if it was not added lately."""
        if text in self._texts:
            return self._texts[text]
        if len(self._texts) >= _REMEMBERED_TEXTS:
            self._texts.clear()
        self._texts[text] = at = self._text_bytes + len(self._text)
        self._text += text.replace("\0", "").encode() + b"\0"
        return at

    def labeler(self, name: str) -> int:
        """The code of who gives labels, added at the first call. Raises InvalidRow."""
        if name not in self._labelers:
            encoded = name.encode()
            if not 0 < len(encoded) <= _LONGEST_NAME or b"\0" in encoded:
                raise InvalidRow(
                    f"{self.path}: labeler: expected a name of 1 to {_LONGEST_NAME} bytes, found {name[:80]!r}."
                )
            rows = self.empty_rows("labelers", 1)
            rows["name"] = encoded
            self._labelers[name] = self.add("labelers", rows)
        return self._labelers[name]

    def finish(self) -> None:
        """Put the recording in its place. Raises RecordingExists if something was put there meanwhile."""
        if self._appender is None:
            return
        self._commit({})
        appender, self._appender = self._appender, None
        try:
            appender.sync()
            appender.close()
            move_without_overwriting(self._aside, self.path)
        except OSError as error:
            raise self._refused(error) from error
        finally:
            self._aside.unlink(missing_ok=True)

    def discard(self) -> None:
        """Throw away what was written."""
        appender, self._appender = self._appender, None
        if appender is not None:
            appender.abandon()
            self._aside.unlink(missing_ok=True)

    def _commit(self, rows: dict[str, tuple[int, Rows]]) -> None:
        """Write the rows, and the texts that were added since."""
        if self._appender is None:
            raise InvalidRow(f"{self.path}: this composer is closed.")
        batch = Batch(rows, text=(self._text_bytes, self._text))
        try:
            self._appender.reserve(batch.n_bytes)
            self._appender.commit(batch)
        except OSError as error:
            self.discard()
            raise self._refused(error) from error
        self._text_bytes += len(self._text)
        self._text = b""

    def _refused(self, error: OSError) -> RecordingError:
        why = os.strerror(error.errno) if error.errno else str(error).partition("\n")[0]
        if diskspace.is_full(error):
            return DiskFull(
                f"{self.path}: the disk is full ({why}). Nothing was written there, and what was read is untouched. "
                "Free some space, and try again."
            )
        return RecordingError(
            f"{self.path}: this file cannot be written ({why}). Check that the folder exists and that you may write "
            "in it."
        )


def require_nothing_at(path: Path) -> None:
    """Raises RecordingExists."""
    if path.exists():
        raise RecordingExists(f"{path}: this file exists already and is never overwritten. Name another.")
