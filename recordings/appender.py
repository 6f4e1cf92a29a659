"""The file under the recorder: rows go into columns, and a commit makes them last.

HDF5 keeps the metadata (extents, chunk index) in SWMR mode; the rows themselves are written straight to the
place of their chunk in the file. That order is the crash safety: rows first, then one `H5Fflush` of the
metadata that makes them visible, then the few cells that are completed in place. It is also many times faster
than going through `H5Dwrite`, whose fixed cost a column is about 40 µs.

For the same reason only the last column of a table is lengthened row by row; it says how many rows there are.
The others are lengthened a chunk at a time, ahead of their rows, and cut to the same length on closing.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
from h5py import h5d, h5f, h5p

from recordings import locking, superblock
from recordings.diskspace import Reserve
from recordings.errors import DamagedRecording, RecordingError, RecordingExists
from recordings.schema import TEXT, Column, Header, Table, tables

_LIBRARY_BOUNDS = ("v110", "v110")
_CHUNK_BYTES = 1 << 14
_CHUNK_ROWS = {"steps": 1024, "episodes": 128, "labels": 512, "edits": 32, "labelers": 4, "sessions": 8}
_TEXT_CHUNK_BYTES = 1 << 12
_METADATA_BYTES = 1 << 17
_COMMIT_ORDER = (("labelers",), ("sessions", "episodes", "steps"), ("labels",), ("edits",))
"""Each group is made visible before the next, whose rows refer to it; texts go with the first."""

Rows = npt.NDArray[Any]


@dataclass(frozen=True)
class Completion:
    """An episode's end, written over its row."""

    episode: int
    length: int
    final_observation: Any
    outcome: int


@dataclass(frozen=True)
class Batch:
    """What one commit adds. Committing the same batch twice is the same as once."""

    rows: dict[str, tuple[int, Rows]] = field(default_factory=dict)
    """Per table the row at which to write, and the rows."""
    standing: Rows | None = None
    """What the agent sees after the last step: the row by which `observation` runs ahead of the others."""
    text: tuple[int, bytes] = (0, b"")
    """Where in /text to write, and what."""
    completions: Sequence[Completion] = ()

    @property
    def n_bytes(self) -> int:
        return len(self.text[1]) + sum([rows.nbytes for _, rows in self.rows.values()])


def create(path: Path, header: Header) -> None:
    """Make an empty, sound recording at `path`. Raises RecordingExists if anything is there."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".new")
    os.close(descriptor)
    try:
        with h5py.File(name, "w", libver=_LIBRARY_BOUNDS, locking=False) as file:
            for key, value in header.to_attributes().items():
                _write_attribute(file, key, value)
            for table in tables(header):
                for column in table.columns:
                    _create_column(file, f"{table.name}/{column.name}", column, chunk_rows(table, column))
            _create_column(file, TEXT.name, TEXT, _TEXT_CHUNK_BYTES)
        os.chmod(name, 0o666 & ~_umask())
        move_without_overwriting(Path(name), path)
    finally:
        Path(name).unlink(missing_ok=True)


def _write_attribute(file: h5py.File, name: str, value: Any) -> None:
    """Texts with a fixed length: those of any length lie in heaps, which a little damage makes unreadable."""
    if isinstance(value, str):
        encoded = value.encode()
        file.attrs.create(name, encoded, dtype=h5py.string_dtype("utf-8", max(1, len(encoded))))
    else:
        file.attrs[name] = value


def chunk_rows(table: Table, column: Column) -> int:
    """Rows in one chunk: small enough for a short file, large enough for a long one."""
    return max(1, min(_CHUNK_ROWS[table.name], _CHUNK_BYTES // max(1, column.entry_bytes)))


class Appender:
    """An existing recording, open for its one writer."""

    def __init__(self, path: Path, header: Header) -> None:
        """Raises RecordingBusy if someone writes or holds the file, DamagedRecording if columns are amiss."""
        self.path = path
        self._raw = locking.open_as_writer(path)
        try:
            self._file = _open_for_writing(path)
            self._columns = {
                table.name: [
                    _OpenColumn(
                        self._file, self._raw, table.name, column, is_exact=column is table.columns[-1]
                    )
                    for column in table.columns
                ]
                for table in tables(header)
            }
            self._text = _OpenColumn(self._file, self._raw, "", TEXT, is_exact=True)
        except BaseException:
            locking.let_go(self.path, self._raw)
            raise
        self._episode_end = {column.name: column for column in self._columns["episodes"]}
        self._observation = next(each for each in self._columns["steps"] if each.name == "observation")
        self._chunks_bytes = sum(column.chunk_bytes for column in self._all_columns())
        self._reserve = Reserve(self._raw)

    def reserve(self, n_bytes: int) -> None:
        """Make sure of room for `n_bytes` of rows and for closing. Raises OSError (ENOSPC)."""
        needed = 2 * (n_bytes + self._chunks_bytes) + _METADATA_BYTES
        self._reserve.extend_to(self._file.get_filesize() + needed)

    def commit(self, batch: Batch) -> None:
        """Write `batch` so that it survives the death of this process. Raises OSError."""
        offset, text = batch.text
        if text:
            self._text.write(offset, text, len(text))
        for tables_together in _COMMIT_ORDER:
            if self._write_tables(batch, tables_together) or (text and "labelers" in tables_together):
                h5f.flush(self._file)
        for completion in batch.completions:
            self._complete(completion)

    def close(self) -> None:
        """Let go of the file. Everything committed is there already, so this is instant."""
        for columns in self._columns.values():
            for column in columns:
                column.cut_to(columns[-1].length)
        self._release()
        self._raw.seek(0)
        block = superblock.read(self._raw)
        if block is not None and block.end and not block.flagged:
            os.ftruncate(self._raw.fileno(), block.end)
        locking.let_go(self.path, self._raw)

    def abandon(self) -> None:
        """Let go of a file to which nothing more can be written, leaving it as a killed writer would.

        HDF5 cannot close a file whose disk refuses writes, and would try again at exit. So its descriptor is
        pointed at a file that takes everything, and the recording is left for recovery.
        """
        with tempfile.TemporaryFile() as sink:
            os.dup2(sink.fileno(), self._file.get_vfd_handle())
            with contextlib.suppress(OSError, RuntimeError):
                self._release()
        locking.let_go(self.path, self._raw)

    def sync(self) -> None:
        """Have the operating system put everything on the disk itself."""
        os.fsync(self._raw.fileno())

    def _release(self) -> None:
        for column in self._all_columns():
            column.close()
        self._file.close()

    def _write_tables(self, batch: Batch, names: tuple[str, ...]) -> bool:
        """Write the batch's rows of these tables; False if there are none."""
        present = [name for name in names if name in batch.rows]
        for name in present:
            first, rows = batch.rows[name]
            for column in self._columns[name]:
                column.write(first, rows[column.name].tobytes(), len(rows))
            if name == "steps" and batch.standing is not None:
                self._observation.write(first + len(rows), batch.standing.tobytes(), 1)
        return bool(present)

    def _all_columns(self) -> list[_OpenColumn]:
        return [*itertools.chain.from_iterable(self._columns.values()), self._text]

    def _complete(self, completion: Completion) -> None:
        cells = (
            ("final_observation", completion.final_observation),
            ("length", completion.length),
            ("outcome", completion.outcome),
        )
        for name, value in cells:
            column = self._episode_end[name]
            column.write(completion.episode, np.asarray(value, column.dtype).tobytes(), 1)


class _OpenColumn:
    """One dataset: its length kept by HDF5, its rows written in place."""

    __slots__ = (
        "_address",
        "_chunk",
        "_chunk_rows",
        "_dataset",
        "_descriptor",
        "_entry_bytes",
        "_fill",
        "_is_exact",
        "_untouched_from",
        "chunk_bytes",
        "dtype",
        "length",
        "name",
        "shape",
    )

    def __init__(self, file: Any, raw: io.FileIO, table: str, column: Column, *, is_exact: bool) -> None:
        name = f"{table}/{column.name}" if table else column.name
        uncached = h5p.create(h5p.DATASET_ACCESS)
        uncached.set_chunk_cache(1, 0, 0.0)
        try:
            self._dataset = h5d.open(file, name.encode(), uncached)
            settings = self._dataset.get_create_plist()
            if settings.get_layout() != h5d.CHUNKED or settings.get_nfilters():
                raise KeyError("repacked")
        except KeyError as error:
            raise DamagedRecording(
                f"{name}: expected a plain chunked column, found none. A recording that another program has "
                "repacked can be read but not continued; record into a new file."
            ) from error
        self.name, self.dtype, self.shape = column.name, column.dtype, column.shape
        self._is_exact = is_exact
        self._chunk_rows = int(settings.get_chunk()[0])
        self._entry_bytes = column.entry_bytes
        self.chunk_bytes = self._chunk_rows * self._entry_bytes
        self._fill = np.full(1, column.fill, column.dtype).tobytes()
        self.length = int(self._dataset.shape[0])
        self._untouched_from = self.length
        self._descriptor = raw.fileno()
        self._chunk, self._address = -1, 0

    def write(self, first: int, data: bytes, n_rows: int) -> None:
        """Put `n_rows` rows at row `first`, lengthening the column if they reach beyond its end.

        Rows that nobody has touched hold the fill value already, and are not written to say so again.
        """
        if not n_rows:
            return
        end = first + n_rows
        if end > self.length:
            self._lengthen(end)
        if first >= self._untouched_from and data == self._fill * n_rows:
            return
        self._untouched_from = max(self._untouched_from, end)
        chunk, within = divmod(first, self._chunk_rows)
        if within + n_rows <= self._chunk_rows:
            place = self._address if chunk == self._chunk else self._address_of(chunk)
            self._put(place + within * self._entry_bytes, data)
            return
        view, row = memoryview(data), first
        while row < end:
            chunk, within = divmod(row, self._chunk_rows)
            stop = min(end, row - within + self._chunk_rows)
            part = view[(row - first) * self._entry_bytes : (stop - first) * self._entry_bytes]
            if len(part) == self.chunk_bytes and chunk != self._chunk:
                # A whole chunk needs no address, to find which HDF5 goes through all chunks before it.
                self._dataset.write_direct_chunk(self._corner(chunk), bytes(part))
            else:
                self._put(self._address_of(chunk) + within * self._entry_bytes, part)
            row = stop

    def cut_to(self, length: int) -> None:
        """Drop the rows that were made ahead."""
        if length < self.length:
            self._dataset.set_extent((length, *self.shape))
            self.length = length

    def close(self) -> None:
        self._dataset = None

    def _lengthen(self, end: int) -> None:
        self.length = end if self._is_exact else -(-end // self._chunk_rows) * self._chunk_rows
        self._dataset.set_extent((self.length, *self.shape))

    def _put(self, address: int, data: bytes | memoryview) -> None:
        written = _write_at(self._descriptor, data, address)  # nearly always all of it
        while written < len(data):
            written += _write_at(self._descriptor, data[written:], address + written)

    def _corner(self, chunk: int) -> tuple[int, ...]:
        return (chunk * self._chunk_rows,) + (0,) * len(self.shape)

    def _address_of(self, chunk: int) -> int:
        if chunk != self._chunk:
            corner = self._corner(chunk)
            place = self._dataset.get_chunk_info_by_coord(corner).byte_offset
            if place is None:
                self._dataset.write_direct_chunk(corner, self._fill * (self.chunk_bytes // len(self._fill)))
                place = self._dataset.get_chunk_info_by_coord(corner).byte_offset
            self._chunk, self._address = chunk, int(place)
        return self._address


def _seek_and_write(descriptor: int, data: bytes | memoryview, address: int) -> int:
    os.lseek(descriptor, address, os.SEEK_SET)
    return os.write(descriptor, data)


_write_at = getattr(os, "pwrite", _seek_and_write)
"""Write at an address of an open file; returns how many bytes were written."""


def _create_column(file: h5py.File, name: str, column: Column, rows: int) -> None:
    file.create_dataset(
        name,
        shape=(0, *column.shape),
        maxshape=(None, *column.shape),
        chunks=(rows, *column.shape),
        dtype=column.dtype,
        fillvalue=np.asarray(column.fill, column.dtype),
        track_times=False,
    )


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def move_without_overwriting(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except FileExistsError as error:
        raise RecordingExists(
            f"{target}: this file exists already and is never overwritten. Continue it by resuming, or name "
            "another."
        ) from error
    except OSError:  # a file system without hard links
        with target.open("xb"):
            os.replace(source, target)


def _open_for_writing(path: Path) -> Any:
    """The file in SWMR mode at once, so that no instant exists at which a kill leaves it half open."""
    access = h5p.create(h5p.FILE_ACCESS)
    access.set_libver_bounds(h5f.LIBVER_V110, h5f.LIBVER_V110)
    access.set_file_locking(False, False)
    try:
        return h5f.open(os.fsencode(path), h5f.ACC_RDWR | h5f.ACC_SWMR_WRITE, access)
    except OSError as error:
        raise RecordingError(
            f"{path}: HDF5 cannot open this file for writing ({error}). If a reader in this program has "
            "it open, close that first; otherwise restore the file from a copy."
        ) from error
