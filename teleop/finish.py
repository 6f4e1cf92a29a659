"""What is left behind at the end: the student, with where it comes from, and the proof that the recording replays."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from learners.checkpoint import Origin, save
from learners.interface import FloatArray, Policy
from learners.policies import NetworkPolicy
from recordings import replay
from recordings.errors import NotReplayable


def keep_policy(
    policy: Policy,
    path: Path,
    learner: str,
    env_id: str,
    *,
    reward: FloatArray | None = None,
    **notes: Any,
) -> None:
    """Write the policy to `path`, with its learner, world, our version, the reward that was recovered, if one was,
    and any `notes`. Raises LearnerError."""
    if not isinstance(policy, NetworkPolicy):
        raise TypeError(f"expected a trained policy, found {type(policy).__name__}")
    save(policy, path, Origin(learner, env_id, our_version(), notes), reward)


def our_version() -> str:
    """The installed version of Understudy, or "" in a checkout that was never installed."""
    try:
        return version("understudy")
    except PackageNotFoundError:
        return ""


def verdict(path: Path, episodes: Iterable[int] | None = None) -> tuple[bool | None, str]:
    """Whether these episodes (None: all) replay, and a sentence that says so; None where it cannot be tried."""
    try:
        found = replay.verify(path, episodes=episodes)
    except NotReplayable as error:
        return None, f"Not verified: {error}"
    if found.verified:
        return True, f"Verified: {counted(found.steps, 'step')} replayed exactly as recorded."
    return False, f"It does NOT replay: {where(found)}"


def where(found: replay.Verification) -> str:
    """The first divergence in words: where, what, and both values."""
    if found.divergence is None:
        return "nowhere"
    named = found.divergence.to_json()
    return (
        f"episode {named['episode']}, step {named['step']}: {named['field']}: "
        f"recorded {named['recorded']}, found {named['found']}"
    )


def recorded(steps: int, episodes: int) -> str:
    """What a session recorded: "1 step recorded in 1 episode"."""
    return f"{counted(steps, 'step')} recorded in {counted(episodes, 'episode')}"


def counted(n: int, what: str) -> str:
    """ "1 step", "2,000 steps"."""
    return f"{n:,} {what}" if n == 1 else f"{n:,} {what}s"
