"""The ways of teaching that are compared: for each its teacher and its gate. docs/teaching.md tells what each does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from learners.dagger import GateName
from teleop.session import Session
from teleop.teaching.person import Person
from teleop.teaching.teachers import Editor, Narrator, Oracle, Overseer, Rewinder, Teacher


@dataclass(frozen=True)
class Way:
    """One way of teaching."""

    name: str
    title: str
    teacher: Callable[[Session, Person, np.random.Generator], Teacher]
    gate: GateName = "human"
    gates: Mapping[str, GateName] = field(default_factory=dict)
    """World's name -> its gate, where that is another."""


WAYS = (
    Way("demonstration", "plain demonstration", Teacher, "expert"),
    Way("beta", "β-DAgger", Narrator, "beta"),
    Way("takeover", "takeover", Overseer),
    Way("timeline", "timeline relabelling", Editor),
    Way("rewind", "rewind and take over", Rewinder),
    Way("query", "query by need", Oracle, "novelty", {"cartpole": "uncertainty"}),
)
