"""How sure the student is, here: the probabilities of its actions, and two bars of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pygame

from learners.interface import DiscretePolicy, FloatArray, Policy
from recordings.schema import Driver
from teleop.app.typeface import Role, Typeface
from teleop.preferences.palette import CARD_EDGE, DRIVERS


def odds(policy: Policy | None, observation: Any) -> FloatArray | None:
    """(A,) of a student's actions; None where it has none, or where they hang on what it has seen before."""
    remembers = getattr(getattr(policy, "architecture", None), "memory", 0)
    if observation is None or remembers or not isinstance(policy, DiscretePolicy):
        return None
    return np.asarray(policy.probabilities(np.asarray(observation)[None])[0], np.float64)


class Odds:
    """Asks a policy once a state."""

    def __init__(self) -> None:
        self._asked: tuple[Any, Any] = (None, None)
        self._answer: FloatArray | None = None

    def of(self, policy: Policy | None, observation: Any) -> FloatArray | None:
        """(A,), or None as `odds`."""
        if self._asked[0] is not policy or self._asked[1] is not observation:
            self._asked = policy, observation
            self._answer = odds(policy, observation)
        return self._answer


def draw_balance(
    surface: pygame.Surface, typeface: Typeface, area: pygame.Rect, left: float, right: float
) -> None:
    """Two bars that grow from the middle of `area` outwards, with their percentages at its ends."""
    colour = DRIVERS[Driver.STUDENT]
    room = typeface.width("← 100 %", Role.SMALL) + typeface.px(8)
    reach = max(4, area.width // 2 - room)
    bar = pygame.Rect(0, 0, 2 * reach, max(4, typeface.px(7)))
    bar.center = area.center
    pygame.draw.rect(surface, CARD_EDGE, bar, border_radius=bar.height // 2)
    for side, share in ((-1, left), (1, right)):
        length = round(reach * share)
        part = pygame.Rect(bar.centerx if side > 0 else bar.centerx - length, bar.y, length, bar.height)
        pygame.draw.rect(surface, colour, part, border_radius=bar.height // 2)
    pygame.draw.line(surface, CARD_EDGE, bar.midtop, bar.midbottom, 2)
    gap = typeface.px(7)
    typeface.draw(
        surface,
        f"← {left:.0%}".replace("%", " %"),
        Role.SMALL,
        colour,
        midright=(bar.left - gap, bar.centery),
    )
    typeface.draw(
        surface,
        f"{right:.0%} →".replace("%", " %"),
        Role.SMALL,
        colour,
        midleft=(bar.right + gap, bar.centery),
    )
