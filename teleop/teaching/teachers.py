"""How a person goes about teaching in a session: which keys when.

Reading order: Teacher (what all share: driving), then a class for each that does more.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from recordings.schema import Driver
from teleop.session import Session
from teleop.studio.past import Lived, Tick
from teleop.studio.phases import DESK_KEYS, DeskOrder, Order, Phase
from teleop.studio.worth_asking import Criterion
from teleop.teaching.person import Fingers, Mind, Person
from teleop.worlds.catalogue import ControlScheme


class Teacher:
    """Demonstrates: drives whenever the person is to drive."""

    def __init__(self, session: Session, person: Person, rng: np.random.Generator) -> None:
        self.session, self.person = session, person
        self.mind = Mind(session.world, person, rng)
        self.fingers = Fingers(session)
        self._place = (-1, -1)
        self._taps = session.world.scheme is ControlScheme.WAIT

    @property
    def is_needed(self) -> bool:
        """Whether the session takes the person's time now."""
        return True

    def act(self, now_ns: int) -> None:
        """Look at the session, and press what is due. Called before every tick."""
        place = (self.session.episode, self.session.episode_length)
        if self.session.running and place != self._place:
            if place[0] != self._place[0] and not self.goes_on():
                self.fingers.let_go()
            self._place = place
            self.look(now_ns)
        self.attend(now_ns)
        self.fingers.move(now_ns)

    def attend(self, now_ns: int) -> None:
        """Whatever else there is to see."""

    def saw(self, tick: Tick, now_ns: int) -> None:
        """A step was made."""

    def goes_on(self) -> bool:
        """Whether fingers stay where they are although another episode begins."""
        return False

    def look(self, now_ns: int) -> None:
        """Another state is on the screen."""
        if self.session.phase is Phase.HUMAN:
            self.drive(now_ns)

    def drive(self, now_ns: int) -> None:
        """Where the world waits, tap the key; else hold it until another one is right."""
        key, at_ns = self.key_here(), now_ns + _ns(self.person.reaction_s)
        if self._taps:
            self.fingers.tap(key, at_ns)
        else:
            self.fingers.hold(key, at_ns)

    def sit_down(self, now_ns: int) -> None:
        """Open the desk, whatever the fingers were about."""
        self.fingers.let_go()
        self.fingers.tap(self.key_of(Order.DESK), now_ns)
        self.fingers.move(now_ns)

    def key_here(self) -> str:
        session = self.session
        return session.world.key_for(self.mind.answer(session.observation, session.episode_length))

    def key_of(self, order: Order) -> str:
        return next(key for key, each in self.session.keys.items() if each is order)


class Narrator(Teacher):
    """Labels every state, whoever drives: the key that is down when the step is made is the label."""

    def __init__(self, session: Session, person: Person, rng: np.random.Generator) -> None:
        super().__init__(session, person, rng)
        self._taps = False

    def look(self, now_ns: int) -> None:
        self.drive(now_ns)


class Overseer(Teacher):
    """Watches the student, takes over when it errs, and hands back when it would be right for a while."""

    def __init__(self, session: Session, person: Person, rng: np.random.Generator) -> None:
        super().__init__(session, person, rng)
        self._begin(has_key_down=False)

    def _begin(self, *, has_key_down: bool) -> None:
        """Count anew. has_key_down: the key that takes over."""
        self._in_a_row = 0
        self._is_changing = False
        self._has_key_down = has_key_down

    def look(self, now_ns: int) -> None:
        if self.session.episode_length == 0:
            self._begin(has_key_down=False)
        super().look(now_ns)

    def attend(self, now_ns: int) -> None:
        drives = self.session.phase is Phase.HUMAN
        if self._is_changing and drives == self._has_key_down:
            self._is_changing = False
            if drives and self.session.running:
                self.drive(now_ns)

    def saw(self, tick: Tick, now_ns: int) -> None:
        if tick.student_action is None or self._is_changing or not self.session.running:
            return
        is_right = self.mind.approves(tick.student_action, tick.observation, self.session.episode_length - 1)
        drives = tick.driver is not Driver.STUDENT
        self._in_a_row = self._in_a_row + 1 if is_right == drives else 0
        if self._in_a_row >= (self.person.right_steps if drives else self.person.wrong_steps):
            self._change_hands(drives, now_ns + _ns(self.person.reaction_s))

    def _change_hands(self, drives: bool, at_ns: int) -> None:
        key = self.key_of(Order.TAKE_OVER)
        if drives:
            self.fingers.release(key, at_ns)
            self.fingers.lift(at_ns)
        else:
            self.fingers.press(key, at_ns)
        self._in_a_row, self._is_changing, self._has_key_down = 0, True, not drives


class Oracle(Teacher):
    """Is elsewhere until the student asks."""

    def __init__(self, session: Session, person: Person, rng: np.random.Generator) -> None:
        super().__init__(session, person, rng)
        self._question: Any = None
        self._answered_at = (-1, -1)

    @property
    def is_needed(self) -> bool:
        return self.session.phase is Phase.HUMAN or self.session.question is not None

    def attend(self, now_ns: int) -> None:
        question = self.session.question
        if question is not None and question is not self._question:
            self._question = question
            here = (self.session.episode, self.session.episode_length)
            goes_on = here == (self._answered_at[0], self._answered_at[1] + 1)
            self._answered_at = here
            wait_s = self.person.isolated_s + (0.0 if goes_on else self.person.switch_s)
            self.fingers.tap(self.key_here(), now_ns + _ns(wait_s))

    def look(self, now_ns: int) -> None:
        if self.session.student is None:
            super().look(now_ns)


class Editor(Teacher):
    """Lets the student drive alone, then sits down at the desk and labels the states worth asking about."""

    CRITERIA: Mapping[str, Criterion] = MappingProxyType(
        {"gridworld": Criterion.NOVELTY, "cartpole": Criterion.ENSEMBLE}
    )
    MOST_AT_ONCE = 20
    """Labels in one sitting."""

    def __init__(self, session: Session, person: Person, rng: np.random.Generator) -> None:
        super().__init__(session, person, rng)
        self._next_ns = 0
        self._labelled: set[Any] = set()
        self._has_begun = False

    @property
    def is_needed(self) -> bool:
        return self.session.phase is Phase.HUMAN or self.session.desk is not None or not self.fingers.is_idle

    def look(self, now_ns: int) -> None:
        if self.session.student is None:
            super().look(now_ns)

    def saw(self, tick: Tick, now_ns: int) -> None:
        if self.session.running or self.session.student is None or _is_perfect(self.session):
            return
        self.sit_down(now_ns)
        self._labelled.clear()
        self._has_begun = False
        self._next_ns = now_ns + _ns(self.person.switch_s)

    def attend(self, now_ns: int) -> None:
        session = self.session
        if session.desk is not None:
            self._sit(now_ns)
        elif session.student is not None and session.phase is Phase.HUMAN and self.fingers.is_idle:
            self.fingers.tap(self.key_of(Order.TAKE_OVER), now_ns)  # hands back when it comes up

    def _sit(self, now_ns: int) -> None:
        desk = self.session.desk
        assert desk is not None
        if now_ns < self._next_ns:
            return
        self._next_ns = now_ns + _ns(self.person.isolated_s)
        wanted = self.CRITERIA[self.session.world.name]
        if desk.criterion is not wanted:
            self._tap(DeskOrder.CRITERION, now_ns)
        elif not self._has_begun:
            self._has_begun = True
            self._tap(DeskOrder.NEXT, now_ns)
        elif not desk.worth() or len(desk.labelled) >= self.MOST_AT_ONCE:
            self.fingers.tap(self.key_of(Order.DESK), now_ns)
        else:
            self._label(now_ns)

    def _label(self, now_ns: int) -> None:
        desk = self.session.desk
        assert desk is not None
        what = desk.observation.tobytes() if isinstance(desk.observation, np.ndarray) else desk.observation
        if what in self._labelled:  # the student went in a circle, and so would they
            self.fingers.tap(self.key_of(Order.DESK), now_ns)
            return
        self._labelled.add(what)
        action = self.mind.answer(desk.observation, desk.step)
        key = next(key for key, each in desk.label_keys.items() if each == action)
        self.fingers.tap(key, now_ns)

    def _tap(self, order: DeskOrder, now_ns: int) -> None:
        self.fingers.tap(next(key for key, each in DESK_KEYS.items() if each is order), now_ns)


class Rewinder(Overseer):
    """Lets the student drive alone; where it did badly, goes back to its first error and takes over there."""

    def __init__(self, session: Session, person: Person, rng: np.random.Generator) -> None:
        super().__init__(session, person, rng)
        self._next_ns = 0

    @property
    def is_needed(self) -> bool:
        return self.session.phase is Phase.HUMAN or self.session.desk is not None

    def goes_on(self) -> bool:
        latest = self.session.past.latest
        return self.session.phase is Phase.HUMAN and latest is not None and latest.parent >= 0

    def look(self, now_ns: int) -> None:
        if self.session.phase is Phase.HUMAN:
            super().look(now_ns)

    def saw(self, tick: Tick, now_ns: int) -> None:
        if self.session.running:
            if tick.driver is not Driver.STUDENT:
                super().saw(tick, now_ns)
        elif self.session.student is not None and not _is_perfect(self.session):
            self._begin(has_key_down=False)
            self.sit_down(now_ns)
            self._next_ns = now_ns + _ns(self.person.switch_s)

    def attend(self, now_ns: int) -> None:
        desk = self.session.desk
        if desk is None:
            super().attend(now_ns)
        elif now_ns >= self._next_ns:
            self._next_ns = now_ns + _ns(self.person.isolated_s)
            error = self._first_error(desk.episode)
            if error is None:
                self.fingers.tap(self.key_of(Order.DESK), now_ns)
            elif desk.step != error:
                self.session.scrub(error)
            else:
                self._begin(has_key_down=True)
                self.fingers.press(self.key_of(Order.TAKE_OVER), now_ns)

    def _first_error(self, episode: Lived) -> int | None:
        for step, tick in enumerate(episode.ticks):
            if tick.driver is Driver.STUDENT and not self.mind.approves(tick.action, tick.observation, step):
                return step
        return None


def _is_perfect(session: Session) -> bool:
    best = session.world.solved_return
    return best is not None and session.episode_return >= best


def _ns(seconds: float) -> int:
    return round(seconds * 1e9)
