"""A live run without a window: observation in, held keys in; who drives, what is labelled and what is recorded out.

Reading order: `teleop.phases` (who drives is data), Rules (the settings), Session.update (one tick).

The window, the headless commands and the tests all drive this one class. It owns no clock and no randomness: both
are given to it, so that with a step clock and an inline trainer a run repeats exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol

import gymnasium as gym
import numpy as np

from learners.gates import Gate
from learners.interface import Expert, FloatArray, Policy, TabularWorld
from learners.recollection import Actor, begin
from recordings.recorder import Recorder
from recordings.schema import Driver, LabelKind, Outcome
from teleop.clock import Clock, Metronome
from teleop.controls import Controls, HumanAdviser, HumanExpert
from teleop.phases import NEXT, Order, Phase, Wish, session_keys
from teleop.worlds.catalogue import ControlScheme, World

SPEED_STEP = 1.25
SLOWEST_HZ, FASTEST_HZ = 1.0, 60.0


@dataclass(frozen=True)
class Rules:
    """How a session is run."""

    takeover: Literal["hold", "toggle", "any-key"] = "hold"
    """How a person takes over: while the key is held, from press to press, or with any drive key."""
    label_student_states: bool = False
    """Ask the expert about the states the student drives through, too (DAgger); else only where the expert drives."""
    label_kind: LabelKind = LabelKind.DEMONSTRATED
    """How the labels of states in which the expert drives are marked."""
    label_budget: int | None = None
    """Labels after which the expert is no longer asked; None: no limit."""
    rest_s: float = 0.0
    """Seconds an ended episode stays on the screen."""
    sample_student: bool = False
    """Draw the student's action from its distribution; else its most probable one."""


@dataclass(frozen=True)
class StudentVersion:
    """A student as the trainer hands it over."""

    policy: Policy
    version: int
    labels: int = 0
    """Distinct labelled steps it has learned from."""
    loss: float = float("nan")
    newest_label: int = -1
    """The last label's number it has learned from; tells how soon a correction shows."""
    reward: FloatArray | None = None
    """What its learner took the demonstrators' reward to be, (S,) or (S, A); None: it recovered none."""


class Trainer(Protocol):
    """Whoever turns labels into students, in this process or beside it."""

    def teach(self, step: int, observation: Any, action: Any) -> None:
        """A label was given (and is on its way to the disk)."""
        ...

    def poll(self) -> StudentVersion | None:
        """A student newer than the last one handed over, or None. Never blocks for longer than inline training."""
        ...

    @property
    def trouble(self) -> str:
        """Empty, or why there will be no newer student."""
        ...

    def close(self) -> None: ...


class Tick(NamedTuple):
    """What one step of the world was."""

    episode: int
    step: int
    """Row in the recording's /steps."""
    observation: Any
    action: Any
    reward: float
    next_observation: Any
    driver: Driver
    student_action: Any | None
    label: Any | None
    terminated: bool
    truncated: bool


class Session:
    """One person (or stand-in), one world, at most one student, one recording."""

    def __init__(
        self,
        world: World,
        env: gym.Env[Any, Any],
        recorder: Recorder,
        *,
        clock: Clock,
        rng: np.random.Generator,
        expert: Expert,
        expert_driver: Driver,
        controls: Controls,
        gate: Gate | None = None,
        trainer: Trainer | None = None,
        rules: Rules = Rules(),
    ) -> None:
        """gate: who drives, asked in every new state; None: keys alone decide."""
        self.world, self.env, self.recorder = world, env, recorder
        self.clock, self.rng, self.rules = clock, rng, rules
        self.expert, self.controls, self.gate, self.trainer = expert, controls, gate, trainer
        self.student: StudentVersion | None = None
        self._actor: Actor | None = None
        self.phase = Phase.HUMAN
        self.metronome = Metronome(world.control_hz, clock.now_ns())
        self.keys = session_keys(world)
        self.expert_driver = expert_driver
        is_human = isinstance(expert, HumanExpert)
        self._adviser: Expert = HumanAdviser(controls) if is_human else expert
        self._turn_based = is_human and world.scheme is ControlScheme.WAIT
        self._is_tabular = isinstance(env.unwrapped, TabularWorld)
        self.labelled_states: set[int] = set()
        self._first_episode = recorder.episodes
        self._resume_to = Wish.TAKE_OVER
        self._rest_until_ns = clock.now_ns()
        self._state_is_new = self._is_closed = self._has_taken_over = False
        self._takeover_key_is_down = False
        self.observation: Any = None
        self.student_action: Any | None = None
        self.running = False
        self.episodes = self.labels = self.takeovers = 0
        self.driven_ticks = self.student_ticks = 0
        self.episode = -1
        self.episode_return, self.episode_length = 0.0, 0
        self.outcome = Outcome.RUNNING
        self.tick: Tick | None = None

    @property
    def own_episodes(self) -> range:
        """The episodes of this session; those before them were in the recording when it was continued."""
        return range(self._first_episode, self.recorder.episodes)

    @property
    def distinct_labels(self) -> int:
        """States labelled, where states can be told apart by number; else steps labelled."""
        return len(self.labelled_states)

    # -- keys ---------------------------------------------------------------------------------------------

    def press(self, key: str) -> None:
        """A key went down in the window (or in a test)."""
        now_ns = self.clock.now_ns()
        order = self.keys.get(key)
        if order is not None:
            self._obey(order)
        elif self.phase is not Phase.PAUSED:
            is_drive_key = self.controls.press(key, now_ns)
            if is_drive_key and self.rules.takeover == "any-key":
                self.wish(Wish.TAKE_OVER)

    def release(self, key: str) -> None:
        """A key went up."""
        self.controls.release(key, self.clock.now_ns())
        if self.rules.takeover == "hold" and self.keys.get(key) is Order.TAKE_OVER:
            self._takeover_key_is_down = False
            self.wish(Wish.HAND_BACK)

    def focus_lost(self) -> None:
        """The window no longer sees the keyboard: nothing is held any more, and the world waits."""
        self.controls.clear()
        self.wish(Wish.PAUSE)
        if self._takeover_key_is_down:
            self._takeover_key_is_down = False
            self._resume_to = Wish.RESUME

    def resume(self) -> None:
        """Go on after a pause with whoever drove before it."""
        self.wish(Wish.TAKE_OVER if self.student is None else self._resume_to)

    def _obey(self, order: Order) -> None:
        match order:
            case Order.TAKE_OVER:
                self._takeover_key_is_down = self.rules.takeover == "hold"
                flip = self.rules.takeover != "hold" and self.phase is Phase.HUMAN
                self.wish(Wish.HAND_BACK if flip else Wish.TAKE_OVER)
            case Order.PAUSE:
                if self.phase is Phase.PAUSED:
                    self.resume()
                else:
                    self.wish(Wish.PAUSE)
            case Order.SLOWER | Order.FASTER:
                factor = SPEED_STEP if order is Order.FASTER else 1 / SPEED_STEP
                self.metronome.hz = min(FASTEST_HZ, max(SLOWEST_HZ, self.metronome.hz * factor))
            case Order.NEXT_EPISODE:
                self.end_episode()

    def wish(self, wish: Wish) -> None:
        """Ask for another phase; a wish that does not fit the phase changes nothing."""
        new = NEXT.get((self.phase, wish))
        if new is None or (new is Phase.STUDENT and self.student is None):
            return
        if new is Phase.PAUSED:
            self._resume_to = Wish.TAKE_OVER if self.phase is Phase.HUMAN else Wish.RESUME
        elif new is Phase.STUDENT:
            self._has_taken_over = False
        elif self.phase is Phase.STUDENT or self._resume_to is Wish.RESUME:
            self.takeovers += 1
            self._has_taken_over = True
            self.controls.settle()
        self.phase = new

    # -- one tick -----------------------------------------------------------------------------------------

    def update(self) -> Tick | None:
        """Advance by at most one step of the world, if one is due. Called at every frame, and as often as liked."""
        now_ns = self.clock.now_ns()
        self.recorder.flush_if_due()
        self._adopt_student()
        if self.phase is Phase.PAUSED or now_ns < self._rest_until_ns:
            return None
        if not self.running:
            self._begin_episode(now_ns)
        if self._state_is_new:
            self._look()
        if not self._is_due(now_ns):
            return None
        action, driver = self._choose()
        if action is None:
            self.metronome.restart(now_ns - self.metronome.period_ns)
            return None
        return self._step(action, driver, now_ns)

    def end_episode(self, outcome: Outcome = Outcome.UNKNOWN) -> None:
        """End the running episode early; what was recorded stays."""
        if self.running:
            self.recorder.end_episode(outcome)
            self._leave_episode(outcome)

    def close(self) -> None:
        """End the running episode, and close recording, trainer and world; doing so again changes nothing."""
        if self._is_closed:
            return
        self._is_closed = True
        try:
            if not self.recorder.closed:
                self.end_episode()
        finally:
            self.recorder.close()
            if self.trainer is not None:
                self.trainer.close()
            self.env.close()

    def _adopt_student(self) -> None:
        newer = self.trainer.poll() if self.trainer is not None else None
        if newer is not None:
            self.adopt(newer)

    def adopt(self, student: StudentVersion) -> None:
        """From the next tick on this student drives and is shown; it remembers nothing of the running episode."""
        self.student, self._actor = student, begin(student.policy, 1)
        if self.running and not self._state_is_new:
            self._propose()

    def _begin_episode(self, now_ns: int) -> None:
        seed = int(self.rng.integers(2**31))
        self.observation, _ = self.env.reset(seed=seed)
        self.episode = self.recorder.begin_episode(self.observation, seed=seed)
        self.running, self._state_is_new = True, True
        self.episode_return, self.episode_length = 0.0, 0
        self.outcome = Outcome.RUNNING
        self.metronome.restart(now_ns)
        if not self._takeover_key_is_down:
            self.wish(Wish.HAND_BACK)
        if self._actor is not None:
            self._actor.forget()
        if self.gate is not None:
            self.gate.begin_episode()

    def _look(self) -> None:
        """In a new state: what would the student do, and who is to drive?"""
        self._state_is_new = False
        self._propose()
        if self.gate is not None and self.student is not None:
            asks = self._may_label() and self.gate.wants_expert(
                self.observation, self.student.policy, self.rng
            )
            self.wish(Wish.TAKE_OVER if asks else Wish.HAND_BACK)

    def _propose(self) -> None:
        """What would the student do here?"""
        self.student_action = None
        if self._actor is not None:
            batch = np.asarray(self.observation)[None]
            self.student_action = self._actor.act(batch, self.rng if self.rules.sample_student else None)[0]

    def _is_due(self, now_ns: int) -> bool:
        """A person in a turn-based world sets the pace; anyone else follows the metronome."""
        return (self._turn_based and self.phase is Phase.HUMAN) or self.metronome.beat(now_ns)

    def _choose(self) -> tuple[Any | None, Driver]:
        if self.phase is Phase.STUDENT:
            return self.student_action, Driver.STUDENT
        return self.expert.act(self.observation, self.episode_length), self.expert_driver

    def _may_label(self) -> bool:
        return self.rules.label_budget is None or self.labels < self.rules.label_budget

    def _label_for(self, action: Any, driver: Driver) -> tuple[Any | None, LabelKind]:
        if not self._may_label():
            return None, LabelKind.DEMONSTRATED
        if driver is not Driver.STUDENT:
            return action, self.rules.label_kind if self._has_taken_over else LabelKind.DEMONSTRATED
        if self.rules.label_student_states:
            return self._adviser.act(self.observation, self.episode_length), LabelKind.LIVE
        return None, LabelKind.LIVE

    def _step(self, action: Any, driver: Driver, now_ns: int) -> Tick:
        label, kind = self._label_for(action, driver)
        before, keys = self.observation, self.controls.take_mask()
        after, reward, terminated, truncated, _ = self.env.step(action)
        row = self.recorder.step(
            action,
            float(reward),
            terminated,
            truncated,
            after,
            driver=driver,
            student_action=self.student_action,
            student_version=-1 if self.student is None else self.student.version,
            time_ns=now_ns,
            keys=keys,
        )
        if label is not None:
            self._keep_label(row, before, label, kind, now_ns)
        self.tick = Tick(
            self.episode,
            row,
            before,
            action,
            float(reward),
            after,
            driver,
            self.student_action,
            label,
            terminated,
            truncated,
        )
        self.driven_ticks += 1
        self.student_ticks += driver is Driver.STUDENT
        self.observation, self._state_is_new = after, True
        self.episode_return += float(reward)
        self.episode_length += 1
        if terminated or truncated:
            outcome = self._judge(terminated)
            self.recorder.end_episode(outcome)
            self._leave_episode(outcome)
        return self.tick

    def _keep_label(self, row: int, observation: Any, label: Any, kind: LabelKind, now_ns: int) -> None:
        self.recorder.label(row, label, labeler=self.expert.name, kind=kind, time_ns=now_ns)
        self.labels += 1
        self.labelled_states.add(int(observation) if self._is_tabular else row)
        if self.trainer is not None:
            self.trainer.teach(row, observation, label)
        if self.gate is not None:
            self.gate.learn(observation, label)

    def _judge(self, terminated: bool) -> Outcome:
        """As `learners.evaluation` does: arrival in a table's goal, else the reward threshold, else unknown."""
        if self._is_tabular:
            return Outcome.SUCCESS if terminated else Outcome.FAILURE
        threshold = self.env.spec.reward_threshold if self.env.spec is not None else None
        if threshold is None:
            return Outcome.UNKNOWN
        return Outcome.SUCCESS if self.episode_return >= threshold else Outcome.FAILURE

    def _leave_episode(self, outcome: Outcome) -> None:
        self.running = False
        self.outcome = outcome
        self.episodes += 1
        self.controls.clear()
        self._rest_until_ns = self.clock.now_ns() + round(self.rules.rest_s * 1e9)
