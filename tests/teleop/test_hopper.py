"""Hopper: its body, the shipped expert, and what the experiment makes of its findings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from matplotlib.figure import Figure

from learners import load_policy
from learners.data import hopper_expert_path
from learners.rollout import run_episodes
from recordings import replay
from teleop.experiments import hopper
from teleop.experiments.experiment import Cell, Findings, Found, Picture
from teleop.experiments.hopper import claims, rows, strong
from teleop.experiments.hopper.data import expert
from teleop.experiments.pages import tables
from teleop.worlds.hopper_body import HOPPER_ID, limbs

STANDING = [1.25, 0.0, 0.0, 0.0, 0.0]


def test_upright_it_stands_on_its_sole() -> None:
    torso, thigh, leg, foot = limbs(STANDING)
    assert torso.start == pytest.approx((0, 1.45))
    assert torso.end == thigh.start == pytest.approx((0, 1.05))
    assert thigh.end == leg.start == pytest.approx((0, 0.6))
    assert leg.end == pytest.approx((0, 0.1))
    assert (foot.start, foot.end) == (pytest.approx((-0.13, 0.1)), pytest.approx((0.26, 0.1)))


def test_limbs_are_where_mujoco_has_them() -> None:
    pytest.importorskip("mujoco", reason="MuJoCo is not installed: pip install understudy[mujoco]")
    with gym.make(HOPPER_ID) as env:
        env.reset(seed=0)
        world: Any = env.unwrapped
        rng = np.random.default_rng(0)
        for _ in range(20):
            position = rng.uniform([-1, 0.7, -0.5, -1, -1, -0.5], [1, 1.7, 0.5, 0, 0, 0.5])
            world.set_state(position, np.zeros(6))
            for number, limb in enumerate(limbs(position[1:], position[0]), 1):
                along = world.data.geom_xmat[number].reshape(3, 3)[:, 2] * world.model.geom_size[number, 1]
                centre = world.data.geom_xpos[number]
                ends = {(round(x, 6), round(z, 6)) for x, _, z in (centre - along, centre + along)}
                found = {(round(x, 6), round(z, 6)) for x, z in (limb.start, limb.end)}
                assert np.allclose(sorted(found), sorted(ends), atol=1e-5)
                assert limb.radius == world.model.geom_size[number, 0]


def test_the_shipped_expert_outhops_every_clone_of_the_source() -> None:
    pytest.importorskip("mujoco", reason="MuJoCo is not installed: pip install understudy[mujoco]")
    assert hopper_expert_path().stat().st_size < 1_000_000
    (episode,) = run_episodes(load_policy(hopper_expert_path()), gym.spec(HOPPER_ID), episodes=1, seed=0)
    assert episode.return_ > max(row.its_return for row in rows.SOURCE_ROWS if row.its_return)


def test_a_recording_of_the_expert_replays(tmp_path: Path) -> None:
    pytest.importorskip("mujoco", reason="MuJoCo is not installed: pip install understudy[mujoco]")
    from teleop.commands.record import Record

    out = tmp_path / "hop.h5"
    record = Record(
        env=HOPPER_ID, out=out, driver=str(hopper_expert_path()), headless=True, episodes=1, seed=0
    )
    assert record.run().data["verified"] is True
    assert replay.verify(out).verified


def test_chances_and_verdicts_by_hand() -> None:
    assert claims.chance_above([3, 4], [1, 2]) == 1.0
    assert claims.chance_above([1, 3], [2, 2]) == 0.5
    assert claims.chance_above([2], [2]) == 0.5
    beats, gains_nothing = claims.CLAIMS[0], next(c for c in claims.CLAIMS if c.no_gain)
    assert [claims.verdict(beats, first, [5, 5]) for first in ([6, 7], [4, 6], [1, 2])] == [
        "yes",
        "not clear",
        "no",
    ]
    assert [claims.verdict(gains_nothing, first, [5, 5]) for first in ([6, 7], [4, 6], [1, 2])] == [
        "yes",
        "yes",
        "no",
    ]


def test_its_own_figures_speak_against_two_of_its_three_comparisons_of_tanh() -> None:
    own = [c.by_its_own_figures.split(":")[0] for c in claims.CLAIMS if c.said == "tanh beats ReLU"]
    assert own == ["no", "no", "yes"]


def made_up(cell: Cell) -> Found:
    """Findings of the right form: cloning returns 3,000, each row of the source its place in the list."""
    if cell.work is expert:
        numbers = {"return": 3_000.0, "deviation": 1.0, "length": 999.0, "drawn": 2_900.0, "random": 18.0}
        return {**numbers, "bytes": 40_000, "hop": [STANDING] * 3, "seconds": 1.0}
    seed = cell.arguments["seed"]
    if cell.work is rows.fit_row:
        settings = {name: value for name, value in cell.arguments.items() if name != "seed"}
        place = 100.0 * next(i for i, row in enumerate(rows.ROWS) if row.settings == settings)
        losses = [0.4, 0.2, 0.1]
        return {
            "updates": [1, 2, 3],
            "losses": losses,
            "batch_losses": losses,
            "returns": [place + seed] * 3,
            "seconds": 1.0,
        }
    curve = {"labels": [1_000, 1_200], "env_steps": [10, 20], "returns": [1_500.0, 3_000.0]}
    return {**curve, "return": 3_000.0, "asked": 200, "before": 1_500.0, "seconds": 1.0}


def test_page_and_items_are_made_from_the_findings_alone() -> None:
    findings = Findings([(cell, made_up(cell)) for cell in hopper.EXPERIMENT.cells(range(2))])
    rows, claims, strong = tables(hopper.EXPERIMENT, findings)
    assert rows.rows[1][:3] == ("tanh, Adam", "771", "100.50 (100.00 to 101.00)")
    assert claims.rows[0][-1] == "yes (100%)"
    assert strong.rows[0][2:4] == ("100.0%", "2 of 2")
    for part in hopper.EXPERIMENT.page(findings):
        if isinstance(part, Picture):
            part.draw(Figure())
    sources = {item.source for item in hopper.EXPERIMENT.items(findings)}
    assert sources == {"001", "002", "003", "004"}


def test_every_figure_of_the_sources_table_has_a_row() -> None:
    assert [row.its_return for row in rows.SOURCE_ROWS] == [
        *(213.0, 771.34, 532.0, 913.65, 1169.94, 1127.3, 991.2)
    ]
    assert strong.LABELS_PER_ROUND * strong.ROUNDS + 1_000 <= 3_000
