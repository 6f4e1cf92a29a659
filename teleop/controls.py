"""Held keys become an action, as data: no toolkit, no thread, no clock of its own.

Keys carry world-independent lower-case names ("left", "a", "space"). The most recently pressed key that is still
held wins, or keys held together add up. What happens when no key is held is the world's control scheme. In a world
with steering a held key turns a wheel, a bit with every step: it is counted in steps, not in time, so that a run
without a window repeats exactly.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from teleop.clock import Clock
from teleop.worlds.catalogue import ControlScheme, Steering

REPEAT_DELAY_NS = 300_000_000
"""How long a key is held in a turn-based world before it repeats."""


class Controls:
    """The drive keys of one world and what they currently mean."""

    def __init__(
        self,
        keys: Mapping[str, Any],
        scheme: ControlScheme,
        *,
        no_op: Any = None,
        repeat_hz: float = 8.0,
        steering: Steering | None = None,
        adds: bool = False,
    ) -> None:
        """keys: key name -> action. no_op: the action of NO_OP when nothing is held. repeat_hz: steps a second
        of a key that stays down in a turn-based world. steering: how fast a key's action is reached; None: at once.
        adds: actions of keys held together add up, each once however many of its keys are down."""
        self.keys = dict(keys)
        self.scheme = scheme
        self._no_op = no_op
        self._steering = steering
        self._adds = adds
        self._repeat_ns = round(1e9 / repeat_hz)
        self._bits = {key: 1 << bit for bit, key in enumerate(self.keys)}
        self._held: list[str] = []
        self._tapped = 0
        self._latched: Any = None
        self._turns: list[Any] = []
        self._next_repeat_ns = 0
        self._wheel: Any = self._middle

    @property
    def _middle(self) -> Any:
        """The action of a wheel that nobody turns; None where there is no wheel."""
        if self._steering is None:
            return None
        return np.zeros_like(next(iter(self.keys.values()))) if self._no_op is None else self._no_op

    def press(self, key: str, now_ns: int) -> bool:
        """A key went down; says whether it is a drive key. A repeat of a key already held changes nothing."""
        if key not in self.keys:
            return False
        if key not in self._held:
            self._held.append(key)
            self._tapped |= self._bits[key]
            self._latched = self.keys[key]
            self._turns.append(self.keys[key])
            self._next_repeat_ns = now_ns + REPEAT_DELAY_NS
        return True

    def release(self, key: str, now_ns: int) -> None:
        """A key went up; an older key that is still down takes over again."""
        if key in self._held:
            self._held.remove(key)
            if self._held:
                self._latched = self.keys[self._held[-1]]
                self._next_repeat_ns = now_ns + self._repeat_ns

    def clear(self) -> None:
        """Forget every key: the window lost the focus, or another episode begins."""
        self._held.clear()
        self._tapped = 0
        self._turns.clear()
        self._latched = None
        self._wheel = self._middle

    def settle(self) -> None:
        """Forget what was pressed and let go before now; keys that are still held go on counting."""
        self._turns.clear()
        self._latched = self.held_action()
        self._wheel = self._middle

    def take_mask(self) -> int:
        """The keys held, or tapped since the last call, as bits in the order of `keys`."""
        mask = self._tapped
        for key in self._held:
            mask |= self._bits[key]
        self._tapped = 0
        return mask

    def held_action(self) -> Any | None:
        """The action of the most recent key still down, or the sum of all, or None."""
        if self._held and self._adds:
            actions = np.unique(np.stack([self.keys[key] for key in self._held]), axis=0)
            return actions.sum(0, dtype=actions.dtype)
        return self.keys[self._held[-1]] if self._held else None

    def take(self, now_ns: int) -> Any | None:
        """The action to drive the next step with, or None: the world waits. Turns a wheel: ask once a step."""
        return self._steered(self._wanted(now_ns))

    def take_label(self) -> Any | None:
        """What the keys say of a step that somebody else drives: without a key nothing. Turns a wheel, as `take`."""
        held = self.held_action()
        label = self._steered(self._middle if held is None else held)
        return None if held is None else label

    def _steered(self, wanted: Any | None) -> Any | None:
        if self._steering is None or wanted is None:
            return wanted
        self._wheel = self._steering.turned(self._wheel, wanted)
        return self._wheel

    def _wanted(self, now_ns: int) -> Any | None:
        match self.scheme:
            case ControlScheme.WAIT:
                return self._take_turn(now_ns)
            case ControlScheme.LATCH:
                return self._latched
            case ControlScheme.NO_OP:
                return self._no_op if not self._held else self.held_action()
            case ControlScheme.DEAD_MAN:
                return self.held_action()

    def _take_turn(self, now_ns: int) -> Any | None:
        if self._turns:
            return self._turns.pop(0)
        if self._held and now_ns >= self._next_repeat_ns:
            self._next_repeat_ns = max(self._next_repeat_ns, now_ns - self._repeat_ns) + self._repeat_ns
            return self.held_action()
        return None


class HumanExpert:
    """The person at the keyboard, driving."""

    name = "human"

    def __init__(self, controls: Controls, clock: Clock) -> None:
        self.controls = controls
        self._clock = clock

    def act(self, observation: Any, tick: int) -> Any | None:
        return self.controls.take(self._clock.now_ns())


class HumanAdviser:
    """The person at the keyboard while somebody else drives: a held key is a label, no key is none."""

    name = "human"

    def __init__(self, controls: Controls) -> None:
        self.controls = controls

    def act(self, observation: Any, tick: int) -> Any | None:
        return self.controls.take_label()
