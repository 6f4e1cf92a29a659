"""Make the pictures of docs/session-guide.md again: `python docs/make_guide.py` (no display needed; two minutes).

A scripted hand goes through a correction session as the guide tells it, with real keys in a hidden window.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from docs.hand import Hand, scene_of  # noqa: E402
from teleop.app.window import Window  # noqa: E402
from teleop.clock import StepClock  # noqa: E402
from teleop.session import Session  # noqa: E402
from teleop.start import CorrectSettings, start_correction  # noqa: E402
from teleop.studio.phases import Phase  # noqa: E402
from teleop.worlds.catalogue import find  # noqa: E402


class Lesson:
    """A session, and the hand at it."""

    def __init__(self, window: Window, file: Path, world: str, **settings: object) -> None:
        options = {"seed": 1, "rest_s": 1.0, "training": "inline", "labels_per_fit": 30} | settings
        clock = StepClock()
        self.session: Session = start_correction(CorrectSettings(find(world), file, **options), clock)  # type: ignore[arg-type]
        self.hand = Hand(window, scene_of(self.session, f"runs/{file.name}"), clock)
        self.hand.frames()

    def demonstrate(self, steps: int) -> None:
        """Drive, and hand over."""
        self.hand.press("space")
        self.hand.drive(self.session, steps)
        self.hand.let_go()
        self.hand.release("space")

    def watch(self, steps: int) -> None:
        """Let the student drive; questions are left open."""
        until = self.session.student_ticks + steps
        for _ in range(100 * steps):
            if self.session.student_ticks >= until:
                return
            self.hand.frames(2)
            if self.session.question is not None:
                self.hand.tap("tab")

    def take_over(self, steps: int) -> None:
        """Drive while SPACE is down, and stay so."""
        self.hand.press("space")
        if self.session.phase is not Phase.HUMAN:
            self.hand.press("space")
        self.hand.drive(self.session, steps)
        self.hand.let_go()


def correct(window: Window, folder: Path) -> None:
    """Take over, look back and label, go back, and see what was learned."""
    lesson = Lesson(window, folder / "gridworld-1.h5", "gridworld", labels_per_fit=60)
    hand = lesson.hand
    lesson.demonstrate(1200)
    hand.tap("n")
    lesson.watch(25)
    hand.save("guide-student.png")
    lesson.take_over(9)
    hand.save("guide-takeover.png")
    hand.release("space")
    lesson.watch(30)
    hand.tap("t", "up")
    hand.save("guide-desk.png")
    hand.tap("s", "d", "end", "backspace")
    lesson.take_over(5)
    hand.save("guide-branch.png")
    hand.release("space")
    hand.tap("v", "v", "v", "v")
    hand.save("guide-layers.png")
    hand.scene.leave()


def be_asked(window: Window, folder: Path) -> None:
    """The student asks where nobody showed it the way."""
    lesson = Lesson(window, folder / "gridworld-2.h5", "gridworld", gate="novelty", labels_per_fit=120)
    hand, session = lesson.hand, lesson.session
    lesson.demonstrate(130)
    for _ in range(3000):
        if session.question is not None and session.episode_length > 3:
            break
        hand.tap("right") if session.question is not None else hand.frames(2)
    hand.save("guide-question.png")
    hand.scene.leave()


def be_asked_again(window: Window, folder: Path) -> None:
    """Between two episodes an answer is asked for once more."""
    lesson = Lesson(window, folder / "gridworld-3.h5", "gridworld", reask_share=1.0)
    lesson.demonstrate(30)
    lesson.hand.tap("n")
    lesson.hand.frames(90)
    lesson.hand.save("guide-again.png")
    lesson.hand.scene.leave()


def balance(window: Window, folder: Path) -> None:
    """The desk on a world that does not wait."""
    lesson = Lesson(window, folder / "cartpole-1.h5", "cartpole")
    hand = lesson.hand
    lesson.demonstrate(120)
    hand.tap("n")
    lesson.watch(40)
    hand.tap("t", "up")
    hand.save("guide-cartpole.png")
    hand.scene.leave()


def main() -> None:
    with tempfile.TemporaryDirectory() as name, Window(hidden=True) as window:
        folder = Path(name)
        correct(window, folder)
        be_asked(window, folder)
        be_asked_again(window, folder)
        balance(window, folder)
    print("made docs/pictures/guide-*.png")


if __name__ == "__main__":
    main()
