"""Recordings read a block at a time are the recordings that are loaded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recordings.demonstrations import Demonstrations, Filter, load
from recordings.errors import InvalidRow, WorldMismatch
from recordings.stream import stream
from tests.recordings import random_recordings
from tests.recordings.worlds import record_counting

LENGTHS = (3, 8, 1, 5, 2, 2, 7, 4, 1, 6, 9, 2)
COLUMNS = ("observations", "actions", "labelled", "rewards", "terminated", "truncated")
FILTERS = (
    Filter(),
    Filter(actions="labelled"),
    Filter(actions="labelled", labels="only"),
    Filter(drivers=("human", "scripted"), outcomes=("success", "unknown")),
    Filter(include_discarded=True, include_marked=True, include_replayed=True, episodes=range(1, 5)),
)


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    """Two recordings of twelve episodes, 100 steps in all."""
    record_counting(tmp_path / "a.h5", LENGTHS[:7])
    record_counting(tmp_path / "b.h5", LENGTHS[7:])
    return [tmp_path / "a.h5", tmp_path / "b.h5"]


def rewards(blocks: list[Demonstrations]) -> list[int]:
    return [int(reward) for block in blocks for reward in block.rewards]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    world=st.sampled_from(random_recordings.WORLDS),
    seed=st.integers(0, 2**31),
    block=st.integers(1, 9),
    wanted=st.sampled_from(FILTERS),
)
def test_the_blocks_together_are_what_is_loaded(
    tmp_path_factory: pytest.TempPathFactory, world: str, seed: int, block: int, wanted: Filter
) -> None:
    path = tmp_path_factory.mktemp("stream") / "random.h5"
    random_recordings.make(path, world, seed)
    whole = load(path, wanted)
    with stream([path], wanted, block) as steps:
        blocks = list(steps.blocks())
        assert (steps.observation_space, steps.action_space) == (whole.observation_space, whole.action_space)
    for name in COLUMNS:
        parts = [getattr(each, name) for each in blocks]
        expected = getattr(whole, name)
        found = np.concatenate([*parts, expected[:0]])
        np.testing.assert_array_equal(found, expected)
        assert found.dtype == expected.dtype
    ends = {each.tobytes() for block in blocks for each in block.final_observations}
    assert {each.tobytes() for each in whole.final_observations} <= ends


def test_in_random_order_every_step_comes_once(paths: list[Path]) -> None:
    with stream(paths, block=4) as steps:
        first, second = (rewards(list(steps.blocks(np.random.default_rng(seed)))) for seed in (0, 1))
        in_order = rewards(list(steps.blocks()))
    assert first != second
    assert sorted(first) == sorted(second) == sorted(in_order) == sorted([*range(1, 29), *range(1, 23)])


def test_what_is_held_out_are_whole_episodes(tmp_path: Path) -> None:
    record_counting(tmp_path / "all.h5", LENGTHS)
    with stream([tmp_path / "all.h5"], block=4) as steps:
        most, few = steps.split(0.25, np.random.default_rng(0))
        taught, judged = set(rewards(list(most.blocks()))), set(rewards(list(few.blocks())))
        again = few.split(0.5, np.random.default_rng(1))[0]
        assert set(rewards(list(again.blocks()))) < judged
    episodes = np.split(np.arange(1, 51), np.cumsum(LENGTHS))[:-1]
    assert sum(set(each.tolist()) <= judged for each in episodes) == 3
    assert sum(set(each.tolist()) <= taught for each in episodes) == 9
    assert not taught & judged


def test_of_few_episodes_none_is_held_out(paths: list[Path]) -> None:
    with stream(paths[:1]) as steps:
        most, few = steps.split(0.5, np.random.default_rng(0))
        assert (len(list(most.blocks())), list(few.blocks())) == (1, [])


def test_what_is_added_belongs_to_it_and_totals_are_not_reckoned_twice(paths: list[Path]) -> None:
    asked = []

    def returned(block: Demonstrations) -> np.ndarray:
        asked.append(len(block))
        return np.array([block.rewards.sum()])

    more = load(paths[1])
    with stream(paths[:1], block=10) as steps:
        assert steps.total("return", returned) == 28 * 29 / 2
        seen = len(asked)
        longer = steps.extended(more).extended(more)
        assert longer.total("return", returned) == 28 * 29 / 2 + 22 * 23
        assert asked[seen:] == [22, 22]
        assert steps.total("return", returned) == 28 * 29 / 2
        assert len(longer) == 28 + 44
        assert len(rewards(list(longer.blocks(np.random.default_rng(0))))) == 72
        assert len(rewards(list(longer.split(0.1, np.random.default_rng(0))[0].blocks()))) == 72


def test_no_file_and_another_world_are_refused(paths: list[Path], tmp_path: Path) -> None:
    with pytest.raises(InvalidRow, match="at least one recording"):
        stream([])
    random_recordings.make(tmp_path / "grid.h5", "understudy/GridWorld-v0", 0)
    with pytest.raises(WorldMismatch, match="of one world"):
        stream([paths[0], tmp_path / "grid.h5"])
