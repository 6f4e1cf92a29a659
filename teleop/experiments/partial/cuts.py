"""Parts cut out of demonstrations: at random, or in a place that nobody shows; and what is left.

Reading order: `anywhere` and `in_one_place` (which steps remain), `remains` (the demonstrations made of them).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from learners.interface import FloatArray, IntArray
from learners.rewards.discriminators import reached
from recordings.demonstrations import Demonstrations

BoolArray = npt.NDArray[np.bool_]

GAPS = 2
"""Stretches cut out of a demonstration."""
EDGE = 0.05
"""Of the steps, that at least remain on either side of a place that nobody shows."""


def anywhere(lengths: IntArray, share: float, rng: np.random.Generator) -> BoolArray:
    """(N,) the steps that remain where each demonstration of these lengths (E,) loses a share of its own, in gaps."""
    return np.concatenate([_gapped(int(length), share, rng) for length in lengths])


def _gapped(length: int, share: float, rng: np.random.Generator) -> BoolArray:
    missing = round(share * length)
    cuts = np.sort(rng.integers(0, length - missing + 1, GAPS))
    shown = np.diff(cuts, prepend=0, append=length - missing)
    gaps = [missing * (i + 1) // GAPS - missing * i // GAPS for i in range(GAPS)] + [0]
    runs = np.stack([shown, gaps], axis=1).ravel()
    return np.repeat(np.tile([True, False], GAPS + 1), runs)


def in_one_place(depths: FloatArray, share: float, rng: np.random.Generator) -> BoolArray:
    """(N,) the steps that remain where nobody shows a band across the way. depths (N,): how far along each step is."""
    low = rng.uniform(EDGE, 1.0 - EDGE - share)
    first, last = np.quantile(depths, (low, low + share))
    keep: BoolArray = (depths < first) | (depths >= last)
    return keep


def remains(demonstrations: Demonstrations, keep: BoolArray) -> Demonstrations:
    """What a recording gives whose other steps were discarded: stretches, and what was seen after each.

    keep (N,). That stretches belong together, how long the gaps were, and what lay in them is not told.
    """
    begins = np.zeros(len(keep), np.bool_)
    begins[demonstrations.starts[demonstrations.lengths > 0]] = True
    before, after = np.roll(keep, 1) & ~begins, np.roll(keep & ~begins, -1)
    firsts, lasts = np.flatnonzero(keep & ~before), np.flatnonzero(keep & ~after)
    lengths = lasts - firsts + 1
    rows = ("observations", "labelled", "rewards", "terminated", "truncated")
    return replace(
        demonstrations,
        **{name: getattr(demonstrations, name)[keep] for name in rows},
        actions=None if demonstrations.actions is None else demonstrations.actions[keep],
        starts=np.cumsum(lengths) - lengths,
        lengths=lengths,
        final_observations=reached(demonstrations)[lasts],
    )
