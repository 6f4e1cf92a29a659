"""What `info` counts, on a recording small enough to count by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gymnasium as gym
import h5py
import numpy as np
import pytest

import recordings
from recordings import EditKind, Recorder
from recordings.schema import Driver, Header, LabelKind, Outcome
from teleop.browser.summary import summary
from teleop.cli import main
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


HUMAN, STUDENT, SCRIPTED, REPLAYED = Driver.HUMAN, Driver.STUDENT, Driver.SCRIPTED, Driver.REPLAYED


class Sitting:
    """Makes a GridWorld recording by hand: one observation, and no world."""

    def __init__(self, path: Path) -> None:
        env = GRIDWORLD.make()
        self.seen, _ = env.reset(seed=0)
        self.recorder = Recorder(path, Header.for_env(env))

    def episode(self, drivers: Sequence[Driver], *, student: int | None = 0, **begun: Any) -> None:
        self.recorder.begin_episode(self.seen, seed=0, **begun)
        for driver in drivers:
            self.recorder.step(3, 0.0, False, False, self.seen, driver=driver, student_action=student)
        self.recorder.end_episode(Outcome.FAILURE)

    def labels(
        self, labeler: str, *said: tuple[int, int], kind: int = LabelKind.PAUSED, every_s: float = 0
    ) -> None:
        for count, (step, action) in enumerate(said):
            time_ns = round(count * every_s * 1e9)
            self.recorder.label(step, action, labeler=labeler, kind=kind, time_ns=time_ns)

    def summary(self) -> dict[str, Any]:
        self.recorder.close()
        with recordings.open(self.recorder.path) as reader:
            return summary(reader)


@pytest.fixture
def sitting(tmp_path: Path) -> Sitting:
    return Sitting(tmp_path / "sitting.h5")


def test_takeovers_are_counted_where_a_student_might_have_driven(sitting: Sitting) -> None:
    sitting.episode([HUMAN] * 4, student=None)  # a demonstration, before there was a student
    sitting.episode([STUDENT, HUMAN, HUMAN, STUDENT, SCRIPTED])
    sitting.episode([REPLAYED, REPLAYED, HUMAN], parent=1, branch_step=2)
    sitting.episode([STUDENT, STUDENT, STUDENT, STUDENT])
    found = sitting.summary()
    assert (found["takeovers"], found["takeover_length"]) == (3, pytest.approx(4 / 3))
    assert found["autonomous"] == pytest.approx(6 / 10)
    assert found["drivers"] == {"human": 7, "student": 6, "scripted": 1, "replayed": 2}
    assert found["branches"] == [{"episode": 2, "parent": 1, "step": 2}]


def test_labelers_are_compared_beyond_chance(sitting: Sitting) -> None:
    sitting.episode([STUDENT] * 6)
    sitting.labels("ada", (0, 0), (1, 0), (2, 1), (3, 1), (4, 2))
    sitting.labels("ben", (0, 0), (1, 1), (2, 1), (3, 1))
    found = sitting.summary()
    # Ada says 0 0 1 1, Ben 0 1 1 1: equal 3/4, by chance 1/2 * 1/4 + 1/2 * 3/4 = 1/2.
    assert found["labelers_compared"] == [
        {
            "labelers": ["ada", "ben"],
            "steps": 4,
            "equal": 0.75,
            "alike": None,
            "kappa": pytest.approx(0.5),
            "distance": None,
        }
    ]
    assert found["agreement_with_student_by_labeler"] == {
        "ada": {"same": 2, "of": 5, "share": 0.4, "alike": None},
        "ben": {"same": 1, "of": 4, "share": 0.25, "alike": None},
    }
    assert found["agreement_with_student"] == pytest.approx(3 / 9)


def test_where_chance_alone_agrees_there_is_no_kappa(sitting: Sitting) -> None:
    sitting.episode([STUDENT] * 2)
    sitting.labels("ada", (0, 3), (1, 3))
    sitting.labels("ben", (0, 3), (1, 3))
    (pair,) = sitting.summary()["labelers_compared"]
    assert (pair["equal"], pair["kappa"]) == (1.0, None)


def test_actions_that_are_no_choices_are_compared_by_their_distance(tmp_path: Path) -> None:
    env = gym.make("MountainCarContinuous-v0")
    observation, _ = env.reset(seed=0)
    with Recorder(tmp_path / "car.h5", Header.for_env(env)) as recorder:
        recorder.begin_episode(observation, seed=0)
        for action in (0.25, 0.5):
            step = recorder.step(np.array([0.0]), 0.0, False, False, observation, driver=HUMAN)
            recorder.label(step, np.array([action]), labeler="ada", kind=LabelKind.PAUSED)
            recorder.label(step, np.array([0.25]), labeler="ben", kind=LabelKind.PAUSED)
    with recordings.open(tmp_path / "car.h5") as reader:
        (pair,) = summary(reader)["labelers_compared"]
    assert (pair["equal"], pair["kappa"], pair["distance"]) == (0.5, None, pytest.approx(0.125))


def test_who_is_asked_again_is_compared_with_the_answer_before(sitting: Sitting) -> None:
    sitting.episode([STUDENT] * 4)
    sitting.labels("ada", (0, 0), (1, 0), (2, 0))
    sitting.labels("ben", (0, 3), (1, 3))
    sitting.labels("ada", (0, 0), (1, 2), (1, 2), (3, 1), kind=LabelKind.REASKED)
    found = sitting.summary()
    # Step 0 the same; step 1 first another, then the same as that; step 3 was never asked before.
    assert found["self_agreement"] == {
        "ada": {"same": 2, "of": 3, "share": pytest.approx(2 / 3), "alike": None}
    }


def test_curation_is_counted_and_withdrawn_labels_agree_with_nobody(sitting: Sitting) -> None:
    for _ in range(3):
        sitting.episode([STUDENT] * 5)
    sitting.labels("ada", (0, 0), (1, 1))
    sitting.labels("ben", (0, 1), (1, 1))
    for kind, episode, start, stop, value in (
        (EditKind.DISCARD, 1, 0, -1, 0),
        (EditKind.DISCARD, 2, 1, 3, 0),
        (EditKind.MARK, 0, 2, 5, 0),
        (EditKind.JUDGE, 2, 0, -1, Outcome.SUCCESS),
        (EditKind.WITHDRAW, 0, 0, 1, 0),
    ):
        sitting.recorder.edit(kind, episode=episode, start=start, stop=stop, value=value)
    found = sitting.summary()
    assert (found["discarded_episodes"], found["discarded_steps"], found["marked_steps"]) == ((1,), 7, 3)
    assert (found["judged_episodes"], found["outcomes"]) == ((2,), {"failure": 2, "success": 1})
    assert (found["labels"], found["withdrawn_labels"], found["distinct_labelled_steps"]) == (4, 1, 2)
    assert found["agreement_between_labelers"] == {"ada and ben": 1.0}


def test_the_rate_of_labels_leaves_out_pauses(sitting: Sitting) -> None:
    sitting.episode([STUDENT] * 8)
    sitting.labels("ada", *((step, 0) for step in range(5)), every_s=2.0)
    sitting.recorder.label(5, 0, labeler="ada", kind=LabelKind.PAUSED, time_ns=10**12)
    sitting.recorder.label(6, 0, labeler="ada", kind=LabelKind.PAUSED, time_ns=10**12 + 4 * 10**9)
    sitting.recorder.label(7, 0, labeler="ada", kind=LabelKind.PAUSED, time_ns=5)  # another sitting's clock
    sitting.recorder.label(7, 0, labeler="ben", kind=LabelKind.PAUSED)
    assert sitting.summary()["labels_per_minute"] == {"ada": pytest.approx(5 * 60 / 12), "ben": None}


def test_the_text_fits_80_columns(sitting: Sitting, capsys: pytest.CaptureFixture[str]) -> None:
    sitting.episode([STUDENT, HUMAN] * 20)
    for index in range(9):
        sitting.episode([REPLAYED] * 10 + [HUMAN, SCRIPTED], parent=index, branch_step=10)
    names = "human", "scripted expert of the world", "a policy with quite a long name of its own"
    for name in names:
        sitting.labels(name, (0, 0), (1, 1), (2, 0), every_s=1.5)
    sitting.labels("human", (1, 2), kind=LabelKind.REASKED)
    sitting.recorder.edit(EditKind.DISCARD, episode=1, start=0, stop=-1)
    sitting.recorder.close()
    assert main(["info", str(sitting.recorder.path)]) == 0
    said = capsys.readouterr().out
    assert max(len(line) for line in said.splitlines()) <= 80
    for words in (
        "1 from 0 at step 10",
        "and 3 more",
        "12, whole episodes 1",
        "kappa 1.00",
        "human asked again",
    ):
        assert words in said


def test_an_outcome_that_cannot_be_is_one_paragraph(
    sitting: Sitting, capsys: pytest.CaptureFixture[str]
) -> None:
    sitting.episode([STUDENT])
    sitting.recorder.close()
    with h5py.File(sitting.recorder.path, "r+") as file:
        file["episodes/outcome"][0] = 99
    assert main(["info", str(sitting.recorder.path)]) == 1
    said = capsys.readouterr()
    assert "sitting.h5: /episodes: row 0" in said.err
    assert len(said.err.splitlines()) == 1
    assert said.out == ""
