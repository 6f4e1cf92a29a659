"""The replay scene: play, pause, step and scrub through a recording, drawn from what was recorded.

Only a world that has no painter is stepped again, for its picture; whether a recording replays exactly is for
`recordings.replay` to say.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Literal

import numpy as np
import pygame

from recordings.errors import UnderstudyError
from recordings.reader import Reader
from teleop.app import card
from teleop.app.drive import Following, close_window
from teleop.app.episode_view import EpisodeView, load_episode, with_student
from teleop.app.key_names import key_name
from teleop.app.keycaps import KeyRow, cap_height, draw_row, flow
from teleop.app.layout import Layout, lay_out
from teleop.app.painters.choose import layer_key, legend_of, show_next_layer
from teleop.app.painters.restepped import ResteppedPainter
from teleop.app.painters.view import Painter, View
from teleop.app.stage import Sign, Stage
from teleop.app.timeline import HEIGHT, Timeline
from teleop.app.typeface import Role, Typeface
from teleop.app.window import Quit, Scene
from teleop.app.words import DROVE, ENDED, number
from teleop.palette import BACKGROUND, DRIVERS, FAINT, MUTED, OUTCOMES, PAUSED, TEXT
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
        self._draw_panel(surface, layout.panel, self._episode)

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

    def _draw_panel(self, surface: pygame.Surface, area: pygame.Rect, episode: EpisodeView) -> None:
        typeface = self._typeface
        surface.fill(BACKGROUND, area)
        title = typeface.draw(surface, self._world.title, Role.TITLE, TEXT, topleft=area.topleft)
        room = area.right - title.right - typeface.px(14)
        name = typeface.elide(self._reader.path.name, Role.BODY, room)
        typeface.draw(surface, name, Role.BODY, MUTED, midright=(area.right, title.centery))
        rest = pygame.Rect(area.x, title.bottom + typeface.px(6), area.width, 0)
        for section in (self._draw_episode, self._draw_step, self._draw_keys, self._draw_legend):
            rest.y += section(surface, rest, episode) + typeface.px(9)

    def _draw_episode(self, surface: pygame.Surface, rest: pygame.Rect, episode: EpisodeView) -> int:
        typeface = self._typeface
        height = card.figures_height(typeface) + 2 * card.line_height(typeface)
        area = pygame.Rect(rest.topleft, (rest.width, height + card.padding(typeface)))
        inside = card.draw_card(surface, typeface, area)
        figures = (
            (f"{episode.index + 1}", f"of {self._reader.n_episodes} episodes", TEXT),
            (number(float(episode.returns[self.step])), "return so far", TEXT),
            (f"{self.step}", f"of {episode.length} steps", TEXT),
        )
        inside.y += card.draw_figures(surface, typeface, inside, figures)
        outcome = f"{ENDED[episode.outcome]}, return {number(float(episode.returns[-1]))}"
        colour = OUTCOMES[episode.outcome]
        inside.y += card.draw_line(surface, typeface, inside, "outcome", outcome, colour)
        seed = "none" if episode.seed < 0 else str(episode.seed)
        card.draw_line(surface, typeface, inside, "seed", seed)
        return area.height

    def _draw_step(self, surface: pygame.Surface, rest: pygame.Rect, episode: EpisodeView) -> int:
        typeface = self._typeface
        lines = self._about_the_step(episode)
        shown = legend_of(self._painter)
        height = card.heading_height(typeface) + (len(lines) + (shown is not None)) * card.line_height(
            typeface
        )
        area = pygame.Rect(rest.topleft, (rest.width, height + card.padding(typeface)))
        inside = card.draw_card(surface, typeface, area)
        inside.y += card.draw_heading(surface, typeface, inside, "this step")
        for caption, value, colour in lines:
            inside.y += card.draw_line(surface, typeface, inside, caption, value, colour)
        if shown is not None:
            card.draw_scale(
                surface, typeface, inside, f"map: {shown.caption}", (shown.low, shown.high), shown.colours
            )
        return area.height

    def _about_the_step(self, episode: EpisodeView) -> list[tuple[str, str, tuple[int, int, int]]]:
        if self.step == episode.length:
            blank = ("driver", "executed", "reward", "student would", "student", "labels")
            return [(caption, "–", FAINT) for caption in blank]
        driver, proposed = episode.drivers[self.step], episode.student_actions[self.step]
        reward = float(episode.returns[self.step + 1] - episode.returns[self.step])
        version = int(episode.student_versions[self.step])
        said = ", ".join(f"{who}: {self._named(what)}" for who, what in episode.labels.get(self.step, ()))
        return [
            ("driver", DROVE[driver], DRIVERS[driver]),
            ("executed", self._named(episode.actions[self.step]), TEXT),
            ("reward", number(reward), TEXT),
            ("student would", "–" if proposed is None else self._named(proposed), TEXT),
            ("student", self._student_named(version), TEXT),
            ("labels", said or "none", TEXT if said else FAINT),
        ]

    def _student_named(self, version: int) -> str:
        """Whose actions `student would` tells: of the policy given, else of the version recorded."""
        if self._student is not None:
            return "the given policy"
        return "none" if version < 0 else f"v{version}"

    def _named(self, action: Any) -> str:
        names = self._world.action_names
        if np.ndim(action) == 0 and 0 <= int(action) < len(names):
            return names[int(action)]
        return np.array2string(np.asarray(action), precision=2)

    def _draw_keys(self, surface: pygame.Surface, rest: pygame.Rect, episode: EpisodeView) -> int:
        typeface = self._typeface
        places = flow(typeface, self._keys, rest.width - 2 * typeface.px(14))
        height = card.heading_height(typeface) + places[-1][1][1] + cap_height(typeface)
        area = pygame.Rect(rest.topleft, (rest.width, height + card.padding(typeface)))
        inside = card.draw_card(surface, typeface, area)
        inside.y += card.draw_heading(surface, typeface, inside, "keys")
        for row, (x, y) in places:
            draw_row(surface, typeface, (inside.x + x, inside.y + y), row)
        return area.height

    def _draw_legend(self, surface: pygame.Surface, rest: pygame.Rect, episode: EpisodeView) -> int:
        """What the colours of the bar mean, with how many steps each has, where there is room for it."""
        typeface = self._typeface
        lines = [
            (DRIVERS[driver], f"{DROVE[driver]} drove", steps)
            for driver, steps in sorted(Counter(episode.drivers).items())
        ]
        lines.append((TEXT, "labelled", len(episode.labels)))
        height = card.heading_height(typeface) + len(lines) * card.line_height(typeface)
        area = pygame.Rect(rest.topleft, (rest.width, height + card.padding(typeface)))
        if self._layout is None or area.bottom > self._layout.panel.bottom:
            return 0
        inside = card.draw_card(surface, typeface, area)
        inside.y += card.draw_heading(surface, typeface, inside, "colours of the bar")
        for colour, meaning, steps in lines:
            swatch = pygame.Rect(0, 0, typeface.px(10), typeface.px(10))
            swatch.midleft = (inside.x, inside.y + card.line_height(typeface) // 2 - typeface.px(2))
            pygame.draw.rect(surface, colour, swatch, border_radius=typeface.px(2))
            beside = inside.move(typeface.px(18), 0)
            beside.width -= typeface.px(18)
            inside.y += card.draw_line(surface, typeface, beside, meaning, f"{steps} steps")
        return area.height

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
