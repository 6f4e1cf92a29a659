"""`record`: drive by keyboard, or let another expert drive, and record demonstrations."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import tyro

from learners.settings import Count, Seed, Settings
from teleop import headless
from teleop.clock import StepClock, WallClock
from teleop.commands.recovered import make_whole
from teleop.commands.report import Report
from teleop.commands.whose_code import say_whose_code
from teleop.finish import recorded, verdict
from teleop.journals.journal import JournalWriter, said
from teleop.journals.journal_head import start
from teleop.preferences import settings as preferred
from teleop.preferences.bindings import bindings, driven
from teleop.session import Session
from teleop.start import RecordSettings, default_recording, require_window
from teleop.worlds.choice import choose


@dataclass(frozen=True)
class Record(Settings):
    """Drive by keyboard, or let another expert drive, and record demonstrations.

    Every step is on the disk within a quarter of a second. An existing recording of the same world is continued.
    """

    env: Annotated[str, tyro.conf.arg(metavar="NAME")] = "gridworld"
    """The world: gridworld, gridworld-slip, cartpole, looptrack, looptrack-position, mountaincar, acrobot, lunarlander,
    carracing, or any gymnasium id."""
    out: Path | None = None
    """The recording (HDF5). Default: a new file under runs/."""
    driver: str = "human"
    """Who demonstrates: human, scripted, ppo, the path of a policy (.safetensors, .onnx, .zip of Stable-Baselines3, .pt
    of TorchScript), or package.module:function."""
    trust_code: bool = False
    """Code that comes with a driver from elsewhere may run: TorchScript (.pt), Python (package.module:function), what
    Stable-Baselines3 (.zip) pickled."""
    episodes: Count | None = None
    """Stop after this many episodes. Default: when the window is closed; 10 when headless."""
    headless: bool = False
    """Without a window; the driver cannot be human then."""
    label_noise: tuple[float, float] | None = None
    """MEAN STD of what a faulty sensor adds to each label (actions that are a Box); what is executed stays as it is.
    The labels' labeler says so."""
    keys: Path | None = None
    """A key map (TOML) for a world that has none of its own."""
    operator: str = ""
    """Who sits at the keyboard; written into the recording."""
    journal: Path | None = None
    """A new file for every key and when it came, with which `rerun` makes the same recording again."""
    seed: Seed | None = None
    """Of the episodes' seeds. Default: different every time."""
    json: bool = False
    """Print one JSON object and nothing else."""

    def run(self) -> Report:
        began_s = time.monotonic()
        require_window(self.headless, "--driver", self.driver)
        world = choose(self.env, self.keys)
        say_whose_code(self.driver, trust_code=self.trust_code)
        settings = RecordSettings(
            world,
            self.out or default_recording(world),
            driver=self.driver,
            trust_code=self.trust_code,
            seed=self.seed,
            operator=self.operator,
            rest_s=0.0 if self.headless else 1.0,
            render=not self.headless,
            label_noise=self.label_noise,
        )
        make_whole([settings.out])
        writer = None if self.journal is None else JournalWriter(self.journal)
        if self.headless:
            session = _without_a_window(settings, self.episodes or 10, writer)
        else:
            from teleop.app import run_session

            kept, _ = preferred.load()
            settings = replace(settings, world=driven(world, kept), bindings=bindings(kept))
            session = run_session(
                lambda: start(settings, WallClock(), writer), title=world.title, episodes=self.episodes
            )
        return _report(session, settings.out, time.monotonic() - began_s, said(writer))


def parse(prog: str, words: list[str]) -> Record:
    return tyro.cli(Record, prog=prog, args=words)


def _without_a_window(settings: RecordSettings, episodes: int, writer: JournalWriter | None) -> Session:
    clock = StepClock()
    session = start(settings, clock, writer)
    try:
        headless.run(session, clock, lambda session: session.episodes >= episodes)
    finally:
        session.close()
    return session


def _report(session: Session, out: Path, seconds: float, journal: str) -> Report:
    verified, words = verdict(out, session.own_episodes)
    data = {
        "recording": str(out),
        "episodes": session.episodes,
        "steps": session.driven_ticks,
        "verified": verified,
        "seconds": seconds,
    }
    text = f"{out}: {recorded(session.driven_ticks, session.episodes)} in {seconds:.1f} s. {words}{journal}"
    return Report(data, text, 1 if verified is False else 0)
