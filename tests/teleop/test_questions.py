"""What a person is asked: by the student, and about their own answers once more."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from learners.asking.doubts import Doubt
from learners.asking.gates import AskingGate, NoveltyGate
from recordings.demonstrations import Filter, load
from recordings.schema import Driver, EditKind, LabelKind
from teleop.cli import main
from teleop.studio.phases import Phase
from tests.teleop.live import Always, Begin, Live


class Scripted(Doubt):
    """Doubts that are given, one a state met."""

    def __init__(self, doubts: list[float]) -> None:
        self._doubts = doubts

    def of(self, observation: object, student: object) -> float:
        return self._doubts.pop(0) if self._doubts else 0.0


class Asks(AskingGate):
    """Asks above 0.5, and goes on asking down to 0.2."""

    def __init__(self, *doubts: float) -> None:
        super().__init__(Scripted(list(doubts)), on_revisit=False)

    def limits(self, doubt: float) -> tuple[float, float]:
        return 0.5, 0.2


def asking(begin: Begin, *doubts: float, **settings: object) -> Live:
    """A student that goes down and asks by these doubts."""
    live = begin(student=Always(1), gate="novelty", **settings)
    live.session.gate = Asks(*doubts)
    return live


def drivers(live: Live) -> list[Driver]:
    with live.look_up() as reader:
        return [Driver(code) for code in reader.column("driver")[:].tolist()]


def test_where_the_student_asks_the_world_waits_for_an_answer(begin: Begin) -> None:
    live = asking(begin, 0.0, 0.9)
    live.drive_until(1)
    live.frames(300)
    assert live.session.phase is Phase.PAUSED
    assert live.session.question is not None
    assert live.session.question.observation == live.session.observation
    assert live.session.driven_ticks == 1
    live.session.press("right")
    live.frames()
    assert live.session.driven_ticks == 2, "one step, at once"
    live.session.release("right")
    live.drive_until(5)
    assert live.session.phase is Phase.STUDENT
    assert drivers(live) == [Driver.STUDENT, Driver.HUMAN, *[Driver.STUDENT] * 3]
    labels = live.labels()
    assert (labels.steps.tolist(), labels.actions.tolist()) == ([1], [3])
    assert labels.kinds.tolist() == [LabelKind.QUERIED]
    assert live.session.score.queries == 1
    live.close()


def test_it_goes_on_asking_until_doubt_is_low(begin: Begin) -> None:
    """0.3 would not begin a question, and does not end a row of them; 0.1 does."""
    live = asking(begin, 0.3, 0.9, 0.3, 0.3, 0.1, 0.3)
    live.drive_until(1)
    for _ in range(3):
        live.frames(30)
        assert live.session.question is not None
        live.tap("right")
    live.drive_until(7)
    assert drivers(live) == [Driver.STUDENT, *[Driver.HUMAN] * 3, *[Driver.STUDENT] * 3]
    assert live.session.score.queries == 3


def test_tab_leaves_it_to_the_student(begin: Begin) -> None:
    live = asking(begin, 0.9)
    live.frames(30)
    live.tap("tab")
    assert live.session.question is None
    live.drive_until(2)
    assert drivers(live) == [Driver.STUDENT] * 2
    assert len(live.labels()) == 0
    live.close()


def test_space_takes_over_instead_of_one_answer(begin: Begin) -> None:
    live = asking(begin, 0.9, 0.9, 0.9, 0.0, takeover="toggle")
    live.frames(30)
    live.session.press("space")
    live.session.release("space")
    assert live.session.question is None
    assert live.session.phase is Phase.HUMAN
    live.tap("right")
    assert drivers(live) == [Driver.HUMAN]
    live.close()


def test_a_pause_or_a_visit_to_the_desk_leaves_the_question_open(begin: Begin) -> None:
    live = asking(begin, 0.0, 0.9)
    live.drive_until(1)
    live.frames(30)
    for keys in (("p", "p"), ("t", "t"), ("t", "p"), ("p",)):
        live.tap(*keys)
        assert live.session.question is not None
        assert live.session.phase is Phase.PAUSED, "nobody drives while the answer is awaited"
    live.session.focus_lost()
    live.session.resume()
    assert live.session.phase is Phase.PAUSED
    live.tap("right")
    assert drivers(live)[:2] == [Driver.STUDENT, Driver.HUMAN]
    live.close()


def test_a_question_ends_with_its_episode(begin: Begin) -> None:
    live = asking(begin, 0.9, rest_s=1.0)
    live.frames(30)
    live.tap("n")
    assert live.session.question is None
    live.drive_until(2)
    live.close()


def test_without_a_budget_nobody_is_asked(begin: Begin) -> None:
    live = asking(begin, 0.9, 0.9, 0.9, 0.9, label_budget=1)
    live.frames(30)
    live.tap("right")
    live.drive_until(4)
    assert len(live.labels()) == 1
    assert live.session.score.queries == 1


def test_what_an_earlier_sitting_labelled_is_known_to_the_gate_until_it_is_discarded(tmp_path: Path) -> None:
    """Where nothing is labelled, any state is infinitely far from every label."""
    first = Live(tmp_path / "a.h5")
    first.tap("right", "left", "right")
    states = [tick.observation for tick in first.session.past.episodes[0].ticks]
    first.let_go()
    second = Live(tmp_path / "a.h5", gate="novelty", training="inline")
    try:
        gate = second.session.gate
        assert isinstance(gate, NoveltyGate)
        doubts = []
        for key in ("left", "delete", "u"):
            second.session.press(key)
            doubts.append([gate.doubt.of(state, Always(1)) for state in states])
        assert doubts == [[0] * 3, [np.inf] * 3, [0] * 3]
    finally:
        second.let_go()


def test_every_answer_is_asked_again_later(begin: Begin, capsys: pytest.CaptureFixture[str]) -> None:
    """22 answers by turns right and left, each asked again 20 labels later: three at the end of the episode, at the
    next one the others whose time has come. Down was not the answer before, right to the first was."""
    live = begin(reask_share=1.0)
    live.tap(*["right", "left"] * 11)
    first = [int(tick.observation) for tick in live.session.past.episodes[0].ticks]
    live.tap("n")
    asked, answers = [], ["right", "down", "right"]
    for key in answers:
        question = live.session.question
        assert question is not None
        assert question.is_again
        asked.append(int(question.observation))
        live.tap(key)
    assert asked == first[:3]
    assert live.session.question is None, "three in one pause are enough"
    assert live.session.score.self_agreement == (2, 3)
    assert live.session.phase is Phase.HUMAN
    labels = live.labels()
    again = labels[labels.kinds == LabelKind.REASKED]
    assert again.steps.tolist() == [0, 1, 2]
    assert again.actions.tolist() == [3, 1, 3]
    assert dict(live.lessons())[1] == 1, "the later answer holds"
    live.tap("n")
    assert live.session.question is not None
    live.tap("tab", "tab")
    path = live.close()
    capsys.readouterr()
    assert main(["info", str(path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["self_agreement"]["human"]
    assert (told["same"], told["of"]) == (2, 3)


def test_no_share_asks_nothing_again(begin: Begin) -> None:
    live = begin()
    live.tap(*["right", "left"] * 13, "n")
    live.frames(10)
    assert live.session.question is None


def test_what_is_asked_again_is_not_asked_beyond_the_budget(begin: Begin) -> None:
    live = begin(reask_share=1.0, label_budget=22)
    live.tap(*["right", "left"] * 11, "n")
    live.frames(5)
    assert live.session.question is None
    assert len(live.labels()) == 22


def test_going_back_leaves_a_question_asked_again(begin: Begin) -> None:
    live = begin(reask_share=1.0)
    live.tap(*["right", "left"] * 11, "n")
    assert live.session.question is not None
    live.tap("t", "left", "left", "left")
    live.session.press("space")
    assert live.session.question is None
    live.tap("down")
    assert drivers(live)[-1] is Driver.HUMAN
    assert len(live.labels()) == 23
    assert LabelKind.REASKED not in live.labels().kinds
    live.close()


def test_advisers_label_beside_the_person_and_nobody_learns_from_them(begin: Begin) -> None:
    live = begin(advisers=("scripted",))
    live.tap("right", "left", "right")
    labels = live.labels()
    names = [labels.names[code] for code in labels.labelers]
    assert names == ["scripted", "human"] * 3
    assert labels.actions[1::2].tolist() == [3, 2, 3]
    assert live.session.labels == 3
    assert [action for _, action in live.session.labelling.lessons()] == [3, 2, 3]
    path = live.close()
    only = Filter(actions="labelled", labels="only")
    assert load(path, only).pairs()[1].tolist() == [3, 2, 3]


def test_advice_goes_with_the_label_that_it_was_given_beside(begin: Begin) -> None:
    live = begin(advisers=("scripted",))
    live.tap("right", "u")
    assert live.lessons() == []
    live.tap("i")
    assert dict(live.lessons()) == {0: 3}
    assert len(live.acts(EditKind.WITHDRAW)) == len(live.acts(EditKind.UNDO)) == 2
    live.close()


def test_the_student_learns_from_the_person_alone(begin: Begin) -> None:
    """Taught after two labels, which say right, while the adviser says otherwise at least once."""
    live = begin(advisers=("scripted",), training="inline", labels_per_fit=2)
    live.tap("right", "left", "n")
    assert live.session.student is not None
    ticks = live.session.past.episodes[0].ticks
    seen = np.array([int(tick.observation) for tick in ticks])
    assert live.session.student.policy.act(seen).tolist() == [3, 2]
    assert live.session.student.labels == 2
