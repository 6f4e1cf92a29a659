"""A journal of a session makes the same recording again: every table, to the nanosecond."""

from __future__ import annotations

import dataclasses
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import recordings
from learners.checkpoint import Origin, save
from recordings.sameness import first_difference
from recordings.schema import Driver, EditKind
from teleop.cli import main
from teleop.clock import StepClock
from teleop.journals.journal import VERSION, Journal, JournalWriter, UnusableJournal
from teleop.journals.journal_head import start
from teleop.journals.rerun import rerun
from teleop.session import Session
from teleop.start import CorrectSettings, RecordSettings
from teleop.worlds.catalogue import CARTPOLE, GRIDWORLD, ControlScheme, Steering, World
from tests.teleop.live import remembering

KEYS = {
    **dict.fromkeys(("left", "right", "a", "d", "s"), 5),
    **dict.fromkeys(("space", "t", "u"), 3),
    **dict.fromkeys(("backspace", "i", "n", "home", "return", "down", "p"), 2),
    **dict.fromkeys(("y", "x", "delete", "=", "-", "end", "tab", "up"), 1),
}
"""Key -> how often it is pressed."""


FIRST = [
    *("right", "left") * 15,
    "t",
    "left",
    "left",
    "space",
    "d",
    "u",
    "u",
    "i",
    "delete",
    "u",
    "n",
    *("tab",) * 3,
    "y",
]
"""Something of everything, before chance goes on."""


def begin_well(session: Session, clock: StepClock) -> None:
    """Demonstrate until there is a student, look back, go back, take back, and let the student drive."""
    for key in FIRST:
        session.press(key)
        for frame in range(8):
            if frame == 3:
                session.release(key)
            session.update()
            clock.advance(16_683_214)


def somebody(session: Session, clock: StepClock, seed: int, events: int) -> None:
    """Presses, lets go, looks elsewhere, clicks and waits at random."""
    rng, held = random.Random(seed), []
    for _ in range(events):
        match rng.choices(
            ("wait", "press", "release", "look away", "look back", "point"), (60, 18, 19, 1, 2, 2)
        )[0]:
            case "wait":
                session.update()
                clock.advance(rng.randrange(60_000_000))
            case "press":
                held.append(rng.choices(list(KEYS), list(KEYS.values()))[0])
                session.press(held[-1])
            case "release" if held:
                session.release(held.pop(rng.randrange(len(held))))
            case "look away":
                session.focus_lost()
            case "look back":
                session.resume()
            case "point":
                session.scrub(rng.randrange(-2, 30))


def lived(folder: Path, settings: Any, *, seed: int = 0, events: int = 900, name: str = "a") -> Journal:
    """A session of random keys, its recording `name`.h5 and its journal."""
    writer = JournalWriter(folder / f"{name}.journal")
    clock = StepClock(123_456_789)
    session = start(settings, clock, writer)
    try:
        begin_well(session, clock)
        somebody(session, clock, seed, events)
    finally:
        session.close()
    assert not writer.trouble
    return Journal(writer.path)


def taught(world: World, folder: Path, **settings: Any) -> CorrectSettings:
    options = {
        "training": "inline",
        "labels_per_fit": 25,
        "reask_share": 0.5,
        "rest_s": 0.2,
        "countdown_s": 0.1,
    }
    return CorrectSettings(world, folder / "a.h5", **options | settings)


@pytest.fixture
def one_thread() -> Iterator[None]:
    """As the commands have it."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize(
    ("world", "settings"),
    [
        (GRIDWORLD, {"seed": 1}),
        (GRIDWORLD, {"gate": "uncertainty", "takeover": "toggle", "advisers": ("scripted",), "seed": 1}),
        (CARTPOLE, {"takeover": "any-key", "label_budget": 30, "seed": 2}),
    ],
    ids=["gridworld", "asking", "cartpole"],
)
def test_the_same_keys_make_the_same_recording(
    tmp_path: Path, world: World, settings: dict[str, Any]
) -> None:
    journal = lived(tmp_path, taught(world, tmp_path, **settings))
    again = rerun(journal, tmp_path / "b.h5")
    assert first_difference(tmp_path / "a.h5", tmp_path / "b.h5") is None
    assert journal.is_whole
    assert again.student is not None, "taught again, too"
    with recordings.open(tmp_path / "b.h5") as reader:
        drivers = set(reader.column("driver")[:].tolist())
        kinds = {edit.kind for edit in reader.edits()}
        assert reader.n_labels > 25
    assert drivers >= {Driver.HUMAN, Driver.STUDENT, Driver.REPLAYED}
    assert kinds >= {EditKind.DISCARD, EditKind.WITHDRAW, EditKind.UNDO}, "it was worth the name"


def test_another_key_makes_another_recording(tmp_path: Path) -> None:
    """The comparison can fail: one press of many is taken out."""
    journal = lived(tmp_path, RecordSettings(GRIDWORLD, tmp_path / "a.h5"), events=300)
    lines = journal.path.read_text().splitlines(keepends=True)
    at = next(i for i, line in enumerate(lines) if line.endswith("press right\n"))
    (tmp_path / "other.journal").write_text("".join(lines[:at] + lines[at + 1 :]))
    rerun(Journal(tmp_path / "other.journal"), tmp_path / "b.h5")
    found = first_difference(tmp_path / "a.h5", tmp_path / "b.h5")
    assert found is not None
    assert found.table == "steps"


def test_a_continued_recording_is_continued_from_a_copy(tmp_path: Path) -> None:
    settings = taught(GRIDWORLD, tmp_path)
    lived(tmp_path, settings, name="first", events=600)
    (tmp_path / "b.h5").write_bytes((tmp_path / "a.h5").read_bytes())
    journal = lived(tmp_path, settings, name="second", seed=1, events=600)
    with pytest.raises(UnusableJournal, match="copy it as it was before"):
        rerun(journal, tmp_path / "c.h5")
    rerun(journal, tmp_path / "b.h5")
    assert first_difference(tmp_path / "a.h5", tmp_path / "b.h5") is None


def test_a_journal_that_was_torn_is_played_as_far_as_it_goes(tmp_path: Path) -> None:
    journal = lived(tmp_path, RecordSettings(CARTPOLE, tmp_path / "a.h5"), events=600)
    whole = journal.path.read_bytes()
    torn = tmp_path / "torn.journal"
    torn.write_bytes(whole[: len(whole) * 2 // 3])
    journal = Journal(torn)
    rerun(journal, tmp_path / "b.h5")
    assert not journal.is_whole
    assert first_difference(tmp_path / "a.h5", tmp_path / "b.h5") is not None, "it is shorter"
    assert first_difference(tmp_path / "a.h5", tmp_path / "b.h5", common=True) is None


def test_an_hour_takes_less_than_five_megabytes(tmp_path: Path) -> None:
    """60 updates and four key events a second."""
    writer = JournalWriter(tmp_path / "a.journal")
    writer.begin({}, 0)
    for frame in range(3600):
        now_ns = frame * 16_666_667
        writer.hear(now_ns, "update", "")
        if frame % 15 == 0:
            writer.hear(now_ns + 8_000_000, "press" if frame % 30 else "release", "right")
    writer.hear(10**12, "close", "")
    assert writer.path.stat().st_size * 60 < 5e6


def test_a_policy_takes_part_only_as_it_was(tmp_path: Path) -> None:
    policy = tmp_path / "student.safetensors"
    save(remembering(), policy, Origin("bc", CARTPOLE.env_id))
    journal = lived(tmp_path, taught(CARTPOLE, tmp_path, student=policy, labels_per_fit=10**6), events=300)
    rerun(journal, tmp_path / "b.h5")
    assert first_difference(tmp_path / "a.h5", tmp_path / "b.h5") is None
    save(remembering(seed=1), policy, Origin("bc", CARTPOLE.env_id))
    with pytest.raises(UnusableJournal, match="Put that policy back"):
        rerun(journal, tmp_path / "c.h5")


def test_a_world_with_keys_of_its_own_comes_back(tmp_path: Path) -> None:
    """Actions of a Box, and settings of the world, as a key map file may have them."""
    gas = {"a": np.array([-1.0], np.float32), "d": np.array([0.5], np.float32)}
    world = World(
        "car", "MountainCarContinuous-v0", "Car", "", gas, ControlScheme.NO_OP, 15.0,
        idle_action=np.array([0.0], np.float32), kwargs={"goal_velocity": 0.01}, steering=Steering(0.25, 0.5),
    )  # fmt: skip
    journal = lived(tmp_path, RecordSettings(world, tmp_path / "a.h5"), events=400)
    again = rerun(journal, tmp_path / "b.h5")
    assert first_difference(tmp_path / "a.h5", tmp_path / "b.h5") is None
    assert again.recorder.steps > 40
    assert again.world.scheme is ControlScheme.NO_OP
    assert again.world.steering == Steering(0.25, 0.5)


def test_students_that_come_when_they_come_cannot_be_repeated(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path / "a.journal")
    with pytest.raises(UnusableJournal, match="--training inline"):
        start(CorrectSettings(GRIDWORLD, tmp_path / "a.h5"), StepClock(), writer)
    assert list(tmp_path.iterdir()) == [], "nothing was begun"


def test_a_journal_is_never_written_over(tmp_path: Path) -> None:
    JournalWriter(tmp_path / "a.journal").close()
    with pytest.raises(UnusableJournal, match="name another file"):
        JournalWriter(tmp_path / "a.journal")


class FullDisk:
    """A file to which nothing more can be written."""

    def write(self, text: str) -> None:
        raise OSError(28, "No space left on device")

    def close(self) -> None: ...


def test_trouble_with_the_journal_leaves_the_session_alone(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path / "a.journal")
    clock = StepClock()
    session = start(RecordSettings(GRIDWORLD, tmp_path / "a.h5"), clock, writer)
    writer._file.close()
    writer._file = FullDisk()  # type: ignore[assignment]
    somebody(session, clock, 0, 300)
    session.close()
    assert "No space left" in writer.trouble
    assert session.recorder.steps > 10


def written(tmp_path: Path) -> Path:
    """A short journal to spoil."""
    return lived(tmp_path, RecordSettings(GRIDWORLD, tmp_path / "a.h5"), events=50).path


@pytest.mark.parametrize(
    "line",
    [
        "left 12",
        "12 jump",
        "-12 press up",
        "12 scrub here",
        "1" * 40,
        "12 press " + "x" * 500,
        "\udcff",
        "١٢",
    ],
)
def test_a_line_that_is_none_is_said(tmp_path: Path, line: str) -> None:
    path = written(tmp_path)
    lines = path.read_bytes().splitlines(keepends=True)
    lines[5] = line.encode(errors="surrogateescape") + b"\n"
    path.write_bytes(b"".join(lines))
    with pytest.raises(UnusableJournal, match=r"line \d+: expected"):
        rerun(Journal(path), tmp_path / "b.h5")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"understudy_journal": VERSION + 1}, "understudy_journal: expected"),
        ({"began_ns": -1}, "began_ns: expected"),
        ({"command": "rm"}, "command: expected"),
        ({"settings": {"driver": "human"}}, "settings: expected"),
        ({"settings.seed": None}, "settings.seed: expected"),
        ({"settings.seed": -3}, "settings.seed: expected"),
        ({"settings.rest_s": "long"}, "settings.rest_s: expected"),
        ({"settings.bindings": ["p"]}, "settings.bindings: expected"),
        ({"world": "gridworld"}, "world: expected"),
        ({"world.env_id": "os:system"}, "without a colon"),
        ({"world.scheme": "fly"}, "world.scheme: expected"),
        ({"world.keys": {"a": 17}}, "world.keys: expected"),
        ({"world.control_hz": None}, "world.control_hz: expected"),
        ({"policies": 3, "settings.driver": "main.py"}, "Put that policy back"),
    ],
    ids=lambda each: next(iter(each)) if isinstance(each, dict) else "",
)
def test_a_first_line_that_cannot_be_is_said(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    path = written(tmp_path)
    first, _, events = path.read_text().partition("\n")
    head = json.loads(first)
    for name, value in change.items():
        outer, _, inner = name.partition(".")
        (head[outer] if inner else head).__setitem__(inner or outer, value)
    path.write_text(json.dumps(head) + "\n" + events)
    with pytest.raises(recordings.UnderstudyError, match=said):
        rerun(Journal(path), tmp_path / "b.h5")


@pytest.mark.parametrize("content", [b"", b"{}", b"[" * 100_000, b"\x89HDF\r\n\x1a\n", b"1 press a\n" * 10])
def test_what_is_no_journal_is_said(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(UnusableJournal, match="line 1: expected"):
        Journal(tmp_path / "x")


def test_the_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, journal, again = (str(tmp_path / name) for name in ("a.h5", "a.journal", "b.h5"))
    options = ["--headless", "--driver", "scripted", "--episodes", "2", "--out", out, "--journal", journal]
    assert main(["record", *options]) == 0
    assert "rerun" in capsys.readouterr().out
    assert main(["rerun", journal, "--out", again, "--against", out, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["same"] is True
    assert main(["rerun", journal, "--out", again]) == 1
    assert "expected no file" in capsys.readouterr().err
    assert main(["dagger", "--headless", "--expert", "scripted", "--journal", str(tmp_path / "c")]) == 1
    assert "expected the window" in capsys.readouterr().err
    assert (
        main(["record", *options[:5], "--out", again, "--journal", str(tmp_path / "d"), "--seed", "5"]) == 0
    )
    other = dataclasses.replace(RecordSettings(GRIDWORLD, tmp_path / "e.h5"), seed=5)
    assert json.loads((tmp_path / "d").read_text().partition("\n")[0])["settings"]["seed"] == other.seed
