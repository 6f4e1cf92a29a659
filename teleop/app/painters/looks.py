"""How a cell of a map can look: untouched, tinted, under an arrow, or both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from recordings.schema import Driver
from teleop.app.painters.arrows import DIRECTIONS
from teleop.preferences.palette import CARD_EDGE, DRIVERS, STAGE, Colour, mix

SHADES = 8
"""Steps from an arrow that can hardly be seen to a full one."""
FAINTEST = 0.12
LEVELS = 16
"""Steps of a tint, the weakest of which can just be seen."""
WEAKEST = 0.12
"""How much of a tint's colour is at least mixed into a cell's own."""


@dataclass(frozen=True)
class Arrow:
    """An arrow upon a cell."""

    direction: int
    """0 up, 1 down, 2 left, 3 right."""
    colour: Colour
    opacity: float = 1.0


@dataclass(frozen=True)
class Look:
    """What is done to a cell's own colour."""

    tint: Colour = STAGE
    share: float = 0.0
    """Of the tint; the rest is the cell's own, so that a costly cell can still be told."""
    arrow: Arrow | None = None


UNTOUCHED = Look()


@cache
def arrows(colour: Colour) -> tuple[Look, ...]:
    """In every direction, faintest first: that of `shade` (1 to SHADES) is at DIRECTIONS * (shade - 1) + direction."""
    return tuple(
        Look(arrow=Arrow(direction, colour, opacity(shade)))
        for shade in range(1, SHADES + 1)
        for direction in range(DIRECTIONS)
    )


def arrows_on(tint: Colour, share: float, colour: Colour) -> tuple[Look, ...]:
    """A full arrow in each direction, upon a tint."""
    return tuple(Look(tint, share, Arrow(direction, colour)) for direction in range(DIRECTIONS))


def tints(colour: Colour, strongest: float, curve: float) -> tuple[Look, ...]:
    """LEVELS of them. strongest: the share of the last. curve: above 1 the lower levels lie closer together."""
    rising = np.linspace(0, 1, LEVELS) ** curve
    return tuple(Look(colour, share) for share in (WEAKEST + (strongest - WEAKEST) * rising).tolist())


def gains_and_losses() -> tuple[Look, ...]:
    """From the greatest loss over nothing to the greatest gain, 2 LEVELS + 1 of them.

    The cell's own colour is hidden: the learner was never told which cells cost.
    """
    return tuple(Look(_gain_or_loss(level), 1.0) for level in range(-LEVELS, LEVELS + 1))


def _gain_or_loss(level: int) -> Colour:
    towards = DRIVERS[Driver.STUDENT if level > 0 else Driver.HUMAN]
    return mix(CARD_EDGE, towards, abs(level) / LEVELS)


def opacity(shade: int) -> float:
    """Of an arrow of this shade, 1 to SHADES."""
    return FAINTEST + (1 - FAINTEST) * shade / SHADES


def swatches(looks: Sequence[Look]) -> tuple[Colour, ...]:
    """The looks as a legend shows them: upon the dark behind the world; an arrow by its colour."""
    return tuple(
        mix(STAGE, look.tint, look.share)
        if look.arrow is None
        else mix(STAGE, look.arrow.colour, look.arrow.opacity)
        for look in looks
    )
