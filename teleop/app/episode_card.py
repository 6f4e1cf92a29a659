"""One episode as a card in a grid: its picture, and beside it what came of it and who drove."""

from __future__ import annotations

from dataclasses import dataclass

import pygame

from recordings.schema import Driver, Outcome
from recordings.survey import Survey
from teleop.app.episode_view import episode_name
from teleop.app.typeface import Role, Typeface
from teleop.app.words import ENDED, number
from teleop.preferences.palette import (
    CARD,
    CARD_EDGE,
    DRIVERS,
    FAILURE,
    FAINT,
    INK,
    MUTED,
    OUTCOMES,
    STAGE,
    TEXT,
    mix,
)

WIDTH, HEIGHT = 300, 124
"""In design pixels; the width is the least."""
PADDING = 9
DIMMED = 130
"""How opaque a discarded episode's picture is, of 255."""


@dataclass(frozen=True)
class About:
    """What a card says."""

    index: int
    return_: float | None
    """None: not yet known."""
    length: int
    outcome: Outcome
    is_discarded: bool
    driven: tuple[int, ...]
    """Steps that each Driver drove."""
    labels: int
    parent: int
    branch_step: int
    mark: str = ""
    """A letter upon the picture."""


def about(survey: Survey, index: int, mark: str = "") -> About | None:
    """None: nothing is known of the episode yet."""
    if index >= survey.listed:
        return None
    return About(
        index=index,
        return_=float(survey.returns[index]) if index < survey.summed else None,
        length=int(survey.lengths[index]),
        outcome=Outcome(int(survey.outcomes[index])),
        is_discarded=bool(survey.discarded[index]),
        driven=tuple(survey.driven[index].tolist()),
        labels=int(survey.labels[index]),
        parent=int(survey.parents[index]),
        branch_step=int(survey.branch_steps[index]),
        mark=mark,
    )


def picture_size(typeface: Typeface) -> tuple[int, int]:
    """Of the thumbnail, in pixels."""
    side = typeface.px(HEIGHT) - 2 * typeface.px(PADDING)
    return side, side


def paint_card(
    typeface: Typeface, size: tuple[int, int], shown: About, picture: pygame.Surface | None
) -> pygame.Surface:
    """The card as a picture of its own, to be kept."""
    px = typeface.px
    card = pygame.Surface(size)
    card.fill(CARD)
    place = pygame.Rect((px(PADDING), px(PADDING)), picture_size(typeface))
    card.fill(STAGE, place)
    if picture is not None:
        picture.set_alpha(DIMMED if shown.is_discarded else None)
        card.blit(picture, place)
    if shown.mark:
        _draw_mark(card, typeface, place, shown.mark)
    text = pygame.Rect(place.right + px(12), place.y, 0, place.height)
    text.width = size[0] - text.x - px(PADDING)
    _draw_head(card, typeface, text, shown)
    _draw_figures(card, typeface, text, shown)
    _draw_foot(card, typeface, text, shown)
    pygame.draw.rect(card, CARD_EDGE, card.get_rect(), 1)
    return card


def _draw_mark(card: pygame.Surface, typeface: Typeface, place: pygame.Rect, letter: str) -> None:
    """Chosen to be compared."""
    tag = pygame.Rect(place.topleft, (typeface.px(24), typeface.px(22)))
    pygame.draw.rect(card, TEXT, tag, border_bottom_right_radius=typeface.px(6))
    typeface.draw(card, letter, Role.STRONG, INK, center=tag.center)


def _draw_head(card: pygame.Surface, typeface: Typeface, text: pygame.Rect, shown: About) -> None:
    colour = FAINT if shown.is_discarded else MUTED
    typeface.draw(card, episode_name(shown.index), Role.SMALL, colour, topleft=text.topleft)
    word, colour = ENDED[shown.outcome], OUTCOMES[shown.outcome]
    if shown.is_discarded:
        word, colour = "discarded", FAILURE
    typeface.draw(card, word, Role.SMALL, colour, topright=text.topright)


def _draw_figures(card: pygame.Surface, typeface: Typeface, text: pygame.Rect, shown: About) -> None:
    figure = "…" if shown.return_ is None else number(shown.return_)
    colour = FAINT if shown.is_discarded else TEXT
    y = text.y + typeface.px(36)
    drawn = typeface.draw(card, figure, Role.NUMBER, colour, midleft=(text.x, y))
    below = drawn.bottom - typeface.px(5)
    left = drawn.right + typeface.px(6)
    if left + typeface.width("return", Role.SMALL) < text.right - typeface.px(74):
        typeface.draw(card, "return", Role.SMALL, MUTED, bottomleft=(left, below))
    steps = f"{shown.length} step{'' if shown.length == 1 else 's'}"
    typeface.draw(card, steps, Role.SMALL, MUTED, bottomright=(text.right, below))


def _draw_foot(card: pygame.Surface, typeface: Typeface, text: pygame.Rect, shown: About) -> None:
    """Who drove, as shares of a bar; then labels, and where a branch comes from."""
    px = typeface.px
    bar = pygame.Rect(text.x, text.bottom - px(41), text.width, px(9))
    draw_shares(card, bar, shown.driven, dimmed=shown.is_discarded)
    labels = f"{shown.labels} label{'' if shown.labels == 1 else 's'}" if shown.labels else "no labels"
    colour = MUTED if shown.labels else FAINT
    line = typeface.draw(card, labels, Role.SMALL, colour, bottomleft=(text.x, text.bottom + px(1)))
    if shown.parent >= 0:
        branch = f"↳ {shown.parent} at step {shown.branch_step}"
        if line.right + px(8) + typeface.width(branch, Role.SMALL) > text.right:
            branch = f"↳ {shown.parent}"
        typeface.draw(card, branch, Role.SMALL, MUTED, topright=(text.right, line.y))


def draw_shares(
    surface: pygame.Surface, bar: pygame.Rect, driven: tuple[int, ...], *, dimmed: bool = False
) -> None:
    """Steps of each Driver as parts of a bar in their colours."""
    surface.fill(CARD_EDGE, bar)
    steps, x = max(1, sum(driven)), 0
    for driver, n in zip(Driver, driven, strict=True):
        end = x + n
        left, right = (bar.x + round(at / steps * bar.width) for at in (x, end))
        colour = mix(CARD, DRIVERS[driver], 0.4) if dimmed else DRIVERS[driver]
        surface.fill(colour, (left, bar.y, right - left, bar.height))
        x = end
