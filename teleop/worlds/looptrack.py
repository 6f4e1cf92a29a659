"""LoopTrack, one at a time: drive round a closed track at constant speed; only the steering is yours.

Source 002 ("driving a loop"). Action: the turn in this step, rad, at most 0.15 either way, so that nobody can turn
round on the road; it is driven as an arc. Reward: 1 for every step that ends on the road. Leaving the road ends the
episode (terminated), a lap's worth of steps does too (truncated): 314 at radius 10 and speed 0.2.

Observation, as the setting `observation` says:

ego        (offset from the centre line, outside positive; heading error, rad). The default: on a circle all that the
           right turn depends on.
position   (x, y), as in the source. Where the car points is hidden, so that the right turn is not a function of it: at
           one place it is to the left for a car that points outwards, and to the right for one that points inwards.
"""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.wrappers import HumanRendering

from learners.interface import Array, FloatArray
from teleop.worlds.errors import WorldError
from teleop.worlds.looptrack_picture import Image, draw
from teleop.worlds.looptrack_road import LOCK, START_HEADING, WAYS_TO_SEE, Road, Seen


class LoopTrack(gymnasium.Env[Any, Any]):
    """The scalar environment."""

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"], "render_fps": 15}  # noqa: RUF012 - gymnasium's own form

    def __init__(
        self,
        observation: Seen = "ego",
        radius: float = 10.0,
        half_width: float = 1.0,
        speed: float = 0.2,
        laps: float = 1.0,
        start_spread: float = 0.0,
        render_mode: str | None = None,
        pixels: int = 480,
    ) -> None:
        """laps: after so many along the centre line the episode is truncated. speed: length of the way in a step.

        start_spread: how far starts lie apart, as a share of the road: 0, each on the centre line along it; 1, up to
        either edge, and up to 0.1 rad askew. Always at the start line, drawn by the seed. pixels: of the image's side.
        Raises WorldError on a setting that cannot be.
        """
        self.road = Road(radius, half_width, speed)
        self.observation = checked_seen(observation)
        self.max_steps = checked_steps(self.road, laps)
        self.start_spread = checked_spread(start_spread)
        self.render_mode, self.pixels = render_mode, pixels
        self.observation_space = observation_space(self.road, observation)
        self.action_space = action_space()
        self._pose: FloatArray = self.road.at(0.0)
        self._steps = 0

    @property
    def pose(self) -> FloatArray:
        """(x, y, heading), a copy."""
        return self._pose.copy()

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Array, dict[str, Any]]:
        """To the start line."""
        super().reset(seed=seed)
        self._pose = drawn_starts(self.road, self.start_spread, self.np_random, 1)[0]
        self._steps = 0
        return self.road.observed(self._pose, self.observation), {}

    def step(self, action: Any) -> tuple[Array, float, bool, bool, dict[str, Any]]:
        """One step; a turn beyond the lock is driven at the lock. Raises WorldError on what is no turn."""
        self._pose = self.road.moved(self._pose, checked_turns(action, (1,))[0])
        self._steps += 1
        is_off = bool(is_off_road(self.road, self._pose))
        is_over = not is_off and self._steps >= self.max_steps
        seen = self.road.observed(self._pose, self.observation)
        return seen, 0.0 if is_off else 1.0, is_off, is_over, {}

    def render(self) -> Image | None:
        """The track from above as an (H, W, 3) image if the render mode is "rgb_array", else nothing."""
        if self.render_mode is None:
            gymnasium.logger.warn('LoopTrack.render() needs a mode: gym.make(..., render_mode="rgb_array").')
            return None
        return draw(self.road, self._pose, self.pixels)


def make_looptrack(render_mode: str | None = None, **kwargs: Any) -> gymnasium.Env[Any, Any]:
    """The registered entry point: LoopTrack, shown in gymnasium's own window if `render_mode` is "human"."""
    if render_mode == "human":
        return HumanRendering(LoopTrack(render_mode="rgb_array", **kwargs))
    return LoopTrack(render_mode=render_mode, **kwargs)


# -- shared with LoopTrackVector ------------------------------------------------------------------------------


def observation_space(road: Road, seen: Seen) -> spaces.Box:
    """What is seen on the road, with room for the step that leaves it."""
    reach = road.half_width + road.speed
    high = [reach, np.pi] if seen == "ego" else [road.radius + reach] * 2
    limits = np.array(high, np.float32)
    return spaces.Box(-limits, limits, dtype=np.float32)


def action_space() -> spaces.Box:
    return spaces.Box(-LOCK, LOCK, (1,), np.float32)


def drawn_starts(road: Road, spread: float, rng: np.random.Generator, count: int) -> FloatArray:
    """Poses (count, 3) at the start line."""
    if not spread:
        return road.at(np.zeros(count))
    shares = rng.uniform(-spread, spread, (count, 2))
    return road.at(np.zeros(count), shares[:, 0] * road.half_width, shares[:, 1] * START_HEADING)


def is_off_road(road: Road, poses: FloatArray) -> Any:
    """(...,) of poses (..., 3)."""
    return np.abs(np.hypot(poses[..., 0], poses[..., 1]) - road.radius) > road.half_width


def checked_turns(actions: Any, shape: tuple[int, ...]) -> FloatArray:
    """Actions of this shape as turns within the lock. Raises WorldError."""
    try:
        turns = np.asarray(actions, np.float64)
    except (TypeError, ValueError):
        turns = np.empty(0)
    if turns.shape != shape or not np.isfinite(turns).all():
        raise WorldError(
            f"LoopTrack: action: expected turns in rad of shape {shape}, all finite, found {str(actions)[:100]}."
        )
    return np.clip(turns, -LOCK, LOCK)


def checked_seen(observation: Any) -> Seen:
    for seen in WAYS_TO_SEE:
        if observation == seen:
            return seen
    choices = " or ".join(map(repr, WAYS_TO_SEE))
    raise WorldError(f"LoopTrack: observation: expected {choices}, found {observation!r}.")


def checked_steps(road: Road, laps: float) -> int:
    """Steps of an episode: whole ones along the centre line."""
    steps = int(laps * 2 * np.pi * road.radius / road.speed) if 0 < laps < 1e6 else 0
    if steps < 1:
        raise WorldError(f"LoopTrack: laps: expected a number above 0, of at least one step, found {laps}.")
    return steps


def checked_spread(share: float) -> float:
    if not 0 <= share <= 1:
        raise WorldError(f"LoopTrack: start_spread: expected a share from 0 to 1, found {share}.")
    return share
