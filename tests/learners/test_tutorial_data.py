"""The tutorial's demonstrations, as they come with the program."""

from __future__ import annotations

import numpy as np
import pytest

import recordings
import teleop.worlds  # noqa: F401 - makes GridWorld known to gymnasium
from learners.data import tutorial_demonstrations_path
from recordings.demonstrations import Filter, load
from recordings.replay import verify
from recordings.schema import Driver, Outcome
from teleop.worlds.gridworld_map import draw_map


def test_it_is_small_and_holds_the_episodes_that_were_published() -> None:
    path = tutorial_demonstrations_path()
    assert path.stat().st_size <= 1_000_000
    with recordings.open(path) as reader:
        assert reader.recovered is None
        assert (reader.n_episodes, reader.n_steps) == (10_000, 785_876)
        assert len(reader.labels().steps) == 0
        assert set(np.unique(reader.column("driver"))) == {Driver.POLICY}


def test_returns_and_endings() -> None:
    data = load(tutorial_demonstrations_path())
    returns = np.add.reduceat(data.rewards, data.starts)
    assert returns.sum() == 88_677
    arrived = data.final_observations == draw_map().goal
    last = data.starts + data.lengths - 1
    assert np.array_equal(data.terminated[last], arrived)
    assert np.array_equal(data.truncated[last], ~arrived)
    assert data.terminated.sum() + data.truncated.sum() == 10_000
    assert set(data.lengths[~arrived]) == {200}
    assert 0.88 < arrived.mean() < 0.92


@pytest.mark.parametrize("episodes", [range(20), range(9_980, 10_000)])
def test_it_replays(episodes: range) -> None:
    found = verify(tutorial_demonstrations_path(), episodes=episodes)
    assert found.verified
    assert found.episodes == 20


def test_outcomes_can_be_chosen() -> None:
    with recordings.open(tutorial_demonstrations_path()) as reader:
        failed = next(each.index for each in reader.episodes if each.outcome is Outcome.FAILURE)
    data = load(tutorial_demonstrations_path(), Filter(outcomes=("success",), episodes=range(failed + 1)))
    assert len(data.lengths) == failed
