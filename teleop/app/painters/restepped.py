"""A replay of a world that only draws itself: it is stepped again, as recorded, and asked for its picture."""

from __future__ import annotations

import time
from typing import Any

import gymnasium as gym
import numpy as np
import pygame

from recordings import spaces
from teleop.app.episode_view import EpisodeView
from teleop.app.painters.rendered import NumbersPainter, Photograph, is_pixels
from teleop.app.painters.view import View
from teleop.worlds.catalogue import World

STEPPING_S = 0.008
"""Of a frame, at most this goes into catching up with a playhead that jumped; the last picture stays meanwhile."""
TOLERANCE = 1e-6
"""How far a world may be from what was recorded and still be taken for it."""


class ResteppedPainter:
    """Shows numbers where the world cannot be made, drawn or seeded, and where it went another way than recorded."""

    aspect = 1.5

    def __init__(self, world: World) -> None:
        self._world = world
        self._env: gym.Env[Any, Any] | None = None
        self._numbers = NumbersPainter()
        self._photograph = Photograph()
        self._episode: EpisodeView | None = None
        self._actions: list[Any] = []
        self._at = 0
        """Step of the episode that the environment is before."""
        self._seen: Any = None
        self._has_strayed = self._is_broken = False

    def draw(self, surface: pygame.Surface, area: pygame.Rect, view: View, now_s: float) -> None:
        is_shown, is_behind = self._is_shown(view), self._at != len(view.path)
        if is_shown and not (is_behind and is_pixels(view.observation)):
            self._photograph.draw(surface, area)
        else:
            self._numbers.draw(surface, area, view, now_s)

    def close(self) -> None:
        """Close the world; it is made again if it is asked for again."""
        if self._env is not None:
            self._env.close()
            self._env = self._episode = None

    def _is_shown(self, view: View) -> bool:
        """Whether there is a picture of the moment in view, or, while catching up, of one before it."""
        if view.episode is None or view.episode.seed < 0 or self._is_broken:
            return False
        try:
            self._catch_up(view.episode, len(view.path))
        except Exception:  # noqa: BLE001 - whatever an environment raises, the numbers can still be shown
            self._is_broken = True
        return not (self._has_strayed or self._is_broken)

    def _catch_up(self, episode: EpisodeView, step: int) -> None:
        """Bring the world to the moment before `step`, from the start where it is past it."""
        until_s = time.perf_counter() + STEPPING_S
        env = self._env or self._world.make(render_mode="rgb_array")
        self._env = env
        is_new = episode is not self._episode
        if is_new or self._at > step:
            self._begin(env, episode)
        while self._at < step and not self._has_strayed and time.perf_counter() < until_s:
            self._seen = env.step(self._actions[self._at])[0]
            self._at += 1
            self._look(env, episode)
        if self._at == step or is_new:
            self._photograph.take(env, (episode.index, self._at))

    def _begin(self, env: gym.Env[Any, Any], episode: EpisodeView) -> None:
        self._actions = list(spaces.decoder_of_rows(env.action_space)(episode.actions))
        self._seen, _ = env.reset(seed=episode.seed, options=episode.options)
        self._episode, self._at, self._has_strayed = episode, 0, False
        self._look(env, episode)

    def _look(self, env: gym.Env[Any, Any], episode: EpisodeView) -> None:
        """Notice a world that is not where it was recorded to be."""
        if self._at < len(episode.observations):
            seen = np.asarray(spaces.encoder(env.observation_space)(self._seen), np.float64)
            recorded = np.asarray(episode.observations[self._at], np.float64)
            self._has_strayed = not np.allclose(seen, recorded, rtol=0, atol=TOLERANCE, equal_nan=True)
