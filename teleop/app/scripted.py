"""Somebody scripted in front of the window: they post keys to its event queue, and look at its pictures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import pygame

from teleop.app.key_names import KEY_CODES
from teleop.app.window import Quit, Scene


def post_key(key: str, is_down: bool) -> None:
    """A key goes down or up, by its name, as the keyboard would tell the window."""
    pygame.event.post(pygame.Event(pygame.KEYDOWN if is_down else pygame.KEYUP, key=KEY_CODES[key], mod=0))


class Scripted:
    """Runs a scene as it is, but for somebody who acts after each of its updates and looks at each of its pictures."""

    def __init__(
        self,
        scene: Scene,
        move: Callable[[float], Scene | Literal[Quit.QUIT] | None],
        look: Callable[[pygame.Surface], None] = lambda _: None,
    ) -> None:
        """move: told the time, may post keys; what it returns follows, as of a scene's `update`."""
        self._scene, self._move, self._look = scene, move, look

    def handle(self, event: pygame.Event) -> None:
        self._scene.handle(event)

    def update(self, now_s: float) -> Scene | Literal[Quit.QUIT] | None:
        following = self._scene.update(now_s)
        return self._move(now_s) if following is None else following

    def draw(self, surface: pygame.Surface) -> None:
        self._scene.draw(surface)
        self._look(surface)

    def leave(self) -> None:
        self._scene.leave()
