"""PyTorch's saved weights as arrays, without unpickling them: the dozen instructions that plain tensors need are
followed here, and any other is refused.

`torch.save` writes a zip: `data.pkl`, a program for Python's pickle machine, and a part for each block of numbers.
Pickle's own machine can call anything; this one knows two names, an ordered dict and a tensor, and calls nothing.
"""

from __future__ import annotations

import math
import pickletools
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from learners.elsewhere.archive import Archive
from learners.elsewhere.trust import one_line
from learners.errors import PolicyFileError
from learners.interface import Array

PROGRAM = "/data.pkl"
MOST_PROGRAM_BYTES = 1 << 20
MOST_DIMENSIONS = 8
DICT, TENSOR = "collections OrderedDict", "torch._utils _rebuild_tensor_v2"
STORAGES: Mapping[str, np.dtype[Any]] = MappingProxyType(
    {
        "torch FloatStorage": np.dtype("<f4"),
        "torch DoubleStorage": np.dtype("<f8"),
    }
)
VALUES = ("BINUNICODE", "SHORT_BINUNICODE", "BININT", "BININT1", "BININT2", "LONG1")
CONSTANTS = MappingProxyType({"NEWTRUE": True, "NEWFALSE": False, "NONE": None})
TUPLES = MappingProxyType({"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3})


class NotPlainError(Exception):
    """Sound perhaps, but more than plain tensors by name."""


@dataclass(frozen=True)
class _Name:
    """A name that the program asks for; never looked up."""

    text: str


_MARK = object()


def read_state_dict(archive: Archive, name: str) -> dict[str, Array]:
    """Every tensor by its name. Raises NotPlainError for anything else in it, PolicyFileError for damage.

    name: of the file, for messages.
    """
    programs = [part for part in archive.names if part.endswith(PROGRAM) and part.count("/") == 1]
    if len(programs) != 1:
        raise PolicyFileError(
            f"{name}: expected weights that PyTorch saved, with one part {PROGRAM[1:]}, found {len(programs)}. "
            "Save the policy again."
        )
    folder = programs[0].removesuffix(PROGRAM)
    order = f"{folder}/byteorder"
    if order in archive.names and archive.read(order) != b"little":
        raise NotPlainError("weights in another byte order than little")
    program = archive.read(programs[0], MOST_PROGRAM_BYTES)
    try:
        found = _Machine(archive, folder).run(program)
    except (ValueError, TypeError, LookupError, OverflowError, struct.error) as error:
        raise PolicyFileError(
            f"{name}: {PROGRAM[1:]}: expected plain tensors by name, found damage ({one_line(error)}). "
            "Copy the file again, or save the policy again."
        ) from error
    if not isinstance(found, dict) or not all(isinstance(each, np.ndarray) for each in found.values()):
        raise NotPlainError("something else than tensors by name")
    return {str(key): array for key, array in found.items()}


class _Machine:
    """Follows a program whose every step is one of those below."""

    def __init__(self, archive: Archive, folder: str) -> None:
        self._archive, self._folder = archive, folder
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}
        self._blocks: dict[str, bytes] = {}

    def run(self, program: bytes) -> Any:
        for code, argument, _ in pickletools.genops(program):
            if code.name == "STOP":
                return self._pop()
            if not self._value(code.name, argument):
                self._act(code.name)
        raise ValueError("no end")

    def _value(self, code: str, argument: Any) -> bool:
        """Whether the step puts something on the stack, or remembers it."""
        if code in VALUES:
            self._stack.append(argument)
        elif code in CONSTANTS:
            self._stack.append(CONSTANTS[code])
        elif code == "GLOBAL":
            self._stack.append(self._name(argument))
        elif code == "MARK":
            self._stack.append(_MARK)
        elif code == "EMPTY_DICT":
            self._stack.append({})
        elif code == "EMPTY_TUPLE":
            self._stack.append(())
        elif code in ("BINPUT", "LONG_BINPUT"):
            self._memo[argument] = self._stack[-1]
        elif code in ("BINGET", "LONG_BINGET"):
            self._stack.append(self._memo[argument])
        else:
            return code == "PROTO"
        return True

    def _act(self, code: str) -> None:
        """A step that takes from the stack."""
        if code in TUPLES:
            self._stack.append(tuple(reversed([self._pop() for _ in range(TUPLES[code])])))
        elif code == "TUPLE":
            self._stack.append(tuple(self._since_mark()))
        elif code == "SETITEM":
            value, key = self._pop(), self._pop()
            self._put(key, value)
        elif code == "SETITEMS":
            items = self._since_mark()
            for key, value in zip(items[::2], items[1::2], strict=True):
                self._put(key, value)
        elif code == "BINPERSID":
            self._stack.append(self._block(self._pop()))
        elif code == "REDUCE":
            arguments, called = self._pop(), self._pop()
            self._stack.append(self._made(called, arguments))
        elif code == "BUILD":
            self._pop()  # what PyTorch notes about its modules' versions
        else:
            raise NotPlainError(f"pickle's instruction {code}")

    def _pop(self) -> Any:
        return self._stack.pop()

    def _since_mark(self) -> list[Any]:
        items: list[Any] = []
        while (item := self._pop()) is not _MARK:
            items.append(item)
        return items[::-1]

    def _put(self, key: Any, value: Any) -> None:
        if not isinstance(self._stack[-1], dict) or not isinstance(key, str):
            raise NotPlainError("something else than a dict of names")
        self._stack[-1][key] = value

    def _name(self, text: str) -> _Name:
        if text not in (DICT, TENSOR, *STORAGES):
            raise NotPlainError(f"the name {text[:100]!r}")
        return _Name(text)

    def _block(self, key: Any) -> Array:
        """("storage", kind, part, device, numbers) -> the numbers, (numbers,)."""
        if not (isinstance(key, tuple) and len(key) == 5 and isinstance(key[1], _Name)):
            raise ValueError("a block of numbers that is described in another way")
        _, kind, part, _, numbers = key
        if kind.text not in STORAGES or not isinstance(part, str) or not part.isdigit():
            raise ValueError("a block of numbers without a number")
        if part not in self._blocks:
            self._blocks[part] = self._archive.read(f"{self._folder}/data/{part}")
        found = np.frombuffer(self._blocks[part], STORAGES[kind.text])
        if len(found) != numbers:
            raise ValueError(f"{len(found)} numbers in block {part}, {numbers} announced")
        return found

    def _made(self, called: Any, arguments: Any) -> Any:
        known = called.text if isinstance(called, _Name) and isinstance(arguments, tuple) else ""
        if known == DICT and not arguments:
            return {}
        if known == TENSOR and len(arguments) >= 4:
            return _tensor(*arguments[:4])
        raise NotPlainError("something else than tensors in an ordered dict")


def _tensor(block: Any, start: Any, shape: Any, stride: Any) -> Array:
    """A tensor whose numbers lie one after the other in its block, as saved ones do."""
    sizes = (*shape, *stride, start)
    if not isinstance(block, np.ndarray) or len(shape) != len(stride) or len(shape) > MOST_DIMENSIONS:
        raise ValueError("a tensor without numbers")
    if not all(type(size) is int and size >= 0 for size in sizes):
        raise ValueError("a tensor whose shape is no row of whole numbers")
    usual = [math.prod(shape[i + 1 :]) for i in range(len(shape))]
    if any(size > 1 and step != one for size, step, one in zip(shape, stride, usual, strict=True)):
        raise NotPlainError("a tensor whose numbers do not lie one after the other")
    numbers = math.prod(shape)
    if start + numbers > len(block):
        raise ValueError(f"a tensor of {numbers} numbers in a block of {len(block)}")
    return block[start : start + numbers].reshape(shape)
