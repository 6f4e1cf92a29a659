"""A key that stays down acts again and again, as on any keyboard; the window itself never repeats keys."""

from __future__ import annotations

DELAY_S, PERIOD_S = 0.35, 0.04
"""Until a key acts a second time, and from then on."""


class HeldKey:
    """The one key held of those that repeat: the last that went down."""

    def __init__(self) -> None:
        self._name: str | None = None
        self._next_s = 0.0

    def press(self, name: str, now_s: float) -> None:
        self._name, self._next_s = name, now_s + DELAY_S

    def release(self, name: str | None) -> None:
        if name == self._name:
            self._name = None

    def let_go(self) -> None:
        """No key is held any more."""
        self._name = None

    def due(self, now_s: float) -> str | None:
        """The key, if it is to act again now; at most once a call."""
        if self._name is None or now_s < self._next_s:
            return None
        self._next_s = now_s + PERIOD_S
        return self._name
