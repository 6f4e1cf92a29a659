"""DAgger's rounds in a live session: the loop is `learners.dagger.imitate`, the sampler is the session."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from learners.asking.gates import BetaGate
from learners.asking.practice import Round, Tally
from recordings.demonstrations import Demonstrations
from recordings.schema import Driver
from teleop.session import Session
from teleop.studio.past import Tick
from teleop.training.student import StudentVersion

Watch = Callable[[Tick], None]


class SessionSampler:
    """Turns a round into labelled steps by letting the session run; everything is recorded on the way."""

    def __init__(
        self,
        session: Session,
        run: Callable[[Callable[[], bool], Watch], None],
        *,
        labels_per_round: int,
        steps_per_round: int,
    ) -> None:
        """run(done, watch): drives the session, headless or in a window, until `done()`; `watch` sees each step."""
        self._session, self._run = session, run
        self._labels_per_round, self._steps_per_round = labels_per_round, steps_per_round
        self._episode = -1
        self.tally = Tally()

    def __call__(self, round_: Round) -> Demonstrations:
        """The steps of one round; none labelled means that nobody was asked anything."""
        session = self._session
        if isinstance(session.gate, BetaGate):
            session.gate.beta = round_.beta
        if round_.student is not None:
            session.adopt(StudentVersion(round_.student, round_.index, session.labels))
        ticks: list[Tick] = []
        labels_before = session.labels
        self.tally.begin_round()

        def is_done() -> bool:
            return (
                session.labels - labels_before >= self._labels_per_round
                or len(ticks) >= self._steps_per_round
            )

        def watch(tick: Tick) -> None:
            ticks.append(tick)
            self._count(tick)

        self._run(is_done, watch)
        return self._demonstrations(ticks)

    def _count(self, tick: Tick) -> None:
        if tick.episode != self._episode:
            self._episode = tick.episode
            self.tally.begin_episode()
        is_last = tick.terminated or tick.truncated
        self.tally.count(tick.driver is not Driver.STUDENT, tick.reward, is_last)

    def _demonstrations(self, ticks: list[Tick]) -> Demonstrations:
        space, actions = self._session.env.observation_space, self._session.env.action_space
        labels: list[Any] = [tick.action if tick.label is None else tick.label for tick in ticks]
        return Demonstrations.from_steps(
            np.asarray([tick.observation for tick in ticks], dtype=space.dtype),
            np.asarray(labels, dtype=actions.dtype),
            labelled=np.asarray([tick.label is not None for tick in ticks], dtype=bool),
            observation_space=space,
            action_space=actions,
        )
