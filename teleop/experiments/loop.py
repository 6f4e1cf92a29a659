"""Source 002's example: one lap round a loop, labels that are read wrongly, and what cloning and DAgger make of them.

Reading order: `lap` (one cell), `cells` (the grid), `page`; what can be reckoned by hand is in `loop_by_hand`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import gymnasium
import numpy as np
from gymnasium.envs.registration import EnvSpec

from learners import bc, dagger
from learners.interface import Policy
from learners.worlds import facts_of
from recordings.demonstrations import Filter, load
from teleop.benchmark.rows import number
from teleop.benchmark.runs import run_command
from teleop.experiments.experiment import Cell, Experiment, Findings, Found, Item, Part, Table, made_once
from teleop.experiments.loop_by_hand import forgiven, settled_offset, steps_on_road
from teleop.experiments.loop_pictures import pictures
from teleop.experiments.statistics import median_and_range
from teleop.experts import LoopTrackExpert
from teleop.misreading import FaultySensor, MisreadExpert
from teleop.worlds import LOOPTRACK_STEPS
from teleop.worlds.catalogue import LOOPTRACK, LOOPTRACK_POSITION, World
from teleop.worlds.looptrack import LoopTrack
from teleop.worlds.looptrack_road import Road, Seen

ROAD = Road()
WORLDS: Mapping[Seen, World] = {"ego": LOOPTRACK, "position": LOOPTRACK_POSITION}
NOISES = ((0.0, 0.0), (0.005, 0.0), (0.01, 0.0), (0.02, 0.0), (0.0, 0.01), (0.01, 0.01))
"""Mean and deviation of what the sensor adds to a label, rad. The last is the source's."""
FEW_NOISES = ((0.0, 0.0), (0.01, 0.0), (0.01, 0.01))
SOURCE = NOISES[-1]
FEEDBACK, NONE = 0.05, 0.0
"""Turn towards the centre line for each unit off it, rad a step: the scripted expert's, and none."""
ROUNDS: Mapping[Seen, int] = {"ego": 8, "position": 20}
"""Of DAgger: one round teaches what depends on offset and heading; a way by (x, y) is learned bit by bit."""


@dataclass(frozen=True)
class Arm:
    """A student and an expert."""

    title: str
    seen: Seen
    to_line: float
    noises: tuple[tuple[float, float], ...]

    def of(self, findings: Findings, noise: tuple[float, float]) -> list[Found]:
        """Its laps with these labels, a seed each."""
        return findings.of(lap, seen=self.seen, to_line=self.to_line, mean=noise[0], deviation=noise[1])


SEES = Arm("The student sees (x, y), as in the source", "position", FEEDBACK, FEW_NOISES)
KNOWS = Arm("The student sees its offset and heading error", "ego", FEEDBACK, NOISES)
BLIND = Arm("The same, with an expert who does not steer back", "ego", NONE, NOISES)
ARMS = (SEES, KNOWS, BLIND)
FEEDBACKS = (0.01, 0.02, FEEDBACK, 0.1)
BIAS = (0.01, 0.0)
"""With which the strength of the feedback is varied."""
STUDENT = bc.Config(hidden=(32, 32), learning_rate=0.01, l2=1e-6, held_out=0.0)
UPDATES: Mapping[Seen, int] = {"ego": 400, "position": 1500}
"""At each fit: a rule in offset and heading error is a plane, a way by (x, y) is not."""
PRACTICE = dagger.Config(
    gate="beta",
    schedule="constant",
    beta=0.0,
    labels_per_round=150,
    settled=0.0,
    alone_episodes=0,
)
"""The student drives every step, and each is labelled. Before its first round it is the clone of the lap."""
LATE = 4
"""The last of so many parts of a lap, in which what had to settle has settled."""
THINNED = 2
"""Of a way one place in so many is kept for the picture, and the last."""


def lap(folder: Path, *, seen: Seen, to_line: float, mean: float, deviation: float, seed: int) -> Found:
    """A lap is demonstrated; a clone of its labels, and what DAgger makes of that clone, drive one each."""
    world, sensor = WORLDS[seen], FaultySensor(mean, deviation)
    path = demonstration(folder, world, sensor, seed)
    data, executed = load(path, Filter(actions="labelled")), load(path)
    assert data.actions is not None
    assert executed.actions is not None
    misread = data.actions - executed.actions
    rng = np.random.default_rng([seed, 2])
    expert = MisreadExpert(expert_of(seen, to_line), sensor, facts_of(world.spec()).action_space, rng)
    config = replace(PRACTICE, rounds=ROUNDS[seen], student=replace(STUDENT, updates=UPDATES[seen]))
    snapshots = list(dagger.train(config, data, world.spec(), np.random.default_rng(seed), expert=expert))
    drives = [drive(snapshot.policy, world.spec()) for snapshot in snapshots]
    errors = [float(np.sqrt(snapshot.metrics["loss"])) for snapshot in snapshots]
    return {
        "misread_mean": float(misread.mean()),
        "misread_deviation": float(misread.std()),
        "clone": {**drives[0], "training_error": errors[0]},
        "dagger": {**drives[-1], "training_error": errors[-1]},
        "first_lap": next((number for number, each in enumerate(drives) if each["stays"]), None),
        "labels": snapshots[-1].metrics["labels"],
    }


def demonstration(folder: Path, world: World, sensor: FaultySensor, seed: int) -> Path:
    """One lap of the scripted expert, who is on the centre line all the way; its labels as the sensor reads them."""
    words = ("record", "--env", world.name, "--driver", "scripted", "--headless", "--episodes", "1")
    noise = ("--label-noise", str(sensor.mean), str(sensor.deviation), "--seed", str(seed))
    name = f"{world.name}-{sensor.mean:g}-{sensor.deviation:g}-{seed}.h5"

    def record(path: Path) -> None:
        run_command(*words, *noise, "--out", str(path))

    return made_once(folder / name, record)


def expert_of(seen: Seen, to_line: float) -> LoopTrackExpert:
    """One whose errors die away without swinging, however strong the feedback; 0: one who turns always alike."""
    return LoopTrackExpert(ROAD, seen, to_line=to_line, to_road=2 * (ROAD.speed * to_line) ** 0.5)


def drive(policy: Policy, world: EnvSpec) -> Found:
    """One lap, or as far as the policy comes."""
    env = gymnasium.make(world)
    track = env.unwrapped
    assert isinstance(track, LoopTrack)
    observation, _ = env.reset(seed=0)
    poses, steps, is_over, left = [track.pose], 0, False, False
    while not is_over:
        observation, reward, left, truncated, _ = env.step(policy.act(np.asarray(observation)[None])[0])
        poses.append(track.pose)
        steps, is_over = steps + round(float(reward)), left or truncated
    env.close()
    way = np.asarray(poses)
    offsets = ROAD.ego(way)[:, 0]
    return {
        "steps": steps,
        "stays": not left,
        "offset": None if left else float(offsets[-len(offsets) // LATE :].mean()),
        "farthest": float(np.abs(offsets).max()),
        "way": np.round(np.concatenate([way[:-1:THINNED, :2], way[-1:, :2]]), 2).tolist(),
    }


def cells(seeds: range) -> Sequence[Cell]:
    grid = [(arm.seen, arm.to_line, noise) for arm in ARMS for noise in arm.noises]
    grid += [("ego", to_line, BIAS) for to_line in FEEDBACKS if to_line != FEEDBACK]
    return [
        Cell(lap, {"seen": seen, "to_line": to_line, "mean": mean, "deviation": deviation, "seed": seed})
        for seen, to_line, (mean, deviation) in grid
        for seed in seeds
    ]


# -- the page -------------------------------------------------------------------------------------------------


def page(findings: Findings) -> Sequence[Part]:
    return (
        _setting(),
        *(_arm(findings, arm) for arm in ARMS),
        *pictures(
            {(arm.title, noise): arm.of(findings, noise) for arm in ARMS for noise in arm.noises},
            SOURCE,
            ROAD,
            FEEDBACK,
        ),
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
                _of_each(clones, "steps"),
                _of_each(students, "training_error"),
                _first_laps(found),
                _of_each(students, "steps"),
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


def _feedbacks(findings: Findings) -> Table:
    rows = []
    for to_line in FEEDBACKS:
        students = [each["dagger"] for each in replace(KNOWS, to_line=to_line).of(findings, BIAS)]
        rows.append(
            (f"{to_line:g}", _of_each(students, "steps"), _offsets(students), _by_hand(to_line, BIAS[0]))
        )
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
    noise = f"N({SOURCE[0]:g}, {SOURCE[1]:g})"
    lines = (
        (
            f"“Zero training error, yet catastrophic when executed” (labels off by {noise}, a student that sees "
            f"(x, y)): {_said(not any(each['clone']['stays'] for each in sees))}; the clone leaves the road in "
            f"{_count(sees, 'clone', stays=False)}"
        ),
        (
            f"“DAgger fixes it” (the same labels): {_said(all(each['dagger']['stays'] for each in sees))} for a "
            f"student that sees (x, y), which completes its lap in {_count(sees, 'dagger', stays=True)}; "
            f"{_said(all(each['dagger']['stays'] for each in knows))} for one that sees offset and heading error, "
            f"in {_count(knows, 'dagger', stays=True)}"
        ),
        (
            "What (x, y) leaves out: DAgger's student fits sound labels to "
            f"{_error(SEES, findings)} rad where it sees (x, y), and to {_error(KNOWS, findings)} rad where it sees "
            "offset and heading error; on its own states (median training error)"
        ),
        (
            "“The expert must be able to recover”: "
            f"{_said(not any(each['dagger']['stays'] for each in blind))}; taught by an expert who does not steer "
            f"back, DAgger's student leaves the road in {_count(blind, 'dagger', stays=False)}"
        ),
    )
    return "## The source's claims\n\n" + "\n".join(f"- {line}." for line in lines)


def _error(arm: Arm, findings: Findings) -> str:
    return number(median(each["dagger"]["training_error"] for each in arm.of(findings, NOISES[0])))


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


def _offsets(drives: Sequence[Mapping[str, Any]]) -> str:
    return median_and_range([each["offset"] for each in drives if each["stays"]])


def _by_hand(to_line: float, mean: float) -> str:
    offset = settled_offset(ROAD, to_line, mean)
    return "leaves the road" if offset is None else number(offset)


def items(findings: Findings) -> Sequence[Item]:
    sees, knows, blind = (arm.of(findings, SOURCE) for arm in ARMS)
    ran = f"LoopTrack, one lap, labels off by N({SOURCE[0]:g}, {SOURCE[1]:g}), {len(sees)} seeds"

    def steps(found: Sequence[Found], who: str) -> str:
        return median_and_range([each[who]["steps"] for each in found])

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
