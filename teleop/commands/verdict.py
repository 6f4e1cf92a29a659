"""The check that closes every recording: does it replay?"""

from __future__ import annotations

from pathlib import Path

from recordings import replay
from recordings.errors import NotReplayable


def verdict(path: Path) -> tuple[bool | None, str]:
    """Whether the recording replays (None: it cannot be tried), and a sentence that says so."""
    try:
        found = replay.verify(path)
    except NotReplayable as error:
        return None, f"Not verified: {error}"
    if found.verified:
        return True, f"Verified: all {found.steps} steps replay exactly as recorded."
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
