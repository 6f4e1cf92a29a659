"""A trainer that is looked at: what a live session comes to, told while it goes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isnan
from typing import Any, Protocol

from teleop.studio.score import Score, share
from teleop.training.student import StudentVersion, Trainer

Tell = Callable[[int, Mapping[str, Any]], None]
"""(step of the session, values by name)"""


class Watched(Protocol):
    """What is looked at of a session."""

    score: Score
    episodes: int
    driven_ticks: int
    episode_return: float
    episode_length: int


class ObservedTrainer:
    """Hands over what another trainer does, and tells of every student and of every episode that ended.

    A session polls its trainer before each step, so nothing else has to know that somebody looks.
    """

    def __init__(self, trainer: Trainer, session: Watched, tell: Tell) -> None:
        self._trainer, self._session, self._tell = trainer, session, tell
        self._episodes = session.episodes

    @property
    def trouble(self) -> str:
        return self._trainer.trouble

    def look_again(self) -> None:
        self._trainer.look_again()

    def poll(self) -> StudentVersion | None:
        self._look()
        student = self._trainer.poll()
        if student is not None:
            values = {
                "student_version": student.version,
                "student_labels": student.labels,
                "loss": student.loss,
            }
            self._tell(self._session.driven_ticks, values)
        return student

    def close(self) -> None:
        self._look()
        self._trainer.close()

    def _look(self) -> None:
        session = self._session
        if session.episodes == self._episodes:
            return
        self._episodes = session.episodes
        score = session.score
        values = {
            "episodes": session.episodes,
            "episode_return": session.episode_return,
            "episode_length": session.episode_length,
            "labels": score.labels,
            "takeovers": score.takeovers,
            "queries": score.queries,
            "autonomous": score.autonomous,
            "agreement": share(score.recent_agreement),
        }
        self._tell(session.driven_ticks, {name: value for name, value in values.items() if not isnan(value)})
