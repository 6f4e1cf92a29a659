"""Scripted experts are right in every state they may be asked in, and a policy answers as an expert."""

from __future__ import annotations

from itertools import product
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from learners.interface import Array, Expert
from learners.tabular import deterministic, exact_return, plan
from teleop.experts import (
    CARTPOLE_GAINS,
    NoScriptedExpertError,
    PlanExpert,
    PolicyExpert,
    scripted_expert,
)
from teleop.worlds.catalogue import CARTPOLE, GRIDWORLD, SLIPPERY_GRIDWORLD, World
from teleop.worlds.choice import choose
from teleop.worlds.gridworld import GridWorld
from teleop.worlds.gridworld_map import draw_map


def earned_by_cell(expert: Expert, cell: int, env: GridWorld) -> float:
    observation, _ = env.reset(options={"state": cell})
    total = 0.0
    for tick in range(200):
        observation, reward, terminated, _, _ = env.step(expert.act(observation, tick))
        total += reward
        if terminated:
            break
    return total


def test_the_gridworld_expert_is_optimal_from_every_cell() -> None:
    env = GridWorld()
    expert = scripted_expert(GRIDWORLD)
    best = plan(env.tabular_model()).values[0]
    earned = [earned_by_cell(expert, cell, env) for cell in range(2499)]
    np.testing.assert_allclose(earned, best[:2499], atol=1e-9)
    assert {earned[cell] for cell in draw_map().starts} == {10.0}
    assert min(earned) > 0  # even from the shut-in corner the goal is worth the loss


def test_ties_are_broken_the_same_way_or_at_random() -> None:
    choices = plan(draw_map().tabular_model()).optimal[0]
    cell = next(cell for cell in draw_map().starts if choices[cell].sum() == 2)
    settled, drawn = scripted_expert(GRIDWORLD), scripted_expert(GRIDWORLD, np.random.default_rng(0))
    optimal = set(np.flatnonzero(choices[cell]).tolist())
    assert {settled.act(cell, tick) for tick in range(50)} == {min(optimal)}
    assert {drawn.act(cell, tick) for tick in range(50)} == optimal


def test_the_slippery_expert_is_the_optimum_over_two_hundred_steps() -> None:
    expert = scripted_expert(SLIPPERY_GRIDWORLD)
    actions = np.array([[expert.act(cell, tick) for cell in range(2500)] for tick in range(200)])
    model = draw_map().tabular_model(slip=True)
    assert exact_return(model, deterministic(actions, 4)).mean == pytest.approx(0.428, abs=5e-4)


def test_beyond_the_horizon_the_expert_still_answers() -> None:
    expert = PlanExpert(plan(draw_map().tabular_model(), horizon=3), timed=True)
    assert expert.act(2448, 1000) in range(4)


def test_the_expert_knows_the_map_of_its_world() -> None:
    env = gym.make("understudy/GridWorld-v0", map_seed=7)
    expert = scripted_expert(env)
    inner = env.unwrapped
    assert isinstance(inner, GridWorld)
    assert {earned_by_cell(expert, int(cell), inner) for cell in draw_map(7).starts[::50]} == {10.0}


def steps_balanced(states: Array, limit: int = 500) -> Array:
    """How long the rule keeps each pole up, (N,): gymnasium's own dynamics from states (N, 4)."""
    envs = gym.make_vec("CartPole-v1", num_envs=len(states), max_episode_steps=limit)
    observations, _ = envs.reset(seed=0)
    envs.unwrapped.state = states.T.copy()  # type: ignore[attr-defined]
    observations = states
    balanced = np.zeros(len(states), dtype=int)
    running = np.ones(len(states), dtype=bool)
    for _ in range(limit):
        observations, _, terminated, truncated, _ = envs.step((observations @ CARTPOLE_GAINS > 0).astype(int))
        balanced += running
        running &= ~(terminated | truncated)
    return balanced


def test_cartpole_is_balanced_from_every_corner_of_the_start_box() -> None:
    corners = np.array(list(product([-0.05, 0.05], repeat=4)))
    assert steps_balanced(corners).tolist() == [500] * 16


def test_cartpole_is_balanced_from_drawn_starts() -> None:
    starts = np.random.default_rng(0).uniform(-0.05, 0.05, size=(200, 4))
    assert steps_balanced(starts).tolist() == [500] * 200


def test_cartpole_is_recovered_where_a_learner_may_have_left_it() -> None:
    reach = np.array([1.0, 0.75, 0.1, 0.75])  # m, m/s, rad (half of what ends an episode), rad/s
    states = np.random.default_rng(0).uniform(-reach, reach, size=(500, 4))
    assert steps_balanced(states).tolist() == [500] * 500


def test_the_cartpole_expert_drives_the_single_environment() -> None:
    env = CARTPOLE.make()
    expert = scripted_expert(env)
    observation, _ = env.reset(seed=0)
    steps = 0
    ended = False
    while not ended:
        observation, _, terminated, truncated, _ = env.step(expert.act(observation, steps))
        steps += 1
        ended = terminated or truncated
    assert steps == 500


class AlwaysRight:
    def act(self, observations: Array, rng: np.random.Generator | None = None) -> Array:
        return np.full(len(observations), 3 if rng is None else 2)


class Steering:
    def act(self, observations: Array, rng: np.random.Generator | None = None) -> Array:
        return np.tile(np.float32([0.5, -0.5]), (len(observations), 1))


def test_a_policy_answers_as_an_expert() -> None:
    expert = PolicyExpert(AlwaysRight(), "right.safetensors")
    assert isinstance(expert, Expert)
    assert (expert.name, expert.act(7, 0)) == ("right.safetensors", 3)
    assert type(expert.act(7, 0)) is int
    assert PolicyExpert(AlwaysRight(), "right", np.random.default_rng(0)).act(7, 0) == 2
    assert PolicyExpert(Steering(), "wheel").act(np.zeros(2), 0).tolist() == [0.5, -0.5]


@pytest.mark.parametrize("world", [GRIDWORLD, CARTPOLE])
def test_scripted_experts_are_experts(world: World) -> None:
    for asked in (world, world.spec(), world.make()):
        expert: Any = scripted_expert(asked)
        assert isinstance(expert, Expert)
        assert expert.name == "scripted"


def test_a_world_without_a_script_is_told_which_have_one() -> None:
    with pytest.raises(NoScriptedExpertError, match=r"GridWorld-v0, CartPole-v1.* found Acrobot-v1"):
        scripted_expert(choose("Acrobot-v1"))
