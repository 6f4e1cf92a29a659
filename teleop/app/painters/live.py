"""A live world that draws itself: now as it is; a moment that is past by a copy of it, stepped again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import gymnasium as gym
import pygame

from learners.worlds import headless
from teleop.app.episode_view import EpisodeView
from teleop.app.live_view import episode_view
from teleop.app.painters.rendered import NumbersPainter, RenderedPainter
from teleop.app.painters.restepped import ResteppedPainter
from teleop.app.painters.view import Painter, View
from teleop.studio.past import Lived
from teleop.worlds.choice import recorded_world


class LivePainter:
    """For a session's own environment; it is not the painter's to close."""

    def __init__(self, env: gym.Env[Any, Any]) -> None:
        """env: made with `render_mode="rgb_array"`."""
        self._env = env
        self._now = RenderedPainter(env)
        self._again: Painter | None = None
        self._episode: tuple[Lived, EpisodeView] | None = None

    @property
    def aspect(self) -> float:
        return self._now.aspect

    def draw(self, surface: pygame.Surface, area: pygame.Rect, view: View, now_s: float) -> None:
        if view.again is None:
            self._now.draw(surface, area, view, now_s)
            return
        lived, step = view.again
        if lived.length:
            episode = self._view_of(lived)
            view = replace(view, episode=episode, path=episode.path[:step])
        self._copy().draw(surface, area, view, now_s)

    def _view_of(self, lived: Lived) -> EpisodeView:
        if self._episode is None or self._episode[0] is not lived or self._episode[1].length != lived.length:
            self._episode = lived, episode_view(lived, "")
        return self._episode[1]

    def _copy(self) -> Painter:
        if self._again is None:
            spec = self._env.spec
            self._again = (
                NumbersPainter() if spec is None else ResteppedPainter(recorded_world(headless(spec)))
            )
        return self._again
