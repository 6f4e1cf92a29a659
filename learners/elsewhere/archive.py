"""A zip from anybody, read within bounds: how many parts, how large unpacked, under which names.

Nothing is unpacked to the disk. Every part is read into memory, as much of it as the directory declares and no more.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

from learners.errors import PolicyFileError

MOST_PARTS = 4096
MOST_BYTES = 1 << 28
"""Unpacked, all parts together."""
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
ENCRYPTED = 0x1
DAMAGE = (
    zipfile.BadZipFile, ValueError, NotImplementedError, RuntimeError, EOFError, OSError, OverflowError,
    LookupError, struct.error, zlib.error,
)  # fmt: skip
"""What zipfile raises where a zip is damaged."""


class Archive:
    """The parts of a zip by name. Raises PolicyFileError for what is damaged, too large, or named to mislead."""

    def __init__(self, content: bytes, name: str) -> None:
        """name: of the file, for messages."""
        self._name = name
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(content))
        except DAMAGE as error:
            raise self._damaged(str(error)) from error
        parts = self._zip.infolist()
        if parts and min(part.header_offset for part in parts) > 0:
            raise self._damaged("an archive inside the file, not from its beginning")
        self.names = frozenset(part.filename for part in parts)
        if (found := _fault(parts)) is not None:
            raise PolicyFileError(f"{name}: {found}. Nothing of it was read; ask for a sound file.")

    def read(self, part: str, most: int = MOST_BYTES) -> bytes:
        """A part, unpacked. most: bytes that it may have."""
        size = self._zip.NameToInfo[part].file_size if part in self.names else 0
        if size > most:
            raise PolicyFileError(
                f"{self._name}: {part!r}: expected at most {most:,} bytes unpacked, found {size:,}. "
                "It is no part of a policy; ask for a sound file."
            )
        try:
            with self._zip.open(part) as file:
                content = file.read(size + 1)
        except DAMAGE as error:
            raise self._damaged(f"{part!r}: {error}") from error
        if len(content) != size:
            raise self._damaged(f"{part!r} ends early")
        return content

    def _damaged(self, found: str) -> PolicyFileError:
        short = " ".join(found.split())[:200]
        return PolicyFileError(
            f"{self._name}: zip: expected a whole zip archive, found damage ({short}). "
            "Copy the file again, or save the policy again."
        )


def _fault(parts: list[zipfile.ZipInfo]) -> str | None:
    """What keeps the parts from being read at all (field, expected, found), or None."""
    if len(parts) > MOST_PARTS:
        return f"zip: expected at most {MOST_PARTS:,} parts, found {len(parts):,}"
    names = [part.filename for part in parts]
    if len(set(names)) != len(names):
        return "zip: expected each part once, found two of one name"
    for part in parts:
        if _leaves(part.filename):
            return f"zip: expected names inside the archive, found {part.filename[:100]!r}"
        if part.compress_type not in METHODS or part.flag_bits & ENCRYPTED:
            return (
                f"zip: {part.filename[:100]!r}: expected it stored or deflated, found another way of packing"
            )
    unpacked = sum(part.file_size for part in parts)
    if unpacked > MOST_BYTES:
        return f"zip: expected at most {MOST_BYTES:,} bytes unpacked, found {unpacked:,}"
    return None


def _leaves(name: str) -> bool:
    """Whether a name would lead out of a folder into which the archive was unpacked."""
    return name.startswith("/") or "\\" in name or ":" in name or ".." in name.split("/")
