"""What settings may be: the range of each number stands in the type of its field, and is checked when they are made.

Reading order: Range and its common cases, Settings (the base of every Config, and of a command's options), `allows`,
`told`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import MISSING, dataclass, fields
from numbers import Integral, Real
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from learners.errors import SettingError


@dataclass(frozen=True)
class Range:
    """Which numbers make sense; none that is not finite does."""

    least: float
    most: float = math.inf
    above: bool = False
    """Whether `least` itself is none of them."""
    below: bool = False
    """Whether `most` itself is none of them."""

    def has(self, number: Any) -> bool:
        is_high_enough = self.least < number if self.above else self.least <= number
        is_low_enough = number < self.most if self.below or math.isinf(self.most) else number <= self.most
        return bool(is_high_enough and is_low_enough)

    def __str__(self) -> str:
        """ "over 0", "from 1 on", "from 0 to below 1"."""
        lowest = f"over {self.least:g}" if self.above else f"from {self.least:g}"
        if math.isinf(self.most):
            return lowest if self.above else f"{lowest} on"
        return f"{lowest} to {'below ' if self.below else ''}{self.most:g}"


Count = Annotated[int, Range(1)]
CountOrZero = Annotated[int, Range(0)]
Seed = Annotated[int, Range(0)]
Positive = Annotated[float, Range(0, above=True)]
NonNegative = Annotated[float, Range(0)]
Share = Annotated[float, Range(0, 1)]
Part = Annotated[float, Range(0, 1, below=True)]
"""A share that is never the whole."""
SOME = "one at least"
"""Stands beside the type of a tuple that may not be empty."""
Candidates = Annotated[tuple[NonNegative, ...], SOME]


@dataclass(frozen=True)
class Settings:
    """Base of every Config, and of what a command is told."""

    def __post_init__(self) -> None:
        """Raises SettingError on the first field whose value its type does not allow."""
        kinds = get_type_hints(type(self), include_extras=True)
        for each in fields(self):
            value = getattr(self, each.name)
            if not allows(kinds[each.name], value):
                raise SettingError(
                    f"setting {each.name}: expected {told(kinds[each.name])}, found {value!r}. Leave it out"
                    + (" for the default." if each.default in (None, MISSING) else f" for {each.default!r}.")
                )


def allows(kind: Any, value: Any) -> bool:
    """Whether a type's ranges and choices allow the value; a type that has neither allows everything."""
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Annotated:
        limits = _range(parts)
        if limits is not None:
            return _is_a(parts[0], value) and limits.has(value)
        return allows(parts[0], value) and not (SOME in parts and len(value) == 0)
    if origin in (Union, UnionType):
        return any(allows(part, value) for part in parts)
    if origin is tuple:
        return isinstance(value, tuple) and all(allows(parts[0], each) for each in value)
    if origin is Literal:
        return value in parts
    return value is None if kind is NoneType else True


def told(kind: Any) -> str:
    """What a type allows, in words."""
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Annotated:
        limits = _range(parts)
        if limits is not None:
            return f"{_noun(parts[0])} {limits}"
        return told(parts[0]) + (f", {SOME}" if SOME in parts else "")
    if origin in (Union, UnionType):
        return " or ".join(told(part) for part in parts if part is not NoneType)
    if origin is tuple:
        return f"{told(parts[0])} for each"
    if origin is Literal:
        return f"one of {', '.join(map(str, parts))}"
    return str(kind)


def _range(parts: Sequence[Any]) -> Range | None:
    """Of what stands beside a type; others may say something of it too."""
    return next((part for part in parts if isinstance(part, Range)), None)


def _is_a(number: type, value: Any) -> bool:
    return isinstance(value, Integral if number is int else Real) and not isinstance(value, bool)


def _noun(number: type) -> str:
    return "a whole number" if number is int else "a number"
