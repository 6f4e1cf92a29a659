"""One learner fitted once, as `train` does it, for the cells of an experiment."""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np

from learners import LEARNERS
from learners.interface import Snapshot
from recordings.demonstrations import Demonstrations
from teleop.experts import scripted_expert
from teleop.worlds.catalogue import World


def fitted(
    learner: str, data: Demonstrations | None, world: World, seed: int, expert: Any = None, **settings: Any
) -> Snapshot:
    """The last snapshot, which is the one that `train` would keep of an imitator.

    expert: who labels for dagger; None: the scripted one. settings: of the learner's Config.
    """
    module = LEARNERS[learner]
    extras = {"expert": expert or scripted_expert(world)} if learner == "dagger" else {}
    snapshots = module.train(
        module.Config(**settings), data, world.spec(), np.random.default_rng(seed), **extras
    )
    last: Snapshot = deque(snapshots, maxlen=1)[0]
    return last
