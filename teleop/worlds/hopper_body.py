"""Where Hopper's limbs are, by what it observes: so that it can be drawn without MuJoCo, and without a display.

Lengths are those of gymnasium's hopper.xml. Seen from the side: x forwards, z upwards, metres and radians.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, sin

HOPPER_ID = "Hopper-v5"
STEP_S = 0.008
"""Of the world's own time in one step."""
LEAST_HEIGHT_M = 0.7
"""Of the torso's middle; below it an episode ends."""
GREATEST_TILT_RAD = 0.2
"""Of the torso, either way."""
TORSO_M, THIGH_M, LEG_M, FOOT_M = 0.40, 0.45, 0.50, 0.39
"""Between the ends of each limb's axis."""
HEEL_M = 0.13
"""From the ankle back to the foot's end."""
RADII_M = (0.05, 0.05, 0.04, 0.06)
Point = tuple[float, float]


@dataclass(frozen=True)
class Limb:
    """A capsule."""

    start: Point
    end: Point
    radius: float


def limbs(observation: Sequence[float], x: float = 0.0) -> tuple[Limb, Limb, Limb, Limb]:
    """Torso, thigh, leg and foot, each from its joint on; the torso from the top, the foot from the heel.

    observation: Hopper's (height, tilt, three joints, …). x: of the torso's middle, which is not observed.
    """
    height, tilt, thigh, leg, foot = (float(value) for value in observation[:5])
    turned = [tilt, tilt - thigh, tilt - thigh - leg, tilt - thigh - leg - foot]
    top, hip = (_from((x, height), turned[0], side * TORSO_M / 2) for side in (1, -1))
    knee = _from(hip, turned[1], -THIGH_M)
    ankle = _from(knee, turned[2], -LEG_M)
    heel, toe = (_across(ankle, turned[3], along) for along in (-HEEL_M, FOOT_M - HEEL_M))
    ends = ((top, hip), (hip, knee), (knee, ankle), (heel, toe))
    torso, upper, lower, sole = (
        Limb(start, end, radius) for (start, end), radius in zip(ends, RADII_M, strict=True)
    )
    return torso, upper, lower, sole


def joints(observation: Sequence[float], x: float = 0.0) -> tuple[Point, Point, Point]:
    """Hip, knee and ankle, where its three motors turn."""
    _, thigh, leg, _ = limbs(observation, x)
    return thigh.start, leg.start, leg.end


def _from(point: Point, turned: float, upwards: float) -> Point:
    """Along a limb's own upward axis; `turned` is positive towards the front."""
    return point[0] + sin(turned) * upwards, point[1] + cos(turned) * upwards


def _across(point: Point, turned: float, forwards: float) -> Point:
    """Along a limb's own forward axis."""
    return point[0] + cos(turned) * forwards, point[1] - sin(turned) * forwards
