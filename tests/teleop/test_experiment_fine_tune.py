"""Cloning, then reinforcement learning: what a curve comes to, by hand, and what the page makes of it."""

from __future__ import annotations

from collections.abc import Mapping

import gymnasium as gym
import numpy as np
import pytest

from recordings.demonstrations import Demonstrations
from teleop.experiments import fine_tune
from teleop.experiments.experiment import Findings, Found, Table
from teleop.experiments.fine_tune import SETTINGS, first_steps, lost, lost_at, steps_to, verdict


def curve(*returns: float) -> Found:
    """Looked at after 0, 100, 200... steps."""
    return {
        "env_steps": [100 * n for n in range(len(returns))],
        "returns": list(returns),
        "seconds": 1.0,
    }


def test_the_first_look_at_the_target_counts() -> None:
    run = curve(3.0, 8.0, 9.5, 8.5, 9.0)
    assert steps_to(run, 9.0) == 200
    assert steps_to(run, 3.0) == 0
    assert steps_to(run, 9.9) is None


@pytest.mark.parametrize(
    ("returns", "fell", "first"),
    [
        ((5.0, 6.0, 10.0, 3.0), 0.0, None),  # after the target nothing counts
        ((5.0, 6.0, 2.0, 10.0), 3.0, 200),
        ((5.0, 4.75, 4.0, 4.5), 1.0, 200),  # a quarter is less than one in twenty of 10
        ((10.0,), 0.0, None),
    ],
)
def test_what_is_lost_is_lost_on_the_way_to_the_target(
    returns: tuple[float, ...], fell: float, first: int | None
) -> None:
    assert lost(curve(*returns), 10.0) == fell
    assert lost_at(curve(*returns), 10.0) == first


def test_a_demonstration_is_cut_by_its_labels() -> None:
    shown = Demonstrations.from_steps(
        np.zeros((5, 4), np.float32),
        np.zeros(5, np.int64),
        observation_space=gym.spaces.Box(-1, 1, (4,), np.float32),
        action_space=gym.spaces.Discrete(2),
    )
    assert first_steps(shown, 2).labelled.tolist() == [True, True, False, False, False]
    assert first_steps(shown, None) is shown


def made_up(curves: Mapping[int, Found]) -> Findings:
    """curves: demonstrations -> what each seed found, the same in both worlds."""
    return Findings(
        [
            (cell, curves[cell.arguments["demonstrations"]])
            for cell in fine_tune.cells(range(2))
            if cell.arguments["demonstrations"] in curves
        ]
    )


def test_whether_a_clone_saves_steps_is_decided_by_the_figures() -> None:
    slow, quick = curve(0.0, 5.0, 8.0, 8.5, 9.95), curve(8.0, 7.0, 9.95)
    assert "2.00 times fewer steps than PPO alone to 9;" in verdict(
        made_up({0: slow, 10: quick, 50: quick}), SETTINGS[0]
    )
    other = verdict(made_up({0: quick, 10: slow, 50: slow}), SETTINGS[0])
    assert "2.00 times the steps of PPO alone to 9;" in other
    assert "fewer" not in other


def test_page_and_items_are_made_of_the_findings() -> None:
    findings = made_up(
        {
            0: curve(0.0, 9.0, 500.0),
            1: curve(200.0, 150.0, 500.0),
            10: curve(8.0, 9.0, 9.9),
            50: curve(9.5, 9.9),
        }
    )
    tables = [part for part in fine_tune.page(findings) if isinstance(part, Table)]
    assert [len(table.rows) for table in tables] == [5, 5]
    assert tables[0].rows[1] == (
        "clone of 10 demonstrations, then PPO",
        "8.00",
        "100 (100 to 100)",
        "200 (200 to 200)",
        "0",
        "never",
    )
    assert tables[1].rows[1][1] == "200.00"
    assert tables[1].rows[1][3:] == ("50.00", "100 (100 to 100)")
    assert {item.source for item in fine_tune.items(findings)} == {"000", "002"}
