"""Plots as inline SVG: no script, no picture from elsewhere, and every colour a variable of the page's style.

Each function gives one `<svg>`; whatever is text in it is escaped. Widths and heights are in the picture's own units,
about a pixel each. Reading order: Frame (axes and scales), then a function a sort of plot.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

HEIGHT = 230
LEFT, RIGHT, TOP, BOTTOM = 68, 22, 12, 40
MOST_POINTS = 400
"""Points drawn one by one; more are drawn as medians and ranges of as many stretches as fit."""
STRETCHES = 120
_BARS, _FEWEST_BARS = 30, 9
_BESIDE = 0.05
"""Powers of ten left free beside a curve of delays."""
_WITH_GAPS = 6.0
"""Bars that are wider have a gap between them."""


@dataclass(frozen=True)
class Frame:
    """A rectangle for a plot, and where values lie in it."""

    width: int
    x: tuple[float, float]
    """The values at its left and right."""
    y: tuple[float, float]
    """The values at its foot and top."""

    def across(self, value: float) -> float:
        low, high = self.x
        return LEFT + (value - low) / (high - low) * (self.width - LEFT - RIGHT)

    def up(self, value: float) -> float:
        low, high = self.y
        return HEIGHT - BOTTOM - (value - low) / (high - low) * (HEIGHT - TOP - BOTTOM)

    def svg(self, what: str, drawn: Sequence[str], axes: Sequence[str]) -> str:
        """what: the picture in words, for who cannot see it."""
        return (
            f'<svg viewBox="0 0 {self.width} {HEIGHT}" role="img" aria-label="{escape(what)}">'
            f"{''.join(axes)}{''.join(drawn)}</svg>"
        )

    def y_axis(self, ticks: Sequence[float], label: str, unit: str = "") -> list[str]:
        """A line and a number a tick, and the label above the topmost."""
        lines = [
            f'<line class="grid" x1="{LEFT}" x2="{self.width - RIGHT}" y1="{self.up(each):.1f}" '
            f'y2="{self.up(each):.1f}"/>'
            f'<text class="tick" x="{LEFT - 8}" y="{self.up(each) + 4:.1f}" text-anchor="end">'
            f"{number(each)}{escape(unit)}</text>"
            for each in ticks
        ]
        middle = (TOP + HEIGHT - BOTTOM) / 2
        name = (
            f'<text class="axis" transform="translate(12 {middle}) rotate(-90)" text-anchor="middle">'
            f"{escape(label)}</text>"
        )
        return [*lines, name]

    def x_axis(self, ticks: Sequence[tuple[float, str]], label: str) -> list[str]:
        """ticks: value and what is written there."""
        foot = HEIGHT - BOTTOM
        numbers = [
            f'<text class="tick" x="{self.across(each):.1f}" y="{foot + 16}" text-anchor="middle">{escape(said)}</text>'
            for each, said in ticks
        ]
        name = (
            f'<text class="axis" x="{(LEFT + self.width - RIGHT) / 2}" y="{HEIGHT - 5}" text-anchor="middle">'
            f"{escape(label)}</text>"
        )
        base = f'<line class="base" x1="{LEFT}" x2="{self.width - RIGHT}" y1="{foot}" y2="{foot}"/>'
        return [base, *numbers, name]

    def bar(self, left: float, right: float, low: float, high: float, colour: str, said: str = "") -> str:
        """A rectangle between values of x and of y."""
        wide = self.across(right) - self.across(left)
        gap = 1.0 if wide > _WITH_GAPS else 0.0
        tall = max(0.0, self.up(low) - self.up(high))
        title = f"<title>{escape(said)}</title>" if said else ""
        return (
            f'<rect x="{self.across(left) + gap / 2:.1f}" y="{self.up(high):.1f}" width="{wide - gap:.1f}" '
            f'height="{tall:.1f}" fill="var(--{colour})">{title}</rect>'
        )


def by_episode(
    values: FloatArray, colours: Sequence[str], label: str, names: Sequence[str], *, width: int
) -> str:
    """A value an episode (E,), nan where there is none. colours, names: of each episode's dot."""
    n, known = len(values), np.isfinite(values)
    low, high = _reach(values[known])
    ticks = nice_ticks(low, high)
    frame = Frame(width, (-0.5, max(n - 0.5, 0.5)), (min(low, ticks[0]), max(high, ticks[-1])))
    axes = [*frame.y_axis(ticks, label), *frame.x_axis(_counts(n), "episode")]
    if n <= MOST_POINTS:
        drawn = [
            f'<circle cx="{frame.across(row):.1f}" cy="{frame.up(values[row]):.1f}" r="3.2" '
            f'fill="var(--{colours[row]})">'
            f"<title>episode {row}: {escape(label)} {number(float(values[row]))}, {escape(names[row])}</title></circle>"
            for row in np.flatnonzero(known).tolist()
        ]
    else:
        drawn = _ranges(frame, values)
    return frame.svg(f"{label} by episode, {n} episodes", drawn, axes)


def _ranges(frame: Frame, values: FloatArray) -> list[str]:
    """Medians as a line, and behind it what lies between the least and the most of each stretch."""
    places, lows, middles, highs = [], [], [], []
    for rows in np.array_split(np.arange(len(values)), STRETCHES):
        own = values[rows][np.isfinite(values[rows])]
        if len(own):
            places.append(frame.across(float(rows.mean())))
            lows.append(frame.up(float(own.min())))
            middles.append(frame.up(float(np.median(own))))
            highs.append(frame.up(float(own.max())))
    around = [*zip(places, highs, strict=True), *zip(places[::-1], lows[::-1], strict=True)]
    return [
        f'<polygon points="{_points(around)}" fill="var(--accent)" opacity="0.22"/>',
        f'<polyline points="{_points(list(zip(places, middles, strict=True)))}" class="line"/>',
    ]


def stacked(shares: Mapping[str, FloatArray], n: int, label: str, *, width: int) -> str:
    """Counts (B,) of each colour over B stretches of n episodes, as shares of one another from foot to top."""
    columns = np.stack(list(shares.values()))
    totals = columns.sum(axis=0)
    stretches = columns.shape[1]
    frame = Frame(width, (0, max(n, 1)), (0, 1))
    edges = np.linspace(0, n, stretches + 1)
    drawn = []
    for place in np.flatnonzero(totals).tolist():
        foot = 0.0
        for colour, count in zip(shares, columns[:, place], strict=True):
            share = float(count / totals[place])
            if share:
                said = f"episodes {round(edges[place])} to {round(edges[place + 1]) - 1}: {colour} {100 * share:.0f} %"
                drawn.append(frame.bar(edges[place], edges[place + 1], foot, foot + share, colour, said))
            foot += share
    axes = [*frame.y_axis((0, 0.5, 1), label), *frame.x_axis(_counts(n, 0.5), "episode")]
    return frame.svg(f"{label} by episode", drawn, axes)


def histogram(values: IntArray, label: str, *, width: int, unit: str = "episodes") -> str:
    """How many of the values (n,), at least one, lie where."""
    low, high = int(values.min()), int(values.max())
    wide = -(-(high - low + 1) // _BARS)
    counts = np.bincount((values - low) // wide)
    edges = [low + wide * place - 0.5 for place in range(len(counts) + 1)]
    top = [each for each in nice_ticks(0, float(counts.max()), 5) if each.is_integer()]
    beside = max(0.0, (_FEWEST_BARS - len(counts)) * wide / 2)
    frame = Frame(width, (edges[0] - beside, edges[-1] + beside), (0, max(top[-1], float(counts.max()))))
    drawn = []
    for left, right, count in zip(edges, edges[1:], counts.tolist(), strict=False):
        said = f"{math.ceil(left)} to {math.floor(right)} {label}: {count} {unit}"
        drawn += [frame.bar(left, right, 0, count, "accent", said)] if count else []
    ticks = [
        (each, number(each))
        for each in nice_ticks(low, high)
        if edges[0] <= each <= edges[-1] and float(each).is_integer()
    ]
    axes = [*frame.y_axis(top, unit), *frame.x_axis(ticks, label)]
    return frame.svg(f"{unit} by {label}", drawn, axes)


def delays(by_occasion: Mapping[str, FloatArray], *, width: int) -> str:
    """Seconds (n,), all above 0, of each occasion: the share within which they came, on a scale of powers."""
    together = np.concatenate(list(by_occasion.values()))
    low, high = (math.log10(float(each)) for each in (together.min(), together.max()))
    low, high = math.floor(low - _BESIDE), math.ceil(high + _BESIDE)
    frame = Frame(width, (low, high), (0, 1))
    drawn = []
    for place, (occasion, after_s) in enumerate(by_occasion.items()):
        shares = np.linspace(1 / len(after_s), 1, min(len(after_s), STRETCHES))
        found = np.quantile(after_s, shares, method="inverted_cdf")
        spots = [(frame.across(math.log10(s)), frame.up(q)) for s, q in zip(found, shares, strict=True)]
        spots = [(spots[0][0], frame.up(0)), *spots]
        drawn.append(
            f'<polyline points="{_points(spots)}" class="line" style="stroke:var(--series{place % 6})">'
            f"<title>{escape(occasion)}</title></polyline>"
        )
    step = max(1, round((high - low) / 7))
    ticks = [(float(power), _power_s(power)) for power in range(low, high + 1, step)]
    axes = [
        *frame.y_axis((0, 0.5, 1), "share given by then"),
        *frame.x_axis(ticks, "from a step to its label"),
    ]
    return frame.svg("how long after their steps labels were given", drawn, axes)


def curve(places: FloatArray, values: FloatArray, label: str, below: str, end: int, *, width: int) -> str:
    """Values (n,) from 0 to 1 over places (n,) of 0 to end."""
    frame = Frame(width, (0, max(end, 1)), (0, 1))
    spots = [(frame.across(x), frame.up(y)) for x, y in zip(places, values, strict=True)]
    drawn = [f'<polyline points="{_points(spots)}" class="line"/>']
    drawn += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.4" fill="var(--accent)"/>' for x, y in spots]
    axes = [*frame.y_axis((0, 0.25, 0.5, 0.75, 1), label), *frame.x_axis(_counts(end, 0.0), below)]
    return frame.svg(f"{label} over {below}", drawn, axes)


def bar_row(parts: Mapping[str, int]) -> str:
    """Counts by colour as one bar from left to right."""
    total, left, drawn = sum(parts.values()), 0.0, []
    for colour, count in parts.items():
        wide = 100 * count / total if total else 0.0
        drawn.append(
            f'<rect x="{left:.2f}" y="0" width="{wide:.2f}" height="10" fill="var(--{colour})">'
            f"<title>{escape(colour)} {count:,}</title></rect>"
        )
        left += wide
    return (
        f'<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">{"".join(drawn)}'
        "</svg>"
    )


def nice_ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Round numbers, at most about so many, from below low to above high."""
    if not high > low:
        around = max(0.5, 1e-6 * abs(low))
        low, high = low - around, low + around
    step = (high - low) / (most - 1)
    power = 10.0 ** math.floor(math.log10(step))
    step = next(power * each for each in (1, 2, 2.5, 5, 10) if power * each >= step * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [each * step for each in range(first, last + 1)]


def number(value: float) -> str:
    """As many digits as mean something, thousands apart, a real minus sign."""
    is_plain = abs(value) < 1e9 and (abs(value) >= 1000 or float(value).is_integer())
    shown = f"{value:,.0f}" if is_plain else f"{value:.4g}"
    return "0" if shown == "-0" else shown.replace("-", "−")


def _power_s(power: int) -> str:
    """10 to this power seconds, in the unit that fits."""
    if power < -3:
        return f"{number(10.0 ** (power + 6))} µs"
    return f"{number(10.0 ** (power + 3))} ms" if power < 0 else f"{number(10.0**power)} s"


def _reach(values: FloatArray) -> tuple[float, float]:
    """The least and the most, and 0 to 1 where there is nothing; kept from numbers that nobody could draw."""
    if not len(values):
        return 0.0, 1.0
    low, high = (float(np.clip(each, -1e300, 1e300)) for each in (values.min(), values.max()))
    return low, high


def _counts(n: int, shift: float = 0.0) -> list[tuple[float, str]]:
    """Ticks for 0 to n - 1; shift: from a number to the middle of what it counts."""
    return [
        (each + shift, number(each))
        for each in nice_ticks(0, max(n - 1, 1))
        if each <= max(n - 1, 0) and float(each).is_integer()
    ]


def _points(spots: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in spots)
