"""A name becomes a guest: by its form alone, so that whoever types it knows what will run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from gymnasium.envs.registration import EnvSpec

from learners import checkpoint
from learners.elsewhere import entry_point
from learners.elsewhere.guest import Guest, sha256_of
from learners.elsewhere.spaces import Spaces
from learners.errors import PolicyFileError
from learners.worlds import facts_of

Form = Literal["onnx", "sb3", "torchscript", "python"]
SUFFIXES: dict[str, Form] = {
    ".onnx": "onnx",
    ".zip": "sb3",
    ".pt": "torchscript",
    ".pth": "torchscript",
    ".ts": "torchscript",
}
OWN = ".safetensors"
ENTRY_POINT = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*")
RUNS: dict[Form, tuple[str | None, str]] = {
    "onnx": ("data, computed by onnxruntime; no code of the file runs",) * 2,
    "sb3": (
        "its weights are read as data; no code of the file runs",
        "where it is no plain network, stable_baselines3 runs, and whatever its pickled parts name",
    ),
    "torchscript": (None, "the program in the file runs"),
    "python": (None, "its module is imported, and the function called"),
}
"""What runs without --trust-code (None: it is refused), and with it."""


def form_of(name: str) -> Form | None:
    """What a name means; None: a policy of our own, or nobody from elsewhere."""
    suffix = Path(name).suffix.lower()
    if suffix in SUFFIXES:
        return SUFFIXES[suffix]
    return "python" if suffix != OWN and ENTRY_POINT.fullmatch(name) else None


def what_runs(name: str, *, trust_code: bool) -> str | None:
    """Whose code a name runs, in a sentence; None: nobody's from elsewhere, or it is refused."""
    form = form_of(name)
    runs = None if form is None else RUNS[form][trust_code]
    return None if runs is None else f"{name}: {runs}."


def load(name: str, spaces: Spaces, world: EnvSpec | None = None, *, trust_code: bool = False) -> Guest:
    """Whoever is named, ready to act in this world.

    name: as `form_of` understands it. trust_code: code that comes with the policy may run.
    Raises LearnerError: CodeNotTrustedError before anything was run, PolicyFileError, ForeignPolicyError,
    MissingExtraError.
    """
    form = form_of(name)
    if form == "python":
        return entry_point.load(name, spaces, world, trust_code=trust_code)
    content = checkpoint.read_file(Path(name))  # once: what is hashed is what is run
    sha256 = sha256_of(content)
    if form == "onnx":
        from learners.elsewhere import onnx_policy

        return Guest(name, sha256, onnx_policy.load(content, name, spaces))
    if form == "torchscript":
        from learners.elsewhere import torchscript

        return Guest(name, sha256, torchscript.load(content, name, spaces, trust_code=trust_code))
    if form == "sb3":
        from learners.elsewhere import sb3

        return Guest(name, sha256, sb3.load(content, name, spaces, trust_code=trust_code))
    raise PolicyFileError(
        f"{name}: expected a policy from elsewhere, by its form one of {', '.join(SUFFIXES)} or module:function, "
        "found another name."
    )


def named_policy(name: str, world: EnvSpec, *, trust_code: bool = False) -> Guest:
    """A policy of ours or from elsewhere, for a world that is looked at here. Raises LearnerError."""
    if form_of(name) is None:  # those are looked at by whoever uses them
        return Guest(name, "", checkpoint.load(name).policy)
    facts = facts_of(world)
    return load(name, Spaces(facts.observation_space, facts.action_space), world, trust_code=trust_code)
