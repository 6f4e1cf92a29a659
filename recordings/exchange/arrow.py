"""Folders of Hugging Face `datasets`: Arrow streams and two JSON files; written and read with pyarrow alone.

`datasets` itself is not needed for either, and its reader takes file names from `state.json` as they come. Here
nothing outside the folder is opened, no extension type is made, and what is compressed, which can be a few bytes that
claim to be many, is refused: `datasets` never compresses. Lists are numbers in the file itself, mapped, not copied; a
batch is checked as a whole (`validate(full=True)`) before a value of it is read.
Facts of the layout: `Dataset.save_to_disk` and `load_from_disk` of datasets 4, Arrow's format for streams.
"""

from __future__ import annotations

import json
import math
import os
import struct
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from recordings.errors import RecordingError, UnreadableSource
from recordings.exchange.json_file import read_object

Array = npt.NDArray[Any]

STATE, INFO = "state.json", "dataset_info.json"
DATA = "data-00000-of-00001.arrow"
_DEEPEST_LIST = 8
_MOST_VALUES = (1 << 31) - 1


def pyarrow() -> Any:
    """The library. Raises RecordingError where it is not installed."""
    try:
        import pyarrow
        import pyarrow.ipc
    except ImportError as error:
        raise RecordingError(
            "imitation: expected pyarrow, which reads and writes these folders, found none. "
            "Install it: pip install 'understudy[imitation]'."
        ) from error
    return pyarrow


# -- out -------------------------------------------------------------------------------------------------


def nested(rows: Sequence[Array]) -> Any:
    """An Arrow list of len(rows) arrays, each (n, *S) with the same S, as lists of lists of numbers."""
    pa = pyarrow()
    values = pa.array(np.concatenate([each.ravel() for each in rows]))
    shape = sum(map(len, rows)), *rows[0].shape[1:]
    for axis in range(len(shape) - 1, 0, -1):
        values = _cut(values, np.arange(math.prod(shape[:axis]) + 1) * shape[axis])
    return _cut(values, np.cumsum([0, *map(len, rows)]))


def texts(rows: Sequence[Sequence[str]]) -> Any:
    pa = pyarrow()
    values = pa.array([text for row in rows for text in row], pa.string())
    return _cut(values, np.cumsum([0, *map(len, rows)]))


def _cut(values: Any, offsets: Array) -> Any:
    pa = pyarrow()
    if offsets[-1] > _MOST_VALUES:
        raise RecordingError(
            f"imitation: expected at most {_MOST_VALUES} values in an episode, found {offsets[-1]}, which its lists "
            "cannot count. Export to another format."
        )
    return pa.ListArray.from_arrays(pa.array(offsets.astype(np.int32)), values)


def list_of(dtype: np.dtype[Any], depth: int) -> Any:
    """The Arrow type of `nested` arrays of rows with `depth` axes."""
    pa = pyarrow()
    kind = pa.from_numpy_dtype(dtype)
    for _ in range(depth + 1):
        kind = pa.list_(kind)
    return kind


def write_words(folder: Path, info: Mapping[str, Any]) -> None:
    """The two JSON files beside the data."""
    state: dict[str, Any] = {
        "_data_files": [{"filename": DATA}],
        "_fingerprint": uuid.uuid4().hex[:16],
        "_format_columns": None,
        "_format_kwargs": {},
        "_format_type": None,
        "_output_all_columns": False,
        "_split": None,
    }
    (folder / STATE).write_text(json.dumps(state, indent=2), encoding="utf-8")
    (folder / INFO).write_text(json.dumps(info, indent=2), encoding="utf-8")


# -- in --------------------------------------------------------------------------------------------------


def read_words(folder: Path, name: str) -> dict[str, Any]:
    """One of the two JSON files. Raises UnreadableSource."""
    remedy = f"Name the folder that `imitation.data.serialize.save` wrote, with {STATE} in it."
    return read_object(folder / name, "a JSON file of a Hugging Face dataset", remedy)


def data_files(folder: Path) -> list[Path]:
    """In their order. Raises UnreadableSource for names that leave the folder."""
    listed = read_words(folder, STATE).get("_data_files")
    if not isinstance(listed, list):
        raise UnreadableSource(
            f"{folder / STATE}: _data_files: expected a list, found {type(listed).__name__}. The folder is damaged."
        )
    return [_data_file(folder, each) for each in listed]


def _data_file(folder: Path, words: Any) -> Path:
    name = words.get("filename") if isinstance(words, dict) else None
    is_name = isinstance(name, str) and name not in ("", ".", "..") and not set(name) & set("/\\:\0")
    if not is_name or not (folder / str(name)).resolve().is_relative_to(folder.resolve()):
        raise UnreadableSource(
            f"{folder / STATE}: _data_files: expected names of files in the folder, found {str(name)[:80]!r}. "
            "What lies elsewhere is not read."
        )
    path = folder / str(name)
    if not os.path.isfile(path):  # unlike Path.is_file it does not raise at a name longer than any file's
        raise UnreadableSource(
            f"{folder}: expected the file {str(name)[:80]!r}, which {STATE} names, found none. Copy it there."
        )
    return path


def batches(path: Path) -> Iterator[Any]:
    """The record batches of an Arrow stream, each checked. Raises UnreadableSource."""
    pa = pyarrow()
    try:
        with pa.memory_map(str(path)) as file:
            schema = None
            for message in pa.ipc.MessageReader.open_stream(file):
                if schema is None:
                    schema = _with_readable_names(pa.ipc.read_schema(message))
                elif message.type == "record batch":
                    yield _checked(pa.ipc.read_record_batch(_plain(message, path), schema), path)
                else:
                    raise refused(path, "a message", "record batches alone", message.type)
            if schema is None:
                raise refused(path, "a message", "a schema", "none")
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError, MemoryError) as error:
        raise refused(path, "a message", "an Arrow stream", str(error)[:200]) from error


def _with_readable_names(schema: Any) -> Any:
    """The schema itself. Raises ValueError where a column's name is no text; pyarrow finds out when it is asked."""
    if "" in schema.names:
        raise ValueError("a column without a name")
    return schema


def _checked(batch: Any, path: Path) -> Any:
    batch.validate(full=True)
    if batch.num_rows > path.stat().st_size:
        raise refused(path, "a batch", "rows that fit the file", f"{batch.num_rows} rows")
    return batch


def _plain(message: Any, path: Path) -> Any:
    """The message itself. Raises UnreadableSource where its body is compressed."""
    try:
        is_compressed = _says_compression(bytes(message.metadata))
    except (struct.error, IndexError) as error:
        raise refused(path, "a message", "one that can be read", str(error)) from error
    if is_compressed:
        raise refused(path, "a message", "numbers as they are", "compressed ones, whose size nothing bounds")
    return message


def _says_compression(metadata: bytes) -> bool:
    """Whether a record batch's FlatBuffer (Message.header, a RecordBatch) has the field `compression`."""
    batch = _field(metadata, struct.unpack_from("<I", metadata)[0], 2)
    if batch is None:
        return False
    return _field(metadata, batch + struct.unpack_from("<I", metadata, batch)[0], 3) is not None


def _field(metadata: bytes, table: int, number: int) -> int | None:
    """Where a FlatBuffer table's field lies; None where it is absent."""
    index = table - struct.unpack_from("<i", metadata, table)[0]
    at = 4 + 2 * number
    if at + 2 > struct.unpack_from("<H", metadata, index)[0]:
        return None
    offset = struct.unpack_from("<H", metadata, index + at)[0]
    return table + offset if offset else None


def numbers(column: Any, row: int, path: Path, name: str) -> Array:
    """Row of a column of lists of (lists of) numbers, as an array. Raises UnreadableSource."""
    pa = pyarrow()
    values, shape = column.slice(row, 1), []
    for _ in range(_DEEPEST_LIST):
        if values.null_count:
            raise refused(path, name, "numbers", "missing ones")
        if not is_list(values.type):
            break
        if len(values) > 8 * path.stat().st_size:
            raise refused(path, name, "lists that fit the file", f"{len(values)} of them")
        sizes = np.diff(_ends(values))
        if len(sizes) and (sizes != sizes[0]).any():
            raise refused(path, name, "rows of one shape", f"rows of {sizes.min()} to {sizes.max()}")
        shape.append(int(sizes[0]) if len(sizes) else 0)
        values = values.flatten()
    kind = values.type
    if not shape or not (
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)
    ):
        raise refused(path, name, f"lists of numbers, at most {_DEEPEST_LIST} deep", str(column.type)[:80])
    return np.array(values.to_numpy(zero_copy_only=False)).reshape(shape)


def is_list(kind: Any) -> bool:
    """Of this many lengths of a list; views of lists, whose parts may overlap, are none."""
    types = pyarrow().types
    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind))


def _ends(values: Any) -> Array:
    """(n + 1,) where each list begins, and the last one ends."""
    if pyarrow().types.is_fixed_size_list(values.type):
        return np.arange(len(values) + 1, dtype=np.int64) * int(values.type.list_size)
    return np.array(values.offsets.to_numpy())


def strings(column: Any, row: int, path: Path, name: str) -> list[str]:
    """Row of a column of lists of texts. Raises UnreadableSource."""
    pa = pyarrow()
    is_texts = is_list(column.type) and column.type.value_type in (pa.string(), pa.large_string())
    values = column.slice(row, 1).flatten() if is_texts else None
    if values is None or values.null_count:
        raise refused(path, name, "lists of texts", str(column.type)[:80])
    return list(values.to_pylist())


def refused(path: Path, name: str, expected: str, found: str) -> UnreadableSource:
    return UnreadableSource(
        f"{path}: {name}: expected {expected}, found {found}. The file is damaged, or not one of `datasets`; nothing "
        "was written."
    )
