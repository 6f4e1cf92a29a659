"""What `info` counts, on a recording small enough to count by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

import recordings
from recordings.schema import Driver, Header, LabelKind
from teleop.commands.info import summary
from teleop.worlds.catalogue import GRIDWORLD


def test_agreement_is_counted_by_steps_and_last_labels(tmp_path: Path) -> None:
    env = GRIDWORLD.make()
    observation, _ = env.reset(seed=0)
    with recordings.Recorder(tmp_path / "a.h5", Header.for_env(env)) as recorder:
        recorder.begin_episode(observation, seed=0)
        for student in (None, 0, 1, 2):
            recorder.step(3, 0.0, False, False, observation, driver=Driver.STUDENT, student_action=student)
        for step, action in ((0, 3), (1, 0), (2, 0), (2, 1), (3, 3)):
            recorder.label(step, action, labeler="human", kind=LabelKind.PAUSED)
        for step, action in ((1, 0), (2, 3)):
            recorder.label(step, action, labeler="scripted", kind=LabelKind.LIVE)
    with recordings.open(tmp_path / "a.h5") as reader:
        found = summary(reader)
    assert found["labels"] == 7
    assert found["distinct_labelled_steps"] == 4
    assert found["labelers"] == {"human": 5, "scripted": 2}
    # Steps 1 to 3 have a student's action: 0 and 0 agree; 0 and 1 on step 2, of which 1 is right; 3 and 3 are not.
    assert found["agreement_with_student"] == pytest.approx(3 / 6)
    assert found["agreement_between_labelers"] == {"human and scripted": pytest.approx(1 / 2)}


def test_a_recording_without_labels_agrees_with_nobody(tmp_path: Path) -> None:
    env = GRIDWORLD.make()
    observation, _ = env.reset(seed=0)
    with recordings.Recorder(tmp_path / "b.h5", Header.for_env(env)) as recorder:
        recorder.begin_episode(observation, seed=0)
        recorder.step(3, 0.0, False, False, observation, driver=Driver.HUMAN)
    with recordings.open(tmp_path / "b.h5") as reader:
        found = summary(reader)
    assert found["agreement_with_student"] is None
    assert found["agreement_between_labelers"] == {}
    assert found["drivers"] == {"human": 1}
