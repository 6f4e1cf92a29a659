"""What an ONNX file asks for, read before anything runs it: no other files, no others' operators, no endless loops.

ONNX is protobuf: fields of a number and a value, some of which are messages again. Only those that lead to tensors,
operators and functions are followed (onnx.proto, https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from learners.errors import PolicyFileError

MOST_BYTES = 1 << 27
MOST_FIELDS = 1_000_000
DEEPEST = 16
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
INSIDE: Mapping[str, Mapping[int, str]] = MappingProxyType(
    {
        "Model": {7: "Graph", 20: "Training", 25: "Function"},
        "Training": {1: "Graph", 2: "Graph"},
        "Graph": {1: "Node", 5: "Tensor", 15: "SparseTensor"},
        "Node": {5: "Attribute"},
        "Attribute": {5: "Tensor", 6: "Graph", 10: "Tensor", 11: "Graph", 22: "SparseTensor", 23: "SparseTensor"},
        "SparseTensor": {1: "Tensor", 2: "Tensor"},
        "Tensor": {},
    }
)  # fmt: skip
"""Message -> its fields that are messages of interest."""
OPERATOR, DOMAIN = 4, 7
"""Fields of a Node."""
EXTERNAL_DATA, DATA_LOCATION = 13, 14
"""Fields of a Tensor."""
DOMAINS = (b"", b"ai.onnx", b"ai.onnx.ml")
LOOPS = (b"Loop", b"Scan")
ORT_MARK = b"ORTM"
"""At bytes 4 to 8 of onnxruntime's own format, which says nothing that is checked here."""


@dataclass(frozen=True)
class _Field:
    number: int
    value: int | memoryview


def check(content: bytes, name: str) -> None:
    """Raises PolicyFileError for what is no ONNX file, or asks for more than arithmetic on what it holds."""
    if len(content) > MOST_BYTES or content[4:8] == ORT_MARK:
        raise PolicyFileError(
            f"{name}: expected an ONNX file of at most {MOST_BYTES:,} bytes, found "
            f"{f'{len(content):,}' if len(content) > MOST_BYTES else 'one in the format of onnxruntime'}. "
            "Export the policy to ONNX (docs/experts.md)."
        )
    try:
        asked = _asked_for(content)
    except (ValueError, IndexError) as error:
        raise PolicyFileError(
            f"{name}: expected an ONNX file, found something else or damage ({error}). "
            "Copy the file again, or export the policy again (docs/experts.md)."
        ) from error
    if asked is not None:
        raise PolicyFileError(f"{name}: {asked}")


def _asked_for(content: bytes) -> str | None:
    """What is not allowed (field, expected, found, remedy), or None. Raises ValueError for what is not protobuf."""
    seen, has_graph = 0, False
    waiting: list[tuple[str, memoryview, int]] = [("Model", memoryview(content), 0)]
    while waiting:
        message, part, depth = waiting.pop()
        if depth > DEEPEST:
            raise ValueError(f"graphs inside graphs, deeper than {DEEPEST}")
        fields = []
        for each in _fields(part):
            fields.append(each)
            seen += 1
            if seen > MOST_FIELDS:
                raise ValueError(f"more than {MOST_FIELDS:,} parts")
        if (wrong := _wrong(message, fields)) is not None:
            return wrong
        for each in fields:
            inside = INSIDE[message].get(each.number)
            if inside is not None and isinstance(each.value, memoryview):
                if inside == "Function":
                    return (
                        "functions: expected none, found one of its own. Functions can be nested without end; "
                        "export with the functions inlined (torch.onnx.export does)."
                    )
                has_graph |= inside == "Graph"
                waiting.append((inside, each.value, depth + 1))
    if not has_graph:
        raise ValueError("no graph in it")
    return None


def _wrong(message: str, fields: list[_Field]) -> str | None:
    if message == "Tensor" and any(
        each.number == EXTERNAL_DATA or (each.number == DATA_LOCATION and each.value != 0) for each in fields
    ):
        return (
            "weights: expected all of them in this file, found some in another file that it names. No other file is "
            "opened; save it as one: onnx.save(onnx.load(path), path), or torch.onnx.export(..., external_data=False)."
        )
    if message == "Node":
        operators = [bytes(each.value) for each in fields if each.number == OPERATOR and _is_bytes(each)]
        domains = [bytes(each.value) for each in fields if each.number == DOMAIN and _is_bytes(each)]
        foreign = [domain for domain in domains if domain not in DOMAINS]
        if foreign:
            return (
                f"operators: expected those of ONNX, found one of {foreign[0][:60].decode(errors='replace')!r}. "
                "Operators from libraries are code; export without them."
            )
        if any(operator in LOOPS for operator in operators):
            return (
                "operators: expected none that repeat themselves, found Loop or Scan. They may never end; export the "
                "network without loops."
            )
    return None


def _is_bytes(each: _Field) -> bool:
    return isinstance(each.value, memoryview)


def _fields(part: memoryview) -> Iterator[_Field]:
    """The fields of one message. Raises ValueError, IndexError."""
    at = 0
    while at < len(part):
        tag, at = _varint(part, at)
        number, kind = tag >> 3, tag & 7
        if not 0 < number < 1 << 29:
            raise ValueError(f"a field of the number {number}")
        if kind == VARINT:
            value, at = _varint(part, at)
            yield _Field(number, value)
            continue
        if kind == BYTES:
            length, at = _varint(part, at)
        elif kind in (FIXED32, FIXED64):
            length = 4 if kind == FIXED32 else 8
        else:
            raise ValueError(f"a field of the kind {kind}")
        if length > len(part) - at:
            raise ValueError("a field that ends after the file")
        if kind == BYTES:
            yield _Field(number, part[at : at + length])
        else:
            yield _Field(number, 0)
        at += length


def _varint(part: memoryview, at: int) -> tuple[int, int]:
    """The number at a place, and the place after it."""
    value = 0
    for shift in range(0, 70, 7):
        byte = part[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("a number without end")
