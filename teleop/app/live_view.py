"""What a painter is shown of a live session: the world as it is, or the moment at the desk, or what is asked about."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np

from learners.interface import IntArray
from recordings.schema import Driver
from teleop.app.episode_view import EpisodeView
from teleop.app.painters.view import View
from teleop.app.words import who_drives
from teleop.session import Session
from teleop.studio.desk import Desk
from teleop.studio.past import Lived, Tick
from teleop.studio.phases import Phase
from teleop.worlds.catalogue import ControlScheme


class LiveView:
    """Follows one session."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._followed: Lived | None = None
        self.path: list[Any] = []
        self.drivers: list[Driver] = []
        """Of the running episode, step by step."""
        space = session.env.observation_space
        self._first_state = int(space.start) if isinstance(space, gym.spaces.Discrete) else 0
        self._visited: IntArray | None = (
            np.zeros(int(space.n), np.int64) if isinstance(space, gym.spaces.Discrete) else None
        )
        self._labels: tuple[int, dict[int, Any]] = (-1, {})

    def follow(self, tick: Tick | None) -> None:
        """Called after every update of the session, with the step that it made."""
        latest = self._session.past.latest
        if latest is not self._followed:
            self._followed = latest
            self.path.clear()
            self.drivers.clear()
        for each in latest.ticks[len(self.path) :] if latest is not None else ():
            self.path.append(each.observation)
            self.drivers.append(each.driver)
        if tick is not None and self._visited is not None:
            self._visited[int(tick.next_observation) - self._first_state] += 1

    def view(self) -> View:
        session = self._session
        student = session.student
        common: dict[str, Any] = {
            "colour": who_drives(session)[1],
            "policy": None if student is None else student.policy,
            "version": -1 if student is None else student.version,
            "reward": None if student is None else student.reward,
            "labels": self._labels_by_state(),
            "version_of_labels": session.labelling.version,
            "visited": self._visited,
        }
        question = session.question
        if question is not None and question.is_again:  # nothing that would tell the first answer
            return View(
                observation=question.observation, colour=common["colour"], again=self._when(question.tick)
            )
        if session.desk is not None:
            return _at_desk(session.desk, common)
        tick = session.tick if session.episode_length else None
        latest = session.past.latest
        return View(
            observation=session.observation,
            path=self.path,
            drivers=self.drivers,
            action=None if tick is None else tick.action,
            student_action=session.student_action if session.running else None,
            labelled_steps=() if latest is None else latest.labels.keys(),
            ahead=self._ahead(),
            **common,
        )

    def _when(self, tick: Tick | None) -> tuple[Lived, int] | None:
        """Episode and step of what was lived; of what is not kept, an episode of nothing."""
        return None if tick is None else self._session.past.of_row(tick.step) or (Lived(-1, -1), 0)

    def _ahead(self) -> float:
        """How far the world is on its way to the next step, where it does not wait."""
        session = self._session
        waits = (
            session.world.scheme is ControlScheme.WAIT or not session.running or not session.episode_length
        )
        if waits or session.phase is Phase.PAUSED:
            return 0.0
        return session.metronome.progress(session.clock.now_ns())

    def _labels_by_state(self) -> dict[int, Any]:
        if self._visited is None:
            return {}
        labelling = self._session.labelling
        if self._labels[0] != labelling.version:
            self._labels = labelling.version, labelling.by_state()
        return self._labels[1]


def _at_desk(desk: Desk, common: dict[str, Any]) -> View:
    before = desk.episode.ticks[: desk.step]
    return View(
        observation=desk.observation,
        path=[tick.observation for tick in before],
        drivers=[tick.driver for tick in before],
        action=None if desk.tick is None else desk.tick.action,
        student_action=desk.student_action,
        labelled_steps=desk.episode.labels.keys(),
        again=(desk.episode, desk.step),
        **common,
    )


def episode_view(lived: Lived, labeler: str) -> EpisodeView:
    """An episode of this session as the timeline draws it."""
    ticks = lived.ticks
    return EpisodeView(
        index=lived.index,
        seed=lived.seed,
        options=None,
        outcome=lived.outcome,
        parent=lived.parent,
        branch_step=lived.branch_step,
        is_discarded=lived.is_discarded,
        observations=np.asarray([*(tick.observation for tick in ticks), ticks[-1].next_observation]),
        path=tuple(tick.observation for tick in ticks),
        actions=np.asarray([tick.action for tick in ticks]),
        drivers=tuple(tick.driver for tick in ticks),
        returns=np.concatenate([[0.0], np.cumsum([tick.reward for tick in ticks])]),
        student_actions=tuple(tick.student_action for tick in ticks),
        student_versions=np.full(len(ticks), -1),
        labels={step: ((labeler, given[-1].action),) for step, given in lived.labels.items() if given},
    )
