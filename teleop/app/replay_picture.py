"""What a replay looks like: the stage in the driver's colour, the world, the bar along time and the panel.

One picture serves the replay scene and a video of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import pygame

from teleop.app.episode_view import EpisodeView, episode_name
from teleop.app.keycaps import KeyRow
from teleop.app.layout import Layout, lay_out
from teleop.app.painters.choose import legend_of
from teleop.app.painters.view import Painter, View
from teleop.app.replay_panel import Shown, about_the_step, draw_panel
from teleop.app.stage import Sign, Stage
from teleop.app.timeline import HEIGHT, Timeline
from teleop.app.typeface import Typeface
from teleop.app.words import DROVE, ENDED
from teleop.preferences.palette import DRIVERS, PAUSED, Colour
from teleop.training.student import StudentVersion
from teleop.worlds.catalogue import World


@dataclass(frozen=True)
class Moment:
    """What is shown."""

    episode: EpisodeView
    step: int
    """Where the playhead is: before this step, or at the episode's end."""
    episodes: int
    """In the recording."""
    file: str
    hint: str
    """Under the world."""
    speed: str
    """Beside the bar."""
    keys: tuple[KeyRow, ...] = ()
    playing: bool | None = None
    """None: there is nobody to press a button, so none is drawn."""


class ReplayPicture:
    """Keeps what is the same from one picture to the next."""

    def __init__(self, world: World, painter: Painter, student: StudentVersion | None = None) -> None:
        """student: whose policy is laid over the world, in place of the recorded student."""
        self._world, self._painter, self._student = world, painter, student
        self.timeline, self._stage = Timeline(), Stage()
        self._layout: Layout | None = None
        self._size = (0, 0)
        self._typeface = Typeface(1.0)

    def draw(self, surface: pygame.Surface, moment: Moment, now_s: float) -> None:
        """Cover `surface`."""
        layout, episode = self._laid_out(surface.get_size()), moment.episode
        self._stage.draw(surface, self._typeface, layout, _sign(moment))
        surface.set_clip(layout.inside)
        self._painter.draw(surface, layout.world, view_of(episode, moment.step, self._student), now_s)
        surface.set_clip(None)
        strip = pygame.Rect(layout.stage.x, layout.stage.bottom, layout.panel.right - layout.stage.x, 0)
        strip.height = surface.get_height() - strip.y
        self.timeline.draw(
            surface, self._typeface, strip, episode, moment.step, playing=moment.playing, speed=moment.speed
        )
        draw_panel(surface, self._typeface, layout.panel, self._shown(moment))

    def draw_nothing(self, surface: pygame.Surface, file: str) -> None:
        """Cover `surface` where there is no episode to show."""
        text = "This recording has no episode yet. ESC goes back."
        sign = Sign("NOTHING RECORDED", file, text, PAUSED)
        self._stage.draw(surface, self._typeface, self._laid_out(surface.get_size()), sign)

    def about(self, moment: Moment) -> list[tuple[str, str, Colour]]:
        """What the panel says about the step at the playhead."""
        return about_the_step(self._shown(moment))

    def _shown(self, moment: Moment) -> Shown:
        return Shown(
            title=self._world.title,
            action_names=self._world.action_names,
            file=moment.file,
            episode=moment.episode,
            step=moment.step,
            has_given_student=self._student is not None,
            keys=moment.keys,
            legend=legend_of(self._painter),
        )

    def _laid_out(self, size: tuple[int, int]) -> Layout:
        if self._layout is None or size != self._size:
            self._size = size
            self._layout = lay_out(size, self._painter.aspect, below=HEIGHT - 16)
            if self._typeface.scale != self._layout.scale:
                self._typeface = Typeface(self._layout.scale)
        return self._layout


def _sign(moment: Moment) -> Sign:
    episode, step = moment.episode, moment.step
    note = f"{episode_name(episode.index)}, {moment.episodes} in all"
    note += ", discarded" if episode.is_discarded else ""
    return Sign(word_of(episode, step), note, moment.hint, colour_of(episode, step))


def word_of(episode: EpisodeView, step: int) -> str:
    """Over the world: who drove this step, or how the episode ended."""
    if step < episode.length:
        return f"{DROVE[episode.drivers[step]].upper()} DROVE"
    return f"END: {ENDED[episode.outcome].upper()}"


def colour_of(episode: EpisodeView, step: int) -> Colour:
    """Of the frame around the world."""
    return DRIVERS[episode.drivers[step]] if step < episode.length else PAUSED


def view_of(episode: EpisodeView, step: int, student: StudentVersion | None = None) -> View:
    """The moment before `step`, or the end; student: whose policy is laid over the world."""
    at_end = step == episode.length
    return View(
        observation=episode.observations[min(step, len(episode.observations) - 1)],
        path=episode.path[:step],
        drivers=episode.drivers[:step],
        colour=colour_of(episode, step),
        action=None if at_end else episode.actions[step],
        student_action=None if at_end else episode.student_actions[step],
        policy=None if student is None else student.policy,
        version=-1 if student is None else student.version,
        reward=None if student is None else student.reward,
        labelled_steps=episode.labels.keys(),
        episode=episode,
    )
