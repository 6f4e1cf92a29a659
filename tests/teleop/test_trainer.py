"""Labels in, students out: inline, and in a process that can be killed, stopped and replaced."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import recordings
from learners import bc
from learners.policies import NetworkPolicy
from recordings.demonstrations import Demonstrations
from recordings.schema import EditKind
from teleop import headless
from teleop.clock import StepClock
from teleop.session import Session
from teleop.start import CorrectSettings, start_correction
from teleop.trainer import BackgroundTrainer
from teleop.training import keeper
from teleop.training.course import Course
from teleop.worlds.catalogue import CARTPOLE, GRIDWORLD, World


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> None:
    """As every command sets it: more would fight over the cores."""
    torch.set_num_threads(1)


def correcting(world: World, path: Path, **options: object) -> tuple[Session, StepClock]:
    clock = StepClock()
    settings = {"expert": "scripted", "gate": "uncertainty", "seed": 0} | options
    return start_correction(CorrectSettings(world, path, **settings), clock), clock  # type: ignore[arg-type]


def in_background(session: Session) -> BackgroundTrainer:
    assert isinstance(session.trainer, BackgroundTrainer)
    return session.trainer


def wait_until(session: Session, is_so: Callable[[Session], bool], patience_s: float = 60.0) -> None:
    deadline_s = time.monotonic() + patience_s
    while not is_so(session):
        assert time.monotonic() < deadline_s, f"waited in vain: {session.trainer.trouble!r}"  # type: ignore[union-attr]
        session.update()
        time.sleep(0.01)


def label_until(session: Session, clock: StepClock, labels: int) -> None:
    headless.run(session, clock, lambda session: session.labels >= labels)


def has_learned(labels: int) -> Callable[[Session], bool]:
    return lambda session: session.student is not None and session.student.labels >= labels


def test_a_continued_recording_brings_its_lessons_along(tmp_path: Path) -> None:
    for _ in range(2):
        session, clock = correcting(CARTPOLE, tmp_path / "c.h5", training="none")
        label_until(session, clock, 40)
        session.close()
    session, _ = correcting(CARTPOLE, tmp_path / "c.h5", training="inline")
    session.update()
    assert has_learned(80)(session)
    session.close()


def test_versions_go_on_where_a_continued_recording_ended(tmp_path: Path) -> None:
    newest = []
    for _ in range(2):
        session, clock = correcting(GRIDWORLD, tmp_path / "v.h5", training="inline", labels_per_fit=10)
        label_until(session, clock, 40)
        session.close()
        with recordings.open(tmp_path / "v.h5") as reader:
            versions = np.asarray(reader.column("student_version")[session.own_episodes.start :])
            newest.append(reader.column("student_version")[:])
    first, both = newest
    added = both[len(first) :]
    assert first.max() >= 3
    assert set(added[added >= 0].tolist()).isdisjoint(first.tolist()), "no version drives in two sittings"
    assert versions.max() > first.max()


def confidence(session: Session, state: NDArray[np.int64]) -> float:
    assert session.student is not None
    return float(session.student.policy.confidence(state)[0])  # type: ignore[attr-defined]


@pytest.mark.parametrize("training", ["background", "inline"])
def test_a_label_that_is_taken_back_is_forgotten(tmp_path: Path, training: str) -> None:
    session, clock = correcting(GRIDWORLD, tmp_path / "f.h5", training=training, labels_per_fit=1)
    for labels in (10, 20):  # in two episodes
        label_until(session, clock, labels)
        session.end_episode()
    wait_until(session, has_learned(20))
    last = session.tick
    assert last is not None
    state = np.array([last.observation])
    assert confidence(session, state) > 0.9, "sure of what it was shown"
    session.recorder.edit(EditKind.DISCARD, episode=last.episode, start=0, stop=-1)
    session.trainer.look_again()  # type: ignore[union-attr]
    session.focus_lost()  # the world waits, so that no label comes on top
    wait_until(session, lambda session: session.student.labels < 20)  # type: ignore[union-attr]
    assert confidence(session, state) == 0.25, "one of four actions, as before any label"
    session.close()


def test_a_trainer_that_dies_or_falls_silent_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, clock = correcting(GRIDWORLD, tmp_path / "k.h5")
    trainer, pids, versions = in_background(session), [], []
    for end, word in ((signal.SIGKILL, "SIGKILL"), (signal.SIGSTOP, "did not answer")):
        label_until(session, clock, session.labels + 30)
        wait_until(session, has_learned(session.labels))
        assert session.student is not None
        assert trainer.trouble == "", "what there was has passed"
        versions.append(session.student.version)
        pids.append(trainer.pid)
        monkeypatch.setattr(keeper, "SILENT_S", 3.0)
        os.kill(trainer.pid or 0, end)
        wait_until(session, lambda _, word=word: word in trainer.trouble)  # type: ignore[misc]
    label_until(session, clock, 90)
    wait_until(session, has_learned(90))
    student = session.student
    assert student is not None
    assert len({*pids, trainer.pid}) == 3
    assert versions[0] < versions[1] < student.version
    session.close()
    with recordings.open(tmp_path / "k.h5") as reader:
        assert reader.n_steps == session.driven_ticks
        labels = reader.labels()
        states = np.asarray(reader.column("observation")[:])[labels.steps]
    assert np.array_equal(student.policy.act(states), labels.actions), "it learned all from the file alone"


def test_a_trainer_that_keeps_dying_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "MOST_DEATHS", 1)
    session, clock = correcting(GRIDWORLD, tmp_path / "g.h5")
    trainer = in_background(session)
    wait_until(session, lambda _: trainer.pid is not None)
    os.kill(trainer.pid or 0, signal.SIGKILL)
    wait_until(session, lambda _: "Recording goes on" in trainer.trouble)
    label_until(session, clock, 30)
    session.close()
    with recordings.open(tmp_path / "g.h5") as reader:
        assert reader.n_labels == 30


def test_only_the_newest_students_are_kept_and_none_in_the_end(tmp_path: Path) -> None:
    left = tmp_path / "n.students" / "1" / "student-000001.safetensors"
    left.parent.mkdir(parents=True)
    left.touch()
    session, clock = correcting(GRIDWORLD, tmp_path / "n.h5")
    trainer = in_background(session)
    assert not left.exists(), "what a killed session left is cleared away"
    for labels in range(10, 60, 10):
        label_until(session, clock, labels)
        wait_until(session, has_learned(labels))
    assert 1 <= len(list((tmp_path / "n.students").rglob("student-*.safetensors"))) <= 3
    os.kill(trainer.pid or 0, signal.SIGSTOP)
    session.close()
    assert not (tmp_path / "n.students").exists(), "what was handed over in passing is cleared away"
    with pytest.raises(ProcessLookupError):
        os.kill(trainer.pid or 0, 0)


def test_a_course_goes_on_from_a_student_of_any_size() -> None:
    env = CARTPOLE.make()
    states, actions = np.zeros((4, 4), np.float32), np.array([0, 1, 1, 1])
    labels = Demonstrations.from_pairs(
        states, actions, observation_space=env.observation_space, action_space=env.action_space
    )
    config = bc.Config(hidden=(8,), updates=2, check_every=1)
    *_, last = bc.train(config, labels, None, np.random.default_rng(0))
    course = Course(CARTPOLE, last.policy)
    first = next(course.train(labels, np.random.default_rng(0)))
    assert cast(NetworkPolicy, first.policy).architecture.hidden == (8,)
