"""Two episodes side by side, stepping together: where they part, who did what, what came of it.

A branch repeats its parent's first steps, so equal steps of the two are equal moments until they part.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import pygame

from recordings.errors import UnderstudyError
from recordings.reader import Reader
from teleop.app.compare_picture import ComparePicture, Pair
from teleop.app.drive import Following, close_window
from teleop.app.episode_view import EpisodeView, load_episode
from teleop.app.key_names import key_name
from teleop.app.keycaps import KeyRow
from teleop.app.painters.choose import painter_for_replay, put_away
from teleop.app.playhead import Playhead
from teleop.app.window import Quit, Scene
from teleop.worlds.catalogue import World

KEYS = (
    KeyRow(("space",), "play, pause"),
    KeyRow(("left", "right"), "step"),
    KeyRow(("home", "end"), "start, end"),
    KeyRow(("b",), "where they part"),
    KeyRow(("-", "="), "speed"),
    KeyRow(("escape",), "all episodes"),
)


class CompareScene:
    """Two episodes of one recording, both in memory."""

    def __init__(
        self, reader: Reader, world: World, episodes: tuple[int, int], *, then: Following = close_window
    ) -> None:
        """reader: closed here, once both are read. Begins where a branch left its parent. Raises DamagedRecording."""
        with reader:
            first, second = (load_episode(reader, index) for index in episodes)
            self._hz = reader.header.control_hz or world.control_hz
        self.pair = (first, second)
        self.parting = parting(first, second)
        """The first step in which they differ; 0 where they have nothing in common."""
        self._world, self._then = world, then
        self._painters = (painter_for_replay(world), painter_for_replay(world))
        self._picture = ComparePicture(self._painters)
        self.playhead = Playhead(self._hz)
        self.playhead.begin(max(first.length, second.length))
        self.playhead.go(self.parting)
        self._leaving = False

    def handle(self, event: pygame.Event) -> None:
        if event.type == pygame.KEYDOWN:
            self._press(key_name(event))
        else:
            self.playhead.handle(event, self._picture)

    def _press(self, name: str | None) -> None:
        if name is None or self.playhead.press(name):
            return
        match name:
            case "escape":
                self._leaving = True
            case "b":
                self.playhead.playing = False
                self.playhead.go(self.parting)

    def update(self, now_s: float) -> Scene | Literal[Quit.QUIT] | None:
        if self._leaving:
            self.leave()
            return self._then(None)
        try:
            if self.playhead.advance(now_s):
                self.playhead.playing = False
        except UnderstudyError as error:
            self.leave()
            return self._then(error)
        return None

    def leave(self) -> None:
        for painter in self._painters:
            put_away(painter)

    def draw(self, surface: pygame.Surface) -> None:
        playhead = self.playhead
        self._picture.draw(
            surface,
            Pair(
                title=self._world.title,
                action_names=self._world.action_names,
                episodes=self.pair,
                step=playhead.step,
                length=playhead.length,
                parting=self.parting,
                playing=playhead.playing,
                speed=playhead.pace,
                keys=KEYS,
            ),
            playhead.now_s,
        )


def parting(first: EpisodeView, second: EpisodeView) -> int:
    """Where a branch left its parent, else the first step that two episodes from the same start took differently."""
    for branch, parent in ((first, second), (second, first)):
        if branch.parent == parent.index:
            return min(branch.branch_step, branch.length, parent.length)
    n = min(first.length, second.length)
    same = _equal_rows(first.observations[:n], second.observations[:n])
    same &= _equal_rows(first.actions[:n], second.actions[:n])
    return n if same.all() else int(np.argmin(same))


def _equal_rows(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """(n,) bool"""
    equal: np.ndarray = np.equal(one, other).reshape(len(one), -1).all(axis=1)
    return equal
