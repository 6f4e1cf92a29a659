"""A recording in the window, and as a video: what `replay` opens and writes."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import recordings
from recordings.errors import InvalidRow
from recordings.reader import Reader
from recordings.schema import Header
from teleop.app.film import Film, FilmSettings
from teleop.app.painters.choose import painter_for_replay
from teleop.app.preferences import Preferences
from teleop.app.recorded_world import world_of
from teleop.app.relabel import label_episode
from teleop.app.replay import ReplayScene
from teleop.app.review import ReviewScene
from teleop.app.window import Scene, Window
from teleop.training.student import StudentVersion

Tell = Callable[[Film], None]


def watch(
    path: str | os.PathLike[str],
    *,
    episode: int | None = None,
    policy: str | os.PathLike[str] | None = None,
    hidden: bool = False,
) -> None:
    """Review a recording in a window; one episode alone, or the only one there is, is played at once.

    episode: counted from 0. policy: what it would have done is shown in place of the recorded student.
    Raises NoDisplay, InvalidRow, the errors of `recordings.open`, and those of a policy that is none or of another
    world.
    """
    reader = recordings.open(path)
    try:
        if episode is not None:
            check_episodes(reader, [episode])
        student = None if policy is None else student_for(reader.header, policy)
        window = Window(title=f"Understudy: {reader.path.name}", hidden=hidden)
    except BaseException:
        reader.close()
        raise
    with window:
        Preferences(window)
        window.run(first_scene(reader, episode=episode, student=student))


def first_scene(reader: Reader, *, episode: int | None, student: StudentVersion | None) -> Scene:
    """All episodes, or the one asked for, or the only one there is."""
    if episode is None and (reader.n_episodes != 1 or reader.live):
        return ReviewScene(reader, student=student, relabel=label_episode)
    world = world_of(reader.header)
    return ReplayScene(reader, world, painter_for_replay(world), student=student, first=episode or 0)


def film(
    path: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    episodes: Sequence[int] = (),
    size: tuple[int, int],
    speed: float,
    policy: str | os.PathLike[str] | None = None,
    tell: Tell | None = None,
) -> Film:
    """Write episodes (none: all) of a recording to an MP4 file; tell: called after every frame. Needs no display.

    Raises VideoMissing, InvalidRow, OSError, the errors of `recordings.open`, and those of a policy.
    """
    with recordings.open(path) as reader:
        check_episodes(reader, episodes)
        student = None if policy is None else student_for(reader.header, policy)
        chosen = tuple(episodes) or tuple(range(reader.n_episodes))
        settings = FilmSettings(chosen, size=size, speed=speed, student=student)
        made = Film(reader, world_of(reader.header), Path(out), settings)
        for _ in made:
            if tell is not None:
                tell(made)
        return made


def check_episodes(reader: Reader, episodes: Sequence[int]) -> None:
    """Raise InvalidRow unless there are such episodes, or where there is none at all."""
    wrong = [index for index in episodes if not 0 <= index < reader.n_episodes]
    if wrong or not reader.n_episodes:
        found = wrong[0] if wrong else "none at all"
        raise InvalidRow(
            f"{reader.path}: episode: expected one below {reader.n_episodes} (they are counted from 0), found {found}. "
            "`info` tells how many there are."
        )


def student_for(header: Header, path: str | os.PathLike[str]) -> StudentVersion:
    """The policy in a file, once it is known to fit what was recorded."""
    from learners import checkpoint
    from learners.evaluation import check_fit  # loads scipy, which a replay without a policy does not need
    from learners.worlds import WorldFacts

    kept = checkpoint.load(path)
    check_fit(kept.policy, WorldFacts(header.observation_space, header.action_space, None))
    return StudentVersion(kept.policy, version=0, reward=kept.reward)
