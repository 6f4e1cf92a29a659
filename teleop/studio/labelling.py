"""Labels, given and taken back: to the recording, to whoever learns from them, and to the figures.

A label is a row of /labels; one that is taken back stays there, and an edit says that it no longer counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from learners.asking.gates import Gate
from learners.interface import Expert
from recordings.recorder import Recorder
from recordings.schema import EditKind, LabelKind
from teleop.clock import Clock
from teleop.studio.past import Given, Lived, Past, Tick
from teleop.studio.score import Score
from teleop.studio.undo import Act, History
from teleop.training.student import Trainer


class Labelling:
    """The labels of one session by one teacher, and beside them those of advisers, from whom nobody learns."""

    def __init__(
        self,
        recorder: Recorder,
        past: Past,
        score: Score,
        history: History,
        clock: Clock,
        *,
        trainer: Trainer | None = None,
        gate: Gate | None = None,
        advisers: Sequence[Expert] = (),
        by_state: bool = False,
    ) -> None:
        """by_state: observations are numbers of states, which tell them apart; else each step is one of its own."""
        self._recorder, self._past, self._score, self._history = recorder, past, score, history
        self._clock = clock
        self.trainer, self.gate, self.advisers = trainer, gate, tuple(advisers)
        self._by_state = by_state
        self._held: dict[int, dict[int, Any]] = {}
        self.version = 0
        """Changes whenever a label does."""

    @property
    def distinct(self) -> int:
        """States labelled, where states can be told apart by number; else steps labelled."""
        return len(self._held)

    def by_state(self) -> dict[int, Any]:
        """State (or row of /steps) -> the last label given there."""
        return {place: next(reversed(labels.values())) for place, labels in self._held.items()}

    def lessons(self) -> list[tuple[Any, Any]]:
        """Observation and action of every label that holds, in the episodes that are remembered."""
        return [
            (episode.ticks[step].observation, given[-1].action)
            for episode in self._past.episodes
            if not episode.is_discarded
            for step, given in episode.labels.items()
        ]

    def give(self, tick: Tick, action: Any, labeler: str, kind: LabelKind, proposed: Any | None) -> None:
        """A label for a step that was recorded. proposed: what the student would do there."""
        now_ns = self._clock.now_ns()
        found = self._past.of_row(tick.step)
        advice = [] if found is None else self._ask_advisers(tick, found[1], now_ns)
        row = self._recorder.label(tick.step, action, labeler=labeler, kind=kind, time_ns=now_ns)
        given = Given(row, action)
        self._score.label(action, proposed, now_ns)
        if found is None:
            self._hold(tick, given)
            return
        episode, step = found
        if episode.is_discarded:
            self._score.take_back(1)  # it counts once the episode does
        else:
            self._hold(tick, given)
        episode.labels.setdefault(step, []).append(given)
        self._history.did(self._act(episode, step, given, advice))

    def set_aside(self, episode: Lived) -> None:
        """The episode was discarded: nobody learns from its labels."""
        for step, given in episode.labels.items():
            for each in given:
                self._let_go(episode.ticks[step], each)
        self._score.take_back(sum(map(len, episode.labels.values())))

    def take_in(self, episode: Lived) -> None:
        """It counts again."""
        for step, given in episode.labels.items():
            for each in given:
                self._hold(episode.ticks[step], each)
        self._score.take_back(-sum(map(len, episode.labels.values())))

    def _ask_advisers(self, tick: Tick, step: int, now_ns: int) -> list[int]:
        """Rows of their labels, which stand before the teacher's: of several for one step the last holds."""
        advised = ((adviser.name, adviser.act(tick.observation, step)) for adviser in self.advisers)
        return [
            self._recorder.label(tick.step, advice, labeler=name, kind=LabelKind.ADVISED, time_ns=now_ns)
            for name, advice in advised
            if advice is not None
        ]

    def _act(self, episode: Lived, step: int, given: Given, advice: list[int]) -> Act:
        """advice: rows of the labels that were given beside this one, and go and come with it."""
        tick = episode.ticks[step]
        edits: list[int] = []

        def take_back() -> None:
            edits[:] = [self._edit(EditKind.WITHDRAW, episode, step, row) for row in (given.row, *advice)]
            episode.labels[step].remove(given)
            if not episode.labels[step]:
                del episode.labels[step]
            if not episode.is_discarded:
                self._score.take_back(1)
                self._let_go(tick, given)

        def bring_back() -> None:
            for edit in edits:
                self._edit(EditKind.UNDO, episode, step, edit)
            episode.labels.setdefault(step, []).append(given)
            if not episode.is_discarded:
                self._score.take_back(-1)
                self._hold(tick, given)

        return Act("label", take_back, bring_back)

    def _edit(self, kind: EditKind, episode: Lived, step: int, value: int) -> int:
        return self._recorder.edit(
            kind,
            episode=episode.index,
            start=step,
            stop=step + 1,
            value=value,
            time_ns=self._clock.now_ns(),
        )

    def _hold(self, tick: Tick, given: Given) -> None:
        labels = self._held.setdefault(self._place(tick), {})
        labels.pop(given.row, None)
        labels[given.row] = given.action
        if self.gate is not None:
            self.gate.learn(tick.observation, given.action)
        self.version += 1
        if self.trainer is not None:
            self.trainer.look_again()

    def _let_go(self, tick: Tick, given: Given) -> None:
        place = self._place(tick)
        labels = self._held.get(place, {})
        labels.pop(given.row, None)
        if self.gate is not None:
            self.gate.forget(tick.observation, given.action)
        if not labels:
            self._held.pop(place, None)
        self.version += 1
        if self.trainer is not None:
            self.trainer.look_again()

    def _place(self, tick: Tick) -> int:
        return int(np.asarray(tick.observation)) if self._by_state else tick.moment
