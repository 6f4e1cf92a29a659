"""`dagger`: a student drives, an expert corrects, the student learns."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal

import gymnasium as gym
import numpy as np
import tyro

from learners import dagger
from learners.asking.gates import Gate, beta_of_round
from learners.asking.simulated_person import steps_within
from learners.evaluation import evaluate
from learners.interface import Policy, Snapshot
from learners.policies import NetworkPolicy
from learners.settings import Count, NonNegative, Positive, Seed, Settings, Share
from learners.worlds import facts_of
from recordings.demonstrations import Demonstrations
from recordings.stream import Stream
from teleop import headless
from teleop.clock import StepClock, WallClock
from teleop.commands.recovered import make_whole
from teleop.commands.report import Report, progress_console, table
from teleop.commands.whose_code import say_whose_code
from teleop.finish import keep_policy, verdict
from teleop.journals.journal import JournalWriter, UnusableJournal, said
from teleop.journals.journal_head import require_repeatable, start
from teleop.memory import peak_mb
from teleop.metrics import Metrics, open_metrics
from teleop.preferences import settings as preferred
from teleop.preferences.bindings import bindings, driven
from teleop.rounds import SessionSampler
from teleop.session import Session
from teleop.start import (
    CorrectSettings,
    default_policy,
    default_recording,
    require_window,
    start_correction,
)
from teleop.studio.rules import TakeoverName
from teleop.training.course import Course
from teleop.training.observed import ObservedTrainer
from teleop.worlds.catalogue import World
from teleop.worlds.choice import choose


@dataclass(frozen=True)
class RoundResult:
    """One turn of the loop."""

    return_mean: float
    labels: int
    """Labels given so far."""
    seconds: float
    """Wall time since the start, evaluation included."""


@dataclass(frozen=True)
class Dagger(Settings):
    """A student drives, an expert corrects, the student learns: in the window, or headless in rounds."""

    env: Annotated[str, tyro.conf.arg(metavar="NAME")] = "gridworld"
    """The world: gridworld, gridworld-slip, cartpole, looptrack, looptrack-position, mountaincar, acrobot, lunarlander,
    carracing, or any gymnasium id."""
    expert: str = "human"
    """Who corrects: human, scripted, ppo (the policy that `train ppo` left), the path of a policy (.safetensors, .onnx,
    .zip of Stable-Baselines3, .pt of TorchScript), or package.module:function."""
    gate: dagger.GateName | Literal["auto"] = "auto"
    """Who drives: human (the person decides; headless a simulated one), beta (a coin), uncertainty (the student asks
    where it was never taught), expert (plain demonstration), novelty (the student asks far from every label),
    ensemble (where students of resampled labels disagree), thrifty (where its doubt is greatest, within an allowance).
    auto: human for a person; else uncertainty where students can say how sure they are, novelty where states are
    Discrete or actions a Box, beta where observations are pictures."""
    out: Path | None = None
    """The recording (HDF5); an existing one of the same world is continued. Default: a new file under runs/."""
    policy: Path | None = None
    """Where the student goes. Default: runs/dagger-WORLD.safetensors."""
    student: Path | None = None
    """A policy to start from, whose successors are as large: ours, or plain networks of Stable-Baselines3 (.zip); any
    other from elsewhere with --training never. Default: a student that knows nothing."""
    trust_code: bool = False
    """Code that comes with a policy from elsewhere may run: TorchScript (.pt), Python (package.module:function), what
    Stable-Baselines3 (.zip) pickled."""
    takeover: TakeoverName = "hold"
    """How a person takes over: while SPACE is held, from press to press, or with any drive key."""
    headless: bool = False
    """Without a window; the expert cannot be human then."""
    rounds: Count = 20
    """Headless: rounds at most; it ends earlier when the student has nothing left to ask."""
    labels_per_round: Count | None = None
    """Headless: labels from one student to the next. Default: 100 on tabular worlds, else 25."""
    label_budget: Count | None = None
    """Labels after which nobody is asked any more. Default: no limit."""
    minutes_budget: Positive | None = None
    """Minutes after which nobody is asked any more. Default: no limit."""
    reask: Share | None = None
    """In the window: the share of your labels about which you are asked again later, to see whether you agree with
    yourself. Default: as in your settings, 0.05."""
    adviser: tuple[str, ...] = ()
    """Experts who label beside you what you label (scripted, ppo, a policy's path); nobody learns from them."""
    rewind: Count | None = None
    """In the window: steps that one press of the rewind key goes back. Default: as in your settings, 10."""
    countdown: NonNegative = 0.0
    """In the window: seconds before an episode's first step."""
    schedule: Literal["first-only", "exponential", "linear", "constant"] = "first-only"
    """Gate beta, headless: the expert's share of the driving over the rounds."""
    beta: Share = 0.5
    """Gate beta: the expert's share, in the window and under the schedule "constant"."""
    reaction_ms: NonNegative = 250.0
    """Gate human, headless: how long the simulated person takes to react."""
    slips: Share = 0.0
    """Gate human, headless: the share of the simulated person's actions that are not what they meant."""
    training: Literal["background", "inline", "never"] = "background"
    """In the window: teach the student beside the session, or between two ticks, which then wait for it, so that the
    same keys give the same students. never, headless too: --student drives, and is not taught."""
    labels_per_fit: Count = 50
    """Training inline: labels from one student to the next."""
    journal: Path | None = None
    """In the window, with --training inline: a new file for every key and when it came, with which `rerun` makes the
    same recording again."""
    csv: Path | None = None
    """Add every metric to this CSV as it comes, a row a value; an earlier one is continued. Default: none."""
    tensorboard: Path | None = None
    """Write every metric into a new folder under this one, for TensorBoard (extra `tensorboard`). Default: none."""
    operator: str = ""
    """Who sits at the keyboard; written into the recording."""
    keys: Path | None = None
    """A key map (TOML) for a world that has none of its own."""
    seed: Seed | None = None
    """Of the episodes' seeds and of training. Default: different every time."""
    json: bool = False
    """Print one JSON object and nothing else."""

    def run(self) -> Report:
        import torch

        torch.set_num_threads(1)
        world = choose(self.env, self.keys)
        say_whose_code(self.expert, self.student, *self.adviser, trust_code=self.trust_code)
        make_whole([] if self.out is None else [self.out])
        require_window(self.headless, "--expert", self.expert)
        if self.headless and self.journal is not None:
            raise UnusableJournal(
                "--journal: expected the window, found --headless. Rounds have no keys; with the same --seed they "
                "repeat anyway."
            )
        metrics = open_metrics(f"dagger {world.name}", csv_file=self.csv, tensorboard=self.tensorboard)
        return self._rounds(world, metrics) if self.headless else self._live(world, metrics)

    def _settings(self, world: World) -> CorrectSettings:
        return CorrectSettings(
            world,
            self.out or default_recording(world),
            expert=self.expert,
            gate=self._live_gate(world),
            beta=self.beta,
            student=self.student,
            trust_code=self.trust_code,
            takeover=self.takeover,
            label_budget=self.label_budget,
            minutes_budget=self.minutes_budget,
            reask_share=self.reask or 0.0,
            advisers=self.adviser,
            countdown_s=0.0 if self.headless else self.countdown,
            seed=self.seed,
            operator=self.operator,
            rest_s=0.0 if self.headless else 1.0,
            training="none" if self.headless and self.training != "never" else self.training,
            labels_per_fit=self.labels_per_fit,
            render=not self.headless,
        )

    def _as_preferred(self, settings: CorrectSettings) -> CorrectSettings:
        """With the keys and habits of whoever sits at the window."""
        kept, _ = preferred.load()
        by_hand = self.expert == "human"
        return replace(
            settings,
            world=driven(settings.world, kept),
            bindings=bindings(kept),
            reask_share=(kept.reask_share if by_hand else 0.0) if self.reask is None else self.reask,
            rewind_steps=kept.rewind_steps if self.rewind is None else self.rewind,
        )

    def _live_gate(self, world: World) -> dagger.GateName:
        """Left open, a person decides for themselves; another expert is asked."""
        if self.gate != "auto":
            return self.gate
        if self.expert == "human":
            return "human"
        return dagger.usual_gate(facts_of(world.spec()))

    def _live(self, world: World, metrics: Metrics) -> Report:
        from teleop.app import run_session

        began_s = time.monotonic()
        settings = self._as_preferred(self._settings(world))
        writer = self._journal(settings)

        def begin() -> Session:
            session = start(settings, WallClock(), writer)
            if metrics and session.trainer is not None:
                session.trainer = ObservedTrainer(session.trainer, session, metrics.write)
            return session

        session = run_session(begin, title=world.title)
        student = None if session.student is None else session.student.policy
        report = self._report(session, world, student, [], time.monotonic() - began_s)
        return replace(report, text=report.text + said(writer))

    def _journal(self, settings: CorrectSettings) -> JournalWriter | None:
        if self.journal is None:
            return None
        require_repeatable(settings)
        return JournalWriter(self.journal)

    def _rounds(self, world: World, metrics: Metrics) -> Report:
        began_s = time.monotonic()
        clock = StepClock()
        session = start_correction(self._settings(world), clock)
        config = self._config(world, None if session.student is None else session.student.policy)
        sampler = self._sampler(session, world, clock, config)
        results: list[RoundResult] = []
        student: Policy | None = None if session.student is None else session.student.policy
        try:
            for snapshot in self._snapshots(session, world, sampler, config):
                student = snapshot.policy
                if not results or self.training != "never":
                    found = evaluate(student, world.spec(), seed=self.seed or 0)
                labels, seconds = session.labels, time.monotonic() - began_s
                results.append(RoundResult(found.return_mean, labels, seconds))
                values = {**snapshot.metrics, "return_mean": found.return_mean, "labels": labels}
                metrics.write(snapshot.step, values)
                progress_console().print(
                    f"round {snapshot.step}: return {found.return_mean:.3f} after {labels} labels, {seconds:.1f} s"
                )
        finally:
            session.close()
        return self._report(
            session, world, student, results, time.monotonic() - began_s, sampler.tally.metrics()
        )

    def _config(self, world: World, start: Policy | None) -> dagger.Config:
        """start: the student to go on from; its successors are as large."""
        has_layers = isinstance(start, NetworkPolicy) and start.architecture.hidden
        return dagger.Config(
            student=Course(world, start).config() if has_layers else dagger.quick_student(),
            labels=self.label_budget,
            rounds=self.rounds,
            gate=None if self.gate == "auto" else self.gate,
            schedule=self.schedule,
            beta=self.beta,
            delay=steps_within(self.reaction_ms, world.control_hz) if self.gate == "human" else 0,
            slips=self.slips if self.gate == "human" else 0.0,
            alone_episodes=0,
        )

    def _sampler(
        self, session: Session, world: World, clock: StepClock, config: dagger.Config
    ) -> SessionSampler:
        """The session as a sampler, with the gate that practice without a session would have."""
        if self.gate == "human":
            facts, rng = facts_of(world.spec()), np.random.default_rng(self.seed)
            session.expert = dagger.simulated_person(config, facts, session.expert, rng)
        session.gate = self._gate(session, world, config)
        is_table = isinstance(session.env.observation_space, gym.spaces.Discrete)
        return SessionSampler(
            session,
            lambda done, watch: headless.run(session, clock, lambda _: done(), watch),
            labels_per_round=self.labels_per_round or (100 if is_table else 25),
            steps_per_round=config.steps_per_round,
        )

    def _gate(self, session: Session, world: World, config: dagger.Config) -> Gate:
        facts, rng = facts_of(world.spec()), np.random.default_rng(self.seed)
        gate = dagger.make_gate(config, world.spec(), facts, session.expert, rng, world.mirror)
        dagger.tell(gate, None if session.student is None else session.student.policy, facts)
        return gate

    def _snapshots(
        self, session: Session, world: World, sampler: SessionSampler, config: dagger.Config
    ) -> Iterator[Snapshot]:
        start = None if session.student is None else session.student.policy
        if self.training == "never":
            betas = [beta_of_round(config.schedule, i, self.rounds, config.beta) for i in range(self.rounds)]
            return dagger.imitate(sampler, _untaught, betas, start=start, labels=config.labels)
        rng = np.random.default_rng(self.seed)
        return dagger.train(
            config, None, world.spec(), rng, sample=sampler, start=start, symmetry=world.mirror
        )

    def _report(
        self,
        session: Session,
        world: World,
        student: Policy | None,
        results: list[RoundResult],
        seconds: float,
        driving: Mapping[str, float] = MappingProxyType({}),
    ) -> Report:
        """driving: who drove, in figures."""
        recording = session.recorder.path
        policy = self._save(student, world)
        found = None if student is None else evaluate(student, world.spec(), seed=self.seed or 0)
        verified, words = verdict(recording, session.own_episodes)
        data = {
            "return_mean": None if found is None else found.return_mean,
            "exact": found is not None and found.exact,
            "labels": session.labels,
            "distinct_labels": session.distinct_labels,
            **driving,
            "rounds": [vars(result) for result in results],
            "recording": str(recording),
            "policy": None if policy is None else str(policy),
            "verified": verified,
            "seconds": seconds,
            "peak_mb": peak_mb(),
        }
        return Report(data, _text(data, words), 1 if verified is False else 0)

    def _save(self, student: Policy | None, world: World) -> Path | None:
        if student is None or self.training == "never":
            return None
        path = self.policy or default_policy("dagger", world)
        keep_policy(student, path, "dagger", world.env_id, expert=self.expert, seed=self.seed)
        return path


def _untaught(data: Demonstrations | Stream, student: Policy | None) -> Snapshot:
    assert student is not None
    return Snapshot(0, student)


def parse(prog: str, words: list[str]) -> Dagger:
    return tyro.cli(Dagger, prog=prog, args=words)


def _text(data: dict[str, Any], words: str) -> str:
    rows = [
        (index, round_["return_mean"], round_["labels"], round_["seconds"])
        for index, round_ in enumerate(data["rounds"], 1)
    ]
    sheet = table("DAgger", ("round", "return", "labels", "seconds"), rows) + "\n" if rows else ""
    if data["policy"]:
        student = f"The student returns {data['return_mean']:.3f} and is kept in {data['policy']}."
    elif data["return_mean"] is not None:
        student = f"The student returns {data['return_mean']:.3f}; it was not taught."
    else:
        student = "No student was trained: no label was given."
    labels = f"{data['labels']} labels ({data['distinct_labels']} distinct)"
    return f"{sheet}{student}\n{data['recording']}: {labels}. {words}"
