"""ONNX files written field by field, so that tests can make sound and hostile ones without the package onnx."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

FLOAT, INT64 = 1, 7
KINDS = {np.dtype(np.float32): FLOAT, np.dtype(np.int64): INT64}


def field(number: int, value: int | bytes | str) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    value = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def tensor(name: str, array: np.ndarray[Any, Any], more: bytes = b"") -> bytes:
    dims = b"".join(field(1, size) for size in array.shape)
    return dims + field(2, KINDS[array.dtype]) + field(8, name) + field(9, array.tobytes()) + more


def external(name: str, shape: Sequence[int], location: str) -> bytes:
    """A tensor whose numbers lie in another file."""
    entry = field(1, "location") + field(2, location)
    dims = b"".join(field(1, size) for size in shape)
    return dims + field(2, FLOAT) + field(8, name) + field(13, entry) + field(14, 1)


def node(operator: str, inputs: Sequence[str], output: str, *attributes: bytes, domain: str = "") -> bytes:
    read = b"".join(field(1, each) for each in inputs)
    given = b"".join(field(5, each) for each in attributes)
    return read + field(2, output) + field(4, operator) + given + (field(7, domain) if domain else b"")


def attribute(
    name: str, *, integer: int | None = None, of: bytes | None = None, graph: bytes | None = None
) -> bytes:
    """of: a tensor."""
    if integer is not None:
        return field(1, name) + field(3, integer) + field(20, 2)
    if graph is not None:
        return field(1, name) + field(6, graph) + field(20, 5)
    assert of is not None
    return field(1, name) + field(5, of) + field(20, 4)


def value(name: str, shape: Sequence[int | str], kind: int = FLOAT) -> bytes:
    dims = b"".join(field(1, field(2, each) if isinstance(each, str) else field(1, each)) for each in shape)
    return field(1, name) + field(2, field(1, field(1, kind) + field(2, dims)))


def graph(
    nodes: Sequence[bytes], inputs: Sequence[bytes], outputs: Sequence[bytes], tensors: Sequence[bytes] = ()
) -> bytes:
    parts = [(1, nodes), (5, tensors), (11, inputs), (12, outputs)]
    return field(2, "policy") + b"".join(field(number, each) for number, all_ in parts for each in all_)


def model(whole: bytes, more: bytes = b"") -> bytes:
    return field(1, 8) + field(7, whole) + field(8, field(2, 17)) + more


def linear(
    weights: np.ndarray[Any, Any], *, rows: int | str = "N", output: str = "logits", tensors: Sequence[bytes] = ()
) -> bytes:  # fmt: skip
    """observations (N, I) @ weights (I, A) -> logits (N, A)."""
    n_in, n_out = weights.shape
    return model(
        graph(
            [node("MatMul", ["obs", "W"], output)],
            [value("obs", [rows, n_in])],
            [value(output, [rows, n_out])],
            tensors or [tensor("W", weights.astype(np.float32))],
        )
    )
