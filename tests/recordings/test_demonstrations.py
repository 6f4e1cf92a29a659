"""What learners get from recordings, on files small enough to check by hand."""

from __future__ import annotations

from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import recordings
from recordings import Driver, EditKind, Header, LabelKind, Outcome, Recorder
from recordings.demonstrations import Demonstrations, Filter, load
from recordings.errors import InvalidRow, WorldMismatch
from tests.recordings.worlds import cartpole_header, record_counting

H, S, R = Driver.HUMAN, Driver.STUDENT, Driver.REPLAYED


def seen(count: int) -> np.ndarray:
    return np.full(4, count, np.float32)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Episode 0: steps 0 to 4 (h h s s h), success; episode 1: steps 5 to 7 (r r h), failure. Actions alternate."""
    with Recorder(tmp_path / "demo.h5", cartpole_header()) as recorder:
        for drivers, outcome in (((H, H, S, S, H), Outcome.SUCCESS), ((R, R, H), Outcome.FAILURE)):
            recorder.begin_episode(seen(recorder.steps), seed=0)
            for driver in drivers:
                step = recorder.steps
                recorder.step(step % 2, float(step), False, False, seen(step + 1), driver=driver)
            recorder.end_episode(outcome)
        recorder.label(2, 1, labeler="human", kind=LabelKind.LIVE)
        recorder.label(3, 0, labeler="human", kind=LabelKind.LIVE)
        recorder.label(3, 1, labeler="scripted", kind=LabelKind.LIVE)
        recorder.label(2, 0, labeler="human", kind=LabelKind.RETROSPECTIVE)
    return tmp_path / "demo.h5"


def rows(demonstrations: Demonstrations) -> list[int]:
    return demonstrations.rewards.astype(int).tolist()


def test_everything_by_default(path: Path) -> None:
    found = load(path)
    assert rows(found) == list(range(8))
    assert (found.starts.tolist(), found.lengths.tolist()) == ([0, 5], [5, 3])
    assert found.final_observations[:, 0].tolist() == [5, 8]
    assert found.actions is not None
    assert found.actions.dtype == np.int64
    assert found.observation_space == gym.make("CartPole-v1").observation_space
    assert found.env_spec is not None
    assert found.env_spec.id == "CartPole-v1"


def test_a_replayed_prefix_is_not_imitated_twice(path: Path) -> None:
    assert load(path).labelled.tolist() == [True] * 5 + [False, False, True]
    assert load(path, Filter(drivers=(Driver.REPLAYED,))).labelled.tolist() == [True, True]


def test_drivers_split_episodes_into_stretches(path: Path) -> None:
    found = load(path, Filter(drivers=("human",)))
    assert rows(found) == [0, 1, 4, 7]
    assert found.lengths.tolist() == [2, 1, 1]
    assert found.final_observations[:, 0].tolist() == [2, 5, 8]


def test_outcomes_and_episodes(path: Path) -> None:
    assert rows(load(path, Filter(outcomes=("failure",)))) == [5, 6, 7]
    assert rows(load(path, Filter(episodes=range(1)))) == [0, 1, 2, 3, 4]
    assert rows(load(path, Filter(outcomes=("success",), episodes=(1,)))) == []


def test_the_last_label_holds_and_silence_is_no_action(path: Path) -> None:
    found = load(path, Filter(actions="labelled"))
    assert np.flatnonzero(found.labelled).tolist() == [2, 3]
    assert found.pairs()[1].tolist() == [0, 1]
    assert found.pairs()[0][:, 0].tolist() == [2, 3]


def test_labelers_are_chosen(path: Path) -> None:
    assert load(path, Filter(actions="labelled", labelers=("human",))).pairs()[1].tolist() == [0, 0]
    assert load(path, Filter(actions="labelled", labelers=("nobody",))).pairs()[1].tolist() == []


def test_labelled_steps_only(path: Path) -> None:
    assert rows(load(path, Filter(labels="only"))) == [2, 3]


def test_state_only(path: Path) -> None:
    found = load(path, Filter(state_only=True))
    assert found.actions is None
    assert not found.labelled.any()
    with pytest.raises(InvalidRow, match="actions"):
        found.pairs()


def test_discarded_steps_are_left_out_until_restored(path: Path) -> None:
    with Recorder(path, cartpole_header(), resume=True) as recorder:
        recorder.edit(EditKind.DISCARD, episode=0, start=1, stop=3)
        recorder.edit(EditKind.DISCARD, episode=1, start=0, stop=-1)
    assert rows(load(path)) == [0, 3, 4]
    assert load(path).final_observations[:, 0].tolist() == [1, 5]
    assert rows(load(path, Filter(include_discarded=True))) == list(range(8))
    with Recorder(path, cartpole_header(), resume=True) as recorder:
        recorder.edit(EditKind.RESTORE, episode=0, start=2, stop=3)
    assert rows(load(path)) == [0, 2, 3, 4]


def test_marked_steps_are_not_imitated(path: Path) -> None:
    with Recorder(path, cartpole_header(), resume=True) as recorder:
        recorder.edit(EditKind.MARK, episode=0, start=2, stop=4)
    assert load(path, Filter(episodes=(0,))).labelled.tolist() == [True, True, False, False, True]
    assert load(path, Filter(episodes=(0,), include_marked=True)).labelled.all()
    assert load(path, Filter(actions="labelled")).pairs()[1].tolist() == [0, 1]


def test_several_files_of_one_world(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.h5"
    record_counting(other, (2,))
    found = load([path, other])
    assert rows(found) == [*range(8), 1, 2]
    assert found.starts.tolist() == [0, 5, 8]
    Recorder(tmp_path / "car.h5", Header.for_env(gym.make("MountainCar-v0"))).close()
    with pytest.raises(WorldMismatch, match="one world"):
        load([path, tmp_path / "car.h5"])


def test_unknown_words_are_refused() -> None:
    with pytest.raises(InvalidRow, match="drivers: expected some of human, student"):
        Filter(drivers=("robot",))


def test_from_pairs() -> None:
    env = gym.make("CartPole-v1")
    pairs = Demonstrations.from_pairs(
        np.zeros((3, 4)), np.arange(3), observation_space=env.observation_space, action_space=env.action_space
    )
    assert pairs.pairs()[1].tolist() == [0, 1, 2]
    with pytest.raises(InvalidRow, match="actions: expected 3 rows"):
        Demonstrations.from_pairs(
            np.zeros((3, 4)),
            np.arange(2),
            observation_space=env.observation_space,
            action_space=env.action_space,
        )


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lengths=st.lists(st.integers(0, 40), max_size=6), data=st.data())
def test_what_is_recorded_is_what_is_loaded(
    tmp_path_factory: pytest.TempPathFactory, lengths: list[int], data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("round") / "demo.h5"
    cut = data.draw(st.integers(0, len(lengths)))
    record_counting(path, tuple(lengths[:cut]))
    record_counting(path, tuple(lengths[cut:]), resume=True)
    found = load(path)
    n = sum(lengths)
    assert rows(found) == list(range(1, n + 1))
    assert found.lengths.tolist() == [length for length in lengths if length]
    with recordings.open(path) as reader:
        assert [episode.length for episode in reader.episodes] == lengths
        for episode in reader.episodes:
            expected = np.arange(episode.start, episode.stop + 1)
            np.testing.assert_array_equal(episode.observations[:, 0], expected)
