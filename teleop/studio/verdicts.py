"""What is said of episodes afterwards: how they went, that they do not count, which steps were mistakes.

Every verdict is a row of /edits; those on whole episodes can be taken back by another one.
"""

from __future__ import annotations

from collections.abc import Callable

from recordings.recorder import Recorder
from recordings.schema import EditKind, Outcome
from teleop.clock import Clock
from teleop.studio.labelling import Labelling
from teleop.studio.past import Lived
from teleop.studio.undo import Act, History


class Verdicts:
    """Writes them down, and remembers how to take them back."""

    def __init__(self, recorder: Recorder, labelling: Labelling, history: History, clock: Clock) -> None:
        self._recorder, self._labelling, self._history, self._clock = recorder, labelling, history, clock

    def judge(self, episode: Lived, outcome: Outcome) -> None:
        """It went so, whatever was recorded when it ended."""
        was = episode.outcome

        def show(now: Outcome) -> None:
            episode.outcome = now

        word = f"verdict on episode {episode.index}"
        self._do(EditKind.JUDGE, episode, word, lambda: show(outcome), lambda: show(was), value=outcome)

    def discard(self, episode: Lived) -> None:
        """It does not count, and nobody learns from its labels."""

        def set_aside() -> None:
            episode.is_discarded = True
            self._labelling.set_aside(episode)

        def take_in() -> None:
            episode.is_discarded = False
            self._labelling.take_in(episode)

        self._do(EditKind.DISCARD, episode, f"discard of episode {episode.index}", set_aside, take_in)

    def mark(self, episode: Lived, start: int, stop: int, why: str) -> None:
        """These steps were mistakes, and are not to be imitated."""
        self._edit(EditKind.MARK, episode, start, stop, note=why)

    def _do(
        self,
        kind: EditKind,
        episode: Lived,
        word: str,
        apply: Callable[[], None],
        take_back: Callable[[], None],
        *,
        value: int = 0,
    ) -> None:
        """An act on a whole episode that can be taken back."""
        edit = self._edit(kind, episode, 0, -1, value=value)
        apply()

        def undo(do: Callable[[], None]) -> None:
            nonlocal edit
            edit = self._edit(EditKind.UNDO, episode, 0, -1, value=edit)
            do()

        self._history.did(Act(word, lambda: undo(take_back), lambda: undo(apply)))

    def _edit(
        self, kind: EditKind, episode: Lived, start: int, stop: int, *, value: int = 0, note: str = ""
    ) -> int:
        return self._recorder.edit(
            kind,
            episode=episode.index,
            start=start,
            stop=stop,
            value=value,
            note=note,
            time_ns=self._clock.now_ns(),
        )
