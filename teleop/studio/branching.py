"""Going back: a world is brought again to where an episode was, by its seed and its actions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np

from recordings.replay import FLOAT_TOLERANCE
from teleop.studio.past import Tick


def same_again(env: gym.Env[Any, Any], seed: int, ticks: Sequence[Tick]) -> Any | None:
    """Reset `env` and repeat these steps; its first observation, or None where it went another way than before."""
    start, _ = env.reset(seed=seed)
    seen = start
    for tick in ticks:
        if not _same(seen, tick.observation):
            return None
        seen, reward, terminated, truncated, _ = env.step(tick.action)
        if (bool(terminated), bool(truncated)) != (tick.terminated, tick.truncated):
            return None
        if abs(float(reward) - tick.reward) > FLOAT_TOLERANCE:
            return None
    return start if not ticks or _same(seen, ticks[-1].next_observation) else None


def _same(seen: Any, before: Any) -> bool:
    now, then = np.asarray(seen, np.float64), np.asarray(before, np.float64)
    is_equal = bool((now == then).all())  # as it nearly always is, and a tenth of the work
    return is_equal or np.allclose(now, then, rtol=0, atol=FLOAT_TOLERANCE, equal_nan=True)
