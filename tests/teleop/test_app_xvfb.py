"""A person's session with the real window: xdotool presses keys, the command line records, the file replays."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import recordings
from learners.checkpoint import save
from learners.policies import Architecture, NetworkPolicy, policy_from
from recordings.replay import verify
from recordings.schema import Driver
from teleop.cli import main
from teleop.worlds.catalogue import GRIDWORLD
from tests.teleop.xvfb import Screen, missing, wait_until

pytestmark = pytest.mark.skipif(bool(missing()), reason=f"needs {', '.join(missing())}")
MAIN = Path(__file__).parents[2] / "main.py"
UP, DOWN, LEFT, RIGHT = range(4)


@pytest.fixture(scope="module")
def screen() -> Iterator[Screen]:
    with Screen() as screen:
        yield screen


class Person:
    """Sits before `record` with a world and a file."""

    def __init__(self, screen: Screen, world: str, out: Path) -> None:
        self.screen, self.out = screen, out
        command = [sys.executable, MAIN, "record", "--env", world, "--out", out, "--seed", "0"]
        self._program = screen.start(*command)
        try:
            self.window = screen.find_window()
            wait_until(lambda: self._shows_something(), "a first picture")
        except BaseException:
            print(self.stop())
            raise

    def hand(self, *words: str) -> None:
        self.screen.xdotool(*words)
        time.sleep(0.06)

    def look(self) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
        return self.screen.look()

    def steps(self) -> int:
        """Recorded so far."""
        with recordings.open(self.out, tail=True) as reader:
            return reader.n_steps

    def finish(self) -> list[int]:
        """Leave by Escape; every recorded action, of a recording that replays."""
        self.leave()
        with recordings.open(self.out) as reader:
            return [int(action) for each in reader.episodes for action in each.actions]

    def leave(self) -> None:
        """By Escape; the recording replays, and nobody else drove."""
        self.hand("key", "Escape")
        output, errors = self._program.communicate(timeout=60)
        assert self._program.returncode == 0, output + errors
        assert verify(self.out).verified
        with recordings.open(self.out) as reader:
            assert {int(code) for each in reader.episodes for code in each.drivers} == {Driver.HUMAN}

    def stop(self) -> str:
        """End the program if it still runs; what it had to say."""
        if self._program.poll() is None:
            self._program.kill()
            return "".join(self._program.communicate())
        return ""

    def _shows_something(self) -> bool:
        return len(np.unique(self.look() @ np.array([1 << 16, 1 << 8, 1]))) > 50


def test_a_person_drives_gridworld(screen: Screen, tmp_path: Path) -> None:
    person = Person(screen, "gridworld", tmp_path / "grid.h5")
    try:
        for key in ("Right", "Down", "a", "w"):
            person.hand("key", key)
        person.hand("keydown", "Right")  # held until the key repeats, then a second key beside it
        time.sleep(0.7)
        person.hand("keydown", "Down")
        time.sleep(0.1)
        person.hand("keyup", "Down")
        person.hand("keyup", "Right")
        before = person.look()
        person.hand("keydown", "Left")
        screen.look_away()
        time.sleep(0.3)
        assert not np.array_equal(before, person.look())  # it says that it waits
        steps = person.steps()
        time.sleep(0.6)
        assert person.steps() == steps  # the key is still down, and moves nothing
        person.hand("keyup", "Left")
        person.hand("windowfocus", "--sync", person.window)
        person.hand("key", "p")
        person.hand("key", "Up")
        actions = person.finish()
    finally:
        person.stop()
    assert actions[:4] == [RIGHT, DOWN, LEFT, UP]
    held = actions[4 : actions.index(DOWN, 4)]
    assert set(held) == {RIGHT}
    assert len(held) >= 2
    assert actions[-1] == UP


def test_a_person_drives_cartpole(screen: Screen, tmp_path: Path) -> None:
    person = Person(screen, "cartpole", tmp_path / "cart.h5")
    try:
        time.sleep(0.5)
        person.hand("key", "Left")
        time.sleep(0.4)
        person.hand("key", "d")
        time.sleep(0.4)
        actions = person.finish()
    finally:
        person.stop()
    turn = actions.index(1)
    assert turn >= 2  # it went on to the left after the key was up
    assert len(actions) - turn >= 2
    assert actions == [0] * turn + [1] * (len(actions) - turn)


def test_a_person_steers_looptrack(screen: Screen, tmp_path: Path) -> None:
    """The wheel turns while a key is held, and comes back when it is let go."""
    person = Person(screen, "looptrack", tmp_path / "loop.h5")
    try:
        person.hand("key", "n")
        time.sleep(1.1)  # until the next episode begins
        person.hand("keydown", "Left")
        time.sleep(0.4)
        person.hand("keyup", "Left")
        time.sleep(0.5)
        person.hand("keydown", "d")
        time.sleep(0.3)
        person.hand("keyup", "d")
        person.leave()
    finally:
        person.stop()
    with recordings.open(person.out) as reader:
        turns = reader.episodes[-1].actions[:, 0]
    steps = np.diff(turns)
    left, right = int(turns.argmax()), int(turns.argmin())
    assert turns[left] > 0.01
    assert turns[right] < -0.005
    assert left < right
    assert np.abs(steps - 0.005).min() < 1e-6
    assert np.abs(steps + 0.01).min() < 1e-6
    assert np.abs(steps).max() < 0.01 + 1e-6


def test_a_person_watches_a_replay_beside_a_policy(screen: Screen, tmp_path: Path) -> None:
    """Plays, steps, jumps and changes the map with real keys; every key shows, and Escape ends the program."""
    recording, policy = tmp_path / "three.h5", tmp_path / "p.safetensors"
    record = ["record", "--driver", "scripted", "--headless", "--episodes", "3", "--seed", "0", "--json"]
    assert main([*record, "--out", str(recording)]) == 0
    save(always_right(), policy, reward=np.linspace(-1, 1, 2500))
    program = screen.start(sys.executable, MAIN, "replay", recording, "--policy", policy, "--episode", "0")
    try:
        screen.find_window()
        wait_until(lambda: len(np.unique(screen.look())) > 50, "a first picture")
        seen = [screen.look()]
        for key in ("v", "v", "v", "v", "v", "Right", "Right", "Left", "End", "Next"):
            screen.xdotool("key", key)
            wait_until(lambda: not np.array_equal(seen[-1], screen.look()), f"{key} to show")
            wait_until(lambda: is_still(screen), "the picture to come to rest")
            seen.append(screen.look())
        assert np.array_equal(seen[0], seen[5])  # once through what can be laid over the map
        assert np.array_equal(seen[6], seen[8])
        assert not np.array_equal(seen[6], seen[7])
        screen.xdotool("key", "space")
        wait_until(lambda: not np.array_equal(seen[-1], screen.look()), "the replay to play")
        screen.xdotool("key", "Escape")
        output, errors = program.communicate(timeout=60)
        assert program.returncode == 0, output + errors
    finally:
        if program.poll() is None:
            program.kill()
            print(program.communicate())


def is_still(screen: Screen) -> bool:
    before = screen.look()
    time.sleep(0.15)
    return np.array_equal(before, screen.look())


def always_right() -> NetworkPolicy:
    env = GRIDWORLD.make()
    architecture = Architecture(env.observation_space, env.action_space)
    env.close()
    outputs = np.zeros((2500, 4), np.float32)
    outputs[:, RIGHT] = 20.0
    return policy_from(architecture, {"outputs": outputs, "stand_in": np.arange(2500)})
