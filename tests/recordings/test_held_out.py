"""Which episodes are kept from a learner: as many as asked for, by lot, and never all."""

from __future__ import annotations

import numpy as np
import pytest

from recordings.held_out import FEWEST, held_out, n_held_out


@pytest.mark.parametrize(
    ("share", "episodes", "apart"),
    [(0.1, 20, 2), (0.1, FEWEST, 1), (0.9, FEWEST - 1, 0), (0.0, 20, 0), (0.999, 20, 19)],
)
def test_so_many_are_held_out(share: float, episodes: int, apart: int) -> None:
    assert n_held_out(share, episodes) == apart
    assert held_out(share, episodes, np.random.default_rng(0)).sum() == apart


def test_the_lot_falls_otherwise_with_another_seed() -> None:
    masks = [held_out(0.5, 40, np.random.default_rng(seed)) for seed in (0, 0, 1)]
    assert (masks[0] == masks[1]).all()
    assert (masks[0] != masks[2]).any()
