"""LoopTrack's road and car, as numbers: a circular road, and a car that drives along arcs at constant speed.

A pose is (x, y, heading), any number of them an array (..., 3). The road's middle is the origin, the start line lies
at (radius, 0), and the way goes counter-clockwise: to the left. Lengths are in the road's own unit, angles in radians,
counter-clockwise positive; times are counted in steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, inf, pi
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from learners.interface import FloatArray
from teleop.worlds.errors import WorldError

Seen = Literal["ego", "position"]
"""What an observation is: (offset from the centre line, heading error), or (x, y)."""
WAYS_TO_SEE: tuple[Seen, ...] = ("ego", "position")
LOCK = 0.15
"""The largest turn in one step, rad, either way."""
START_HEADING = 0.1
"""The largest heading error of a start that is spread over all of the road, rad."""


@dataclass(frozen=True)
class Road:
    """A road and the speed at which it is driven."""

    radius: float = 10.0
    """Of the centre line."""
    half_width: float = 1.0
    """From the centre line to either edge."""
    speed: float = 0.2
    """Length of the way driven in one step."""

    def __post_init__(self) -> None:
        """Raises WorldError."""
        _require("radius", "a length above 0", self.radius, 0 < self.radius < inf)
        _require(
            "half_width",
            f"a length above 0, and below the radius, {self.radius:g}",
            self.half_width,
            0 < self.half_width < self.radius,
        )
        _require(
            "speed",
            f"a length a step above 0, and below {self.radius * LOCK:g}, at which the wheel's lock would no longer "
            "do for the road",
            self.speed,
            0 < self.speed < self.radius * LOCK,
        )

    @property
    def turn(self) -> float:
        """The turn in each step, rad, that keeps to the centre line."""
        return self.speed / self.radius

    @property
    def lap_steps(self) -> int:
        """Whole steps along the centre line in one lap; the last bit of it is left over."""
        return floor(2 * pi * self.radius / self.speed)

    def moved(self, poses: FloatArray, turns: Any, steps: Any = 1.0) -> FloatArray:
        """Poses (..., 3) so many steps later, whole or not, along arcs that turn by `turns` (...,) in each.

        The exact way: whoever always turns alike drives a circle of radius speed / turn.
        """
        turned = np.asarray(turns, np.float64) * steps
        along = poses[..., 2] + turned / 2
        chord = self.speed * steps * np.sinc(turned / (2 * pi))
        x, y = poses[..., 0] + chord * np.cos(along), poses[..., 1] + chord * np.sin(along)
        return np.stack([x, y, poses[..., 2] + turned], axis=-1)

    def ego(self, poses: FloatArray) -> FloatArray:
        """Poses (..., 3) -> (..., 2): how far outside the centre line (inside: below 0), and the heading error.

        The heading error is against the road's direction there: above 0 the car points to the left, to the inside.
        """
        x, y, heading = poses[..., 0], poses[..., 1], poses[..., 2]
        error = heading - np.arctan2(y, x) - pi / 2
        return np.stack([np.hypot(x, y) - self.radius, _wrapped(error)], axis=-1)

    def observed(self, poses: FloatArray, seen: Seen) -> npt.NDArray[np.float32]:
        """Poses (..., 3) -> observations (..., 2)."""
        numbers = self.ego(poses) if seen == "ego" else poses[..., :2]
        return numbers.astype(np.float32)

    def at(self, angle: Any, offset: Any = 0.0, error: Any = 0.0) -> FloatArray:
        """The poses (..., 3) that are so far around the track (rad), so far off its centre line, and headed so."""
        angles, errors = np.asarray(angle, np.float64), np.asarray(error, np.float64)
        away = self.radius + np.asarray(offset, np.float64)
        return np.stack(
            np.broadcast_arrays(away * np.cos(angles), away * np.sin(angles), angles + pi / 2 + errors), -1
        )

    def poses(self, observations: Any, seen: Seen) -> FloatArray:
        """Where the car was at each of an episode's first T observations (T, 2): poses (T, 3).

        What an observation leaves out (the place, or the heading) is told by those before it, to about a thousandth.
        """
        numbers = np.asarray(observations, np.float64).reshape(-1, 2)
        return self._poses_of_ego(numbers) if seen == "ego" else self._poses_of_positions(numbers)

    def _poses_of_ego(self, numbers: FloatArray) -> FloatArray:
        offsets, errors = numbers.T
        between = (offsets[1:] + offsets[:-1]) / 2, (errors[1:] + errors[:-1]) / 2
        steps = self.speed * np.cos(between[1]) / (self.radius + between[0])
        return self.at(np.concatenate([[0.0], np.cumsum(steps)])[: len(numbers)], offsets, errors)

    def _poses_of_positions(self, places: FloatArray) -> FloatArray:
        """The heading lies half a step's turn beyond the direction of the step that led here."""
        ways = np.diff(places, axis=0)
        directions = np.unwrap(np.arctan2(ways[:, 1], ways[:, 0]))
        turns = np.diff(directions, prepend=directions[:1] - self.turn)
        first = np.arctan2(places[:1, 1], places[:1, 0]) + pi / 2
        return np.column_stack([places, np.concatenate([first, directions + turns / 2])[: len(places)]])


def _wrapped(angles: FloatArray) -> FloatArray:
    """To between -pi and pi."""
    wrapped: FloatArray = (angles + pi) % (2 * pi) - pi
    return wrapped


def _require(name: str, expected: str, found: object, holds: bool) -> None:
    if not holds:
        raise WorldError(f"LoopTrack: {name}: expected {expected}, found {found}.")
