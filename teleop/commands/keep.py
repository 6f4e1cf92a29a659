"""What a command leaves behind: the policy, with where it comes from."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from learners.checkpoint import Origin, save
from learners.interface import Policy
from learners.policies import NetworkPolicy


def keep_policy(policy: Policy, path: Path, learner: str, env_id: str, **notes: Any) -> None:
    """Write the policy to `path`, with its learner, world, our version and any `notes`. Raises LearnerError."""
    if not isinstance(policy, NetworkPolicy):
        raise TypeError(f"expected a trained policy, found {type(policy).__name__}")
    save(policy, path, Origin(learner, env_id, our_version(), notes))


def our_version() -> str:
    """The installed version of Understudy, or "" in a checkout that was never installed."""
    try:
        return version("understudy")
    except PackageNotFoundError:
        return ""
