"""Pickles read without unpickling: a small machine over `pickletools.genops`, which runs nothing.

A pickle is a program. The few instructions that plain data need are known here, each makes a value of ours, and the
first other one ends the reading. No name in a file is ever looked up, so there is nothing to call: whoever reads says
what a call of a known name would have made, and refuses any other. docs/decisions/0022 and 0027 say why this, and not
an Unpickler.
"""

from __future__ import annotations

import pickletools
import struct
import warnings
from dataclasses import dataclass
from typing import Any, NoReturn

MOST_INSTRUCTIONS = 10_000
"""An array takes some fifty."""
DAMAGE = (ValueError, TypeError, LookupError, OverflowError, MemoryError, struct.error)
"""What reading a damaged program may raise."""


class NotPlain(ValueError):
    """Sound perhaps, but more than plain data."""


@dataclass(frozen=True)
class Name:
    """Of a function or class; it is never looked up."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"[:100]


_ITSELF = (
    *("BININT", "BININT1", "BININT2", "LONG1", "BINUNICODE", "SHORT_BINUNICODE"),
    *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
)
"""Instructions that push their argument."""
_CONSTANTS: dict[str, Any] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_PUT, _GET = ("BINPUT", "LONG_BINPUT"), ("BINGET", "LONG_BINGET")
_MARK = object()


class Machine:
    """Its stack holds numbers, texts, bytes, tuples, dicts, names, and what the three methods below make."""

    def __init__(self) -> None:
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def called(self, function: Name, arguments: tuple[Any, ...]) -> Any:
        """What this call would have made. Raises NotPlain for any that is not known."""
        raise NotPlain(f"a call of {function}")

    def built(self, value: Any, state: Any) -> None:
        """Give what a call made its state."""
        raise NotPlain(f"a state for {type(value).__name__}")

    def kept_apart(self, key: Any) -> Any:
        """What is stored outside the program under this key."""
        raise NotPlain("the instruction BINPERSID")

    def run(self, program: bytes) -> Any:
        """What the pickle makes. Raises NotPlain, and for damage any of DAMAGE."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # a damaged name may hold half an escape
            for number, (opcode, argument, _) in enumerate(pickletools.genops(program)):
                if number >= MOST_INSTRUCTIONS:
                    raise NotPlain(f"more than {MOST_INSTRUCTIONS} instructions")
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
            push(Name(*argument.split(" ", 1)))
        elif name == "STACK_GLOBAL":
            push(Name(*map(_text, self._popped(2))))
        elif name == "REDUCE":
            push(self._call(*self._popped(2)))
        elif name == "BUILD":
            (state,) = self._popped(1)
            self.built(self._top(), state)
        elif name == "BINPERSID":
            push(self.kept_apart(*self._popped(1)))
        else:
            _refuse(f"the instruction {name}")

    def _call(self, function: Any, arguments: Any) -> Any:
        if not isinstance(function, Name):
            _refuse("a call of another one")
        if not isinstance(arguments, tuple):
            raise ValueError("a call without arguments")
        return self.called(function, arguments)

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
        _refuse(f"{type(value).__name__} for a name")
    return value


def _refuse(found: str) -> NoReturn:
    raise NotPlain(found)
