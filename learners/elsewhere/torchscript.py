"""A policy in a TorchScript file: a program with its weights, run by PyTorch. Only for trusted files.

Loading runs the program's beginning, and every answer runs the rest. Observations of a Box come as float32
(N, *observation shape), states of a Discrete world as int64 (N,). The answer is what `outputs` says, the first where
there are several.
"""

from __future__ import annotations

import io
import warnings
from typing import Any

import gymnasium as gym
import numpy as np

from learners.elsewhere import outputs
from learners.elsewhere.answers import ForeignActions, ForeignScores
from learners.elsewhere.archive import Archive
from learners.elsewhere.spaces import Spaces
from learners.elsewhere.trust import require_trust, told
from learners.errors import PolicyFileError
from learners.interface import Array

PROGRAM, PICKLED = "constants.pkl", "data.pkl"
"""Parts that a TorchScript file has; one by `torch.save` has the second alone."""


def load(content: bytes, name: str, spaces: Spaces, *, trust_code: bool) -> ForeignActions | ForeignScores:
    """The policy of a TorchScript file. Raises LearnerError."""
    parts = {part.rpartition("/")[2] for part in Archive(content, name).names}
    if PROGRAM not in parts:
        what = "what torch.save pickled" if PICKLED in parts else "another zip"
        raise PolicyFileError(
            f"{name}: expected a TorchScript program, found {what}. Export the network with "
            "torch.onnx.export, or with torch.jit.trace and its save (docs/experts.md)."
        )
    require_trust(
        name,
        trust_code,
        "A TorchScript file holds a program; loading it and each of its answers would run that.",
        "Or export the network to ONNX, which needs no trust (docs/experts.md).",
    )
    with told(name, "loading"):
        module = _module(content)
    is_state = isinstance(spaces.observation, gym.spaces.Discrete)
    return outputs.policy_of(
        name, spaces, lambda rows: _answer(module, rows, np.int64 if is_state else np.float32)
    )


def _module(content: bytes) -> Any:
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # TorchScript is old, and files of it are many
        module = torch.jit.load(io.BytesIO(content), map_location="cpu")  # type: ignore[no-untyped-call]
    return module.eval()


def _answer(module: Any, observations: Array, kind: type[np.generic]) -> Array:
    import torch

    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        answer = module(torch.from_numpy(np.ascontiguousarray(observations, dtype=kind)))
    first = answer[0] if isinstance(answer, tuple | list) else answer
    found: Array = first.cpu().numpy()
    return found
