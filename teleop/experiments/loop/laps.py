"""Source 002's example: one lap round a loop, labels that are read wrongly, and what cloning and DAgger make of them.

Reading order: Arm (who learns from whom), `lap` (one cell), `cells` (the grid). The page about it is `loop`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import gymnasium
import numpy as np
from gymnasium.envs.registration import EnvSpec

from learners import bc, dagger
from learners.interface import Policy
from learners.worlds import facts_of
from recordings.demonstrations import Filter, load
from teleop.benchmark.runs import run_command
from teleop.experiments.experiment import Cell, Findings, Found, made_once
from teleop.experts import LoopTrackExpert
from teleop.misreading import FaultySensor, MisreadExpert
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
    short: str
    """The same, over a picture."""
    seen: Seen
    to_line: float
    noises: tuple[tuple[float, float], ...]

    def of(self, findings: Findings, noise: tuple[float, float]) -> list[Found]:
        """Its laps with these labels, a seed each."""
        return findings.of(lap, seen=self.seen, to_line=self.to_line, mean=noise[0], deviation=noise[1])


SEES = Arm("The student sees (x, y), as in the source", "sees (x, y)", "position", FEEDBACK, FEW_NOISES)
KNOWS = Arm(
    "The student sees its offset and heading error", "sees offset\nand heading error", "ego", FEEDBACK, NOISES
)
BLIND = Arm(
    "The same, with an expert who does not steer back",
    "the same,\nan expert\nwithout feedback",
    "ego",
    NONE,
    NOISES,
)
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
