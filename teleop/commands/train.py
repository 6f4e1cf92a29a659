"""`train LEARNER`: fit a learner to recordings, or to a world's reward."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, make_dataclass, replace
from inspect import signature
from pathlib import Path
from typing import Any, Literal

import numpy as np
import tyro

import recordings
from learners import LEARNERS
from learners.elsewhere import named_policy
from learners.evaluation import Evaluation, evaluate
from learners.interface import Snapshot
from learners.settings import Positive, Seed, Settings
from recordings.curation import lessons
from recordings.demonstrations import Demonstrations, Filter, load
from recordings.errors import UnderstudyError
from recordings.stream import Stream, stream
from teleop.commands.recovered import make_whole
from teleop.commands.report import Report, progress_console
from teleop.experts import scripted_expert
from teleop.finish import keep_policy
from teleop.memory import peak_mb
from teleop.metrics import Metrics, open_metrics
from teleop.start import default_policy
from teleop.worlds.catalogue import World
from teleop.worlds.choice import choose, recorded_world


class NothingToTrainOn(UnderstudyError):
    """Neither recordings nor a world were given, or the learner needs the other one."""


@dataclass(frozen=True)
class Options(Settings):
    """Options that every learner shares."""

    data: tuple[Path, ...] = ()
    """Recordings to learn from, one or more."""
    out: Path | None = None
    """Where the policy goes. Default: runs/LEARNER-WORLD.safetensors."""
    env: str | None = None
    """The world: to interact with, and to evaluate the policy in. Default: the one that was recorded."""
    mirror: bool = True
    """Let every lesson count mirrored too, where the world has a mirror (CartPole) and the learner can use it."""
    start: Path | None = None
    """A policy to go on from: ours, or plain networks of Stable-Baselines3 (.zip). Default: a new one."""
    actions: Literal["auto", "executed", "labelled"] = "auto"
    """What to imitate: what was executed, or what experts said was right. auto: labels, where there are any and the
    learner clones single steps; the executed actions of whole episodes for every other learner."""
    state_only: bool = False
    """Hide the actions: the learner sees the states alone. Learners from observation (bco) never see any."""
    drivers: tuple[str, ...] = ()
    """Learn only from steps driven by these: human, student, scripted, policy. Default: every driver, where labels
    are imitated; every driver but the student, where executed actions are."""
    outcomes: tuple[str, ...] = ()
    """Learn only from episodes that ended so: success, failure, unknown."""
    episodes: tuple[int, int] | None = None
    """Learn only from episodes FIRST to LAST (LAST not included)."""
    labelers: tuple[str, ...] = ()
    """Imitate only these labelers' labels. Default: everybody's but advisers'; the last of a step counts."""
    sample: bool = False
    """Judge the policy by its drawn actions; else by its most probable ones."""
    target: float | None = None
    """Learning from a reward: stop once the return is at least this, where it is sampled five times in a row.
    Default: what the world calls solved."""
    plot: Path | None = None
    """Draw what was learned into this PNG: policy, recovered reward, visits, learning curve. Default: draw nothing."""
    csv: Path | None = None
    """Add every metric to this CSV as it comes, a row a value; an earlier one is continued. Default: none."""
    tensorboard: Path | None = None
    """Write every metric into a new folder under this one, for TensorBoard (extra `tensorboard`). Default: none."""
    stream: Literal["auto", "always", "never"] = "auto"
    """Read the recordings a block at a time, again and again, for those larger than memory (bc and dagger without
    memory). auto: from a million steps on."""
    limit_s: Positive | None = None
    """Stop after this many seconds. Default: 110 when learning from a reward, else when the learner is done."""
    seed: Seed = 0
    """Of everything random in training."""
    json: bool = False
    """Print one JSON object and nothing else."""


@dataclass
class Training:
    """What a training run has come to so far."""

    began_s: float = field(default_factory=time.monotonic)
    began_processor_s: float = field(default_factory=time.process_time)
    last: Snapshot | None = None
    best: Snapshot | None = None
    best_return: float | None = None
    is_exact: bool = False
    """The return is exact, not sampled."""
    judged: int = 0
    """Times that a student was judged."""
    hits: int = 0
    """Times in a row, up to now, that the target was reached."""
    judged_s: float = 0.0
    """Seconds spent on judging."""
    curve: list[tuple[int, Mapping[str, float]]] = field(default_factory=list)
    """Step and metrics of every snapshot, and the returns judged along the way."""
    metrics: Metrics = field(default_factory=Metrics)
    """Where else they go."""

    def note(self, step: int, values: Mapping[str, float]) -> None:
        """A point of the curve."""
        self.curve.append((step, values))
        self.metrics.write(step, values)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began_s

    @property
    def processor_seconds(self) -> float:
        return time.process_time() - self.began_processor_s


@dataclass(frozen=True)
class Train:
    """One learner, its settings, and what it is to learn from."""

    learner: str
    options: Options
    config: Any
    json: bool = False

    def run(self) -> Report:
        import torch

        torch.set_num_threads(1)
        options = self.options
        if self.learner not in FROM_INTERACTION and not options.data:
            raise NothingToTrainOn(
                f"train {self.learner}: --data: expected one recording or more, found none. Record with "
                "`record --env gridworld --driver scripted --headless`."
            )
        if options.plot is not None:
            _check_plot(options.plot)
        make_whole(options.data)
        training = Training(metrics=self._metrics())
        with ExitStack() as files:
            demonstrations = self._demonstrations(files)
            world = self._world(demonstrations)
            self._train(training, demonstrations, world)
            report = self._report(training, world, options.out or default_policy(self.learner, world))
            if options.plot is not None:
                _plot(options.plot, self.learner, training, world, demonstrations)
        return report

    def _demonstrations(self, files: ExitStack) -> Demonstrations | Stream | None:
        options = self.options
        if not options.data:
            return None
        wanted = _filter(self.learner, options)
        if self._streams(wanted):
            return files.enter_context(stream(options.data, wanted))
        return load(options.data, wanted)

    def _streams(self, wanted: Filter) -> bool:
        """Whether the recordings are read again and again, rather than once and for all."""
        options = self.options
        if options.stream == "always" and self.learner not in STEP_CLONERS:
            raise NothingToTrainOn(
                f"train {self.learner}: --stream always: expected a learner to whom each step is a lesson "
                f"({', '.join(STEP_CLONERS)}), found one that needs whole episodes. Leave --stream out."
            )
        if options.stream != "auto" or self.learner not in STEP_CLONERS:
            return options.stream == "always"
        remembers = getattr(self.config, "student", self.config).memory > 0
        return not remembers and sum(_rows(path, wanted) for path in options.data) >= MANY_STEPS

    def _metrics(self) -> Metrics:
        options = self.options
        return open_metrics(
            f"train {self.learner}, seed {options.seed}",
            csv_file=options.csv,
            tensorboard=options.tensorboard,
        )

    def _world(self, demonstrations: Demonstrations | Stream | None) -> World:
        """The world of --env, else the one recorded."""
        if self.options.env is not None:
            return choose(self.options.env)
        if demonstrations is None or demonstrations.env_spec is None:
            raise NothingToTrainOn(
                f"train {self.learner}: --env: expected a world to learn in, found none. Name one."
            )
        return recorded_world(demonstrations.env_spec)

    def _train(
        self, training: Training, demonstrations: Demonstrations | Stream | None, world: World
    ) -> None:
        console = progress_console()
        options = self.options
        learns_from_reward = self.learner in FROM_REWARD
        if learns_from_reward:
            options = replace(
                options, target=options.target or world.solved_return, limit_s=options.limit_s or LIMIT_S
            )
        with console.status(f"train {self.learner}") as status:
            try:
                for snapshot in self._snapshots(demonstrations, world):
                    training.last = snapshot
                    training.note(snapshot.step, snapshot.metrics)
                    if learns_from_reward and _is_time_to_judge(training):
                        training.note(snapshot.step, {"return": _judge(training, world, options)})
                    status.update(_progress(self.learner, training))
                    if _is_done(training, options):
                        break
            except KeyboardInterrupt:
                console.print("Stopped; the best policy so far is kept.")

    def _snapshots(self, demonstrations: Demonstrations | Stream | None, world: World) -> Iterator[Snapshot]:
        extras: dict[str, Any] = {}
        if self.options.start is not None:
            extras["start"] = named_policy(str(self.options.start), world.spec()).trainable()
        train = LEARNERS[self.learner].train
        if self.options.mirror and "symmetry" in signature(train).parameters:
            extras["symmetry"] = world.mirror
        if self.learner == "dagger":
            extras["expert"] = scripted_expert(world)
        rng = np.random.default_rng(self.options.seed)
        snapshots: Iterator[Snapshot] = train(self.config, demonstrations, world.spec(), rng, **extras)
        return snapshots

    def _report(self, training: Training, world: World, out: Path) -> Report:
        if training.last is None:
            raise NothingToTrainOn(
                f"train {self.learner}: stopped before there was a policy; nothing was written."
            )
        seconds, processor_seconds = training.seconds, training.processor_seconds
        best = self._best(training, world)
        found = _return_of(best, world, self.options, self.options.seed)
        training.best, training.best_return, training.is_exact = best, found.return_mean, found.exact
        training.metrics.write(
            best.step, {"return_mean": found.return_mean, "env_steps": training.last.env_steps}
        )
        keep_policy(best.policy, out, self.learner, world.env_id, reward=best.reward, seed=self.options.seed)
        data = {
            "learner": self.learner,
            "policy": str(out),
            "metrics": dict(best.metrics),
            "return_mean": training.best_return,
            "exact": training.is_exact,
            "env_steps": training.last.env_steps,
            "seconds": seconds,
            "processor_seconds": processor_seconds,
            "judging_seconds": training.judged_s,
            "peak_mb": peak_mb(),
        }
        return Report(data, f"{out}: {_progress(self.learner, training)}")

    def _best(self, training: Training, world: World) -> Snapshot:
        """The newest student of an imitator, the one that returned most of a learner of rewards."""
        assert training.last is not None
        if self.learner not in FROM_REWARD:
            return training.last
        if training.best is not training.last:
            _judge(training, world, self.options)
        assert training.best is not None
        return training.best


def parse(prog: str, words: list[str]) -> Train:
    """The first word names the learner, whose settings become options beside the shared ones."""
    if not words or words[0].startswith("-"):
        print(f"usage: {prog} LEARNER [OPTIONS]\n\nLearners: {', '.join(LEARNERS)}.")
        print(f"`{prog} LEARNER --help` lists a learner's options.")
        sys.exit(0 if words and words[0] in ("-h", "--help") else 2)
    learner, rest = words[0], words[1:]
    config = LEARNERS[learner].Config
    both = make_dataclass(
        "Both", [("options", Options), ("config", config, field(default_factory=config))], frozen=True
    )
    both.__doc__ = (LEARNERS[learner].__doc__ or learner).split("\n")[0]
    chosen: Any = tyro.cli(both, prog=f"{prog} {learner}", args=rest, config=(tyro.conf.OmitArgPrefixes,))
    return Train(learner, chosen.options, chosen.config, chosen.options.json)


EXPERTS = ("human", "scripted", "policy")


def _filter(learner: str, options: Options) -> Filter:
    """The steps to learn from, as the options say."""
    actions = options.actions
    if actions == "auto":
        is_labelled = learner in STEP_CLONERS and any(_has_labels(path) for path in options.data)
        actions = "labelled" if is_labelled else "executed"
    return Filter(
        drivers=options.drivers or (() if actions == "labelled" else EXPERTS),
        outcomes=options.outcomes,
        episodes=None if options.episodes is None else range(*options.episodes),
        actions=actions,
        labels="only" if actions == "labelled" else None,
        labelers=options.labelers,
        state_only=options.state_only or learner in FROM_OBSERVATION,
    )


def _has_labels(path: Path) -> bool:
    with recordings.open(path) as reader:
        return len(lessons(reader)) > 0


def _rows(path: Path, wanted: Filter) -> int:
    """Steps to learn from, about."""
    with recordings.open(path) as reader:
        return reader.n_labels if wanted.labels == "only" else reader.n_steps


MANY_STEPS = 1_000_000
"""Steps from which on recordings are not loaded as a whole, where that is not needed."""
STEP_CLONERS = ("bc", "dagger")
"""Learners to whom each step is a lesson of its own, wherever in an episode it lies."""
FROM_OBSERVATION = ("bco", "relent-irl")
"""Learners that are never shown an action."""
FROM_REWARD = ("ppo",)
"""Learners of the world's own reward."""
FROM_INTERACTION = (*FROM_REWARD, "dagger")
"""Learners that need a world rather than recordings."""
LIMIT_S = 110.0
"""Seconds after which a learner of a reward is stopped that nobody limited."""
STEADY = 5
"""Times in a row that the target must be reached where returns are sampled: once may be luck."""
JUDGE_SHARE = 0.3
"""Of the time of a run, at most this goes into judging its students."""


def _is_time_to_judge(training: Training) -> bool:
    return training.judged_s <= JUDGE_SHARE * training.seconds


def _return_of(snapshot: Snapshot, world: World, options: Options, seed: int) -> Evaluation:
    return evaluate(snapshot.policy, world.spec(), seed=seed, sample=options.sample)


def _judge(training: Training, world: World, options: Options) -> float:
    """Evaluate the newest student, keep it if none was better, and return what it returns.

    Only a learner of the world's own reward may be judged along the way: choosing an imitator by its true return
    would tell it what the demonstrations do not. Sampled episodes are other ones each time, and none of those by
    which the policy is judged in the end.
    """
    assert training.last is not None
    began_s = time.monotonic()
    training.judged += 1
    seed = options.seed + 1_000_003 * training.judged
    found = _return_of(training.last, world, options, seed)
    training.judged_s += time.monotonic() - began_s
    training.is_exact = found.exact
    training.hits = (
        training.hits + 1 if options.target is not None and found.return_mean >= options.target else 0
    )
    if training.best_return is None or found.return_mean >= training.best_return:
        training.best, training.best_return = training.last, found.return_mean
    return found.return_mean


def _check_plot(path: Path) -> None:
    """Hear of an impossible figure before training, not after it."""
    from teleop import plots

    plots.check(path)


def _plot(
    path: Path, learner: str, training: Training, world: World, demonstrations: Demonstrations | Stream | None
) -> None:
    from teleop import plots

    assert training.best is not None
    if isinstance(demonstrations, Stream):
        demonstrations = next(demonstrations.blocks(np.random.default_rng(0)), None)
    exact = " (exact)" if training.is_exact else ""
    plots.draw(
        plots.Lesson(
            learner,
            world.title,
            world.spec(),
            training.best,
            training.curve,
            demonstrations,
            remark=f"return {training.best_return:.2f}{exact}",
        ),
        path,
    )


def _is_done(training: Training, options: Options) -> bool:
    needed = 1 if training.is_exact else STEADY
    return training.hits >= needed or (options.limit_s is not None and training.seconds >= options.limit_s)


def _progress(learner: str, training: Training) -> str:
    last = training.last
    assert last is not None
    shown = ", ".join(f"{name} {value:.4g}" for name, value in list(last.metrics.items())[:4])
    best = "" if training.best_return is None else f"return {training.best_return:.3f}; "
    steps = f"{last.env_steps:,} environment steps; " if last.env_steps else ""
    return f"{learner}: {best}step {last.step}; {steps}{shown}; {training.seconds:.1f} s"
