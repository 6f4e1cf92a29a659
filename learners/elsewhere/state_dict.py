"""PyTorch's saved weights as arrays, without unpickling them: the dozen instructions that plain tensors need are
followed here, and any other is refused.

`torch.save` writes a zip: `data.pkl`, a program for Python's pickle machine, and a part for each block of numbers.
Pickle's own machine can call anything; this one knows two names, an ordered dict and a tensor, and calls nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from learners.elsewhere.archive import Archive
from learners.elsewhere.trust import one_line
from learners.errors import PolicyFileError
from learners.interface import Array
from recordings.plain_pickle import DAMAGE, Machine, Name, NotPlain

PROGRAM = "/data.pkl"
MOST_PROGRAM_BYTES = 1 << 20
MOST_DIMENSIONS = 8
DICT, TENSOR = Name("collections", "OrderedDict"), Name("torch._utils", "_rebuild_tensor_v2")
STORAGES: Mapping[Name, np.dtype[Any]] = MappingProxyType(
    {Name("torch", "FloatStorage"): np.dtype("<f4"), Name("torch", "DoubleStorage"): np.dtype("<f8")}
)


def read_state_dict(archive: Archive, name: str) -> dict[str, Array]:
    """Every tensor by its name. Raises NotPlain for anything else in it, PolicyFileError for damage.

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
        raise NotPlain("weights in another byte order than little")
    program = archive.read(programs[0], MOST_PROGRAM_BYTES)
    try:
        found = _Tensors(archive, folder).run(program)
    except NotPlain:
        raise
    except DAMAGE as error:
        raise PolicyFileError(
            f"{name}: {PROGRAM[1:]}: expected plain tensors by name, found damage ({one_line(error)}). "
            "Copy the file again, or save the policy again."
        ) from error
    if not isinstance(found, dict) or not all(isinstance(each, np.ndarray) for each in found.values()):
        raise NotPlain("something else than tensors by name")
    return {str(key): array for key, array in found.items()}


class _Tensors(Machine):
    """Knows two calls, of an ordered dict and of a tensor, and the blocks of numbers beside the program."""

    def __init__(self, archive: Archive, folder: str) -> None:
        super().__init__()
        self._archive, self._folder = archive, folder
        self._blocks: dict[str, bytes] = {}

    def called(self, function: Name, arguments: tuple[Any, ...]) -> Any:
        if function == DICT and not arguments:
            return {}
        if function == TENSOR and len(arguments) >= 4:
            return _tensor(*arguments[:4])
        return super().called(function, arguments)

    def built(self, value: Any, state: Any) -> None:
        """What PyTorch notes about its modules' versions."""

    def kept_apart(self, key: Any) -> Array:
        """("storage", kind, part, device, numbers) -> the numbers, (numbers,)."""
        if not (isinstance(key, tuple) and len(key) == 5 and isinstance(key[1], Name)):
            raise ValueError("a block of numbers that is described in another way")
        _, kind, part, _, numbers = key
        if kind not in STORAGES:
            raise NotPlain(f"numbers of the kind {kind}")
        if not isinstance(part, str) or not part.isdigit():
            raise ValueError("a block of numbers without a number")
        if part not in self._blocks:
            self._blocks[part] = self._archive.read(f"{self._folder}/data/{part}")
        found = np.frombuffer(self._blocks[part], STORAGES[kind])
        if len(found) != numbers:
            raise ValueError(f"{len(found)} numbers in block {part}, {numbers} announced")
        return found


def _tensor(block: Any, start: Any, shape: Any, stride: Any) -> Array:
    """A tensor whose numbers lie one after the other in its block, as saved ones do."""
    sizes = (*shape, *stride, start)
    if not isinstance(block, np.ndarray) or len(shape) != len(stride) or len(shape) > MOST_DIMENSIONS:
        raise ValueError("a tensor without numbers")
    if not all(type(size) is int and size >= 0 for size in sizes):
        raise ValueError("a tensor whose shape is no row of whole numbers")
    usual = [math.prod(shape[i + 1 :]) for i in range(len(shape))]
    if any(size > 1 and step != one for size, step, one in zip(shape, stride, usual, strict=True)):
        raise NotPlain("a tensor whose numbers do not lie one after the other")
    numbers = math.prod(shape)
    if start + numbers > len(block):
        raise ValueError(f"a tensor of {numbers} numbers in a block of {len(block)}")
    return block[start : start + numbers].reshape(shape)
