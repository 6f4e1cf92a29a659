"""`curate`: say which steps, labels and outcomes of a recording count. Nothing is erased, all can be undone.

With --out the chosen episodes of recordings are written to a new one (`teleop.commands.gather`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import tyro

import recordings
from learners.settings import Seed, Settings
from recordings.acts import LOST
from recordings.contents import Edit
from recordings.curation import tally
from recordings.curator import Curator
from recordings.errors import UnderstudyError
from recordings.reader import Reader
from recordings.schema import EditKind, Outcome
from teleop.commands.gather import Gathering, fields_in_words
from teleop.commands.report import Report, table

_WHERE = (
    "With --out: take the episodes that meet all of these: FIELD, one of = != < <= > >=, VALUE; in quotes where the "
    f"shell would read it. {fields_in_words()}."
)
_SPANS = tyro.conf.arg(metavar="EPISODES")
_SPAN = re.compile(r"(\d+)(?:-(\d+)|:(\d+)(?:-(\d+)?)?)?")
_OUTCOMES = {each.name.lower(): each for each in Outcome if each is not Outcome.RUNNING}
_SAID = {
    EditKind.DISCARD: "discard",
    EditKind.RESTORE: "restore",
    EditKind.MARK: "do not imitate",
    EditKind.RELABEL: "relabelled",
}


Act = Callable[[Curator], str]
"""Does something to a recording and says what."""


class BadWords(UnderstudyError):
    """An option's value that cannot be read, or names what the recording does not have."""


class Span(NamedTuple):
    """Steps of one episode."""

    episode: int
    start: int = 0
    stop: int = -1
    """The step after the last; -1: to the episode's end."""


@dataclass(frozen=True)
class Curate(Settings):
    """Say what of a recording counts: discard, mark, judge and withdraw, reversibly. Nothing is erased.

    EPISODES are episodes and steps, as many as wanted: 3 (an episode),
    0-5 (episodes 0 to 4), 3:10 (step 10 of episode 3), 3:10-20 (its steps
    10 to 19), 3:10- (from step 10 to its end). Acts are done in the order
    below, and what then holds is listed.

    With --out nothing is done to FILES: their episodes, with labels and acts,
    are put together in a new recording; --where says which, --split parts them.
    """

    files: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """The recording (HDF5), into which nobody may be recording; with --out as many as wanted, of one world."""
    show: Annotated[bool, tyro.conf.arg(name="list")] = False
    """List the acts that hold, with their numbers; done without any option too."""
    undo: Annotated[tuple[int, ...] | None, tyro.conf.arg(metavar="[ACT ...]")] = None
    """Take back the last act, or the acts of these numbers."""
    redo: bool = False
    """Do again what was taken back last, unless something else was done since."""
    discard: Annotated[tuple[str, ...], _SPANS] = ()
    """Leave these out: no learner sees them."""
    restore: Annotated[tuple[str, ...], _SPANS] = ()
    """Take these as recorded again: neither discarded nor marked."""
    mark: Annotated[tuple[str, ...], _SPANS] = ()
    """Do not imitate what was done here. Labels stay; withdraw those that are wrong."""
    outcome: Annotated[tuple[str, ...], tyro.conf.arg(metavar="EPISODE=OUTCOME")] = ()
    """Judge an episode anew: success, failure or unknown."""
    withdraw: Annotated[tuple[str, ...], tyro.conf.arg(metavar="LABELS")] = ()
    """Labels that no longer count: a label's number, or EPISODE:STEP, EPISODE:START-STOP for all labels there."""
    undo_label: bool = False
    """Withdraw the last label that counts."""
    note: str = ""
    """A remark kept with every act of this call."""
    out: Path | None = None
    """Write a new recording of the chosen episodes."""
    where: Annotated[tuple[str, ...], tyro.conf.arg(metavar="FIELD=VALUE", help=_WHERE)] = ()
    deduplicate: bool = False
    """With --out: of episodes that are equal step by step take the first, with the labels of all."""
    redact: bool = False
    """With --out: call operators "operator 1", "operator 2", ... wherever they are named."""
    split: float | None = None
    """With --out NAME.h5: write NAME.train.h5 and, with about this share of the episodes, NAME.validation.h5. Branches
    stay with the episode that they repeat."""
    by: Literal["episode", "operator"] = "episode"
    """With --split: part by episode, or so that no operator is in both."""
    seed: Seed = 0
    """With --split: who is dealt where."""
    json: bool = False
    """Print one JSON object and nothing else."""

    def run(self) -> Report:
        if self.out is not None:
            return self._gathering(self.out).run()
        if len(self.files) != 1:
            raise BadWords(
                f"curate: expected one recording, or --out FILE, found {len(self.files)} recordings."
            )
        (file,) = self.files
        with recordings.open(file) as reader:
            recovered = None if reader.recovered is None else reader.recovered.notice
            acts = list(self._acts(reader))
        done: list[str] = []
        if acts:
            with Curator(file) as curator:
                for act in acts:
                    done.append(act(curator))
        with recordings.open(file) as reader:
            data = {"recording": str(file), "done": done, **summary(reader), "recovered": recovered}
        return Report(data, _text(data))

    def _gathering(self, out: Path) -> Gathering:
        """Raises BadWords where acts are asked for too: they belong to one recording, and this one is not touched."""
        acts = ("redo", "discard", "restore", "mark", "outcome", "withdraw", "undo_label")
        asked = [name for name in acts if getattr(self, name)] + ["undo"] * (self.undo is not None)
        if asked:
            raise BadWords(
                f"--{asked[0].replace('_', '-')}: expected no acts with --out, found one. Do the acts first, in a call "
                "of their own, and then write."
            )
        return Gathering(
            self.files, out, self.where, self.deduplicate, self.redact, self.split, self.by, self.seed
        )

    def _acts(self, reader: Reader) -> Iterator[Act]:
        """What is to be done, checked against the recording before anything is written. Raises BadWords."""
        if self.undo is not None:
            for act in self.undo or (None,):
                yield _taking_back(act)
        if self.redo:
            yield _bringing_back
        for name in ("discard", "restore", "mark"):
            for words in getattr(self, name):
                for span in spans(words, reader, f"--{name}"):
                    yield _on_steps(name, span, self.note)
        for words in self.outcome:
            yield _judgement(words, reader, self.note)
        for label in self._labels(reader):
            yield _withdrawal(label, self.note)
        if self.undo_label:
            yield _withdrawal(None, self.note)

    def _labels(self, reader: Reader) -> Iterator[int]:
        """Rows of the labels to withdraw, each once."""
        found: dict[int, None] = {}
        for words in self.withdraw:
            if words.isdecimal():
                found[_below(int(words), reader.n_labels, "--withdraw", "label")] = None
                continue
            for span in spans(words, reader, "--withdraw"):
                episode = reader.episodes[span.episode]
                stop = episode.length if span.stop < 0 else span.stop
                labels = reader.labels(episode.start + span.start, episode.start + stop)
                found.update(dict.fromkeys(reader.curation.holding(labels).rows.tolist()))
        return iter(found)


def parse(prog: str, words: list[str]) -> Curate:
    return tyro.cli(Curate, prog=prog, args=words)


def spans(words: str, reader: Reader, option: str) -> list[Span]:
    """The steps that EPISODES name. Raises BadWords where they cannot be read or are not in the recording."""
    read = _SPAN.fullmatch(words)
    if read is None:
        raise BadWords(
            f"{option}: expected EPISODE, FIRST-LAST, EPISODE:STEP or EPISODE:START-STOP, found {words!r}."
        )
    first, last, start, stop = (None if group is None else int(group) for group in read.groups())
    assert first is not None
    _below(first, reader.n_episodes, option, "episode")
    if last is not None:
        _below(last, reader.n_episodes + 1, option, "episode")
        return [Span(each) for each in range(first, last)]
    if start is None:
        return [Span(first)]
    length = reader.episodes[first].length
    _below(start, length, option, f"step of episode {first}")
    if stop is None:
        return [Span(first, start, -1 if words.endswith("-") else start + 1)]
    _below(stop, length + 1, option, f"step of episode {first}")
    return [Span(first, start, stop)]


def summary(reader: Reader) -> dict[str, Any]:
    """The acts that hold, and what they come to."""
    curation = reader.curation
    acts = [
        {
            "act": act.row,
            "kind": act.kind.name.lower(),
            "episode": act.episode,
            "start": act.start,
            "stop": act.stop,
            "value": act.value,
            "note": act.note,
            "says": in_words(act),
        }
        for act in curation.acts
    ]
    return {
        "acts": acts,
        "acts_taken_back": sum(edit.kind is not EditKind.UNDO for edit in curation.edits) - len(acts),
        **asdict(tally(reader)),
    }


def in_words(act: Edit) -> str:
    """What an act says, for a person."""
    if act.kind is EditKind.JUDGE:
        return f"episode {act.episode} ended: {Outcome(act.value).name.lower()}"
    where = _span_in_words(act.episode, act.start, act.stop)
    if act.kind is EditKind.WITHDRAW:
        return (
            "withdraw a label that a crash lost"
            if act.value == LOST
            else f"withdraw label {act.value}, of {where}"
        )
    return f"{_SAID[act.kind]} {where}"


def _span_in_words(episode: int, start: int, stop: int) -> str:
    if stop < 0:
        return f"episode {episode}" if start == 0 else f"episode {episode} from step {start} on"
    if stop == start + 1:
        return f"step {start} of episode {episode}"
    return f"steps {start} to {stop - 1} of episode {episode}"


def _on_steps(name: str, span: Span, note: str) -> Act:
    def act(curator: Curator) -> str:
        getattr(curator, name)(*span, note=note)
        return _newest(curator)

    return act


def _judgement(words: str, reader: Reader, note: str) -> Act:
    episode, _, outcome = words.partition("=")
    if not episode.isdecimal() or outcome not in _OUTCOMES:
        raise BadWords(f"--outcome: expected EPISODE={'|'.join(_OUTCOMES)}, found {words!r}.")
    index = _below(int(episode), reader.n_episodes, "--outcome", "episode")

    def act(curator: Curator) -> str:
        curator.judge(index, _OUTCOMES[outcome], note)
        return _newest(curator)

    return act


def _withdrawal(label: int | None, note: str) -> Act:
    """Of the label in this row; None: of the last that counts."""

    def act(curator: Curator) -> str:
        found = curator.last_label() if label is None else label
        if found is None:
            return "no label counts"
        curator.withdraw(found, note)
        return _newest(curator)

    return act


def _taking_back(row: int | None) -> Act:
    def act(curator: Curator) -> str:
        found = curator.undo(row)
        return "no act to undo" if found is None else f"act {found.row} taken back: {in_words(found)}"

    return act


def _bringing_back(curator: Curator) -> str:
    found = curator.redo()
    return "nothing to redo" if found is None else f"act {found.row} holds again: {in_words(found)}"


def _newest(curator: Curator) -> str:
    act = curator.edits[-1]
    return f"act {act.row}: {in_words(act)}"


def _below(number: int, end: int, option: str, what: str) -> int:
    if number >= end:
        raise BadWords(f"{option}: {what}: expected a number below {end}, found {number}.")
    return number


def _text(data: dict[str, Any]) -> str:
    if data["acts"]:
        rows = [(str(act["act"]), act["says"], act["note"]) for act in data["acts"]]
        listed = table(f"{data['recording']}: the acts that hold", ("act", "what", "note"), rows, width=80)
    else:
        listed = f"{data['recording']}: no act holds; all of it counts as recorded."
    counts = [
        f"discarded steps {data['discarded_steps']}, whole episodes {len(data['discarded_episodes'])}",
        f"steps not to be imitated {data['marked_steps']}",
        f"withdrawn labels {data['withdrawn_labels']}",
        f"acts taken back {data['acts_taken_back']}",
    ]
    return "\n".join([*data["done"], *([""] if data["done"] else []), listed, "", *counts])
