"""What counts after every curation act: which steps, which labels, which outcome.

Acts are rows of /edits and only ever appended (`recordings.curator` does so). An UNDO takes back one act before
it, which may itself be an UNDO; what was not taken back stands. `reader.curation` is the state of an open recording.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from recordings.acts import LOST
from recordings.branches import Branches
from recordings.contents import Edit, Episode, Episodes, Labels, Source
from recordings.schema import EditKind, LabelKind, Outcome

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]

_OF_STEPS = (EditKind.DISCARD, EditKind.RESTORE, EditKind.MARK)


def not_taken_back(edits: Sequence[Edit]) -> list[Edit]:
    """The acts that no UNDO takes back, the UNDOs among them included, in order. One pass."""
    taken_back: set[int] = set()
    kept = []
    for edit in reversed(edits):
        if edit.row in taken_back:
            continue
        kept.append(edit)
        if edit.kind is EditKind.UNDO:
            taken_back.add(edit.value)
    return kept[::-1]


def standing(edits: Sequence[Edit]) -> list[Edit]:
    """The acts that hold, in order: none taken back, and no UNDO, which says nothing about steps."""
    return [edit for edit in not_taken_back(edits) if edit.kind is not EditKind.UNDO]


class Curation:
    """What all acts of a recording amount to. Building it takes one pass over them."""

    def __init__(self, edits: Sequence[Edit] = ()) -> None:
        """edits: every act from the first on, in order."""
        self.edits = tuple(edits)
        self.acts = tuple(standing(self.edits))
        """Those that hold."""
        self._on_steps: dict[int, list[Edit]] = {}
        self._judged: dict[int, Outcome] = {}
        withdrawn = set()
        for act in self.acts:
            if act.kind in _OF_STEPS:
                self._on_steps.setdefault(act.episode, []).append(act)
            elif act.kind is EditKind.JUDGE:
                self._judged[act.episode] = Outcome(act.value)
            elif act.kind is EditKind.WITHDRAW:
                withdrawn.add(act.value)
        self.withdrawn: IntArray = np.array(sorted(withdrawn - {LOST}), np.int64)
        """Rows of /labels that no longer count."""

    def outcome(self, episode: int, recorded: Outcome) -> Outcome:
        """How the episode of this index ended: as it was judged last, or else as recorded; RUNNING while it runs."""
        return recorded if recorded is Outcome.RUNNING else self._judged.get(episode, recorded)

    @property
    def judged(self) -> tuple[int, ...]:
        """Episodes judged anew."""
        return tuple(sorted(self._judged))

    def discarded(self, episode: Episode) -> BoolArray:
        """(T,) which of its steps are left out."""
        return self._of_steps(episode, EditKind.DISCARD)

    def marked(self, episode: Episode) -> BoolArray:
        """(T,) which of its executed actions are not to be imitated."""
        return self._of_steps(episode, EditKind.MARK)

    def is_discarded(self, episode: Episode) -> bool:
        """Every step of it is left out."""
        return episode.index in self._on_steps and bool(episode.length and self.discarded(episode).all())

    def holding(self, labels: Labels) -> Labels:
        """Those of `labels` that were not withdrawn."""
        return labels[~np.isin(labels.rows, self.withdrawn)] if len(self.withdrawn) else labels

    def on_kept_steps(self, labels: Labels, episodes: Episodes) -> Labels:
        """Those of `labels` whose steps were not discarded."""
        order = np.argsort(labels.steps, kind="stable")
        in_order = labels.steps[order]
        kept = np.ones(len(labels), bool)
        for index, acts in self._on_steps.items():
            if any(act.kind is EditKind.DISCARD for act in acts):
                episode = episodes[index]
                rows = order[slice(*np.searchsorted(in_order, (episode.start, episode.stop)))]
                kept[rows] = ~self.discarded(episode)[labels.steps[rows] - episode.start]
        return labels[kept]

    def _of_steps(self, episode: Episode, kind: EditKind) -> BoolArray:
        steps = np.zeros(episode.length, bool)
        for act in self._on_steps.get(episode.index, ()):
            if act.kind in (kind, EditKind.RESTORE):
                stop = episode.length if act.stop < 0 else act.stop
                steps[act.start : stop] = act.kind is kind
        return steps


class Curated(Source, Protocol):
    """An open recording that knows what was curated."""

    @property
    def curation(self) -> Curation: ...


@dataclass(frozen=True)
class Tally:
    """What the acts that hold come to."""

    discarded_episodes: tuple[int, ...]
    """Left out whole."""
    discarded_steps: int
    marked_steps: int
    judged_episodes: tuple[int, ...]
    withdrawn_labels: int


def tally(reader: Curated) -> Tally:
    """The count of everything curated in a recording."""
    curation, episodes = reader.curation, Episodes(reader)
    touched = [episodes[index] for index in sorted({act.episode for act in curation.acts})]
    return Tally(
        discarded_episodes=tuple(each.index for each in touched if curation.is_discarded(each)),
        discarded_steps=sum(int(curation.discarded(each).sum()) for each in touched),
        marked_steps=sum(int(curation.marked(each).sum()) for each in touched),
        judged_episodes=curation.judged,
        withdrawn_labels=len(curation.withdrawn),
    )


def lessons(reader: Curated, *, advised: bool = False) -> Labels:
    """The labels that a learner is to learn from, in the order given; of several for one step the last holds.

    Left out are withdrawn labels, those of discarded steps and, unless `advised`, what advisers said. A label on a
    replayed step of a branch is one of the step that it repeats (see `branches`): that step is then named.
    """
    curation, episodes = reader.curation, Episodes(reader)
    labels = reader.labels()
    if not advised:
        labels = labels[labels.kinds != LabelKind.ADVISED]
    labels = curation.on_kept_steps(curation.holding(labels), episodes)
    return labels.on_steps(
        Branches(reader, lambda episode: ~curation.discarded(episode)).carriers(labels.steps)
    )
