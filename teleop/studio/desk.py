"""The desk: a person goes through what happened, state by state, while the world waits, and labels what they like.

The cursor stands before a step of an episode, or at its end. What the student would do there, and how sure it is, is
that of the present student, not of the one that drove.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any

import numpy as np

from learners.interface import FloatArray, Policy
from teleop.studio.past import Lived, Tick
from teleop.studio.phases import DESK_KEYS, DeskOrder, label_keys
from teleop.studio.worth_asking import Criterion, Doubts, choices, worth_asking

REPEAT_DELAY_NS, REPEAT_NS = 350_000_000, 40_000_000
"""A step key that stays down goes on stepping."""
CRITERIA = tuple(Criterion)
Label = Callable[[Lived, int, Any, Any | None], bool]
"""(episode, step, action, what the student would do): give this label; says whether it was given."""


class Desk:
    """One visit to one episode."""

    def __init__(
        self,
        episode: Lived,
        step: int,
        *,
        label: Label,
        student: Callable[[], Policy | None],
        doubts: Doubts,
        lessons: Callable[[], Sequence[tuple[Any, Any]]],
        keys: Mapping[str, Any],
    ) -> None:
        """keys: drive keys, each to say what is right. student: the present one. lessons: observation and action of
        every label."""
        self.episode = episode
        self.step = min(max(step, 0), episode.length)
        self.criterion = Criterion.DISAGREEMENT
        self.label_keys = label_keys(keys)
        self.skipped: set[int] = set()
        self.labelled: set[int] = set()
        """Steps labelled in this visit."""
        self._give, self._student, self._doubts, self._lessons = label, student, doubts, lessons
        self._jumps = False
        self._repeat: tuple[DeskOrder, int] | None = None
        self._policy: Policy | None = None
        self._choices: list[Any] = []
        self._worth: list[int] = []
        self._awaited: Future[FloatArray] | None = None
        self._scored: Criterion | None = None
        self._scored_for: Policy | None = None
        self._look_for_worth()

    # -- what is seen -----------------------------------------------------------------------------------------

    @property
    def length(self) -> int:
        return self.episode.length

    @property
    def tick(self) -> Tick | None:
        """The step at the cursor; None at the end."""
        return self.episode.ticks[self.step] if self.step < self.length else None

    @property
    def is_over(self) -> bool:
        """The cursor is where the world had ended, so that nobody can go on from there."""
        last = self.episode.ticks[-1]
        return self.tick is None and (last.terminated or last.truncated)

    @property
    def observation(self) -> Any:
        """What was seen at the cursor."""
        tick = self.tick
        return self.episode.ticks[-1].next_observation if tick is None else tick.observation

    @property
    def student_action(self) -> Any | None:
        """What the present student would do there; None at the end, or without a student."""
        chosen = self._chosen()
        return chosen[self.step] if self.step < len(chosen) else None

    @property
    def label(self) -> Any | None:
        """The label in force there."""
        return self.episode.label_of(self.step)

    def worth(self) -> list[int]:
        """The steps that are worth asking about and were neither labelled nor skipped in this visit."""
        return [step for step in self._worth if step not in self.labelled and step not in self.skipped]

    @property
    def is_looking(self) -> bool:
        """What is worth asking about is still being reckoned."""
        return self._awaited is not None

    def _look_for_worth(self) -> None:
        """Score the steps anew where another criterion, or student, calls for it.

        Done when something happens, never when somebody looks, so that a session does not depend on being watched.
        """
        policy = self._student()
        # novelty and an ensemble are of the labels, whoever the student is, and dear
        holds = policy is self._scored_for or (
            self.criterion is not Criterion.DISAGREEMENT and self._scored_for is not None
        )
        if self._scored is self.criterion and holds:
            return
        self._scored, self._scored_for, self._worth = self.criterion, policy, []
        if policy is not None:
            self._awaited = self._doubts.scores(self.criterion, self.episode, self._chosen(), self._lessons())
            self._take_scores()

    def _take_scores(self) -> None:
        if self._awaited is not None and self._awaited.done():
            self._worth = worth_asking(self._awaited.result())
            self._awaited = None

    def _chosen(self) -> list[Any]:
        policy = self._student()
        if policy is not self._policy or len(self._choices) != self.length:
            self._policy = policy
            self._choices = [] if policy is None else choices(policy, self.episode)
        return self._choices

    # -- what is done -----------------------------------------------------------------------------------------

    def press(self, key: str, now_ns: int) -> None:
        """A key of the desk, or one that labels; any other changes nothing."""
        if key in self.label_keys:
            self.give(self.label_keys[key])
        elif key in DESK_KEYS:
            order = DESK_KEYS[key]
            self.obey(order)
            is_step = order in (DeskOrder.BACK, DeskOrder.FORWARD)
            self._repeat = (order, now_ns + REPEAT_DELAY_NS) if is_step else None

    def release(self, key: str) -> None:
        if self._repeat is not None and DESK_KEYS.get(key) is self._repeat[0]:
            self.let_go()

    def let_go(self) -> None:
        """No key is held any more."""
        self._repeat = None

    def update(self, now_ns: int) -> None:
        """Go on stepping where a key stays down."""
        self._take_scores()
        self._look_for_worth()
        if self._repeat is not None and now_ns >= self._repeat[1]:
            self.obey(self._repeat[0])
            self._repeat = self._repeat[0], now_ns + REPEAT_NS

    def obey(self, order: DeskOrder) -> None:
        match order:
            case DeskOrder.BACK | DeskOrder.FORWARD:
                self._jumps = False
                self.go_to(self.step + (1 if order is DeskOrder.FORWARD else -1))
            case DeskOrder.START:
                self.go_to(0)
            case DeskOrder.END:
                self.go_to(self.length)
            case DeskOrder.NEXT:
                self.jump(1)
            case DeskOrder.PREVIOUS:
                self.jump(-1)
            case DeskOrder.SKIP:
                self.skipped.add(self.step)
                self.jump(1)
            case DeskOrder.AGREE if self.student_action is not None:
                self.give(self.student_action)
            case DeskOrder.CRITERION:
                self.criterion = CRITERIA[(CRITERIA.index(self.criterion) + 1) % len(CRITERIA)]
                self._look_for_worth()

    def go_to(self, step: int) -> None:
        """Put the cursor before `step`, or at the nearer end."""
        self.step = min(self.length, max(0, step))

    def jump(self, by: int) -> None:
        """To the next (by = 1) or previous (-1) state worth asking about, round the ends; else stay.

        Where there is no doubt of the kind that is looked for, it looks for another.
        """
        self._jumps = True
        for _ in CRITERIA[1:]:
            if not self.worth() and not self.is_looking:
                self.obey(DeskOrder.CRITERION)
        worth = self.worth()
        ahead = [step for step in worth if (step > self.step if by > 0 else step < self.step)]
        if ahead or worth:
            self.step = (ahead or worth)[0 if by > 0 else -1]

    def give(self, action: Any) -> None:
        """Label the state at the cursor, and go on as one came: by a step, or to the next one worth asking about."""
        if self.tick is None:
            return
        plain = action.item() if isinstance(action, np.generic) else action
        if not self._give(self.episode, self.step, plain, self.student_action):
            return
        self.labelled.add(self.step)
        if self._jumps:
            self.jump(1)
        else:
            self.go_to(self.step + 1)
