"""`replay`: watch a recording, film it, or re-step it and compare."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from learners.settings import Positive, Seed, Settings
from recordings.errors import UnderstudyError
from recordings.replay import verify
from teleop.commands.recovered import make_whole
from teleop.commands.report import Report, progress_console
from teleop.finish import counted, where

if TYPE_CHECKING:
    from teleop.app.film import Film

SMALLEST, LARGEST = (800, 600), (3840, 2160)
_SIZE = re.compile(r"(\d+)x(\d+)")


class BadVideo(UnderstudyError):
    """A size, a speed or a file that no video can have."""


@dataclass(frozen=True)
class Replay(Settings):
    """Review a recording in the window, write it as a video, or re-step it and compare every observation."""

    file: Annotated[Path, tyro.conf.Positional]
    """The recording (HDF5)."""
    episode: Annotated[tuple[int, ...], tyro.conf.arg(metavar="N")] = ()
    """Watch this episode at once, or film these; counted from 0. Default: all."""
    video: Annotated[Path | None, tyro.conf.arg(metavar="OUT.mp4")] = None
    """Write a video (H.264) instead of opening the window. Needs the extra `video`, and no display."""
    speed: Positive = 1.0
    """Of the video, times the recorded control rate."""
    size: Annotated[str, tyro.conf.arg(metavar="WxH")] = "1280x800"
    """Of the video, in pixels: even, 800x600 to 3840x2160."""
    headless: bool = False
    """Without a window; implies --verify, unless a video is asked for."""
    verify: bool = False
    """Re-step every episode from its seed with its executed actions; the first divergence is named, exit status 1."""
    policy: Path | None = None
    """In the window and in a video: a policy to show beside what was done; on GridWorld, upon the map."""
    seed: Seed | None = None
    """Not used: a replay takes its seeds from the recording."""
    json: bool = False
    """Print one JSON object and nothing else; implies --verify, unless a video is asked for."""

    def run(self) -> Report:
        make_whole([self.file])
        if self.video is not None:
            return self._film(self.video)
        if self.headless or self.verify or self.json:
            return self._verify()
        from teleop.app.watch import watch

        watch(self.file, episode=self.episode[0] if self.episode else None, policy=self.policy)
        return Report({})

    def check(self) -> None:
        """Raises BadVideo."""
        if self.video is None:
            if len(self.episode) > 1:
                raise BadVideo(
                    f"--episode: expected one to watch, found {len(self.episode)}. --video takes several."
                )
            return
        if self.verify:
            raise BadVideo("--verify: expected without --video, found both. Verify first, film afterwards.")
        if self.video.suffix.lower() != ".mp4":
            raise BadVideo(f"--video: expected a file ending in .mp4, found {self.video}.")
        if not 1 / 64 <= self.speed <= 64:
            raise BadVideo(f"--speed: expected between 1/64 and 64, found {self.speed:g}.")
        size_of(self.size)

    def _verify(self) -> Report:
        found = verify(self.file)
        text = (
            f"{self.file}: verified, {found.episodes} episodes, {found.steps} steps replay exactly as recorded"
            if found.verified
            else f"{self.file}: does not replay: {where(found)}"
        )
        return Report(found.to_json(), text, 0 if found.verified else 1)

    def _film(self, out: Path) -> Report:
        from teleop.app.watch import film

        with _bar() as bar:
            shown = bar.add_task(out.name, total=None)

            def tell(made: Film) -> None:
                bar.update(shown, completed=made.frames_made, total=made.frames)

            made = film(
                self.file,
                out,
                episodes=self.episode,
                size=size_of(self.size),
                speed=self.speed,
                policy=self.policy,
                tell=tell,
            )
        data: dict[str, Any] = {
            "video": str(out),
            "episodes": len(made.episodes),
            "frames": made.frames,
            "fps": made.fps,
            "seconds": made.seconds,
        }
        episodes = counted(len(made.episodes), "episode")
        return Report(data, f"{out}: {episodes}, {made.seconds:.1f} s, {made.fps} pictures a second")


def parse(prog: str, words: list[str]) -> Replay:
    settings = tyro.cli(Replay, prog=prog, args=words)
    settings.check()
    return settings


def size_of(text: str) -> tuple[int, int]:
    """ "1280x800" -> (1280, 800). Raises BadVideo."""
    found = _SIZE.fullmatch(text)
    width, height = (int(found[1]), int(found[2])) if found else (0, 0)
    fits = SMALLEST[0] <= width <= LARGEST[0] and SMALLEST[1] <= height <= LARGEST[1]
    if not fits or width % 2 or height % 2:
        raise BadVideo(
            f"--size: expected even numbers from {SMALLEST[0]}x{SMALLEST[1]} to {LARGEST[0]}x{LARGEST[1]}, like "
            f"1280x800, found {text}."
        )
    return width, height


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed} of {task.total} frames"),
        TimeRemainingColumn(),
        console=progress_console(),
        transient=True,
    )
