"""The replay scene: play, pause, step and scrub through a recording, drawn from what was recorded.

Only a world that has no painter is stepped again, for its picture; whether a recording replays exactly is for
`recordings.replay` to say.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import pygame

from recordings.errors import UnderstudyError
from recordings.reader import Reader
from teleop.app.drive import Following, close_window
from teleop.app.episode_view import EpisodeView, load_episode, with_student
from teleop.app.key_names import key_name
from teleop.app.keycaps import KeyRow
from teleop.app.painters.choose import layer_keys, put_away, show_layer
from teleop.app.painters.view import Painter
from teleop.app.playhead import Playhead
from teleop.app.replay_picture import Moment, ReplayPicture
from teleop.app.window import Quit, Scene
from teleop.preferences.palette import Colour
from teleop.training.student import StudentVersion
from teleop.worlds.catalogue import World

KEYS = (
    KeyRow(("space",), "play, pause"),
    KeyRow(("left", "right"), "step"),
    KeyRow(("home", "end"), "start, end"),
    KeyRow(("page up", "page down"), "episode"),
    KeyRow(("-", "="), "speed"),
)


@dataclass(frozen=True)
class Extra:
    """Something more that a key does with the episode that is shown."""

    row: KeyRow
    act: Callable[[Reader, int, int], Scene | str]
    """Given the episode and the step at the playhead -> the scene to go to, or what to tell. May write to the file.

    Raises UnderstudyError.
    """


class ReplayScene:
    """One recording, one episode of it in memory at a time."""

    def __init__(
        self,
        reader: Reader,
        world: World,
        painter: Painter,
        *,
        student: StudentVersion | None = None,
        then: Following = close_window,
        order: Sequence[int] | None = None,
        first: int = 0,
        extras: Sequence[Extra] = (),
        leave_word: str = "close",
    ) -> None:
        """reader: closed by `leave`. world: whose names and rate are shown. painter: draws it from observations alone.

        student: a policy to show in place of the recorded student. order: of the episodes, None: as recorded.
        first: the episode to begin with.
        """
        self._reader, self._world, self._painter, self._then = reader, world, painter, then
        self._student, self._order, self._extras = student, order, extras
        self._layer_keys: tuple[str, ...] = () if student is None else layer_keys(painter, world) or ()
        change = (KeyRow(self._layer_keys, "change map"),) if self._layer_keys else ()
        more = tuple(extra.row for extra in extras)
        self._keys = (*KEYS, *change, *more, KeyRow(("escape",), leave_word))
        self._episode: EpisodeView | None = None
        self._playhead = Playhead(reader.header.control_hz or world.control_hz)
        self._following: Scene | None = None
        self._leaving = self._closed = False
        self._told = ""
        self._picture = ReplayPicture(world, painter, student)
        if reader.n_episodes:
            self.show_episode(first)

    @property
    def episode(self) -> int:
        """The episode shown, counted from 0; -1 where the recording has none."""
        return -1 if self._episode is None else self._episode.index

    @property
    def step(self) -> int:
        """Where the playhead is: before this step, or at the episode's end."""
        return self._playhead.step

    @property
    def length(self) -> int:
        """Steps of the episode shown."""
        return 0 if self._episode is None else self._episode.length

    @property
    def playing(self) -> bool:
        return self._playhead.playing

    # -- moving about -------------------------------------------------------------------------------------

    def show_episode(self, index: int) -> None:
        """Go to the start of another episode; beyond the first or the last nothing happens."""
        if index >= self._reader.n_episodes:
            self._reader.refresh()
        if 0 <= index < self._reader.n_episodes:
            self._load(index)
            self._playhead.begin(self.length)

    def show_step(self, step: int) -> None:
        """Put the playhead before `step`, or at the nearer end."""
        self._playhead.go(step)

    def _load(self, index: int) -> None:
        episode = load_episode(self._reader, index)
        self._episode = episode if self._student is None else with_student(episode, self._student.policy)

    def _turn_page(self, by: int) -> None:
        """The next or the previous episode, in the order in which they are gone through."""
        if self._order is None:
            self.show_episode(self.episode + by)
        elif self.episode in self._order:
            place = self._order.index(self.episode) + by
            if 0 <= place < len(self._order):
                self.show_episode(self._order[place])

    # -- events -------------------------------------------------------------------------------------------

    def handle(self, event: pygame.Event) -> None:
        if event.type == pygame.KEYDOWN:
            self._press(key_name(event))
        else:
            self._playhead.handle(event, self._picture.timeline)

    def _press(self, name: str | None) -> None:
        self._told = ""
        if name is None or self._playhead.press(name):
            return
        if name in self._layer_keys:
            show_layer(self._painter, 1 if name == self._layer_keys[-1] else -1)
        for extra in self._extras:
            if name in extra.row.keys:
                self._do(extra)
        match name:
            case "escape":
                self._leaving = True
            case "page up" | "page down":
                self._turn_page(1 if name == "page down" else -1)

    def _do(self, extra: Extra) -> None:
        """An episode that was edited is read again."""
        if self._episode is None:
            return
        self._playhead.play(False)
        try:
            done = extra.act(self._reader, self.episode, self.step)
        except UnderstudyError as error:
            self._told = str(error)
            return
        if isinstance(done, str):
            self._told = done
            self._load(self.episode)
        else:
            self._following = done

    # -- time ---------------------------------------------------------------------------------------------

    def update(self, now_s: float) -> Scene | Literal[Quit.QUIT] | None:
        if self._leaving or self._following is not None:
            self.leave()
            return self._following or self._then(None)
        try:
            if self._playhead.advance(now_s):
                shown = self.episode
                self._turn_page(1)
                self._playhead.play(self.episode != shown)
        except UnderstudyError as error:
            self.leave()
            return self._then(error)
        return None

    def leave(self) -> None:
        if not self._closed:
            self._closed = True
            self._reader.close()
            put_away(self._painter)

    # -- picture ------------------------------------------------------------------------------------------

    def draw(self, surface: pygame.Surface) -> None:
        if self._episode is None:
            self._picture.draw_nothing(surface, self._reader.path.name)
        else:
            self._picture.draw(surface, self._moment(self._episode), self._playhead.now_s)

    @property
    def about(self) -> list[tuple[str, str, Colour]]:
        """What the panel says about the step at the playhead: captions, values and their colours."""
        return [] if self._episode is None else self._picture.about(self._moment(self._episode))

    def _moment(self, episode: EpisodeView) -> Moment:
        playhead = self._playhead
        return Moment(
            episode=episode,
            step=playhead.step,
            episodes=self._reader.n_episodes,
            file=self._reader.path.name,
            hint=self._told or self._hint(),
            speed=playhead.pace,
            keys=self._keys,
            playing=playhead.playing,
        )

    def _hint(self) -> str:
        if self.playing:
            return "SPACE pauses. Drag along the bar to scrub."
        if self.step == self.length:
            return "The end of the episode. PG DN shows the next one, SPACE plays it again."
        return "SPACE plays, ← and → step. Drag along the bar to scrub."
