"""One recorded episode in memory, for a replay: read once, then scrubbed at will."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np

from learners.interface import Array, FloatArray, Policy
from recordings.contents import Episode, Labels
from recordings.reader import Reader
from recordings.schema import Driver, Outcome


@dataclass(frozen=True, eq=False)
class EpisodeView:
    """The columns of one episode of T steps."""

    index: int
    seed: int
    """-1 where there was none."""
    options: dict[str, Any] | None
    """What the world was reset with beside its seed."""
    outcome: Outcome
    """The one that counts: as it was last judged."""
    parent: int
    """The episode it branched from; -1: none."""
    branch_step: int
    """How many of its steps repeat the parent's first."""
    is_discarded: bool
    """All of it."""
    observations: Array
    """(T + 1, *observation shape)"""
    path: tuple[Any, ...]
    """The first T of them, one by one."""
    actions: Array
    """(T, *action shape)"""
    drivers: tuple[Driver, ...]
    """(T,)"""
    returns: FloatArray
    """(T + 1,) the return before each step, and at the end."""
    student_actions: tuple[Any | None, ...]
    """(T,) None where there was no student."""
    student_versions: Array
    """(T,)"""
    labels: dict[int, tuple[tuple[str, Any], ...]]
    """Step -> who said what, in the order given; a later label of the same labeler replaces the earlier."""

    @property
    def length(self) -> int:
        return len(self.actions)


def episode_name(index: int) -> str:
    """What a person calls an episode: counted from 0, as by `curate` and in the file."""
    return f"episode {index}"


def with_student(episode: EpisodeView, policy: Policy) -> EpisodeView:
    """The same episode with what this policy would have done in place of what was recorded of a student."""
    proposed = tuple(policy.act(episode.observations[:-1])) if episode.length else ()
    return dataclasses.replace(episode, student_actions=proposed)


def load_episode(reader: Reader, index: int) -> EpisodeView:
    """Read one episode. Raises DamagedRecording."""
    episode = reader.episodes[index]
    observations = episode.observations
    proposed, valid = episode.student_actions, episode.student_action_valid
    return EpisodeView(
        index=index,
        seed=episode.seed,
        options=episode.options,
        outcome=Outcome(episode.outcome),
        parent=episode.parent,
        branch_step=episode.branch_step,
        is_discarded=reader.curation.is_discarded(episode),
        observations=observations,
        path=tuple(observations[:-1]),
        actions=episode.actions,
        drivers=tuple(Driver(int(code)) for code in episode.drivers),
        returns=np.concatenate([[0.0], np.cumsum(episode.rewards)]),
        student_actions=tuple(
            action if known else None for action, known in zip(proposed, valid, strict=True)
        ),
        student_versions=episode.student_versions,
        labels=_labels_by_step(episode, reader.curation.holding(episode.labels())),
    )


def _labels_by_step(episode: Episode, labels: Labels) -> dict[int, tuple[tuple[str, Any], ...]]:
    found: dict[int, dict[str, Any]] = {}
    for step, action, labeler in zip(labels.steps, labels.actions, labels.labelers, strict=True):
        found.setdefault(int(step) - episode.start, {})[labels.names[int(labeler)]] = action
    return {step: tuple(said.items()) for step, said in found.items()}
