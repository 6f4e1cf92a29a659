"""An episode recorded earlier, as a session remembers its own: to be looked at, labelled and gone back into."""

from __future__ import annotations

from recordings import spaces
from recordings.reader import Reader
from recordings.schema import Driver
from teleop.studio.past import Given, Lived, Tick


def recalled(reader: Reader, index: int, teacher: str) -> Lived:
    """Episode `index` of an open recording, with the labels by `teacher` that hold."""
    episode, header = reader.episodes[index], reader.header
    seen = list(spaces.decoder_of_rows(header.observation_space)(episode.observations))
    actions = spaces.decoder_of_rows(header.action_space)(episode.actions)
    proposed = spaces.decoder_of_rows(header.action_space)(episode.student_actions)
    columns = zip(
        seen,
        actions,
        episode.rewards.tolist(),
        seen[1:],
        episode.drivers.tolist(),
        [
            action if known else None
            for action, known in zip(proposed, episode.student_action_valid, strict=True)
        ],
        episode.terminated.tolist(),
        episode.truncated.tolist(),
        strict=False,
    )
    ticks = [
        Tick(index, episode.start + step, before, action, reward, after, Driver(driver), student, None, *ends)
        for step, (before, action, reward, after, driver, student, *ends) in enumerate(columns)
    ]
    return Lived(
        index,
        episode.seed,
        episode.parent,
        episode.branch_step,
        ticks,
        _labels(reader, index, teacher),
        episode.outcome,
        reader.curation.is_discarded(episode),
    )


def last_with_steps(reader: Reader) -> int:
    """The latest episode in which anything happened; -1 where none did."""
    return next((index for index in reversed(range(reader.n_episodes)) if reader.episodes[index].length), -1)


def _labels(reader: Reader, index: int, teacher: str) -> dict[int, list[Given]]:
    episode = reader.episodes[index]
    held = reader.curation.holding(episode.labels())
    actions = spaces.decoder_of_rows(reader.header.action_space)(held.actions)
    found: dict[int, list[Given]] = {}
    for row, step, labeler, action in zip(held.rows, held.steps, held.labelers, actions, strict=True):
        if held.names[labeler] == teacher:
            found.setdefault(int(step) - episode.start, []).append(Given(int(row), action))
    return found
