"""The desk: a person goes through what happened, and labels it; checked in the file."""

from __future__ import annotations

import dataclasses

import pytest

from recordings.schema import Driver, LabelKind
from teleop.studio.desk import Desk
from teleop.studio.phases import DESK_KEYS, Phase, label_keys
from teleop.studio.worth_asking import Criterion
from teleop.training.student import StudentVersion
from teleop.worlds.catalogue import CARTPOLE, GRIDWORLD, WORLDS, World
from tests.teleop.live import Always, Begin, Live, remembering


def desk_of(live: Live) -> Desk:
    desk = live.session.desk
    assert desk is not None
    return desk


def at_desk(begin: Begin, steps: int = 8, **settings: object) -> Live:
    """A student that goes down for so many steps, and the desk at the end of them."""
    live = begin(student=Always(1), **settings)
    live.drive_until(steps)
    live.tap("t")
    assert desk_of(live).step == desk_of(live).length == steps
    return live


def test_the_running_episode_waits_while_it_is_gone_through(begin: Begin) -> None:
    live = at_desk(begin)
    live.frames(300)
    assert live.session.driven_ticks == 8
    assert live.session.phase is Phase.PAUSED
    live.tap("left", "d")
    live.tap("t")
    assert live.session.phase is Phase.STUDENT
    live.drive_until(9)
    labels = live.labels()
    assert (labels.steps.tolist(), labels.actions.tolist()) == ([7], [3])
    assert labels.kinds.tolist() == [LabelKind.PAUSED]
    live.close()


def test_the_last_episode_is_gone_through_in_retrospect(begin: Begin) -> None:
    live = begin(student=Always(1), rest_s=10.0)
    live.drive_until(4)
    live.tap("n", "t", "home", "a", "d")
    assert live.session.episodes == 1
    labels = live.labels()
    assert (labels.steps.tolist(), labels.actions.tolist()) == ([0, 1], [2, 3])
    assert set(labels.kinds.tolist()) == {LabelKind.RETROSPECTIVE}
    live.tap("t")
    live.frames(700)
    assert live.session.episode == 1
    live.close()


def test_before_anything_happened_there_is_nothing_to_go_through(begin: Begin) -> None:
    live = begin()
    live.tap("t", "backspace")
    assert live.session.desk is None


def test_arrows_step_home_and_end_go_to_the_ends(begin: Begin) -> None:
    live = at_desk(begin)
    desk = desk_of(live)
    seen = []
    for key in ("right", "left", "left", "home", "left", "right", "end"):
        live.tap(key)
        seen.append(desk.step)
    assert seen == [8, 7, 6, 0, 0, 1, 8]
    live.session.scrub(3)
    assert desk.step == 3
    live.session.scrub(99)
    assert desk.step == 8
    assert desk.tick is None
    live.tap("d")
    assert len(live.labels()) == 0, "no step begins at the end"


def test_an_arrow_that_stays_down_goes_on_stepping(begin: Begin) -> None:
    live = at_desk(begin, 60)
    live.session.press("left")
    live.frames(21)
    assert desk_of(live).step == 59, "not before 350 ms"
    live.frames(60)
    assert desk_of(live).step == 39, "then once in 40 ms, which is every third frame"
    live.session.release("left")
    live.frames(60)
    assert desk_of(live).step == 39


def test_rewinding_opens_ten_steps_back_and_goes_further(begin: Begin) -> None:
    live = begin(student=Always(1))
    live.drive_until(25)
    live.tap("backspace")
    assert desk_of(live).step == 15
    live.tap("backspace", "backspace")
    assert desk_of(live).step == 0


def test_agreeing_labels_with_what_the_student_would_do(begin: Begin) -> None:
    live = at_desk(begin, 5)
    live.session.adopt(StudentVersion(Always(2), 2))
    live.tap("home", "return", "return")
    labels = live.labels()
    assert (labels.steps.tolist(), labels.actions.tolist()) == ([0, 1], [2, 2])
    assert live.session.score.agreement == (2, 2)


def test_an_arrow_after_a_jump_steps_again(begin: Begin) -> None:
    """A label goes on as one came: to the next step, or to the next state worth asking about."""
    live = at_desk(begin, 6)
    live.tap("home", "d", "right", "d", "right", "d", "t", "t")
    desk = desk_of(live)
    assert desk.worth() == [0, 2, 4], "there the student, who says down, was told otherwise"
    live.tap("home", "down", "s")
    assert desk.step == 4
    live.tap("left", "d")
    assert desk.step == 4
    assert desk.worth() == [0, 4]
    live.tap("tab")
    assert desk.step == 0, "a skipped state is left without a label, and after the last one comes the first"
    assert desk.worth() == [0]
    live.tap("end", "up")
    assert desk.step == 0
    assert live.labels().steps.tolist() == [0, 2, 4, 2, 3]


def test_disagreement_counts_labels_and_the_expert_who_drove(begin: Begin) -> None:
    """The student says down everywhere. The person drove right in steps 0 and 1, down in 2; the student drove 3 to 5,
    of which 4 is labelled left and 5 down."""
    live = begin(takeover="toggle")
    live.tap("right", "right", "down")
    live.session.adopt(StudentVersion(Always(1), 1))
    live.tap("space")
    live.drive_until(6)
    live.tap("t", "left", "s", "left", "left", "a")
    live.tap("t", "t")
    assert desk_of(live).worth() == [0, 4], "of 0 and 1, in a row, the first"


def test_novelty_is_the_distance_from_the_nearest_label(begin: Begin) -> None:
    """Eight cells down in a column, the first labelled: the others lie 1 to 7 away. The farthest quarter of them is
    worth asking about (the 0.75 quantile of 1..7 is 5.5), and of two in a row the farther."""
    live = at_desk(begin)
    episode = desk_of(live).episode
    cells = [int(tick.observation) for tick in episode.ticks]
    assert cells == list(range(cells[0], cells[0] + 8 * 50, 50)), "straight down, unhindered"
    live.tap("home", "s", "/")
    assert desk_of(live).criterion is Criterion.NOVELTY
    assert desk_of(live).worth() == [7]
    live.tap("down")
    assert desk_of(live).step == 7


def test_an_ensemble_doubts_no_state_that_was_labelled(begin: Begin) -> None:
    live = at_desk(begin)
    live.tap("home", "s", "s", "d", "d", "/", "/")
    assert desk_of(live).criterion is Criterion.ENSEMBLE
    assert desk_of(live).worth()
    assert not set(desk_of(live).worth()) & {0, 1, 2, 3}
    live.tap("/")
    assert desk_of(live).criterion is Criterion.DISAGREEMENT


def test_what_is_worth_asking_does_not_depend_on_being_looked_at(begin: Begin) -> None:
    """The window looks at every frame, a rerun never: both go to the same states."""

    def gone_to(looks: bool) -> list[int]:
        live = at_desk(begin)
        live.tap("home", "s")
        steps = []
        for key in ("/", "/", "end", "left", "d", "home", "down", "a", "d"):
            live.tap(key)
            if looks:
                desk_of(live).worth()
            steps.append(desk_of(live).step)
        return steps

    assert gone_to(True) == gone_to(False)


def test_budgets_end_labelling_and_say_so(begin: Begin) -> None:
    live = at_desk(begin, label_budget=2)
    live.tap("home", "s", "s", "s")
    assert len(live.labels()) == 2
    assert desk_of(live).step == 2
    assert "budget" in live.session.notice
    live.tap("u", "s")
    assert len(live.lessons()) == 2, "what was taken back is free again"

    late = at_desk(begin, minutes_budget=0.1)
    late.tap("home", "s")
    late.frames(60 * 6)
    late.tap("s")
    assert len(late.labels()) == 1
    assert "budget" in late.session.notice


@pytest.mark.parametrize(
    "world", [world for world in WORLDS if world.steering is None], ids=lambda world: world.name
)
def test_every_action_of_a_listed_world_has_a_key_at_the_desk(world: World) -> None:
    keys = label_keys(world.keys)
    assert set(keys.values()) == set(world.keys.values())
    assert not set(keys) & set(DESK_KEYS)


def test_digits_stand_in_where_there_are_only_arrows(begin: Begin) -> None:
    arrows = dataclasses.replace(GRIDWORLD, keys={"up": 0, "down": 1, "left": 2, "right": 3})
    assert label_keys(arrows.keys) == {"1": 0, "2": 1, "3": 2, "4": 3}
    live = begin(arrows, student=Always(1))
    live.drive_until(3)
    live.tap("t", "home", "4", "1")
    assert live.labels().actions.tolist() == [3, 0]


def test_a_digit_that_drives_keeps_its_meaning() -> None:
    assert label_keys({"1": "jump", "left": "left", "right": "right"}) == {
        "1": "jump",
        "2": "left",
        "3": "right",
    }


def test_labels_on_cartpole_are_given_with_letters(begin: Begin) -> None:
    live = begin(CARTPOLE, student=Always(0))
    live.drive_until(5)
    live.tap("t", "home", "d", "a", "return")
    assert live.labels().actions.tolist() == [1, 0, 0]
    live.close()


def test_a_student_that_remembers_is_asked_as_it_came_there(begin: Begin) -> None:
    """What it would do in a state depends on those before it: at the desk as when it drove."""
    live = begin(CARTPOLE)
    live.tap("right")
    live.session.adopt(StudentVersion(remembering(), 1))
    live.tap("n")
    live.drive_until(live.session.driven_ticks + 6)
    live.session.press("t")
    desk = desk_of(live)
    driven = [tick.action for tick in desk.episode.ticks if tick.driver is Driver.STUDENT]
    shown = []
    for step in range(desk.length):
        desk.go_to(step)
        shown.append(desk.student_action)
    assert len(driven) == desk.length
    assert shown == driven
    live.close()
