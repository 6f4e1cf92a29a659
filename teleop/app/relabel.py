"""From a saved episode to the desk: a session that continues its recording, and begins by looking back on it."""

from __future__ import annotations

from pathlib import Path

import recordings
from teleop.app.drive import DriveScene, Following
from teleop.app.painters.choose import painter_for
from teleop.app.recorded_world import world_of
from teleop.clock import WallClock
from teleop.preferences import settings
from teleop.preferences.bindings import bindings
from teleop.start import CorrectSettings, start_correction


def label_episode(path: Path, episode: int, step: int, then: Following) -> DriveScene:
    """The desk at a step of an episode; then: what comes after it is left.

    The student is the one that was kept beside the recording, if there is one, and learns from what is labelled.
    Nobody may have the recording open. Raises UnderstudyError.
    """
    with recordings.open(path) as reader:
        world = world_of(reader.header)
    preferred, _ = settings.load()
    kept = path.with_suffix(".safetensors")
    chosen = CorrectSettings(
        world,
        path,
        student=kept if kept.exists() else None,
        look_at=(episode, step),
        render=True,
        bindings=bindings(preferred),
    )
    session = start_correction(chosen, WallClock())
    return DriveScene(
        session, painter_for(session.env), file=str(path), then=then, leave_word="back to the review"
    )
