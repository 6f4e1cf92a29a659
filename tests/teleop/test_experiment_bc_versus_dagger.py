"""Mistakes and distances between student and expert, on cases that can be counted by hand."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from learners.interface import Array, TabularModel
from teleop.experiments import bc_versus_dagger
from teleop.experiments.bc_versus_dagger.mismatch import (
    Balancer,
    Cells,
    Course,
    ExactGround,
    distances,
    total_variation,
)
from teleop.experiments.bc_versus_dagger.page import alike, go, matched, verdict
from teleop.experiments.bc_versus_dagger.pictures import median_over_time
from teleop.experiments.bc_versus_dagger.samplers import (
    ASKING,
    CLONING,
    DAGGER,
    SAMPLERS,
    SETTINGS,
    configuration,
    taught,
)
from teleop.experiments.experiment import Findings, Found, Table
from teleop.experts import CartPoleExpert

# -- a corridor ------------------------------------------------------------------------------------------


def corridor() -> TabularModel:
    """States 0, 1, 2 and the goal 3; action 1 goes on, action 0 goes back. Starts at 0, five steps."""
    ahead, back = np.array([1, 2, 3, 3]), np.array([0, 0, 1, 3])
    moves = np.stack([back, ahead], axis=1)[:, :, None]
    rewards = (moves == 3).astype(float)
    rewards[3] = 0.0
    terminal = np.array([False, False, False, True])
    return TabularModel(moves, np.ones(moves.shape), rewards, terminal, np.array([1.0, 0, 0, 0]), 5)


class Turns:
    """Goes on but in one state."""

    def __init__(self, at: int) -> None:
        self._at = at

    def act(self, observations: Array, rng: np.random.Generator | None = None) -> Array:
        found: Array = np.where(observations == self._at, 0, 1)
        return found


def test_the_expert_beside_itself_makes_no_mistake_and_no_difference() -> None:
    ground = ExactGround(corridor())
    found = ground.mismatch(ground.expert)
    assert (found.distance, found.floor) == (0.0, 0.0)
    assert found.on_own.error == found.on_expert.error == 0.0
    assert found.on_own.running.tolist() == [1, 1, 1, 0, 0]


def test_a_student_that_turns_back_meets_its_mistake_again_and_again() -> None:
    """It goes 0, 1, 2, back to 1, 2: twice in state 2, where the expert is once in each of three states."""
    found = ExactGround(corridor()).mismatch(Turns(at=2))
    assert found.on_expert.cost().tolist() == [0, 0, 1, 1, 1]
    assert found.on_expert.error == pytest.approx(1 / 3)
    assert found.on_own.cost().tolist() == [0, 0, 1, 1, 2]
    assert found.on_own.error == pytest.approx(2 / 5)
    # Its states: 1/5, 2/5, 2/5; the expert's: a third each.
    assert found.distance == pytest.approx(1 / 3 - 1 / 5)


def test_states_to_which_the_expert_never_comes_are_counted() -> None:
    model = corridor()
    elsewhere = TabularModel(
        model.next_states,
        model.probabilities,
        model.rewards,
        model.terminal,
        np.array([0, 1.0, 0, 0]),
        5,
    )
    assert ExactGround(elsewhere).never_visited(np.array([0, 0, 1, 2])) == 0.5


def test_each_step_after_a_fall_costs_one() -> None:
    course = Course(np.array([1.0, 1.0, 0.5]), np.array([0.0, 0.5, 0.0]), np.array([0.0, 0.0, 0.5]))
    assert course.cost().tolist() == [0.0, 0.5, 1.0]
    assert course.error == pytest.approx(0.5 / 2.5)


def test_a_stretch_in_which_hardly_an_episode_runs_says_nothing() -> None:
    running = np.repeat([1.0, 0.5, 0.01], 10)
    wrong = np.repeat([0.1, 0.1, 0.01], 10)
    assert Course(running, wrong, np.zeros(30)).by_time() == [pytest.approx(0.1), pytest.approx(0.2), None]


def test_a_median_is_drawn_where_most_seeds_say_something() -> None:
    steps, errors = median_over_time([[0.1, 0.2, None], [0.3, None, None], [0.5, 0.4, 0.9]])
    assert steps == [5.0, 15.0]
    assert errors == [0.3, pytest.approx(0.3)]


# -- distances -------------------------------------------------------------------------------------------


def test_total_variation_is_0_of_the_same_and_1_of_what_has_nothing_in_common() -> None:
    assert total_variation(np.array([0.5, 0.5, 0]), np.array([0.5, 0.5, 0])) == 0.0
    assert total_variation(np.array([1.0, 0, 0]), np.array([0, 0.5, 0.5])) == 1.0
    assert total_variation(np.array([1.0, 0]), np.array([0.75, 0.25])) == 0.25


def test_states_are_sorted_at_the_quartiles_of_the_reference() -> None:
    reference = np.arange(100.0)[:, None]
    assert Cells(reference).shares(reference).tolist() == [0.25] * 4
    assert Cells(reference).shares(np.array([[-5.0], [200.0]])).tolist() == [0.5, 0, 0, 0.5]


def test_the_floor_is_what_two_samples_of_the_same_differ_by() -> None:
    rng = np.random.default_rng(0)
    expert, again, shifted = rng.normal(size=(2_000, 2)), rng.normal(size=(2_000, 2)), np.full((50, 2), 9.0)
    distance, floor = distances(shifted, expert, again, Cells(expert), 0)
    assert distance > 0.8, "all in one box of sixteen"
    assert floor < 0.5
    assert distances(expert, expert, again, Cells(expert), 0)[0] == 0.0


def test_the_balancer_is_the_scripted_expert() -> None:
    states = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    one = CartPoleExpert()
    assert Balancer().act(states).tolist() == [one.act(state, 0) for state in states]


# -- students --------------------------------------------------------------------------------------------


def test_the_samplers_differ_in_the_gate_alone() -> None:
    cartpole = SETTINGS[1]
    kinds = [vars(configuration(cartpole, sampler, 50)) for sampler in SAMPLERS]
    differing = {name for name in kinds[0] if len({str(kind[name]) for kind in kinds}) > 1}
    assert differing == {"gate"}


@pytest.mark.parametrize("sampler", list(SAMPLERS))
def test_a_student_has_as_many_labels_as_it_may_have(sampler: str) -> None:
    _, data = taught(SETTINGS[0], sampler, 60, seed=0)
    assert data.labelled.sum() == 60
    if sampler != ASKING:
        assert len(data) == 60, "every step is labelled"


# -- the page --------------------------------------------------------------------------------------------


def made_up(returns: Mapping[str, float]) -> Findings:
    """Every cell with figures of my own; returns: sampler -> return."""
    pairs = []
    for cell in bc_versus_dagger.EXPERIMENT.cells(range(2)):
        found: Found = {"visits": [0.5] * 2500, "seconds": 1.0}
        if cell.work is not go:
            found = a_run(0.1, 40.0) | {
                "return": returns[cell.arguments["sampler"]],
                "labels": cell.arguments["labels"],
            }
        pairs.append((cell, found))
    return Findings(pairs)


def a_run(error: float, cost: float) -> dict[str, object]:
    return {
        "steps": 100,
        "distinct": 70,
        "expert_steps": 2.0,
        "elsewhere": 0.25,
        "error_expert": error,
        "error_own": 0.4,
        "distance": 0.5,
        "floor": 0.01,
        "cost_expert": [0.0, 10.0],
        "cost_own": [0.0, cost],
        "by_time_expert": [0.1],
        "by_time_own": [0.2],
        "seconds": 1.0,
    }


def test_who_is_ahead_is_decided_by_the_figures() -> None:
    said = verdict(made_up({CLONING: 8.0, DAGGER: 7.0, ASKING: 9.5}), SETTINGS[0])
    assert f"{SAMPLERS[DAGGER]}: ahead of cloning at 0 of 5" in said
    assert f"{SAMPLERS[ASKING]}: ahead of cloning at 5 of 5" in said
    assert f"{SAMPLERS[ASKING]} 100" in said
    assert f"{SAMPLERS[CLONING]} more than 1,600" in said


def test_students_are_matched_by_their_error_in_the_experts_states() -> None:
    clones = [a_run(0.10, 40.0), a_run(0.50, 90.0)]
    others = [a_run(0.105, 20.0), a_run(0.30, 5.0), a_run(0.0, 1.0)]
    assert matched(clones, others) == [(clones[0], others[0])], "0.3 is like neither, 0 cannot be compared"


def test_page_and_items_are_made_of_the_findings() -> None:
    findings = made_up({CLONING: 8.0, DAGGER: 7.0, ASKING: 9.5})
    tables = [part for part in bc_versus_dagger.EXPERIMENT.page(findings) if isinstance(part, Table)]
    assert [len(table.rows) for table in tables] == [15, 15, 3, 3]
    assert tables[0].rows[0][1:] == (
        "100",
        "70",
        "8.00",
        "10.0%",
        "40.0%",
        "0.5",
        "0.01",
        "25.0%",
    )
    assert tables[2].rows[0][2:] == ("10.00", "40.00", "4.0")
    assert "10 pairs, the cloned student's cost is 1.00 times" in alike(findings, SETTINGS[0])
    assert all("–" in item.its_figure for item in bc_versus_dagger.EXPERIMENT.items(findings))
