"""A simulated person in front of a session: what they press, and what of their time is counted."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import recordings
from recordings.schema import Driver, LabelKind
from teleop.benchmark.teaching import reached
from teleop.clock import StepClock
from teleop.session import Session
from teleop.start import CorrectSettings, start_correction
from teleop.teaching.budget import BUDGETS, Budget
from teleop.teaching.lesson import Lesson, teach
from teleop.teaching.person import Fingers, Person
from teleop.teaching.point import Point
from teleop.teaching.ways import WAYS
from teleop.training.student import StudentVersion
from teleop.worlds.catalogue import CARTPOLE, GRIDWORLD, World

WAY = {way.name: way for way in WAYS}
CAREFUL = Person(slips=0.0)
SHORT = Budget(30, 0.5, quiet_steps=100, labels_per_fit=10, labels_per_point=10, episodes=1)


class Stubborn:
    """A student that does one thing."""

    def __init__(self, action: int, confidence: float = 1.0) -> None:
        self.action, self._confidence = action, confidence

    def act(self, observations: Any, rng: np.random.Generator | None = None) -> Any:
        return np.full(len(observations), self.action)

    def confidence(self, observations: Any) -> Any:
        return np.full(len(observations), self._confidence)


@contextlib.contextmanager
def lesson(path: Path, way: str, world: World = GRIDWORLD, **settings: Any) -> Iterator[Lesson]:
    clock = StepClock()
    chosen = WAY[way]
    options = {"gate": chosen.gates.get(world.name, chosen.gate), "training": "none", "seed": 0} | settings
    session = start_correction(CorrectSettings(world, path, **options), clock)
    teacher = chosen.teacher(session, CAREFUL, np.random.default_rng(0))
    with contextlib.closing(session):
        yield Lesson(session, clock, teacher, BUDGETS[world.name], seed=0)


def frames_until(lesson: Lesson, session: Session, labels: int, most: int = 5_000) -> None:
    for _ in range(most):
        if session.labels >= labels:
            return
        lesson.frame()
    raise AssertionError(f"{session.labels} labels after {most} frames")


def test_fingers_press_what_is_due_and_lift_what_is_down() -> None:
    class Deaf:
        def __init__(self) -> None:
            self.heard: list[str] = []

        def press(self, key: str) -> None:
            self.heard.append(f"+{key}")

        def release(self, key: str) -> None:
            self.heard.append(f"-{key}")

    session = Deaf()
    fingers = Fingers(session)  # type: ignore[arg-type]
    fingers.hold("a", 10)
    fingers.hold("b", 30)
    fingers.hold("b", 40)
    fingers.tap("c", 20)
    fingers.move(9)
    assert session.heard == []
    fingers.move(25)
    assert session.heard == ["+a", "+c"]
    fingers.move(40)
    assert session.heard == ["+a", "+c", "-a", "+b"], "holding the same key again presses nothing"
    fingers.tap("a", 60)
    fingers.lift(50)
    fingers.move(70)
    assert session.heard[-2:] == ["-b", "-c"], "who lifts their hand presses nothing that was meant for later"
    assert fingers.is_idle


def test_driving_where_the_world_waits_takes_a_reaction_a_step(tmp_path: Path) -> None:
    with lesson(tmp_path / "a.h5", "demonstration") as run:
        session = run._session
        frames_until(run, session, 10)
        assert run.person_ns / 1e9 == pytest.approx(10 * (0.25 + 1 / 60), rel=0.1)
        session.recorder.flush()
        with recordings.open(tmp_path / "a.h5", tail=True) as reader:
            assert set(reader.column("driver")[:].tolist()) == {Driver.HUMAN}


def test_questions_cost_an_answer_each_and_the_first_a_switch(tmp_path: Path) -> None:
    with lesson(tmp_path / "q.h5", "query", gate="uncertainty") as run:
        session = run._session
        session.adopt(StudentVersion(Stubborn(3, confidence=0.1), 1))
        frames_until(run, session, 1)
        began = run.person_ns
        frames_until(run, session, 6)
        assert (run.person_ns - began) / 1e9 == pytest.approx(5 * (0.4 + 1 / 60), rel=0.1)
        assert began / 1e9 >= CAREFUL.reaction_s
        assert session.score.queries >= 5


def test_a_student_that_never_asks_costs_no_time(tmp_path: Path) -> None:
    with lesson(tmp_path / "n.h5", "query", gate="uncertainty") as run:
        session = run._session
        session.adopt(StudentVersion(Stubborn(3), 1))
        session.gate.on_revisit = False  # type: ignore[union-attr]
        for _ in range(60):
            run.frame()
        assert run.person_ns == 0
        assert session.student_ticks > 50


def test_who_watches_takes_over_a_reaction_after_the_error(tmp_path: Path) -> None:
    with lesson(tmp_path / "t.h5", "takeover") as run:
        session = run._session
        run.frame()
        session.adopt(StudentVersion(Stubborn(0), 1))
        session.press("space")
        session.release("space")
        frames_until(run, session, 3)
        assert session.takeovers >= 1
        assert run.person_ns > 0
        assert session.labelling.by_state()
    with recordings.open(tmp_path / "t.h5") as reader:
        drivers, times_s = reader.column("driver")[:].tolist(), reader.column("time_ns")[:] / 1e9
    # Wrong from the first step on: at 8 steps a second two more pass within 250 ms, and the first key takes as long.
    assert drivers == [Driver.STUDENT] * 3 + [Driver.HUMAN] * 3
    assert times_s[3] - times_s[0] >= 2 * CAREFUL.reaction_s


def test_at_the_desk_labels_are_retrospective_and_rollouts_cost_nothing(tmp_path: Path) -> None:
    with lesson(tmp_path / "d.h5", "timeline", training="inline", labels_per_fit=10) as run:
        session = run._session
        frames_until(run, session, 14, most=20_000)
        assert run.person_ns < run._clock.now_ns() / 2, "the student was mostly alone"
    with recordings.open(tmp_path / "d.h5") as reader:
        kinds = reader.labels().kinds.tolist()
        assert kinds.count(LabelKind.RETROSPECTIVE) >= 2


def test_going_back_records_a_branch(tmp_path: Path) -> None:
    with lesson(tmp_path / "r.h5", "rewind", training="inline", labels_per_fit=10) as run:
        frames_until(run, run._session, 100, most=30_000)
    with recordings.open(tmp_path / "r.h5") as reader:
        assert any(episode.parent >= 0 for episode in reader.episodes)


@pytest.mark.parametrize(
    ("way", "world"),
    [(way.name, (CARTPOLE, GRIDWORLD)[index % 2]) for index, way in enumerate(WAYS)],
    ids=lambda each: str(getattr(each, "name", each)),
)
def test_every_way_teaches_something(tmp_path: Path, way: str, world: World) -> None:
    points = teach(world, WAY[way], SHORT, tmp_path, person=Person(), seed=3)
    assert points[-1].labels > 10
    assert [point.labels for point in points] == sorted(point.labels for point in points)
    assert [point.person_s for point in points] == sorted(point.person_s for point in points)


def test_a_lesson_repeats(tmp_path: Path) -> None:
    one, two = (
        teach(GRIDWORLD, WAY["query"], SHORT, tmp_path / name, person=Person(), seed=3) for name in "ab"
    )
    assert one == two


def test_a_return_counts_as_reached_where_it_stays() -> None:
    returns = [1.0, 9.0, 2.0, 9.5, 9.9]
    curve = [Point(10 * i, 10 * i, float(i), value) for i, value in enumerate(returns)]
    assert reached(curve, 9.0) is not None
    assert reached(curve, 9.0).labels == 30  # type: ignore[union-attr]
    assert reached(curve, 9.9).labels == 40, "nothing follows the last point"  # type: ignore[union-attr]
    assert reached(curve, 9.95) is None
