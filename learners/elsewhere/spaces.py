"""What is seen and done in the world that a policy is wanted for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gymnasium as gym


@dataclass(frozen=True)
class Spaces:
    """Of one world."""

    observation: gym.Space[Any]
    action: gym.Space[Any]
