"""What is cut out of demonstrations, what is left of them, and what the tutorial's pages say of what was found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from matplotlib.figure import Figure

import teleop.worlds  # noqa: F401 - makes GridWorld known to gymnasium
from recordings import Driver, EditKind, Header, Recorder
from recordings.demonstrations import Demonstrations, load
from teleop.experiments import partial, tutorial
from teleop.experiments.experiment import Cell, Findings, Found, Picture, Table
from teleop.experiments.partial import cuts
from teleop.experiments.tutorial import runs
from teleop.experiments.tutorial.figures import counted, labels_to
from teleop.experiments.tutorial.sources import METHODS
from teleop.experiments.written_policy import WrittenPolicy

DOWN, RIGHT = 1, 3


# -- cutting ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 0.9])
def test_each_demonstration_loses_its_share_in_at_most_two_gaps(share: float) -> None:
    lengths = np.array([1, 7, 40, 200])
    keep = cuts.anywhere(lengths, share, np.random.default_rng(0))
    assert len(keep) == lengths.sum()
    for part in np.split(keep, np.cumsum(lengths)[:-1]):
        assert (~part).sum() == round(share * len(part))
        begins = np.diff(np.concatenate([[0], (~part).astype(int)])) == 1
        assert begins.sum() <= cuts.GAPS


def test_a_band_across_the_way_is_one_and_holds_its_share() -> None:
    depths = np.arange(1000.0)
    keep = cuts.in_one_place(depths, 0.5, np.random.default_rng(0))
    missing = depths[~keep]
    assert len(missing) == pytest.approx(500, abs=1)
    assert np.ptp(missing) == len(missing) - 1


def walks() -> Demonstrations:
    """Two walks: through states 0 1 2 3, and through 4 5 6."""
    return Demonstrations.from_steps(
        np.array([0, 1, 2, 4, 5]),
        np.array([3, 3, 3, 3, 3]),
        observation_space=gym.spaces.Discrete(9),
        action_space=gym.spaces.Discrete(4),
        terminated=np.array([0, 0, 1, 0, 0], bool),
        lengths=np.array([3, 2]),
        final_observations=np.array([3, 6]),
    )


def test_a_cut_demonstration_is_stretches_and_what_was_seen_after_each() -> None:
    left = cuts.remains(walks(), np.array([1, 0, 1, 1, 1], bool))
    assert left.observations.tolist() == [0, 2, 4, 5]
    assert left.starts.tolist() == [0, 1, 2]
    assert left.lengths.tolist() == [1, 1, 2]
    assert left.final_observations.tolist() == [1, 3, 6]
    assert left.terminated.tolist() == [False, True, False, False]


def test_nothing_cut_is_nothing_changed() -> None:
    left = cuts.remains(walks(), np.ones(5, bool))
    assert left.lengths.tolist() == [3, 2]
    assert left.final_observations.tolist() == [3, 6]


def test_what_is_left_is_what_a_recording_gives_whose_steps_were_discarded(tmp_path: Path) -> None:
    keep = np.array([1, 1, 0, 0, 1, 0, 1, 1], bool)
    path = tmp_path / "walk.h5"
    env = gym.make("understudy/GridWorld-v0")
    with Recorder(path, Header.for_env(env)) as recorder:
        for seed in (0, 1):
            observation, _ = env.reset(seed=seed)
            recorder.begin_episode(observation, seed=seed)
            for action in (DOWN, RIGHT, DOWN, RIGHT):
                observation, reward, terminated, truncated, _ = env.step(action)
                recorder.step(
                    action, float(reward), terminated, truncated, observation, driver=Driver.SCRIPTED
                )
            recorder.end_episode()
        whole = load(path)
        for step in np.flatnonzero(~keep).tolist():
            recorder.edit(EditKind.DISCARD, episode=step // 4, start=step % 4, stop=step % 4 + 1)
    cut, recorded = cuts.remains(whole, keep), load(path)
    for name in ("observations", "actions", "starts", "lengths", "final_observations"):
        assert np.array_equal(getattr(cut, name), getattr(recorded, name)), name


# -- what the pages say ----------------------------------------------------------------------------------


def test_labels_to_a_return_are_those_of_the_first_round_that_reached_it() -> None:
    runs: list[Found] = [
        {"curve": [[10, 1.0, 0.1], [20, 8.5, 0.2], [30, 8.0, 0.3]]},
        {"curve": [[10, 9.0, 0.1]]},
        {"curve": [[10, 1.0, 0.1]]},
    ]
    assert labels_to(runs, 8.0) == "15 (10 to 20) (1 of 3 never)"
    assert counted([]) == "–"


def test_a_written_policy_answers_what_was_written() -> None:
    assert WrittenPolicy([3, 1, 2]).act(np.array([2, 0])).tolist() == [2, 3]


def made_up(cell: Cell) -> Found:
    """What a cell might find, at once."""
    arguments = cell.arguments
    judged = {"return": 9.0, "drawn": 8.0, "return_slipping": 0.1, "drawn_slipping": 0.0}
    maps: dict[str, Any] = {"actions": [0] * 2500, "reward": np.linspace(-1, 1, 2500).tolist()}
    found: dict[str, Any] = {
        **judged,
        **maps,
        "seconds": 1.0,
        "fit_seconds": 1.0,
        "replanned": 0.2,
        "labels": 100.0,
        "distinct_labels": 90.0,
        "env_steps": 1000,
        "arrives": 1.0,
        "steps": 10,
        "loss": 1.0,
        "states": 5,
        "visits": [1.0] * 2500,
    }
    if cell.work is runs.clone:
        as_shown = {f"as_shown_{name}": value for name, value in judged.items()}
        sizes = runs.CLONED[arguments["kind"]]
        found["curve"] = [{**found, **as_shown, "episodes": n, "labels": 50.0 * n} for n in sizes]
    if cell.work is runs.correct:
        found["curve"] = [[10.0, 1.0, 0.1], [100.0, 9.0, 0.2]]
    if cell.work is runs.bounds:
        facts = {"best": 10.0, "random": -67.0, "intended": 0.7}
        found |= {"episodes": 10, "truncated": 0.1, "demonstrator": 8.87, "start_cells": 1512}
        found |= dict.fromkeys(runs.WORLDS, facts)
    return found


@pytest.mark.parametrize("experiment", [tutorial.EXPERIMENT, partial.EXPERIMENT], ids=lambda e: e.name)
def test_every_part_of_a_page_is_made_of_what_the_cells_find(experiment: Any) -> None:
    cells = experiment.cells(range(2))
    assert len({cell.key for cell in cells}) == len(cells)
    findings = Findings([(cell, made_up(cell)) for cell in cells])
    for part in experiment.page(findings):
        if isinstance(part, Table):
            assert all(len(row) == len(part.columns) for row in part.rows)
        if isinstance(part, Picture):
            part.draw(Figure(figsize=part.size_in, layout="constrained"))
    assert {item.source for item in experiment.items(findings)} == set(experiment.sources)


def test_every_method_of_the_tutorial_has_a_row() -> None:
    findings = Findings([(cell, made_up(cell)) for cell in tutorial.EXPERIMENT.cells(range(2))])
    asked = [item.asked for item in tutorial.EXPERIMENT.items(findings)]
    assert [method.title for method in METHODS if not any(method.title in each for each in asked)] == []


def test_a_bound_is_measured_not_typed() -> None:
    found = runs.bounds_of("gridworld")
    assert found["best"] == pytest.approx(10.0)
    assert found["intended"] == 1.0
