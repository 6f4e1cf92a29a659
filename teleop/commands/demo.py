"""`demo`: the whole loop in a minute, with nobody at the keyboard.

A scripted hand presses real keys in the window and demonstrates; a student is cloned from that; then it drives, errs,
is corrected by the scripted expert wherever it asks, and improves round by round. Everything is recorded and replayed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np
import tyro

from learners import bc, dagger
from learners.evaluation import evaluate
from learners.interface import Policy
from learners.networks import build, freeze
from learners.policies import Architecture
from learners.settings import Seed, Settings
from recordings.demonstrations import Demonstrations, Filter, load
from teleop.app.drive import DriveScene
from teleop.app.errors import NoDisplay
from teleop.app.guided import Guided, ScriptedHand
from teleop.app.painters.choose import painter_for
from teleop.app.window import Window
from teleop.clock import StepClock
from teleop.commands.report import Report, progress_console, table
from teleop.experts import scripted_expert
from teleop.finish import keep_policy, verdict
from teleop.rounds import SessionSampler, Watch
from teleop.session import Session
from teleop.start import RUNS, CorrectSettings, RecordSettings, start_correction, start_recording
from teleop.training.student import StudentVersion
from teleop.worlds.catalogue import GRIDWORLD

WORLD = GRIDWORLD
DEMONSTRATIONS = 6
"""Episodes that the scripted hand drives."""
ROUNDS = 12
LABELS_PER_ROUND = 125
STEPS_PER_ROUND = 8000
WATCHED_TICKS = 100
"""Steps that can be watched, one a frame, where the student drives alone."""
WATCHED_TICKS_OF_ROUND = 50
"""Steps of each round that can be watched; the rest runs fast."""
FAST_TICKS = 150
"""Steps of the world in a frame that runs fast."""


@dataclass(frozen=True)
class Stage:
    """A row of the demo's table."""

    stage: str
    return_mean: float
    """Exact, over all starts."""
    labels: int
    distinct_labels: int
    seconds: float
    """Since the demo began."""


@dataclass(frozen=True)
class Demo(Settings):
    """The whole loop in a minute, with nobody at the keyboard: demonstrate, clone, err, be corrected, succeed."""

    out: Path | None = None
    """Folder for the recording, the policy and the plot. Default: a new one under runs/."""
    hidden: bool = False
    """Run in a window that nobody sees. Default: only where there is no display."""
    seed: Seed = 0
    """Of everything random."""
    json: bool = False
    """Print one JSON object and nothing else."""

    def run(self) -> Report:
        import torch

        torch.set_num_threads(1)
        folder = self.out or RUNS / f"demo-{datetime.now():%Y%m%d-%H%M%S}"
        with _window(self.hidden) as window:
            return _Run(window, folder, self.seed).report()


def parse(prog: str, words: list[str]) -> Demo:
    return tyro.cli(Demo, prog=prog, args=words)


def _window(hidden: bool) -> Window:
    if not hidden:
        try:
            return Window(title="Understudy: demo")
        except NoDisplay:
            progress_console().print("There is no display: the demo runs in a window that nobody sees.")
    return Window(title="Understudy: demo", hidden=True)


@dataclass
class _Run:
    """One demo from start to end."""

    window: Window
    folder: Path
    seed: int
    clock: StepClock = field(default_factory=StepClock)
    began_s: float = field(default_factory=time.monotonic)
    stages: list[Stage] = field(default_factory=list)
    was_closed: bool = False
    """Somebody closed the window: finish quietly with what there is."""

    def __post_init__(self) -> None:
        self.recording = self.folder / "demo.h5"
        self.policy = self.folder / "student.safetensors"
        self.plot = self.folder / "demo.png"

    def report(self) -> Report:
        self._note("before", _untrained())
        self._demonstrate()
        known = load(self.recording, Filter(actions="labelled", labels="only"))
        student = self._clone(known)
        student = self._correct(known, student)
        keep_policy(student, self.policy, "dagger", WORLD.env_id, seed=self.seed)
        _plot(self.stages, self.plot)
        verified, words = verdict(self.recording)
        data = {
            "stages": [asdict(stage) for stage in self.stages],
            "return_mean": self.stages[-1].return_mean,
            "recording": str(self.recording),
            "policy": str(self.policy),
            "plot": str(self.plot),
            "verified": verified,
            "seconds": time.monotonic() - self.began_s,
        }
        return Report(
            data, f"{_sheet(self.stages)}\n{words}\n{_pointers(self)}", 1 if verified is False else 0
        )

    def _demonstrate(self) -> None:
        """The scripted hand drives as a person would: its keys go through the window's own event queue."""
        session = start_recording(RecordSettings(WORLD, self.recording, seed=self.seed), self.clock)
        hand = ScriptedHand(session, scripted_expert(session.env))
        scene = DriveScene(session, painter_for(session.env), file=str(self.recording))
        scene.caption = "1 of 4: a scripted hand presses the arrow keys; every step is recorded."
        try:
            self._show(scene, lambda: session.episodes >= DEMONSTRATIONS, hand=hand)
        finally:
            session.close()

    def _clone(self, known: Demonstrations) -> Policy:
        *_, snapshot = bc.train(bc.Config(), known, WORLD.spec(), np.random.default_rng(self.seed))
        self._note("behavioural cloning", snapshot.policy, known)
        return snapshot.policy

    def _correct(self, known: Demonstrations, student: Policy) -> Policy:
        """The student drives, and asks the scripted expert where it was never taught."""
        settings = CorrectSettings(
            WORLD, self.recording, expert="scripted", gate="uncertainty", training="none", seed=self.seed + 1
        )
        session = start_correction(settings, self.clock)
        scene = DriveScene(session, painter_for(session.env), file=str(self.recording))
        sampler = SessionSampler(
            session,
            lambda done, watch: self._round(session, scene, done, watch),
            labels_per_round=LABELS_PER_ROUND,
            steps_per_round=STEPS_PER_ROUND,
        )
        config = dagger.Config(rounds=ROUNDS)
        rng = np.random.default_rng(self.seed)
        try:
            scene.caption = "2 of 4: the student has copied the demonstrations; alone it soon errs."
            self._alone(session, scene, student, episodes=2)
            scene.caption = (
                "3 of 4: it asks the scripted expert where it was never taught, and learns from the answers."
            )
            for snapshot in dagger.train(config, known, WORLD.spec(), rng, sample=sampler, start=student):
                student = snapshot.policy
                self._note(f"DAgger round {snapshot.step}", student, known, session)
                if self.was_closed:
                    break
            scene.caption = "4 of 4: alone again, and it arrives."
            self._alone(session, scene, student, episodes=2)
        finally:
            session.close()
        return student

    def _alone(self, session: Session, scene: DriveScene, student: Policy, episodes: int) -> None:
        """The student drives without help, in new episodes of `WATCHED_TICKS` steps at most."""
        session.end_episode()
        gate, session.gate = session.gate, None
        session.adopt(StudentVersion(student, len(self.stages), session.labels))
        for _ in range(episodes):
            ended, ticks = session.episodes + 1, session.driven_ticks + WATCHED_TICKS
            self._show(scene, lambda e=ended, t=ticks: session.episodes >= e or session.driven_ticks >= t)  # type: ignore[misc]
            session.end_episode()
        session.gate = gate

    def _round(self, session: Session, scene: DriveScene, done: Callable[[], bool], watch: Watch) -> None:
        """The first steps of a round can be watched; the rest of it runs fast."""
        watched_until = session.driven_ticks + WATCHED_TICKS_OF_ROUND
        self._show(scene, lambda: done() or session.driven_ticks >= watched_until, watch=watch)
        self._show(scene, done, watch=watch, ticks_per_frame=FAST_TICKS)

    def _show(
        self,
        scene: DriveScene,
        until: Callable[[], bool],
        *,
        hand: ScriptedHand | None = None,
        watch: Watch | None = None,
        ticks_per_frame: int = 1,
    ) -> None:
        if self.was_closed:
            return
        guided = Guided(scene, self.clock, until, hand=hand, watch=watch, ticks_per_frame=ticks_per_frame)
        self.window.run(guided)
        self.was_closed = guided.was_closed

    def _note(
        self, stage: str, student: Policy, known: Demonstrations | None = None, session: Session | None = None
    ) -> None:
        taught = set() if known is None else set(known.observations[known.labelled].tolist())
        labels = (0 if known is None else int(known.labelled.sum())) + (
            0 if session is None else session.labels
        )
        distinct = len(taught | set(session.labelling.by_state() if session is not None else ()))
        found = evaluate(student, WORLD.spec())
        self.stages.append(Stage(stage, found.return_mean, labels, distinct, time.monotonic() - self.began_s))
        progress_console().print(f"{stage}: return {found.return_mean:.2f}, {distinct} states labelled")


def _untrained() -> Policy:
    """A student that knows nothing."""
    env = WORLD.make()
    architecture = Architecture(env.observation_space, env.action_space)
    env.close()
    return freeze(build(architecture, np.random.default_rng(0)), architecture)


def _sheet(stages: list[Stage]) -> str:
    rows = [(s.stage, s.return_mean, s.labels, s.distinct_labels, s.seconds) for s in stages]
    return table("GridWorld, optimum 10", ("stage", "return", "labels", "states labelled", "seconds"), rows)


def _pointers(run: _Run) -> str:
    return (
        f"recording  {run.recording}\nstudent    {run.policy}\nplot       {run.plot}\n"
        f"Next: `python main.py replay {run.recording}`, or `python main.py` and an arrow key."
    )


def _plot(stages: list[Stage], path: Path) -> None:
    """Exact return against states labelled."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    taught = stages[1:]
    axes.axhline(10.0, color="#999999", linewidth=1, linestyle="--", label="optimum")
    axes.plot(
        [s.distinct_labels for s in taught],
        [s.return_mean for s in taught],
        "o-",
        color="#0072B2",
        label="student",
    )
    axes.plot(
        taught[0].distinct_labels,
        taught[0].return_mean,
        "o",
        color="#D55E00",
        markersize=9,
        label="cloned from demonstrations",
    )
    axes.set(
        xlabel="states labelled",
        ylabel="return (exact, over all starts)",
        title="GridWorld: from demonstrations to corrections",
    )
    axes.legend(loc="lower right", frameon=False)
    axes.grid(alpha=0.25)
    figure.savefig(path, dpi=130)
