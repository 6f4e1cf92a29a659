"""What a person can choose in the menu, as data: which questions there are, and which answers.

No drawing and no widgets here; `teleop.app.menu` shows it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum


class Task(Enum):
    """What to do."""

    RECORD = "Record demonstrations"
    CORRECT = "Correct a student"
    REVIEW = "Review a recording"


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
    """One row: a question with a few answers."""

    name: str
    asks: str
    options: tuple[Option, ...]

    def option(self, value: str) -> Option:
        """The option of this value, or the first where there is none."""
        return next((option for option in self.options if option.value == value), self.options[0])

    def beside(self, value: str, by: int) -> Option:
        """The option `by` places on from that of this value; the ends hold."""
        index = self.options.index(self.option(value)) + by
        return self.options[min(len(self.options) - 1, max(0, index))]


TASKS = Question(
    "task",
    "What to do",
    (
        Option(
            Task.RECORD.name,
            Task.RECORD.value,
            "Drive, and every step is recorded for a student to learn from.",
        ),
        Option(
            Task.CORRECT.name,
            Task.CORRECT.value,
            "A student drives; it learns from corrections while you watch.",
        ),
        Option(Task.REVIEW.name, Task.REVIEW.value, "Look through what was recorded, episode by episode."),
    ),
)
SCRIPTED = Option("scripted", "Scripted expert", "The world's own expert demonstrates; you watch.")
PPO = Option("ppo", "PPO expert", "A policy trained by reinforcement demonstrates (`train ppo` makes one).")
DRIVERS = Question(
    "driver", "Who drives", (Option("human", "You", "You drive, and every step is recorded."), SCRIPTED, PPO)
)
EXPERTS = Question(
    "expert",
    "Who corrects",
    (
        Option("human", "You", "The student drives and learns from your corrections as you give them."),
        replace(SCRIPTED, note="The world's own expert corrects the student; you watch."),
        replace(PPO, note="A policy trained by reinforcement corrects (`train ppo` makes one)."),
    ),
)
ADVISERS = Question(
    "adviser",
    "Beside you",
    (
        Option("", "Nobody", "Only your labels are recorded."),
        replace(
            SCRIPTED, note="The world's own expert labels the same states, to compare; nobody learns from it."
        ),
        replace(PPO, note="A trained policy labels the same states, to compare; nobody learns from it."),
    ),
)
GATES = Question(
    "gate",
    "Who decides",
    (
        Option("human", "You", "You take over when you see the student err."),
        Option(
            "uncertainty", "The student, when unsure", "The student asks where it does not know what to do."
        ),
        Option(
            "novelty",
            "The student, far from labels",
            "The student asks in states unlike any that was labelled.",
        ),
        Option(
            "ensemble",
            "The student and its like",
            "The student asks where others that learned from the same labels would act otherwise.",
        ),
        Option(
            "thrifty",
            "The student, sparingly",
            "The student asks where its doubt is greatest, within an allowance.",
        ),
        Option("beta", "A coin", "Student and expert drive by turns at random, and every state is labelled."),
    ),
)
TAKEOVERS = Question(
    "takeover",
    "Take over by",
    (
        Option("hold", "Holding a key", "You drive while the takeover key is held."),
        Option("toggle", "Pressing a key", "You drive from one press of the takeover key to the next."),
        Option(
            "any-key",
            "Any drive key",
            "The first drive key you press takes over; let go, and it goes on.",
        ),
    ),
)
NEW_STUDENT = Option("", "A new one", "It knows nothing yet, and learns from your first labels.")
NEW_FILE = Option("", "New file")
FIXED = (TASKS, DRIVERS, EXPERTS, ADVISERS, TAKEOVERS)
"""Questions whose answers are always the same."""


@dataclass(frozen=True)
class Form:
    """Every answer so far."""

    worlds: tuple[Option, ...]
    answers: Mapping[str, str] = field(default_factory=dict)
    """Question's name -> option's value; a question that was never answered has its first option."""
    students: Mapping[str, tuple[Option, ...]] = field(default_factory=dict)
    """World's value -> the policies to start from."""
    recordings: Mapping[str, tuple[Option, ...]] = field(default_factory=dict)
    """World's value -> the recordings to continue."""

    @property
    def task(self) -> Task:
        return Task[self.answer("task")]

    def questions(self) -> tuple[Question, ...]:
        """Those that matter for what was answered so far, in order."""
        match self.task:
            case Task.REVIEW:
                names: tuple[str, ...] = ("task",)
            case Task.RECORD:
                names = ("task", "world", "driver", "recording")
            case Task.CORRECT:
                by_hand = self.answer("expert") == "human"
                takes_over = by_hand and self.answer("gate") == "human"
                names = ("task", "world", "expert", *(("adviser",) if by_hand else ()), "gate")
                names += (*(("takeover",) if takes_over else ()), "student", "recording")
        return tuple(self.question(name) for name in names)

    def question(self, name: str) -> Question:
        """The question of this name with the answers that there are now. Raises KeyError."""
        match name:
            case "world":
                return Question(name, "World", self.worlds)
            case "gate":
                return (
                    GATES if self.answer("expert") == "human" else replace(GATES, options=GATES.options[1:])
                )
            case "student":
                known = self.students.get(self.answer("world"), ())
                return Question(name, "Student", (NEW_STUDENT, *known))
            case "recording":
                known = self.recordings.get(self.answer("world"), ())
                return Question(name, "Recording", (NEW_FILE, *known))
        return {question.name: question for question in FIXED}[name]

    def answer(self, name: str) -> str:
        """The value chosen for a question, or of its first option."""
        return self.question(name).option(self.answers.get(name, "")).value

    def with_answer(self, name: str, value: str) -> Form:
        """The form after one more answer."""
        return replace(self, answers={**self.answers, name: value})
