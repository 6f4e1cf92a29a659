"""Pickles of named arrays: the instructions of protocols 3 to 5 that make a dict of one-dimensional arrays of numbers.

numpy's functions are recognised by their names, and what they would have made is made from the bytes that lie in the
file. What is written are the same instructions; any Python with numpy reads them with `pickle.load`.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from recordings.errors import UnreadableSource
from recordings.plain_pickle import DAMAGE, Machine, Name

Array = npt.NDArray[Any]

LARGEST = 1 << 30
"""Bytes of a file that is read: it is held in memory, twice."""


def read(path: Path) -> dict[str, Array]:
    """Name -> (N,) numbers, not to be written to. Raises UnreadableSource."""
    try:
        if not path.is_file():
            raise ValueError("no such file, or a folder")
        if path.stat().st_size > LARGEST:
            raise ValueError(f"{path.stat().st_size} bytes, which are more than {LARGEST}")
        return _named(_Arrays().run(path.read_bytes()))
    except (OSError, *DAMAGE) as error:
        raise UnreadableSource(
            f"{path}: expected a pickled dict of numpy arrays of numbers and nothing else, found {str(error)[:200]}. "
            "A pickle can run code, so no other one is read; load it where you trust it, and save plain arrays."
        ) from error


def write(path: Path, arrays: Mapping[str, Array]) -> None:
    """Write a dict of (N,) arrays. Raises FileExistsError, OSError."""
    with path.open("xb") as file:
        for piece in _pieces(arrays):
            file.write(piece)


# -- in --------------------------------------------------------------------------------------------------


@dataclass
class _Type:
    dtype: np.dtype[Any]


@dataclass
class _Made:
    """An array, and before its BUILD none."""

    array: Array | None = None


class _Arrays(Machine):
    """Knows the calls that make numpy's arrays, and makes them of the bytes in the file."""

    def called(self, function: Name, arguments: tuple[Any, ...]) -> Any:
        if function not in _FUNCTIONS:
            return super().called(function, arguments)
        return _FUNCTIONS[function](*arguments)

    def built(self, value: Any, state: Any) -> None:
        """Give a type its byte order, or an array its values."""
        if not isinstance(state, tuple):
            raise ValueError("a state that is no tuple")
        if isinstance(value, _Type):
            _, order, *parts, _, _, _ = state
            if order not in ("<", ">", "|", "=") or any(each is not None for each in parts):
                raise ValueError("a type with parts")
            value.dtype = value.dtype.newbyteorder(order)
        elif isinstance(value, _Made):
            _, shape, dtype, _, values = state
            value.array = _array(shape, dtype, values)
        else:
            super().built(value, state)


def _reconstruct(kind: Any, *_: Any) -> _Made:
    if kind != Name("numpy", "ndarray"):
        raise ValueError("an array that is not numpy's own")
    return _Made()


def _dtype(name: Any, *_: Any) -> _Type:
    if not isinstance(name, str) or not re.fullmatch("b1|[iu][1248]|f[248]", name):
        raise ValueError("an array of something else than numbers")
    return _Type(np.dtype(name))


def _from_buffer(values: Any, dtype: Any, shape: Any, *_: Any) -> _Made:
    return _Made(_array(shape, dtype, values))


_FUNCTIONS: dict[Name, Callable[..., Any]] = {
    Name("numpy", "dtype"): _dtype,
    **{Name(f"numpy.{core}.multiarray", "_reconstruct"): _reconstruct for core in ("core", "_core")},
    **{Name(f"numpy.{core}.numeric", "_frombuffer"): _from_buffer for core in ("core", "_core")},
}


def _array(shape: Any, dtype: Any, values: Any) -> Array:
    """The bytes as (n,) numbers, where they lie."""
    is_flat = isinstance(shape, tuple) and len(shape) == 1 and type(shape[0]) is int
    if not is_flat or not isinstance(dtype, _Type) or not isinstance(values, bytes | bytearray):
        raise ValueError("an array that is not one row of numbers")
    if shape[0] < 0 or math.prod(shape) * dtype.dtype.itemsize != len(values):
        raise ValueError(f"an array whose {len(values)} bytes are not those of its shape")
    found: Array = np.frombuffer(values, dtype.dtype)
    return found


def _named(value: Any) -> dict[str, Array]:
    if not isinstance(value, dict):
        raise ValueError(type(value).__name__)
    arrays = {
        name: each.array for name, each in value.items() if isinstance(each, _Made) and each.array is not None
    }
    if len(arrays) < len(value):
        raise ValueError("a dict of other things as well")
    return arrays


# -- out -------------------------------------------------------------------------------------------------


def _pieces(arrays: Mapping[str, Array]) -> Iterator[bytes]:
    """Protocol 4. numpy's old module name is the one that both its old and its new versions know."""
    yield b"\x80\x04}("
    for name, array in arrays.items():
        array = array.astype(array.dtype.newbyteorder("<"), copy=False)
        kind = array.dtype.str[1:]
        yield _short(name) + b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R"
        yield b"(K\x01\x8a\x08" + struct.pack("<q", len(array)) + b"\x85"
        yield b"cnumpy\ndtype\n" + _short(kind) + b"\x89\x88\x87R"
        yield b"(K\x03" + _short("<") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
        yield b"\x89\x8e" + struct.pack("<Q", array.nbytes) + array.tobytes() + b"tb"
    yield b"u."


def _short(text: str) -> bytes:
    encoded = text.encode()
    return b"\x8c" + bytes([len(encoded)]) + encoded
