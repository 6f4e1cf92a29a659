"""The project's own worlds. Importing this package makes their names known to gymnasium.

gymnasium 1.x no longer reads the `gymnasium.envs` entry points by itself, so one of these is needed before
`gym.make("understudy/GridWorld-v0")`: `import teleop.worlds`, or the long form of the name,
`gym.make("teleop.worlds:understudy/GridWorld-v0")`, or gymnasium's older loader calling `register`.
"""

from __future__ import annotations

import gymnasium

GRIDWORLD_ID = "understudy/GridWorld-v0"
GRIDWORLD_STEPS = 200
"""Steps after which a GridWorld episode is truncated."""
LOOPTRACK_ID = "understudy/LoopTrack-v0"
LOOPTRACK_STEPS = 314
"""Whole steps in a lap of LoopTrack as it is where nobody sets it otherwise."""


def register() -> None:
    """Enter the project's worlds into gymnasium's registry; doing so again changes nothing."""
    if GRIDWORLD_ID not in gymnasium.registry:
        gymnasium.register(
            GRIDWORLD_ID,
            entry_point="teleop.worlds.gridworld:make_gridworld",
            vector_entry_point="teleop.worlds.gridworld_vector:GridWorldVector",
            max_episode_steps=GRIDWORLD_STEPS,
            reward_threshold=9.0,
        )
    if LOOPTRACK_ID not in gymnasium.registry:
        gymnasium.register(
            LOOPTRACK_ID,
            entry_point="teleop.worlds.looptrack:make_looptrack",
            vector_entry_point="teleop.worlds.looptrack_vector:LoopTrackVector",
            reward_threshold=float(LOOPTRACK_STEPS),
        )


register()
