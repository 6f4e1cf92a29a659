"""A sensor that is off: what is recorded as right is not what was done (source 002, "label noise").

A person steers well, the car goes where they steer, and the sensor at the wheel reads something else. So the executed
action stays as it is, and each label is read with an error N(mean, deviation). The labels say so themselves: their
labeler is not "human" but "human+N(0.01,0.01)".
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from math import inf
from typing import Any

import gymnasium as gym
import numpy as np

from learners.interface import Array, Expert
from recordings.errors import UnderstudyError
from recordings.recorder import Recorder
from recordings.schema import Header


class UnusableSensor(UnderstudyError):
    """A sensor that cannot be, or in a world whose actions cannot be misread."""


@dataclass(frozen=True)
class FaultySensor:
    """Reads numbers of an action with an error drawn anew for each."""

    mean: float
    """Of the error, in the action's own units: a bias where it is not 0."""
    deviation: float
    """Of the error."""

    def __post_init__(self) -> None:
        """Raises UnusableSensor."""
        if not (-inf < self.mean < inf and 0 <= self.deviation < inf):
            raise UnusableSensor(
                "label noise: expected a mean and a deviation that is not below 0, both finite, found "
                f"{self.mean} and {self.deviation}."
            )

    def __str__(self) -> str:
        return f"N({self.mean:g},{self.deviation:g})"

    def read(self, action: Any, space: gym.Space[Any], rng: np.random.Generator) -> Array:
        """What is read of an action; within the space, for whoever imitates it. Raises UnusableSensor."""
        if not isinstance(space, gym.spaces.Box):
            raise UnusableSensor(
                f"label noise: expected a world whose actions are a Box, found {space}. Leave it out here."
            )
        error = self.mean + self.deviation * rng.standard_normal(space.shape)
        return np.clip(np.asarray(action) + error, space.low, space.high).astype(space.dtype)


class MisreadingRecorder(Recorder):
    """Records every label as a faulty sensor reads it, under the name of its labeler and the sensor."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        header: Header,
        sensor: FaultySensor,
        *,
        seed: int | None,
        resume: bool = False,
    ) -> None:
        """seed: of the errors. Raises UnusableSensor, before there is a file, and what `Recorder` raises."""
        self._sensor, self._space = sensor, header.action_space
        sensor.read(np.zeros(self._space.shape or ()), self._space, np.random.default_rng(0))
        self._rng = np.random.default_rng(seed)
        super().__init__(path, header, resume=resume)

    def label(self, step: int, action: Any, *, labeler: str, kind: int, time_ns: int = 0) -> int:
        read = self._sensor.read(action, self._space, self._rng)
        return super().label(step, read, labeler=f"{labeler}+{self._sensor}", kind=kind, time_ns=time_ns)


class MisreadExpert:
    """An expert whose answers pass through a faulty sensor."""

    def __init__(
        self, expert: Expert, sensor: FaultySensor, space: gym.Space[Any], rng: np.random.Generator
    ) -> None:
        self._expert, self._sensor, self._space, self._rng = expert, sensor, space, rng

    @property
    def name(self) -> str:
        return f"{self._expert.name}+{self._sensor}"

    def act(self, observation: Any, tick: int) -> Array | None:
        answer = self._expert.act(observation, tick)
        return None if answer is None else self._sensor.read(answer, self._space, self._rng)
