"""When labels were given: how many a minute, and how long after their steps.

Times are of a sitting's monotonic clock, and two sittings share none. A row of /labels does not say in which sitting it
was given, but some occasions leave no doubt: what was said while driving, in a pause of the running episode or when
asked again is of the sitting of its step. A label given while looking back on a finished episode may be of a later
one; how long after its step it came is not known.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from recordings.contents import Labels
from recordings.reader import Reader
from recordings.schema import LabelKind
from recordings.sittings import Sitting, sitting_of

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

PAUSE_S = 60.0
"""Between two labels; whoever gives none for longer does something else."""
SAME_SITTING = (
    LabelKind.DEMONSTRATED,
    LabelKind.TAKEOVER,
    LabelKind.LIVE,
    LabelKind.PAUSED,
    LabelKind.QUERIED,
    LabelKind.REASKED,
)
"""Occasions on which a label is of its step's sitting."""
_ROWS = 1 << 20


def rates(reader: Reader) -> dict[str, float | None]:
    """Labels a minute of each labeler while labelling: longer pauses are left out. None: too few, or without times."""
    gaps: dict[int, int] = {}
    spent_s: dict[int, float] = {}
    last_ns: dict[int, int] = {}
    for start in range(0, reader.n_labels, _ROWS):
        stop = min(start + _ROWS, reader.n_labels)
        labelers, times_ns = (reader.read("labels", name, start, stop) for name in ("labeler", "time_ns"))
        for code in np.unique(labelers).tolist():
            own = times_ns[labelers == code]
            gaps_s = np.diff(own, prepend=last_ns.get(code, own[0])) / 1e9
            gaps_s = gaps_s[0 if code in last_ns else 1 :]
            gaps_s = gaps_s[(gaps_s >= 0) & (gaps_s <= PAUSE_S)]
            gaps[code] = gaps.get(code, 0) + len(gaps_s)
            spent_s[code] = spent_s.get(code, 0.0) + float(gaps_s.sum())
            last_ns[code] = int(own[-1])
    return {
        name: 60 * gaps[code] / spent_s[code] if spent_s.get(code, 0.0) > 0 else None
        for code, name in enumerate(reader.labelers)
    }


class Latency:
    """How long after its step each label came, where both were timed by one clock."""

    def __init__(self, reader: Reader, sittings: list[Sitting]) -> None:
        self._given_in_own_sitting = _given_in_own_sitting(reader, sittings)
        self._after_s: dict[tuple[int, str], list[FloatArray]] = {}
        self._at_once: dict[tuple[int, str], int] = {}
        self.not_comparable = 0
        """Labels of other occasions, of another sitting than their step's, or timed before it."""

    def add(self, labels: Labels, step_time_ns: IntArray) -> None:
        """step_time_ns: (L,) of the labels' steps."""
        after_ns = labels.time_ns - step_time_ns
        known = (
            np.isin(labels.kinds, SAME_SITTING) & self._given_in_own_sitting[labels.rows] & (after_ns >= 0)
        )
        self.not_comparable += int((~known).sum())
        kept, after_ns = labels[known], after_ns[known]
        together = kept.labelers.astype(np.int64) << 8 | kept.kinds
        for each in np.flatnonzero(np.bincount(together)).tolist():
            own, code, kind = after_ns[together == each], each >> 8, each & 255
            key = kind, labels.names[code]
            self._at_once[key] = self._at_once.get(key, 0) + int((own == 0).sum())
            self._after_s.setdefault(key, []).append(own[own > 0] / 1e9)

    def found(self) -> Iterator[tuple[LabelKind, str, int, FloatArray]]:
        """Occasion, labeler, labels given in the very tick of their step, and (n,) seconds of the others, ascending."""
        for kind, labeler in sorted(self._after_s):
            after_s = np.sort(np.concatenate(self._after_s[kind, labeler]))
            yield LabelKind(kind), labeler, self._at_once[kind, labeler], after_s


def _given_in_own_sitting(reader: Reader, sittings: list[Sitting]) -> BoolArray:
    """(L,) whether no label before this one, nor itself, is of a step of a later sitting than this one's step."""
    starts = np.array([sitting.steps.start for sitting in sittings], np.int64)
    own, latest = np.ones(reader.n_labels, bool), 0
    if len(starts) == 1:
        return own
    for start in range(0, reader.n_labels, _ROWS):
        steps = reader.read("labels", "step", start, min(start + _ROWS, reader.n_labels))
        of = sitting_of(starts, steps)
        newest = np.maximum.accumulate(np.maximum(of, latest))
        own[start : start + len(of)] = of == newest
        latest = int(newest[-1])
    return own
