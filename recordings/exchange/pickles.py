"""Pickles of named arrays, read without unpickling: a small machine over `pickletools.genops`, which runs nothing.

A pickle is a program. The few instructions of protocols 3 to 5 that make a dict of one-dimensional arrays of numbers
are known here, each makes a value of ours, and the first other one ends the reading. No name in the file is ever
looked up: `numpy`'s functions are recognised by their names, and what they would have made is made from the bytes.
So there is nothing to call, and nothing is allocated that does not lie in the file. docs/decisions/0027 says why not
an Unpickler. What is written are the same instructions; any Python with numpy reads them with `pickle.load`.
"""

from __future__ import annotations

import math
import pickletools
import re
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from recordings.errors import UnreadableSource

Array = npt.NDArray[Any]

LARGEST = 1 << 30
"""Bytes of a file that is read: it is held in memory, twice."""
MOST_INSTRUCTIONS = 10_000
"""A dict of four arrays takes some 200."""


def read(path: Path) -> dict[str, Array]:
    """Name -> (N,) numbers, not to be written to. Raises UnreadableSource."""
    try:
        if not path.is_file():
            raise ValueError("no such file, or a folder")
        if path.stat().st_size > LARGEST:
            raise ValueError(f"{path.stat().st_size} bytes, which are more than {LARGEST}")
        return _named(_Machine().run(path.read_bytes()))
    except (OSError, ValueError, struct.error, IndexError, TypeError, OverflowError, MemoryError) as error:
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


@dataclass(frozen=True)
class _Name:
    """Of a function or class; it is never looked up."""

    module: str
    name: str


@dataclass
class _Type:
    dtype: np.dtype[Any]


@dataclass
class _Made:
    """An array, and before its BUILD none."""

    array: Array | None = None


_ITSELF = (
    *("BININT", "BININT1", "BININT2", "LONG1", "BINUNICODE", "SHORT_BINUNICODE"),
    *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
)
"""Instructions that push their argument."""
_CONSTANTS: dict[str, Any] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_PUT, _GET = ("BINPUT", "LONG_BINPUT"), ("BINGET", "LONG_BINGET")
_MARK = object()


class _Machine:
    """Its stack holds numbers, texts, bytes, tuples, dicts and the three kinds above."""

    def __init__(self) -> None:
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def run(self, program: bytes) -> Any:
        """What the pickle makes. Raises ValueError and what reading damaged instructions raises."""
        for number, (opcode, argument, _) in enumerate(pickletools.genops(program)):
            if number >= MOST_INSTRUCTIONS:
                raise ValueError(f"more than {MOST_INSTRUCTIONS} instructions")
            if opcode.name == "STOP":
                break
            self._do(opcode.name, argument)
        if len(self._stack) != 1:
            raise ValueError(f"{len(self._stack)} values")
        return self._stack[0]

    def _do(self, name: str, argument: Any) -> None:
        push = self._stack.append
        if name in _ITSELF:
            push(argument)
        elif name in _CONSTANTS:
            push(_CONSTANTS[name])
        elif name in _TUPLES:
            push(self._popped(_TUPLES[name]))
        elif name in _PUT:
            self._memo[argument] = self._top()
        elif name == "MEMOIZE":
            self._memo[len(self._memo)] = self._top()
        elif name in _GET:
            if argument not in self._memo:
                raise ValueError("a value that was never kept")
            push(self._memo[argument])
        elif name == "MARK":
            push(_MARK)
        elif name == "TUPLE":
            push(self._since_mark())
        elif name == "EMPTY_DICT":
            push({})
        elif name not in ("PROTO", "FRAME"):
            self._combine(name, argument)

    def _combine(self, name: str, argument: Any) -> None:
        push = self._stack.append
        if name == "SETITEMS":
            items = self._since_mark()
            _fill(self._top(), items)
        elif name == "SETITEM":
            items = self._popped(2)
            _fill(self._top(), items)
        elif name == "GLOBAL":
            push(_Name(*argument.split(" ", 1)))
        elif name == "STACK_GLOBAL":
            push(_Name(*map(_text, self._popped(2))))
        elif name == "REDUCE":
            function, arguments = self._popped(2)
            push(_called(function, arguments))
        elif name == "BUILD":
            (state,) = self._popped(1)
            _build(self._top(), state)
        else:
            raise ValueError(f"the instruction {name}")

    def _top(self) -> Any:
        if not self._stack or self._stack[-1] is _MARK:
            raise ValueError("an instruction without its value")
        return self._stack[-1]

    def _popped(self, n: int) -> tuple[Any, ...]:
        found = tuple(self._stack[-n:])
        if len(found) != n or any(each is _MARK for each in found):
            raise ValueError("an instruction without its values")
        del self._stack[-n:]
        return found

    def _since_mark(self) -> tuple[Any, ...]:
        for at in range(len(self._stack) - 1, -1, -1):
            if self._stack[at] is _MARK:
                found = tuple(self._stack[at + 1 :])
                del self._stack[at:]
                return found
        raise ValueError("an instruction without its mark")


def _fill(into: Any, items: tuple[Any, ...]) -> None:
    if not isinstance(into, dict) or len(items) % 2:
        raise ValueError("items of what is no dict")
    into.update(zip(map(_text, items[::2]), items[1::2], strict=True))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{type(value).__name__} for a name")
    return value


def _called(function: Any, arguments: Any) -> Any:
    """What numpy's function would have made, made here."""
    if not isinstance(function, _Name) or function not in _FUNCTIONS:
        named = f"{function.module}.{function.name}" if isinstance(function, _Name) else "another one"
        raise ValueError(f"a call of {named[:80]}")
    if not isinstance(arguments, tuple):
        raise ValueError("a call without arguments")
    return _FUNCTIONS[function](*arguments)


def _reconstruct(kind: Any, *_: Any) -> _Made:
    if kind != _Name("numpy", "ndarray"):
        raise ValueError("an array that is not numpy's own")
    return _Made()


def _dtype(name: Any, *_: Any) -> _Type:
    if not isinstance(name, str) or not re.fullmatch("b1|[iu][1248]|f[248]", name):
        raise ValueError("an array of something else than numbers")
    return _Type(np.dtype(name))


def _from_buffer(values: Any, dtype: Any, shape: Any, *_: Any) -> _Made:
    return _Made(_array(shape, dtype, values))


_FUNCTIONS: dict[_Name, Callable[..., Any]] = {
    _Name("numpy", "dtype"): _dtype,
    **{_Name(f"numpy.{core}.multiarray", "_reconstruct"): _reconstruct for core in ("core", "_core")},
    **{_Name(f"numpy.{core}.numeric", "_frombuffer"): _from_buffer for core in ("core", "_core")},
}


def _build(value: Any, state: Any) -> None:
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
        raise ValueError(f"a state for {type(value).__name__}")


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
