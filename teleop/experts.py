"""Who may be asked what to do, apart from a person: scripts, and trained policies.

A scripted expert exists where a rule or a plan is known to be right everywhere; `scripted_expert` finds it.
The person at the keyboard is one more expert, in `teleop.controls`.
"""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import Any

import gymnasium
import numpy as np
from gymnasium.envs.registration import EnvSpec

from learners.interface import Array, Expert, Policy, TabularModel
from learners.recollection import begin
from learners.tabular import Plan, plan
from recordings.errors import UnderstudyError
from teleop.worlds import GRIDWORLD_ID, LOOPTRACK_ID
from teleop.worlds.catalogue import World
from teleop.worlds.gridworld_map import draw_map
from teleop.worlds.looptrack_road import LOCK, Road, Seen

SCRIPTED = "scripted"
CARTPOLE_GAINS = np.array([0.07, 0.06, 1.0, 0.2])
"""Weights of position (m), velocity (m/s), angle (rad) and angular velocity (rad/s): push right where their
sum is above 0. Found by random search, to save most starts within 2 m, 1.5 m/s, 0.18 rad, 1.5 rad/s."""


class NoScriptedExpertError(UnderstudyError):
    """Nobody has written down how to act in this world."""


class PlanExpert:
    """Acts optimally in a world that can be written out as a table, from any state."""

    name = SCRIPTED

    def __init__(self, best: Plan, *, timed: bool = False, rng: np.random.Generator | None = None) -> None:
        """timed: mind how many steps are left, rather than act as at an episode's first step.

        rng: draw among equally good actions. Default: always the first of them.
        """
        self._choices = best.optimal if timed else best.optimal[:1]
        self._rng = rng

    def act(self, observation: Any, tick: int) -> int:
        """An optimal action in state `observation`, `tick` steps into the episode."""
        choices = self._choices[min(tick, len(self._choices) - 1), observation]
        if self._rng is None:
            return int(choices.argmax())
        return int(self._rng.choice(np.flatnonzero(choices)))


class CartPoleExpert:
    """Balances by linear feedback: push towards the side to which the pole falls, or the cart drifts."""

    name = SCRIPTED

    def act(self, observation: Any, tick: int) -> int:
        return int(CARTPOLE_GAINS @ observation > 0)


class LoopTrackExpert:
    """Keeps to the centre line by feedback: turns as the road does, and back to the line from beside it.

    turn = road's turn + `to_line` * offset - `to_road` * heading error, the offset positive outside. Small errors die
    away without swinging where to_road^2 = 4 * speed * to_line. Where positions are observed it tells from the last
    few where it is headed, as a person would: it is to be asked in every state of an episode, in order.
    """

    name = SCRIPTED

    def __init__(
        self, road: Road, seen: Seen = "ego", *, to_line: float = 0.05, to_road: float = 0.2
    ) -> None:
        """to_line: rad a step for each unit off the line. to_road: for each rad askew. Both 0: no feedback at all."""
        self._road, self._seen = road, seen
        self._to_line, self._to_road = to_line, to_road
        self._places: deque[Any] = deque(maxlen=3)

    def act(self, observation: Any, tick: int) -> Array:
        offset, error = self._ego(observation, tick)
        turn = self._road.turn + self._to_line * offset - self._to_road * error
        return np.array([np.clip(turn, -LOCK, LOCK)], np.float32)

    def _ego(self, observation: Any, tick: int) -> Array:
        """Offset and heading error."""
        if self._seen == "ego":
            return np.asarray(observation, np.float64)
        place = np.asarray(observation, np.float64)
        if tick == 0 or (self._places and not self._is_one_step(self._places[-1], place)):
            self._places.clear()
        if not self._places or not np.array_equal(self._places[-1], place):
            self._places.append(place)
        return self._road.ego(self._road.poses(np.asarray(self._places), "position")[-1])

    def _is_one_step(self, before: Array, now: Array) -> bool:
        """Or none: asked twice about one state."""
        return bool(np.hypot(*(now - before)) <= 1.01 * self._road.speed)


class PolicyExpert:
    """A trained policy as an expert."""

    def __init__(self, policy: Policy, name: str, rng: np.random.Generator | None = None) -> None:
        """name: who answers, as written beside each label. rng: sample; default: the most probable action."""
        self._actor = begin(policy, 1)
        self._name = name
        self._rng = rng

    @property
    def name(self) -> str:
        return self._name

    def act(self, observation: Any, tick: int) -> Any:
        if tick == 0:
            self._actor.forget()
        action = np.asarray(self._actor.act(np.asarray(observation)[None], self._rng))[0]
        return action.item() if action.ndim == 0 else action


def scripted_expert(
    world: World | EnvSpec | gymnasium.Env[Any, Any], rng: np.random.Generator | None = None
) -> Expert:
    """The scripted expert of a world; with `rng` it draws among equally good actions, where it knows several.

    Raises NoScriptedExpertError, which lists the worlds that have one.
    """
    spec = _spec_of(world)
    for_world = EXPERTS.get(spec.id) if spec is not None else None
    if spec is None or for_world is None:
        raise NoScriptedExpertError(
            f"scripted expert: expected one of {', '.join(EXPERTS)}, found {spec.id if spec else world}. "
            f"Name a policy's file instead, or drive by hand."
        )
    return for_world(spec, rng)


def _spec_of(world: World | EnvSpec | gymnasium.Env[Any, Any]) -> EnvSpec | None:
    if isinstance(world, World):
        return world.spec()
    return world if isinstance(world, EnvSpec) else world.spec


def _gridworld_expert(spec: EnvSpec, rng: np.random.Generator | None) -> Expert:
    slip = bool(spec.kwargs.get("slip", False))
    model = draw_map(spec.kwargs.get("map_seed", 1000)).tabular_model(slip=slip)
    return PlanExpert(plan(_truncated_as(spec, model)), timed=slip, rng=rng)


def _truncated_as(spec: EnvSpec, model: TabularModel) -> TabularModel:
    return (
        model
        if spec.max_episode_steps is None
        else dataclasses.replace(model, horizon=spec.max_episode_steps)
    )


def _cartpole_expert(spec: EnvSpec, rng: np.random.Generator | None) -> Expert:
    return CartPoleExpert()


def _looptrack_expert(spec: EnvSpec, rng: np.random.Generator | None) -> Expert:
    settings = {each.name: spec.kwargs[each.name] for each in fields(Road) if each.name in spec.kwargs}
    return LoopTrackExpert(Road(**settings), spec.kwargs.get("observation", "ego"))


EXPERTS: Mapping[str, Callable[[EnvSpec, np.random.Generator | None], Expert]] = MappingProxyType(
    {
        GRIDWORLD_ID: _gridworld_expert,
        "CartPole-v1": _cartpole_expert,
        "CartPole-v0": _cartpole_expert,
        LOOPTRACK_ID: _looptrack_expert,
    }
)
"""Gymnasium id -> maker of its scripted expert."""
