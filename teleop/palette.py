"""Every colour of the window and of figures. Drivers wear the Okabe-Ito colours: apart for colour-blind eyes too."""

from __future__ import annotations

from recordings.schema import Driver, Outcome

Colour = tuple[int, int, int]

BACKGROUND: Colour = (21, 23, 28)
STAGE: Colour = (13, 14, 17)
"""Behind the world."""
CARD: Colour = (31, 34, 41)
CARD_EDGE: Colour = (47, 51, 61)
TEXT: Colour = (234, 236, 240)
MUTED: Colour = (163, 169, 180)
FAINT: Colour = (103, 110, 122)
INK: Colour = (16, 17, 20)
"""Text upon a driver's colour."""
WARNING: Colour = (240, 228, 66)

PAUSED: Colour = (196, 201, 209)
DRIVERS: dict[Driver, Colour] = {
    Driver.HUMAN: (230, 159, 0),
    Driver.STUDENT: (86, 180, 233),
    Driver.SCRIPTED: (0, 178, 130),
    Driver.POLICY: (214, 136, 180),
    Driver.REPLAYED: (128, 134, 145),
}
OUTCOMES: dict[Outcome, Colour] = {
    Outcome.RUNNING: MUTED,
    Outcome.SUCCESS: (0, 178, 130),
    Outcome.FAILURE: (225, 104, 36),
    Outcome.UNKNOWN: MUTED,
}


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """`share` of b (0 to 1) mixed into a."""
    red, green, blue = (round(x + (y - x) * share) for x, y in zip(a, b, strict=True))
    return red, green, blue
