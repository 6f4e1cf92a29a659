"""Key maps that come with the program: a hand drives each world by its keys, and what was recorded replays."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

import recordings
from recordings.replay import verify
from recordings.schema import Driver
from teleop.app.recorded_world import world_of
from teleop.clock import StepClock
from teleop.controls import Controls
from teleop.start import RecordSettings, start_recording
from teleop.worlds.catalogue import ControlScheme, World
from teleop.worlds.choice import choose, mapped, recorded_world
from teleop.worlds.errors import KeyMapError, WorldError
from teleop.worlds.key_map import load_key_map, shipped

needs_box2d = pytest.mark.skipif(
    importlib.util.find_spec("Box2D") is None,
    reason="needs the extra \"box2d\": pip install 'understudy[box2d]'",
)
Hand = Callable[[Any], str | None]
"""What it sees -> the key it holds now."""


def rocks(seen: Any) -> str:
    """Push the car the way it rolls."""
    return "right" if seen[1] >= 0 else "left"


def pumps(seen: Any) -> str:
    """Kick against the upper arm's swing."""
    return "left" if seen[4] >= 0 else "right"


def lands(seen: Any) -> str | None:
    """Lean towards the pad, and brake the fall; gymnasium's own rule of thumb, in keys."""
    x, y, speed_x, speed_y, angle, turning, *legs = seen
    lean = (np.clip(0.5 * x + speed_x, -0.4, 0.4) - angle) * 0.5 - turning
    lift = (0.55 * abs(x) - y) * 0.5 - speed_y * 0.5
    if any(legs):
        lean, lift = 0.0, -0.5 * speed_y
    if lift > max(abs(lean), 0.05):
        return "up"
    return None if abs(lean) <= 0.05 else "left" if lean > 0 else "right"


def hand_of(name: str) -> Hand:
    drives_off = iter(["up"] * 6 + ["left"] * 4 + ["down"] * 2)
    return {"mountaincar": rocks, "acrobot": pumps, "lunarlander": lands}.get(
        name, lambda _: next(drives_off)
    )


DRIVEN = [
    ("mountaincar", "MountainCar-v0", 200),
    ("acrobot", "Acrobot-v1", 500),
    pytest.param("lunarlander", "LunarLander-v3", 1000, marks=needs_box2d),
    pytest.param("carracing", "CarRacing-v3", 12, marks=needs_box2d),
]


def record_by_hand(world: World, path: Path, hand: Hand, steps: int) -> None:
    """One episode, or its first steps, at the world's own rate."""
    clock = StepClock()
    session = start_recording(RecordSettings(world, path, seed=0), clock)
    session.update()
    held = None
    while session.episodes == 0 and session.driven_ticks < steps:
        key = hand(session.observation)
        if key != held:
            if held is not None:
                session.release(held)
            if key is not None:
                session.press(key)
            held = key
        clock.advance(session.metronome.period_ns)
        session.update()
    session.close()


@pytest.mark.parametrize(("name", "env_id", "steps"), DRIVEN)
def test_a_hand_drives_it_and_the_recording_replays(
    tmp_path: Path, name: str, env_id: str, steps: int
) -> None:
    world = choose(name)
    assert choose(env_id).name == name
    assert (world.name, world.env_id, world.scheme) == (name, env_id, ControlScheme.NO_OP)
    record_by_hand(world, tmp_path / "a.h5", hand_of(name), steps)
    with recordings.open(tmp_path / "a.h5") as reader:
        episode = reader.episodes[0]
        assert 12 <= episode.length <= steps
        assert (episode.drivers == Driver.HUMAN).all()
        assert len(np.unique(episode.actions, axis=0)) >= 2
        assert (episode.length == steps) or episode.terminated[-1], "it came to its end: flag, line or ground"
        assert world_of(reader.header).title == world.title
    verified = verify(tmp_path / "a.h5")
    assert (verified.verified, verified.divergence) == (True, None)


@pytest.mark.parametrize(("name", "env_id", "steps"), DRIVEN)
def test_its_keys_have_words_and_its_file_says_what_it_is(name: str, env_id: str, steps: int) -> None:
    world = choose(name)
    file, said = shipped()[name]
    assert (said, load_key_map(file).title) == (env_id, world.title)
    assert world.description.endswith(".")
    assert {"left", "right", "a", "d"} <= set(world.keys)
    for action in (*world.keys.values(), world.idle_action):
        words = world.action_names or (world.word_for(action) or "idle",)
        assert not any(word.isdigit() for word in words)
    assert recorded_world(gym.spec(env_id)).title == world.title


def test_a_world_without_a_map_has_none() -> None:
    assert mapped("CartPole-v1") is None
    assert mapped("nothing") is None


def test_keys_may_name_their_actions(tmp_path: Path) -> None:
    file = tmp_path / "pendulum.toml"
    file.write_text(
        'env = "Pendulum-v1"\nscheme = "no-op"\ncontrol_hz = 20\nidle = "hang"\n'
        '[actions]\n"pull left" = [2.0]\nhang = [0.0]\n[keys]\nleft = "pull left"\n'
    )
    world = load_key_map(file)
    assert world.keys["left"].tolist() == [2.0]
    assert world.word_for(world.keys["left"]) == "pull left"
    assert world.word_for(np.array([1.0])) is None
    assert world.idle_action.tolist() == [0.0]
    file.write_text(file.read_text().replace('left = "pull left"', 'left = "pull"'))
    with pytest.raises(
        KeyMapError, match=r"keys.left: expected an action .*, or one of pull left, hang, found 'pull'"
    ):
        load_key_map(file)
    file.write_text(
        'env = "CartPole-v1"\nscheme = "latch"\ncontrol_hz = 9\n[actions]\nl = 0\n[keys]\nleft = 0\n'
    )
    with pytest.raises(KeyMapError, match="actions: expected none where actions are numbers"):
        load_key_map(file)


def test_the_example_in_the_documents_is_one(tmp_path: Path) -> None:
    page = Path(__file__).parents[2] / "docs" / "key-maps.md"
    (example,) = re.findall(r"```toml\n(.*?)```", page.read_text(), re.DOTALL)
    (tmp_path / "pendulum.toml").write_text(example)
    world = load_key_map(tmp_path / "pendulum.toml")
    assert (world.title, world.word_for(world.keys["left"])) == ("Pendulum", "pull left")


PENDULUM = 'env = "Pendulum-v1"\nscheme = "no-op"\ncontrol_hz = 20\nidle = [0.0]\nkeys_add = true\n[keys]\n'


def test_keys_held_together_may_add_up(tmp_path: Path) -> None:
    """One action counts once, however many of its keys are down."""
    file = tmp_path / "pendulum.toml"
    file.write_text(PENDULUM + "left = [1.5]\na = [1.5]\nright = [-1.0]\nup = [0.5]\n")
    world = load_key_map(file)
    keys = Controls(world.keys, world.scheme, no_op=world.idle_action, adds=world.keys_add)
    taken = [keys.take(0)]
    for key in ("left", "a", "right", "up"):
        keys.press(key, 0)
        taken.append(keys.take(0))
    assert np.ravel(taken).tolist() == [0.0, 1.5, 1.5, 0.5, 1.0]
    assert taken[-1].dtype == np.float32
    for key in ("left", "a", "up"):
        keys.release(key, 0)
    assert keys.take(0).tolist() == [-1.0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            PENDULUM + "left = [1.5]\nup = [1.0]\n",
            "keys_add: expected keys that held together stay within Box",
        ),
        (
            PENDULUM.replace("no-op", "latch") + "left = [1.5]\n",
            'keys_add: expected false, for scheme is not "no-op"',
        ),
        (PENDULUM.replace("true", "1") + "left = [1.5]\n", "keys_add: expected true or false, found 1"),
        (
            PENDULUM.replace("Pendulum-v1", "CartPole-v1").replace("[0.0]", "0") + "left = 0\n",
            "or actions are numbers",
        ),
    ],
)
def test_keys_that_cannot_add_up_are_told(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "keys.toml"
    file.write_text(text)
    with pytest.raises(KeyMapError, match=message):
        load_key_map(file)


def test_a_missing_extra_is_told_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object, **__: object) -> None:
        raise gym.error.DependencyNotInstalled("Box2D is not installed")

    monkeypatch.setattr(gym, "make", missing)
    with pytest.raises(WorldError, match=r"LunarLander-v3: expected the extra 'box2d' .*pip install"):
        choose("lunarlander")
