"""What a person changes about saved episodes while reviewing them, to be taken back and brought back by a key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from recordings.curator import Curator, curating
from recordings.reader import Reader
from recordings.schema import Outcome
from teleop.app.episode_view import episode_name
from teleop.app.words import ENDED


@dataclass(frozen=True)
class _Done:
    row: int
    """Of /edits."""
    words: str


class Amendments:
    """Of one recording; remembers what was done in this sitting alone. Everything raises as `Curator` does."""

    def __init__(self) -> None:
        self._done: list[_Done] = []
        self._undone: list[tuple[_Done, int]] = []
        """With the row of the act that took it back."""

    def discard_or_restore(self, reader: Reader, episode: int) -> str:
        """Leave the episode out, or take it again if it is left out; says so."""
        if reader.curation.is_discarded(reader.episodes[episode]):
            return self._do(
                reader, f"{episode_name(episode).capitalize()} restored.", lambda to: to.restore(episode)
            )
        words = f"{episode_name(episode).capitalize()} discarded: learners leave it out."
        return self._do(reader, words, lambda to: to.discard(episode))

    def judge(self, reader: Reader, episode: int, outcome: Outcome) -> str:
        """Say how the episode ended; says so."""
        words = f"{episode_name(episode).capitalize()} judged: {ENDED[outcome]}."
        return self._do(reader, words, lambda to: to.judge(episode, outcome))

    def undo(self, reader: Reader) -> str:
        """Take back what was done last; says what."""
        if not self._done:
            return (
                "Nothing to undo: nothing was changed since this was opened. `curate` takes back older acts."
            )
        last = self._done[-1]
        with curating(reader) as curator:
            curator.undo(last.row)
            self._undone.append((self._done.pop(), len(curator.edits) - 1))
        return f"Undone: {last.words}"

    def redo(self, reader: Reader) -> str:
        """Bring back what was taken back last; says what."""
        if not self._undone:
            return "Nothing to redo."
        last, taken_back_by = self._undone[-1]
        with curating(reader) as curator:
            curator.undo(taken_back_by)
            self._done.append(self._undone.pop()[0])
        return f"Redone: {last.words}"

    def _do(self, reader: Reader, words: str, act: Callable[[Curator], int]) -> str:
        with curating(reader) as curator:
            self._done.append(_Done(act(curator), words))
            self._undone.clear()
        return f"{words} U undoes it."
