"""What the GridWorld tutorial itself reports of its six methods, and how long its code took when we ran it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Method:
    """One of the six."""

    learner: str
    """Its name here."""
    title: str
    published: float | None
    """Return at the end, as the tutorial's notebooks print it; None: they show a heat map only."""
    run_again: str
    """The tutorial's code on two quiet cores, one thread."""
    labels: int | None = None
    """Labels that it learned from, where the tutorial says how many."""


METHODS = (
    Method("bc", "BC", 8.705, "8.6 in 149 s"),
    Method("dagger", "DAgger", 8.135, "8.0 in 177 s", labels=150_000),
    Method("maxent-irl", "MaxEnt IRL", 4.40, "4.7 h (28 s an iteration)"),
    Method("mce-irl", "MCE IRL", 4.04, "8.4 h (60 s an iteration)"),
    Method("relent-irl", "RelEnt IRL", None, "281 s; 0.96 is the best policy found on its reward"),
    Method("gail", "GAIL", 5.12, "1.8 h (2.3 s an iteration)"),
)
PPO_EXPERT = "9.1 after 64,473 iterations (over 86 h, extrapolated)"
