"""The listed worlds, key map files, and worlds that name their own keys."""

from __future__ import annotations

import copy
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from teleop.worlds.catalogue import CARTPOLE, WORLDS, ControlScheme, Symmetry, World, find
from teleop.worlds.choice import choose
from teleop.worlds.errors import KeyMapError, UnknownWorldError, WorldError
from teleop.worlds.key_map import load_key_map
from teleop.worlds.keys import DRIVE_KEYS, key_name, single_keys

MOUNTAIN_CAR = """
env = "MountainCar-v0"
scheme = "no-op"
control_hz = 15
idle = 1
title = "Mountain car"
action_names = ["left", "coast", "right"]

[keys]
left = 0
right = 2
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "keys.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name)
def test_every_listed_world_can_be_driven_by_its_keys(world: World) -> None:
    env = world.make(render_mode="rgb_array")
    assert set(world.keys) <= DRIVE_KEYS
    assert all(action in env.action_space for action in world.keys.values())
    if isinstance(env.action_space, gym.spaces.Discrete):
        assert len(world.action_names) == env.action_space.n
    else:
        assert all(world.word_for(action) for action in world.keys.values())
    env.close()


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name)
def test_a_world_can_be_copied_into_another_process(world: World) -> None:
    assert copy.deepcopy(world) == world


def test_listed_worlds_are_found_by_name_and_by_id() -> None:
    assert find("gridworld") is find("understudy/GridWorld-v0")
    assert find("gridworld-slip").make().unwrapped.slip is True  # type: ignore[attr-defined]
    assert find("CartPole-v1").scheme is ControlScheme.LATCH


def test_an_unknown_name_lists_the_choices() -> None:
    with pytest.raises(UnknownWorldError, match=r"gridworld .*gridworld-slip .*cartpole"):
        find("cartpool")


def test_a_spec_makes_one_and_many() -> None:
    spec = find("gridworld-slip").spec()
    assert gym.make(spec).spec.max_episode_steps == 200  # type: ignore[union-attr]
    assert gym.make_vec(spec, num_envs=3).num_envs == 3
    assert gym.spec(spec.id).kwargs == {}  # the registry's own entry is untouched


def test_cartpole_has_a_mirror() -> None:
    observations = np.array([[1.0, -2.0, 3.0, -4.0]])
    mirrored = CARTPOLE.symmetry.mirrored(observations, np.array([0]), 2)
    assert_array_equal(mirrored[0], [[-1.0, 2.0, -3.0, 4.0]])
    assert_array_equal(mirrored[1], [1])
    assert_array_equal(Symmetry.NONE.mirrored(observations, np.array([0]), 2)[1], [0])


def test_the_mirror_of_cartpole_is_true_to_its_dynamics() -> None:
    env = gym.make("CartPole-v1").unwrapped
    state = np.array([0.3, -0.2, 0.05, 0.4])

    def after(state: np.ndarray, action: int) -> np.ndarray:
        env.reset(seed=0)
        env.state = state  # type: ignore[attr-defined]
        return env.step(action)[0]

    np.testing.assert_allclose(after(-state, 1), -after(state, 0), atol=1e-7)


# Environments that name their own keys


def test_an_environment_that_names_its_keys_needs_no_file() -> None:
    world = World.for_env("MountainCar-v0")
    assert dict(world.keys) == {"left": 0, "right": 2}
    assert (world.scheme, world.idle_action) == (ControlScheme.NO_OP, 1)


def test_an_environment_without_keys_can_be_chosen_but_not_driven() -> None:
    world = choose("Pendulum-v1")
    assert not world.keys
    with pytest.raises(KeyMapError, match=r"Pendulum-v1: keys: .* Write a key map file"):
        world.require_keys()
    with pytest.raises(KeyMapError):
        World.for_env("Pendulum-v1")


def test_a_name_never_imports_code() -> None:
    with pytest.raises(UnknownWorldError, match="without a colon"):
        choose("this:Zen-v0")


def test_an_unregistered_id_is_told() -> None:
    with pytest.raises(UnknownWorldError, match=r"'Nowhere-v1': .*gridworld.*lunarlander"):
        choose("Nowhere-v1")


def test_single_keys_leaves_combinations_out() -> None:
    arrows = {(): 1, (276,): 0, (1073741903,): 2, (275, 276): 1, ("W",): 3, " ": 4, (32, 97): 5, 1 << 40: 6}
    assert single_keys(arrows) == ({"left": 0, "right": 2, "w": 3, "space": 4}, 1)


@pytest.mark.parametrize(
    ("code", "name"),
    [(97, "a"), ("D", "d"), (" ", "space"), (32, "space"), (13, "return"), (27, None), (-5, None)],
)
def test_key_codes_have_names(code: int | str, name: str | None) -> None:
    assert key_name(code) == name


# Key map files


def test_a_key_map_file_describes_a_world(tmp_path: Path) -> None:
    world = load_key_map(write(tmp_path, MOUNTAIN_CAR))
    assert (world.env_id, world.title, world.control_hz) == ("MountainCar-v0", "Mountain car", 15.0)
    assert (world.scheme, world.idle_action) == (ControlScheme.NO_OP, 1)
    assert dict(world.keys) == {"left": 0, "right": 2}
    assert world.action_names == ("left", "coast", "right")


def test_a_key_map_file_may_remap_a_listed_world(tmp_path: Path) -> None:
    text = 'env = "gridworld-slip"\nscheme = "wait"\ncontrol_hz = 4\n[keys]\ni = 0\nk = 1\nj = 2\nl = 3\n'
    world = choose("gridworld", write(tmp_path, text))
    assert (world.name, world.kwargs["slip"]) == ("gridworld-slip", True)
    assert dict(world.keys) == {"i": 0, "k": 1, "j": 2, "l": 3}
    assert world.action_names == ("up", "down", "left", "right")


def test_continuous_actions_are_arrays(tmp_path: Path) -> None:
    text = 'env = "Pendulum-v1"\nscheme = "dead-man"\ncontrol_hz = 20\n[keys]\nleft = [-2.0]\nright = [2]\n'
    world = load_key_map(write(tmp_path, text))
    assert_array_equal(world.keys["left"], [-2.0])
    assert world.keys["right"].dtype == np.float32
    assert world.action_names == ()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('env = "MountainCar-v0"', "", r"env: expected a text .*found nothing"),
        ('"no-op"', '"noop"', r'scheme: expected one of "wait", "latch", "no-op", "dead-man", found .noop'),
        ("control_hz = 15", "control_hz = 0", r"control_hz: expected steps a second, above 0"),
        ("control_hz = 15", "control_hz = true", r"control_hz: .*found True"),
        ("idle = 1", "", r"idle: expected the action .*found nothing"),
        ("idle = 1", "idle = 3", r"idle: expected an action of Discrete\(3\), found 3"),
        ("right = 2", "right = 7", r"keys.right: expected an action of Discrete\(3\), found 7"),
        ("right = 2", "right = true", r"keys.right: .*found True"),
        ("right = 2", "Right = 2", r"keys.Right: expected a letter"),
        ("left = 0\nright = 2", "", r"keys: expected at least one key"),
        ("[keys]", "[kees]", r"kees: expected one of env, scheme"),
        ('"coast", ', "", r"action_names: expected 3 names"),
        ("title =", "title", r"expected TOML"),
        ('"Mountain car"', "3", r"title: expected a text in quotes, found 3"),
    ],
)
def test_a_faulty_key_map_names_file_field_and_finding(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    assert old in MOUNTAIN_CAR
    path = write(tmp_path, MOUNTAIN_CAR.replace(old, new))
    with pytest.raises(KeyMapError, match=message) as raised:
        load_key_map(path)
    assert str(path) in str(raised.value)


def test_a_missing_key_map_is_told(tmp_path: Path) -> None:
    with pytest.raises(KeyMapError, match="No such file"):
        load_key_map(tmp_path / "none.toml")


def test_arguments_that_the_environment_does_not_take_are_told(tmp_path: Path) -> None:
    with pytest.raises(WorldError, match="cannot be made"):
        load_key_map(write(tmp_path, MOUNTAIN_CAR + "[kwargs]\nwheels = 5\n"))
