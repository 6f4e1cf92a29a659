"""How fast GridWorld steps."""

from __future__ import annotations

import time

import gymnasium
import numpy as np

from teleop.worlds import GRIDWORLD_ID

STEPS_BETWEEN_LOOKS = 64
"""Vector steps between two looks at the clock."""


def measure_steps_per_second(batch: int, seconds: float, *, slip: bool = False) -> float:
    """Environment steps a second of `batch` agents under random actions, resets included, over `seconds`."""
    envs = gymnasium.make_vec(GRIDWORLD_ID, num_envs=batch, slip=slip)
    envs.reset(seed=0)
    actions = np.random.default_rng(0).integers(4, size=(STEPS_BETWEEN_LOOKS, batch))
    rounds = 0
    began_s = time.perf_counter()
    while (elapsed_s := time.perf_counter() - began_s) < seconds:
        for row in actions:
            envs.step(row)
        rounds += 1
    envs.close()
    return rounds * STEPS_BETWEEN_LOOKS * batch / elapsed_s
