"""What a person can choose in the menu, as data: which questions there are, and which answers.

No drawing and no widgets here; `teleop.app.menu` shows it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum


class Task(Enum):
    """What to do."""

    RECORD = "Record demonstrations"
    CORRECT = "Correct a student (DAgger)"
    REPLAY = "Replay a recording"


@dataclass(frozen=True)
class Option:
    """One answer."""

    value: str
    """What it is called in the settings."""
    word: str
    """What stands on the button."""
    note: str = ""
    """What it means, in a sentence."""


@dataclass(frozen=True)
class Question:
    """One row of the menu: a question with a few answers."""

    name: str
    asks: str
    options: tuple[Option, ...]


TASKS = Question("task", "What to do", tuple(Option(task.name, task.value) for task in Task))
DRIVERS = Question(
    "driver",
    "Who drives",
    (
        Option("human", "You", "You drive by keyboard, and every step is recorded."),
        Option("scripted", "Scripted expert", "The world's own expert demonstrates; you watch."),
        Option(
            "ppo", "PPO expert", "A policy trained by reinforcement demonstrates (`train ppo` makes one)."
        ),
    ),
)
EXPERTS = Question(
    "expert",
    "Who corrects",
    (
        Option("human", "You", "The student drives and learns from your corrections as you give them."),
        Option("scripted", "Scripted expert", "The world's own expert corrects the student; you watch."),
        Option("ppo", "PPO expert", "A policy trained by reinforcement corrects (`train ppo` makes one)."),
    ),
)
GATES = Question(
    "gate",
    "Who decides",
    (
        Option("human", "You", "You take over when you see the student err."),
        Option("uncertainty", "The student", "The student asks for help where it is unsure."),
        Option("beta", "A coin", "Student and expert drive by turns at random, and every state is labelled."),
    ),
)
TAKEOVERS = Question(
    "takeover",
    "Take over by",
    (
        Option("hold", "Holding a key", "You drive while the takeover key is held."),
        Option("toggle", "Pressing a key", "You drive from one press of the takeover key to the next."),
        Option("any-key", "Any drive key", "The first drive key you press takes over."),
    ),
)


@dataclass(frozen=True)
class Form:
    """Every answer so far."""

    worlds: tuple[Option, ...]
    task: Task = Task.RECORD
    answers: Mapping[str, str] | None = None
    """Question's name -> option's value; a question that was never answered has its first option."""

    def questions(self) -> tuple[Question, ...]:
        """Those that matter for what was answered so far, in order."""
        if self.task is Task.REPLAY:
            return (TASKS,)
        worlds = Question("world", "World", self.worlds)
        if self.task is Task.RECORD:
            return (TASKS, worlds, DRIVERS)
        by_hand = self.answer("expert") == "human"
        gates = GATES if by_hand else replace(GATES, options=GATES.options[1:])
        asks_how = by_hand and self.answer("gate") == "human"
        return (TASKS, worlds, EXPERTS, gates, *((TAKEOVERS,) if asks_how else ()))

    def answer(self, name: str) -> str:
        """The value chosen for a question, or of its first option."""
        if name == "task":
            return self.task.name
        chosen = (self.answers or {}).get(name)
        options = self._options(name)
        return chosen if chosen in [option.value for option in options] else options[0].value

    def chosen(self, question: Question) -> Option:
        value = self.answer(question.name)
        return next(option for option in question.options if option.value == value)

    def with_answer(self, name: str, value: str) -> Form:
        """The form after one more answer."""
        if name == "task":
            return replace(self, task=Task[value])
        return replace(self, answers={**(self.answers or {}), name: value})

    def turned(self, question: Question, by: int) -> Form:
        """The form after moving on to the next option (by = 1) or the one before (-1); the ends hold."""
        values = [option.value for option in question.options]
        index = min(len(values) - 1, max(0, values.index(self.answer(question.name)) + by))
        return self.with_answer(question.name, values[index])

    def _options(self, name: str) -> Sequence[Option]:
        if name == "gate" and self.answer("expert") != "human":
            return GATES.options[1:]
        questions = (DRIVERS, EXPERTS, GATES, TAKEOVERS)
        return next((each.options for each in questions if each.name == name), self.worlds)
