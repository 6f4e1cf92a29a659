"""The menu: every answer by keyboard alone and by mouse, and what it starts."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pygame
import pytest

import recordings
from recordings.errors import UnderstudyError
from teleop.app.actions import first_menu, new_file, recent_recordings
from teleop.app.drive import DriveScene
from teleop.app.form import Form, Option, Task
from teleop.app.menu import MenuActions, MenuScene
from teleop.app.replay import ReplayScene
from teleop.app.window import QUIT, Window
from teleop.clock import StepClock
from tests.teleop.app_pilot import Pilot

WORLDS = (Option("gridworld", "GridWorld"), Option("cartpole", "CartPole"))


class Started:
    """Notes what the menu wants to start, and fails when told to."""

    def __init__(self) -> None:
        self.record: list[tuple[Form, Path]] = []
        self.correct: list[tuple[Form, Path]] = []
        self.replay: list[Path] = []
        self.trouble = ""

    def actions(self, recent: list[Path]) -> MenuActions:
        return MenuActions(
            worlds=WORLDS,
            record=lambda form, path: self._note(self.record, (form, path)),
            correct=lambda form, path: self._note(self.correct, (form, path)),
            replay=lambda form, path: self._note(self.replay, path),
            recent=lambda: recent,
            new_file=lambda world: Path(f"{world}-1.h5"),
        )

    def _note(self, noted: list, what: object) -> None:  # type: ignore[type-arg]
        if self.trouble:
            raise UnderstudyError(self.trouble)
        noted.append(what)


@pytest.fixture
def started() -> Started:
    return Started()


@pytest.fixture
def pilot(started: Started) -> Iterator[Pilot]:
    with Window(hidden=True) as window:
        recent = [Path("b.h5"), Path("a.h5")]
        pilot = Pilot(window, MenuScene(window, started.actions(recent)), StepClock())
        pilot.frames(2)
        yield pilot


def menu(pilot: Pilot) -> MenuScene:
    assert isinstance(pilot.scene, MenuScene)
    return pilot.scene


def click(pilot: Pilot, place: tuple[int, int]) -> None:
    pygame.mouse.set_pos(place)
    pilot.frames(2)
    pilot.post(pygame.MOUSEBUTTONDOWN, pos=place, button=1)
    pilot.post(pygame.MOUSEBUTTONUP, pos=place, button=1)
    pilot.frames(2)


def test_enter_alone_starts_the_first_answers(pilot: Pilot, started: Started) -> None:
    pilot.tap("return")
    ((form, path),) = started.record
    assert (form.answer("world"), form.answer("driver"), path) == (
        "gridworld",
        "human",
        Path("gridworld-1.h5"),
    )


def test_arrows_walk_through_a_correction(pilot: Pilot, started: Started) -> None:
    pilot.tap("right", "down", "right", "down", "right", "down", "right", "return")
    ((form, path),) = started.correct
    assert form.task is Task.CORRECT
    assert (form.answer("world"), form.answer("expert"), form.answer("gate")) == (
        "cartpole",
        "scripted",
        "beta",
    )
    assert path == Path("cartpole-1.h5")


def test_arrows_choose_a_recording(pilot: Pilot, started: Started) -> None:
    pilot.tap("right", "right", "down", "down", "return")
    assert started.replay == [Path("a.h5")]


def test_a_file_can_be_typed(pilot: Pilot, started: Started) -> None:
    pilot.tap("down", "down", "down")
    for letter in "x":
        pygame.event.post(pygame.Event(pygame.KEYDOWN, key=pygame.K_x, mod=0, unicode=letter))
        pygame.event.post(pygame.Event(pygame.TEXTINPUT, text=letter))
        pilot.frames()
    pilot.tap("return")
    ((_, path),) = started.record
    assert sorted(str(path)) == sorted("gridworld-1.h5x")


def test_the_mouse_chooses_and_starts(pilot: Pilot, started: Started) -> None:
    click(pilot, (914, 234))
    assert menu(pilot).form.answer("world") == "cartpole"
    click(pilot, (450, 400))
    ((form, _),) = started.record
    assert form.answer("world") == "cartpole"


def test_the_mouse_quits(pilot: Pilot) -> None:
    click(pilot, (1040, 770))
    assert pilot.following is QUIT


def test_escape_quits(pilot: Pilot) -> None:
    pilot.down("escape")
    assert pilot.following is QUIT


def test_what_cannot_be_started_is_told(pilot: Pilot, started: Started) -> None:
    started.trouble = "a.h5: another process is writing it."
    pilot.tap("return")
    assert menu(pilot).notice == started.trouble
    assert pilot.following is None


@pytest.mark.parametrize("size", [(800, 600), (1920, 1080)])
@pytest.mark.parametrize("task", list(Task))
def test_it_fits_windows_of_any_size(started: Started, size: tuple[int, int], task: Task) -> None:
    with Window(size, hidden=True) as window:
        scene = MenuScene(window, started.actions([Path("a.h5")]), form=Form(WORLDS, task))
        pilot = Pilot(window, scene, StepClock())
        pilot.frames(2)
        rows = [area for _, area in scene._rows]
        whole = pygame.Rect((0, 0), size)
        assert all(whole.contains(area) for area in [*rows, scene._start.rect, scene._quit.rect])
        assert all(above.bottom <= below.top for above, below in itertools.pairwise(rows))
        assert rows[-1].bottom <= scene._start.rect.top
        assert not scene._start.rect.colliderect(scene._quit.rect)


def test_only_what_matters_is_asked() -> None:
    form = Form(WORLDS)
    assert [question.name for question in form.questions()] == ["task", "world", "driver"]
    form = form.with_answer("task", "CORRECT")
    assert [q.name for q in form.questions()] == ["task", "world", "expert", "gate", "takeover"]
    form = form.with_answer("expert", "scripted")
    assert [q.name for q in form.questions()] == ["task", "world", "expert", "gate"]
    assert form.answer("gate") == "uncertainty"
    assert [q.name for q in form.with_answer("task", "REPLAY").questions()] == ["task"]


def test_recordings_are_offered_newest_first_and_new_ones_never_overwrite(tmp_path: Path) -> None:
    for age, name in enumerate(("new.h5", "old.h5")):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (1000 - age, 1000 - age))
    (tmp_path / "notes.txt").touch()
    assert [path.name for path in recent_recordings(tmp_path)] == ["new.h5", "old.h5"]
    (tmp_path / "gridworld-1.h5").touch()
    assert new_file(tmp_path, "gridworld") == tmp_path / "gridworld-2.h5"


def test_from_the_menu_to_a_recording_and_back_to_its_replay(tmp_path: Path) -> None:
    with Window(hidden=True) as window:
        pilot = Pilot(window, first_menu(window, tmp_path), StepClock())
        pilot.frames(2)
        follow(pilot, "return")
        assert isinstance(pilot.scene, DriveScene)
        pilot.frames(2)
        pilot.tap("right", "down")
        follow(pilot, "escape")
        assert isinstance(pilot.scene, MenuScene)
        assert "2 steps recorded" in pilot.scene.notice
        with recordings.open(tmp_path / "gridworld-1.h5") as reader:
            assert reader.n_steps == 2
        pilot.frames(2)
        pilot.tap("right", "right")
        follow(pilot, "return")
        assert isinstance(pilot.scene, ReplayScene)
        assert pilot.scene.length == 2
        follow(pilot, "escape")
        assert isinstance(pilot.scene, MenuScene)


def follow(pilot: Pilot, key: str) -> None:
    """Press a key that leads to another scene, and go there."""
    pilot.down(key)
    pilot.scene.leave()
    following = pilot.following
    assert following is not None
    pilot.scene = following  # type: ignore[assignment]
