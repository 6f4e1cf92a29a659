"""A recording as a video: the replay's own picture, drawn frame by frame without a window."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from recordings.reader import Reader
from teleop.app.episode_view import EpisodeView, load_episode, with_student
from teleop.app.painters.choose import painter_for_replay, put_away
from teleop.app.replay_picture import Moment, ReplayPicture
from teleop.app.video import VideoWriter, blank_picture
from teleop.app.words import number, pace
from teleop.training.student import StudentVersion
from teleop.worlds.catalogue import World

SMOOTH_HZ, QUICK_HZ = 30, 60
"""Pictures a second; the second where the world steps faster than the first."""
END_REST_S = 1.0
"""How long the end of an episode stays."""


@dataclass(frozen=True)
class FilmSettings:
    """How to film."""

    episodes: tuple[int, ...]
    """Counted from 0, in the order in which they are shown."""
    size: tuple[int, int] = (1280, 800)
    """Pixels, both even, at least 800x600."""
    speed: float = 1.0
    """Times the recorded control rate."""
    student: StudentVersion | None = None
    """A policy to show in place of the recorded student."""


class Film:
    """One video in the making: iterate, and each turn is one frame."""

    def __init__(self, reader: Reader, world: World, out: Path, settings: FilmSettings) -> None:
        """Raises VideoMissing, OSError."""
        self.episodes = settings.episodes
        self.path, self._reader, self._world, self._settings = out, reader, world, settings
        self._steps_hz = (reader.header.control_hz or world.control_hz) * settings.speed
        self.fps = SMOOTH_HZ if self._steps_hz <= SMOOTH_HZ else QUICK_HZ
        self.frames = sum(self._frames_of(reader.episodes[index].length) for index in settings.episodes)
        """That the whole video has."""
        self._picture = blank_picture(settings.size)
        self._writer = VideoWriter(out, settings.size, self.fps)
        self._painter = painter_for_replay(world)
        self._replay = ReplayPicture(world, self._painter, settings.student)
        self._turns = self._take_turns()

    @property
    def frames_made(self) -> int:
        return self._writer.frames

    @property
    def seconds(self) -> float:
        """Of the video as far as it is made."""
        return self._writer.seconds

    def __iter__(self) -> Iterator[None]:
        """Make a frame a turn; the file is in place after the last. Raises DamagedRecording, OSError."""
        return self._turns

    def _take_turns(self) -> Iterator[None]:
        try:
            for index in self._settings.episodes:
                yield from self._shoot(self._load(index))
            self._writer.finish()
        finally:
            self.close()

    def shoot(self, budget_s: float) -> bool:
        """Make frames for about so long; says whether the video is finished."""
        until_s = time.perf_counter() + budget_s
        return all(time.perf_counter() < until_s for _ in self._turns)

    def close(self) -> None:
        """Stop; an unfinished video leaves nothing behind."""
        self._writer.discard()
        put_away(self._painter)

    def _load(self, index: int) -> EpisodeView:
        episode, student = load_episode(self._reader, index), self._settings.student
        return episode if student is None else with_student(episode, student.policy)

    def _frames_of(self, length: int) -> int:
        return math.ceil((length / self._steps_hz + END_REST_S) * self.fps)

    def _shoot(self, episode: EpisodeView) -> Iterator[None]:
        for frame in range(self._frames_of(episode.length)):
            step = min(episode.length, int(frame * self._steps_hz / self.fps + 1e-9))
            self._replay.draw(self._picture, self._moment(episode, step), self._writer.seconds)
            self._writer.add(self._picture)
            yield

    def _moment(self, episode: EpisodeView, step: int) -> Moment:
        so_far = f"step {step} of {episode.length}, return {number(float(episode.returns[step]))}"
        return Moment(
            episode=episode,
            step=step,
            episodes=self._reader.n_episodes,
            file=self._reader.path.name,
            hint=so_far,
            speed=pace(self._steps_hz, self._settings.speed),
        )


def film_name(recording: Path, episodes: Sequence[int]) -> Path:
    """A file beside the recording that does not exist yet."""
    about = f"episode-{episodes[0]}" if len(episodes) == 1 else f"{len(episodes)}-episodes"
    path, again = recording.with_name(f"{recording.stem}-{about}.mp4"), 1
    while path.exists():
        again += 1
        path = recording.with_name(f"{recording.stem}-{about}-{again}.mp4")
    return path
