"""A gamepad's events become the keys of the same name, down and up."""

from __future__ import annotations

from collections.abc import Iterator

import pygame
import pytest

from teleop.app.gamepad import Gamepads
from teleop.app.key_names import key_name
from teleop.app.window import Window

PAD = 7


@pytest.fixture
def pads() -> Iterator[Gamepads]:
    with Window(hidden=True) as window:
        yield window.gamepads


def keys(pads: Gamepads, kind: int, **values: object) -> list[str]:
    """ "+a" for a key that went down, "-a" for one that went up."""
    events = pads.translate(pygame.Event(kind, instance_id=PAD, **values))
    return [f"{'+' if event.type == pygame.KEYDOWN else '-'}{key_name(event)}" for event in events]


def test_buttons_press_keys(pads: Gamepads) -> None:
    a = pygame.CONTROLLER_BUTTON_A
    assert keys(pads, pygame.CONTROLLERBUTTONDOWN, button=a) == ["+space"]
    assert keys(pads, pygame.CONTROLLERBUTTONUP, button=a) == ["-space"]
    assert keys(pads, pygame.CONTROLLERBUTTONUP, button=a) == []
    assert keys(pads, pygame.CONTROLLERBUTTONDOWN, button=pygame.CONTROLLER_BUTTON_GUIDE) == []


def test_the_stick_presses_once_and_lets_go_later(pads: Gamepads) -> None:
    def lean(share: float) -> list[str]:
        return keys(pads, pygame.CONTROLLERAXISMOTION, axis=0, value=round(share * 32767))

    assert [lean(x) for x in (0.4, 0.6, 0.9, 0.4, 0.3)] == [[], ["+right"], [], [], ["-right"]]
    assert [lean(x) for x in (-0.6, 0.6, 0.0)] == [["+left"], ["-left", "+right"], ["-right"]]
    assert keys(pads, pygame.CONTROLLERAXISMOTION, axis=5, value=32767) == []


def test_a_plain_joystick_drives_by_hat_and_axes(pads: Gamepads) -> None:
    assert keys(pads, pygame.JOYHATMOTION, hat=0, value=(1, 1)) == ["+right", "+up"]
    assert keys(pads, pygame.JOYHATMOTION, hat=0, value=(0, -1)) == ["-right", "-up", "+down"]
    assert keys(pads, pygame.JOYAXISMOTION, axis=1, value=0.9) == []  # down is held already
    assert keys(pads, pygame.JOYHATMOTION, hat=0, value=(0, 0)) == []
    assert keys(pads, pygame.JOYAXISMOTION, axis=1, value=0.0) == ["-down"]
    assert keys(pads, pygame.JOYBUTTONDOWN, button=3) == ["+y"]
    assert keys(pads, pygame.JOYBUTTONDOWN, button=30) == []


def test_a_pad_that_is_pulled_out_lets_go(pads: Gamepads) -> None:
    keys(pads, pygame.JOYBUTTONDOWN, button=0)
    assert keys(pads, pygame.JOYDEVICEREMOVED) == ["-space"]
    assert pads.names == []


def test_a_pad_that_is_gone_again_is_no_trouble(pads: Gamepads) -> None:
    assert pads.translate(pygame.Event(pygame.JOYDEVICEADDED, device_index=99)) == []
    assert pads.translate(pygame.Event(pygame.CONTROLLERDEVICEADDED, device_index=99)) == []


def test_a_control_presses_the_key_that_was_chosen(pads: Gamepads) -> None:
    pads.keys = {"a": "t", "b": "no such key"}
    assert keys(pads, pygame.JOYBUTTONDOWN, button=0) == ["+t"]
    pads.keys = {"a": "u"}
    assert keys(pads, pygame.JOYBUTTONUP, button=0) == ["-t"]  # what went down goes up
    assert keys(pads, pygame.JOYBUTTONDOWN, button=1) == []


class Notes:
    """A scene that notes the keys it is given."""

    def __init__(self) -> None:
        self.keys: list[str | None] = []

    def handle(self, event: pygame.Event) -> None:
        if event.type in (pygame.KEYDOWN, pygame.KEYUP):
            self.keys.append(key_name(event))

    def update(self, now_s: float) -> None: ...
    def draw(self, surface: pygame.Surface) -> None: ...
    def leave(self) -> None: ...


def test_scenes_are_given_a_pads_keys_as_if_typed() -> None:
    with Window(hidden=True) as window:
        scene = Notes()
        pygame.event.clear()
        pygame.event.post(pygame.Event(pygame.JOYBUTTONDOWN, instance_id=PAD, button=0))
        window.frame(scene)
        pygame.event.post(pygame.Event(pygame.WINDOWFOCUSLOST))
        pygame.event.post(pygame.Event(pygame.JOYBUTTONUP, instance_id=PAD, button=0))
        window.frame(scene)
        assert scene.keys == ["space"]  # the key's end went with the keyboard
