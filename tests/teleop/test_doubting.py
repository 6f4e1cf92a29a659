"""An ensemble beside the session says what one at once would, and its death costs an answer and no more."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import numpy as np
import pytest

from teleop.studio.doubting import Beside, ensemble_doubts
from teleop.worlds.catalogue import GRIDWORLD

LESSONS = [(0, 1), (50, 1), (100, 3), (0, 3)]
STATES = [0, 50, 100, 101]
PATIENCE_S = 60


@pytest.fixture
def beside() -> Iterator[Beside]:
    beside = Beside(GRIDWORLD)
    yield beside
    beside.close()


def test_a_process_beside_finds_the_same_doubts_and_is_replaced_when_it_dies(beside: Beside) -> None:
    expected = ensemble_doubts(GRIDWORLD, STATES, LESSONS)
    assert expected.shape == (4,)
    assert expected.max() > 0
    assert np.array_equal(beside.doubts(STATES, LESSONS).result(PATIENCE_S), expected)

    assert beside._process is not None
    first = beside._process.pid
    assert first is not None
    assert np.array_equal(beside.doubts(STATES[:2], LESSONS).result(PATIENCE_S), expected[:2])
    assert beside._process.pid == first, "one process answers all"

    os.kill(first, signal.SIGKILL)
    beside._process.join()
    assert beside.doubts(STATES, LESSONS).result(PATIENCE_S).tolist() == [0, 0, 0, 0]
    assert np.array_equal(beside.doubts(STATES, LESSONS).result(PATIENCE_S), expected)


def test_nobody_goes_on_after_the_end(beside: Beside) -> None:
    beside.doubts(STATES, LESSONS).result(PATIENCE_S)
    process = beside._process
    assert process is not None
    beside.close()
    process.join(PATIENCE_S)
    assert not process.is_alive()
    beside.close()
