"""The replay scene: play, pause, step and scrub through a recording, drawn from what was recorded.

Only a world that has no painter is stepped again, for its picture; whether a recording replays exactly is for
`recordings.replay` to say.
"""

from __future__ import annotations

from typing import Literal

import pygame

from recordings.errors import UnderstudyError
from recordings.reader import Reader
from teleop.app.drive import Following, close_window
from teleop.app.episode_view import EpisodeView, load_episode, with_student
from teleop.app.key_names import key_name
from teleop.app.keycaps import KeyRow
from teleop.app.layout import Layout, lay_out
from teleop.app.painters.choose import layer_key, legend_of, show_next_layer
from teleop.app.painters.restepped import ResteppedPainter
from teleop.app.painters.view import Painter, View
from teleop.app.replay_panel import Shown, draw_panel
from teleop.app.stage import Sign, Stage
from teleop.app.timeline import HEIGHT, Timeline
from teleop.app.typeface import Typeface
from teleop.app.window import Quit, Scene
from teleop.app.words import DROVE, ENDED
from teleop.palette import DRIVERS, PAUSED
from teleop.session import StudentVersion
from teleop.worlds.catalogue import World

SPEEDS = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
"""Times the recorded control rate."""
REPEAT_DELAY_S, REPEAT_S = 0.35, 0.04
"""A step key that stays down goes on stepping."""
END_REST_S = 0.8
"""How long the end of an episode stays before the next one plays."""
KEYS = (
    KeyRow(("space",), "play, pause"),
    KeyRow(("left", "right"), "step"),
    KeyRow(("home", "end"), "start, end"),
    KeyRow(("page up", "page down"), "episode"),
    KeyRow(("-", "="), "speed"),
    KeyRow(("escape",), "close"),
)


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
    ) -> None:
        """world: whose names and rate are shown. painter: draws it from observations alone. student: a policy to show
        in place of the recorded student."""
        self._reader, self._world, self._painter, self._then = reader, world, painter, then
        self._student = student
        self._layer_key = None if student is None else layer_key(painter, world)
        change = () if self._layer_key is None else (KeyRow((self._layer_key,), "change map"),)
        self._keys = (*KEYS[:-1], *change, KEYS[-1])
        self._episode: EpisodeView | None = None
        self.step = 0
        """Where the playhead is: before this step, or at the episode's end."""
        self.playing = False
        self._speed = SPEEDS.index(1.0)
        self._next_s = 0.0
        self._now_s = 0.0
        self._repeat: tuple[str, float] | None = None
        self._scrubbing = self._leaving = self._closed = False
        self._timeline, self._stage = Timeline(), Stage()
        self._layout: Layout | None = None
        self._size = (0, 0)
        self._typeface = Typeface(1.0)
        if reader.n_episodes:
            self.show_episode(0)

    @property
    def episode(self) -> int:
        """The episode shown, counted from 0; -1 where the recording has none."""
        return -1 if self._episode is None else self._episode.index

    @property
    def length(self) -> int:
        """Steps of the episode shown."""
        return 0 if self._episode is None else self._episode.length

    # -- moving about -------------------------------------------------------------------------------------

    def show_episode(self, index: int) -> None:
        """Go to the start of another episode; beyond the first or the last nothing happens."""
        if index >= self._reader.n_episodes:
            self._reader.refresh()
        if 0 <= index < self._reader.n_episodes:
            episode = load_episode(self._reader, index)
            self._episode = episode if self._student is None else with_student(episode, self._student.policy)
            self.step = 0
            self._next_s = self._now_s + self._period_s

    def show_step(self, step: int) -> None:
        """Put the playhead before `step`, or at the nearer end."""
        self.step = min(self.length, max(0, step))

    def play(self, playing: bool) -> None:
        """Go on by itself, or stop; from the end of the last episode playing starts it over."""
        if playing and self.step == self.length:
            self.step = 0
        self.playing = playing
        self._next_s = self._now_s + self._period_s

    @property
    def _period_s(self) -> float:
        hz = self._reader.header.control_hz or self._world.control_hz
        return 1 / (hz * SPEEDS[self._speed])

    # -- events -------------------------------------------------------------------------------------------

    def handle(self, event: pygame.Event) -> None:
        match event.type:
            case pygame.KEYDOWN:
                self._press(key_name(event))
            case pygame.KEYUP:
                if self._repeat is not None and key_name(event) == self._repeat[0]:
                    self._repeat = None
            case pygame.WINDOWFOCUSLOST:
                self._repeat, self._scrubbing = None, False
            case pygame.MOUSEBUTTONDOWN if event.button == 1:
                if self._timeline.on_button(event.pos):
                    self.play(not self.playing)
                elif self._timeline.on_bar(event.pos):
                    self._scrubbing, self.playing = True, False
                    self.show_step(self._timeline.step_at(event.pos[0], self.length))
            case pygame.MOUSEMOTION if self._scrubbing:
                self.show_step(self._timeline.step_at(event.pos[0], self.length))
            case pygame.MOUSEBUTTONUP:
                self._scrubbing = False

    def _press(self, name: str | None) -> None:
        if name is not None and name == self._layer_key:
            show_next_layer(self._painter)
        match name:
            case "escape":
                self._leaving = True
            case "space" | "p":
                self.play(not self.playing)
            case "left" | "right":
                self._step_by_key(name)
                self._repeat = (name, self._now_s + REPEAT_DELAY_S)
            case "home":
                self.show_step(0)
            case "end":
                self.show_step(self.length)
            case "page up":
                self.show_episode(self.episode - 1)
            case "page down":
                self.show_episode(self.episode + 1)
            case "-":
                self._speed = max(0, self._speed - 1)
            case "=":
                self._speed = min(len(SPEEDS) - 1, self._speed + 1)

    def _step_by_key(self, name: str) -> None:
        self.playing = False
        self.show_step(self.step + (1 if name == "right" else -1))

    # -- time ---------------------------------------------------------------------------------------------

    def update(self, now_s: float) -> Scene | Literal[Quit.QUIT] | None:
        self._now_s = now_s
        if self._leaving:
            self.leave()
            return self._then(None)
        try:
            self._advance(now_s)
        except UnderstudyError as error:
            self.leave()
            return self._then(error)
        return None

    def leave(self) -> None:
        if not self._closed:
            self._closed = True
            self._reader.close()
            if isinstance(self._painter, ResteppedPainter):
                self._painter.close()

    def _advance(self, now_s: float) -> None:
        if self._repeat is not None and now_s >= self._repeat[1]:
            self._step_by_key(self._repeat[0])
            self._repeat = (self._repeat[0], now_s + REPEAT_S)
        if not self.playing or now_s < self._next_s:
            return
        if self.step < self.length:
            behind = int((now_s - self._next_s) / self._period_s)
            self.show_step(self.step + 1 + behind)
            self._next_s += self._period_s * (1 + behind)
            if self.step == self.length:
                self._next_s = now_s + END_REST_S
        else:
            shown = self.episode
            self.show_episode(shown + 1)
            self.playing = self.episode != shown

    # -- picture ------------------------------------------------------------------------------------------

    def draw(self, surface: pygame.Surface) -> None:
        layout = self._laid_out(surface.get_size())
        self._stage.draw(surface, self._typeface, layout, self._sign())
        if self._episode is None:
            return
        surface.set_clip(layout.inside)
        self._painter.draw(surface, layout.world, _view(self._episode, self.step, self._student), self._now_s)
        surface.set_clip(None)
        strip = pygame.Rect(layout.stage.x, layout.stage.bottom, layout.panel.right - layout.stage.x, 0)
        strip.height = surface.get_height() - strip.y
        self._timeline.draw(
            surface,
            self._typeface,
            strip,
            self._episode,
            self.step,
            playing=self.playing,
            speed=f"{1 / self._period_s:.3g} steps a second ({SPEEDS[self._speed]:g}×)",
        )
        draw_panel(surface, self._typeface, layout.panel, self._shown(self._episode))

    def _shown(self, episode: EpisodeView) -> Shown:
        return Shown(
            title=self._world.title,
            action_names=self._world.action_names,
            file=self._reader.path.name,
            episodes=self._reader.n_episodes,
            episode=episode,
            step=self.step,
            has_given_student=self._student is not None,
            keys=self._keys,
            legend=legend_of(self._painter),
        )

    def _sign(self) -> Sign:
        episode, name = self._episode, self._reader.path.name
        if episode is None:
            return Sign("NOTHING RECORDED", name, "This recording has no episode yet. ESC goes back.", PAUSED)
        note = f"episode {episode.index + 1} of {self._reader.n_episodes}"
        if self.step < episode.length:
            driver = episode.drivers[self.step]
            return Sign(f"{DROVE[driver].upper()} DROVE", note, self._hint(), DRIVERS[driver])
        return Sign(f"END: {ENDED[episode.outcome].upper()}", note, self._hint(), PAUSED)

    def _hint(self) -> str:
        if self.playing:
            return "SPACE pauses. Drag along the bar to scrub."
        if self.step == self.length:
            return "The end of the episode. PG DN shows the next one, SPACE plays it again."
        return "SPACE plays, ← and → step. Drag along the bar to scrub."

    def _laid_out(self, size: tuple[int, int]) -> Layout:
        if self._layout is None or size != self._size:
            self._size = size
            self._layout = lay_out(size, self._painter.aspect, below=HEIGHT - 16)
            if self._typeface.scale != self._layout.scale:
                self._typeface = Typeface(self._layout.scale)
        return self._layout


def _view(episode: EpisodeView, step: int, student: StudentVersion | None) -> View:
    """The moment before `step`, or the end; student: whose policy is laid over the world."""
    at_end = step == episode.length
    return View(
        observation=episode.observations[min(step, len(episode.observations) - 1)],
        path=episode.path[:step],
        drivers=episode.drivers[:step],
        colour=PAUSED if at_end else DRIVERS[episode.drivers[step]],
        action=None if at_end else episode.actions[step],
        student_action=None if at_end else episode.student_actions[step],
        policy=None if student is None else student.policy,
        version=-1 if student is None else student.version,
        reward=None if student is None else student.reward,
        episode=episode,
    )
