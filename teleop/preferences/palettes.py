"""The palettes a person can choose from, as data. `teleop.preferences.palette` has the colours of the one in use.

In the colour-safe palettes the six colours that say who drives are at least 30 apart in CIELAB, also to eyes that
lack red, green or blue cones (simulated after Machado, Oliveira and Fernandes 2009; `tests/teleop/test_palette.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from recordings.schema import Driver

Rgb = tuple[int, int, int]
"""Red, green, blue, 0 to 255 each."""


@dataclass(frozen=True)
class Palette:
    """Every colour of the window, by what it is for."""

    name: str
    """What it is called in the settings."""
    title: str
    note: str
    """Whom it suits, in a sentence."""
    background: Rgb
    stage: Rgb
    """Behind the world."""
    card: Rgb
    card_edge: Rgb
    cap: Rgb
    """Of a drawn key."""
    text: Rgb
    muted: Rgb
    faint: Rgb
    ink: Rgb
    """Text upon a driver's colour."""
    warning: Rgb
    paused: Rgb
    success: Rgb
    failure: Rgb
    drivers: Mapping[Driver, Rgb]
    free: Rgb
    """A cell of a map with a way to the goal."""
    dead_end: Rgb
    """A cell without one."""
    penalty: Rgb
    goal: Rgb


STANDARD = Palette(
    name="standard",
    title="Standard",
    note="Quiet colours on dark grey, after Okabe and Ito.",
    background=(21, 23, 28),
    stage=(13, 14, 17),
    card=(31, 34, 41),
    card_edge=(47, 51, 61),
    cap=(52, 57, 68),
    text=(234, 236, 240),
    muted=(163, 169, 180),
    faint=(103, 110, 122),
    ink=(16, 17, 20),
    warning=(240, 228, 66),
    paused=(196, 201, 209),
    success=(0, 178, 130),
    failure=(225, 104, 36),
    drivers=MappingProxyType(
        {
            Driver.HUMAN: (230, 159, 0),
            Driver.STUDENT: (86, 180, 233),
            Driver.SCRIPTED: (0, 178, 130),
            Driver.POLICY: (214, 136, 180),
            Driver.REPLAYED: (128, 134, 145),
        }
    ),
    free=(58, 64, 75),
    dead_end=(39, 43, 51),
    penalty=(112, 56, 38),
    goal=(240, 228, 66),
)

COLOUR_SAFE = replace(
    STANDARD,
    name="colour-safe",
    title="Colour-safe",
    note="Drivers differ in brightness too, so that no kind of colour blindness confuses them.",
    paused=(255, 255, 249),
    success=(39, 245, 142),
    failure=(236, 131, 0),
    drivers=MappingProxyType(
        {
            Driver.HUMAN: (236, 131, 0),
            Driver.STUDENT: (74, 102, 249),
            Driver.SCRIPTED: (39, 245, 142),
            Driver.POLICY: (255, 149, 255),
            Driver.REPLAYED: (145, 137, 134),
        }
    ),
    free=(50, 58, 80),
    dead_end=(26, 29, 36),
    penalty=(134, 80, 30),
)

HIGH_CONTRAST = replace(
    COLOUR_SAFE,
    name="high-contrast",
    title="High contrast",
    note="White on black with bright edges; drivers as in the colour-safe palette.",
    background=(0, 0, 0),
    stage=(0, 0, 0),
    card=(12, 12, 14),
    card_edge=(150, 152, 158),
    cap=(40, 42, 48),
    text=(255, 255, 255),
    muted=(226, 228, 232),
    faint=(190, 193, 200),
    ink=(0, 0, 0),
    warning=(255, 240, 0),
    free=(70, 78, 96),
    dead_end=(20, 22, 26),
    penalty=(150, 84, 20),
    goal=(255, 240, 0),
)

PALETTES = (STANDARD, COLOUR_SAFE, HIGH_CONTRAST)


def find(name: str) -> Palette:
    """The palette of this name; the standard one where there is none."""
    return next((palette for palette in PALETTES if palette.name == name), STANDARD)
