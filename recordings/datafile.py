"""The seam to h5py for reading: opens a file that may be damaged or hostile, and says clearly what is wrong.

Nothing outside the file is ever followed (no external links, storage or virtual datasets), no filter
plug-in is loaded, and lengths are checked against the file's size before anything is read.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from io import FileIO
from pathlib import Path
from typing import Any

import h5py
from h5py import h5d, h5t, h5z

from recordings import heaps, superblock
from recordings.errors import DamagedRecording, NotARecording, RecordingMissing
from recordings.schema import TEXT, Column, Table

UNREADABLE = (OSError, KeyError, ValueError, RuntimeError, TypeError)
"""What h5py raises at damage; which of them is HDF5's affair."""
_BUILT_IN_FILTERS = frozenset({h5z.FILTER_DEFLATE, h5z.FILTER_SHUFFLE, h5z.FILTER_FLETCHER32})
_STRONGEST_DEFLATE = 1100
_LARGEST_CHUNK_BYTES = 1 << 26


def peek(path: Path) -> superblock.Superblock:
    """The superblock of the file at `path`. Raises RecordingMissing, NotARecording."""
    if os.path.isdir(path):  # unlike Path.is_dir it does not raise where the folder is closed to us
        raise RecordingMissing(f"{path}: expected a recording, found a directory. Name a file in it.")
    try:
        with FileIO(path, "r") as file:
            block = superblock.read(file)
    except FileNotFoundError as error:
        raise RecordingMissing(f"{path}: there is no such file. Check the name, or record one.") from error
    except OSError as error:
        raise RecordingMissing(
            f"{path}: this file cannot be read ({error.strerror}). Check its permissions."
        ) from error
    if block is None:
        size = path.stat().st_size
        found = "an empty file" if size == 0 else f"{size} bytes of something else"
        raise NotARecording(
            f"{path}: expected a recording (an HDF5 file), found {found}. Name a recording; if this was "
            "one, it is destroyed, and must be restored from a copy."
        )
    return block


def open_for_reading(path: Path) -> tuple[h5py.File, bool]:
    """The file, and whether it is marked as being written. Raises as `peek`, and DamagedRecording.

    Only a file that is being written is opened in SWMR mode, in which HDF5 takes damage for a write in progress
    and waits long for it to end.
    """
    block = peek(path)
    size = path.stat().st_size
    if size < block.end and not block.flagged:
        raise DamagedRecording(
            f"{path}: expected {block.end} bytes, found {size}. The file is truncated, as by a copy that was "
            "broken off; copy it again."
        )
    try:
        return h5py.File(path, "r", swmr=block.flagged, locking=False), block.flagged
    except UNREADABLE as error:
        raise DamagedRecording(
            f"{path}: HDF5 cannot open this file ({error}). The file is damaged; restore it from a copy."
        ) from error


def attributes(file: h5py.File, path: Path) -> Mapping[str, Any]:
    """Every root attribute that can be read, texts as str. Raises DamagedRecording."""
    try:
        names = list(file.attrs)
        if any(_is_of_any_length(file.attrs.get_id(name).get_type()) for name in names):
            require_sound_heaps(path)
        return {name: _decoded(file.attrs[name]) for name in names}
    except UNREADABLE as error:
        raise DamagedRecording(
            f"{path}: the header cannot be read ({error}). The file is damaged; restore it from a copy."
        ) from error


def _is_of_any_length(kind: Any) -> bool:
    return bool(kind.detect_class(h5t.VLEN) or (kind.get_class() == h5t.STRING and kind.is_variable_str()))


def _decoded(value: Any) -> Any:
    """Texts of fixed length come as bytes. Raises ValueError where they are not UTF-8."""
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, str):
        value.encode()  # h5py lets through what is not UTF-8
    return value


def require_sound_heaps(path: Path) -> None:
    """Raises DamagedRecording where HDF5 might never come to an end with a text of any length."""
    if not heaps.is_sound(path):
        raise DamagedRecording(
            f"{path}: expected heaps of texts that lead from one to the next, found one that does not. The file is "
            "damaged; restore it from a copy."
        )


def checked_columns(file: h5py.File, path: Path, tables: Iterable[Table]) -> dict[str, h5py.Dataset]:
    """Every column by its path in the file, each of the type and shape it must have. Raises "
    "DamagedRecording."""
    size = os.stat(path).st_size
    found = {}
    for table in tables:
        group = _member(file, path, table.name, h5py.Group, "")
        for column in table.columns:
            name = f"{table.name}/{column.name}"
            found[name] = _checked(
                _member(group, path, column.name, h5py.Dataset, table.name), path, column, size
            )
    found[TEXT.name] = _checked(_member(file, path, TEXT.name, h5py.Dataset, ""), path, TEXT, size)
    return found


def _checked(dataset: h5py.Dataset, path: Path, column: Column, size: int) -> h5py.Dataset:
    wrong = _what_is_wrong(dataset, column, size)
    if wrong:
        raise DamagedRecording(
            f"{path}: {dataset.name}: {wrong}. The file is damaged; restore it from a copy."
        )
    return dataset


def _member(parent: Any, path: Path, name: str, kind: type[Any], table: str) -> Any:
    """The group or column `name`, which must lie in this very file."""
    try:
        is_here = isinstance(parent.get(name, getlink=True), h5py.HardLink)
        member = parent[name] if is_here else None
    except UNREADABLE as error:
        raise DamagedRecording(_missing(path, f"{table}/{name}", str(error))) from error
    if not isinstance(member, kind):
        raise DamagedRecording(_missing(path, f"{table}/{name}", "none"))
    return member


def _missing(path: Path, name: str, found: str) -> str:
    return (
        f"{path}: /{name.lstrip('/')}: expected it in the file itself, found {found}. The file is damaged or "
        "was made by another program; restore it from a copy."
    )


def _what_is_wrong(dataset: h5py.Dataset, column: Column, size: int) -> str:
    expected = f"{column.dtype} of shape (any, {', '.join(map(str, column.shape))})"
    try:
        if dataset.dtype != column.dtype or len(dataset.shape) < 1 or dataset.shape[1:] != column.shape:
            return f"expected {expected}, found {dataset.dtype} of shape {dataset.shape}"
        if dataset.chunks is not None and dataset.chunks[1:] != column.shape and has_filters(dataset):
            return f"expected chunks of whole rows, found {dataset.chunks}"
    except UNREADABLE as error:
        return f"expected {expected}, found something unreadable ({error})"
    return why_not_read(dataset, size)


def has_filters(dataset: h5py.Dataset) -> bool:
    return bool(dataset.id.get_create_plist().get_nfilters())


def why_not_read(dataset: h5py.Dataset, size: int) -> str:
    """What makes it unsafe to read this dataset of a file of `size` bytes, or "": it would leave the file, load code,
    or take far more memory than the file is long.
    """
    try:
        settings = dataset.id.get_create_plist()
        if settings.get_layout() == h5d.VIRTUAL or settings.get_external_count():
            return "expected rows in the file itself, found a reference to other files"
        filters = [settings.get_filter(i)[0] for i in range(settings.get_nfilters())]
        if not set(filters) <= _BUILT_IN_FILTERS:
            return f"expected no filters but HDF5's own, found filters {filters}"
        entry_bytes = dataset.dtype.itemsize * math.prod(dataset.shape[1:])
        if dataset.chunks is not None and filters:
            chunk_bytes = dataset.dtype.itemsize * math.prod(dataset.chunks)
            if chunk_bytes > max(_LARGEST_CHUNK_BYTES, entry_bytes):
                return f"expected chunks below {_LARGEST_CHUNK_BYTES} bytes, found {chunk_bytes}"
    except UNREADABLE as error:
        return f"expected rows, found something unreadable ({error})"
    claimed = dataset.dtype.itemsize * math.prod(dataset.shape)
    if claimed > size * (_STRONGEST_DEFLATE if filters else 1):
        return f"claims {claimed} bytes in a file of {size}"
    return ""
