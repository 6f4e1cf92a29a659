"""DAgger's rounds through a live session: the loop of the learner, the steps of the session."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import recordings
from learners import dagger
from learners.evaluation import evaluate
from recordings.schema import Driver
from teleop import headless
from teleop.clock import StepClock
from teleop.rounds import SessionSampler
from teleop.start import CorrectSettings, start_correction
from teleop.worlds.catalogue import CARTPOLE, GRIDWORLD, World


def rounds(world: World, path: Path, n_rounds: int, labels: int) -> list[float]:
    clock = StepClock()
    settings = CorrectSettings(world, path, expert="scripted", gate="uncertainty", training="none", seed=0)
    session = start_correction(settings, clock)
    sampler = SessionSampler(
        session,
        lambda done, watch: headless.run(session, clock, lambda _: done(), watch),
        labels_per_round=labels,
        steps_per_round=5000,
    )
    config = dagger.Config(rounds=n_rounds)
    rng = np.random.default_rng(0)
    students = dagger.train(config, None, world.spec(), rng, sample=sampler, symmetry=world.mirror)
    returns = [evaluate(student.policy, world.spec(), episodes=20).return_mean for student in students]
    session.close()
    return returns


def test_gridworld_improves_round_by_round_and_every_label_is_recorded(tmp_path: Path) -> None:
    path = tmp_path / "d.h5"
    returns = rounds(GRIDWORLD, path, 4, 50)
    assert len(returns) == 4
    assert returns[-1] > returns[0]
    with recordings.open(path) as reader:
        assert reader.n_labels == 200
        drivers = np.asarray(reader.column("driver")[:])
        assert set(np.unique(drivers)) == {Driver.STUDENT, Driver.SCRIPTED}
        labelled = reader.labels().steps
        assert np.all(drivers[labelled] == Driver.SCRIPTED), "this gate asks only where the expert drives"


def test_cartpole_balances_after_a_few_rounds(tmp_path: Path) -> None:
    assert rounds(CARTPOLE, tmp_path / "c.h5", 6, 25)[-1] > 400
