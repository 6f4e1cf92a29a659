"""How a world's student is taught: the learner's settings, what the world tells about itself, and where to begin."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from learners.interface import Policy, Snapshot
from learners.pictures import is_picture
from learners.policies import NetworkPolicy
from recordings.demonstrations import Demonstrations
from teleop.worlds.catalogue import World

if TYPE_CHECKING:
    from learners.bc import Config


OF_PICTURES: Mapping[str, Any] = MappingProxyType(
    {"learning_rate": 1e-3, "batch_size": 64, "updates": 400, "check_every": 20}
)
"""Settings by which a student of pictures shows a first result within a second or two."""


@dataclass(frozen=True)
class Course:
    """Everything about teaching but the lessons. Sent to where the teaching is done, which alone needs torch."""

    world: World
    start: Policy | None = None
    """The student to go on from; None: one that knows nothing."""

    def config(self) -> Config:
        """Settings that show a first result within a tenth of a second; the network is as large as that of `start`."""
        from learners.bc import Config

        config = Config(hidden=(32, 32), learning_rate=5e-3, updates=1000, check_every=50, patience=6)
        if isinstance(self.start, NetworkPolicy) and not self.start.architecture.is_table:
            like = self.start.architecture
            config = replace(
                config,
                hidden=like.hidden,
                activation=like.activation,
                memory=like.memory,
                filters=like.filters,
            )
        return config

    def train(
        self, demonstrations: Demonstrations, rng: np.random.Generator, student: Policy | None = None
    ) -> Iterator[Snapshot]:
        """Fit to every lesson, going on from `student`, or from where the course begins."""
        from learners import bc

        world, begin = self.world, self.start if student is None else student
        config = self.config()
        if is_picture(demonstrations.observation_space):
            config = replace(config, **OF_PICTURES)
        return bc.train(config, demonstrations, world.spec(), rng, start=begin, symmetry=world.mirror)
