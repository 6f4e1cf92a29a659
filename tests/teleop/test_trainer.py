"""Labels in, students out: inline, and in a process that can be killed."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import recordings
from recordings.schema import Driver
from teleop import headless
from teleop.clock import StepClock
from teleop.session import Session
from teleop.start import CorrectSettings, start_correction
from teleop.trainer import BackgroundTrainer, Lessons
from teleop.worlds.catalogue import CARTPOLE, GRIDWORLD, World


def correcting(world: World, path: Path, **options: object) -> tuple[Session, StepClock]:
    clock = StepClock()
    settings = {"expert": "scripted", "gate": "uncertainty", "seed": 0} | options
    return start_correction(CorrectSettings(world, path, **settings), clock), clock  # type: ignore[arg-type]


def wait_until(session: Session, is_so: Callable[[Session], bool], patience_s: float = 60.0) -> None:
    deadline_s = time.monotonic() + patience_s
    while not is_so(session):
        assert time.monotonic() < deadline_s, f"waited in vain: {session.trainer.trouble!r}"  # type: ignore[union-attr]
        session.update()
        time.sleep(0.01)


def test_of_several_labels_of_a_step_the_last_counts() -> None:
    env = GRIDWORLD.make()
    lessons = Lessons(env.observation_space, env.action_space)
    lessons.add(3, 100, 0)
    lessons.add(4, 101, 1)
    lessons.add(3, 100, 2)
    observations, actions = lessons.demonstrations().pairs()
    assert sorted(zip(observations.tolist(), actions.tolist(), strict=True)) == [(100, 2), (101, 1)]


def test_the_background_trainer_learns_from_the_file_alone(tmp_path: Path) -> None:
    session, clock = correcting(GRIDWORLD, tmp_path / "d.h5")
    headless.run(session, clock, lambda session: session.labels >= 60)
    wait_until(session, lambda session: session.student is not None and session.student.labels >= 60)
    student = session.student
    assert student is not None
    session.close()
    with recordings.open(tmp_path / "d.h5") as reader:
        labels = reader.labels()
        states = np.asarray(reader.column("observation")[:])[labels.steps]
    assert np.array_equal(student.policy.act(states), labels.actions), "this expert never contradicts itself"


def test_a_resumed_recording_brings_its_lessons_along(tmp_path: Path) -> None:
    for _ in range(2):
        session, clock = correcting(CARTPOLE, tmp_path / "c.h5", training="none")
        headless.run(session, clock, lambda session: session.labels >= 40)
        session.close()
    session, _ = correcting(CARTPOLE, tmp_path / "c.h5")
    wait_until(session, lambda session: session.student is not None and session.student.labels >= 80)
    session.close()


def test_a_killed_trainer_is_noticed_and_survived(tmp_path: Path) -> None:
    session, clock = correcting(GRIDWORLD, tmp_path / "k.h5")
    trainer = session.trainer
    assert isinstance(trainer, BackgroundTrainer)
    headless.run(session, clock, lambda session: session.labels >= 30)
    wait_until(session, lambda session: session.student is not None)
    assert trainer.pid is not None
    os.kill(trainer.pid, signal.SIGKILL)
    wait_until(session, lambda session: trainer.trouble != "")
    steps = session.driven_ticks
    headless.run(session, clock, lambda session: session.driven_ticks >= steps + 100)
    session.close()
    with recordings.open(tmp_path / "k.h5") as reader:
        assert reader.n_steps == session.driven_ticks
        assert {Driver.STUDENT, Driver.SCRIPTED} >= set(np.unique(reader.column("driver")[:]).tolist())


def test_only_the_newest_students_are_kept(tmp_path: Path) -> None:
    session, clock = correcting(GRIDWORLD, tmp_path / "n.h5")
    for labels in range(10, 80, 10):
        headless.run(session, clock, lambda session, labels=labels: session.labels >= labels)  # type: ignore[misc]
        wait_until(
            session,
            lambda session: (
                session.student is not None and session.student.newest_label + 1 >= session.labels
            ),
        )
    assert 1 <= len(list((tmp_path / "n.students").rglob("student-*.safetensors"))) <= 3
    session.close()
    assert not (tmp_path / "n.students").exists(), "what was handed over in passing is cleared away"
