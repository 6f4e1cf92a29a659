"""A rewound branch repeats its parent's first steps; learners get each moment once, with what was said of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import recordings
from recordings import Driver, LabelKind, Outcome, Recorder
from recordings.branches import Branches
from recordings.curation import lessons
from recordings.curator import Curator
from recordings.demonstrations import Filter, load
from tests.recordings.worlds import cartpole_header

H, S, R = Driver.HUMAN, Driver.STUDENT, Driver.REPLAYED

FAMILY = (
    (-1, -1, (S, S, H, H), Outcome.FAILURE),  # episode 0: steps 0 to 3
    (0, 3, (R, R, R, H), Outcome.SUCCESS),  # episode 1: steps 4 to 6 repeat 0 to 2, then 7
    (1, 4, (R, R, R, R, S), Outcome.SUCCESS),  # episode 2: steps 8 to 11 repeat 0 to 2 and 7, then 12
    (0, 1, (R, S), Outcome.UNKNOWN),  # episode 3: step 13 repeats 0, then 14
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Every observation and reward is the number of its step; every action 0."""
    with Recorder(tmp_path / "demo.h5", cartpole_header()) as recorder:
        for parent, branch_step, drivers, outcome in FAMILY:
            recorder.begin_episode(np.zeros(4, np.float32), seed=0, parent=parent, branch_step=branch_step)
            for driver in drivers:
                step = recorder.steps
                recorder.step(0, float(step), False, False, np.full(4, step + 1, np.float32), driver=driver)
            recorder.end_episode(outcome)
    return tmp_path / "demo.h5"


def steps(path: Path, wanted: Filter | None = None) -> list[int]:
    return load(path, wanted).rewards.astype(int).tolist()


def label(path: Path, *said: tuple[int, int]) -> None:
    with Recorder(path, cartpole_header(), resume=True) as recorder:
        for step, action in said:
            recorder.label(step, action, labeler="human", kind=LabelKind.RETROSPECTIVE)


def labels(path: Path, **criteria: object) -> dict[int, int]:
    found = load(path, Filter(actions="labelled", **criteria))  # type: ignore[arg-type]
    assert found.actions is not None
    rows = found.rewards.astype(int)[found.labelled]
    return dict(zip(rows.tolist(), found.actions[found.labelled].tolist(), strict=True))


def test_each_moment_is_taken_once(path: Path) -> None:
    assert steps(path) == [0, 1, 2, 3, 7, 12, 14]
    found = load(path)
    assert found.labelled.all()
    assert found.lengths.tolist() == [4, 1, 1, 1]
    assert found.final_observations[:, 0].tolist() == [4, 8, 13, 15]


def test_whole_trajectories_are_taken_when_asked_for(path: Path) -> None:
    assert steps(path, Filter(include_replayed=True)) == list(range(15))
    assert load(path, Filter(include_replayed=True)).labelled.all()
    assert steps(path, Filter(drivers=("replayed",), include_replayed=True)) == [4, 5, 6, 8, 9, 10, 11, 13]
    assert steps(path, Filter(drivers=("human",), include_replayed=True)) == [2, 3, 6, 7, 10, 11]


def test_a_branch_stays_whole_when_its_parent_is_discarded_or_not_chosen(path: Path) -> None:
    assert steps(path, Filter(episodes=(1,))) == [4, 5, 6, 7]
    assert steps(path, Filter(outcomes=("success",))) == [4, 5, 6, 7, 12]
    assert steps(path, Filter(episodes=(2, 3))) == [8, 9, 10, 11, 12, 14]
    with Curator(path) as curator:
        curator.discard(0)
    assert steps(path) == [4, 5, 6, 7, 12, 14]
    with Curator(path) as curator:
        curator.discard(1)
    assert steps(path) == [8, 9, 10, 11, 12, 14]
    with Curator(path) as curator:
        curator.undo()
        curator.undo()
        curator.discard(0, 1, 3)
    assert steps(path) == [0, 3, 5, 6, 7, 12, 14]


def test_a_replayed_step_counts_as_driven_by_whoever_drove_it_first(path: Path) -> None:
    assert steps(path, Filter(drivers=("human",))) == [2, 3, 7]
    assert steps(path, Filter(drivers=("human",), episodes=(1,))) == [6, 7]
    assert steps(path, Filter(drivers=("human",), episodes=(2,))) == [10, 11]
    assert steps(path, Filter(drivers=("student",), episodes=(2,))) == [8, 9, 12]


def test_a_label_of_a_replayed_step_is_one_of_the_step_it_repeats(path: Path) -> None:
    label(path, (1, 0), (5, 1), (11, 1), (13, 1))
    assert labels(path) == {1: 1, 7: 1, 0: 1}
    assert labels(path, include_replayed=True) == {1: 0, 5: 1, 11: 1, 13: 1}
    with recordings.open(path) as reader:
        assert lessons(reader).steps.tolist() == [1, 1, 7, 0]
    label(path, (1, 0))
    assert labels(path) == {1: 0, 7: 1, 0: 1}
    assert labels(path, episodes=(0,)) == {1: 0}, "episodes that are not chosen say nothing"


def test_labels_go_with_the_steps_that_are_discarded(path: Path) -> None:
    label(path, (1, 0), (5, 1), (7, 1))
    with Curator(path) as curator:
        curator.discard(1)
    assert labels(path) == {1: 0}
    with recordings.open(path) as reader:
        assert lessons(reader).steps.tolist() == [1]
    with Curator(path) as curator:
        curator.undo()
        curator.discard(0)
    assert labels(path) == {5: 1, 7: 1}


def test_a_branch_cut_short_or_without_end_of_its_prefix(tmp_path: Path) -> None:
    with Recorder(tmp_path / "cut.h5", cartpole_header()) as recorder:
        for parent, branch_step, n in ((-1, -1, 3), (0, 3, 2), (0, 9, 4)):
            recorder.begin_episode(np.zeros(4, np.float32), seed=0, parent=parent, branch_step=branch_step)
            for _ in range(n):
                recorder.step(0, float(recorder.steps), False, False, np.zeros(4, np.float32), driver=H)
            recorder.end_episode()
    assert steps(tmp_path / "cut.h5") == [0, 1, 2, 8]


def test_a_recording_without_branches_has_nothing_to_carry(tmp_path: Path) -> None:
    with Recorder(tmp_path / "plain.h5", cartpole_header()) as recorder:
        recorder.begin_episode(np.zeros(4, np.float32), seed=0)
        recorder.step(0, 0.0, False, False, np.zeros(4, np.float32), driver=H)
        recorder.end_episode()
    with recordings.open(tmp_path / "plain.h5") as reader:
        branches = Branches(reader, lambda episode: np.ones(episode.length, bool))
        assert branches.carriers(np.array([0])).tolist() == [0]
        assert branches.repeated(reader.episodes[0]).tolist() == [False]
        assert len(branches.drivers(reader.episodes[0])) == 0
