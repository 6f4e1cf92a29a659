"""From what a person chose to a session that is ready to run: the one place where the parts are put together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import gymnasium as gym
import numpy as np

import recordings
from learners import checkpoint, elsewhere, load_policy
from learners.asking.gates import Gate
from learners.interface import Expert, Policy
from learners.worlds import facts_of
from recordings.errors import InvalidRow, UnderstudyError
from recordings.recorder import Recorder
from recordings.schema import Driver, Header, LabelKind
from teleop.clock import Clock, Glance
from teleop.controls import Controls, HumanExpert
from teleop.experts import SCRIPTED, PolicyExpert, scripted_expert
from teleop.guests import Guests
from teleop.misreading import FaultySensor, MisreadingRecorder
from teleop.run import Listener
from teleop.session import Session
from teleop.studio.recall import last_with_steps, recalled
from teleop.studio.rules import Rules, TakeoverName
from teleop.trainer import BackgroundTrainer, Course, InlineTrainer
from teleop.training.lessons import Lessons
from teleop.training.student import StudentVersion, Trainer
from teleop.worlds.catalogue import World

if TYPE_CHECKING:
    from learners.dagger import GateName

RUNS = Path("runs")
"""Where files go that nobody named."""


class PersonMissing(UnderstudyError):
    """A person is to drive or correct, and there is no window for them."""


class ExpertMissing(UnderstudyError):
    """The expert asked for is not there."""


@dataclass(frozen=True)
class RecordSettings:
    """Plain demonstration: an expert drives, everything is recorded."""

    world: World
    out: Path
    driver: str = "human"
    """"human", "scripted", "ppo" or the path of a policy."""
    seed: int | None = None
    """Of the episodes' seeds; None: different every time."""
    operator: str = ""
    rest_s: float = 0.0
    """Seconds an ended episode stays on the screen."""
    countdown_s: float = 0.0
    """Seconds before the first step of an episode."""
    render: bool = False
    """Let the environment draw itself (for worlds the window has no painter for)."""
    bindings: Mapping[str, str] = field(default_factory=dict)
    """An order's name in lower case -> the key preferred for it."""
    trust_code: bool = False
    """Code that comes with a driver from elsewhere may run."""
    label_noise: tuple[float, float] | None = None
    """Mean and deviation of what a faulty sensor adds to each label, not to what is executed; None: it is sound."""


@dataclass(frozen=True)
class CorrectSettings:
    """A correction session: a student drives, an expert corrects, the student learns."""

    world: World
    out: Path
    expert: str = "human"
    """"human", "scripted", "ppo" or the path of a policy."""
    gate: GateName = "human"
    """Who drives: "human" the person decides, "beta" a coin, "expert" nobody else; by the others the student asks."""
    beta: float = 0.5
    """The coin's share for the expert (gate "beta")."""
    student: Path | None = None
    """The policy to start from; None: it starts knowing nothing."""
    trust_code: bool = False
    """Code that comes with experts or a student from elsewhere may run."""
    advisers: tuple[str, ...] = ()
    """Experts who label what the expert labels, beside them; nobody learns from them."""
    takeover: TakeoverName = "hold"
    label_budget: int | None = None
    minutes_budget: float | None = None
    reask_share: float = 0.0
    """The share of a person's labels about which they are asked again later."""
    rewind_steps: int = 10
    look_at: tuple[int, int] | None = None
    """Episode of the recording that is continued, and its step, at which the desk is open to begin with."""
    training: Literal["background", "inline", "none", "never"] = "background"
    """In a process beside the session; between ticks, so that it repeats exactly; not here, but by whoever runs the
    session; or not at all: the student stays as it is."""
    labels_per_fit: int = 50
    """Labels from one student to the next, when training inline."""
    seed: int | None = None
    operator: str = ""
    rest_s: float = 0.0
    countdown_s: float = 0.0
    render: bool = False
    bindings: Mapping[str, str] = field(default_factory=dict)


def start_recording(settings: RecordSettings, clock: Clock, listener: Listener | None = None) -> Session:
    """A session of plain demonstration, ready for its first `update`.

    Raises UnderstudyError (no such expert, no such policy, the file is of another world or being written).
    """
    clock = Glance(clock)
    env, controls = _stage(settings)
    guests = Guests(settings.world, env, trust_code=settings.trust_code)
    expert, driver = find_expert(settings.driver, settings.world, env, controls, clock, guests, "driver")
    return Session(
        settings.world,
        env,
        _recorder(settings, env, guests),
        clock=clock,
        rng=np.random.default_rng(settings.seed),
        expert=expert,
        expert_driver=driver,
        controls=controls,
        rules=Rules(rest_s=settings.rest_s, countdown_s=settings.countdown_s),
        bindings=settings.bindings,
        listener=listener,
    )


def start_correction(settings: CorrectSettings, clock: Clock, listener: Listener | None = None) -> Session:
    """A session of correction, with its trainer running. Raises UnderstudyError as `start_recording` does."""
    clock, world = Glance(clock), settings.world
    env, controls = _stage(settings)
    guests = Guests(world, env, trust_code=settings.trust_code)
    expert, driver = find_expert(settings.expert, world, env, controls, clock, guests)
    advisers = [
        find_expert(name, world, env, controls, clock, guests, f"adviser {i}")[0]
        for i, name in enumerate(settings.advisers, 1)
    ]
    student = find_student(settings, guests)
    rng = np.random.default_rng(settings.seed)
    recorder = _recorder(settings, env, guests)
    session = Session(
        world,
        env,
        recorder,
        clock=clock,
        rng=rng,
        expert=expert,
        expert_driver=driver,
        controls=controls,
        gate=gate_of(settings, expert, rng),
        trainer=_trainer(
            settings,
            recorder,
            rng,
            teacher=expert.name,
            start=None if student is None else student.policy,
        ),
        advisers=advisers,
        rules=rules_of(settings),
        bindings=settings.bindings,
        listener=listener,
    )
    if student is not None:
        _begin_with(session, student)
    if session.gate is not None and session.trainer is not None:
        _tell_of_labels(session.gate, settings.out, expert.name)
    _remember(session, settings.look_at)
    return session


def _begin_with(session: Session, student: StudentVersion) -> None:
    """Let a student drive from the start, and the gate know what it was taught."""
    session.adopt(student)
    if session.gate is not None:
        from learners.dagger import tell

        tell(session.gate, student.policy, facts_of(session.world.spec()))


def _remember(session: Session, look_at: tuple[int, int] | None) -> None:
    """Let a session that continues a recording look back on its last episode, and on the one that is asked for."""
    with recordings.open(session.recorder.path, tail=True) as reader:
        last = last_with_steps(reader)
        asked = -1 if look_at is None else look_at[0]
        if not -1 <= asked < reader.n_episodes:
            raise InvalidRow(
                f"{reader.path}: episode: expected one below {reader.n_episodes}, found {asked}."
            )
        for index in sorted({last, asked} - {-1}):
            session.past.begin(recalled(reader, index, session.expert.name))
    if look_at is not None:
        episode = next(each for each in session.past.episodes if each.index == asked)
        session.open_desk(back=episode.length - look_at[1], episode=episode)


def _tell_of_labels(gate: Gate, recording: Path, teacher: str) -> None:
    """Let a gate know what the student will be taught of a recording that is continued."""
    with recordings.open(recording, tail=True) as reader:
        lessons = Lessons(reader, teacher)
        if lessons.look():
            for observation, action in zip(*lessons.demonstrations().pairs(), strict=True):
                gate.learn(observation, action)


def rules_of(settings: CorrectSettings) -> Rules:
    """What the gate means for the labels: DAgger asks in every state, the others where the expert drives."""
    # a wheel is turned in time, so nobody can answer while the world waits
    by_wheel = settings.world.steering is not None
    kinds = {"expert": LabelKind.DEMONSTRATED, "beta": LabelKind.LIVE, "human": LabelKind.TAKEOVER}
    return Rules(
        takeover=settings.takeover,
        label_student_states=settings.gate == "beta",
        label_kind=kinds.get(settings.gate, LabelKind.QUERIED),
        label_budget=settings.label_budget,
        minutes_budget=settings.minutes_budget,
        asks_by_pausing=not by_wheel,
        reask_share=0.0 if by_wheel else settings.reask_share,
        rest_s=settings.rest_s,
        countdown_s=settings.countdown_s,
        rewind_steps=settings.rewind_steps,
        doubts_aside=settings.training == "background",
    )


def gate_of(settings: CorrectSettings, expert: Expert, rng: np.random.Generator) -> Gate | None:
    """The gate that was chosen; None where keys alone decide."""
    if settings.gate == "human":
        return None
    from learners import dagger  # loads torch, which keys alone can do without

    config = dagger.Config(gate=settings.gate, beta=settings.beta)
    spec = settings.world.spec()
    return dagger.make_gate(config, spec, facts_of(spec), expert, rng, settings.world.mirror)


def find_expert(
    name: str,
    world: World,
    env: gym.Env[Any, Any],
    controls: Controls,
    clock: Clock,
    guests: Guests,
    role: str = "expert",
) -> tuple[Expert, Driver]:
    """The expert of this name, and how its steps are marked in the recording.

    guests: who knows those from elsewhere. role: under which it is noted in the recording's header.
    Raises ExpertMissing, LearnerError.
    """
    if name == "human":
        world.require_keys()
        return HumanExpert(controls, clock), Driver.HUMAN
    if name == SCRIPTED:
        return scripted_expert(env), Driver.SCRIPTED
    if elsewhere.form_of(name) is not None:
        return guests.expert(name, role), Driver.POLICY
    path = expert_file(name, world)
    assert path is not None
    if not path.exists():
        raise ExpertMissing(
            f"{path}: expected the policy of the expert {name!r}, found no file. "
            f"Train one with `train ppo --env {world.name}`, or name human, scripted or a policy's path."
        )
    return PolicyExpert(load_policy(path), path.stem), Driver.POLICY


def find_student(settings: CorrectSettings, guests: Guests) -> StudentVersion | None:
    """The student to start from; None: it starts knowing nothing.

    Raises ExpertMissing where nobody would ever drive, LearnerError; ForeignPolicyError for one that cannot be taught.
    """
    is_taught = settings.training != "never"
    if settings.student is None:
        if not is_taught:
            raise ExpertMissing(
                "--training never: expected --student, the policy that is to drive, found none. Name one, or let a "
                "student be taught."
            )
        return None
    if elsewhere.form_of(str(settings.student)) is not None:
        return StudentVersion(guests.student(str(settings.student), is_taught=is_taught), version=0)
    kept = checkpoint.load(settings.student)
    return StudentVersion(kept.policy, version=0, reward=kept.reward)


def expert_file(name: str, world: World) -> Path | None:
    """The policy that an expert of this name acts by; None: it acts by none."""
    if name in ("human", SCRIPTED) or elsewhere.form_of(name) == "python":
        return None
    return default_policy("ppo", world) if name == "ppo" else Path(name)


def require_window(headless: bool, option: str, who: str) -> None:
    """A person needs a window. Raises PersonMissing."""
    if headless and who == "human":
        raise PersonMissing(
            f"--headless: {option}: expected scripted, ppo or the path of a policy, found human. A person needs the "
            "window: leave --headless out, or name another."
        )


def default_policy(learner: str, world: World) -> Path:
    """Where a learner's policy for a world lies when nobody named a place."""
    return RUNS / f"{learner}-{world.name}.safetensors"


def default_recording(world: World) -> Path:
    """A new file for a recording that nobody named; the name tells the world and the second."""
    return RUNS / f"{world.name}-{datetime.now():%Y%m%d-%H%M%S}.h5"


def _stage(settings: RecordSettings | CorrectSettings) -> tuple[gym.Env[Any, Any], Controls]:
    world = settings.world
    controls = Controls(
        world.keys,
        world.scheme,
        no_op=world.idle_action,
        repeat_hz=world.control_hz,
        steering=world.steering,
        adds=world.keys_add,
    )
    return world.make(render_mode="rgb_array" if settings.render else None), controls


def _recorder(settings: RecordSettings | CorrectSettings, env: gym.Env[Any, Any], guests: Guests) -> Recorder:
    """The recording: a new file, or an earlier one of the same world continued."""
    world = settings.world
    header = Header.for_env(
        env,
        operator=settings.operator,
        control_hz=world.control_hz,
        key_map={
            "scheme": world.scheme.value,
            "keys": {key: _plain(action) for key, action in world.keys.items()},
            "steering": None if world.steering is None else asdict(world.steering),
        },
    )
    header = replace(header, versions={**header.versions, **guests.noted})
    settings.out.parent.mkdir(parents=True, exist_ok=True)
    resume = settings.out.exists()
    if isinstance(settings, RecordSettings) and settings.label_noise is not None:
        sensor = FaultySensor(*settings.label_noise)
        return MisreadingRecorder(settings.out, header, sensor, seed=settings.seed, resume=resume)
    return Recorder(settings.out, header, resume=resume)


def _plain(action: Any) -> Any:
    return action.tolist() if isinstance(action, np.ndarray | np.generic) else action


def _trainer(
    settings: CorrectSettings,
    recorder: Recorder,
    rng: np.random.Generator,
    *,
    teacher: str,
    start: Policy | None,
) -> Trainer | None:
    """teacher: whose labels the student learns from. start: the student to go on from."""
    if settings.training in ("none", "never"):
        return None
    course = Course(settings.world, start)
    seed = int(rng.integers(2**31))
    if settings.training == "background":
        return BackgroundTrainer(course, settings.out, teacher=teacher, flush=recorder.flush, seed=seed)
    return InlineTrainer(
        course,
        settings.out,
        np.random.default_rng(seed),
        teacher=teacher,
        flush=recorder.flush,
        every=settings.labels_per_fit,
    )
