"""Taking back and bringing back: whatever was done, the session, the trainer and the file agree on what counts."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from learners.asking.gates import NoveltyGate
from recordings.curation import lessons
from recordings.demonstrations import Filter, load
from recordings.schema import EditKind, LabelKind, Outcome
from teleop.training.student import StudentVersion
from teleop.worlds.catalogue import CARTPOLE, GRIDWORLD, World
from tests.teleop.live import Always, Begin, Live


class Pupil:
    """A trainer that reads what counts whenever it is told to, and teaches nobody."""

    trouble = ""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._is_told = False
        self.known: list[tuple[int, int]] = []

    def look_again(self) -> None:
        self._is_told = True

    def poll(self) -> StudentVersion | None:
        if self._is_told:
            self._is_told = False
            self.known = self._live.lessons()
        return None

    def close(self) -> None: ...


def with_pupil(live: Live) -> Pupil:
    pupil = Pupil(live)
    live.session.trainer = pupil
    return pupil


def agree(live: Live, pupil: Pupil) -> list[tuple[int, int]]:
    """The session, its trainer and the file tell the same; returns the lessons."""
    live.session.update()
    with live.look_up() as reader:
        held = lessons(reader)
        found = list(zip(held.steps.tolist(), held.actions.tolist(), strict=True))
        seen = reader.column("observation")[:]
        by_state = live.session.world is GRIDWORLD
        assert live.session.labels == len(held)
        assert live.session.distinct_labels == len(
            {int(seen[s]) if by_state else s for s in held.steps.tolist()}
        )
        for lived in live.session.past.episodes:
            episode = reader.episodes[lived.index]
            assert lived.outcome is episode.outcome
            if lived.length:
                assert lived.is_discarded == reader.curation.is_discarded(episode)
            rows = reader.curation.holding(episode.labels()).rows.tolist()
            assert sorted(given.row for each in lived.labels.values() for given in each) == rows
    assert pupil.known == found
    loaded = load(live.path, Filter(actions="labelled", labels="only"))
    assert loaded.pairs()[1].tolist() == [action for _, action in sorted(dict(found).items())]
    return found


def test_a_label_is_taken_back_and_brought_back(begin: Begin) -> None:
    live = begin(student=Always(1))
    pupil = with_pupil(live)
    live.drive_until(4)
    live.tap("t", "home", "d", "home", "a")
    assert agree(live, pupil) == [(0, 3), (0, 2)], "of two for one step the last holds"
    live.tap("u")
    assert live.session.notice == "Label taken back."
    assert agree(live, pupil) == [(0, 3)]
    assert live.session.desk is not None
    assert live.session.desk.episode.label_of(0) == 3
    live.tap("u", "u")
    assert live.session.notice == "Nothing to be taken back."
    assert agree(live, pupil) == []
    live.tap("i", "i", "i")
    assert live.session.notice == "Nothing to be brought back."
    assert agree(live, pupil) == [(0, 3), (0, 2)]
    assert len(live.acts(EditKind.WITHDRAW)) == 2
    assert len(live.acts(EditKind.UNDO)) == 2
    live.close()


def test_what_was_done_anew_cannot_be_brought_back_over(begin: Begin) -> None:
    live = begin(student=Always(1))
    live.drive_until(4)
    live.tap("t", "home", "d", "u", "home", "a", "i")
    assert live.session.notice == "Nothing to be brought back."
    assert live.lessons() == [(0, 2)]


def test_the_last_driven_label_is_taken_back(begin: Begin) -> None:
    live = begin()
    pupil = with_pupil(live)
    live.tap("down", "right", "u")
    assert [action for _, action in agree(live, pupil)] == [1]
    assert live.session.recorder.steps == 2, "the step was made"


def test_an_episode_is_discarded_and_kept_after_all(begin: Begin) -> None:
    live = begin(rest_s=5.0)
    pupil = with_pupil(live)
    live.tap("down", "right", "delete")
    assert live.session.notice == "Episode 0 is discarded."
    assert not live.session.running
    assert agree(live, pupil) == []
    live.tap("delete")
    assert len(live.acts(EditKind.DISCARD)) == 1, "once is enough"
    live.tap("u")
    assert len(agree(live, pupil)) == 2
    live.tap("i")
    assert agree(live, pupil) == []
    live.close()


def test_before_its_first_step_discarding_means_the_episode_before(begin: Begin) -> None:
    live = begin()
    live.tap("down", "n")
    assert live.session.running
    assert live.session.episode_length == 0
    live.tap("delete")
    assert [act[0] for act in live.acts(EditKind.DISCARD)] == [0]
    assert live.session.running


def test_labels_of_a_discarded_episode_count_once_it_is_kept(begin: Begin) -> None:
    live = begin(student=Always(1), rest_s=5.0)
    pupil = with_pupil(live)
    live.drive_until(3)
    live.tap("delete", "t", "home", "d")
    assert agree(live, pupil) == []
    live.tap("u", "u")
    assert agree(live, pupil) == []
    live.tap("i", "u", "t", "t", "home", "a")
    assert [action for _, action in agree(live, pupil)] == [2]
    live.close()


def test_verdicts_on_running_and_ended_episodes(begin: Begin) -> None:
    live = begin(rest_s=5.0)
    live.tap("down", "y")
    assert not live.session.running
    assert live.session.outcome is Outcome.SUCCESS
    assert live.acts(EditKind.JUDGE) == [], "it ended so"
    live.tap("x")
    assert live.session.outcome is Outcome.FAILURE
    assert live.acts(EditKind.JUDGE) == [(0, 0, -1, Outcome.FAILURE)]
    live.tap("u")
    assert live.session.outcome is Outcome.SUCCESS
    live.tap("i", "u", "i")
    with live.look_up() as reader:
        assert reader.episodes[0].recorded_outcome is Outcome.SUCCESS
        assert reader.episodes[0].outcome is Outcome.FAILURE
    live.close()


def test_an_act_in_the_file_bears_the_time_at_which_it_was_done(begin: Begin) -> None:
    live = begin()
    live.tap("down")
    live.clock.advance(10**10)
    live.tap("u")
    live.clock.advance(10**10)
    live.tap("i")
    with live.look_up() as reader:
        times = [edit.time_ns // 10**9 for edit in reader.edits()]
    assert times == [10, 20]


def test_the_gate_forgets_what_no_longer_counts(begin: Begin) -> None:
    """Where nothing is labelled, any state is infinitely far from every label."""
    live = begin(student=Always(1), gate="novelty", rest_s=5.0)
    gate = live.session.gate
    assert isinstance(gate, NoveltyGate)
    live.frames(30)
    live.tap("down")
    state, doubts = live.session.past.episodes[0].ticks[0].observation, []
    for key in ("p", "u", "i", "delete", "u"):
        live.tap(key)
        doubts.append(gate.doubt.of(state, Always(1)))
    assert doubts == [0, np.inf, 0, np.inf, 0]
    live.close()


ACTS = {
    "drive": ("d",),
    "drive twice": ("s", "d"),
    "let the student drive": (),
    "label here": ("t", "left", "a", "t"),
    "label two": ("t", "home", "d", "s", "t"),
    "label again": ("t", "home", "a", "home", "d", "t"),
    "nod": ("t", "left", "left", "return", "t"),
    "take over": ("space", "a"),
    "go back": ("t", "left", "left", "space", "d"),
    "succeed": ("y",),
    "fail": ("x",),
    "discard": ("delete",),
    "next": ("n",),
    "undo": ("u",),
    "undo twice": ("u", "u"),
    "redo": ("i",),
}


def play(live: Live, acts: list[str]) -> None:
    for act in acts:
        live.tap(*ACTS[act])
        live.frames(9)


@pytest.mark.parametrize("world", [GRIDWORLD, CARTPOLE], ids=lambda world: world.name)
@settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(acts=st.lists(st.sampled_from(sorted(ACTS)), max_size=16))
def test_whatever_is_done_and_undone_everybody_agrees(world: World, acts: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        live = Live(Path(folder) / "a.h5", world, student=Always(1), takeover="toggle", rest_s=0.1)
        try:
            pupil = with_pupil(live)
            live.frames()
            play(live, acts)
            live.tap("p")
            before = agree(live, pupil)
            n = taken_back(live)
            assert agree(live, pupil) == [], "all taken back is as if nobody had said anything"
            live.tap(*["i"] * n)
            assert agree(live, pupil) == before
            live.close()
        finally:
            live.let_go()


def taken_back(live: Live) -> int:
    """Takes everything back; says how many acts that were."""
    for n in range(1000):
        live.tap("u")
        if live.session.notice == "Nothing to be taken back.":
            return n
    raise AssertionError("no end of it")


def test_a_question_answered_again_is_taken_back_like_any_label(begin: Begin) -> None:
    live = begin(reask_share=1.0)
    pupil = with_pupil(live)
    live.tap(*["right", "left"] * 11)
    live.tap("n")
    assert live.session.question is not None
    live.tap("down", "tab", "tab")
    assert LabelKind.REASKED in live.labels().kinds
    assert agree(live, pupil)[-1][1] == 1
    live.tap("u")
    assert [action for _, action in agree(live, pupil)] == [3, 2] * 11
    live.close()
