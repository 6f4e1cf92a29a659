"""Texts of any length lie in heaps of an HDF5 file. A damaged heap can keep HDF5 busy for ever: it is looked at first.

HDF5 goes through a heap's objects by their sizes and does not check that a size leads on. What we write has no such
texts; files of other programs, and recordings of before, have. Layout: HDF5 file format specification, III.E.
"""

from __future__ import annotations

import mmap
import struct
from pathlib import Path

_SIGNATURE = b"GCOL\x01"
_HEAD, _OBJECT = struct.Struct("<4sB3xQ"), struct.Struct("<HHxxxxQ")
_SMALLEST = 4096


def is_sound(path: Path) -> bool:
    """Whether every heap in the file leads from object to object to its end."""
    with path.open("rb") as file:
        if not path.stat().st_size:
            return True
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            at = content.find(_SIGNATURE)
            while at >= 0:
                if not _leads_on(content, at):
                    return False
                at = content.find(_SIGNATURE, at + 1)
    return True


def _leads_on(content: mmap.mmap, at: int) -> bool:
    """The heap here. Bytes that only look like one (their size cannot be) are none."""
    if at + _HEAD.size > len(content):
        return True
    _, _, size = _HEAD.unpack_from(content, at)
    end = at + size
    if size < _SMALLEST or end > len(content):
        return True
    place = at + _HEAD.size
    while place + _OBJECT.size <= end:
        index, _, length = _OBJECT.unpack_from(content, place)
        # Object 0 is the room that is left, and its length includes its head.
        step = length if index == 0 else _OBJECT.size + -(-length // 8) * 8
        if step < _OBJECT.size or place + step > end:
            return False
        place += step
    return True
