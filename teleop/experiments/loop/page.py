"""What labels that are read wrongly do to cloning and to DAgger, on a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import median
from typing import Any

from teleop.benchmark.rows import number
from teleop.experiments.experiment import Experiment, Findings, Found, Item, Part, Table
from teleop.experiments.loop.by_hand import forgiven, settled_offset, steps_on_road
from teleop.experiments.loop.laps import (
    ARMS,
    BIAS,
    FEEDBACK,
    FEEDBACKS,
    KNOWS,
    NOISES,
    PRACTICE,
    ROAD,
    ROUNDS,
    SEES,
    SOURCE,
    STUDENT,
    Arm,
    cells,
)
from teleop.experiments.loop.pictures import Settled, pictures
from teleop.experiments.statistics import median_and_range
from teleop.worlds import LOOPTRACK_STEPS


def page(findings: Findings) -> Sequence[Part]:
    return (
        _setting(),
        *(_arm(findings, arm) for arm in ARMS),
        *pictures(_ways(findings), _settled(findings), f"N({SOURCE[0]:g}, {SOURCE[1]:g})", ROAD),
        _feedbacks(findings),
        _sensor(findings),
        _verdicts(findings),
        _what_labels_cannot_say(),
    )


def _setting() -> str:
    return (
        f"LoopTrack: a circular road of radius {ROAD.radius:g}, {ROAD.half_width:g} to either side of its centre line, "
        f"{ROAD.speed:g} driven in each step; the action is the turn in a step, and {ROAD.turn:g} rad keeps to the "
        f"line. One lap is {LOOPTRACK_STEPS} steps. An expert drives it once, on the line all the way. What it "
        "executes is right; what is recorded as its label is read by a sensor that adds N(mean, deviation). The clone "
        f"is fitted to that lap, a perceptron {STUDENT.hidden} by mean squares. DAgger goes on from the clone: "
        f"{ROUNDS['position']} rounds (of a student that sees (x, y); else {ROUNDS['ego']}) of "
        f"{PRACTICE.labels_per_round} steps, all driven by the student, all labelled by the same expert through the "
        "same sensor. Then each drives one lap from the same start; nothing in it is "
        "drawn.\n\n"
        "By hand: a car that always turns by the road's turn and an error more drives a circle of another radius, "
        "which touches the centre line at the start and is farthest off it on the opposite side. So a lap forgives a "
        f"constant error of {forgiven(ROAD):.2g} rad to the inside, and with {BIAS[0]:g} rad the car is on the road "
        f"for {steps_on_road(ROAD, BIAS[0])} steps.\n\n"
        "Where it is headed is not in (x, y): at one place the right turn is to the left for a car that points "
        "outwards and to the right for one that points inwards, so that no function of (x, y) is right at both. "
        "On the one lap that is demonstrated heading follows from place, and nobody notices."
    )


def _arm(findings: Findings, arm: Arm) -> Table:
    rows = []
    for noise in arm.noises:
        found = arm.of(findings, noise)
        clones, students = ([each[who] for each in found] for who in ("clone", "dagger"))
        rows.append(
            (
                f"N({noise[0]:g}, {noise[1]:g})",
                _of_each(clones, "training_error"),
                _steps(clones),
                _of_each(students, "training_error"),
                _first_laps(found),
                _steps(students),
                _offsets(students),
                _by_hand(arm.to_line, noise[0]),
            )
        )
    columns = (
        "labels off by",
        "clone: training error, rad",
        f"clone: steps on the road, of {LOOPTRACK_STEPS}",
        "DAgger: training error, rad",
        "DAgger: first whole lap after round",
        "DAgger, at last: steps on the road",
        "off the line",
        "by hand",
    )
    return Table(arm.title, columns, rows, _REMARK)


def _first_laps(found: Sequence[Found]) -> str:
    """Round 0 is the clone."""
    rounds = [each["first_lap"] for each in found if each["first_lap"] is not None]
    return (
        f"{median(rounds):g}; {len(rounds)} of {len(found)} runs" if rounds else f"none of {len(found)} runs"
    )


_REMARK = (
    "Median (lowest to highest) over seeds. Training error: root of the mean square. Off the line: mean over the last "
    "quarter of a whole lap, outside positive; by hand: where a car settles that is steered by the expert's rule and "
    "the mean of what the sensor adds."
)


def _ways(findings: Findings) -> list[tuple[str, list[Found]]]:
    """Of the source's noise."""
    return [(arm.short, arm.of(findings, SOURCE)) for arm in ARMS]


def _settled(findings: Findings) -> list[Settled]:
    """Against the bias of the labels, and against the feedback that the expert shows."""
    biases = [noise[0] for noise in NOISES if not noise[1]]
    return [
        Settled(
            f"feedback {FEEDBACK:g}",
            "bias of the labels, rad a step",
            [(bias, offset) for bias in biases for offset in _offsets_of(KNOWS.of(findings, (bias, 0.0)))],
            lambda bias: settled_offset(ROAD, FEEDBACK, bias),
        ),
        Settled(
            f"bias {BIAS[0]:g}",
            "expert's feedback, rad for each unit off",
            [
                (to_line, offset)
                for to_line in FEEDBACKS
                for offset in _offsets_of(replace(KNOWS, to_line=to_line).of(findings, BIAS))
            ],
            lambda to_line: settled_offset(ROAD, to_line, BIAS[0]),
        ),
    ]


def _offsets_of(found: Sequence[Found]) -> list[float]:
    """Of DAgger's students that stay on the road."""
    return [each["dagger"]["offset"] for each in found if each["dagger"]["stays"]]


def _feedbacks(findings: Findings) -> Table:
    rows = []
    for to_line in FEEDBACKS:
        students = [each["dagger"] for each in replace(KNOWS, to_line=to_line).of(findings, BIAS)]
        rows.append((f"{to_line:g}", _steps(students), _offsets(students), _by_hand(to_line, BIAS[0])))
    columns = ("expert's feedback, rad for each unit off", "steps on the road", "off the line", "by hand")
    return Table(
        f"How far off: labels off by {BIAS[0]:g}, against the expert's feedback",
        columns,
        rows,
        "The stronger the expert's correction, the less an error of its labels matters: the car settles where the "
        "correction that is shown cancels the error.",
    )


def _sensor(findings: Findings) -> Table:
    rows = []
    for noise in NOISES:
        found = KNOWS.of(findings, noise)
        middle = (median(each[f"misread_{what}"] for each in found) for what in ("mean", "deviation"))
        rows.append((f"N({noise[0]:g}, {noise[1]:g})", *(f"{value:.4f}" for value in middle)))
    return Table(
        "What a recording reveals that labels do not",
        ("labels off by", "label − executed: mean, rad", "deviation"),
        rows,
        "Of the one lap recorded, median over seeds. A recording keeps what was executed apart from what was said to "
        "be right; whoever compares the two sees the sensor's error before anything is learned.",
    )


def _verdicts(findings: Findings) -> str:
    """The source's claims, each with what was found of it."""
    sees, knows, blind = (arm.of(findings, SOURCE) for arm in ARMS)
    sound, biased = (SEES.of(findings, each) for each in (NOISES[0], BIAS))
    noise = f"N({SOURCE[0]:g}, {SOURCE[1]:g})"
    lines = (
        (
            "“Zero training error, yet catastrophic when executed” (a student that sees (x, y)): "
            f"{_said(not any(each['clone']['stays'] for each in (*biased, *sees)))}; the clone of labels off by "
            f"N({BIAS[0]:g}, {BIAS[1]:g}), with a training error of {_error(biased, 'clone')} rad, leaves the road in "
            f"{_count(biased, 'clone', stays=False)}; that of labels off by {noise}, with {_error(sees, 'clone')} rad, "
            f"in {_count(sees, 'clone', stays=False)}"
        ),
        (
            f"“DAgger fixes it” (labels off by {noise}): {_said(all(each['dagger']['stays'] for each in sees))} for a "
            f"student that sees (x, y), which completes its lap in {_count(sees, 'dagger', stays=True)}; "
            f"{_said(all(each['dagger']['stays'] for each in knows))} for one that sees offset and heading error, "
            f"in {_count(knows, 'dagger', stays=True)}"
        ),
        (
            "What (x, y) leaves out: DAgger's student fits sound labels to "
            f"{_error(sound, 'dagger')} rad where it sees (x, y), and to "
            f"{_error(KNOWS.of(findings, NOISES[0]), 'dagger')} rad where it sees "
            "offset and heading error (median training error). Where it sees (x, y) the clone of sound labels "
            f"completes its lap in {_count(sound, 'clone', stays=True)}, DAgger's student at last in "
            f"{_count(sound, 'dagger', stays=True)}"
        ),
        (
            "“The expert must be able to recover”: "
            f"{_said(not any(each['dagger']['stays'] for each in blind))}; taught by an expert who does not steer "
            f"back, DAgger's student leaves the road in {_count(blind, 'dagger', stays=False)}"
        ),
    )
    return "## The source's claims\n\n" + "\n".join(f"- {line}." for line in lines)


def _error(found: Sequence[Found], who: str) -> str:
    return number(median(each[who]["training_error"] for each in found))


def _said(holds: bool) -> str:
    return "**holds**" if holds else "**does not hold throughout**"


def _count(found: Sequence[Found], who: str, *, stays: bool) -> str:
    return f"{sum(each[who]['stays'] is stays for each in found)} of {len(found)} runs"


def _what_labels_cannot_say() -> str:
    return (
        "## What labels alone cannot reveal\n\n"
        "An expert that wants to drive on another line, further in, gives just the labels that an expert of the centre "
        "line gives through a sensor with a bias. Whoever has only states and labels cannot tell the two apart, "
        "whatever is fitted and however many labels there are: the training error is the same, and DAgger imitates the "
        "second as faithfully as it would the first. Where it stays on the road, it does so because the expert steers "
        "back, not because the error is found: it settles where correction and error cancel. What can "
        "reveal the error lies outside the labels: the executed action beside them, the road's edge, a reward. Noise "
        "without a bias averages out; the bias does not."
    )


def _of_each(drives: Sequence[Mapping[str, Any]], name: str) -> str:
    return median_and_range([float(each[name]) for each in drives])


def _steps(drives: Sequence[Mapping[str, Any]]) -> str:
    """Median, and the range where there is one."""
    steps = [each["steps"] for each in drives]
    spread = f" ({min(steps)} to {max(steps)})" if min(steps) < max(steps) else ""
    return f"{median(steps):g}{spread}"


def _offsets(drives: Sequence[Mapping[str, Any]]) -> str:
    return median_and_range([each["offset"] for each in drives if each["stays"]])


def _by_hand(to_line: float, mean: float) -> str:
    offset = settled_offset(ROAD, to_line, mean)
    return "leaves the road" if offset is None else number(offset)


def items(findings: Findings) -> Sequence[Item]:
    sees, knows, blind = (arm.of(findings, SOURCE) for arm in ARMS)
    ran = f"LoopTrack, one lap, labels off by N({SOURCE[0]:g}, {SOURCE[1]:g}), {len(sees)} seeds"

    def steps(found: Sequence[Found], who: str) -> str:
        return _steps([each[who] for each in found])

    return (
        Item(
            "002",
            "driving a loop: a clone with zero training error is catastrophic when executed",
            ran,
            "–",
            f"on the road for {steps(sees, 'clone')} of {LOOPTRACK_STEPS} steps",
        ),
        Item(
            "002",
            "driving a loop: DAgger recovers from the same labels",
            ran,
            "–",
            f"{steps(sees, 'dagger')} steps where it sees (x, y), {steps(knows, 'dagger')} where it sees offset and "
            "heading error",
        ),
        Item(
            "002",
            "the expert must be able to recover from near-catastrophe",
            f"the same, taught by an expert who does not steer back, {len(blind)} seeds",
            "–",
            f"DAgger's student is on the road for {steps(blind, 'dagger')} of {LOOPTRACK_STEPS} steps",
        ),
    )


EXPERIMENT = Experiment(
    name="loop",
    title="Driving a loop with labels that are read wrongly",
    sources=("002",),
    question="One lap is demonstrated, and the sensor that reads the labels is a little off. Does a clone with next to "
    "no training error leave the road, does DAgger stay on it with the same labels, and how far beside the line?",
    cells=cells,
    page=page,
    items=items,
    seeds=5,
)
