"""Which episodes of a recording are looked at, and in which order: questions with a few answers, as data."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from learners.interface import IntArray
from recordings.schema import Driver, Outcome
from recordings.survey import BoolArray, Survey
from teleop.app.words import DROVE, ENDED

SHOWN_DRIVERS = (Driver.HUMAN, Driver.STUDENT, Driver.SCRIPTED, Driver.POLICY)


@dataclass(frozen=True)
class Answer:
    """One way to choose."""

    word: str
    keeps: Callable[[Survey], BoolArray]
    """(E,) which episodes stay."""


@dataclass(frozen=True)
class Facet:
    """One question about an episode; the first answer keeps all."""

    key: str
    """Gives the next answer."""
    asks: str
    answers: tuple[Answer, ...]


@dataclass(frozen=True)
class Order:
    word: str
    by: Callable[[Survey], npt.NDArray[np.generic]]
    """(E,) numbers, ascending; nan goes last."""
    rising: str
    falling: str
    falls: bool = False
    """The largest first, unless asked for the other way round."""


def _all(survey: Survey) -> BoolArray:
    return np.ones(survey.n_episodes, bool)


def _driven_by(driver: Driver) -> Answer:
    return Answer(DROVE[driver], lambda survey: survey.driven[:, driver] > 0)


def _ended(outcome: Outcome) -> Answer:
    return Answer(ENDED[outcome], lambda survey: survey.outcomes == outcome)


FACETS = (
    Facet("1", "driver", (Answer("any", _all), *map(_driven_by, SHOWN_DRIVERS))),
    Facet(
        "2",
        "outcome",
        (
            Answer("any", _all),
            *map(_ended, (Outcome.SUCCESS, Outcome.FAILURE, Outcome.UNKNOWN, Outcome.RUNNING)),
        ),
    ),
    Facet(
        "3",
        "labels",
        (
            Answer("any", _all),
            Answer("some", lambda survey: survey.labels > 0),
            Answer("none", lambda survey: survey.labels == 0),
        ),
    ),
    Facet(
        "4",
        "discarded",
        (
            Answer("shown", _all),
            Answer("hidden", lambda survey: ~survey.discarded),
            Answer("alone", lambda survey: survey.discarded),
        ),
    ),
    Facet(
        "5",
        "branches",
        (
            Answer("shown", _all),
            Answer("alone", lambda survey: survey.parents >= 0),
            Answer("hidden", lambda survey: survey.parents < 0),
        ),
    ),
)
ORDERS = (
    Order("time", lambda survey: np.arange(survey.n_episodes), "earliest first", "latest first"),
    Order("return", lambda survey: survey.returns, "lowest first", "highest first", falls=True),
    Order("length", lambda survey: survey.lengths, "shortest first", "longest first", falls=True),
    Order("labels", lambda survey: survey.labels, "fewest first", "most first", falls=True),
)
ORDER_KEY, TURN_KEY, ALL_KEY = "6", "7", "0"
"""Take the next order, turn it round, and let go of every filter."""


@dataclass(frozen=True)
class Choice:
    """An answer to each of FACETS, and one of ORDERS."""

    answers: tuple[int, ...] = (0,) * len(FACETS)
    order: int = 0
    is_turned: bool = False
    """The other way round than this order usually is."""

    def answer(self, facet: Facet) -> Answer:
        return facet.answers[self.answers[FACETS.index(facet)]]

    def turned(self, facet: Facet, by: int = 1) -> Choice:
        """With the next (1) or the previous (-1) answer."""
        place = FACETS.index(facet)
        given = (self.answers[place] + by) % len(facet.answers)
        return dataclasses.replace(self, answers=(*self.answers[:place], given, *self.answers[place + 1 :]))

    def ordered_otherwise(self, by: int = 1) -> Choice:
        return dataclasses.replace(self, order=(self.order + by) % len(ORDERS), is_turned=False)

    def turned_round(self) -> Choice:
        return dataclasses.replace(self, is_turned=not self.is_turned)

    def unfiltered(self) -> Choice:
        return dataclasses.replace(self, answers=Choice().answers)

    @property
    def filters(self) -> bool:
        """Is anything left out?"""
        return any(self.answers)

    @property
    def falls(self) -> bool:
        """Are the largest first?"""
        return ORDERS[self.order].falls != self.is_turned


def chosen(survey: Survey, choice: Choice) -> IntArray:
    """(n,) the episodes to show, in order; of those that are not yet read none are shown but as recorded."""
    keeps = np.arange(survey.n_episodes) < (survey.listed if choice.filters else survey.n_episodes)
    for facet in FACETS:
        keeps &= choice.answer(facet).keeps(survey)
    found = np.flatnonzero(keeps)
    by = np.asarray(ORDERS[choice.order].by(survey), np.float64)[found]
    ranked: IntArray = found[np.argsort(-by if choice.falls else by, kind="stable")]
    return ranked
