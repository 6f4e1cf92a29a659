"""What of the loop can be reckoned by hand: circles of another radius, and where correction and error cancel."""

from __future__ import annotations

from math import acos, ceil, cos, sqrt

from teleop.worlds.looptrack_road import Road


def steps_on_road(road: Road, error: float) -> int | None:
    """Steps that a car from the start line stays on the road which always turns by `error` rad a step more than the
    road does; None: it never leaves.

    It drives a circle of radius r = speed / turn through the start, whose middle lies radius - r from the track's.
    After an angle a upon it the car is at the distance d of the track's middle:
    d^2 = (radius - r)^2 + r^2 + 2 (radius - r) r cos a.
    """
    turn = road.turn + error
    if turn <= 0:
        raise ValueError(
            f"error: expected one above {-road.turn:g}, so that the car turns left, found {error}"
        )
    own = road.speed / turn
    apart = road.radius - own
    edge = road.radius - road.half_width if apart > 0 else road.radius + road.half_width
    if abs(2 * apart) <= road.half_width:
        return None
    angle = acos((edge**2 - apart**2 - own**2) / (2 * apart * own))
    return ceil(angle / turn) - 1


def forgiven(road: Road) -> float:
    """The largest constant error to the inside, rad a step, with which the car stays on the road for ever.

    Opposite the start it is 2 (radius - r) off the line, which is to be the road's half width.
    """
    return road.speed / (road.radius - road.half_width / 2) - road.turn


def settled_offset(road: Road, to_line: float, error: float) -> float | None:
    """Where a car settles that turns by road.turn + to_line * offset + error, outside positive; None: off the road.

    At an offset d along the road it must turn by speed / (radius + d). So
    to_line d^2 + (to_line radius + error + road.turn) d + error radius = 0.
    """
    if not to_line:
        return 0.0 if not error else None
    middle = to_line * road.radius + error + road.turn
    inside = middle**2 - 4 * to_line * error * road.radius
    if inside < 0:
        return None
    offset = (-middle + sqrt(inside)) / (2 * to_line)
    return offset if abs(offset) <= road.half_width else None


def distance_after(road: Road, error: float, steps: float) -> float:
    """From the track's middle, of the car of `steps_on_road`."""
    turn = road.turn + error
    own = road.speed / turn
    apart = road.radius - own
    return sqrt(apart**2 + own**2 + 2 * apart * own * cos(turn * steps))
