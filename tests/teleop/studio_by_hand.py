"""A whole correction session in the real window, as a person would go through it: xdotool presses, the file is checked.

    python -m tests.teleop.studio_by_hand --shots FOLDER [--sizes 800x600 1280x800 1920x1080]

Looks at what happened only through the recording, which it reads while it is written, and through screenshots.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pygame

import recordings
from recordings.contents import Labels
from recordings.curation import Curation
from recordings.reader import Reader
from recordings.replay import verify
from recordings.schema import Driver, EditKind, LabelKind
from teleop.experts import scripted_expert
from teleop.studio.questions import APART
from teleop.worlds.catalogue import CARTPOLE, GRIDWORLD, World
from tests.teleop.xvfb import Screen, wait_until

MAIN = Path(__file__).parents[2] / "main.py"
ARROWS = {0: "Up", 1: "Down", 2: "Left", 3: "Right"}
LETTERS = {0: "w", 1: "s", 2: "a", 3: "d"}


class Corrector:
    """Sits before `dagger` with a world and a file."""

    def __init__(
        self,
        screen: Screen,
        world: World,
        out: Path,
        *options: str,
        size: tuple[int, int] | None = None,
        shots: Path | None = None,
    ) -> None:
        """size: of the window. shots: where screenshots go; None: none are taken."""
        self.screen, self.world, self.out, self._shots = screen, world, out, shots
        self._size = size
        self._prefix = f"{world.name}-{size[0]}x{size[1]}" if size else world.name
        self._shots_taken = 0
        command = [sys.executable, MAIN, "dagger", "--env", world.name, "--out", out, "--seed", "3"]
        self._program = screen.start(*command, "--policy", out.with_suffix(".safetensors"), *options)
        try:
            self.window = screen.find_window()
            if size is not None:
                screen.xdotool("windowmove", self.window, 0, 0)
                screen.xdotool("windowsize", self.window, *size)
            wait_until(out.exists, "the recording")
            wait_until(self._can_be_read, "something to read")
        except BaseException:
            print(self.stop())
            raise

    def _can_be_read(self) -> bool:
        try:
            with self.look_up() as reader:
                return reader.n_episodes > 0
        except recordings.UnderstudyError:
            return False

    def look_up(self) -> Reader:
        """The recording as it is now."""
        return recordings.open(self.out, tail=True)

    def press(self, *keys: str, pause_s: float = 0.07) -> None:
        for key in keys:
            self.screen.xdotool("key", key)
            time.sleep(pause_s)

    def hold(self, key: str) -> None:
        self.screen.xdotool("keydown", key)
        time.sleep(0.1)

    def let_go(self, key: str) -> None:
        self.screen.xdotool("keyup", key)
        time.sleep(0.1)

    def wait_for(self, holds: Callable[[Reader], bool], what: str, meanwhile: str = "") -> None:
        """Wait until the file says so. meanwhile: a key to press again and again."""

        def looked() -> bool:
            if meanwhile:
                self.press(meanwhile, pause_s=0.2)
            with self.look_up() as reader:
                return holds(reader)

        wait_until(looked, what)

    def shoot(self, name: str) -> None:
        """Keep a picture of the screen, or of the part of it that the window covers."""
        if self._shots is None:
            return
        time.sleep(0.25)
        picture = self.screen.look()
        if self._size is not None:
            picture = picture[: self._size[1], : self._size[0]]
        self._shots.mkdir(parents=True, exist_ok=True)
        self._shots_taken += 1
        path = self._shots / f"{self._prefix}-{self._shots_taken:02d}-{name}.png"
        pygame.image.save(pygame.surfarray.make_surface(picture.swapaxes(0, 1)), path)

    def finish(self) -> None:
        """Leave by Escape; the recording replays."""
        self.press("Escape")
        output, errors = self._program.communicate(timeout=120)
        assert self._program.returncode == 0, output + errors
        assert verify(self.out).verified

    def stop(self) -> str:
        """End the program if it still runs; what it had to say, if it did not leave in good order."""
        if self._program.poll() is None:
            self._program.kill()
        return "".join(self._program.communicate()) if self._program.returncode else ""


def labels_of(reader: Reader, kind: LabelKind) -> Labels:
    labels = reader.labels()
    return labels[labels.kinds == kind]


def student_steps(reader: Reader) -> int:
    return int(np.count_nonzero(reader.column("driver")[:] == Driver.STUDENT))


def has_student(person: Corrector, reader: Reader) -> bool:
    """Whether one was there at the last step; a person on a world that does not wait drives on meanwhile."""
    person.press("Left", "Right", pause_s=0.16)
    return bool(reader.column("student_version")[-1] >= 0)


def acts(reader: Reader, kind: EditKind) -> int:
    return sum(edit.kind is kind for edit in reader.edits())


def correct_gridworld(person: Corrector) -> None:
    """Demonstrate, let the student drive, take over, look back and label, go back, undo, be asked again, finish."""
    expert = scripted_expert(GRIDWORLD)

    def demonstrate(steps: int) -> None:
        for _ in range(steps):
            with person.look_up() as reader:
                episode = reader.episodes[-1]
                state = int(episode.observations[-1])
                known = reader.n_steps
            person.press(ARROWS[int(expert.act(state, 0))], pause_s=0.0)
            person.wait_for(lambda reader, known=known: reader.n_steps > known, "a step")  # type: ignore[misc]

    person.shoot("first-look")
    demonstrate(8)
    person.shoot("demonstrating")
    for _ in range(100):
        demonstrate(1)
        with person.look_up() as reader:
            if reader.column("student_version")[-1] >= 0 and reader.n_labels > APART:
                break
    person.press("n")  # from the next episode on the student drives
    person.wait_for(lambda reader: student_steps(reader) >= 25, "the student to drive", meanwhile="Tab")
    person.shoot("student-drives")

    person.hold("space")
    person.wait_for(
        lambda reader: acts(reader, EditKind.MARK) == 1, "the steps before the takeover to be marked"
    )
    demonstrate(3)
    person.shoot("taken-over")
    person.let_go("space")
    with person.look_up() as reader:
        driven = student_steps(reader)
        assert len(labels_of(reader, LabelKind.TAKEOVER)) == 3
    person.wait_for(
        lambda reader: student_steps(reader) >= driven + 10, "the student to have it back", meanwhile="Tab"
    )

    person.press("t")
    person.shoot("desk")
    person.press("Left", "Left", "Left", "d", "s")
    person.wait_for(lambda reader: len(labels_of(reader, LabelKind.PAUSED)) == 2, "two labels at the desk")
    person.press("u")
    person.wait_for(lambda reader: acts(reader, EditKind.WITHDRAW) == 1, "a label to be taken back")
    person.press("i")
    person.wait_for(lambda reader: acts(reader, EditKind.UNDO) == 1, "it to be brought back")
    person.press("Up", "Tab", "slash", "Up", "Return")
    person.wait_for(lambda reader: len(labels_of(reader, LabelKind.PAUSED)) == 3, "a nod")
    person.shoot("desk-labelled")

    person.press("End", "BackSpace")
    person.hold("space")
    person.wait_for(lambda reader: reader.episodes[-1].parent >= 0, "a branch")
    demonstrate(2)
    person.shoot("branched")
    person.let_go("space")
    person.press("y")
    person.shoot("asked-again")
    person.wait_for(lambda reader: reader.episodes[-1].outcome != 0, "the verdict")
    person.wait_for(
        lambda reader: len(labels_of(reader, LabelKind.REASKED)) >= 1,
        "an answer once more",
        meanwhile="Right",
    )
    person.press("Tab", "Tab", "Tab", "Tab")
    person.press("p")
    person.shoot("paused")
    person.press("p")
    person.finish()
    check(person.out, {Driver.HUMAN, Driver.STUDENT, Driver.REPLAYED})


def correct_cartpole(person: Corrector) -> None:
    """The same on a world that does not wait."""
    person.shoot("first-look")
    for _ in range(8):
        person.press("Left", pause_s=0.16)
        person.press("Right", pause_s=0.16)
    person.shoot("demonstrating")
    with person.look_up() as reader:
        assert reader.n_steps >= 10
    person.wait_for(lambda reader: has_student(person, reader), "a student")
    person.press("n")
    person.wait_for(lambda reader: student_steps(reader) >= 6, "the student to drive", meanwhile="Tab")
    person.shoot("student-drives")

    def take_over() -> None:
        person.hold("space")
        person.press("Right", "Left", pause_s=0.15)
        person.let_go("space")

    for _ in range(20):  # it may have fallen just before
        take_over()
        with person.look_up() as reader:
            if len(labels_of(reader, LabelKind.TAKEOVER)) >= 2 and acts(reader, EditKind.MARK):
                break
    else:
        raise AssertionError("taken over twenty times, and never recorded")
    person.shoot("handed-back")

    person.press("t")
    person.shoot("desk")
    person.press("Home", "a", "d", "Left", "u")
    person.wait_for(lambda reader: acts(reader, EditKind.WITHDRAW) == 1, "a label to be taken back")
    with person.look_up() as reader:
        at_desk = reader.labels()
        assert set(at_desk.kinds[-2:].tolist()) <= {LabelKind.PAUSED, LabelKind.RETROSPECTIVE}
    person.shoot("desk-labelled")
    person.press("Home", "Right", "Right", "Right")
    person.hold("space")
    person.wait_for(lambda reader: reader.episodes[-1].parent >= 0, "a branch")
    person.press("Right", "Left", pause_s=0.15)
    person.shoot("branched")
    person.let_go("space")
    person.press("Delete")
    person.wait_for(lambda reader: acts(reader, EditKind.DISCARD) >= 1, "the episode to be discarded")
    person.press("u")
    person.wait_for(lambda reader: acts(reader, EditKind.UNDO) >= 1, "it to be kept after all")
    for _ in range(10):
        person.press("n", pause_s=0.4)
        person.press("Left")
        with person.look_up() as reader:
            if len(labels_of(reader, LabelKind.REASKED)):
                break
    else:
        raise AssertionError("never asked again")
    person.shoot("asked-again")
    person.finish()
    check(person.out, {Driver.HUMAN, Driver.STUDENT, Driver.REPLAYED})


def check(path: Path, drivers: set[Driver]) -> None:
    """What any such session leaves behind."""
    with recordings.open(path) as reader:
        assert {int(code) for code in np.unique(reader.column("driver")[:])} >= drivers
        branches = [episode for episode in reader.episodes if episode.parent >= 0]
        assert branches
        for branch in branches:
            parent = reader.episodes[branch.parent]
            k = branch.branch_step
            np.testing.assert_array_equal(branch.observations[: k + 1], parent.observations[: k + 1])
            assert set(branch.drivers[:k].tolist()) <= {Driver.REPLAYED}
        curation = Curation(reader.edits())
        assert any(curation.marked(episode).any() for episode in reader.episodes)


SESSIONS: dict[str, tuple[World, Callable[[Corrector], None]]] = {
    "gridworld": (GRIDWORLD, correct_gridworld),
    "cartpole": (CARTPOLE, correct_cartpole),
}
OPTIONS = ("--reask", "1.0")


def main() -> None:
    parser = argparse.ArgumentParser(description="Go through a correction session in the real window.")
    parser.add_argument("--shots", type=Path, required=True)
    parser.add_argument("--sizes", nargs="+", default=["800x600", "1280x800", "1920x1080"])
    parser.add_argument("--worlds", nargs="+", default=list(SESSIONS))
    chosen = parser.parse_args()
    for size in chosen.sizes:
        width, height = map(int, size.split("x"))
        for name in chosen.worlds:
            world, session = SESSIONS[name]
            with Screen() as screen, tempfile.TemporaryDirectory() as folder:
                out = Path(folder) / "mine.h5"
                person = Corrector(screen, world, out, *OPTIONS, size=(width, height), shots=chosen.shots)
                try:
                    session(person)
                finally:
                    print(person.stop(), end="")
            print(f"{name} at {size}: every step was found in the file, and it replays")


if __name__ == "__main__":
    main()
