"""One person teaches one student in one way, through a real session: how its return grew with labels and with time."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np

from learners import bc
from learners.dagger import quick_student
from learners.evaluation import evaluate
from teleop.clock import SECOND_NS, StepClock
from teleop.session import Session
from teleop.start import CorrectSettings, start_correction
from teleop.teaching.budget import Budget
from teleop.teaching.person import Person
from teleop.teaching.point import Point
from teleop.teaching.teachers import Teacher
from teleop.teaching.ways import Way
from teleop.trainer import Course, InlineTrainer
from teleop.worlds.catalogue import World

FRAME_NS = SECOND_NS // 60


class QuickCourse(Course):
    """DAgger's own student: a hundred lessons with dozens of students each would take hours with the live one."""

    def config(self) -> bc.Config:
        return quick_student()


def teach(world: World, way: Way, budget: Budget, folder: Path, *, person: Person, seed: int) -> list[Point]:
    """The curve of one lesson; the same seed gives the same one."""
    clock = StepClock()
    settings = CorrectSettings(
        world,
        folder / f"{way.name}-{world.name}-{seed}.h5",
        gate=way.gates.get(world.name, way.gate),
        training="none",
        seed=seed,
    )
    with contextlib.closing(start_correction(settings, clock)) as session:
        session.trainer = session.labelling.trainer = InlineTrainer(
            QuickCourse(world),
            settings.out,
            np.random.default_rng([seed, 0]),
            teacher=session.expert.name,
            flush=session.recorder.flush,
            every=budget.labels_per_fit,
        )
        teacher = way.teacher(session, person, np.random.default_rng([seed, 1]))
        return Lesson(session, clock, teacher, budget, seed).run()


class Lesson:
    """A session, the person in front of it, and a watch that runs while they are needed."""

    def __init__(
        self, session: Session, clock: StepClock, teacher: Teacher, budget: Budget, seed: int
    ) -> None:
        self._session, self._clock, self._teacher, self._budget = session, clock, teacher, budget
        self._seed = seed
        self.person_ns = 0
        self.points: list[Point] = []
        self._version = 0
        self._quiet_steps = 0
        self._labels = 0

    def run(self) -> list[Point]:
        while not self._is_over():
            self.frame()
        self._measure()
        return self.points

    def frame(self) -> None:
        """One frame of the session: a sixtieth of a second, or a step of the world where nobody watches."""
        session, teacher = self._session, self._teacher
        now_ns = self._clock.now_ns()
        teacher.act(now_ns)
        tick = session.update()
        if tick is not None:
            teacher.saw(tick, now_ns)
            self._quiet_steps = 0 if session.labels != self._labels else self._quiet_steps + 1
            self._labels = session.labels
        if session.student is not None and session.student.version != self._version:
            self._version = session.student.version
            if not self.points or session.labels >= self.points[-1].labels + self._budget.labels_per_point:
                self._measure()
        is_needed = teacher.is_needed
        self._clock.advance(FRAME_NS if is_needed else session.metronome.period_ns)
        self.person_ns += is_needed * (self._clock.now_ns() - now_ns)

    def _is_over(self) -> bool:
        budget = self._budget
        return (
            self._session.labels >= budget.labels
            or self.person_ns >= budget.minutes * 60e9
            or self._quiet_steps >= budget.quiet_steps
        )

    def _measure(self) -> None:
        session = self._session
        if session.student is None:
            return
        found = evaluate(
            session.student.policy,
            session.world.spec(),
            episodes=self._budget.episodes,
            seed=1_000_000 + self._seed,
        )
        self.points.append(
            Point(session.labels, session.distinct_labels, self.person_ns / 1e9, found.return_mean)
        )
