"""The side panel of a replay: the episode, the step at the playhead, the keys and what colours mean."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pygame

from recordings.schema import Driver
from teleop.app import card
from teleop.app.episode_view import EpisodeView, episode_name
from teleop.app.key_rows import action_word
from teleop.app.keycaps import KeyRow, cap_height, draw_row, flow
from teleop.app.painters.view import Legend
from teleop.app.typeface import Role, Typeface
from teleop.app.words import DROVE, ENDED, number
from teleop.preferences.palette import BACKGROUND, DRIVERS, FAINT, MUTED, OUTCOMES, TEXT, Colour


@dataclass(frozen=True)
class Shown:
    """What the panel shows."""

    title: str
    """Of the world."""
    action_names: tuple[str, ...]
    file: str
    episode: EpisodeView
    step: int
    """Where the playhead is: before this step, or at the episode's end."""
    has_given_student: bool
    """What the student would do is told of a given policy, not of the recorded student."""
    keys: tuple[KeyRow, ...]
    legend: Legend | None
    """What the colours on the map mean."""


def draw_panel(surface: pygame.Surface, typeface: Typeface, area: pygame.Rect, shown: Shown) -> None:
    """From top to bottom; what the colours of the bar mean comes last, and only where there is room left for it."""
    surface.fill(BACKGROUND, area)
    title = typeface.draw(surface, shown.title, Role.TITLE, TEXT, topleft=area.topleft)
    room = area.right - title.right - typeface.px(14)
    name = typeface.elide(shown.file, Role.BODY, room)
    typeface.draw(surface, name, Role.BODY, MUTED, midright=(area.right, title.centery))
    rest = pygame.Rect(area.x, title.bottom + typeface.px(6), area.width, 0)
    rest.height = area.bottom - rest.y
    for section in (_draw_episode, _draw_step, _draw_keys, _draw_legend):
        used = section(surface, typeface, rest, shown)
        used += typeface.px(9) if used else 0
        rest.y, rest.height = rest.y + used, rest.height - used


def _draw_episode(surface: pygame.Surface, typeface: Typeface, rest: pygame.Rect, shown: Shown) -> int:
    episode, step = shown.episode, shown.step
    height = card.figures_height(typeface) + 2 * card.line_height(typeface)
    area = pygame.Rect(rest.topleft, (rest.width, height + card.padding(typeface)))
    inside = card.draw_card(surface, typeface, area)
    figures = (
        (f"{episode.index}", "episode", TEXT),
        (number(float(episode.returns[step])), "return so far", TEXT),
        (f"{step}", f"of {episode.length} steps", TEXT),
    )
    inside.y += card.draw_figures(surface, typeface, inside, figures)
    outcome = f"{ENDED[episode.outcome]}, return {number(float(episode.returns[-1]))}"
    outcome += "; discarded" if episode.is_discarded else ""
    colour = OUTCOMES[episode.outcome]
    inside.y += card.draw_line(surface, typeface, inside, "outcome", outcome, colour)
    seed = "none" if episode.seed < 0 else str(episode.seed)
    if episode.parent >= 0:
        seed += f"; a branch of {episode_name(episode.parent)}, from step {episode.branch_step}"
    card.draw_line(surface, typeface, inside, "seed", seed)
    return area.height


def _draw_step(surface: pygame.Surface, typeface: Typeface, rest: pygame.Rect, shown: Shown) -> int:
    lines, legend = about_the_step(shown), shown.legend
    n_lines = len(lines) + (legend is not None)
    height = card.heading_height(typeface) + n_lines * card.line_height(typeface)
    area = pygame.Rect(rest.topleft, (rest.width, height + card.padding(typeface)))
    inside = card.draw_card(surface, typeface, area)
    inside.y += card.draw_heading(surface, typeface, inside, "this step")
    for caption, value, colour in lines:
        inside.y += card.draw_line(surface, typeface, inside, caption, value, colour)
    if legend is not None:
        ends = legend.low, legend.high
        card.draw_scale(surface, typeface, inside, f"map: {legend.caption}", ends, legend.colours)
    return area.height


def about_the_step(shown: Shown) -> list[tuple[str, str, Colour]]:
    """Captions, values and their colours."""
    episode, step = shown.episode, shown.step
    if step == episode.length:
        blank = ("driver", "executed", "reward", "student would", "student", "labels")
        return [(caption, "–", FAINT) for caption in blank]
    driver, proposed = episode.drivers[step], episode.student_actions[step]
    reward = float(episode.returns[step + 1] - episode.returns[step])
    version = int(episode.student_versions[step])
    said = ", ".join(
        f"{who}: {named(what, shown.action_names)}" for who, what in episode.labels.get(step, ())
    )
    return [
        ("driver", DROVE[driver], DRIVERS[driver]),
        ("executed", named(episode.actions[step], shown.action_names), TEXT),
        ("reward", number(reward), TEXT),
        ("student would", "–" if proposed is None else named(proposed, shown.action_names), TEXT),
        ("student", _student_named(shown, version), TEXT),
        ("labels", said or "none", TEXT if said else FAINT),
    ]


def _student_named(shown: Shown, version: int) -> str:
    """Whose actions `student would` tells: of the policy given, else of the version recorded."""
    if shown.has_given_student:
        return "the given policy"
    return "none" if version < 0 else f"v{version}"


def named(action: Any, names: Sequence[str]) -> str:
    """An action in a word; one that is several numbers, to two digits each."""
    return np.array2string(np.asarray(action), precision=2) if np.ndim(action) else action_word(action, names)


def _draw_keys(surface: pygame.Surface, typeface: Typeface, rest: pygame.Rect, shown: Shown) -> int:
    """As many as there is room for, and always how to leave."""
    if not shown.keys:
        return 0
    keys, area = list(shown.keys), pygame.Rect(0, 0, 0, rest.height + 1)
    while area.height > rest.height and len(keys) > 1:
        places = flow(typeface, keys, rest.width - 2 * typeface.px(14))
        height = card.heading_height(typeface) + places[-1][1][1] + cap_height(typeface)
        area = pygame.Rect(rest.topleft, (rest.width, height + card.padding(typeface)))
        del keys[-2]
    inside = card.draw_card(surface, typeface, area)
    inside.y += card.draw_heading(surface, typeface, inside, "keys")
    for row, (x, y) in places:
        draw_row(surface, typeface, (inside.x + x, inside.y + y), row)
    return area.height


def _draw_legend(surface: pygame.Surface, typeface: Typeface, rest: pygame.Rect, shown: Shown) -> int:
    """What the colours of the bar mean, with how many steps each has, where there is room for it."""
    episode = shown.episode
    lines = [
        (DRIVERS[driver], DROVE[driver] if driver is Driver.REPLAYED else f"{DROVE[driver]} drove", steps)
        for driver, steps in sorted(Counter(episode.drivers).items())
    ]
    lines.append((TEXT, "labelled", len(episode.labels)))
    height = card.heading_height(typeface) + len(lines) * card.line_height(typeface)
    area = pygame.Rect(rest.topleft, (rest.width, height + card.padding(typeface)))
    if area.height > rest.height:
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
