"""A person at a live run: what their keys do. The window, the headless commands and the tests all drive this one class.

Reading order: `teleop.run` (the run itself, one tick at a time), `teleop.studio.phases` (the keys), Session.press, then
what there is beside driving: ending, judging, discarding, taking back, and the desk, where one looks back and labels.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

from recordings.schema import LabelKind, Outcome
from teleop.run import Run
from teleop.studio.desk import Desk
from teleop.studio.past import Lived, Tick
from teleop.studio.phases import DESK_KEYS, DeskOrder, Order, Phase, Wish, session_keys
from teleop.studio.questions import Question
from teleop.studio.worth_asking import Doubts

SPEED_STEP = 1.25
SLOWEST_HZ, FASTEST_HZ = 1.0, 60.0


class Session(Run):
    """A run and its keys."""

    desk: Desk | None = None
    """Where the person looks back while the world waits; None: they do not."""
    notice = ""
    """What the last key came to, where it cannot be seen otherwise."""

    @cached_property
    def keys(self) -> dict[str, Order]:
        """Key name -> what it does; drive keys are the world's own."""
        return session_keys(self.world, self.bindings)

    def update(self) -> Tick | None:
        """Advance by at most one step of the world, if one is due. Called at every frame, and as often as liked."""
        tick = super().update()
        if self.desk is not None:
            self.desk.update(self.clock.now_ns())
        return tick

    # -- keys ---------------------------------------------------------------------------------------------

    def press(self, key: str) -> None:
        """A key went down in the window (or in a test)."""
        now_ns = self._hear("press", key)
        self._let_go_ns, self.notice = now_ns, ""
        order = self.keys.get(key)
        if self.desk is not None and self._press_at_desk(self.desk, key, order, now_ns):
            return
        if self.question is not None and self._press_when_asked(self.question, key):
            return
        if order is not None:
            self._obey(order)
        elif self.phase is not Phase.PAUSED:
            is_drive_key = self.controls.press(key, now_ns)
            if is_drive_key:
                self._go_ns = min(self._go_ns, now_ns)
                if self.rules.takeover == "any-key" and self._is_human and self.gate is None:
                    self.wish(Wish.TAKE_OVER)

    def release(self, key: str) -> None:
        """A key went up."""
        now_ns = self._hear("release", key)
        self._let_go_ns = now_ns
        self.controls.release(key, now_ns)
        if self.desk is not None:
            self.desk.release(key)
        if self.rules.takeover == "hold" and self.keys.get(key) is Order.TAKE_OVER:
            self._let_go_of_takeover()
            self.wish(Wish.HAND_BACK)

    def focus_lost(self) -> None:
        """The window no longer sees the keyboard: nothing is held any more, and the world waits."""
        self._hear("focus_lost")
        self.controls.clear()
        if self.desk is not None:
            self.desk.let_go()
        self.wish(Wish.PAUSE)
        self._let_go_of_takeover()

    def _let_go_of_takeover(self) -> None:
        """The key is no longer held: where the world waits, it will go on with the student."""
        if self._takeover_key_is_down:
            self._takeover_key_is_down = False
            self._resume_to = Wish.RESUME

    def resume(self) -> None:
        """Go on after a pause with whoever drove before it."""
        self._hear("resume")
        self.go_on()

    def go_on(self) -> None:
        """After a pause, with whoever drove before it; the desk is left. A question that is open stays so."""
        self.desk = None
        if self.question is None:
            super().go_on()

    def _obey(self, order: Order) -> None:
        match order:
            case Order.TAKE_OVER:
                self._takeover_key_is_down = self.rules.takeover == "hold"
                flip = self.rules.takeover != "hold" and self.phase is Phase.HUMAN
                self.wish(Wish.HAND_BACK if flip else Wish.TAKE_OVER)
            case Order.PAUSE if self.phase is Phase.PAUSED:
                self.go_on()
            case Order.PAUSE:
                self.wish(Wish.PAUSE)
            case Order.SLOWER | Order.FASTER:
                factor = SPEED_STEP if order is Order.FASTER else 1 / SPEED_STEP
                self.metronome.hz = min(FASTEST_HZ, max(SLOWEST_HZ, self.metronome.hz * factor))
            case Order.NEXT_EPISODE:
                self.end_episode()
            case Order.SUCCESS | Order.FAILURE:
                self.judge(Outcome.SUCCESS if order is Order.SUCCESS else Outcome.FAILURE)
            case Order.DISCARD:
                self.discard()
            case Order.UNDO:
                self.notice = _said("taken back", self.history.undo())
            case Order.REDO:
                self.notice = _said("brought back", self.history.redo())
            case Order.DESK:
                self.open_desk()
            case Order.REWIND:
                self.open_desk(back=self.rules.rewind_steps)

    # -- episodes, judged and discarded -----------------------------------------------------------------------

    def judge(self, outcome: Outcome) -> None:
        """Say how the running episode went, which ends it, or, before another one has begun, how the last one went."""
        if self.running and self.episode_length:
            self.end_episode(outcome)
            return
        episode = self.past.with_steps()
        if episode is not None:
            self.verdicts.judge(episode, outcome)

    def discard(self) -> None:
        """Discard the running episode, which ends it, or, before another one has begun, the last one."""
        if self.running and self.episode_length:
            self.end_episode()
        episode = self.past.with_steps()
        if episode is not None and not episode.is_discarded:
            self.verdicts.discard(episode)
            self.notice = f"Episode {episode.index} is discarded."

    # -- when asked -----------------------------------------------------------------------------------------

    def _press_when_asked(self, question: Question, key: str) -> bool:
        """Whether the key answered, or said that there is no answer."""
        if key in self.controls.keys:
            self.answer(question, self.controls.keys[key])
            return True
        is_taken = self.keys.get(key) is Order.TAKE_OVER
        if not is_taken and DESK_KEYS.get(key) is not DeskOrder.SKIP:
            return False
        self.stop_asking()
        return not is_taken

    def close(self) -> None:
        """As a run does, and let nobody go on doubting."""
        super().close()
        if "_doubts" in vars(self):
            self._doubts.close()

    # -- the desk -------------------------------------------------------------------------------------------

    @cached_property
    def _doubts(self) -> Doubts:
        return Doubts(self.world, aside=self.rules.doubts_aside)

    def open_desk(self, back: int = 0, episode: Lived | None = None) -> None:
        """Pause, and go through an episode from `back` steps before its end. None: the running or the last one."""
        episode = episode or self.past.with_steps()
        if episode is None:
            return
        self.wish(Wish.PAUSE)
        self.desk = Desk(
            episode,
            episode.length - back,
            label=self._label_at_desk,
            student=lambda: None if self.student is None else self.student.policy,
            doubts=self._doubts,
            lessons=self.labelling.lessons,
            keys=self.world.keys
            if self.world.steering is None
            else {},  # a wheel is turned in time, not at rest
        )

    def scrub(self, step: int) -> None:
        """The mouse put the desk's cursor somewhere."""
        self._hear("scrub", str(step))
        if self.desk is not None:
            self.desk.go_to(step)

    def _press_at_desk(self, desk: Desk, key: str, order: Order | None, now_ns: int) -> bool:
        """Whether the key meant something at the desk; of the others some close it."""
        if key in DESK_KEYS or key in desk.label_keys:
            desk.press(key, now_ns)
            return True
        match order:
            case Order.DESK | Order.PAUSE:
                self.go_on()
            case Order.REWIND:
                desk.go_to(desk.step - self.rules.rewind_steps)
            case Order.TAKE_OVER if desk.is_over:
                self.notice = "The episode has ended here: go back to take over."
            case Order.TAKE_OVER:
                self.desk = None
                self._takeover_key_is_down = self.rules.takeover == "hold"
                if not self.branch(desk.episode, desk.step):
                    self.notice = "This world does not come back to the same state: another episode begins."
            case Order.NEXT_EPISODE | Order.SUCCESS | Order.FAILURE | Order.DISCARD:
                self.go_on()
                return False
            case _:
                return False
        return True

    def _label_at_desk(self, episode: Lived, step: int, action: Any, proposed: Any | None) -> bool:
        if not self._may_label():
            self.notice = "The budget for labels is used up."
            return False
        kind = LabelKind.PAUSED if episode.outcome is Outcome.RUNNING else LabelKind.RETROSPECTIVE
        self._give(episode.ticks[step]._replace(student_action=proposed), action, kind)
        return True


def _said(done: str, word: str) -> str:
    return f"{word[0].upper()}{word[1:]} {done}." if word else f"Nothing to be {done}."
