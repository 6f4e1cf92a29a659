"""The first bytes of an HDF5 file: is it one, is it flagged as being written, where does it say it ends.

Needed because the library refuses a file that a killed writer left, without saying why. The layout is that of
superblock version 3 (HDF5 File Format Specification 3.0, section II.A), which every recording has.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from io import FileIO

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_LAYOUT = struct.Struct("<8sBBBBQQQQ")
_BEING_WRITTEN = 0b101


@dataclass(frozen=True)
class Superblock:
    """What the first 44 bytes say."""

    version: int
    flagged: bool
    """Marked as open for writing: a writer is at work, or was killed."""
    end: int
    """Bytes the file must have; 0 if the version is another than 3."""


def read(file: FileIO) -> Superblock | None:
    """The superblock at the start of `file`, or None if this is no HDF5 file."""
    file.seek(0)
    head = file.read(_LAYOUT.size)
    if len(head) < _LAYOUT.size or not head.startswith(_SIGNATURE):
        return None
    _, version, _, _, flags, _, _, end, _ = _LAYOUT.unpack(head)
    if version != 3:
        return Superblock(version, False, 0)
    return Superblock(version, bool(flags & _BEING_WRITTEN), end)
