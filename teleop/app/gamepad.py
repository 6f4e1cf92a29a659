"""A gamepad is a few more keys: its buttons, its d-pad and its left stick press and release key names.

What SDL knows as a game controller tells its buttons by name; of any other joystick the first buttons, the first hat
and the first two axes are taken for the same. Pads come and go while the window is open.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pygame
from pygame._sdl2 import controller

from teleop.app.key_names import KEY_CODES

PAD_KEYS: Mapping[str, str] = MappingProxyType(
    {
        "up": "up",
        "down": "down",
        "left": "left",
        "right": "right",
        "a": "space",
        "b": "backspace",
        "x": "x",
        "y": "y",
        "left shoulder": "-",
        "right shoulder": "=",
        "start": "return",
        "back": "escape",
        "left stick": "p",
        "right stick": "t",
    }
)
"""Control -> the key it presses, unless a person chose another. The d-pad and the left stick are one control."""
BUTTONS: Mapping[int, str] = MappingProxyType(
    {
        pygame.CONTROLLER_BUTTON_A: "a",
        pygame.CONTROLLER_BUTTON_B: "b",
        pygame.CONTROLLER_BUTTON_X: "x",
        pygame.CONTROLLER_BUTTON_Y: "y",
        pygame.CONTROLLER_BUTTON_BACK: "back",
        pygame.CONTROLLER_BUTTON_START: "start",
        pygame.CONTROLLER_BUTTON_LEFTSTICK: "left stick",
        pygame.CONTROLLER_BUTTON_RIGHTSTICK: "right stick",
        pygame.CONTROLLER_BUTTON_LEFTSHOULDER: "left shoulder",
        pygame.CONTROLLER_BUTTON_RIGHTSHOULDER: "right shoulder",
        pygame.CONTROLLER_BUTTON_DPAD_UP: "up",
        pygame.CONTROLLER_BUTTON_DPAD_DOWN: "down",
        pygame.CONTROLLER_BUTTON_DPAD_LEFT: "left",
        pygame.CONTROLLER_BUTTON_DPAD_RIGHT: "right",
    }
)
PLAIN_BUTTONS = ("a", "b", "x", "y", "left shoulder", "right shoulder", "back", "start")
"""Of a joystick that SDL does not know, in the order in which most number them."""
STICK = (("left", "right"), ("up", "down"))
"""For an axis: the control at its low and at its high end."""
PRESSES, LETS_GO = 0.5, 0.35
"""How far out the stick presses, and how far back it lets go; apart, so that a shaking thumb does not press twice."""
AXIS_REACH = 32768
"""Of a controller's axis."""
Source = tuple[int, str, int]
"""A pad, what of it, and its number."""


class Gamepads:
    """Every pad that is plugged in."""

    def __init__(self) -> None:
        self.keys: Mapping[str, str] = PAD_KEYS
        """Control -> name of the key it presses."""
        self._open: dict[int, Any] = {}
        self._held: dict[Source, tuple[str, str]] = {}
        """What is held -> the control that is, and the key it pressed."""
        with contextlib.suppress(pygame.error):  # a window does without
            pygame.joystick.init()
            controller.init()

    @property
    def names(self) -> list[str]:
        """Of the pads that are plugged in."""
        return [str(pad.name if is_known(pad) else pad.get_name()) for pad in self._open.values()]

    def close(self) -> None:
        self._open.clear()
        self._held.clear()
        controller.quit()
        pygame.joystick.quit()

    def forget(self) -> None:
        """The window lost the keyboard: what is held now counts no more."""
        self._held.clear()

    def translate(self, event: pygame.Event) -> list[pygame.Event]:
        """What this event of a pad means as keys going down or up; nothing for any other."""
        match event.type:
            case pygame.CONTROLLERDEVICEADDED | pygame.JOYDEVICEADDED:
                self._plug_in(event)
            case pygame.CONTROLLERDEVICEREMOVED | pygame.JOYDEVICEREMOVED:
                return self._pull_out(event.instance_id)
            case pygame.CONTROLLERBUTTONDOWN | pygame.CONTROLLERBUTTONUP:
                return self._button(
                    event, BUTTONS.get(event.button), event.type == pygame.CONTROLLERBUTTONDOWN
                )
            case pygame.CONTROLLERAXISMOTION:
                return self._axis(event, event.value / AXIS_REACH)
            case _ if is_known(self._open.get(getattr(event, "instance_id", -1))):
                return []  # it tells the same once more, as a joystick
            case pygame.JOYBUTTONDOWN | pygame.JOYBUTTONUP:
                control = PLAIN_BUTTONS[event.button] if event.button < len(PLAIN_BUTTONS) else None
                return self._button(event, control, event.type == pygame.JOYBUTTONDOWN)
            case pygame.JOYAXISMOTION:
                return self._axis(event, event.value)
            case pygame.JOYHATMOTION if event.hat == 0:
                x, y = event.value
                return [
                    *self._lean(event.instance_id, "hat", 0, x),
                    *self._lean(event.instance_id, "hat", 1, -y),
                ]
        return []

    def _plug_in(self, event: pygame.Event) -> None:
        known = event.type == pygame.CONTROLLERDEVICEADDED
        with contextlib.suppress(pygame.error):  # it may be gone again
            if known:
                pad = controller.Controller(event.device_index)
                self._open[pad.as_joystick().get_instance_id()] = pad
            elif not controller.is_controller(event.device_index):
                stick = pygame.joystick.Joystick(event.device_index)
                self._open[stick.get_instance_id()] = stick

    def _pull_out(self, pad: int) -> list[pygame.Event]:
        self._open.pop(pad, None)
        held = [source for source in self._held if source[0] == pad]
        return [event for source in held for event in self._set(source, None)]

    def _button(self, event: pygame.Event, control: str | None, down: bool) -> list[pygame.Event]:
        return self._set((event.instance_id, "button", event.button), control if down else None)

    def _axis(self, event: pygame.Event, value: float) -> list[pygame.Event]:
        if event.axis >= len(STICK):
            return []
        return self._lean(event.instance_id, "axis", event.axis, value)

    def _lean(self, pad: int, what: str, axis: int, value: float) -> list[pygame.Event]:
        """An axis leans to its low end (-1), to its high end (1), or to neither."""
        source, control = (pad, what, axis), STICK[axis][value > 0]
        before = self._held.get(source, ("", ""))[0]
        out = abs(value) >= (LETS_GO if before == control else PRESSES)
        if before == control and out:
            return []
        released = self._set(source, None)
        return [*released, *(self._set(source, control) if out else [])]

    def _set(self, source: Source, control: str | None) -> list[pygame.Event]:
        """Hold a control at its source, or let it go; a key goes down with its first source and up with its last."""
        if control is None:
            _, key = self._held.pop(source, ("", ""))
            return [_event(pygame.KEYUP, key)] if key and not self._is_down(key) else []
        key = self.keys.get(control, "")
        if key not in KEY_CODES:
            return []
        was_down = self._is_down(key)
        self._held[source] = (control, key)
        return [] if was_down else [_event(pygame.KEYDOWN, key)]

    def _is_down(self, key: str) -> bool:
        return any(held == key for _, held in self._held.values())


def is_known(pad: Any) -> bool:
    """Is it a game controller to SDL?"""
    return isinstance(pad, controller.Controller)


def _event(kind: int, key: str) -> pygame.Event:
    return pygame.Event(kind, key=KEY_CODES[key], mod=0, unicode="")
