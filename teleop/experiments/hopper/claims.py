"""What the source concludes from its table, and whether our runs bear it out: computed, not judged."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from teleop.experiments.experiment import Findings, Item, Table
from teleop.experiments.hopper import rows
from teleop.experiments.hopper.rows import MOMENTS, Row

CLEAR = 0.75
"""Share of the pairs of runs in which the one must beat the other before we say that it is better."""
LAST = len(MOMENTS) - 1


@dataclass(frozen=True)
class Claim:
    """One network is better than another, or at least no worse."""

    said: str
    better: Row
    worse: Row
    no_gain: bool = False
    """The claim is only that `worse`, which has more to it, is not better than `better`."""

    @property
    def by_its_own_figures(self) -> str:
        first, second = self.better.its_return, self.worse.its_return
        if first is None or second is None:
            return "–"
        return f"{'yes' if first > second else 'no'}: {first:,.0f} and {second:,.0f}"


CLAIMS = (
    Claim("Adam beats SGD", rows.TANH_ADAM, rows.TANH_SGD),
    Claim("Adam beats SGD", rows.RELU_ADAM, rows.RELU_SGD),
    *(Claim("Adam beats SGD", rows.TANH_ADAM, row) for row in rows.SGD_RATES[:2]),
    *(Claim("Adam beats SGD", rows.RELU_ADAM, row) for row in rows.SGD_RATES[2:]),
    Claim("tanh beats ReLU", rows.TANH_SGD, rows.RELU_SGD),
    Claim("tanh beats ReLU", rows.TANH_ADAM, rows.RELU_ADAM),
    Claim("tanh beats ReLU", rows.TANH_L2, rows.RELU_L2),
    Claim("an LSTM gains nothing", rows.RELU_L2, rows.RELU_L2_LSTM, no_gain=True),
    Claim("L2 helps", rows.TANH_L2, rows.TANH_ADAM),
    Claim("L2 helps", rows.RELU_L2, rows.RELU_ADAM),
)


def chance_above(first: Sequence[float], second: Sequence[float]) -> float:
    """The share of all pairs, one of each, in which the first is higher; equal ones count half."""
    pairs = [(a, b) for a in first for b in second]
    return sum(0.5 if a == b else float(a > b) for a, b in pairs) / len(pairs)


def verdict(claim: Claim, first: Sequence[float], second: Sequence[float]) -> str:
    """What these returns of `better` and `worse` say of the claim."""
    chance = chance_above(first, second)
    if chance <= 1 - CLEAR:
        return "no"
    if claim.no_gain:
        return "yes"
    return "yes" if chance >= CLEAR else "not clear"


def table(findings: Findings) -> Table:
    return Table(
        "Do its conclusions hold?",
        ("it says", "the one", "the other", "by its own figures", *(f"after {n:,} updates" for n in MOMENTS)),
        [
            (
                claim.said,
                claim.better.name,
                claim.worse.name,
                claim.by_its_own_figures,
                *(_cell(findings, claim, m) for m in range(len(MOMENTS))),
            )
            for claim in CLAIMS
        ],
        f"Yes or no: the one returned more in at least {CLEAR:.0%} of all pairs of runs, or in at most "
        f"{1 - CLEAR:.0%}; in brackets, how often. That an LSTM gains nothing stands unless the LSTM was clearly "
        "better. Its own figures are of one run each.",
    )


def _cell(findings: Findings, claim: Claim, moment: int) -> str:
    first, second = (rows.returns(findings, row, moment) for row in (claim.better, claim.worse))
    return f"{verdict(claim, first, second)} ({chance_above(first, second):.0%})"


def losses_in_words(findings: Findings) -> str:
    """Its first finding was about the loss: Adam's is lower and steadier."""
    parts = []
    for adam, sgd in ((rows.TANH_ADAM, rows.TANH_SGD), (rows.RELU_ADAM, rows.RELU_SGD)):
        ends = [rows.final_losses(findings, row) for row in (adam, sgd)]
        unrest = [median(rows.unrest(run) for run in rows.runs(findings, row)) for row in (adam, sgd)]
        lower = chance_above(ends[1], ends[0])
        parts.append(
            f"with {adam.name.split(',')[0]}, Adam's squared error ends below SGD's in {lower:.0%} of the pairs of "
            f"runs ({median(ends[0]):.2g} and {median(ends[1]):.2g}), and from one look to the next the loss of a "
            f"batch changes by a factor of {math.exp(unrest[0]):.2f} under Adam, "
            f"{math.exp(unrest[1]):.2f} under SGD: {'steadier' if unrest[0] < unrest[1] else 'not steadier'}"
        )
    return (
        "The source's first finding is that Adam reaches a lower error sooner, and more steadily. "
        f"Here, at the same step size: {'; '.join(parts)}."
    )


def items(findings: Findings) -> list[Item]:
    """One for each of its conclusions, at the last moment."""
    found = []
    for said in dict.fromkeys(claim.said for claim in CLAIMS):
        claims = [claim for claim in CLAIMS if claim.said == said]
        verdicts = [
            verdict(claim, *(rows.returns(findings, row, LAST) for row in (claim.better, claim.worse)))
            for claim in claims
        ]
        its_own = [claim.by_its_own_figures.split(":")[0] for claim in claims]
        found.append(
            Item(
                "001",
                f"Conclusion: {said}",
                f"{len(claims)} comparisons after {MOMENTS[LAST]:,} updates",
                _counted([each for each in its_own if each != "–"]),
                _counted(verdicts),
            )
        )
    return found


def _counted(verdicts: Sequence[str]) -> str:
    """ "yes 3, no 1"."""
    return ", ".join(f"{each} {verdicts.count(each)}" for each in dict.fromkeys(verdicts))
