"""Policies on disk: safetensors for the arrays, JSON for what they mean. Nothing is unpickled or evaluated.

The file holds `NetworkPolicy.arrays` by their own names, `reward` beside them where the learner recovered
one, and one metadata entry, "understudy": JSON, ASCII, keys sorted, so that saving what was loaded gives the
same bytes. A file is written aside and renamed, so that whoever watches for a new policy sees the old one or
the new one, never half of one.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
import safetensors
import safetensors.numpy

from learners.errors import LearnerError, PolicyFileError
from learners.interface import Array, FloatArray
from learners.policies import Architecture, NetworkPolicy, fault, policy_from
from recordings import spaces
from recordings.errors import UnderstudyError

FORMAT = "understudy-policy"
FORMAT_VERSION = 1
ENTRY = "understudy"
REWARD = "reward"
"""Name of the recovered reward among the arrays."""
MAX_BYTES = 1 << 30
"""Larger files are refused unread: no policy of this project comes near."""
MAX_HEADER_BYTES = 1 << 24
MAX_WIDTH = 1 << 20
"""Units of a layer."""
RETRAIN = "Train it again, or restore the file from a copy."


@dataclass(frozen=True)
class Origin:
    """Where a policy comes from: for people and for checks; none of it changes what the policy does."""

    learner: str = ""
    """Name of the learner that trained it."""
    env_id: str = ""
    """gymnasium's name of the world it was trained for."""
    version: str = ""
    """Version of Understudy that wrote the file."""
    notes: Mapping[str, Any] = field(default_factory=dict)
    """Anything else that is JSON: settings, metrics, seed."""


@dataclass(frozen=True)
class Checkpoint:
    """What a policy file holds."""

    policy: NetworkPolicy
    origin: Origin
    reward: FloatArray | None = None
    """(S,) or (S, A) what the learner took the demonstrators' reward to be; None: it recovered none."""


def save(
    policy: NetworkPolicy,
    path: str | os.PathLike[str],
    origin: Origin | None = None,
    reward: FloatArray | None = None,
) -> None:
    """Write the policy, and the reward it follows, replacing what was at `path` in one instant.

    Raises LearnerError where the folder cannot be written; the old file is then still there.
    """
    path = Path(path)
    aside = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with aside.open("wb") as file:
            file.write(to_bytes(policy, origin or Origin(), reward))
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            aside.unlink()
        raise LearnerError(
            f"{path}: expected a place to write the policy, found: {error.strerror or error}. "
            f"Choose another path or make room; a policy that was there before is untouched."
        ) from error


def load(path: str | os.PathLike[str]) -> Checkpoint:
    """Read a policy file. Raises PolicyFileError, in one paragraph, for anything that is not a sound one."""
    path = Path(path)
    return from_bytes(read_file(path), str(path))


def to_bytes(policy: NetworkPolicy, origin: Origin, reward: FloatArray | None = None) -> bytes:
    """The policy file's content; equal policies, origins and rewards give equal bytes."""
    a = policy.architecture
    description = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "observation_space": json.loads(spaces.to_json(a.observation_space)),
        "action_space": json.loads(spaces.to_json(a.action_space)),
        "hidden": list(a.hidden),
        "activation": a.activation,
        **({"memory": a.memory} if a.memory else {}),
        **({"filters": list(a.filters)} if a.filters else {}),
        "learner": origin.learner,
        "env_id": origin.env_id,
        "version": origin.version,
        "notes": dict(origin.notes),
    }
    metadata = {ENTRY: json.dumps(description, sort_keys=True, allow_nan=False)}
    kept = {} if reward is None else {REWARD: np.ascontiguousarray(reward, dtype=np.float64)}
    return safetensors.numpy.save({**policy.arrays, **kept}, metadata)


def from_bytes(content: bytes, name: str = "policy") -> Checkpoint:
    """The inverse of `to_bytes`; `name` stands for the file in error messages."""
    description = _description(content, name)
    architecture = _architecture(description, name)
    try:
        arrays = safetensors.numpy.load(content)
    except (safetensors.SafetensorError, ValueError, KeyError, TypeError) as error:
        raise PolicyFileError(
            f"{name}: arrays: expected {len(content)} bytes of safetensors, found damage ({error}). {RETRAIN}"
        ) from error
    reward = arrays.pop(REWARD, None)
    wrong = fault(architecture, arrays) or _reward_fault(architecture, reward)
    if wrong is not None:
        raise PolicyFileError(f"{name}: {wrong}. {RETRAIN}")
    texts = {key: _text(description, key, name) for key in ("learner", "env_id", "version")}
    notes = _field(description, "notes", dict, name)
    return Checkpoint(policy_from(architecture, arrays), Origin(**texts, notes=notes), reward)


def _reward_fault(architecture: Architecture, reward: Array | None) -> str | None:
    """What keeps an array from being a reward for this policy's states (field, expected, found), or None."""
    if reward is None:
        return None
    n_states = architecture.n_inputs
    shapes = ((n_states,), (n_states, architecture.n_outputs)) if architecture.is_table else ()
    if reward.dtype != np.float64 or reward.shape not in shapes or not np.isfinite(reward).all():
        return (
            f"{REWARD}: expected finite float64 of a shape in {shapes}, found {reward.dtype} {reward.shape}"
        )
    return None


def read_file(path: Path) -> bytes:
    """A policy file's content. Raises PolicyFileError where there is none, or too much."""
    if path.exists() and not path.is_file() and not path.is_dir():
        raise PolicyFileError(f"{path}: expected a policy file, found a pipe or a device. Name a file.")
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except IsADirectoryError as error:
        raise PolicyFileError(
            f"{path}: expected a policy file, found a folder. Name the file in it."
        ) from error
    except FileNotFoundError as error:
        raise PolicyFileError(
            f"{path}: expected a policy file, found nothing there. Check the path, or make one with `train`."
        ) from error
    except OSError as error:
        raise PolicyFileError(
            f"{path}: expected a readable policy file, found: {error.strerror or error}. "
            f"Check its permissions."
        ) from error
    if len(content) > MAX_BYTES:
        raise PolicyFileError(
            f"{path}: size: expected at most {MAX_BYTES} bytes, found more. This is no policy of Understudy."
        )
    return content


def _description(content: bytes, name: str) -> dict[str, Any]:
    """The JSON object in safetensors' metadata, once it is known to be ours and of a version that we read."""
    try:
        length = int.from_bytes(content[:8], "little")
        if len(content) < 8 or length > min(MAX_HEADER_BYTES, len(content) - 8):
            raise ValueError(f"a header of {length} bytes in a file of {len(content)}")
        header = json.loads(content[8 : 8 + length].decode("utf-8"))
        description = json.loads(header["__metadata__"][ENTRY])
        if not isinstance(description, dict) or description.get("format") != FORMAT:
            raise ValueError(f"no {FORMAT!r} in it")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise PolicyFileError(
            f"{name}: format: expected a policy written by Understudy (safetensors), found something else or "
            f"a damaged file ({_short(error)}). Give a file that `train` or `dagger` wrote."
        ) from error
    version = description.get("format_version")
    if version != FORMAT_VERSION:
        raise PolicyFileError(
            f"{name}: format_version: expected {FORMAT_VERSION}, found {_short(version)}. "
            f"The file was written by another version of Understudy; upgrade, or train the policy again."
        )
    return description


def _architecture(description: dict[str, Any], name: str) -> Architecture:
    hidden = _widths(description, "hidden", name)
    filters = _widths({"filters": [], **description}, "filters", name)
    activation = _text(description, "activation", name)
    if activation not in ("tanh", "relu"):
        raise PolicyFileError(
            f"{name}: activation: expected 'tanh' or 'relu', found {_short(activation)}. {RETRAIN}"
        )
    memory = description.get("memory", 0)
    if type(memory) is not int or not 0 <= memory <= MAX_WIDTH:
        raise PolicyFileError(
            f"{name}: memory: expected units (a whole number, 0 or more), found {_short(memory)}. {RETRAIN}"
        )
    try:
        observation_space, action_space = (
            spaces.from_json(json.dumps(_field(description, key, dict, name)))
            for key in ("observation_space", "action_space")
        )
        return Architecture(observation_space, action_space, hidden, activation, memory, filters)  # type: ignore[arg-type]
    except PolicyFileError:
        raise
    except (UnderstudyError, ValueError, RecursionError) as error:
        raise PolicyFileError(
            f"{name}: spaces: expected two spaces that a policy can have, found damage "
            f"({_short(error)}). {RETRAIN}"
        ) from error


def _widths(description: dict[str, Any], key: str, name: str) -> tuple[int, ...]:
    widths = _field(description, key, list, name)
    if not all(type(width) is int and 0 < width <= MAX_WIDTH for width in widths) or len(widths) > 100:
        raise PolicyFileError(
            f"{name}: {key}: expected layer widths (whole numbers over 0), found {_short(widths)}. {RETRAIN}"
        )
    return tuple(widths)


def _text(description: dict[str, Any], key: str, name: str) -> str:
    return cast(str, _field(description, key, str, name))


def _field(description: dict[str, Any], key: str, kind: type, name: str) -> Any:
    value = description.get(key)
    if not isinstance(value, kind):
        found = "nothing" if value is None else f"{type(value).__name__} {_short(value)}"
        raise PolicyFileError(f"{name}: {key}: expected {kind.__name__}, found {found}. {RETRAIN}")
    return value


def _short(value: object) -> str:
    text = str(value) if isinstance(value, Exception) else repr(value)
    return text if len(text) <= 200 else text[:200] + "…"
