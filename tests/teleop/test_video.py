"""Videos: what was written is opened again and counted."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

import recordings
from teleop.app import film as film_module
from teleop.app.film import Film, FilmSettings, film_name
from teleop.app.recorded_world import world_of
from teleop.app.review import ReviewScene
from teleop.app.video import VideoMissing, VideoWriter, blank_picture
from teleop.app.window import Window
from teleop.cli import main
from teleop.clock import StepClock
from tests.teleop.app_pilot import Pilot
from tests.teleop.review_recordings import write

av = pytest.importorskip("av", reason='needs the extra "video": pip install av')

SMALL = (800, 600)
REST_S = 0.1
SECOND_FRAMES = 15
"""Of the second episode: three steps at 8 a second and the rest, at 30 pictures a second, rounded up."""


@pytest.fixture(autouse=True)
def _short_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(film_module, "END_REST_S", REST_S)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    return write(tmp_path / "four.h5")


def facts(path: Path) -> tuple[int, tuple[int, int], float, str, str]:
    """Frames, size, seconds, codec and how pixels are kept."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        frames = sum(1 for _ in container.decode(stream))
        context = stream.codec_context
        return (
            frames,
            (context.width, context.height),
            container.duration / 1e6,
            context.name,
            context.pix_fmt,
        )


def test_a_video_holds_the_frames_and_the_colours_it_was_given(tmp_path: Path) -> None:
    picture, path = blank_picture((320, 240)), tmp_path / "orange.mp4"
    picture.fill((230, 159, 0))
    with VideoWriter(path, (320, 240), 30) as writer:
        for _ in range(15):
            writer.add(picture)
    assert facts(path) == (15, (320, 240), pytest.approx(0.5, abs=0.01), "h264", "yuv420p")
    with av.open(str(path)) as container:
        seen = next(container.decode(video=0)).to_ndarray(format="rgb24")
    assert np.abs(seen[100, 100].astype(int) - (230, 159, 0)).max() <= 6
    assert [each.name for each in tmp_path.iterdir()] == ["orange.mp4"]


def test_a_video_cut_short_leaves_nothing_and_an_old_one_alone(tmp_path: Path) -> None:
    path = tmp_path / "old.mp4"
    path.write_bytes(b"old")

    def begin_and_fail() -> None:
        with VideoWriter(path, (320, 240), 30) as writer:
            writer.add(blank_picture((320, 240)))
            raise ValueError("lost")

    with pytest.raises(ValueError, match="lost"):
        begin_and_fail()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_episode_lasts_as_long_as_it_took(recording: Path, tmp_path: Path) -> None:
    with recordings.open(recording) as reader:
        settings = FilmSettings((2, 1), size=SMALL)
        film = Film(reader, world_of(reader.header), tmp_path / "two.mp4", settings)
        for _ in film:
            pass
    frames = 33 + SECOND_FRAMES  # 8 steps at 8 a second are 30 pictures
    assert (film.frames, film.frames_made) == (frames, frames)
    assert facts(film.path)[:2] == (frames, SMALL)


def test_faster_than_pictures_come_it_takes_more_of_them(recording: Path, tmp_path: Path) -> None:
    with recordings.open(recording) as reader:
        film = Film(reader, world_of(reader.header), tmp_path / "x.mp4", FilmSettings((2,), SMALL, speed=8.0))
        film.close()
    assert (film.fps, film.frames) == (60, 14)  # 8 steps at 64 a second are 7.5
    assert not (tmp_path / "x.mp4").exists()


def test_the_command_writes_one_and_says_so_as_json(
    recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.mp4"
    words = ["replay", str(recording), "--video", str(out), "--episode", "1", "--size", "800x600", "--json"]
    assert main(words) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {"video": str(out), "episodes": 1, "frames": SECOND_FRAMES, "fps": 30, "seconds": 0.5}
    assert facts(out)[0] == SECOND_FRAMES


@pytest.mark.parametrize(
    ("words", "named", "status"),
    [
        (["--size", "801x600"], "--size: expected even", 2),
        (["--size", "640x480"], "--size: expected even", 2),
        (["--speed", "65"], "--speed: expected", 2),
        (["--verify"], "--verify: expected without", 2),
        (["--episode", "4"], "episode: expected one below 4", 1),
    ],
)
def test_what_no_video_can_be_is_told(
    recording: Path, capsys: pytest.CaptureFixture[str], words: list[str], named: str, status: int
) -> None:
    out = recording.with_name("out.mp4")
    assert main(["replay", str(recording), "--video", str(out), *words]) == status
    assert named in capsys.readouterr().err
    assert not out.exists()


def test_a_missing_library_is_told_in_a_paragraph(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(VideoMissing, match="pip install"):
        VideoWriter(tmp_path / "none.mp4", (320, 240), 30)
    assert not list(tmp_path.iterdir())


def test_names_are_free_ones(tmp_path: Path) -> None:
    recording = tmp_path / "mine.h5"
    assert film_name(recording, [3]).name == "mine-episode-3.mp4"
    film_name(recording, [3]).touch()
    assert film_name(recording, [3]).name == "mine-episode-3-2.mp4"
    assert film_name(recording, [3, 4]).name == "mine-2-episodes.mp4"


def test_the_review_films_while_one_looks_on(recording: Path) -> None:
    clock = StepClock()
    with Window(hidden=True, now_s=lambda: clock.now_ns() / 1e9) as window:
        review = ReviewScene(recordings.open(recording))
        pilot = Pilot(window, review, clock)
        pilot.frames(2)
        pilot.tap("right", "e", "left")
        for _ in range(300):
            if review.told.startswith("Written"):
                break
            pilot.frames()
        review.leave()
    assert facts(recording.with_name("four-episode-1.mp4"))[0] == SECOND_FRAMES


def test_a_film_is_stopped_by_escape_and_leaves_nothing(recording: Path) -> None:
    clock = StepClock()
    with Window(hidden=True, now_s=lambda: clock.now_ns() / 1e9) as window:
        review = ReviewScene(recordings.open(recording))
        pilot = Pilot(window, review, clock)
        pilot.frames()
        pilot.tap("e")
        pilot.tap("escape")
        assert pilot.following is None
        assert "not finished" in review.told
        review.leave()
    assert [path.name for path in recording.parent.iterdir()] == ["four.h5"]
