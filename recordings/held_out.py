"""Which episodes are kept from a learner, to judge what it learned by them."""

from __future__ import annotations

import numpy as np

from recordings.demonstrations import BoolArray

FEWEST = 10
"""Fewer episodes than this, and none is spared."""


def n_held_out(share: float, episodes: int) -> int:
    """As near to this share of the episodes as goes, and never all of them."""
    return 0 if episodes < FEWEST else min(round(share * episodes), episodes - 1)


def held_out(share: float, episodes: int, rng: np.random.Generator) -> BoolArray:
    """(E,) so many of them, by lot."""
    apart = np.zeros(episodes, bool)
    if episodes >= FEWEST:
        apart[rng.permutation(episodes)[: n_held_out(share, episodes)]] = True
    return apart
