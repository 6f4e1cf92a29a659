"""GridWorld: the facts of its map, the rules of a step, and that many at a time behave as one at a time."""

from __future__ import annotations

import subprocess
import sys
import warnings
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from numpy.testing import assert_allclose, assert_array_equal

from learners.interface import TabularWorld
from teleop.worlds import GRIDWORLD_ID, register
from teleop.worlds.errors import WorldError
from teleop.worlds.gridworld import GridWorld
from teleop.worlds.gridworld_map import DOWN, LEFT, RIGHT, UP, draw_map, map_with
from teleop.worlds.gridworld_picture import AGENT, COSTLY, GOAL_MARK, draw
from teleop.worlds.gridworld_vector import GridWorldVector
from teleop.worlds.throughput import measure_steps_per_second

GOAL = 2499


def free_map_with(*costly: int, side: int = 3) -> Any:
    penalty = np.zeros(side * side, dtype=np.bool_)
    penalty[list(costly)] = True
    return map_with(penalty)


def start(env: gym.Env[Any, Any], cell: int) -> gym.Env[Any, Any]:
    env.reset(options={"state": cell})
    return env


# The map


def test_facts_of_the_usual_map() -> None:
    map_ = draw_map()
    steps = map_.lossless_steps[map_.starts]
    assert map_.penalty.sum() == (2500 - 1) // 3 == 833
    assert not map_.penalty[GOAL]
    assert len(map_.starts) == 1512
    assert steps.mean() == pytest.approx(56.43, abs=0.005)
    assert steps.max() == 94


def test_the_penalty_cells_are_the_documented_draw() -> None:
    drawn = np.random.default_rng(7).choice(2499, size=833, replace=False)
    assert_array_equal(np.flatnonzero(draw_map(7).penalty), np.sort(drawn))


def test_a_small_map_by_hand() -> None:
    # 0 1 2      . # .
    # 3 4 5      . . #     the lossless ways: 0 3 6 7 8, 3 4 7 8
    # 6 7 8      . . G
    map_ = free_map_with(1, 5)
    assert_array_equal(map_.lossless_steps, [4, 3, -1, 3, 2, 1, 2, 1, 0])
    assert_array_equal(map_.starts, [0, 3, 4, 6, 7])  # 1 and 5 cost, 2 is shut in, 8 is the goal


def test_moves_and_what_they_pay() -> None:
    map_ = free_map_with(1, 5)
    assert_array_equal(map_.next_cells[4], [1, 7, 3, 5])
    assert_array_equal(map_.rewards[4], [-1, 0, 0, -1])
    assert_array_equal(map_.next_cells[0], [0, 3, 0, 1])
    assert_array_equal(map_.rewards[0], [-1, 0, -1, -1])  # two bumps, one penalty cell
    assert map_.rewards[7, RIGHT] == 10
    assert map_.rewards[5, DOWN] == 10
    assert_array_equal(map_.next_cells[8], [8, 8, 8, 8])
    assert_array_equal(map_.rewards[8], [0, 0, 0, 0])


def test_a_shut_in_goal_is_refused() -> None:
    with pytest.raises(WorldError, match="map_seed"):
        free_map_with(5, 7)


def test_a_costly_goal_is_refused() -> None:
    with pytest.raises(WorldError, match="free last cell"):
        free_map_with(8)


# One at a time


@pytest.mark.parametrize("slip", [False, True])
def test_gymnasium_finds_nothing_to_warn_of(slip: bool) -> None:
    env = gym.make(GRIDWORLD_ID, slip=slip, render_mode="rgb_array")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(env.unwrapped)


def test_registering_again_changes_nothing() -> None:
    before = gym.spec(GRIDWORLD_ID)
    register()
    assert gym.spec(GRIDWORLD_ID) is before


def test_the_long_name_imports_the_world() -> None:
    assert isinstance(gym.make(f"teleop.worlds:{GRIDWORLD_ID}").unwrapped, GridWorld)


def test_importing_the_worlds_is_light() -> None:
    asked = "import sys, teleop.worlds.gridworld; print([m for m in ('torch', 'pygame') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_throughput_is_measured_in_steps_of_single_agents() -> None:
    assert measure_steps_per_second(batch=8, seconds=0.01) > 8


def test_reaching_the_goal_ends_the_episode_and_pays_ten() -> None:
    assert start(GridWorld(), GOAL - 50).step(DOWN) == (GOAL, 10.0, True, False, {})


def test_bumping_costs_one_and_moves_nobody() -> None:
    env = start(GridWorld(), 0)
    for action in (UP, LEFT):
        assert env.step(action) == (0, -1.0, False, False, {})


def test_a_penalty_is_paid_on_reaching_the_cell_not_on_leaving_it() -> None:
    map_ = draw_map()
    cell = next(c for c in range(2450) if map_.penalty[c] and not map_.penalty[c + 50])
    env = start(GridWorld(), cell)
    assert env.step(DOWN)[:2] == (cell + 50, 0.0)
    assert env.step(UP)[:2] == (cell, -1.0)


def test_two_hundred_steps_are_truncated_not_terminated() -> None:
    env = gym.make(GRIDWORLD_ID)
    env.reset(options={"state": 0})
    ends = [env.step(UP)[2:4] for _ in range(200)]
    assert ends == [(False, False)] * 199 + [(False, True)]


def test_a_seed_repeats_the_start() -> None:
    env = GridWorld()
    starts = [env.reset(seed=seed)[0] for seed in range(50)]
    assert starts == [env.reset(seed=seed)[0] for seed in range(50)]
    assert len(set(starts)) > 40
    assert set(starts) <= set(draw_map().starts.tolist())


@pytest.mark.parametrize("state", [GOAL, -1, 2500, 3.0, True, "7", None])
def test_a_start_that_is_no_cell_is_refused(state: Any) -> None:
    with pytest.raises(WorldError, match=r'"state": expected a cell from 0 to 2498 .* found'):
        GridWorld().reset(options={"state": state})


@pytest.mark.parametrize("action", [-1, 4])
def test_an_action_that_is_none_is_refused(action: int) -> None:
    with pytest.raises(WorldError, match=f"found {action}"):
        start(GridWorld(), 0).step(action)


def test_slip_turns_three_actions_in_ten() -> None:
    env = GridWorld(slip=True)
    env.reset(seed=0)
    cell = 25 * 50 + 25
    arrivals = [start(env, cell).step(UP)[0] for _ in range(4000)]
    shares = [arrivals.count(cell + move) / 4000 for move in (-50, 50, -1, 1)]
    assert_allclose(shares, [0.7, 0.1, 0.1, 0.1], atol=0.03)  # 0.03 is four standard errors


def test_the_table_says_what_steps_do() -> None:
    env = GridWorld()
    assert isinstance(env, TabularWorld)
    model = env.tabular_model()
    rng = np.random.default_rng(0)
    for cell, action in zip(rng.integers(GOAL, size=300), rng.integers(4, size=300), strict=True):
        found = start(env, int(cell)).step(int(action))
        there = model.next_states[cell, action, 0]
        assert found[:3] == (there, model.rewards[cell, action, 0], model.terminal[there])
    assert model.horizon == 200
    assert_allclose(model.starts[draw_map().starts], 1 / 1512)


def test_the_slippery_table_spreads_each_action() -> None:
    model = GridWorld(slip=True).tabular_model()
    assert_allclose(model.probabilities[7, LEFT], [0.1, 0.1, 0.7, 0.1])
    assert_array_equal(model.next_states[60, LEFT], [10, 110, 59, 61])


# Its picture


def test_the_picture_shows_agent_goal_and_penalties() -> None:
    map_ = free_map_with(1, 5)
    picture = draw(map_, 3, cell_pixels=20)
    assert picture.shape == (60, 60, 3)
    assert picture.dtype == np.uint8
    assert tuple(picture[30, 10]) == AGENT  # the middle of cell 3
    assert tuple(picture[10, 30]) == COSTLY  # of cell 1
    assert tuple(picture[50, 50]) == GOAL_MARK


def test_drawing_leaves_the_next_picture_clean() -> None:
    map_ = free_map_with(1, 5)
    first = draw(map_, 3, cell_pixels=20)
    draw(map_, 4, cell_pixels=20)
    assert_array_equal(draw(map_, 3, cell_pixels=20), first)


def test_the_cell_size_is_an_argument() -> None:
    env = gym.make(GRIDWORLD_ID, render_mode="rgb_array", cell_pixels=4)
    env.reset(seed=0)
    assert env.render().shape == (200, 200, 3)  # type: ignore[union-attr]


def test_the_human_mode_opens_gymnasiums_own_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    env = gym.make(GRIDWORLD_ID, render_mode="human")
    assert env.render_mode == "human"
    env.reset(seed=0)
    env.step(DOWN)
    env.close()


# Many at a time


def vector(num_envs: int, **kwargs: Any) -> GridWorldVector:
    envs = gym.make_vec(GRIDWORLD_ID, num_envs=num_envs, **kwargs).unwrapped
    assert isinstance(envs, GridWorldVector)
    return envs


def test_many_move_as_one_does() -> None:
    rng = np.random.default_rng(0)
    cells = rng.integers(GOAL, size=500)
    actions = rng.integers(4, size=500)
    envs = vector(500)
    envs.reset(options={"state": cells})
    found = envs.step(actions)
    single = GridWorld()
    expected = [
        start(single, int(cell)).step(int(action)) for cell, action in zip(cells, actions, strict=True)
    ]
    for column in range(4):
        assert_array_equal(found[column], [step[column] for step in expected])


@pytest.mark.parametrize("slip", [False, True])
def test_every_observation_lies_in_the_space(slip: bool) -> None:
    envs = vector(64, slip=slip)
    cells, _ = envs.reset(seed=0)
    envs.action_space.seed(0)
    for _ in range(250):
        assert cells in envs.observation_space
        cells, *_ = envs.step(envs.action_space.sample())


def test_next_step_reset_shows_the_last_cell_then_starts_anew() -> None:
    envs = vector(2)
    assert envs.metadata["autoreset_mode"] is gym.vector.AutoresetMode.NEXT_STEP
    envs.reset(seed=0, options={"state": [GOAL - 50, 0]})
    cells, rewards, terminated, *_ = envs.step(np.array([DOWN, UP]))
    assert (cells.tolist(), rewards.tolist(), terminated.tolist()) == ([GOAL, 0], [10, -1], [True, False])
    cells, rewards, terminated, truncated, _ = envs.step(np.array([UP, UP]))
    assert cells[0] in draw_map().starts
    assert (cells[1], rewards.tolist()) == (0, [0, -1])
    assert not (terminated | truncated).any()


def test_same_step_reset_hands_over_the_last_cell_in_the_infos() -> None:
    envs = vector(2, autoreset_mode="SameStep")
    envs.reset(seed=0, options={"state": [GOAL - 50, 0]})
    cells, rewards, terminated, _, infos = envs.step(np.array([DOWN, UP]))
    assert cells[0] in draw_map().starts
    assert (rewards.tolist(), terminated.tolist()) == ([10, -1], [True, False])
    assert infos["final_obs"][0] == GOAL
    assert infos["_final_obs"].tolist() == [True, False]


@pytest.mark.parametrize(("mode", "second"), [("NextStep", 401), ("SameStep", 400)])
def test_many_are_truncated_after_two_hundred_steps_each(mode: str, second: int) -> None:
    envs = vector(3, autoreset_mode=mode)
    envs.reset(seed=0)
    up_and_down = [envs.step(np.full(3, step % 2)) for step in range(second)]
    truncated = [step + 1 for step, result in enumerate(up_and_down) if result[3].all()]
    terminated = [step for step, result in enumerate(up_and_down) if result[2].any()]
    assert (truncated, terminated) == ([200, second], [])


def test_what_was_returned_is_not_overwritten_later() -> None:
    envs = vector(4)
    cells, _ = envs.reset(seed=0)
    first = envs.step(np.full(4, DOWN))
    kept = [cells.copy(), *(column.copy() for column in first[:4])]
    for _ in range(300):
        envs.step(np.full(4, RIGHT))
    for array, copy in zip([cells, *first[:4]], kept, strict=True):
        assert_array_equal(array, copy)


def test_a_seed_repeats_many_at_a_time() -> None:
    def run() -> list[list[int]]:
        envs = vector(8, slip=True)
        envs.reset(seed=3)
        actions = np.random.default_rng(0).integers(4, size=(450, 8))
        return [envs.step(row)[0].tolist() for row in actions]

    assert run() == run()


def test_many_slip_three_times_in_ten() -> None:
    envs = vector(4000, slip=True)
    cell = 25 * 50 + 25
    envs.reset(seed=0, options={"state": cell})
    arrivals, *_ = envs.step(np.full(4000, LEFT))
    shares = [np.mean(arrivals == cell + move) for move in (-50, 50, -1, 1)]
    assert_allclose(shares, [0.1, 0.1, 0.7, 0.1], atol=0.03)


@pytest.mark.parametrize("actions", [[0, 4], [-1, 0], [0], [0.0, 1.0], [[0, 1]]])
def test_actions_that_are_none_are_refused_for_many(actions: Any) -> None:
    envs = vector(2)
    envs.reset(seed=0)
    with pytest.raises(WorldError, match="actions: expected"):
        envs.step(np.array(actions))


def test_starts_of_the_wrong_number_are_refused() -> None:
    with pytest.raises(WorldError, match="expected one cell or 3, found 2"):
        vector(3).reset(options={"state": [1, 2]})


def test_an_unknown_reset_mode_is_refused() -> None:
    with pytest.raises(WorldError, match="'NextStep' or 'SameStep', found 'Disabled'"):
        vector(2, autoreset_mode="Disabled")
