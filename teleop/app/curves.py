"""The charts of a live session, renewed a few times a second, and never two of them in one frame."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isfinite

from recordings.schema import Driver
from teleop.app.chart import SHOWN, Chart, Dot, thinned
from teleop.app.facts import Finished
from teleop.preferences.palette import DRIVERS, TEXT
from teleop.studio.score import RECENT, Score

RENEWED_S = 0.25
"""Between two pictures of the same chart."""
SHARPEST = 120
"""Dots of a curve: more could not be told apart."""


class Charts:
    """Keeps the charts and renews one at a time, in turn."""

    def __init__(self, *, corrects: bool) -> None:
        """corrects: there is a student, or going to be one; else only returns are shown."""
        self._makers: tuple[Callable[[Score, Sequence[Finished]], Chart], ...] = (
            (_returns, _agreement, _loss, _labels) if corrects else (_returns,)
        )
        self._charts: list[Chart] = []
        self._turn = 0
        self._renewed_s = float("-inf")

    def of(self, score: Score, finished: Sequence[Finished], now_s: float) -> tuple[Chart, ...]:
        """As they are now, or were up to a quarter of a second ago; those that did not change are the same objects."""
        if not self._charts:
            self._charts = [make(score, finished) for make in self._makers]
        elif now_s - self._renewed_s >= RENEWED_S / len(self._makers):
            self._renewed_s = now_s
            self._turn = (self._turn + 1) % len(self._makers)
            chart = self._makers[self._turn](score, finished)
            if chart != self._charts[self._turn]:
                self._charts[self._turn] = chart
        return tuple(self._charts)


def _returns(score: Score, finished: Sequence[Finished]) -> Chart:
    dots = tuple(
        Dot(each.episode, each.return_, DRIVERS[each.mostly], is_ring=not each.is_alone)
        for each in finished[-SHOWN:]
    )
    remark = "○ with help" if any(dot.is_ring for dot in dots) else ""
    return Chart("return by episode", remark, "episode", dots, "Finished episodes will show here.")


def _agreement(score: Score, finished: Sequence[Finished]) -> Chart:
    colour = DRIVERS[Driver.STUDENT]
    return Chart(
        "agreement",
        f"last {RECENT} labels",
        "label",
        tuple(Dot(each.labels, each.agreement, colour) for each in thinned(score.points, SHARPEST)),
        "How often the student agrees with your labels will show here.",
        is_curve=True,
        bounds=(0.0, 1.0),
        percent=True,
    )


def _loss(score: Score, finished: Sequence[Finished]) -> Chart:
    fits = [each for each in score.fits if isfinite(each.loss) and each.loss > 0]
    return Chart(
        "loss",
        "of each student",
        "version",
        tuple(Dot(each.version, each.loss, DRIVERS[Driver.STUDENT]) for each in thinned(fits, SHARPEST)),
        "How closely each student fits its labels will show here.",
        is_curve=True,
        is_log=True,
    )


def _labels(score: Score, finished: Sequence[Finished]) -> Chart:
    return Chart(
        "labels",
        "over time",
        "minute",
        tuple(Dot(each.time_s / 60, each.labels, TEXT) for each in thinned(score.points, SHARPEST)),
        "Labels over time will show here.",
        is_curve=True,
    )
