"""Nothing that came with a policy runs before somebody said that it may; and what others' code raises becomes one
paragraph."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType

from learners.errors import CodeNotTrustedError, ForeignPolicyError, MissingExtraError
from recordings.errors import UnderstudyError

MOST_CHARACTERS = 300


def require_trust(name: str, trust_code: bool, runs: str, instead: str) -> None:
    """runs: what would be executed. instead: the way that needs no trust. Raises CodeNotTrustedError."""
    if not trust_code:
        raise CodeNotTrustedError(
            f"{name}: --trust-code: expected for this kind of policy, found nothing; nothing of it was run. {runs} "
            f"Add --trust-code if you know who made it. {instead}"
        )


def require_extra(module: str, extra: str, name: str) -> ModuleType:
    """An optional package's module. Raises MissingExtraError."""
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingExtraError(
            f"{name}: expected the package {module.split('.')[0]} to run it, found: {one_line(error)}. "
            f'Install it with `pip install "understudy[{extra}]"`.'
        ) from error


@contextmanager
def told(name: str, doing: str) -> Iterator[None]:
    """Whatever code that is not ours raises inside becomes a ForeignPolicyError."""
    try:
        yield
    except UnderstudyError:
        raise
    except (Exception, SystemExit) as error:  # others' code may raise anything
        raise ForeignPolicyError(
            f"{name}: {doing}: expected it to go through, found {type(error).__name__}: {one_line(error)}"
            f"{_place(error)}. Mend the policy, or export it again (docs/experts.md)."
        ) from error


def one_line(error: BaseException) -> str:
    """What it says, as text that a terminal takes for nothing else; of a long story the beginning and the end."""
    text = "".join(each if each.isprintable() else "?" for each in " ".join(str(error).split()))
    half = MOST_CHARACTERS // 2
    return text if len(text) <= MOST_CHARACTERS else f"{text[:half]} … {text[-half:]}"


def _place(error: BaseException) -> str:
    """Where it was raised, for whoever wrote that code; nothing where an installed package raised it."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None or "site-packages" in trace.tb_frame.f_code.co_filename:
        return ""
    return f" ({trace.tb_frame.f_code.co_filename}:{trace.tb_lineno})"
