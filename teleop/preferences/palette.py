"""Every colour of the window and of figures, by what it is for: a `Shade` is that colour in the palette in use."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from recordings.schema import Driver, Outcome
from teleop.preferences.look import look
from teleop.preferences.palettes import Palette, Rgb

Colour = Sequence[int]
"""Red, green, blue, 0 to 255 each: three numbers, or a Shade."""


class Shade(Sequence[int]):
    """A colour by its part: the three numbers that the palette in use has for it, read anew whenever it is drawn."""

    __slots__ = ("_of", "_palette", "_rgb")

    def __init__(self, of: Callable[[Palette], Rgb]) -> None:
        self._of = of
        self._palette: Palette | None = None
        """The one that `_rgb` is of."""

    @property
    def rgb(self) -> Rgb:
        """The numbers in the palette in use."""
        palette = look().palette
        if palette is not self._palette:
            self._palette, self._rgb = palette, self._of(palette)
        return self._rgb

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: Any) -> Any:
        return self.rgb[index]

    def __iter__(self) -> Iterator[int]:
        return iter(self.rgb)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and self.rgb == tuple(other)

    def __hash__(self) -> int:
        """As of the three numbers: what is kept by a key that holds a colour is not found under another palette."""
        return hash(self.rgb)

    def __repr__(self) -> str:
        return f"Shade{self.rgb}"


BACKGROUND = Shade(lambda palette: palette.background)
STAGE = Shade(lambda palette: palette.stage)
"""Behind the world."""
CARD = Shade(lambda palette: palette.card)
CARD_EDGE = Shade(lambda palette: palette.card_edge)
CAP = Shade(lambda palette: palette.cap)
"""Of a drawn key."""
TEXT = Shade(lambda palette: palette.text)
MUTED = Shade(lambda palette: palette.muted)
FAINT = Shade(lambda palette: palette.faint)
INK = Shade(lambda palette: palette.ink)
"""Text upon a driver's colour."""
WARNING = Shade(lambda palette: palette.warning)
PAUSED = Shade(lambda palette: palette.paused)
SUCCESS = Shade(lambda palette: palette.success)
FAILURE = Shade(lambda palette: palette.failure)
FREE = Shade(lambda palette: palette.free)
"""A cell of a map with a way to the goal."""
DEAD_END = Shade(lambda palette: palette.dead_end)
"""A cell without one."""
PENALTY = Shade(lambda palette: palette.penalty)
GOAL = Shade(lambda palette: palette.goal)


def _driver(driver: Driver) -> Shade:
    return Shade(lambda palette: palette.drivers[driver])


DRIVERS: dict[Driver, Shade] = {driver: _driver(driver) for driver in Driver}
OUTCOMES: dict[Outcome, Shade] = {
    Outcome.RUNNING: MUTED,
    Outcome.SUCCESS: SUCCESS,
    Outcome.FAILURE: FAILURE,
    Outcome.UNKNOWN: MUTED,
}


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """`share` of b (0 to 1) mixed into a; follows the palette where a or b does."""
    if isinstance(a, Shade) or isinstance(b, Shade):
        return Shade(lambda _: _mixed(a, b, share))
    return _mixed(a, b, share)


def _mixed(a: Colour, b: Colour, share: float) -> Rgb:
    red, green, blue = (round(x + (y - x) * share) for x, y in zip(a, b, strict=True))
    return red, green, blue
