"""Going back: a branch repeats its parent's first steps, and both stay in the file and replay."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

import recordings
from recordings.demonstrations import Filter, load
from recordings.schema import Driver, EditKind, LabelKind, Outcome
from teleop.studio.phases import Phase
from teleop.training.student import StudentVersion
from teleop.worlds.catalogue import CARTPOLE, GRIDWORLD, SLIPPERY_GRIDWORLD, ControlScheme, World
from tests.teleop.live import Always, Begin, Live, remembering

WORLDS = (GRIDWORLD, SLIPPERY_GRIDWORLD, CARTPOLE)


def go_back(live: Live, steps: int) -> None:
    """To the desk, so many steps back, and take over there, toggling or holding."""
    live.tap("t", *["left"] * steps)
    live.session.press("space")


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name)
def test_a_branch_repeats_what_was_before_it(begin: Begin, world: World) -> None:
    """Six steps of the student, two of them gone back on; then the person drives three."""
    live = begin(world, student=Always(1))
    live.drive_until(6)
    go_back(live, 2)
    assert live.session.phase is Phase.HUMAN
    live.tap("a")
    live.drive_until(7)
    while live.session.driven_ticks < 9:
        live.tap("a")
    assert live.acts(EditKind.MARK)[0] == (0, 4, 6, 0)
    assert len(live.labels()) == 3
    path = live.close()
    with recordings.open(path) as reader:
        parent, branch = reader.episodes[0], reader.episodes[1]
        assert (branch.parent, branch.branch_step, branch.seed) == (0, 4, parent.seed)
        assert parent.length == 6
        assert parent.outcome is Outcome.UNKNOWN
        np.testing.assert_array_equal(branch.observations[:5], parent.observations[:5])
        np.testing.assert_array_equal(branch.actions[:4], parent.actions[:4])
        assert branch.drivers[:7].tolist() == [Driver.REPLAYED] * 4 + [Driver.HUMAN] * 3
        assert branch.student_action_valid[:7].all(), "what the student would do is known in every state"
        labels = branch.labels()
        assert labels.steps.tolist() == [10, 11, 12]
        assert set(labels.kinds.tolist()) == {LabelKind.TAKEOVER}
        curation = reader.curation
        assert curation.marked(parent).tolist() == [False] * 4 + [True] * 2
    imitated = load(path, Filter(episodes=range(2)))
    assert int(imitated.labelled[: 6 + 3].sum()) == 4 + 3, "each moment once, without what was gone back on"


def test_the_student_goes_on_from_a_branch(begin: Begin) -> None:
    live = begin(student=Always(1))
    live.drive_until(6)
    go_back(live, 3)
    live.tap("right")
    live.session.release("space")
    assert live.session.phase is Phase.STUDENT
    live.drive_until(12)
    drivers = [tick.driver for tick in live.session.past.episodes[-1].ticks]
    assert drivers == [Driver.REPLAYED] * 3 + [Driver.HUMAN] + [Driver.STUDENT] * 5
    live.close()


def test_an_ended_episode_can_be_gone_back_into(begin: Begin) -> None:
    live = begin(CARTPOLE, student=Always(0), rest_s=5.0)
    while not live.session.episodes:
        live.frames()
    fallen = live.session.driven_ticks
    go_back(live, 5)
    assert live.session.running
    live.tap("d")
    live.drive_until(fallen + 2)
    path = live.close()
    with recordings.open(path) as reader:
        parent, branch = reader.episodes[0], reader.episodes[1]
        assert parent.outcome is Outcome.FAILURE
        assert (branch.parent, branch.branch_step) == (0, fallen - 5)
        assert reader.curation.marked(parent).tolist() == [False] * (fallen - 5) + [True] * 5


@pytest.mark.parametrize("world", [GRIDWORLD, CARTPOLE], ids=lambda world: world.name)
def test_an_episode_that_was_broken_off_goes_on_from_its_end(begin: Begin, world: World) -> None:
    live = begin(world, student=Always(1), rest_s=5.0)
    live.drive_until(4)
    live.tap("n")
    go_back(live, 0)
    live.tap("a")
    live.drive_until(5)
    with live.look_up() as reader:
        assert (reader.episodes[1].parent, reader.episodes[1].branch_step) == (0, 4)
        assert reader.episodes[1].drivers.tolist()[:5] == [Driver.REPLAYED] * 4 + [Driver.HUMAN]
    assert live.acts(EditKind.MARK) == []
    live.close()


def test_where_the_world_has_ended_nobody_can_take_over(begin: Begin) -> None:
    live = begin(CARTPOLE, student=Always(0), rest_s=5.0)
    while not live.session.episodes:
        live.frames()
    go_back(live, 0)
    assert live.session.desk is not None, "there is nothing after the end"
    assert "ended" in live.session.notice
    live.session.release("space")
    live.tap("left")
    live.session.press("space")
    assert live.session.running
    live.close()


def test_at_the_live_end_it_is_a_takeover(begin: Begin) -> None:
    live = begin(student=Always(1))
    live.drive_until(6)
    go_back(live, 0)
    assert live.session.phase is Phase.HUMAN
    assert live.session.episode == 0
    live.tap("right")
    labels = live.labels()
    assert (labels.steps.tolist(), labels.kinds.tolist()) == ([6], [LabelKind.TAKEOVER])
    assert live.acts(EditKind.MARK) == [(0, 0, 6, 0)]
    live.session.release("space")
    live.close()


def test_a_branch_of_a_branch(begin: Begin) -> None:
    live = begin(student=Always(1))
    live.drive_until(6)
    go_back(live, 2)
    live.tap("right", "right")
    live.session.release("space")
    go_back(live, 4)
    live.tap("down")
    live.session.release("space")
    path = live.close()
    with recordings.open(path) as reader:
        assert [(each.parent, each.branch_step) for each in reader.episodes][:3] == [(-1, -1), (0, 4), (1, 2)]
        np.testing.assert_array_equal(
            reader.episodes[2].observations[:3], reader.episodes[0].observations[:3]
        )


def test_a_step_labelled_before_and_after_going_back_is_labelled_once(begin: Begin) -> None:
    """The repeated step is the same moment: the later label holds, and there is one lesson."""
    live = begin(CARTPOLE, student=Always(0))
    live.drive_until(5)
    live.tap("t", "home", "a")
    live.tap("end", "left", "left", "space")
    live.tap("t", "home", "d")
    live.tap("t")
    held = live.lessons()
    assert dict(held) == {0: 1}
    assert live.session.distinct_labels == 1
    live.close()


def test_a_student_that_remembers_goes_on_as_if_nothing_had_been(begin: Begin) -> None:
    """It is shown the repeated steps, so it does after them what it would have done."""
    live = begin(CARTPOLE, student=remembering())
    live.drive_until(6)
    before = [tick.action for tick in live.session.past.episodes[0].ticks]
    go_back(live, 3)
    assert live.session.student_action == before[3]
    live.session.release("space")
    live.drive_until(live.session.driven_ticks + 2)
    ticks = live.session.past.episodes[-1].ticks
    assert [tick.student_action for tick in ticks[:5]] == before[:5]
    assert [tick.action for tick in ticks[:5]] == before[:5]
    live.close()


class Fickle(gym.Env[Any, Any]):
    """Counts up, by a step that no seed decides."""

    observation_space = gym.spaces.Box(-np.inf, np.inf, (1,), np.float64)
    action_space = gym.spaces.Discrete(2)
    steps = 0

    def __init__(self, render_mode: str | None = None) -> None:
        self.render_mode = render_mode

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.place = 0.0
        return np.array([self.place]), {}

    def step(self, action: int) -> Any:
        Fickle.steps += 1
        self.place += Fickle.steps
        return np.array([self.place]), 0.0, False, False, {}


@pytest.fixture
def fickle() -> Any:
    gym.register("Fickle-v0", f"{__name__}:Fickle")
    yield World("fickle", "Fickle-v0", "Fickle", "", {"a": 0, "d": 1}, ControlScheme.WAIT, 8.0, ("a", "d"))
    gym.registry.pop("Fickle-v0")


def test_a_world_that_does_not_come_back_says_so_and_goes_on(begin: Begin, fickle: World) -> None:
    live = begin(fickle)
    live.tap("a", "a", "a", "a")
    live.session.adopt(StudentVersion(Always(1), 1))
    go_back(live, 2)
    assert "does not come back" in live.session.notice
    live.session.release("space")
    live.frames(60)
    assert live.session.running
    assert live.session.driven_ticks > 4
    live.session.close()
    with recordings.open(live.path) as reader:
        assert [episode.parent for episode in reader.episodes] == [-1, -1]
        assert reader.episodes[0].length == 4
        assert reader.edits() == []
