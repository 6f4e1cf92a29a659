"""Beginnings and ends: the countdown, the rest, losing the focus, and closing at any moment."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import recordings
from learners.asking.doubts import Doubt
from learners.asking.gates import AskingGate
from recordings.schema import Driver, Outcome
from teleop.studio.phases import Phase
from teleop.worlds.catalogue import CARTPOLE
from tests.teleop.live import Always, Begin, Live


class Unsure(Doubt):
    """Full of doubt."""

    def of(self, observation: object, student: object) -> float:
        return 1.0


class AlwaysAsks(AskingGate):
    def __init__(self) -> None:
        super().__init__(Unsure(), on_revisit=False)

    def limits(self, doubt: float) -> tuple[float, float]:
        return 0.5, 0.5


def test_a_countdown_holds_the_first_step_back(begin: Begin) -> None:
    live = begin(student=Always(1), countdown_s=2.0)
    live.frames(1)
    assert live.session.countdown_s == pytest.approx(2.0, abs=0.02)
    live.frames(118)
    assert live.session.driven_ticks == 0
    assert 0 < live.session.countdown_s < 0.1
    live.frames(3)
    assert live.session.countdown_s == 0.0
    assert live.session.driven_ticks == 1
    live.tap("n")
    live.frames(10)
    assert live.session.countdown_s > 1.5, "before every episode"
    live.close()


def test_a_drive_key_ends_the_countdown(begin: Begin) -> None:
    live = begin(CARTPOLE, countdown_s=5.0)
    live.frames(10)
    live.tap("right")
    live.frames(10)
    assert live.session.driven_ticks >= 1
    assert live.session.countdown_s == 0.0


def test_losing_the_focus_in_a_countdown_pauses(begin: Begin) -> None:
    live = begin(student=Always(1), countdown_s=1.0)
    live.frames(10)
    live.session.focus_lost()
    live.frames(300)
    assert live.session.phase is Phase.PAUSED
    assert live.session.driven_ticks == 0
    live.session.resume()
    live.drive_until(2)


def test_losing_the_focus_at_the_desk_changes_nothing_there(begin: Begin) -> None:
    live = begin(student=Always(1))
    live.drive_until(5)
    live.tap("t", "left", "left")
    live.session.focus_lost()
    live.frames(30)
    assert live.session.desk is not None
    assert live.session.desk.step == 3
    live.session.resume()
    assert live.session.desk is None
    assert live.session.phase is Phase.STUDENT


def test_an_arrow_held_at_the_desk_stops_where_the_focus_is_lost(begin: Begin) -> None:
    live = begin(student=Always(1))
    live.drive_until(40)
    live.tap("t")
    live.session.press("left")
    live.frames(30)
    live.session.focus_lost()
    assert live.session.desk is not None
    step = live.session.desk.step
    live.frames(60)
    assert live.session.desk.step == step, "its release is never seen"


def test_faster_and_slower_while_it_runs(begin: Begin) -> None:
    """At 8 Hz a second has 8 steps; five times a quarter faster, 24."""
    live = begin(student=Always(1))
    live.drive_until(1)
    live.frames(60)
    assert live.session.driven_ticks in (8, 9)
    live.tap(*["="] * 5)
    before = live.session.driven_ticks
    live.frames(60)
    assert 22 <= live.session.driven_ticks - before <= 25
    live.close()


def nothing(live: Live) -> None:
    """Not even one update."""


def in_countdown(live: Live) -> None:
    live.frames(10)


def driving(live: Live) -> None:
    live.frames(60)
    live.drive_until(3)


def at_the_desk(live: Live) -> None:
    driving(live)
    live.tap("t", "left", "d")


def taken_over(live: Live) -> None:
    driving(live)
    live.session.press("space")
    live.tap("d")


def asked(live: Live) -> None:
    driving(live)
    live.session.gate = AlwaysAsks()
    live.frames(60)
    assert live.session.question is not None


def answered(live: Live) -> None:
    asked(live)
    live.session.press("d")


def resting(live: Live) -> None:
    driving(live)
    live.tap("n")
    live.frames(5)


def gone_back(live: Live) -> None:
    driving(live)
    live.tap("t", "left", "left")
    live.session.press("space")


def discarded(live: Live) -> None:
    driving(live)
    live.tap("delete")


MOMENTS = (
    nothing,
    in_countdown,
    driving,
    at_the_desk,
    taken_over,
    asked,
    answered,
    resting,
    gone_back,
    discarded,
)


@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: moment.__name__)
def test_closing_at_any_moment_leaves_a_whole_file(begin: Begin, moment: Callable[[Live], None]) -> None:
    live = begin(student=Always(1), countdown_s=0.5, rest_s=1.0)
    moment(live)
    steps, labels = live.session.recorder.steps, live.session.labels
    path = live.close()
    live.session.close()
    with recordings.open(path) as reader:
        assert not reader.recovered
        assert (reader.n_steps, reader.n_labels) == (steps, labels)
        assert all(episode.outcome is not Outcome.RUNNING for episode in reader.episodes)
        assert set(reader.column("driver")[:].tolist()) <= set(Driver)
