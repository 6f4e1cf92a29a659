"""The head of the panel, and the running episode."""

from __future__ import annotations

import pygame

from teleop.app import card
from teleop.app.cards.plan import Card, Heights, framed
from teleop.app.facts import Facts
from teleop.app.typeface import Role, Typeface
from teleop.app.words import ENDED, number
from teleop.preferences.palette import BACKGROUND, MUTED, OUTCOMES, TEXT


def _title_heights(typeface: Typeface, width: int, facts: Facts) -> Heights:
    """Without and with what there is to do in this world."""
    title = typeface.height(Role.TITLE)
    lines = len(typeface.wrap(facts.description, Role.SMALL, width))
    return title, title + typeface.px(3) + lines * card.line_height(typeface)


def _paint_title(picture: pygame.Surface, typeface: Typeface, area: pygame.Rect, facts: Facts) -> None:
    picture.fill(BACKGROUND, area)
    title = typeface.draw(picture, facts.title, Role.TITLE, TEXT, topleft=area.topleft)
    if title.right + typeface.px(14) + typeface.width(facts.purpose, Role.BODY) <= area.right:
        typeface.draw(picture, facts.purpose, Role.BODY, MUTED, midright=(area.right, title.centery))
    if area.height < _title_heights(typeface, area.width, facts)[1]:
        return
    y = title.bottom + typeface.px(3)
    for line in typeface.wrap(facts.description, Role.SMALL, area.width):
        typeface.draw(picture, line, Role.SMALL, MUTED, topleft=(area.x, y))
        y += card.line_height(typeface)


def _episode_heights(typeface: Typeface, width: int, facts: Facts) -> Heights:
    least = framed(typeface, card.figures_height(typeface))
    return least, least + card.line_height(typeface)


def _paint_episode(picture: pygame.Surface, typeface: Typeface, area: pygame.Rect, facts: Facts) -> None:
    inside = card.draw_card(picture, typeface, area)
    figures = (
        (str(facts.episode), "episode", TEXT),
        (number(facts.return_), "return", TEXT),
        (str(facts.length), "steps", TEXT),
    )
    used = card.draw_figures(picture, typeface, inside, figures)
    inside.y, inside.height = inside.y + used, inside.height - used
    last = facts.last
    line = ("last episode", "none yet", MUTED)
    if last is not None:
        text = f"{ENDED[last.outcome]}: {number(last.return_)} in {last.length} steps"
        line = ("last episode", text, OUTCOMES[last.outcome])
    if inside.height >= card.line_height(typeface):
        card.draw_line(picture, typeface, inside, *line)


TITLE = Card(
    "title", lambda facts: (facts.title, facts.purpose, facts.description), _title_heights, _paint_title
)
EPISODE = Card(
    "episode",
    lambda facts: (facts.episode, facts.return_, facts.length, facts.last),
    _episode_heights,
    _paint_episode,
)
