"""The strip under the world while a person is at the desk: the episode, and what in it is worth asking about."""

from __future__ import annotations

import pygame

from teleop.app.episode_view import EpisodeView
from teleop.app.live_view import episode_view
from teleop.app.timeline import Timeline
from teleop.app.typeface import Typeface
from teleop.preferences.palette import WARNING
from teleop.studio.desk import Desk


class DeskStrip:
    """Keeps the timeline of the episode at the desk."""

    def __init__(self) -> None:
        self._timeline = Timeline()
        self._shown: tuple[Desk, int, EpisodeView] | None = None
        self._is_scrubbing = False

    def draw(
        self, surface: pygame.Surface, typeface: Typeface, area: pygame.Rect, desk: Desk, version: int
    ) -> None:
        """version: of the labels."""
        worth = desk.worth()
        looking = "looking for states where " if desk.is_looking else ""
        text = (
            f"{len(worth)} worth asking about: {desk.criterion.value}"
            if worth
            else f"{looking}{desk.criterion.value}"
        )
        self._timeline.draw(
            surface, typeface, area, self._episode(desk, version), desk.step, playing=None, speed=text
        )
        for step in worth:
            self._draw_mark(surface, typeface, self._timeline.place_of(step + 0.5, desk.length))

    def step_at(self, event: pygame.Event, desk: Desk) -> int | None:
        """The step to which the mouse drags the cursor; None: it does not."""
        match event.type:
            case pygame.MOUSEBUTTONDOWN if event.button == 1:
                self._is_scrubbing = self._timeline.on_bar(event.pos)
            case pygame.MOUSEBUTTONUP:
                self._is_scrubbing = False
                return None
            case pygame.MOUSEMOTION:
                pass
            case _:
                return None
        return self._timeline.step_at(event.pos[0], desk.length) if self._is_scrubbing else None

    def _episode(self, desk: Desk, version: int) -> EpisodeView:
        if self._shown is None or self._shown[:2] != (desk, version):
            self._shown = desk, version, episode_view(desk.episode, "")
        return self._shown[2]

    def _draw_mark(self, surface: pygame.Surface, typeface: Typeface, place: tuple[int, int]) -> None:
        """A small triangle over the bar, pointing down at a step."""
        reach = typeface.px(4)
        x, y = place
        triangle = [(x - reach, y - 2 * reach), (x + reach, y - 2 * reach), (x, y - 1)]
        pygame.draw.polygon(surface, WARNING, triangle)
