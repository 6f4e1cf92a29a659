"""A live run, tick by tick: who drives, what is labelled, what is recorded. Knows of wishes, and of no key.

Reading order: `teleop.studio.phases` (who drives is data), `teleop.studio.rules` (the settings), Run.update (one tick),
then what changes its course: another student, another phase, an episode's end, a question, going back.

It owns no clock and no randomness: both are given to it, so that with a step clock and an inline trainer a run
repeats exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import gymnasium as gym
import numpy as np

from learners.alike import tolerance_of
from learners.asking.gates import AskingGate, Gate
from learners.interface import Expert, TabularWorld
from learners.recollection import Actor, begin
from recordings.recorder import Recorder
from recordings.schema import Driver, LabelKind, Outcome
from teleop.clock import Glance, Metronome
from teleop.controls import Controls, HumanAdviser, HumanExpert
from teleop.studio.branching import same_again
from teleop.studio.labelling import Labelling
from teleop.studio.past import Lived, Past, Tick
from teleop.studio.phases import NEXT, Phase, Wish
from teleop.studio.questions import Question, Reasking
from teleop.studio.rules import Rules
from teleop.studio.score import Score
from teleop.studio.undo import History
from teleop.studio.verdicts import Verdicts
from teleop.training.student import StudentVersion, Trainer
from teleop.worlds.catalogue import ControlScheme, World

Listener = Callable[[int, str, str], None]
"""(when, what reached the session, its argument): told of everything that a person or the window does to it."""


class Run:
    """One person (or stand-in), one world, at most one student, one recording."""

    phase = Phase.HUMAN
    student: StudentVersion | None = None
    student_action: Any | None = None
    """What the student would do in the present state."""
    question: Question | None = None
    """What the person is asked now, while the world waits."""
    running = False
    """An episode is."""
    episode = -1
    """The running or the last one, as the recording counts; -1 before the first."""
    observation: Any = None
    episode_return, episode_length = 0.0, 0
    tick: Tick | None = None
    """The last step made."""
    episodes = driven_ticks = student_ticks = 0
    """Of this session: episodes that ended, steps made, and those of them that the student made."""
    _actor: Actor | None = None
    _answer: Any | None = None
    _resume_to = Wish.TAKE_OVER
    _state_is_new = _is_closed = _has_taken_over = _takeover_key_is_down = False

    def __init__(
        self,
        world: World,
        env: gym.Env[Any, Any],
        recorder: Recorder,
        *,
        clock: Glance,
        rng: np.random.Generator,
        expert: Expert,
        expert_driver: Driver,
        controls: Controls,
        gate: Gate | None = None,
        trainer: Trainer | None = None,
        advisers: Sequence[Expert] = (),
        rules: Rules | None = None,
        bindings: Mapping[str, str] = MappingProxyType({}),
        listener: Listener | None = None,
    ) -> None:
        """gate: who drives, asked in every new state; None: keys alone decide. advisers: label what the expert labels,
        beside them. bindings: an order's name -> the key preferred for it."""
        self.world, self.env, self.recorder = world, env, recorder
        self.clock, self.rng, self.rules = clock, rng, rules or Rules()
        self.expert, self.expert_driver = expert, expert_driver
        self.controls, self.bindings = controls, bindings
        self.metronome = Metronome(world.control_hz, clock.now_ns())
        self._listener = listener
        self._is_human = isinstance(expert, HumanExpert)
        self._adviser: Expert = HumanAdviser(controls) if self._is_human else expert
        self._turn_based = self._is_human and world.scheme is ControlScheme.WAIT
        self._is_tabular = isinstance(env.unwrapped, TabularWorld)

        self.past, self.history = Past(), History()
        self.score = Score(clock.now_ns(), tolerance_of(env.action_space))
        self.labelling = Labelling(
            recorder,
            self.past,
            self.score,
            self.history,
            clock,
            trainer=trainer,
            gate=gate,
            advisers=advisers,
            by_state=self._is_tabular,
        )
        self.verdicts = Verdicts(recorder, self.labelling, self.history, clock)
        self._reasking = Reasking(self.rules.reask_share, rng)
        self._first_episode = recorder.episodes
        self._rest_until_ns = self._go_ns = self._let_go_ns = clock.now_ns()

    @property
    def gate(self) -> Gate | None:
        """Who drives, asked in every new state; None: keys alone decide."""
        return self.labelling.gate

    @gate.setter
    def gate(self, gate: Gate | None) -> None:
        self.labelling.gate = gate

    @property
    def trainer(self) -> Trainer | None:
        """Who turns the labels into students; None: nobody does here."""
        return self.labelling.trainer

    @trainer.setter
    def trainer(self, trainer: Trainer | None) -> None:
        self.labelling.trainer = trainer

    @property
    def own_episodes(self) -> range:
        """The episodes of this session; those before them were in the recording when it was continued."""
        return range(self._first_episode, self.recorder.episodes)

    @property
    def labels(self) -> int:
        """Given in this session and not taken back."""
        return self.score.labels

    @property
    def takeovers(self) -> int:
        return self.score.takeovers

    @property
    def distinct_labels(self) -> int:
        """States labelled, where states can be told apart by number; else steps labelled."""
        return self.labelling.distinct

    @property
    def outcome(self) -> Outcome:
        """Of the running or the last episode."""
        return Outcome.RUNNING if self.past.latest is None else self.past.latest.outcome

    @property
    def countdown_s(self) -> float:
        """Seconds until the running episode's first step; 0 while it runs."""
        return max(0.0, (self._go_ns - self.clock.now_ns()) / 1e9) if self.running else 0.0

    # -- one tick -----------------------------------------------------------------------------------------

    def update(self) -> Tick | None:
        """Advance by at most one step of the world, if one is due. Called at every frame, and as often as liked."""
        now_ns = self._hear("update")
        self.recorder.flush_if_due()
        self._adopt_student()
        self._hand_back_when_let_go(now_ns)
        if self.phase is Phase.PAUSED or now_ns < self._rest_until_ns:
            return None
        if not self.running:
            if self._ask_again():
                return None
            self._begin_episode(now_ns)
        if self._state_is_new:
            self._look()
        if self.question is not None or now_ns < self._go_ns or not self._is_due(now_ns):
            return None
        action, driver = self._choose()
        if action is None:
            self.metronome.restart(now_ns - self.metronome.period_ns)
            return None
        return self._step(action, driver, now_ns)

    def _adopt_student(self) -> None:
        newer = self.trainer.poll() if self.trainer is not None else None
        if newer is not None:
            self.adopt(newer)

    def adopt(self, student: StudentVersion) -> None:
        """From the next tick on this student drives and is shown; it remembers nothing of the running episode."""
        self.student, self._actor = student, begin(student.policy, 1)
        self.score.student(student.version, student.labels, student.loss, self.clock.now_ns())
        if self.running and not self._state_is_new:
            self._propose()

    def _begin_episode(self, now_ns: int) -> None:
        seed = int(self.rng.integers(2**31))
        observation, _ = self.env.reset(seed=seed)
        index = self.recorder.begin_episode(observation, seed=seed)
        self._enter(Lived(index, seed), observation, now_ns)
        self._go_ns = now_ns + round(self.rules.countdown_s * 1e9)
        if not self._takeover_key_is_down:
            self.wish(Wish.HAND_BACK)

    def _enter(self, episode: Lived, observation: Any, now_ns: int) -> None:
        """A world that was just reset, and recorded to have been."""
        self.past.begin(episode)
        self.episode, self.observation = episode.index, observation
        self.running = self._state_is_new = True
        self.episode_return, self.episode_length = 0.0, 0
        self.metronome.restart(now_ns)
        self.score.begin_episode()
        if self._actor is not None:
            self._actor.forget()
        if self.gate is not None:
            self.gate.begin_episode()

    def _look(self) -> None:
        """In a new state: what would the student do, and who is to drive?"""
        self._state_is_new = False
        self._propose()
        if self.gate is None or self.student is None:
            return
        asks = self._may_label() and self.gate.wants_expert(self.observation, self.student.policy, self.rng)
        if asks and self._is_human and self.rules.asks_by_pausing and isinstance(self.gate, AskingGate):
            self._ask(Question(self.observation))
        else:
            self.wish(Wish.TAKE_OVER if asks else Wish.HAND_BACK)

    def _propose(self) -> None:
        """What would the student do here?"""
        self.student_action = None
        if self._actor is not None:
            batch = np.asarray(self.observation)[None]
            self.student_action = self._actor.act(batch, self.rng if self.rules.sample_student else None)[0]

    def _is_due(self, now_ns: int) -> bool:
        """A person in a turn-based world, or asked, sets the pace; anyone else follows the metronome."""
        if self._answer is not None or (self._turn_based and self.phase is Phase.HUMAN):
            return True
        return self.metronome.beat(now_ns)

    def _choose(self) -> tuple[Any | None, Driver]:
        if self._answer is not None:
            answer, self._answer = self._answer, None
            return answer, Driver.HUMAN
        if self.phase is Phase.STUDENT:
            return self.student_action, Driver.STUDENT
        return self.expert.act(self.observation, self.episode_length), self.expert_driver

    def _may_label(self) -> bool:
        rules = self.rules
        minutes = (self.clock.now_ns() - self.score.began_ns) / 60e9
        return (rules.label_budget is None or self.labels < rules.label_budget) and (
            rules.minutes_budget is None or minutes < rules.minutes_budget
        )

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
        before, proposed = self.observation, self.student_action
        after, reward, terminated, truncated, _ = self.env.step(action)
        row = self._record(action, float(reward), terminated, truncated, after, driver, now_ns)
        tick = Tick(
            self.episode, row, before, action, float(reward), after, driver, proposed, label,
            bool(terminated), bool(truncated),
        )  # fmt: skip
        self._live_through(tick)
        if label is not None:
            self._give(tick, label, kind)
        self.driven_ticks += 1
        self.student_ticks += driver is Driver.STUDENT
        self._state_is_new = True
        if terminated or truncated:
            self.end_episode(self._judged(terminated))
        return tick

    def _record(
        self,
        action: Any,
        reward: float,
        terminated: bool,
        truncated: bool,
        after: Any,
        driver: Driver,
        now_ns: int,
    ) -> int:
        return self.recorder.step(
            action,
            reward,
            terminated,
            truncated,
            after,
            driver=driver,
            student_action=self.student_action,
            student_version=-1 if self.student is None else self.student.version,
            time_ns=now_ns,
            keys=self.controls.take_mask(),
        )

    def _live_through(self, tick: Tick) -> None:
        latest = self.past.latest
        assert latest is not None
        latest.ticks.append(tick)
        self.tick = tick
        self.observation = tick.next_observation
        self.episode_return += tick.reward
        self.episode_length += 1
        self.score.step(tick.driver, has_student=self.student is not None)

    def _give(self, tick: Tick, action: Any, kind: LabelKind) -> None:
        if self._is_human and kind is not LabelKind.REASKED:
            self._reasking.answered(tick, action, self.labels)
        self.labelling.give(tick, action, self.expert.name, kind, tick.student_action)

    def _judged(self, terminated: bool) -> Outcome:
        """As `learners.evaluation` does: arrival in a table's goal, else the reward threshold, else unknown."""
        if self._is_tabular:
            return Outcome.SUCCESS if terminated else Outcome.FAILURE
        threshold = self.env.spec.reward_threshold if self.env.spec is not None else None
        if threshold is None:
            return Outcome.UNKNOWN
        return Outcome.SUCCESS if self.episode_return >= threshold else Outcome.FAILURE

    # -- who drives -----------------------------------------------------------------------------------------

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
            self._has_taken_over = True
            self.controls.settle()
            self._mark_what_led_here()
        self.phase = new

    def _hand_back_when_let_go(self, now_ns: int) -> None:
        """Where any drive key takes over, letting go of all of them for a while hands back."""
        if self.rules.takeover != "any-key" or self.phase is not Phase.HUMAN or self.gate is not None:
            return
        has_let_go = self.controls.held_action() is None
        if has_let_go and now_ns - self._let_go_ns >= self.rules.hand_back_after_s * 1e9:
            self.wish(Wish.HAND_BACK)

    def _mark_what_led_here(self) -> None:
        """A person takes over late: the student's steps just before were mistakes already."""
        latest = self.past.latest
        if not self.running or latest is None or self.rules.label_kind is not LabelKind.TAKEOVER:
            return
        most = round(self.rules.mark_before_takeover_s * self.metronome.hz)
        for start, stop in latest.student_runs(max(0, latest.length - most)):
            if stop == latest.length:
                self.verdicts.mark(latest, start, stop, "before a takeover")

    def go_on(self) -> None:
        """After a pause, with whoever drove before it."""
        self.wish(Wish.TAKE_OVER if self.student is None else self._resume_to)

    # -- episodes and questions -----------------------------------------------------------------------------

    def end_episode(self, outcome: Outcome = Outcome.UNKNOWN) -> None:
        """End the running episode early; what was recorded stays."""
        if not self.running:
            return
        self.recorder.end_episode(outcome)
        latest = self.past.latest
        assert latest is not None
        latest.outcome = outcome
        self.running = False
        self.episodes += 1
        self.score.end_episode(self.episode_return)
        self.controls.clear()
        self._answer = None
        if self.question is not None and not self.question.is_again:
            self.stop_asking()
        self._rest_until_ns = self.clock.now_ns() + round(self.rules.rest_s * 1e9)

    def _ask(self, question: Question) -> None:
        self.question = question
        self.score.queries += not question.is_again
        self.wish(Wish.PAUSE)

    def _ask_again(self) -> bool:
        """Between two episodes: is there an answer to be given once more?"""
        question = self._reasking.next(self.labels) if self._may_label() else None
        if question is not None:
            self._ask(question)
        return question is not None

    def answer(self, question: Question, action: Any) -> None:
        """What is to be done in the state that is asked about."""
        if question.tick is None:
            self.question, self._answer = None, action
            self.wish(Wish.TAKE_OVER)
            return
        self.score.asked_again(bool(np.array_equal(action, question.answered)))
        self._give(question.tick, action, LabelKind.REASKED)
        self.stop_asking()

    def stop_asking(self) -> None:
        """Leave the question open, and go on."""
        self.question = None
        if self.phase is Phase.PAUSED:
            self.go_on()

    # -- going back -----------------------------------------------------------------------------------------

    def branch(self, parent: Lived, step: int) -> bool:
        """Take over before a step of an episode: another episode begins, which repeats the first steps of that one.

        Both are kept. What the student did in the first from there on is marked, so that it is not imitated. False
        where the world does not come back to the same state, and goes on with another episode.
        """
        if self.running and parent is self.past.latest and step == parent.length:
            self.wish(Wish.TAKE_OVER)
            return True
        self.question = None
        self.end_episode()
        prefix = parent.ticks[:step]
        start = None if parent.seed < 0 else same_again(self.env, parent.seed, prefix)
        if start is None:
            self.go_on()
            return False
        for first, stop in parent.student_runs(step):
            self.verdicts.mark(parent, first, stop, "gone back before it")
        now_ns = self.clock.now_ns()
        index = self.recorder.begin_episode(start, seed=parent.seed, parent=parent.index, branch_step=step)
        self._enter(Lived(index, parent.seed, parent.index, step), start, now_ns)
        for tick, proposed in zip(prefix, self._proposals(prefix), strict=True):
            self._repeat(tick, proposed, now_ns)
        self._rest_until_ns = self._go_ns = now_ns
        self._state_is_new = False
        self._propose()
        self.wish(Wish.TAKE_OVER)
        self._has_taken_over = True
        return True

    def _proposals(self, ticks: Sequence[Tick]) -> Sequence[Any | None]:
        """What the student would do in each of these steps, with which an episode begins."""
        if self._actor is None or not ticks:
            return [None] * len(ticks)
        observations = np.asarray([tick.observation for tick in ticks])
        return list(self._actor.through(observations, self.rng if self.rules.sample_student else None))

    def _repeat(self, tick: Tick, proposed: Any | None, now_ns: int) -> None:
        """One step of a branch that its parent has made already. proposed: what the student would do there."""
        self.student_action = proposed
        row = self._record(
            tick.action, tick.reward, tick.terminated, tick.truncated, tick.next_observation,
            Driver.REPLAYED, now_ns,
        )  # fmt: skip
        self._live_through(
            tick._replace(
                episode=self.episode,
                step=row,
                driver=Driver.REPLAYED,
                student_action=self.student_action,
                label=None,
                repeats=tick.moment,
            )
        )

    # -- the end --------------------------------------------------------------------------------------------

    def close(self) -> None:
        """End the running episode, and close recording, trainer and world; doing so again changes nothing."""
        if self._is_closed:
            return
        self._is_closed = True
        self._hear("close")
        try:
            if not self.recorder.closed:
                self.end_episode()
        finally:
            self.recorder.close()
            if self.trainer is not None:
                self.trainer.close()
            self.env.close()

    def _hear(self, word: str, argument: str = "") -> int:
        """Something reaches the session: look at the clock once, and let the listener know."""
        now_ns = self.clock.look()
        if self._listener is not None:
            self._listener(now_ns, word, argument)
        return now_ns
