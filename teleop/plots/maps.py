"""Worlds that lie on a grid, drawn cell by cell: recovered reward, policy, visits.

Needs nothing of a world but its table: cells lie where `TabularModel.coordinates` says (row, column), an action
points where it leads, a cell that costs is one whose reaching pays less than nothing, and the goal is where
episodes end.

Reading order: GridMap (where everything lies), then one function for each picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import LogNorm
from matplotlib.figure import SubFigure
from matplotlib.lines import Line2D
from matplotlib.patches import Polygon

from learners.evaluation import policy_table
from learners.interface import Array, DiscretePolicy, FloatArray, IntArray, Policy, TabularModel
from teleop.plots import look
from teleop.visits import SELDOM

ARROW = np.array(
    [(0.42, 0.0), (0.02, 0.34), (0.02, 0.11), (-0.42, 0.11), (-0.42, -0.11), (0.02, -0.11), (0.02, -0.34)]
)
"""An arrow that points along the first axis, in cells."""
SHARED_SIZE, SHARED_SHIFT = 0.55, 0.24
"""Where a cell has several arrows, each is this large and lies this far from the middle, in cells."""
SHOWN_PROBABILITY = 0.15
"""Actions that are less probable have no arrow."""
FAINTEST = 0.2
OUTLIERS = 0.5
"""Percent of the rewards at each end that may lie outside the scale."""


@dataclass(frozen=True, eq=False)
class GridMap:
    """S states in the cells of a grid."""

    model: TabularModel
    places: IntArray
    """(S, 2) row and column of each state."""
    directions: FloatArray
    """(A, 2) rows and columns by which each action moves where nothing hinders it."""
    costs: npt.NDArray[np.bool_]
    """(S,) reaching this state costs something."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        rows, columns = (int(n) + 1 for n in self.places.max(axis=0))
        return rows, columns

    def laid_out(self, values: Array) -> FloatArray:
        """values (S,) -> (rows, columns), NaN where no state lies."""
        grid = np.full(self.shape, np.nan)
        grid[tuple(self.places.T)] = values
        return grid

    def ground(self, share: float = 1.0) -> FloatArray:
        """(rows, columns, 3) the colours of the bare map; share: how much of them, mixed into white."""
        colours = np.empty((self.model.n_states, 3))
        colours[:] = look.FREE
        colours[self.costs] = look.COSTLY
        colours[self.model.terminal] = look.GOAL
        grid = np.ones((*self.shape, 3))
        grid[tuple(self.places.T)] = 1 - share * (1 - colours)
        return grid


def grid_map(model: TabularModel) -> GridMap | None:
    """The map of a world whose states lie in the cells of a plane; None for any other."""
    coordinates = model.coordinates
    if coordinates is None or coordinates.shape[1] != 2:
        return None
    places = np.rint(coordinates - coordinates.min(axis=0)).astype(np.int64)
    if not np.allclose(places, coordinates - coordinates.min(axis=0)) or places.max() >= 1000:
        return None
    if len(np.unique(places, axis=0)) < len(places):
        return None
    return GridMap(model, places, _directions(model, places), _costs(model))


def _directions(model: TabularModel, places: IntArray) -> FloatArray:
    """(A, 2): the move that each action makes most often, bumps left out."""
    likeliest = model.probabilities.argmax(axis=2)[:, :, None]
    reached = np.take_along_axis(model.next_states, likeliest, axis=2)[:, :, 0]
    moves = places[reached] - places[:, None, :]
    directions = np.zeros((model.n_actions, 2))
    for action in range(model.n_actions):
        made = moves[~model.terminal, action]
        found, counts = np.unique(made[made.any(axis=1)], axis=0, return_counts=True)
        if len(found):
            directions[action] = found[counts.argmax()]
    return directions


def _costs(model: TabularModel) -> npt.NDArray[np.bool_]:
    """(S,): every way of getting here from elsewhere pays less than nothing."""
    moves = (model.probabilities > 0) & (model.next_states != np.arange(model.n_states)[:, None, None])
    best = np.full(model.n_states, -np.inf)
    np.maximum.at(best, model.next_states[moves], model.rewards[moves])
    costs: npt.NDArray[np.bool_] = np.isfinite(best) & (best < 0)
    return costs


# -- pictures --------------------------------------------------------------------------------------------


def draw_reward(slot: SubFigure, grid: GridMap, reward: FloatArray) -> None:
    """The recovered reward as a heat map, white at 0. reward (S,), or (S, A), of which the best action's is shown."""
    by_state = reward if reward.ndim == 1 else reward.max(axis=1)
    reach = max(float(np.abs(np.percentile(by_state, [OUTLIERS, 100 - OUTLIERS])).max()), 1e-9)
    axes, strip = look.map_and_strip(slot)
    low, high = float(by_state.min()), float(by_state.max())
    image = axes.imshow(grid.laid_out(by_state), cmap=look.LOSS_TO_GAIN, vmin=-reach, vmax=reach)
    look.scale(strip, image, "reward", extend=_ends(low < -reach, high > reach))
    shown = max(min(low, 0.0), -reach), min(max(high, 0.0), reach)
    if shown[0] < shown[1]:
        strip.set_xlim(shown)
    what = "reaching a cell" if reward.ndim == 1 else "a cell's best action"
    look.entitle(axes, "Recovered reward", f"for {what}: {look.number(low)} to {look.number(high)}")


def _ends(is_beyond_low: bool, is_beyond_high: bool) -> look.Ends:
    """At which ends of a scale there is more than it shows."""
    if is_beyond_low:
        return "both" if is_beyond_high else "min"
    return "max" if is_beyond_high else "neither"


def draw_policy(slot: SubFigure, grid: GridMap, policy: Policy) -> None:
    """An arrow for every action that is not improbable, as opaque as it is probable, on the world's own map."""
    axes, strip = look.map_and_strip(slot)
    axes.imshow(grid.ground())
    states, actions, probabilities, is_own = arrows(policy, grid.model)
    sole = np.bincount(states, minlength=grid.model.n_states)[states] == 1
    colours = np.empty((len(states), 4))
    colours[:, :3] = np.where(is_own[:, None], look.ARROW, look.BORROWED)
    colours[:, 3] = FAINTEST + (1 - FAINTEST) * probabilities
    polygons = _polygons(grid.places[states], grid.directions[actions], sole)
    axes.add_collection(PolyCollection(list(polygons), facecolors=colours, linewidths=0))
    _mark_ends(axes, grid)
    look.entitle(axes, "Policy", "more probable actions are darker")
    _draw_legend(strip, grid, has_borrowed=not is_own.all())


def draw_visits(slot: SubFigure, grid: GridMap, visits: FloatArray, norm: LogNorm, title: str) -> None:
    """visits (S,) an episode, on a logarithmic scale; unvisited cells keep the map's own pale colours."""
    axes, strip = look.map_and_strip(slot)
    axes.imshow(grid.ground(0.5))
    seen = np.where(visits >= SELDOM, visits, np.nan)
    image = axes.imshow(grid.laid_out(seen), cmap=look.SELDOM_TO_OFTEN, norm=norm)
    look.scale(strip, image, "visits an episode")
    look.entitle(axes, title, f"{int((visits >= SELDOM).sum()):,} cells")
    _mark_ends(axes, grid)


def visits_norm(*visits: FloatArray) -> LogNorm:
    """One scale for several pictures, so that they can be compared."""
    seen = np.concatenate([values[values >= SELDOM] for values in visits])
    low, high = (float(seen.min()), float(seen.max())) if len(seen) else (SELDOM, 1.0)
    return LogNorm(low, max(high, low * 10))


def arrows(
    policy: Policy, model: TabularModel
) -> tuple[IntArray, IntArray, FloatArray, npt.NDArray[np.bool_]]:
    """(N,) each: state, action and probability of every arrow, and whether the state answers for itself.

    An ended world has none. Actions as probable as the most probable one always have theirs.
    """
    states = np.arange(model.n_states)
    table = policy_table(policy, model, sample=isinstance(policy, DiscretePolicy))
    shown = (table >= SHOWN_PROBABILITY) | (table >= table.max(axis=1, keepdims=True) - 1e-9)
    shown[model.terminal] = False
    stand_in = getattr(policy, "arrays", {}).get("stand_in", states)
    is_own = np.asarray(stand_in == states)
    where, actions = np.nonzero(shown)
    return where, actions, table[where, actions], is_own[where]


def _polygons(places: IntArray, directions: FloatArray, sole: npt.NDArray[np.bool_]) -> FloatArray:
    """(N, corners, 2) in the axes' own x (column) and y (row)."""
    length = np.maximum(np.linalg.norm(directions, axis=1), 1e-9)[:, None]
    ahead = (directions / length)[:, ::-1]
    aside = np.stack([-ahead[:, 1], ahead[:, 0]], axis=1)
    size = np.where(sole, 1.0, SHARED_SIZE)[:, None, None]
    middle = places[:, ::-1] + ahead * np.where(sole, 0.0, SHARED_SHIFT)[:, None]
    shape = ARROW[None, :, :1] * ahead[:, None, :] + ARROW[None, :, 1:] * aside[:, None, :]
    polygons: FloatArray = middle[:, None, :] + size * shape
    return polygons


def _mark_ends(axes: Axes, grid: GridMap) -> None:
    """A diamond upon every cell where episodes end."""
    for row, column in grid.places[grid.model.terminal].tolist():
        corners = [(column, row - 0.34), (column + 0.34, row), (column, row + 0.34), (column - 0.34, row)]
        axes.add_patch(Polygon(corners, facecolor=look.GOAL_MARK, edgecolor="none"))


def _draw_legend(strip: Axes, grid: GridMap, *, has_borrowed: bool) -> None:
    """What the colours of the map and of the arrows mean."""
    meanings = [("s", look.COSTLY, "costs")] if grid.costs.any() else []
    meanings.append(("s", look.GOAL, "goal"))
    meanings.append((">", look.ARROW, "action"))
    if has_borrowed:
        meanings.append((">", look.BORROWED, "borrowed from other cells"))
    handles = [
        Line2D([], [], linestyle="", marker=marker, color=colour, markersize=6, label=meaning)
        for marker, colour, meaning in meanings
    ]
    look.legend(strip, handles)
