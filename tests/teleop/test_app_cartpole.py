"""CartPole's picture: it runs on between steps as the world will, and tells the way here and the student's odds."""

from __future__ import annotations

import dataclasses

import gymnasium as gym
import numpy as np
import pygame
import pytest

from learners.policies import Architecture, policy_from
from recordings.schema import Driver
from teleop.app.painters.cartpole import CartPolePainter, _on_the_way
from teleop.app.painters.odds import odds
from teleop.app.painters.trace import SHOWN_STEPS, Lane, Trace
from teleop.app.painters.view import View
from teleop.app.typeface import Typeface
from teleop.preferences.palette import DRIVERS, TEXT

STILL = np.zeros(4, np.float32)


@pytest.mark.parametrize("push", [0, 1])
def test_between_two_steps_the_picture_goes_where_the_next_step_will_be_whatever_the_push(push: int) -> None:
    env = gym.make("CartPole-v1")
    before, _ = env.reset(seed=4)
    for _ in range(5):
        before, *_ = env.step(1)
    after, *_ = env.step(push)
    env.close()
    assert _on_the_way(View(observation=before)) == (before[0], before[2])
    assert _on_the_way(View(observation=before, ahead=1.0)) == pytest.approx((after[0], after[2]), abs=1e-6)
    half = (before[0] + after[0]) / 2, (before[2] + after[2]) / 2
    assert _on_the_way(View(observation=before, ahead=0.5)) == pytest.approx(half, abs=1e-6)


def painted(view: View, size: tuple[int, int] = (640, 480)) -> np.ndarray:  # type: ignore[type-arg]
    surface = pygame.Surface(size)
    CartPolePainter().draw(surface, surface.get_rect(), view, 0.0)
    return pygame.surfarray.array3d(surface)


def test_the_odds_are_drawn_where_the_student_has_them() -> None:
    env = gym.make("CartPole-v1")
    architecture = Architecture(env.observation_space, env.action_space)
    env.close()
    weights = {name: np.zeros(shape, np.float32) for name, shape in architecture.shapes().items()}
    weights["std"] += 1
    policy = policy_from(architecture, weights)
    found = odds(policy, STILL)
    assert found is not None
    assert found.tolist() == [0.5, 0.5]
    assert odds(None, STILL) is None
    without = View(observation=STILL)
    assert not np.array_equal(painted(without), painted(dataclasses.replace(without, policy=policy)))


def strip(view: View) -> np.ndarray:  # type: ignore[type-arg]
    """(width, height, 3) a strip of one lane, the first number of the observation, with ticks under it."""
    surface = pygame.Surface((246, 60))
    Trace([Lane(0, 1.0, "")]).draw(surface, Typeface(1.0), surface.get_rect(), view)
    return pygame.surfarray.array3d(surface)


def pixels(picture: np.ndarray, colour: object) -> int:  # type: ignore[type-arg]
    return int((picture == tuple(colour)).all(2).sum())  # type: ignore[call-overload]


def test_the_strip_wears_the_colours_of_those_who_drove() -> None:
    path = [np.array([0.1 * step, 0, 0, 0]) for step in range(6)]
    drivers = [Driver.STUDENT] * 3 + [Driver.HUMAN] * 3
    both = strip(View(observation=STILL, path=path, drivers=drivers))
    assert pixels(both, DRIVERS[Driver.STUDENT]) > 0
    assert pixels(both, DRIVERS[Driver.HUMAN]) > 0
    assert (
        pixels(strip(View(observation=STILL, path=path, drivers=drivers[:3] * 2)), DRIVERS[Driver.HUMAN]) == 0
    )


def test_each_label_leaves_a_tick_as_long_as_its_step_is_shown() -> None:
    n = SHOWN_STEPS + 20
    path, drivers = [STILL] * n, [Driver.STUDENT] * n

    def ticks(*labelled: int) -> list[int]:
        floor = strip(View(observation=STILL, path=path, drivers=drivers, labelled_steps=labelled))[:, -4]
        return np.flatnonzero((floor == tuple(TEXT)).all(1)).tolist()

    assert ticks() == ticks(19) == []
    assert ticks(20)
    newest = ticks(n - 1)
    assert newest == [240 - 2 - 1, 240 - 2]
    assert ticks(n - 1, n - 2) == [*(x - 2 for x in newest), *newest]


def test_the_strip_is_painted_again_for_a_step_or_a_label_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    trace, surface, typeface = Trace([Lane(0, 1.0, "")]), pygame.Surface((246, 60)), Typeface(1.0)
    times = 0
    paint = trace._paint

    def counted(*arguments: object) -> None:
        nonlocal times
        times += 1
        paint(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(trace, "_paint", counted)
    path, labelled = [STILL], []
    view = View(observation=STILL, path=path, drivers=[Driver.STUDENT] * 2, labelled_steps=labelled)
    for _ in range(3):
        trace.draw(surface, typeface, surface.get_rect(), view)
    assert times == 1
    labelled.append(0)
    trace.draw(surface, typeface, surface.get_rect(), view)
    path.append(STILL)
    trace.draw(surface, typeface, surface.get_rect(), view)
    assert times == 3
