"""The window itself, its key table, its layout and its words."""

from __future__ import annotations

import os
from pathlib import Path

import pygame
import pytest

from recordings.schema import Driver
from teleop.app.errors import NoDisplay
from teleop.app.key_names import KEY_NAMES, key_cap
from teleop.app.layout import lay_out
from teleop.app.typeface import Role, Typeface
from teleop.app.window import QUIT, FrameTimes, Window
from teleop.app.words import age, driver_now, hint, number, who_drives
from teleop.clock import StepClock
from teleop.preferences.palette import DRIVERS
from teleop.studio.phases import SESSION_KEYS, Phase
from teleop.training.student import StudentVersion
from teleop.worlds.catalogue import WORLDS
from tests.teleop.app_pilot import correction_session, recording_session


class Blank:
    """A scene that closes the window at its third frame."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def handle(self, event: pygame.Event) -> None:
        self.seen.append("event")

    def update(self, now_s: float) -> object:
        self.seen.append("update")
        return QUIT if self.seen.count("update") == 3 else None

    def draw(self, surface: pygame.Surface) -> None:
        self.seen.append("draw")

    def leave(self) -> None:
        self.seen.append("leave")


def test_without_a_display_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(NoDisplay, match=r"--headless.*xvfb-run"):
        Window()


def test_a_hidden_window_leaves_the_environment_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "x11")
    with Window(hidden=True):
        assert pygame.display.get_driver() == "dummy"
    assert os.environ["SDL_VIDEODRIVER"] == "x11"


def test_a_scene_is_updated_drawn_and_left() -> None:
    scene = Blank()
    with Window(hidden=True) as window:
        window.run(scene)  # type: ignore[arg-type]
        assert len(window.frame_times_ms) == 2
        assert len(window.work_times_ms) == 3
    done = [what for what in scene.seen if what != "event"]
    assert done == ["update", "draw"] * 2 + ["update", "leave"], "a scene that is over is not drawn again"


def test_a_scene_is_left_when_it_fails() -> None:
    scene = Blank()

    def broken(surface: pygame.Surface) -> None:
        raise RuntimeError("broken")

    scene.draw = broken  # type: ignore[method-assign]
    with Window(hidden=True) as window, pytest.raises(RuntimeError, match="broken"):
        window.run(scene)  # type: ignore[arg-type]
    assert scene.seen[-1] == "leave"


def test_the_window_never_gets_smaller_than_800x600() -> None:
    with Window(hidden=True) as window:
        window.resize((300, 200))
        assert window.surface.get_size() == (800, 600)


def test_frame_times_forget_the_oldest() -> None:
    times = FrameTimes(kept=4)
    for duration_ms in (100.0, 1.0, 2.0, 3.0, 4.0):
        times.add(duration_ms)
    assert len(times) == 4
    assert sorted(times.values()) == [1.0, 2.0, 3.0, 4.0]
    assert times.percentile(50) == 2.5


def test_every_key_that_worlds_and_sessions_name_exists() -> None:
    named = {key for world in WORLDS for key in world.keys}
    named |= {key for keys in SESSION_KEYS.values() for key in keys}
    assert named <= set(KEY_NAMES.values())


def test_every_key_cap_can_be_drawn() -> None:
    typeface = Typeface(1.0)
    missing = typeface.render("\ufffe", Role.LABEL)
    unknown = pygame.image.tobytes(missing, "RGBA")
    for name in set(KEY_NAMES.values()):
        for sign in key_cap(name).replace(" ", ""):
            drawn = typeface.render(sign, Role.LABEL)
            assert pygame.image.tobytes(drawn, "RGBA") != unknown, sign


@pytest.mark.parametrize(
    "size", [(800, 600), (1024, 600), (1280, 800), (1920, 1080), (3840, 2160), (700, 500)]
)
@pytest.mark.parametrize("aspect", [0.5, 1.0, 2.6])
def test_nothing_overlaps_at_any_size(size: tuple[int, int], aspect: float) -> None:
    layout = lay_out(size, aspect, below=62)
    whole = pygame.Rect(0, 0, max(size[0], 800), max(size[1], 600))
    assert whole.contains(layout.stage)
    assert whole.contains(layout.panel)
    assert not layout.stage.colliderect(layout.panel)
    for part in (layout.banner, layout.world, layout.hint):
        assert layout.stage.contains(part)
    assert layout.banner.bottom <= layout.world.top
    assert layout.world.bottom <= layout.hint.top
    assert min(layout.world.size) >= 300


def test_wrapped_text_keeps_every_word_within_the_width() -> None:
    typeface = Typeface(1.0)
    text = "The quick brown fox jumps over the lazy dog"
    lines = typeface.wrap(text, Role.BODY, 120)
    assert " ".join(lines) == text
    assert len(lines) > 1
    assert all(typeface.width(line, Role.BODY) <= 120 for line in lines)


def test_a_long_file_name_keeps_its_end() -> None:
    typeface = Typeface(1.0)
    short = typeface.elide("/a/very/long/folder/name/that/goes/on/run.h5", Role.SMALL, 100)
    assert short.startswith("…")
    assert short.endswith("run.h5")
    assert typeface.width(short, Role.SMALL) <= 100


def test_words_for_numbers() -> None:
    assert (number(-4.0), number(0.25), number(10)) == ("−4", "0.2", "10")
    assert (age(3.9), age(130), age(7300)) == ("3 s", "2 min", "2 h")


def test_words_for_a_person_who_records(tmp_path: Path) -> None:
    session = recording_session("gridworld", tmp_path / "g.h5", StepClock())
    session.update()
    assert who_drives(session) == ("YOU DRIVE", DRIVERS[Driver.HUMAN])
    assert hint(session, keyboard_lost=False) == "Press an arrow key: the world waits for you."
    session.focus_lost()
    assert who_drives(session)[0] == "PAUSED"
    assert "Click the world or press P" in hint(session, keyboard_lost=True)
    assert hint(session, keyboard_lost=False) == "Paused. Press P to go on."
    session.close()


def test_words_for_a_person_who_corrects(tmp_path: Path) -> None:
    session = correction_session("cartpole", tmp_path / "c.h5", StepClock())
    session.update()
    assert hint(session, keyboard_lost=False) == "Press ← or → to start; the last direction holds."
    session.adopt(StudentVersion(_Left(), version=1))
    session.phase = Phase.STUDENT
    assert driver_now(session) is Driver.STUDENT
    assert who_drives(session)[0] == "STUDENT DRIVES"
    assert "Hold SPACE to take over" in hint(session, keyboard_lost=False)
    session.press("space")
    assert who_drives(session)[0] == "YOU DRIVE"
    assert hint(session, keyboard_lost=False).startswith("Release SPACE to hand back.")
    session.close()


def test_words_for_a_scripted_expert(tmp_path: Path) -> None:
    session = recording_session("gridworld", tmp_path / "s.h5", StepClock(), driver="scripted")
    assert who_drives(session) == ("SCRIPTED EXPERT DRIVES", DRIVERS[Driver.SCRIPTED])
    session.close()


class _Left:
    def act(self, observations: object, rng: object = None) -> list[int]:
        return [0] * len(observations)  # type: ignore[arg-type]


class ShutsPygameDown(Blank):
    """A scene whose world, on closing, shuts pygame down: MountainCar does, once it has drawn itself."""

    def update(self, now_s: float) -> object:
        pygame.quit()
        return QUIT

    def draw(self, surface: pygame.Surface) -> None:
        raise AssertionError("a scene that is over is not drawn")


def test_a_world_that_shuts_pygame_down_does_not_spoil_the_ending() -> None:
    with Window(hidden=True) as window:
        window.run(ShutsPygameDown())  # type: ignore[arg-type]


def test_it_survives_an_environment_that_shuts_pygame_down() -> None:
    scene = Blank()
    with Window(hidden=True) as window:
        window.frame(scene)  # type: ignore[arg-type]
        pygame.quit()
        window.run(scene)  # type: ignore[arg-type]
        pygame.quit()
    assert scene.seen.count("draw") == 2
