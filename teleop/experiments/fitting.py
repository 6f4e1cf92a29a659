"""One learner fitted once, as `train` does it, for the cells of an experiment."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

import numpy as np

from learners import LEARNERS
from learners.interface import Snapshot
from recordings.demonstrations import Demonstrations
from teleop.experiments.demonstrations import expert_of
from teleop.worlds.catalogue import World


def fitted(learner: str, data: Demonstrations | None, world: World, seed: int, **settings: Any) -> Snapshot:
    """The last snapshot, which is the one that `train` would keep of an imitator. settings: of the learner's Config."""
    last: Snapshot = deque(fits(learner, data, world, seed, **settings), maxlen=1)[0]
    return last


def fits(
    learner: str, data: Demonstrations | None, world: World, seed: int, **settings: Any
) -> Iterator[Snapshot]:
    """Every snapshot. For dagger the world's expert labels."""
    module = LEARNERS[learner]
    extras = {"expert": expert_of(world)} if learner == "dagger" else {}
    found: Iterator[Snapshot] = module.train(
        module.Config(**settings), data, world.spec(), np.random.default_rng(seed), **extras
    )
    return found
