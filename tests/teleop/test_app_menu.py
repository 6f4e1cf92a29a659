"""The menu: every answer by keyboard alone and by mouse, and what it starts."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pygame
import pytest

import recordings
from learners.checkpoint import Origin, save
from learners.dagger import GateName
from learners.policies import Architecture, policy_from
from recordings.errors import UnderstudyError
from teleop.app.actions import first_menu
from teleop.app.drive import DriveScene
from teleop.app.form import GATES, NEW_STUDENT, Form, Option, Task
from teleop.app.menu import FILE, MenuActions, MenuScene
from teleop.app.offers import folder_worlds, new_file, policies, recent_recordings, to_continue
from teleop.app.review import ReviewScene
from teleop.app.settings_scene import SettingsScene
from teleop.app.window import QUIT, Window
from teleop.clock import StepClock
from teleop.preferences import settings
from teleop.preferences.look import Look, put_on
from teleop.preferences.settings import Settings
from teleop.start import RecordSettings, start_recording
from teleop.worlds.catalogue import CARTPOLE, GRIDWORLD
from tests.teleop.app_pilot import Pilot

WORLDS = (Option("gridworld", "GridWorld"), Option("cartpole", "CartPole"))
STUDENT = Option("clone.safetensors", "clone")
EARLIER = Option("earlier.h5", "Continue earlier.h5")
FORM = Form(WORLDS, {}, {"cartpole": (STUDENT,)}, {"cartpole": (EARLIER,)})


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv(settings.FOLDER_VARIABLE, str(tmp_path / "config"))
    yield tmp_path / "config"
    put_on(Look())


class Started:
    """Notes what the menu wants to start, and fails when told to."""

    def __init__(self) -> None:
        self.record: list[tuple[Form, Path]] = []
        self.correct: list[tuple[Form, Path]] = []
        self.review: list[Path] = []
        self.trouble = ""

    def actions(self) -> MenuActions:
        return MenuActions(
            record=lambda form, path: self._note(self.record, (form, path)),
            correct=lambda form, path: self._note(self.correct, (form, path)),
            review=lambda form, path: self._note(self.review, path),
            recent=lambda: [Option("b.h5", "b.h5"), Option("a.h5", "a.h5")],
            new_file=lambda world: Path(f"{world}-1.h5"),
            settings=lambda form: None,
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
        pilot = Pilot(window, MenuScene(window, started.actions(), FORM), StepClock())
        pilot.frames(2)
        yield pilot


def menu(pilot: Pilot) -> MenuScene:
    assert isinstance(pilot.scene, MenuScene)
    return pilot.scene


def click(pilot: Pilot, place: tuple[int, int]) -> None:
    pilot.post(pygame.MOUSEMOTION, pos=place, rel=(0, 0), buttons=(0, 0, 0))
    pilot.post(pygame.MOUSEBUTTONDOWN, pos=place, button=1)
    pilot.post(pygame.MOUSEBUTTONUP, pos=place, button=1)


def click_answer(pilot: Pilot, question: str, value: str) -> None:
    """Press the button of an answer, or the arrow that leads to it."""
    row = next(row for name, _, row in menu(pilot).rows if name == question and row is not None)
    click(pilot, next(area.center for area, option in row.slots if option.value == value))


def test_enter_alone_starts_the_first_answers(pilot: Pilot, started: Started) -> None:
    pilot.tap("return")
    ((form, path),) = started.record
    assert (form.answer("world"), form.answer("driver"), path) == (
        "gridworld",
        "human",
        Path("gridworld-1.h5"),
    )


def test_arrows_walk_through_a_correction(pilot: Pilot, started: Started) -> None:
    pilot.tap("right", "down", "right", "down", "right", "down", "right", "down", "right", "return")
    ((form, path),) = started.correct
    assert form.task is Task.CORRECT
    answers = [form.answer(name) for name in ("world", "expert", "gate", "student")]
    assert answers == ["cartpole", "scripted", "novelty", "clone.safetensors"]
    assert path == Path("cartpole-1.h5")


def test_arrows_choose_a_recording(pilot: Pilot, started: Started) -> None:
    pilot.tap("right", "right", "down", "down", "return")
    assert started.review == [Path("a.h5")]


def test_a_recording_is_continued(pilot: Pilot, started: Started) -> None:
    pilot.tap("down", "right", "down", "down", "right", "space")
    ((_, path),) = started.record
    assert path == Path("earlier.h5")
    assert FILE not in [name for name, _, _ in menu(pilot).rows]


def test_a_file_can_be_typed(pilot: Pilot, started: Started) -> None:
    pilot.tap("down", "down", "down")
    assert menu(pilot).focused == FILE
    pygame.event.post(pygame.Event(pygame.KEYDOWN, key=pygame.K_x, mod=0, unicode="x"))
    pygame.event.post(pygame.Event(pygame.TEXTINPUT, text="x"))
    pilot.frames()
    pilot.tap("return")
    ((_, path),) = started.record
    assert sorted(str(path)) == sorted("gridworld-1.h5x")


def test_the_mouse_chooses_and_starts(pilot: Pilot, started: Started) -> None:
    click_answer(pilot, "task", "CORRECT")
    click_answer(pilot, "world", "cartpole")
    click_answer(pilot, "gate", "uncertainty")
    click_answer(pilot, "gate", "novelty")
    click_answer(pilot, "student", "clone.safetensors")
    click(pilot, menu(pilot).buttons["start"].center)
    ((form, _),) = started.correct
    answers = [form.answer(name) for name in ("world", "expert", "gate", "student")]
    assert answers == ["cartpole", "human", "novelty", "clone.safetensors"]


def test_the_mouse_picks_a_recording_and_opens_it(pilot: Pilot, started: Started) -> None:
    click_answer(pilot, "task", "REVIEW")
    area = menu(pilot).rows[-1][1]
    second = (area.centerx, area.y + 50)
    click(pilot, second)
    assert started.review == []
    click(pilot, second)
    assert started.review == [Path("a.h5")]


def test_the_mouse_quits(pilot: Pilot) -> None:
    place = menu(pilot).buttons["quit"].center
    pilot.post(pygame.MOUSEBUTTONDOWN, pos=place, button=1)
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
@pytest.mark.parametrize("text_size", [1.0, 1.3])
@pytest.mark.parametrize("task", list(Task))
def test_it_fits_windows_of_any_size(
    started: Started, size: tuple[int, int], text_size: float, task: Task
) -> None:
    put_on(Look(text_size=text_size))
    form = replace(FORM, answers={"task": task.name, "world": "cartpole"})
    with Window(size, hidden=True) as window:
        scene = MenuScene(window, started.actions(), form)
        Pilot(window, scene, StepClock()).frames(2)
        whole = pygame.Rect((0, 0), size)
        areas = [area for _, area, _ in scene.rows]
        assert all(whole.contains(area) for area in [*areas, *scene.buttons.values()])
        assert all(
            above.bottom <= below.top for above, below in itertools.pairwise(areas) if above.y < below.y
        )
        for first, second in itertools.combinations([*areas, *scene.buttons.values()], 2):
            assert not first.colliderect(second)
        for _, area, row in scene.rows:
            assert row is None or all(area.contains(place) for place, _ in row.slots)


def test_only_what_matters_is_asked() -> None:
    def names(form: Form) -> list[str]:
        return [question.name for question in form.questions()]

    assert names(FORM) == ["task", "world", "driver", "recording"]
    form = FORM.with_answer("task", "CORRECT")
    assert names(form) == ["task", "world", "expert", "adviser", "gate", "takeover", "student", "recording"]
    assert "takeover" not in names(form.with_answer("gate", "novelty"))
    form = form.with_answer("expert", "scripted")
    assert names(form) == ["task", "world", "expert", "gate", "student", "recording"]
    assert form.answer("gate") == "uncertainty"
    assert names(form.with_answer("task", "REVIEW")) == ["task"]


def test_an_answer_that_is_gone_falls_back_to_the_first() -> None:
    form = replace(FORM, answers={"task": "CORRECT", "world": "of old", "student": "gone.safetensors"})
    assert form.answer("world") == "gridworld"
    assert form.question("student").options == (NEW_STUDENT,)
    assert form.answer("student") == ""


def test_every_gate_of_the_command_line_is_offered() -> None:
    assert {option.value for option in GATES.options} == set(get_args(GateName)) - {"expert"}


# -- what a folder has to offer ---------------------------------------------------------------------------


def test_recordings_are_offered_newest_first_and_new_ones_never_overwrite(tmp_path: Path) -> None:
    for age, name in enumerate(("new.h5", "old.h5")):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (1000 - age, 1000 - age))
    (tmp_path / "notes.txt").touch()
    found = recent_recordings(tmp_path, [tmp_path / "old.h5"])
    assert [path.name for path in found] == ["new.h5", "old.h5"]
    (tmp_path / "gridworld-1.h5").touch()
    assert new_file(tmp_path, "gridworld") == tmp_path / "gridworld-2.h5"


def test_policies_and_recordings_are_offered_for_their_world_alone(tmp_path: Path) -> None:
    (tmp_path / "broken.h5").write_bytes(b"no recording")
    (tmp_path / "broken.safetensors").write_bytes(b"no policy")
    start_recording(RecordSettings(GRIDWORLD, tmp_path / "grid.h5", seed=0), StepClock()).close()
    env = CARTPOLE.make()
    architecture = Architecture(env.observation_space, env.action_space, hidden=(2,))
    env.close()
    shapes = {
        "layers.0.weight": (2, 4),
        "layers.0.bias": (2,),
        "layers.1.weight": (2, 2),
        "layers.1.bias": (2,),
    }
    shapes |= {"mean": (4,), "std": (4,)}
    arrays = {name: np.ones(shape, np.float32) for name, shape in shapes.items()}
    save(policy_from(architecture, arrays), tmp_path / "clone.safetensors", Origin("bc", "CartPole-v1"))
    worlds = {"gridworld": GRIDWORLD, "cartpole": CARTPOLE}
    assert {name: [o.word for o in found] for name, found in policies(tmp_path, worlds).items()} == {
        "cartpole": ["clone"]
    }
    offered = to_continue(recent_recordings(tmp_path, []), worlds)
    assert {name: [o.word for o in found] for name, found in offered.items()} == {
        "gridworld": ["Continue grid.h5"]
    }


def test_a_key_map_in_the_folder_is_one_more_world(tmp_path: Path) -> None:
    (tmp_path / "car.toml").write_text(
        'env = "MountainCar-v0"\nscheme = "no-op"\ncontrol_hz = 15\nidle = 1\n[keys]\nleft = 0\nright = 2\n'
    )
    (tmp_path / "broken.toml").write_text("env = 3")
    worlds = folder_worlds(tmp_path)
    assert list(worlds) == ["car.toml"]
    assert worlds["car.toml"].env_id == "MountainCar-v0"


# -- from the menu and back -------------------------------------------------------------------------------


def test_from_the_menu_to_a_recording_and_back_to_its_review(tmp_path: Path) -> None:
    with Window(hidden=True) as window:
        pilot = Pilot(window, first_menu(window, tmp_path), StepClock())
        pilot.frames(2)
        follow(pilot, "return")
        assert isinstance(pilot.scene, DriveScene)
        pilot.frames(2)
        pilot.tap("right", "down")
        follow(pilot, "escape")
        assert "2 steps recorded" in menu(pilot).notice
        with recordings.open(tmp_path / "gridworld-1.h5") as reader:
            assert reader.n_steps == 2
        assert settings.load()[0].recent == (tmp_path / "gridworld-1.h5",)
        pilot.frames(2)
        pilot.tap("right", "right")
        follow(pilot, "return")
        assert isinstance(pilot.scene, ReviewScene)
        pilot.frames(2)
        follow(pilot, "escape")
        assert menu(pilot).form.task is Task.REVIEW


def test_a_session_is_given_what_the_settings_say(tmp_path: Path) -> None:
    settings.save(
        Settings(
            answers={"task": "CORRECT", "world": "cartpole", "takeover": "toggle"},
            session_keys={"pause": "k"},
            drive_keys={"cartpole": {"left": "j"}},
            hands="right",
            countdown_s=3,
            label_budget=50,
            reask_share=0.2,
        )
    )
    with Window(hidden=True) as window:
        pilot = Pilot(window, first_menu(window, tmp_path), StepClock())
        pilot.frames(2)
        follow(pilot, "return")
        assert isinstance(pilot.scene, DriveScene)
        session = pilot.scene.session
        assert session.world.keys == {"j": 0, "right": 1}
        assert "k" in session.keys
        rules = session.rules
        assert (rules.takeover, rules.label_budget, rules.reask_share) == ("toggle", 50, 0.2)
        assert rules.countdown_s == 3
        follow(pilot, "escape")


def test_a_damaged_file_of_settings_is_told_in_the_menu(tmp_path: Path, folder: Path) -> None:
    folder.mkdir()
    (folder / "settings.json").write_text("{")
    with Window(hidden=True) as window:
        first = first_menu(window, tmp_path)
        assert isinstance(first, MenuScene)
        assert "settings.unreadable.json" in first.notice


def test_the_menu_leads_to_the_settings_and_back(tmp_path: Path) -> None:
    with Window(hidden=True) as window:
        pilot = Pilot(window, first_menu(window, tmp_path), StepClock())
        pilot.frames(2)
        pilot.tap("down", "right")
        follow(pilot, "f1")
        assert isinstance(pilot.scene, SettingsScene)
        pilot.frames(2)
        follow(pilot, "escape")
        assert menu(pilot).form.answer("world") == "gridworld-slip"


def follow(pilot: Pilot, key: str) -> None:
    """Press a key that leads to another scene, and go there."""
    pilot.down(key)
    pilot.scene.leave()
    following = pilot.following
    assert following is not None
    pilot.scene = following  # type: ignore[assignment]
