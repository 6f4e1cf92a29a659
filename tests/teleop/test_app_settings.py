"""The settings scene: what is chosen holds at once and is kept, by keyboard alone and by mouse, at every size."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pygame
import pytest

from teleop.app.key_rows import CHART_KEYS
from teleop.app.painters.choose import LAYER_KEYS
from teleop.app.preferences import Preferences
from teleop.app.settings_form import PAGES, QUESTIONS, question_of, value_of, with_value
from teleop.app.settings_scene import SettingsScene
from teleop.app.window import Scene, Window
from teleop.clock import StepClock
from teleop.preferences import settings
from teleop.preferences.bindings import TAKEN
from teleop.preferences.look import Look, put_on
from teleop.preferences.palettes import HIGH_CONTRAST, PALETTES
from teleop.preferences.settings import Settings
from teleop.worlds.catalogue import WORLDS
from tests.teleop.app_pilot import Pilot


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv(settings.FOLDER_VARIABLE, str(tmp_path / "config"))
    yield tmp_path / "config"
    put_on(Look())


@pytest.fixture
def pilot() -> Iterator[Pilot]:
    with Window(hidden=True) as window:
        yield opened(window)


def opened(window: Window) -> Pilot:
    def back() -> Scene:
        raise LookupError("back")

    pilot = Pilot(window, SettingsScene(window, Preferences(window), WORLDS, back), StepClock())
    pilot.frames(2)
    return pilot


def scene(pilot: Pilot) -> SettingsScene:
    assert isinstance(pilot.scene, SettingsScene)
    return pilot.scene


def page(pilot: Pilot, name: str) -> None:
    """From the look, where it opens, to another page."""
    for _ in range([option.value for option in PAGES.options].index(name)):
        pilot.tap("right")
    assert scene(pilot).page == name


def test_a_palette_is_seen_at_once_and_kept(pilot: Pilot) -> None:
    before = pilot.picture()
    pilot.tap("down", "right", "right")
    pilot.frames(2)
    assert not np.array_equal(before, pilot.picture())
    assert tuple(pilot.picture()[2, 2]) == HIGH_CONTRAST.background
    assert settings.load()[0].palette == "high-contrast"


def test_text_of_another_size_is_seen_at_once_and_kept(pilot: Pilot) -> None:
    before = pilot.picture()
    pilot.tap("down", "down", "right", "right")
    pilot.frames(2)
    assert settings.load()[0].text_size == pytest.approx(1.2)
    assert not np.array_equal(before, pilot.picture())


def test_a_key_is_chosen_by_pressing_it(pilot: Pilot) -> None:
    page(pilot, "keys")
    pilot.tap("down", "right", "right", "down", "return")
    assert scene(pilot).waiting
    pilot.tap("j")  # for the world's first key, and the world is CartPole
    assert settings.load()[0].drive_keys == {"cartpole": {"left": "j"}}
    pilot.tap("return", "l")
    assert settings.load()[0].drive_keys == {"cartpole": {"left": "l"}}
    pilot.tap("delete")
    assert settings.load()[0].drive_keys == {}


def test_a_key_that_means_something_is_refused_with_its_meaning(pilot: Pilot) -> None:
    page(pilot, "keys")
    pilot.tap("down", "down", "return", "p")
    assert "pause" in scene(pilot).notice
    assert not scene(pilot).waiting
    pilot.tap("return", "escape")  # leaves it as it is, and does not leave the scene
    assert scene(pilot).notice == ""
    assert settings.load()[0] == Settings()


def test_a_key_that_drives_already_is_swapped_and_that_is_said(pilot: Pilot) -> None:
    page(pilot, "keys")
    pilot.tap("down", "right", "right", "down", "return", "d")  # the world is CartPole, its first key left
    assert settings.load()[0].drive_keys == {"cartpole": {"left": "d", "d": "left"}}
    assert scene(pilot).notice == "Swapped: ← is for “right” now."
    pilot.tap("return", "left")
    assert "D is for" in scene(pilot).notice


def test_the_mouse_chooses_a_key(pilot: Pilot) -> None:
    page(pilot, "keys")
    pilot.frames()
    slot = next(area for (column, _), area in scene(pilot).grid._areas.items() if column == 1)
    pilot.post(pygame.MOUSEBUTTONDOWN, pos=slot.center, button=1)
    assert scene(pilot).waiting
    pilot.tap("k")
    assert settings.load()[0].session_keys == {"take_over": "k"}


def test_a_gamepads_control_is_given_another_key(pilot: Pilot) -> None:
    page(pilot, "gamepad")
    pilot.tap("down", "return", "w")
    assert settings.load()[0].pad_keys == {"up": "w"}
    assert pilot.window.gamepads.keys["up"] == "w"
    pilot.tap("delete")
    assert pilot.window.gamepads.keys["up"] == "up"


def test_up_and_down_walk_through_rows_and_keys_and_back(pilot: Pilot) -> None:
    page(pilot, "keys")
    pilot.tap("down", "down", "down")
    assert scene(pilot).grid.at == (0, 1)
    pilot.tap("right", "up", "up")
    assert scene(pilot).grid.at is None
    pilot.tap("up", "left")
    assert scene(pilot).page == "session"


def test_escape_goes_back(pilot: Pilot) -> None:
    with pytest.raises(LookupError, match="back"):
        pilot.tap("escape")


def test_what_cannot_be_kept_holds_all_the_same_and_is_told(pilot: Pilot, folder: Path) -> None:
    folder.parent.mkdir(exist_ok=True)
    folder.write_text("a file in the folder's place")
    pilot.tap("down", "right")
    assert scene(pilot)._preferences.settings.palette == "colour-safe"
    assert "UNDERSTUDY_CONFIG" in scene(pilot)._preferences.notice


@pytest.mark.parametrize("size", [(800, 600), (1920, 1080)])
@pytest.mark.parametrize("text_size", [1.0, 1.6])
@pytest.mark.parametrize("name", [option.value for option in PAGES.options])
def test_every_page_fits_windows_of_any_size(size: tuple[int, int], text_size: float, name: str) -> None:
    settings.save(Settings(text_size=text_size))
    with Window(size, hidden=True) as window:
        pilot = opened(window)
        page(pilot, name)
        pilot.frames()
        found = scene(pilot)
        slots = list(found.grid._areas.values())
        places = [*(row.area for row in found.rows), *slots, *found.buttons.values()]
        assert all(pygame.Rect((0, 0), size).contains(area) for area in places)
        assert not any(first.colliderect(second) for first, second in itertools.combinations(places, 2))
        assert all(found._rest.contains(slot) for slot in slots)


def test_every_answer_is_taken_and_read_back() -> None:
    for name, questions in QUESTIONS.items():
        for question in questions:
            for option in question.options:
                chosen = with_value(Settings(), question.name, option.value)
                assert value_of(chosen, question.name) == option.value
                assert settings.from_json(settings.to_json(chosen)) == chosen
            assert value_of(Settings(), question.name) in [option.value for option in question.options]
            assert question_of(name, question.name, Settings()) == question


def test_a_value_written_by_hand_is_one_more_answer() -> None:
    question = question_of("session", "rewind_steps", Settings(rewind_steps=7))
    assert question.option("7").value == "7"


def test_keys_of_the_window_itself_are_taken() -> None:
    assert {CHART_KEYS[0], *(keys[0] for keys in LAYER_KEYS)} <= set(TAKEN)


def test_every_palette_is_offered() -> None:
    assert [option.value for option in QUESTIONS["look"][0].options] == [palette.name for palette in PALETTES]
