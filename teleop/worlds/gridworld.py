"""GridWorld, one at a time: drive to the bottom right corner, and mind the cells that cost.

Observation: the cell, 0 (top left) to 2499 (the goal, bottom right). Actions: 0 up, 1 down, 2 left, 3 right.
Reaching the goal pays 10 and ends the episode, reaching a penalty cell costs 1, and so does a bump at the
border, which moves nobody. gymnasium's TimeLimit truncates after 200 steps. Option: slip.
"""

from __future__ import annotations

from functools import lru_cache
from operator import index
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.wrappers import HumanRendering

from learners.interface import TabularModel
from teleop.worlds import GRIDWORLD_STEPS
from teleop.worlds.errors import WorldError
from teleop.worlds.gridworld_map import SLIP_SUCCESS, GridWorldMap, draw_map
from teleop.worlds.gridworld_picture import Image, draw

OTHERS_PER_CHANCE = 3 / (1 - SLIP_SUCCESS)
"""Turns the rest of a failed draw into 0, 1 or 2: which of the three other actions happens."""


class GridWorld(gymnasium.Env[Any, Any]):
    """The scalar environment; `reset(options={"state": cell})` starts from a cell of one's choice."""

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"], "render_fps": 8}  # noqa: RUF012 - gymnasium's own form

    def __init__(
        self,
        slip: bool = False,
        map_seed: int = 1000,
        render_mode: str | None = None,
        cell_pixels: int = 12,
    ) -> None:
        """slip: an action succeeds with 0.7, else one of the three others happens, 0.1 each.

        cell_pixels: edge of a cell in the rendered image.
        """
        self.slip = slip
        self.map: GridWorldMap = draw_map(map_seed)
        self.render_mode = render_mode
        self.cell_pixels = cell_pixels
        self.observation_space = spaces.Discrete(self.map.n_cells)
        self.action_space = spaces.Discrete(4)
        self._transitions = _transitions(self.map)
        self._starts: list[int] = self.map.starts.tolist()
        self._cell: int = self._starts[0]

    @property
    def cell(self) -> int:
        """Where the agent is."""
        return self._cell

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[int, dict[str, Any]]:
        """Start at a start cell drawn uniformly, or at `options["state"]`: any cell but the goal.

        Raises WorldError on a state that is no such cell.
        """
        super().reset(seed=seed)
        if options is not None and "state" in options:
            self._cell = checked_start(options["state"], self.map)
        else:
            self._cell = self._starts[int(self.np_random.integers(len(self._starts)))]
        return self._cell, {}

    def step(self, action: int) -> tuple[int, float, bool, bool, dict[str, Any]]:
        """One move. Raises WorldError on an action that is not 0, 1, 2 or 3."""
        action = index(action)
        if not 0 <= action < 4:
            raise WorldError(f"GridWorld: action: expected 0 up, 1 down, 2 left or 3 right, found {action}.")
        if self.slip:
            failed = self.np_random.random() - SLIP_SUCCESS
            if failed >= 0:
                action = (action + 1 + int(failed * OTHERS_PER_CHANCE)) % 4
        self._cell, reward, terminated = self._transitions[4 * self._cell + action]
        return self._cell, reward, terminated, False, {}

    def render(self) -> Image | None:
        """The map as an (H, W, 3) image if the render mode is "rgb_array", else nothing."""
        if self.render_mode is None:
            gymnasium.logger.warn('GridWorld.render() needs a mode: gym.make(..., render_mode="rgb_array").')
            return None
        return draw(self.map, self._cell, self.cell_pixels)

    def tabular_model(self) -> TabularModel:
        """This world written out as a table, with the registered horizon of 200 steps."""
        return self.map.tabular_model(slip=self.slip, horizon=GRIDWORLD_STEPS)


def make_gridworld(render_mode: str | None = None, **kwargs: Any) -> gymnasium.Env[Any, Any]:
    """The registered entry point: GridWorld, shown in gymnasium's own window if `render_mode` is "human"."""
    if render_mode == "human":
        return HumanRendering(GridWorld(render_mode="rgb_array", **kwargs))
    return GridWorld(render_mode=render_mode, **kwargs)


def checked_start(state: Any, world: GridWorldMap) -> int:
    """`options["state"]` as a cell, or a WorldError that says what may stand there."""
    is_cell = isinstance(state, (int, np.integer)) and not isinstance(state, bool)
    if not is_cell or not 0 <= state < world.goal:
        raise WorldError(
            f'GridWorld: reset option "state": expected a cell from 0 to {world.goal - 1} '
            f"({world.goal} is the goal), found {state!r}. Leave the option out to start anywhere."
        )
    return int(state)


@lru_cache(maxsize=8)
def _transitions(world: GridWorldMap) -> list[tuple[int, float, bool]]:
    """Next cell, reward and whether the episode ends, at 4 * cell + action; plain Python values for speed.

    Made once a map: every environment on it reads the same list.
    """
    cells: list[int] = world.next_cells.ravel().tolist()
    rewards: list[float] = world.rewards.ravel().tolist()
    return [(cell, reward, cell == world.goal) for cell, reward in zip(cells, rewards, strict=True)]
