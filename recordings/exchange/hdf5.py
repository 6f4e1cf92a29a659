"""HDF5 files of other programs: read, though they may be damaged or hostile, saying clearly what is wrong; and written.

As with recordings (`recordings.datafile`) nothing outside the file is followed, no filter plug-in is loaded, and
sizes are checked against the file's own before anything is read.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from recordings import heaps
from recordings.datafile import UNREADABLE, why_not_read
from recordings.errors import UnreadableSource
from recordings.exchange.aside import file_for

_LONGEST_TEXT = 1 << 24
MOST_BYTES = 1 << 30
"""Read at once: however well it is compressed, an episode is held in memory."""
_READABLE_BY = ("v110", "v110")
"""HDF5 1.10 and later, the first in which an attribute may be longer than 64 KB."""


@contextmanager
def created(target: Path) -> Iterator[h5py.File]:
    """A file to write, put at `target` once it is whole. Raises RecordingExists if anything is there, OSError."""
    with file_for(target) as aside, h5py.File(aside, "w", libver=_READABLE_BY) as file:
        yield file


@contextmanager
def opened(path: Path) -> Iterator[Foreign]:
    """The root of the file. Raises UnreadableSource."""
    try:
        file = h5py.File(path, "r", locking=False)
    except UNREADABLE as error:
        raise UnreadableSource(
            f"{path}: expected an HDF5 file, found something that HDF5 cannot open ({error}). Check the name; if it is "
            "right, the file is damaged."
        ) from error
    with file:
        if not heaps.is_sound(path):
            raise UnreadableSource(
                f"{path}: expected heaps of texts that lead from one to the next, found one that does not. The file is "
                "damaged."
            )
        yield Foreign(file, path, path.stat().st_size)


def refusal(path: Path, name: str, expected: str, found: str) -> UnreadableSource:
    """What is wrong with this part of a file, in one line: names in it may hold anything."""
    name, found = (
        "".join(each if each.isprintable() else "?" for each in text[:400]) for text in (name, found)
    )
    return UnreadableSource(
        f"{path}: {name}: expected {expected}, found {found}. The file is damaged, or not of the format that was "
        "named; nothing was written."
    )


class Foreign:
    """A group of such a file."""

    def __init__(self, group: Any, path: Path, size: int) -> None:
        """size: of the file, bytes."""
        self._group, self.path, self._size = group, path, size

    def __contains__(self, name: str) -> bool:
        try:
            return name in self._group
        except UNREADABLE:
            return False

    def names(self) -> list[str]:
        try:
            return list(self._group)
        except UNREADABLE as error:
            raise self._refused("", "a readable group", str(error)) from error

    def group(self, name: str) -> Foreign:
        """Raises UnreadableSource."""
        return Foreign(self._member(name, h5py.Group, "a group"), self.path, self._size)

    def is_group(self, name: str) -> bool:
        """Raises UnreadableSource for what does not lie in the file itself."""
        return isinstance(self._member(name, (h5py.Group, h5py.Dataset), "a group or a dataset"), h5py.Group)

    def array(self, name: str) -> npt.NDArray[Any]:
        """A dataset of numbers or fixed-length texts, whole. Raises UnreadableSource."""
        return self._read(name, slice(None))

    def rows(self, name: str, start: int, stop: int) -> npt.NDArray[Any]:
        """Rows `start` to `stop` of such a dataset. Raises UnreadableSource."""
        return self._read(name, slice(start, stop))

    def form(self, name: str) -> tuple[np.dtype[Any], tuple[int, ...]]:
        """Type and shape of such a dataset. Raises UnreadableSource."""
        dataset = self._numbers(name)
        return dataset.dtype, dataset.shape

    def _read(self, name: str, rows: slice) -> npt.NDArray[Any]:
        dataset = self._numbers(name)
        n_rows = len(range(*rows.indices(dataset.shape[0]))) if dataset.shape else 1
        n_bytes = dataset.dtype.itemsize * n_rows * math.prod(dataset.shape[1:])
        if n_bytes > MOST_BYTES:
            raise self._refused(name, f"at most {MOST_BYTES:,} bytes of an episode", f"{n_bytes:,}")
        try:
            return np.asarray(dataset[rows] if dataset.shape else dataset[()])
        except (*UNREADABLE, MemoryError) as error:
            raise self._refused(name, "rows that can be read", str(error)) from error

    def _numbers(self, name: str) -> Any:
        dataset = self._member(name, h5py.Dataset, "a dataset")
        wrong = why_not_read(dataset, self._size)
        if wrong or dataset.dtype.kind not in "biufS":
            raise self._refused(name, "numbers in the file itself", wrong or str(dataset.dtype))
        return dataset

    def text(self, name: str) -> str:
        """A single text. Raises UnreadableSource."""
        dataset = self._member(name, h5py.Dataset, "a text")
        try:
            is_text = dataset.shape == () and h5py.check_string_dtype(dataset.dtype) is not None
            value = dataset[()] if is_text and not why_not_read(dataset, self._size) else None
        except UNREADABLE as error:
            raise self._refused(name, "a text", str(error)) from error
        if not isinstance(value, bytes) or len(value) > _LONGEST_TEXT:
            raise self._refused(name, "a text", f"{dataset.dtype} of shape {dataset.shape}")
        return value.decode(errors="replace")

    def attribute(self, name: str, otherwise: Any = None) -> Any:
        """An attribute of the group, or `otherwise` where there is none. Raises UnreadableSource."""
        try:
            return self._group.attrs.get(name, otherwise)
        except UNREADABLE as error:
            raise self._refused(name, "an attribute that can be read", str(error)) from error

    def _member(self, name: str, kind: Any, expected: str) -> Any:
        try:
            is_here = isinstance(self._group.get(name, getlink=True), h5py.HardLink)
            member = self._group[name] if is_here else None
        except UNREADABLE as error:
            raise self._refused(name, f"{expected} in the file itself", str(error)) from error
        if not isinstance(member, kind):
            raise self._refused(name, f"{expected} in the file itself", "none")
        return member

    def _refused(self, name: str, expected: str, found: str) -> UnreadableSource:
        return refusal(self.path, f"{self._group.name or ''}/{name}".replace("//", "/"), expected, found)
