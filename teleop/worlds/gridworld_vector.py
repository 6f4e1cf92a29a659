"""GridWorld, many at a time, by table lookup.

After an episode's end a sub-environment restarts by itself, in one of gymnasium's two ways:

- NextStep (the default, as in gymnasium's own vector environments): the step that ends an episode returns its
  true last cell, so a learner bootstraps at truncation from the observation it was given; the step after that
  ignores the action, pays 0 and returns the new episode's first cell.
- SameStep: the step that ends an episode already returns the next one's first cell, and no step is lost; the
  true last cell is in `infos["final_obs"]`, with the mask of those that ended in `infos["_final_obs"]`.
"""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt
from gymnasium import spaces
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space

from learners.interface import FloatArray, IntArray, TabularModel
from teleop.worlds import GRIDWORLD_STEPS
from teleop.worlds.errors import WorldError
from teleop.worlds.gridworld import OTHERS_PER_CHANCE, checked_start
from teleop.worlds.gridworld_map import SLIP_SUCCESS, GridWorldMap, draw_map
from teleop.worlds.gridworld_picture import Image, draw

Flags = npt.NDArray[np.bool_]
StepResult = tuple[IntArray, FloatArray, Flags, Flags, dict[str, Any]]


class GridWorldVector(gymnasium.vector.VectorEnv[IntArray, IntArray, npt.NDArray[Any]]):
    """N independent agents on one map. Every array returned is the caller's to keep."""

    def __init__(
        self,
        num_envs: int = 1,
        max_episode_steps: int = GRIDWORLD_STEPS,
        slip: bool = False,
        map_seed: int = 1000,
        render_mode: str | None = None,
        cell_pixels: int = 12,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
    ) -> None:
        """autoreset_mode: "NextStep" or "SameStep"; the other settings are those of `GridWorld`."""
        self.num_envs = num_envs
        self.max_episode_steps = max_episode_steps
        self.slip = slip
        self.map: GridWorldMap = draw_map(map_seed)
        self.render_mode = render_mode
        self.cell_pixels = cell_pixels
        self.autoreset_mode = _checked_mode(autoreset_mode)
        self.metadata = {
            "render_modes": ["rgb_array"],
            "render_fps": 8,
            "autoreset_mode": self.autoreset_mode,
        }
        self.single_observation_space = spaces.Discrete(self.map.n_cells)
        self.single_action_space = spaces.Discrete(4)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._next_cells = self.map.next_cells.ravel()
        self._rewards = self.map.rewards.ravel()
        self._cells = np.zeros(num_envs, dtype=np.int64)
        self._steps = np.zeros(num_envs, dtype=np.int64)
        self._ended = np.empty(0, dtype=np.int64)

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[IntArray, dict[str, Any]]:
        """Start all agents anew; `options["state"]` is one cell for all or a list of N cells.

        One generator serves all N, so `seed` is one number. Raises WorldError on other seeds or states.
        """
        if seed is not None and not isinstance(seed, (int, np.integer)):
            raise WorldError(
                f"GridWorld: reset seed: expected one whole number for all {self.num_envs}, found {seed!r}."
            )
        super().reset(seed=seed)
        if options is not None and "state" in options:
            self._cells = self._given_starts(options["state"])
        else:
            self._cells = self._drawn_starts(self.num_envs)
        self._steps[:] = 0
        self._ended = np.empty(0, dtype=np.int64)
        return self._cells.copy(), {}

    def step(self, actions: IntArray) -> StepResult:
        """actions (N,) -> cells (N,), rewards (N,), terminated (N,), truncated (N,), infos.

        Raises WorldError on an action that is not 0, 1, 2 or 3.
        """
        move = self._checked(actions)
        if self.slip:
            move = self._slipped(move)
        move = self._cells * 4 + move
        cells = self._next_cells.take(move)
        rewards = self._rewards.take(move)
        self._steps += 1
        if len(self._ended) and self.autoreset_mode is AutoresetMode.NEXT_STEP:
            self._restart(cells, self._ended)
            rewards[self._ended] = 0.0
        terminated = cells == self.map.goal
        truncated = self._steps >= self.max_episode_steps
        self._ended = np.flatnonzero(terminated | truncated)
        infos: dict[str, Any] = {}
        if len(self._ended) and self.autoreset_mode is AutoresetMode.SAME_STEP:
            infos = {"final_obs": cells.copy(), "_final_obs": terminated | truncated}
            self._restart(cells, self._ended)
        self._cells = cells
        return cells.copy(), rewards, terminated, truncated, infos

    def render(self) -> tuple[Image, ...] | None:
        """One (H, W, 3) image an agent if the render mode is "rgb_array", else nothing."""
        if self.render_mode != "rgb_array":
            return None
        return tuple(draw(self.map, int(cell), self.cell_pixels) for cell in self._cells)

    def tabular_model(self) -> TabularModel:
        """This world written out as a table."""
        return self.map.tabular_model(slip=self.slip, horizon=self.max_episode_steps)

    def _restart(self, cells: IntArray, ended: IntArray) -> None:
        cells[ended] = self._drawn_starts(len(ended))
        self._steps[ended] = 0

    def _drawn_starts(self, count: int) -> IntArray:
        return self.map.starts[self.np_random.integers(len(self.map.starts), size=count)]

    def _given_starts(self, states: Any) -> IntArray:
        cells = states if np.ndim(states) else [states] * self.num_envs
        if len(cells) != self.num_envs:
            raise WorldError(
                f'GridWorld: reset option "state": expected one cell or {self.num_envs}, found {len(cells)}.'
            )
        return np.array([checked_start(cell, self.map) for cell in cells], dtype=np.int64)

    def _checked(self, actions: IntArray) -> IntArray:
        checked = np.asarray(actions)
        if checked.shape != (self.num_envs,) or checked.dtype.kind not in "iu":
            raise WorldError(
                f"GridWorld: actions: expected {self.num_envs} whole numbers, shape ({self.num_envs},), "
                f"found {checked.dtype} of shape {checked.shape}."
            )
        checked = checked.astype(np.int64, copy=False)
        if checked.view(np.uint64).max(initial=0) > 3:  # unsigned, so that a negative number is a large one
            raise WorldError("GridWorld: actions: expected 0 up, 1 down, 2 left or 3 right, found others.")
        return checked

    def _slipped(self, actions: IntArray) -> IntArray:
        failed = (self.np_random.random(self.num_envs) - SLIP_SUCCESS) * OTHERS_PER_CHANCE
        turned = (actions + 1 + failed.astype(np.int64)) % 4
        return np.where(failed < 0, actions, turned)


def _checked_mode(mode: AutoresetMode | str) -> AutoresetMode:
    known = (AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP)
    for choice in known:
        if mode in (choice, choice.value):
            return choice
    choices = " or ".join(repr(choice.value) for choice in known)
    raise WorldError(f"GridWorld: autoreset_mode: expected {choices}, found {mode!r}.")
