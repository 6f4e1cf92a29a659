"""How a session goes, in figures that can be counted by hand."""

from __future__ import annotations

import math

import gymnasium as gym
import numpy as np
import pytest

from learners.alike import tolerance_of
from recordings.schema import Driver
from teleop.studio.score import POINTS, RECENT, Score
from teleop.training.student import StudentVersion
from tests.teleop.live import Always, Begin

MINUTE_NS = 60 * 10**9


def test_agreement_counts_labels_where_there_was_a_student() -> None:
    score = Score()
    for action, proposed in [(1, None), (1, 1), (2, 1), (3, 3)]:
        score.label(action, proposed, 0)
    assert score.labels == 4
    assert score.agreement == (2, 3)
    assert score.recent_agreement == (2, 3)


def test_recent_agreement_forgets_what_is_a_hundred_labels_ago() -> None:
    """50 disagreements, then 100 agreements."""
    score = Score()
    for i in range(150):
        score.label(0, int(i < 50), 0)
    assert RECENT == 100
    assert score.agreement == (100, 150)
    assert score.recent_agreement == (100, 100)
    assert score.points[-1].agreement == 1.0
    assert score.points[99].agreement == 0.5


def test_labels_per_minute_are_of_the_last_minute() -> None:
    score = Score(began_ns=0)
    for second in range(0, 120, 10):
        score.label(0, None, second * 10**9)
    assert score.labels_per_minute(2 * MINUTE_NS) == 6
    assert score.labels_per_minute(4 * MINUTE_NS) == 0
    early = Score(began_ns=0)
    early.label(0, None, 10**9)
    assert early.labels_per_minute(30 * 10**9) == pytest.approx(2.0), "one in half a minute"


def test_takeovers_and_their_length() -> None:
    """Before there is a student nobody takes over. Then: 2 student, 3 human, 1 student, 1 human."""
    score = Score()
    score.begin_episode()
    score.step(Driver.HUMAN, has_student=False)
    assert math.isnan(score.autonomous)
    for driver in [Driver.STUDENT] * 2 + [Driver.HUMAN] * 3 + [Driver.STUDENT] + [Driver.HUMAN]:
        score.step(driver, has_student=True)
    assert score.takeovers == 2
    assert score.takeover_length == 2.0
    assert score.autonomous == 3 / 7


def test_a_takeover_does_not_last_over_an_episodes_end_and_repetition_is_none() -> None:
    score = Score()
    for drivers in ([Driver.HUMAN], [Driver.REPLAYED, Driver.REPLAYED, Driver.HUMAN, Driver.HUMAN]):
        score.begin_episode()
        for driver in drivers:
            score.step(driver, has_student=True)
    assert score.takeovers == 2
    assert score.expert_steps == 3
    assert score.student_steps == 0


def test_returns_by_who_drove() -> None:
    score = Score()
    for drivers, value in [
        ([Driver.STUDENT], 1.0),
        ([Driver.STUDENT], 3.0),
        ([Driver.STUDENT, Driver.HUMAN], 5.0),
        ([Driver.REPLAYED, Driver.HUMAN], 7.0),
        ([Driver.HUMAN], 9.0),
        ([], 99.0),
    ]:
        score.begin_episode()
        for driver in drivers:
            score.step(driver, has_student=True)
        score.end_episode(value)
    assert (score.alone.n, score.alone.mean, score.alone.last) == (2, 2.0, 3.0)
    assert (score.assisted.n, score.assisted.mean) == (2, 6.0)
    assert (score.shown.n, score.shown.mean) == (1, 9.0)
    assert math.isnan(Score().alone.mean)


def test_curves_stay_short_and_keep_their_ends() -> None:
    score = Score()
    for i in range(5000):
        score.label(0, 0, i)
        score.student(i, i, 1.0, i)
    assert len(score.points) <= POINTS + 1
    assert len(score.fits) <= POINTS + 1
    assert (score.points[0].labels, score.points[-1].labels) == (1, 5000)
    assert (score.fits[0].version, score.fits[-1].version) == (0, 4999)


def test_the_score_of_a_session(begin: Begin) -> None:
    """The student says down. Four steps of it; the person takes over and drives right, down, right; then two more of
    it. At the desk, agreeing with one state and not with another."""
    live = begin(student=Always(1), takeover="toggle", rest_s=5.0)
    live.drive_until(4)
    live.tap("space", "right", "down", "right", "space")
    live.drive_until(9)
    live.tap("t", "home", "s", "d")
    score = live.session.score
    assert score.takeovers == 1
    assert score.takeover_length == 3.0
    assert score.autonomous == 6 / 9
    assert score.labels == 5
    assert score.agreement == (2, 5)
    assert [point.labels for point in score.points] == [1, 2, 3, 4, 5]
    live.tap("u")
    assert score.labels == 4
    total = live.session.episode_return
    live.tap("n")
    assert (score.assisted.n, score.assisted.last, score.alone.n) == (1, total, 0)
    live.session.adopt(StudentVersion(Always(2), 7, labels=4, loss=0.25))
    assert (score.fits[-1].version, score.fits[-1].labels, score.fits[-1].loss) == (7, 4, 0.25)
    live.close()


def test_numbers_agree_that_are_nearly_the_same() -> None:
    """A twentieth of the range of a Box apart at most; choices agree only where they are the same."""
    turn = tolerance_of(gym.spaces.Box(-0.15, 0.15, (1,), np.float32))
    score = Score(tolerance=turn)
    for label, proposed in ((0.02, 0.034), (0.02, 0.036), (-0.02, -0.02)):
        score.label(np.array([label]), np.array([proposed]), 0)
    assert score.agreement == (2, 3)
    assert tolerance_of(gym.spaces.Discrete(4)) == 0.0
    assert tolerance_of(gym.spaces.Box(-np.inf, np.inf, (1,), np.float32)) == pytest.approx([0.1])
    choices = Score(tolerance=tolerance_of(gym.spaces.Discrete(4)))
    choices.label(1, np.int64(1), 0)
    choices.label(1, np.int64(2), 0)
    assert choices.agreement == (1, 2)
