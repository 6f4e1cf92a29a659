"""Gymnasium spaces as strict JSON, and the fixed-size form in which a column stores their elements.

Discrete is stored as the smallest signed integer that holds it, Box, MultiDiscrete and MultiBinary as they
are (truth values as bytes); Dict and Tuple go through `gymnasium.spaces.flatten`. Reading never evaluates
anything and refuses what it does not know.
"""

from __future__ import annotations

import json
import math
import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from recordings.errors import DamagedRecording, UnsupportedSpace

Space = spaces.Space[Any]

_DTYPES = frozenset(
    f"{kind}{bits}"
    for kind in ("int", "uint", "float")
    for bits in (8, 16, 32, 64)
    if (kind, bits) != ("float", 8)
) | {"bool"}
_MAX_ELEMENTS = 1 << 24
_MAX_DEPTH = 16


@dataclass(frozen=True)
class Storage:
    """How elements of one space lie in a column."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    """Shape of one element; () for Discrete."""
    flattened: bool
    """True where `gymnasium.spaces.flatten` was applied (Dict and Tuple)."""


def storage(space: Space) -> Storage:
    """The fixed-size form of `space`. Raises UnsupportedSpace if it has none."""
    if isinstance(space, spaces.Discrete):
        return Storage(_smallest_integer(int(space.start), int(space.start + space.n - 1)), (), False)
    if isinstance(space, spaces.Box | spaces.MultiDiscrete | spaces.MultiBinary):
        assert space.shape is not None
        return Storage(_stored_dtype(space), tuple(space.shape), False)
    if isinstance(space, spaces.Dict | spaces.Tuple):
        _refuse_unknown_parts(space)
        flat = spaces.flatten_space(space)
        if isinstance(flat, spaces.Box):
            return Storage(_stored_dtype(flat), tuple(flat.shape), True)
    raise UnsupportedSpace(
        f"{space}: expected Discrete, Box, MultiDiscrete, MultiBinary, or Dict and Tuple of these; found "
        f"{type(space).__name__}, which has no fixed size. Wrap the environment so that the space becomes "
        "one of them."
    )


def encoder(space: Space) -> Callable[[Any], Any]:
    """The function that brings an element of `space` into its stored form."""
    if storage(space).flattened:
        return lambda element: spaces.flatten(space, element)
    if isinstance(space, spaces.Discrete):
        return operator.index
    return lambda element: element


def decoder_of_rows(space: Space) -> Callable[[npt.NDArray[Any]], Iterable[Any]]:
    """The function that brings stored rows (N, ...) back into N elements that `env.step` accepts."""
    if storage(space).flattened:
        return lambda rows: [spaces.unflatten(space, row) for row in rows]
    if isinstance(space, spaces.Discrete):
        return lambda rows: rows.tolist()
    return lambda rows: rows.astype(space.dtype, copy=False)


def stored_space(space: Space) -> Space:
    """The space of the stored elements: `space` itself, or the flat Box of a Dict or Tuple."""
    return spaces.flatten_space(space) if storage(space).flattened else space


def to_json(space: Space) -> str:
    """`space` as JSON text, without NaN or Infinity literals. Raises UnsupportedSpace."""
    storage(space)
    return json.dumps(_to_dict(space), allow_nan=False)


def from_json(text: str) -> Space:
    """The space written by `to_json`. Raises DamagedRecording for anything else."""
    try:
        return _from_dict(json.loads(text), 0)
    except (
        ValueError,
        KeyError,
        TypeError,
        AssertionError,
        OverflowError,
        AttributeError,
        RecursionError,
    ) as error:
        raise DamagedRecording(
            f"space: expected JSON of a gymnasium space, found {text[:200]!r} ({error}). "
            "The header of this recording is damaged; restore the file from a copy."
        ) from error


def _stored_dtype(space: Space) -> np.dtype[Any]:
    dtype = np.dtype(space.dtype)
    return np.dtype(np.uint8) if dtype.kind == "b" else dtype.newbyteorder("<")


def _smallest_integer(low: int, high: int) -> np.dtype[Any]:
    for name in ("<i1", "<i2", "<i4"):
        limits = np.iinfo(name)
        if limits.min <= low and high <= limits.max:
            return np.dtype(name)
    return np.dtype("<i8")


def _refuse_unknown_parts(space: Space) -> None:
    parts = space.spaces.values() if isinstance(space, spaces.Dict) else getattr(space, "spaces", ())
    for part in parts:
        storage(part)


def _to_dict(space: Space) -> dict[str, Any]:
    if isinstance(space, spaces.Discrete):
        return {"type": "Discrete", "n": int(space.n), "start": int(space.start)}
    if isinstance(space, spaces.Box):
        return {
            "type": "Box",
            "shape": list(space.shape),
            "dtype": np.dtype(space.dtype).name,
            "low": _bounds(space.low),
            "high": _bounds(space.high),
        }
    if isinstance(space, spaces.MultiDiscrete):
        return {
            "type": "MultiDiscrete",
            "nvec": np.asarray(space.nvec).tolist(),
            "start": np.asarray(space.start).tolist(),
            "dtype": np.dtype(space.dtype).name,
        }
    if isinstance(space, spaces.MultiBinary):
        return {"type": "MultiBinary", "n": np.asarray(space.n).tolist()}
    if isinstance(space, spaces.Dict):
        return {"type": "Dict", "spaces": [[name, _to_dict(part)] for name, part in space.spaces.items()]}
    assert isinstance(space, spaces.Tuple)
    return {"type": "Tuple", "spaces": [_to_dict(part) for part in space.spaces]}


def _bounds(values: npt.NDArray[Any]) -> Any:
    """One number where all bounds are equal, else a flat list; infinities and NaN as words."""
    flat = [_number_to_json(value) for value in values.ravel().tolist()]
    return flat[0] if flat and all(value == flat[0] for value in flat) else flat


def _number_to_json(value: float) -> float | str:
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else ("inf" if value > 0 else "-inf")
    return value


def _number_from_json(value: Any) -> float:
    if value in ("nan", "inf", "-inf"):
        return float(value)
    if isinstance(value, bool | int | float):
        return value
    raise ValueError(f"expected a number, found {value!r}")


def _shape(value: Any) -> tuple[int, ...]:
    shape = tuple(_integer(size) for size in value)
    if any(size < 0 for size in shape) or math.prod(shape) > _MAX_ELEMENTS:
        raise ValueError(f"absurd shape {shape}")
    return shape


def _integer(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"expected an integer, found {value!r}")
    return value


def _dtype(name: Any) -> np.dtype[Any]:
    if name not in _DTYPES:
        raise ValueError(f"expected a number type, found {name!r}")
    return np.dtype(str(name))


def _bound_array(value: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    if not isinstance(value, list):
        return np.full(shape, _number_from_json(value), dtype)
    return np.array([_number_from_json(each) for each in value], dtype).reshape(shape)


def _integers(value: Any) -> npt.NDArray[np.int64]:
    array = np.array(value)
    if array.size and array.dtype.kind != "i":
        raise ValueError(f"expected integers, found {value!r}")
    return array.astype(np.int64)


def _from_dict(data: Any, depth: int) -> Space:
    if not isinstance(data, Mapping) or depth > _MAX_DEPTH:
        raise ValueError("expected an object with the key 'type', nested at most 16 deep")
    read = _READERS.get(data["type"])
    if read is None:
        raise ValueError(f"unknown space type {data['type']!r}")
    return read(data, depth)


def _read_discrete(data: Mapping[str, Any], _: int) -> Space:
    return spaces.Discrete(_integer(data["n"]), start=_integer(data["start"]))


def _read_box(data: Mapping[str, Any], _: int) -> Space:
    shape, dtype = _shape(data["shape"]), _dtype(data["dtype"])
    low, high = (_bound_array(data[bound], shape, dtype) for bound in ("low", "high"))
    return spaces.Box(low, high, shape=shape, dtype=dtype.type)


def _read_multi_discrete(data: Mapping[str, Any], _: int) -> Space:
    return spaces.MultiDiscrete(
        _integers(data["nvec"]), dtype=_dtype(data["dtype"]).type, start=_integers(data["start"])
    )


def _read_multi_binary(data: Mapping[str, Any], _: int) -> Space:
    n = data["n"]
    return spaces.MultiBinary(_shape(n) if isinstance(n, list) else _shape([n])[0])


def _read_dict(data: Mapping[str, Any], depth: int) -> Space:
    return spaces.Dict({str(name): _from_dict(part, depth + 1) for name, part in data["spaces"]})


def _read_tuple(data: Mapping[str, Any], depth: int) -> Space:
    return spaces.Tuple([_from_dict(part, depth + 1) for part in data["spaces"]])


_READERS: dict[str, Callable[[Mapping[str, Any], int], Space]] = {
    "Discrete": _read_discrete,
    "Box": _read_box,
    "MultiDiscrete": _read_multi_discrete,
    "MultiBinary": _read_multi_binary,
    "Dict": _read_dict,
    "Tuple": _read_tuple,
}
