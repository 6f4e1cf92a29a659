"""Taking over and handing back, and what was marked because somebody did."""

from __future__ import annotations

import numpy as np
import pytest

import recordings
from recordings.demonstrations import Filter, load
from recordings.schema import Driver, EditKind, LabelKind
from teleop.studio.phases import Phase, Wish
from teleop.worlds.catalogue import CARTPOLE, GRIDWORLD, World
from tests.teleop.live import Always, Begin


@pytest.mark.parametrize(
    ("world", "steps", "marked"), [(GRIDWORLD, 20, 10), (CARTPOLE, 6, 6)], ids=["gridworld", "cartpole"]
)
def test_what_led_to_a_takeover_is_marked_and_not_imitated(
    begin: Begin, world: World, steps: int, marked: int
) -> None:
    """1.2 s are 9.6 steps at 8 Hz and 14.4 at 12 Hz; of CartPole's episode there were no more than six."""
    live = begin(world, student=Always(0))
    live.drive_until(steps)
    live.session.press("space")
    live.frames()
    live.tap("d")
    assert live.acts(EditKind.MARK) == [(0, steps - marked, steps, 0)]
    episode = live.session.past.episodes[0]
    n = episode.length
    assert [tick.driver for tick in episode.ticks[:steps]] == [Driver.STUDENT] * steps
    path = live.close()
    imitated = load(path, Filter())
    assert imitated.labelled[:n].tolist() == [True] * (steps - marked) + [False] * marked + [True] * (
        n - steps
    )
    assert load(path, Filter(include_marked=True)).labelled[:n].all()


def test_only_the_students_steps_are_marked(begin: Begin) -> None:
    """Three steps of the person, two of the student, then a takeover: two are marked."""
    live = begin(student=Always(1), takeover="toggle")
    live.frames()
    live.tap("space", "right", "right", "right", "space")
    live.drive_until(5)
    drivers = [tick.driver for tick in live.session.past.episodes[0].ticks]
    assert drivers == [Driver.HUMAN] * 3 + [Driver.STUDENT] * 2
    live.tap("space")
    assert live.acts(EditKind.MARK) == [(0, 3, 5, 0)]
    live.close()


def test_taking_over_before_the_student_moved_marks_nothing(begin: Begin) -> None:
    live = begin()
    live.tap("right")
    live.session.press("space")
    live.frames()
    assert live.acts(EditKind.MARK) == []
    live.close()


def test_with_any_key_letting_go_for_a_second_hands_back(begin: Begin) -> None:
    live = begin(student=Always(3), takeover="any-key")
    live.drive_until(3)
    live.session.press("down")
    live.frames(120)
    assert live.session.phase is Phase.HUMAN, "the key is still held"
    live.session.release("down")
    live.frames(59)
    assert live.session.phase is Phase.HUMAN
    live.frames(3)
    assert live.session.phase is Phase.STUDENT
    assert live.session.takeovers == 1
    live.close()
    labels = live.labels()
    assert set(labels.kinds.tolist()) == {LabelKind.TAKEOVER}
    with recordings.open(live.path) as reader:
        driven = np.flatnonzero(reader.column("driver")[:] == Driver.HUMAN)
    assert labels.steps.tolist() == driven.tolist(), "what the person drove is what they labelled"


@pytest.mark.parametrize("pause", ["p", "t"])
def test_who_lets_go_while_the_world_waits_has_let_go(begin: Begin, pause: str) -> None:
    """Holding takes over only while it is held, a pause or a visit to the desk between or not."""
    live = begin(student=Always(3))
    live.drive_until(3)
    live.session.press("space")
    live.tap(pause)
    assert live.session.phase is Phase.PAUSED
    live.session.release("space")
    live.tap(pause)
    assert live.session.phase is Phase.STUDENT
    live.close()


def test_pausing_goes_on_with_who_drove(begin: Begin) -> None:
    live = begin(student=Always(3), takeover="toggle")
    live.drive_until(2)
    live.tap("p")
    assert live.session.phase is Phase.PAUSED
    live.frames(60)
    assert live.session.driven_ticks == 2
    live.tap("p")
    assert live.session.phase is Phase.STUDENT
    live.tap("space", "p", "p")
    assert live.session.phase is Phase.HUMAN
    live.close()


def test_the_student_drives_each_new_episode_unless_the_key_is_held(begin: Begin) -> None:
    live = begin(student=Always(3))
    live.drive_until(2)
    live.session.press("space")
    live.tap("n")
    live.frames(60)
    assert live.session.running
    assert live.session.phase is Phase.HUMAN
    live.session.release("space")
    assert live.session.phase is Phase.STUDENT
    live.session.wish(Wish.TAKE_OVER)
    live.tap("n")
    live.frames(5)
    assert live.session.phase is Phase.STUDENT
    live.close()


def test_losing_the_focus_lets_go_of_the_takeover_key(begin: Begin) -> None:
    live = begin(student=Always(3))
    live.drive_until(3)
    live.session.press("space")
    live.session.focus_lost()
    live.frames(60)
    assert live.session.driven_ticks == 3
    live.session.resume()
    assert live.session.phase is Phase.STUDENT
    live.close()
