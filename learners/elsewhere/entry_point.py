"""`package.module:function`: a function of somebody's Python that returns an expert or a policy. Only for trusted code.

    def make():             # or make(world): gymnasium's EnvSpec of the world
        return Mine()       # with act(observation, tick) -> an action, or None: no answer
                            # or with act(observations, rng) -> actions, a batch at a time

The module is searched for where Python searches, and in the current folder after that.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from gymnasium.envs.registration import EnvSpec

from learners.elsewhere.answers import ForeignActions, ForeignExpert
from learners.elsewhere.guest import Guest, label_of, sha256_of
from learners.elsewhere.spaces import Spaces
from learners.elsewhere.trust import one_line, require_trust, told
from learners.errors import ForeignPolicyError

FORMS = "an object with act(observation, tick), an expert, or act(observations, rng), a policy"


def load(name: str, spaces: Spaces, world: EnvSpec | None, *, trust_code: bool) -> Guest:
    """Who the function returns. Raises CodeNotTrustedError, ForeignPolicyError."""
    module_name, _, function_name = name.partition(":")
    require_trust(
        name,
        trust_code,
        f"It would import the Python module {module_name} and call {function_name}() in it.",
        "Or export the policy to ONNX, which needs no trust (docs/experts.md).",
    )
    module = _imported(module_name, name)
    made = _made(module, function_name, name, world)
    source = getattr(module, "__file__", None)
    content = Path(source).read_bytes() if source and Path(source).is_file() else b""
    sha256 = sha256_of(content)
    return Guest(name, sha256, _actor(made, label_of(name, sha256), name, spaces))


def _imported(module_name: str, name: str) -> ModuleType:
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)  # last, so that nothing there stands in for what is installed
    try:
        with told(name, "importing"):
            return import_module(module_name)
    except ForeignPolicyError as error:
        if isinstance(error.__cause__, ModuleNotFoundError) and error.__cause__.name == module_name:
            raise ForeignPolicyError(
                f"{name}: expected the Python module {module_name}, found none ({one_line(error.__cause__)}). "
                f"Start in the folder that holds it (now {here}), or install it."
            ) from error
        raise


def _made(module: ModuleType, function_name: str, name: str, world: EnvSpec | None) -> Any:
    make = getattr(module, function_name, None)
    if not callable(make):
        raise ForeignPolicyError(
            f"{name}: expected a function {function_name} in {module.__name__}, found "
            f"{'nothing of that name' if make is None else type(make).__name__}. Check the name after the colon."
        )
    with told(name, "calling it"):
        return make(world) if _takes_one(make) else make()


def _takes_one(make: Callable[..., Any]) -> bool:
    """Whether it wants to be told of the world."""
    try:
        inspect.signature(make).bind(None)
    except (TypeError, ValueError):
        return False
    return True


def _actor(made: Any, label: str, name: str, spaces: Spaces) -> ForeignExpert | ForeignActions:
    act: Any = getattr(made, "act", None)
    second = _second_argument(act) if callable(act) else None
    if second == "tick":
        return ForeignExpert(label, spaces, act)
    if second == "rng":
        return ForeignActions(label, spaces, act)
    found = type(made).__name__
    if callable(act):
        found += (
            f" whose act's second argument is {second or 'missing'}; its name, tick or rng, says which it is"
        )
    raise ForeignPolicyError(f"{name}: expected {FORMS}, found {found}. Return one of the two.")


def _second_argument(act: Callable[..., Any]) -> str | None:
    try:
        names = list(inspect.signature(act).parameters)
    except (TypeError, ValueError):
        return None
    return names[1] if len(names) > 1 else None
