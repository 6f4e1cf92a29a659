"""What a person prefers: kept, read again, never in the way; and the keys that follow from it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from teleop.preferences import settings as kept
from teleop.preferences.bindings import Bound, KeyTaken, as_usual, bindings, driven, key_of, rebound
from teleop.preferences.settings import Settings, SettingsError, from_json, to_json
from teleop.studio.phases import Order, session_keys
from teleop.worlds.catalogue import CARTPOLE, GRIDWORLD


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(kept.FOLDER_VARIABLE, str(tmp_path / "config"))
    return tmp_path / "config"


CHOSEN = Settings(
    answers={"task": "CORRECT", "world": "cartpole"},
    recent=(Path("/data/a.h5"),),
    session_keys={"pause": "k"},
    drive_keys={"cartpole": {"left": "j"}},
    pad_keys={"a": "t"},
    hands="left",
    palette="high-contrast",
    text_size=1.3,
    countdown_s=3,
    rewind_steps=20,
    reask_share=0.1,
    label_budget=200,
    minutes_budget=15,
)


def test_what_was_saved_is_loaded(folder: Path) -> None:
    kept.save(CHOSEN)
    assert kept.load() == (CHOSEN, "")
    assert [path.name for path in folder.iterdir()] == ["settings.json"]


def test_a_newcomer_has_the_usual_settings_and_leaves_no_file(folder: Path) -> None:
    assert kept.load() == (Settings(), "")
    assert not folder.exists()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("{", "JSON"),
        ("[1]", "object"),
        ('{"format_version": 2}', "format_version"),
        ('{"text_size": 9}', "text_size"),
        ('{"text_size": true}', "text_size"),
        ('{"countdown_s": 1.5}', "countdown_s"),
        ('{"label_budget": 0}', "label_budget"),
        ('{"hands": ["two"]}', "hands"),
        ('{"recent": [1]}', "recent"),
        ('{"drive_keys": {"gridworld": 3}}', "drive_keys"),
        ("[" * 100_000, "JSON"),
        ("\udcff", "JSON"),
    ],
)
def test_a_bad_file_is_told_once_and_kept_aside(folder: Path, text: str, names: str) -> None:
    folder.mkdir()
    content = text.encode(errors="surrogateescape")
    (folder / "settings.json").write_bytes(content)
    found, notice = kept.load()
    assert found == Settings()
    assert names in notice
    assert "settings.unreadable.json" in notice
    assert (folder / "settings.unreadable.json").read_bytes() == content
    assert kept.load() == (Settings(), "")


def test_what_is_unknown_is_left_out_and_what_is_missing_is_as_usual() -> None:
    assert from_json({"rewind_steps": 20, "from_tomorrow": 1}) == Settings(rewind_steps=20)
    assert from_json(json.loads(json.dumps(to_json(CHOSEN)))) == CHOSEN


def test_a_folder_that_cannot_be_written_is_told(folder: Path) -> None:
    folder.parent.mkdir(exist_ok=True)
    folder.write_text("a file, not a folder")
    with pytest.raises(SettingsError, match="UNDERSTUDY_CONFIG"):
        kept.save(CHOSEN)
    assert kept.load()[0] == Settings()


def test_recent_recordings_are_absolute_newest_first_and_at_most_twenty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = Settings()
    for number in range(25):
        found = found.remembering(f"{number}.h5")
    found = found.remembering("20.h5")
    assert [path.name for path in found.recent[:3]] == ["20.h5", "24.h5", "23.h5"]
    assert len(found.recent) == 20
    assert all(path.is_absolute() for path in found.recent)
    (tmp_path / "23.h5").touch()
    assert found.recent_here() == [tmp_path / "23.h5"]


def test_without_wishes_every_key_is_the_usual_one() -> None:
    assert bindings(Settings()) == {}
    assert driven(GRIDWORLD, Settings()) == GRIDWORLD


@pytest.mark.parametrize(("hands", "keys"), [("left", "wsad"), ("right", ["up", "down", "left", "right"])])
def test_one_hand_drives_with_its_own_keys(hands: kept.Hands, keys: str) -> None:
    mine = driven(GRIDWORLD, Settings(hands=hands))
    assert list(mine.keys) == list(keys)
    assert sorted(mine.keys.values()) == [0, 1, 2, 3]
    orders = session_keys(mine, bindings(Settings(hands=hands)))
    assert set(orders.values()) == set(Order)
    assert not set(orders) & set(mine.keys)


def test_a_hand_without_keys_of_its_own_keeps_them_all() -> None:
    only_arrows = replace(GRIDWORLD, keys={"up": 0, "down": 1, "left": 2, "right": 3})
    assert driven(only_arrows, Settings(hands="left")).keys == only_arrows.keys


def test_a_key_takes_the_place_of_another() -> None:
    left, pause = Bound("drive", "left"), Bound("order", "pause")
    chosen = rebound(Settings(), CARTPOLE, left, "j")
    chosen = rebound(chosen, CARTPOLE, pause, "k")
    assert driven(CARTPOLE, chosen).keys == {"j": 0, "right": 1, "a": 0, "d": 1}
    assert driven(GRIDWORLD, chosen) == GRIDWORLD
    assert session_keys(driven(CARTPOLE, chosen), bindings(chosen))["k"] is Order.PAUSE
    assert (key_of(left, CARTPOLE, chosen), key_of(pause, CARTPOLE, chosen)) == ("j", "k")
    assert as_usual(chosen, CARTPOLE) == Settings()


@pytest.mark.parametrize(
    ("bound", "key", "why"),
    [
        (Bound("drive", "left"), "p", "is for “pause” already"),
        (Bound("order", "pause"), "a", "is a drive key already"),
        (Bound("order", "pause"), "escape", "leaves"),
        (Bound("order", "pause"), "v", "changes the map"),
        (Bound("order", "pause"), "home", "timeline"),
        (Bound("drive", "left"), "f1", "cannot drive"),
    ],
)
def test_a_key_that_means_something_is_refused(bound: Bound, key: str, why: str) -> None:
    with pytest.raises(KeyTaken, match=why):
        rebound(Settings(), CARTPOLE, bound, key)


def test_two_drive_keys_are_swapped() -> None:
    chosen = rebound(Settings(), CARTPOLE, Bound("drive", "left"), "d")
    assert driven(CARTPOLE, chosen).keys == {"d": 0, "right": 1, "a": 0, "left": 1}
    assert driven(GRIDWORLD, chosen) == GRIDWORLD
    back = rebound(chosen, CARTPOLE, Bound("drive", "left"), "left")
    assert driven(CARTPOLE, back).keys == CARTPOLE.keys


def test_two_orders_are_swapped() -> None:
    chosen = rebound(Settings(), CARTPOLE, Bound("order", "pause"), "u")
    keys = session_keys(driven(CARTPOLE, chosen), bindings(chosen))
    assert (keys["u"], keys["p"]) == (Order.PAUSE, Order.UNDO)
    assert set(keys.values()) == set(Order)


def test_an_order_whose_key_the_other_may_not_have_is_not_swapped() -> None:
    """A world driven with space takes over with tab, which moves through the timeline."""
    world = replace(CARTPOLE, keys={**CARTPOLE.keys, "space": 0})
    assert key_of(Bound("order", "take_over"), world, Settings()) == "tab"
    with pytest.raises(KeyTaken, match="is for “undo” already"):
        rebound(Settings(), world, Bound("order", "take_over"), "u")


def test_a_key_that_was_given_up_is_free() -> None:
    chosen = rebound(Settings(), CARTPOLE, Bound("order", "pause"), "k")
    assert rebound(chosen, CARTPOLE, Bound("order", "undo"), "p").session_keys == {"pause": "k", "undo": "p"}
    assert rebound(Settings(), CARTPOLE, Bound("order", "pause"), "p") == Settings()
