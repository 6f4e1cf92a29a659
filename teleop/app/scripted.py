"""A scene that somebody scripted sits in front of: at every frame it may post keys to the window's event queue."""

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
    """Runs a scene as it is; before each of its frames `move` may post keys, or end it by returning what follows."""

    def __init__(self, scene: Scene, move: Callable[[float], Scene | Literal[Quit.QUIT] | None]) -> None:
        self._scene, self._move = scene, move

    def handle(self, event: pygame.Event) -> None:
        self._scene.handle(event)

    def update(self, now_s: float) -> Scene | Literal[Quit.QUIT] | None:
        following = self._scene.update(now_s)
        return self._move(now_s) if following is None else following

    def draw(self, surface: pygame.Surface) -> None:
        self._scene.draw(surface)

    def leave(self) -> None:
        self._scene.leave()
