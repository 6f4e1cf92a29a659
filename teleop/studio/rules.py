"""How a session is run: every setting of it that is no part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from learners.settings import Count, NonNegative, Positive, Settings, Share
from recordings.schema import LabelKind

TakeoverName = Literal["hold", "toggle", "any-key"]


@dataclass(frozen=True)
class Rules(Settings):
    """How a session is run."""

    takeover: TakeoverName = "hold"
    """How a person takes over: while the key is held, from press to press, or with any drive key."""
    hand_back_after_s: NonNegative = 1.0
    """Takeover by any drive key: the student drives again when no key was held for so long."""
    mark_before_takeover_s: NonNegative = 1.2
    """The student's steps so shortly before a person takes over are marked as mistakes, which are not imitated: people
    react late (Sirius, Liu 2022, takes the same time)."""
    label_student_states: bool = False
    """Ask the expert about the states the student drives through, too (DAgger); else only where the expert drives."""
    label_kind: LabelKind = LabelKind.DEMONSTRATED
    """How the labels of states in which the expert drives are marked."""
    label_budget: Count | None = None
    """Labels after which the expert is no longer asked; None: no limit."""
    minutes_budget: Positive | None = None
    """Minutes of the session after which the expert is no longer asked; None: no limit."""
    asks_by_pausing: bool = True
    """Where the student asks a person, the world waits for the answer; else they must drive on as it moves."""
    reask_share: Share = 0.0
    """The share of a person's labels about which they are asked again later."""
    rest_s: NonNegative = 0.0
    """Seconds an ended episode stays on the screen."""
    countdown_s: NonNegative = 0.0
    """Seconds before the first step of an episode."""
    rewind_steps: Count = 10
    """Steps that one press of the rewind key goes back."""
    doubts_aside: bool = False
    """Fit the desk's ensembles in a process of their own, for a frame must not wait for them; not where a session is to
    repeat exactly."""
    sample_student: bool = False
    """Draw the student's action from its distribution; else its most probable one."""
