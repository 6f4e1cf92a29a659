"""A policy in an ONNX file, computed by onnxruntime (extra `onnx`): arithmetic on data, no code of the file's own.

One input, the observations; of the outputs the one named logits, probabilities, action or actions, else the first.
Nothing but the bytes that were checked (`onnx_file`) reaches onnxruntime. It has one thread, MOST_MEMORY for its
tensors and MOST_SECONDS for an answer.
"""

from __future__ import annotations

import math
import threading
import time
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

import gymnasium as gym
import numpy as np

from learners.elsewhere import onnx_file, outputs
from learners.elsewhere.answers import ForeignActions, ForeignScores
from learners.elsewhere.outputs import Compute
from learners.elsewhere.spaces import Spaces
from learners.elsewhere.trust import require_extra, told
from learners.errors import ForeignPolicyError
from learners.interface import Array

MOST_MEMORY = 1 << 29
"""Bytes for all tensors at once; a file may ask for any size with a few bytes."""
MOST_SECONDS = 10.0
"""For one answer."""
LOOK_EVERY_S = 0.25
NAMES = ("logits", "probabilities", "action", "actions")
"""Of the output that is the answer."""
TYPES: Mapping[str, type[np.generic]] = MappingProxyType(
    {
        "tensor(float)": np.float32,
        "tensor(double)": np.float64,
        "tensor(float16)": np.float16,
        "tensor(int64)": np.int64,
        "tensor(int32)": np.int32,
        "tensor(uint8)": np.uint8,
    }
)


def load(content: bytes, name: str, spaces: Spaces) -> ForeignActions | ForeignScores:
    """The policy in an ONNX file. Raises PolicyFileError, ForeignPolicyError, MissingExtraError."""
    onnx_file.check(content, name)
    runtime = require_extra("onnxruntime", "onnx", name)
    with told(name, "loading"):
        _bound_memory(runtime)
        session = runtime.InferenceSession(
            content, _options(runtime), providers=["CPUExecutionProvider"], enable_fallback=0
        )
        inputs = [_Input(each.name, each.type, tuple(each.shape)) for each in session.get_inputs()]
        output = _output(session)
    asked = _input(inputs, name)
    calls = _Calls(session, output, asked.name, runtime)
    compute = _reader(calls, asked, name, spaces)
    return outputs.policy_of(name, spaces, compute, are_probabilities=output == "probabilities")


@dataclass(frozen=True)
class _Input:
    """As the file declares it."""

    name: str
    type: str
    shape: tuple[Any, ...]
    """Whole numbers where a size is fixed, else names or None."""


@cache
def _bound_memory(runtime: Any) -> None:
    """Once a process: the allocator that sessions share, and its limit."""
    kind = runtime.OrtAllocatorType.ORT_ARENA_ALLOCATOR
    info = runtime.OrtMemoryInfo("Cpu", kind, 0, runtime.OrtMemType.DEFAULT)
    limit = runtime.OrtArenaCfg({"max_mem": MOST_MEMORY, "arena_extend_strategy": 1})  # 1: as much as asked
    runtime.create_and_register_allocator(info, limit)


def _options(runtime: Any) -> Any:
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4  # what goes wrong is raised
    # computing constants beforehand would happen before the time is watched
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.add_session_config_entry("session.use_env_allocators", "1")
    options.add_session_config_entry("session.load_model_format", "ONNX")
    return options


def _output(session: Any) -> str:
    """The name of the output that is the answer."""
    names = [str(each.name) for each in session.get_outputs()]
    return next((each for each in NAMES if each in names), names[0])


def _input(inputs: list[_Input], name: str) -> _Input:
    """The only one. Raises ForeignPolicyError where there are others, or it is no array of numbers."""
    if len(inputs) == 1 and inputs[0].type in TYPES and inputs[0].shape:
        return inputs[0]
    found = ", ".join(f"{each.name[:40]!r} ({each.type[:40]})" for each in inputs[:5]) or "none"
    raise ForeignPolicyError(
        f"{name}: inputs: expected one, the observations, rows of floats or whole numbers, found {found}. "
        "A policy that remembers cannot be run; export one that answers from the observation alone."
    )


def _reader(calls: _Calls, asked: _Input, name: str, spaces: Spaces) -> Compute:
    """Observations as the file declares its input. Raises ForeignPolicyError for another world's."""
    kind: np.dtype[Any] = np.dtype(TYPES[asked.type])
    rest = _rest(asked.shape, name, spaces, is_float=kind.kind == "f")

    def compute(observations: Array) -> Array:
        rows = _rows(observations, spaces.observation, rest, kind)
        if asked.shape[0] == 1:
            return np.concatenate([calls.answer(row[None]) for row in rows])
        return calls.answer(rows)

    return compute


class _Calls:
    """One question after the other, each with a limit to the time that its answer may take."""

    def __init__(self, session: Any, output: str, input_: str, runtime: Any) -> None:
        self._session, self._output, self._input = session, output, input_
        self.options = runtime.RunOptions()
        self.deadline_s = math.inf
        threading.Thread(
            target=_watch, args=(weakref.ref(self),), name="understudy-onnx", daemon=True
        ).start()

    def answer(self, rows: Array) -> Array:
        self.options.terminate = False
        self.deadline_s = time.monotonic() + MOST_SECONDS
        try:
            answer: Array = self._session.run([self._output], {self._input: rows}, self.options)[0]
        finally:
            self.deadline_s = math.inf
        return answer


def _watch(watched: weakref.ref[_Calls]) -> None:
    """Break off an answer that is overdue, for as long as there is somebody to ask."""
    while (calls := watched()) is not None:
        if time.monotonic() > calls.deadline_s:
            calls.options.terminate = True
        del calls
        time.sleep(LOOK_EVERY_S)


def _rest(declared: tuple[Any, ...], name: str, spaces: Spaces, *, is_float: bool) -> tuple[int, ...]:
    """The shape of one observation as the file wants it: the world's own, flat, or for states a one among noughts."""
    shape = tuple(spaces.observation.shape or ())
    forms = [shape]
    if isinstance(spaces.observation, gym.spaces.Discrete):
        forms = [(int(spaces.observation.n),)] if is_float else [(), (1,)]
    elif len(shape) != 1:
        forms.append((math.prod(shape),))
    for form in forms:
        fits = len(declared) == 1 + len(form) and all(
            not isinstance(found, int) or found == size
            for found, size in zip(declared[1:], form, strict=True)
        )
        if fits and (not isinstance(declared[0], int) or declared[0] == 1):
            return form
    wanted = " or ".join(str(("N", *form)).replace("'", "") for form in forms)
    raise ForeignPolicyError(
        f"{name}: input: expected {wanted} for this world's {spaces.observation}, found {_shown(declared)}. "
        "Give a policy for this world, exported with any number of rows (dynamic axis 0), or with one."
    )


def _shown(declared: tuple[Any, ...]) -> str:
    return " ".join(str(declared).split())[:100]


def _rows(observations: Array, space: gym.Space[Any], rest: tuple[int, ...], kind: np.dtype[Any]) -> Array:
    """observations (B, *observation shape) -> (B, *rest)."""
    if isinstance(space, gym.spaces.Discrete) and kind.kind == "f":
        ones: Array = np.eye(int(space.n), dtype=kind)[observations - int(space.start)]
        return ones
    return np.ascontiguousarray(observations.reshape(len(observations), *rest), dtype=kind)
