"""LoopTrack, many at a time, by the same arithmetic.

An agent whose episode has ended begins anew at the next step, in gymnasium's way NextStep: that step ignores its
action, pays 0 and returns the new episode's first observation.
"""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space

from learners.interface import Array, FloatArray
from teleop.worlds.errors import WorldError
from teleop.worlds.looptrack import (
    action_space,
    checked_seen,
    checked_spread,
    checked_steps,
    checked_turns,
    drawn_starts,
    is_off_road,
    observation_space,
)
from teleop.worlds.looptrack_picture import Image, draw
from teleop.worlds.looptrack_road import Road, Seen

Flags = npt.NDArray[np.bool_]
StepResult = tuple[Array, FloatArray, Flags, Flags, dict[str, Any]]


class LoopTrackVector(gymnasium.vector.VectorEnv[Array, Array, npt.NDArray[Any]]):
    """N independent cars. Every array returned is the caller's to keep."""

    def __init__(
        self,
        num_envs: int = 1,
        observation: Seen = "ego",
        radius: float = 10.0,
        half_width: float = 1.0,
        speed: float = 0.2,
        laps: float = 1.0,
        start_spread: float = 0.0,
        max_episode_steps: int | None = None,
        render_mode: str | None = None,
        pixels: int = 480,
    ) -> None:
        """The settings are those of `LoopTrack`. max_episode_steps: truncate earlier than after all laps."""
        self.num_envs = num_envs
        self.road = Road(radius, half_width, speed)
        self.observation = checked_seen(observation)
        steps = checked_steps(self.road, laps)
        self.max_steps = steps if max_episode_steps is None else min(steps, max_episode_steps)
        self.start_spread = checked_spread(start_spread)
        self.render_mode, self.pixels = render_mode, pixels
        self.metadata = {
            "render_modes": ["rgb_array"],
            "render_fps": 15,
            "autoreset_mode": AutoresetMode.NEXT_STEP,
        }
        self.single_observation_space = observation_space(self.road, observation)
        self.single_action_space = action_space()
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._poses: FloatArray = self.road.at(np.zeros(num_envs))
        self._steps = np.zeros(num_envs, np.int64)
        self._ended = np.zeros(num_envs, bool)

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Array, dict[str, Any]]:
        """Start all cars anew. One generator serves all N, so `seed` is one number; WorldError on others."""
        if seed is not None and not isinstance(seed, (int, np.integer)):
            raise WorldError(
                f"LoopTrack: reset seed: expected one whole number for all {self.num_envs}, found {seed!r}."
            )
        super().reset(seed=seed)
        self._poses = drawn_starts(self.road, self.start_spread, self.np_random, self.num_envs)
        self._steps[:] = 0
        self._ended[:] = False
        return self.road.observed(self._poses, self.observation), {}

    def step(self, actions: Array) -> StepResult:
        """actions (N, 1) -> observations (N, 2), rewards (N,), terminated (N,), truncated (N,), infos.

        Raises WorldError on what is no turn.
        """
        anew = self._ended
        self._poses = self.road.moved(self._poses, checked_turns(actions, (self.num_envs, 1))[:, 0])
        self._steps += 1
        if anew.any():
            self._poses[anew] = drawn_starts(self.road, self.start_spread, self.np_random, int(anew.sum()))
            self._steps[anew] = 0
        terminated = is_off_road(self.road, self._poses)
        truncated = ~terminated & (self._steps >= self.max_steps)
        rewards = np.where(terminated | anew, 0.0, 1.0)
        self._ended = terminated | truncated
        return self.road.observed(self._poses, self.observation), rewards, terminated, truncated, {}

    def render(self) -> tuple[Image, ...] | None:
        """One (H, W, 3) image a car if the render mode is "rgb_array", else nothing."""
        if self.render_mode != "rgb_array":
            return None
        return tuple(draw(self.road, pose, self.pixels) for pose in self._poses)
