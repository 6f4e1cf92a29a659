"""Worlds by name: what they are called, which keys drive them, how, and how fast.

Keys have toolkit-independent lower-case names: "left", "a", "space". A world that is not listed comes from a
key map file (`teleop.worlds.key_map`) or, where the environment names its own keys, from `World.for_env`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from gymnasium.envs.registration import EnvSpec

from learners.interface import Array
from teleop.worlds import GRIDWORLD_ID, LOOPTRACK_ID, LOOPTRACK_STEPS
from teleop.worlds.errors import KeyMapError, UnknownWorldError, WorldError
from teleop.worlds.hopper_body import HOPPER_ID
from teleop.worlds.keys import single_keys

FALLBACK_HZ = 12.0
"""Rate of a world that does not say how fast it runs: what a person can still react to."""
GREATEST_HZ = 60.0
KEY_MAPS = Path(__file__).with_name("key_maps")
"""Where the key maps lie that come with the program."""
EXTRAS = ("box2d", "mujoco")
"""What gymnasium's worlds need beside gymnasium: each is a part of gymnasium, and an extra of ours."""


class ControlScheme(Enum):
    """What the world does while no drive key is held."""

    WAIT = "wait"
    """Turn-based: it steps when a key goes down."""
    LATCH = "latch"
    """The last action holds."""
    NO_OP = "no-op"
    """It steps with the world's idle action."""
    DEAD_MAN = "dead-man"
    """It pauses until a key is held."""


class Symmetry(Enum):
    """A mirror under which the world is unchanged: one demonstration is worth two."""

    NONE = "none"
    NEGATE = "negate"
    """(s, a) -> (-s, A - 1 - a)."""

    def mirrored(self, observations: Array, actions: Array, n_actions: int) -> tuple[Array, Array]:
        """The mirror image of observations (N, D) and discrete actions (N,); unchanged under NONE."""
        if self is Symmetry.NONE:
            return observations, actions
        return np.negative(observations), n_actions - 1 - actions


@dataclass(frozen=True)
class Steering:
    """A wheel: a held key turns it, step by step, up to the key's action, and it comes back when the key is let go.

    Without one an action is given whole as soon as its key goes down. Here each number of the action goes a bit at a
    time to that of the key held or, with none, to that of the world's control scheme.
    """

    rate: float
    """In one step at most, away from 0; in the action's own units."""
    return_rate: float
    """In one step at most, towards 0."""

    def turned(self, wheel: Array, goal: Array) -> Array:
        """The action `wheel` one step later."""
        way = goal - wheel
        most = np.where(way * wheel < 0, self.return_rate, self.rate)
        turned: Array = (wheel + np.clip(way, -most, most)).astype(wheel.dtype)
        return turned


@dataclass(frozen=True)
class World:
    """A gymnasium environment together with the way a person drives it."""

    name: str
    """What it is called on the command line."""
    env_id: str
    """Its name in gymnasium's registry."""
    title: str
    """What it is called in the window."""
    description: str
    """What there is to do, in a sentence."""
    keys: Mapping[str, Any]
    """Key name -> action."""
    scheme: ControlScheme
    """What happens while no key is held."""
    control_hz: float
    """Steps a second in real time; in a turn-based world, the rate at which a student drives."""
    action_names: tuple[str, ...] = ()
    """A word for each discrete action, in order; empty where actions are not discrete."""
    idle_action: Any = None
    """The action of NO_OP; None where the world has none."""
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    """Arguments of the environment."""
    symmetry: Symmetry = Symmetry.NONE
    """The mirror under which the world is unchanged."""
    solved_return: float | None = None
    """Mean return at which a learner of the world's own reward has learned enough; None: nobody knows."""
    steering: Steering | None = None
    """How fast a held key's action is reached, where actions are numbers of a Box; None: at once."""
    named_actions: Mapping[str, Any] = field(default_factory=dict)
    """A word -> the action it stands for, where actions are not discrete."""
    keys_add: bool = False
    """Box actions of keys held together add up; else the key pressed last counts."""

    @classmethod
    def for_env(cls, env_id: str) -> World:
        """A listed world, or any that names its own keys (`get_keys_to_action`, or `keys_to_action`).

        Raises UnknownWorldError where gymnasium does not know it, KeyMapError where it names no keys.
        """
        listed = (world for world in WORLDS if world.env_id == env_id)
        world = next(listed, None) or undriven(env_id)
        world.require_keys()
        return world

    def require_keys(self) -> None:
        """Raise KeyMapError, with the remedy, unless a person can drive this world."""
        if not self.keys:
            raise KeyMapError(
                f"{self.env_id}: keys: expected the environment to name its keys (get_keys_to_action), "
                f"found none. Write a key map file (TOML: env, scheme, control_hz, and a table of keys) "
                f"and pass it with --keys."
            )

    def key_for(self, action: Any) -> str:
        """The first key that means this action. Raises KeyError where none does."""
        for key, meaning in self.keys.items():
            if np.array_equal(meaning, action):
                return key
        raise KeyError(f"{self.name}: no key means action {action!r}")

    def word_for(self, action: Any) -> str | None:
        """What an action is called that is no number; None where it has no name."""
        return next((word for word, each in self.named_actions.items() if np.array_equal(each, action)), None)

    @property
    def mirror(self) -> Callable[[Array, Array], tuple[Array, Array]] | None:
        """The world's symmetry as learners take it, or None: observations, actions -> the same, mirrored."""
        if self.symmetry is Symmetry.NONE:
            return None
        return partial(self.symmetry.mirrored, n_actions=len(self.action_names))

    def spec(self) -> EnvSpec:
        """The environment's spec with this world's arguments: gym.make and gym.make_vec both take it."""
        registered = gymnasium.spec(self.env_id)
        return dataclasses.replace(registered, kwargs={**registered.kwargs, **self.kwargs})

    def make(self, render_mode: str | None = None) -> gymnasium.Env[Any, Any]:
        """The environment itself. Raises WorldError where an extra is missing that it needs."""
        try:
            return gymnasium.make(self.spec(), render_mode=render_mode)
        except gymnasium.error.DependencyNotInstalled as error:
            raise WorldError(_extra_missing(self.spec(), error)) from error


ARROWS_AND_WASD: Mapping[str, int] = {
    "up": 0,
    "down": 1,
    "left": 2,
    "right": 3,
    "w": 0,
    "s": 1,
    "a": 2,
    "d": 3,
}

GRIDWORLD = World(
    name="gridworld",
    env_id=GRIDWORLD_ID,
    title="GridWorld",
    description="Reach the bottom right corner: it pays 10. Red cells and the border cost 1.",
    keys=ARROWS_AND_WASD,
    scheme=ControlScheme.WAIT,
    control_hz=8.0,
    action_names=("up", "down", "left", "right"),
    solved_return=9.8,
)

SLIPPERY_GRIDWORLD = dataclasses.replace(
    GRIDWORLD,
    name="gridworld-slip",
    title="GridWorld, slippery",
    description="GridWorld on ice: three moves in ten go another way.",
    kwargs={"slip": True},
    solved_return=0.41,
)

CARTPOLE = World(
    name="cartpole",
    env_id="CartPole-v1",
    title="CartPole",
    description="Keep the pole upright for 500 steps by pushing the cart left and right.",
    keys={"left": 0, "right": 1, "a": 0, "d": 1},
    scheme=ControlScheme.LATCH,
    control_hz=12.0,
    action_names=("left", "right"),
    symmetry=Symmetry.NEGATE,
    solved_return=500.0,
)

_LEFT, _RIGHT = np.array([0.08], np.float32), np.array([-0.08], np.float32)
"""Full turns of a person's wheel, rad a step: four times what the track's bend takes."""

LOOPTRACK = World(
    name="looptrack",
    env_id=LOOPTRACK_ID,
    title="LoopTrack",
    description="Drive once round the track without leaving the road. The speed is fixed; you steer.",
    keys={"left": _LEFT, "right": _RIGHT, "a": _LEFT, "d": _RIGHT},
    scheme=ControlScheme.NO_OP,
    control_hz=15.0,
    idle_action=np.zeros(1, np.float32),
    solved_return=float(LOOPTRACK_STEPS),
    steering=Steering(rate=0.005, return_rate=0.01),
    named_actions={"steer left": _LEFT, "steer right": _RIGHT},
)

LOOPTRACK_POSITION = dataclasses.replace(
    LOOPTRACK,
    name="looptrack-position",
    title="LoopTrack (x, y)",
    description="LoopTrack, where a student sees its place alone (x, y), and not where it points.",
    kwargs={"observation": "position"},
)

HOPPER = World(
    name="hopper",
    env_id=HOPPER_ID,
    title="Hopper",
    description="Hop forwards without falling. Three motors at once are too much for a keyboard: a policy drives.",
    keys={},
    scheme=ControlScheme.DEAD_MAN,
    control_hz=GREATEST_HZ,
    solved_return=3_000.0,
)

WORLDS = (GRIDWORLD, SLIPPERY_GRIDWORLD, CARTPOLE, LOOPTRACK, LOOPTRACK_POSITION)
"""Those that a person can drive."""
LISTED = (*WORLDS, HOPPER)
"""All that have a name here."""


def find(name: str) -> World:
    """The listed world of this name ("gridworld") or gymnasium id ("CartPole-v1").

    Raises UnknownWorldError, which lists the choices.
    """
    for world in LISTED:
        if name in (world.name, world.env_id):
            return world
    choices = ", ".join(f"{world.name} ({world.env_id})" for world in LISTED)
    raise UnknownWorldError(f"{name!r}: expected a world, one of: {choices}.")


def undriven(env_id: str) -> World:
    """Any gymnasium environment, with the keys that it names itself, or none if it names none.

    Raises UnknownWorldError where gymnasium does not know it, WorldError where it cannot be made.
    """
    spec = registered_spec(env_id)
    with made(spec) as env:
        keys, idle = _own_keys(env)
        action_space = env.action_space
        render_fps = env.metadata.get("render_fps") or 0
    return World(
        name=env_id,
        env_id=env_id,
        title=spec.name,
        description="",
        keys=keys,
        scheme=ControlScheme.DEAD_MAN if idle is None else ControlScheme.NO_OP,
        control_hz=float(render_fps) if 0 < render_fps <= GREATEST_HZ else FALLBACK_HZ,
        action_names=numbered_actions(action_space),
        idle_action=idle,
    )


def registered_spec(env_id: str) -> EnvSpec:
    """What gymnasium knows by this id. Raises UnknownWorldError.

    An id with a colon imports the module before it, so none is accepted: a name must not run code.
    """
    if ":" in env_id:
        raise UnknownWorldError(
            f"{env_id!r}: expected a gymnasium id without a colon, which would import a module. "
            f"Import the package that registers it first, and use the part after the colon."
        )
    try:
        return gymnasium.spec(env_id)
    except gymnasium.error.Error as error:
        mapped = sorted(path.stem for path in KEY_MAPS.glob("*.toml"))
        listed = ", ".join((*(world.name for world in WORLDS), *mapped))
        raise UnknownWorldError(
            f"{env_id!r}: expected a world, one of {listed}, or a gymnasium id. {error}"
        ) from error


@contextmanager
def made(spec: EnvSpec) -> Iterator[gymnasium.Env[Any, Any]]:
    """The environment of a spec, closed afterwards. Raises WorldError where it cannot be made."""
    try:
        env = gymnasium.make(spec, disable_env_checker=True)
    except gymnasium.error.DependencyNotInstalled as error:
        raise WorldError(_extra_missing(spec, error)) from error
    except (gymnasium.error.Error, ImportError, TypeError) as error:
        raise WorldError(f"{spec.id}: the environment cannot be made: {error}") from error
    try:
        yield env
    finally:
        env.close()


def _extra_missing(spec: EnvSpec, error: Exception) -> str:
    """The extra of ours that brings what the environment needs, by the part of gymnasium that it lies in."""
    module = spec.entry_point if isinstance(spec.entry_point, str) else ""
    extra = next((name for name in EXTRAS if f".{name}." in module), None)
    if extra is None:
        return f"{spec.id}: the environment cannot be made: {error}"
    return (
        f"{spec.id}: expected the extra {extra!r} of Understudy, found it missing. Install it: "
        f"`pip install 'understudy[{extra}]'`, or `pip install -e '.[{extra}]'` in its folder."
    )


def numbered_actions(action_space: gymnasium.Space[Any]) -> tuple[str, ...]:
    """Words for discrete actions that have no names: their numbers."""
    if not isinstance(action_space, gymnasium.spaces.Discrete):
        return ()
    return tuple(str(action_space.start + i) for i in range(int(action_space.n)))


def _own_keys(env: gymnasium.Env[Any, Any]) -> tuple[dict[str, Any], Any]:
    """The keys an environment names, and its action for no key; ({}, None) where it names none."""
    inner = env.unwrapped
    asked = getattr(inner, "get_keys_to_action", None)
    named = asked() if callable(asked) else getattr(inner, "keys_to_action", None)
    return single_keys(named) if isinstance(named, Mapping) else ({}, None)
