"""Which labels a student learns from, as a recording grows and is edited."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import recordings
from recordings.recorder import Recorder
from recordings.schema import Driver, EditKind, Header, LabelKind, Outcome
from teleop.training.lessons import Lessons, newest_version
from teleop.worlds.catalogue import GRIDWORLD

STEPS = 300


class Sitting:
    """A recording of one episode, in whose step n state 1000 + n was seen, and the lessons of "human" in it."""

    def __init__(self, path: Path) -> None:
        env = GRIDWORLD.make()
        self.recorder = Recorder(path, Header.for_env(env))
        self.recorder.begin_episode(1000, seed=0)
        for step in range(STEPS):
            self.recorder.step(
                0, 0.0, False, False, 1001 + step, driver=Driver.STUDENT, student_version=step // 100
            )
        self.recorder.flush()
        self.reader = recordings.open(path, tail=True)
        self.lessons = Lessons(self.reader, "human")

    def label(self, step: int, action: int, labeler: str = "human") -> int:
        return self.recorder.label(step, action, labeler=labeler, kind=LabelKind.LIVE)

    def edit(self, kind: EditKind, start: int = 0, stop: int = -1, value: int = 0) -> int:
        return self.recorder.edit(kind, episode=0, start=start, stop=stop, value=value)

    def look(self) -> bool:
        self.recorder.flush()
        return self.lessons.look()

    def held(self) -> dict[int, int]:
        """State -> action of every lesson."""
        observations, actions = self.lessons.demonstrations().pairs()
        return dict(zip(observations.tolist(), actions.tolist(), strict=True))


@pytest.fixture
def sitting(tmp_path: Path) -> Iterator[Sitting]:
    made = Sitting(tmp_path / "s.h5")
    yield made
    made.reader.close()
    made.recorder.close()


def test_of_several_labels_of_a_step_the_last_counts(sitting: Sitting) -> None:
    for step, action in ((3, 0), (4, 1), (3, 2)):
        sitting.label(step, action)
    assert sitting.look()
    assert sitting.held() == {1003: 2, 1004: 1}
    assert (len(sitting.lessons), sitting.lessons.labels_read) == (2, 3)
    assert not sitting.look(), "nothing is new"


def test_steps_far_apart_and_out_of_order_keep_their_observations(sitting: Sitting) -> None:
    sitting.label(290, 3)
    assert sitting.look()
    for step in (5, 150, 7):
        sitting.label(step, step % 4)
    assert sitting.look()
    assert sitting.held() == {1005: 1, 1007: 3, 1150: 2, 1290: 3}
    assert not sitting.lessons.was_taken_back


def test_advisers_are_not_learned_from(sitting: Sitting) -> None:
    sitting.label(3, 0)
    sitting.label(3, 1, "scripted")
    sitting.label(4, 1, "scripted")
    sitting.look()
    assert sitting.held() == {1003: 0}
    sitting.label(5, 1, "scripted")
    assert not sitting.look(), "what others say changes nothing"
    assert sitting.lessons.labels_read == 4


def test_where_a_label_was_withdrawn_the_one_before_it_holds_again(sitting: Sitting) -> None:
    sitting.label(3, 0)
    second = sitting.label(3, 2)
    sitting.look()
    withdrawn = sitting.edit(EditKind.WITHDRAW, 3, 4, second)
    assert sitting.look()
    assert sitting.held() == {1003: 0}
    assert sitting.lessons.was_taken_back
    sitting.edit(EditKind.UNDO, value=withdrawn)
    assert sitting.look()
    assert sitting.held() == {1003: 2}
    assert not sitting.lessons.was_taken_back, "it came back: nothing fell away"


def test_with_its_last_label_withdrawn_nothing_is_left(sitting: Sitting) -> None:
    only = sitting.label(3, 0)
    sitting.look()
    sitting.edit(EditKind.WITHDRAW, 3, 4, only)
    assert sitting.look()
    assert sitting.lessons.was_taken_back
    assert len(sitting.lessons) == 0


def test_labels_of_discarded_steps_count_again_when_they_are_restored(sitting: Sitting) -> None:
    for step in (3, 4, 5):
        sitting.label(step, 1)
    sitting.look()
    sitting.edit(EditKind.DISCARD, 4, 6)
    assert sitting.look()
    assert sitting.held() == {1003: 1}
    sitting.edit(EditKind.RESTORE, 5, 6)
    assert sitting.look()
    assert sitting.held() == {1003: 1, 1005: 1}


def test_the_newest_version_is_the_greatest_recorded(sitting: Sitting) -> None:
    assert newest_version(sitting.reader) == 2


def test_without_students_versions_begin_at_nought(tmp_path: Path) -> None:
    with Recorder(tmp_path / "e.h5", Header.for_env(GRIDWORLD.make())) as recorder:
        with recordings.open(tmp_path / "e.h5", tail=True) as reader:
            assert newest_version(reader) == 0
        recorder.begin_episode(0, seed=0)
        recorder.step(0, 0.0, False, False, 1, driver=Driver.HUMAN)
    with recordings.open(tmp_path / "e.h5") as reader:
        assert newest_version(reader) == 0


def test_a_lesson_that_was_done_as_said_shows_where_the_world_ends(tmp_path: Path) -> None:
    """Two episodes end in state 7, by action 1 in 5 and by action 3 in 6; the first was labelled as it was done."""
    with Recorder(tmp_path / "e.h5", Header.for_env(GRIDWORLD.make())) as recorder:
        rows = []
        for before, action in ((5, 1), (6, 3)):
            recorder.begin_episode(before - 1, seed=0)
            recorder.step(0, 0.0, False, False, before, driver=Driver.HUMAN)
            rows.append(recorder.step(action, 1.0, True, False, 7, driver=Driver.HUMAN))
            recorder.end_episode(Outcome.SUCCESS)
        for row, action in ((rows[0] - 1, 2), (rows[0], 1), (rows[1], 0)):
            recorder.label(row, action, labeler="human", kind=LabelKind.PAUSED)
        recorder.flush()
        with recordings.open(tmp_path / "e.h5", tail=True) as reader:
            lessons = Lessons(reader, "human")
            assert lessons.look()
            taught = lessons.demonstrations()
    assert taught.observations.tolist() == [4, 5, 6]
    assert taught.terminated.tolist() == [False, True, False]
    assert taught.lengths.tolist() == [2, 1]
    assert taught.final_observations.tolist() == [7, 6]
