"""Who learns from demonstrations with holes (`clone`, `recover`, `weigh`), the cells, and the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from learners import bc, mce_irl, relent_irl
from learners.evaluation import evaluate
from learners.interface import Policy, TabularModel
from learners.worlds import facts_of
from recordings.demonstrations import Demonstrations
from teleop.experiments.demonstrations import recorded
from teleop.experiments.experiment import Cell, Experiment, Findings, Found, Item, Part, Picture, Table, Work
from teleop.experiments.partial.cuts import GAPS, anywhere, in_one_place, remains
from teleop.experiments.statistics import median_and_range
from teleop.experiments.written_policy import WrittenPolicy
from teleop.plots import look, maps
from teleop.visits import demonstrated_visits, policy_visits
from teleop.worlds.catalogue import GRIDWORLD

DEMONSTRATIONS = 100
SHARES = {"anywhere": (0.0, 0.25, 0.5, 0.75, 0.9), "in one place": (0.1, 0.25, 0.5)}
"""Of the steps, that are cut out; where nothing is cut, the place does not matter."""
FIT = mce_irl.Config(l2=1e-6, iterations=80)
"""One long fit instead of a search for l2, which ends here where nothing is cut."""
KEPT = 0.95
"""Of its return with full demonstrations: who keeps so much did not need them."""
DRAWN = ("in one place", 0.1)
"""What the maps show."""
LOWEST_SHOWN = -5.0
"""Return; what is lower is cut off."""
LINES = {
    "mce-irl": (look.STUDENT, "-"),
    "relent-irl": (look.BORROWED, "-"),
    "bc": (look.DEMONSTRATED, "-"),
    "bc, as shown": (look.DEMONSTRATED, ":"),
}


# -- who learns ------------------------------------------------------------------------------------------


def _left(folder: Path, cut: str, share: float, seed: int) -> Demonstrations:
    """The demonstrations of a seed, less what is cut."""
    whole = recorded(folder, GRIDWORLD.name, DEMONSTRATIONS, seed)
    rng = np.random.default_rng(seed)
    if cut == "anywhere":
        return remains(whole, anywhere(whole.lengths, share, rng))
    coordinates = _model().coordinates
    assert coordinates is not None
    return remains(whole, in_one_place(coordinates.sum(1)[whole.observations], share, rng))


@cache
def _model() -> TabularModel:
    model = facts_of(GRIDWORLD.spec()).model
    assert model is not None
    return model


def clone(folder: Path, *, cut: str, share: float, seed: int, as_shown: bool) -> Found:
    """Cloning. as_shown: without what a clone knows of the way back from states that nobody showed."""
    data = _left(folder, cut, share, seed)
    config = bc.Config(fallback="nearest", arrive=False) if as_shown else bc.Config()
    *_, last = bc.train(config, data, GRIDWORLD.spec(), np.random.default_rng(seed))
    return _found(last.policy, data, cut, share)


def recover(folder: Path, *, cut: str, share: float, seed: int) -> Found:
    """Maximum causal entropy inverse RL; without chance, as here, it is maximum entropy inverse RL."""
    data = _left(folder, cut, share, seed)
    found = mce_irl.recover(FIT, _model(), data, np.random.default_rng(seed))
    return _found(found.stationary, data, cut, share)


def weigh(folder: Path, *, cut: str, share: float, seed: int) -> Found:
    """Relative entropy inverse RL, from the states of the stretches alone, and its own steps in the world."""
    data = _left(folder, cut, share, seed)
    *_, last = relent_irl.train(relent_irl.Config(), data, GRIDWORLD.spec(), np.random.default_rng(seed))
    return _found(last.policy, data, cut, share)


def _found(policy: Policy, data: Demonstrations, cut: str, share: float) -> Found:
    judged = evaluate(policy, GRIDWORLD.spec())
    found: dict[str, Any] = {
        "return": judged.return_mean,
        "arrives": judged.success,
        "steps": len(data),
        "states": len(np.unique(data.observations)),
    }
    if (cut, share) == DRAWN:
        states = np.arange(_model().n_states)
        found["actions"] = np.asarray(policy.act(states)).tolist()
        found["visits"] = np.round(demonstrated_visits(_model(), data) * len(data.starts)).tolist()
    return found


ARMS: Mapping[str, tuple[Work, Mapping[str, Any]]] = {
    "mce-irl": (recover, {}),
    "relent-irl": (weigh, {}),
    "bc": (clone, {"as_shown": False}),
    "bc, as shown": (clone, {"as_shown": True}),
}
"""Who learns: the work, and its settings."""
JUDGED = ("mce-irl", "relent-irl", "bc")
"""Of whom the source's claim speaks: inverse RL, and what it is held against."""
CLONES = ("bc", "bc, as shown")


def cells(seeds: range) -> Sequence[Cell]:
    return [
        Cell(work, {"cut": cut, "share": share, "seed": seed, **settings})
        for cut, shares in SHARES.items()
        for share in shares
        for work, settings in ARMS.values()
        for seed in seeds
    ]


# -- the page --------------------------------------------------------------------------------------------


def page(findings: Findings) -> Sequence[Part]:
    return (
        f"{DEMONSTRATIONS} demonstrations of the scripted expert on GridWorld (exact returns, optimum 10). Cut "
        f"*anywhere*: of each demonstration the share is missing, in {GAPS} gaps at random. Cut *in one place*: in a "
        "band across the way to the goal, which holds the share of all steps, nobody shows anything. The learners "
        "are given the stretches that are left and what was seen after each; not which belong together, nor what "
        "lay between. mce-irl and bc know where actions lead, relent-irl tries it out; none knows the world's reward. "
        "Median (lowest to highest) over seeds.",
        *(_table(findings, cut) for cut in SHARES),
        Picture(
            "shares",
            "Return against the share cut out; medians and ranges. What lies below the frame is cut off.",
            partial(_draw_shares, findings=findings),
        ),
        Picture(
            "maps",
            f"{DRAWN[1]:.0%} of the steps cut {DRAWN[0]}, first seed: what is left of the demonstrations, and where "
            "the policies go.",
            partial(_draw_maps, findings=findings),
            size_in=(8.0, 9.0),
        ),
        "With gaps at random one demonstration shows what another lacks, every step that is left is a lesson, and a "
        "plan goes on where a clone has to go back. A place that nobody shows is another matter. Here each cell has a "
        "price of its own, so that nothing learned elsewhere says anything of the place; and nothing tells the "
        "learners that a stretch on the far side goes on where one on the near side stops. To mce-irl the steps that "
        "lead up to the place are explained by a price on its edge, to be collected in circles, as well as by the goal "
        "beyond. To relent-irl every step costs beforehand, as does every cell that nobody showed, so that its plan "
        "goes through if the far side is worth it.",
        _verdict(findings),
    )


def items(findings: Findings) -> Sequence[Item]:
    halves = "; ".join(
        f"half cut {cut}: " + ", ".join(f"{arm} {_summed(findings, cut, 0.5, arm)}" for arm in JUDGED)
        for cut in SHARES
    )
    n = len(_returns(findings, "anywhere", 0.0, "mce-irl"))
    return (
        Item(
            "002",
            "inverse RL needs no full demonstrations: RL fills in what is missing",
            f"GridWorld, {DEMONSTRATIONS} demonstrations, parts cut out, {n} seeds",
            "–",
            f"{halves}. {_verdict(findings)}",
        ),
    )


def _table(findings: Findings, cut: str) -> Table:
    rows = []
    for share in SHARES[cut]:
        some = _of(findings, cut, share, "bc")
        rows.append(
            (
                f"{share:.0%}",
                f"{median(found['states'] for found in some):,.0f}",
                *(_summed(findings, cut, share, arm) for arm in ARMS),
                *(_ahead(findings, cut, share, arm) for arm in JUDGED[:2]),
            )
        )
    columns = ("cut out", "states shown", *ARMS, *(f"{arm} above both bc" for arm in JUDGED[:2]))
    remark = (
        "mce-irl: the likelihood of what is left; of a stretch that stops short it claims nothing of what would have "
        "followed. relent-irl: states alone, and its own steps in the world. bc goes back to taught states by the "
        "world's moves; as shown it does not."
    )
    return Table(f"Cut {cut}", columns, rows, remark)


def _ahead(findings: Findings, cut: str, share: float, arm: str) -> str:
    """On how many seeds it returns more than either way of cloning."""
    ours = _returns(findings, cut, share, arm)
    cloned = (_returns(findings, cut, share, clone) for clone in CLONES)
    better = [max(both) for both in zip(*cloned, strict=True)]
    return f"{sum(mine > best for mine, best in zip(ours, better, strict=True))} of {len(ours)}"


def _verdict(findings: Findings) -> str:
    """Where the source's claim holds, by the figures: inverse RL keeps its return, and cloning does not."""
    tried = {cut: [share for share in shares if share > 0] for cut, shares in SHARES.items()}
    sentences = []
    for cut, shares in tried.items():
        kept = {arm: [share for share in shares if _keeps(findings, cut, share, arm)] for arm in JUDGED}
        of_each = "; ".join(f"{arm} {_listed(kept[arm])}" for arm in JUDGED)
        sentences.append(f"Cut {cut}, {KEPT:.0%} of what full demonstrations give is kept by {of_each}.")
    cuts = [(cut, share) for cut, shares in tried.items() for share in shares]
    held = sum(any(_keeps(findings, *each, arm) for arm in JUDGED[:2]) for each in cuts)
    ahead = sum(
        max(_middle(findings, *each, arm) for arm in JUDGED[:2])
        > max(_middle(findings, *each, arm) for arm in CLONES)
        for each in cuts
    )
    claim = (
        f"That inverse RL needs no full demonstrations holds for {held} of the {len(cuts)} cuts tried; the better of "
        f"the two returns more than the better clone in {ahead}, by medians. "
    )
    return claim + " ".join(sentences)


def _keeps(findings: Findings, cut: str, share: float, arm: str) -> bool:
    return _middle(findings, cut, share, arm) >= KEPT * _middle(findings, "anywhere", 0.0, arm)


def _middle(findings: Findings, cut: str, share: float, arm: str) -> float:
    return median(_returns(findings, cut, share, arm))


def _listed(shares: Sequence[float]) -> str:
    if not shares:
        return "at no share"
    return "at " + ", ".join(f"{share:.0%}" for share in shares)


def _of(findings: Findings, cut: str, share: float, arm: str) -> list[Found]:
    work, settings = ARMS[arm]
    return findings.of(work, cut=cut, share=share, **settings)


def _returns(findings: Findings, cut: str, share: float, arm: str) -> list[float]:
    return [float(found["return"]) for found in _of(findings, cut, share, arm)]


def _summed(findings: Findings, cut: str, share: float, arm: str) -> str:
    return median_and_range(_returns(findings, cut, share, arm))


# -- pictures --------------------------------------------------------------------------------------------


def _draw_shares(figure: Figure, findings: Findings) -> None:
    all_axes = figure.subplots(1, len(SHARES), sharey=True)
    for axes, (cut, shares) in zip(all_axes, SHARES.items(), strict=True):
        for arm in ARMS:
            _draw_line(axes, arm, shares, [_returns(findings, cut, share, arm) for share in shares])
        axes.set_title(f"cut {cut}")
        axes.set_xticks(shares, [f"{share:.0%}" for share in shares])
        axes.set_xlabel("of the steps cut out")
        axes.grid(True, axis="y")
    all_axes[0].set_ylabel("return (exact)")
    all_axes[0].set_ylim(LOWEST_SHOWN, 10.5)
    handles, labels = all_axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(ARMS))


def _draw_line(axes: Axes, arm: str, shares: Sequence[float], returns: Sequence[Sequence[float]]) -> None:
    colour, style = LINES[arm]
    middle = [median(found) for found in returns]
    lows, highs = [min(found) for found in returns], [max(found) for found in returns]
    axes.fill_between(shares, lows, highs, color=colour, alpha=0.12, linewidth=0)
    axes.plot(shares, middle, style, color=colour, marker="o", markersize=3.2, linewidth=1.4, label=arm)


def _draw_maps(figure: Figure, findings: Findings) -> None:
    grid = maps.grid_map(_model())
    assert grid is not None
    runs = {arm: _of(findings, *DRAWN, arm)[0] for arm in JUDGED}
    left = np.asarray(runs["bc"]["visits"], np.float64) / DEMONSTRATIONS
    visits = {"What is left": left} | {
        f"Where {arm} goes": policy_visits(grid.model, WrittenPolicy(run["actions"]))
        for arm, run in runs.items()
    }
    norm = maps.visits_norm(*visits.values())
    figure.set_layout_engine("none")
    slots = np.asarray(figure.subfigures(2, 2, wspace=0, hspace=0)).flat
    for slot, (title, values) in zip(slots, visits.items(), strict=True):
        maps.draw_visits(slot, grid, values, norm, title)


EXPERIMENT = Experiment(
    name="partial",
    title="Demonstrations with parts cut out",
    sources=("002",),
    question="Inverse RL is said to need no full demonstrations, because RL fills in what is missing. How much may be "
    "missing, and does cloning, given the same, do worse?",
    cells=cells,
    page=page,
    items=items,
    seeds=5,
)
