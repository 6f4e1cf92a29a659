"""What the review looks like: the file and its filters above, cards below, keys at the foot; and where one scrolled."""

from __future__ import annotations

from dataclasses import dataclass

import pygame

from learners.interface import IntArray
from recordings.reader import Reader
from recordings.schema import Driver
from recordings.survey import Survey
from teleop.app.album import Album
from teleop.app.chips import Chip, draw_chip, lay_chips
from teleop.app.choice import ALL_KEY, FACETS, ORDER_KEY, ORDERS, TURN_KEY, Choice
from teleop.app.episode_card import HEIGHT, WIDTH, about, picture_size
from teleop.app.grid import SCROLL_SHARE, lay_grid
from teleop.app.key_lines import draw_lines, lines_height
from teleop.app.keycaps import KeyRow
from teleop.app.layout import scale_of
from teleop.app.thumbnails import Thumbnail
from teleop.app.typeface import Role, Typeface
from teleop.app.words import DROVE
from teleop.preferences.palette import BACKGROUND, CARD, CARD_EDGE, DRIVERS, FAINT, MUTED, TEXT, WARNING

GAP = 12
"""Between cards, in design pixels."""
MARGIN = 20
AHEAD = 2
"""Rows beyond the visible ones of which pictures are made in advance."""


@dataclass(frozen=True, eq=False)
class Shown:
    """What the picture shows."""

    title: str
    """Of the world."""
    file: str
    survey: Survey
    choice: Choice
    episodes: IntArray
    """(n,) in order."""
    cursor: int
    """Which of them is selected."""
    marked: tuple[int, ...]
    """Episodes about to be compared."""
    told: str
    keys: tuple[KeyRow, ...]


class ReviewPicture:
    """Keeps what is the same from one frame to the next, and where one scrolled."""

    def __init__(self, thumbnail: Thumbnail) -> None:
        self._thumbnail = thumbnail
        self._typeface = Typeface(1.0)
        self._album = Album(thumbnail, picture_size(self._typeface))
        self._size = (0, 0)
        self._grid = lay_grid(pygame.Rect(0, 0, 800, 600), 0, (WIDTH, HEIGHT), GAP)
        self._chips: list[tuple[Chip, pygame.Rect]] = []
        self._scroll = self._target = 0.0
        """Pixels; the first follows the second smoothly."""
        self._reveal: int | None = None
        self._painted: tuple[object, ...] | None = None

    # -- what the mouse and keys ask ----------------------------------------------------------------------

    @property
    def columns(self) -> int:
        return self._grid.columns

    @property
    def rows(self) -> int:
        """Whole rows that can be seen."""
        return self._grid.rows_seen

    def chip_at(self, place: tuple[int, int]) -> str | None:
        """The key of the chip under the mouse."""
        return next((chip.key for chip, area in self._chips if area.collidepoint(place)), None)

    def card_at(self, place: tuple[int, int]) -> int | None:
        """Which of the shown episodes lies under the mouse."""
        return self._grid.at(place, self._scroll)

    def on_bar(self, place: tuple[int, int]) -> bool:
        return self._grid.bar.inflate(12, 0).collidepoint(place)

    def reveal(self, card: int) -> None:
        """Scroll, at the next frame, as far as it takes to see this card."""
        self._reveal = card

    def scroll_by(self, rows: float) -> None:
        self._target += rows * self._grid.pitch

    def drag(self, y: int) -> None:
        """The scroll bar's handle follows the mouse."""
        self._target = self._scroll = self._grid.scrolled_to(y)

    # -- time ---------------------------------------------------------------------------------------------

    def make_thumbnails(self, reader: Reader, survey: Survey, episodes: IntArray, budget_s: float) -> None:
        """A few pictures of the episodes that can be seen, or nearly."""
        seen = self._grid.seen(self._scroll)
        ahead = range(seen.start, min(len(episodes), seen.stop + AHEAD * self._grid.columns))
        listed = [int(index) for index in episodes[ahead.start : ahead.stop] if index < survey.listed]
        wanted = [(index, int(survey.lengths[index])) for index in listed]
        self._album.make(reader, wanted, budget_s)

    # -- picture ------------------------------------------------------------------------------------------

    def draw(self, surface: pygame.Surface, shown: Shown) -> None:
        """Cover `surface`; around the cards only what has changed is painted again."""
        self._lay_out(surface.get_size(), shown)
        drivers = drivers_of(shown.survey)
        frame = (surface, self._grid.area, self._chips, count_of(shown), drivers, words_of(shown), shown.keys)
        if frame != self._painted:
            self._painted = frame
            surface.fill(BACKGROUND)
            self._draw_head(surface, shown)
            for chip, area in self._chips:
                draw_chip(surface, self._typeface, area, chip)
            self._draw_foot(surface, shown)
        cards = self._grid.area.inflate(6, 6)
        surface.fill(BACKGROUND, cards.union(self._grid.bar))
        surface.set_clip(cards)
        self._draw_cards(surface, shown)
        surface.set_clip(None)
        self._draw_bar(surface)
        self._draw_notice(surface, shown.told)

    def forget(self) -> None:
        """Another scene has drawn on the window since."""
        self._painted = None

    def _lay_out(self, size: tuple[int, int], shown: Shown) -> None:
        if size != self._size:
            self._size, self._typeface = size, Typeface(scale_of(size))
            self._album = Album(self._thumbnail, picture_size(self._typeface))
        typeface, px = self._typeface, self._typeface.px
        width = size[0] - 2 * px(MARGIN)
        chips = chips_of(shown.choice)
        row = pygame.Rect(px(MARGIN), px(58), width, 0)
        places = lay_chips(typeface, chips, row)
        self._chips = list(zip(chips, places, strict=True))
        top = places[-1].bottom + px(14)
        foot = self._foot_height(shown, width)
        area = pygame.Rect(px(MARGIN), top, width, size[1] - top - foot)
        self._grid = lay_grid(area, len(shown.episodes), (px(WIDTH), px(HEIGHT)), px(GAP))
        self._follow()

    def _follow(self) -> None:
        grid = self._grid
        if self._reveal is not None:
            self._target, self._reveal = grid.showing(self._reveal, self._target), None
        self._target = min(max(0.0, self._target), grid.furthest)
        left = self._target - self._scroll
        self._scroll = self._target if abs(left) < 1 else self._scroll + left * SCROLL_SHARE
        self._scroll = min(self._scroll, grid.furthest)

    def _draw_head(self, surface: pygame.Surface, shown: Shown) -> None:
        typeface, px = self._typeface, self._typeface.px
        title = typeface.draw(surface, shown.title, Role.TITLE, TEXT, topleft=(px(MARGIN), px(18)))
        right = typeface.draw(
            surface,
            count_of(shown),
            Role.BODY,
            MUTED,
            midright=(surface.get_width() - px(MARGIN), title.centery),
        )
        right = self._draw_legend(surface, shown.survey, right)
        room = right.left - title.right - px(28)
        name = typeface.elide(shown.file, Role.BODY, room)
        typeface.draw(surface, name, Role.BODY, MUTED, midleft=(title.right + px(14), title.centery + px(2)))

    def _draw_legend(self, surface: pygame.Surface, survey: Survey, right: pygame.Rect) -> pygame.Rect:
        """What the colours mean, left of what stands there; returns what they cover."""
        typeface, px = self._typeface, self._typeface.px
        x = right.left - px(26)
        for driver in reversed(drivers_of(survey)):
            name = typeface.draw(surface, DROVE[driver], Role.SMALL, MUTED, midright=(x, right.centery))
            swatch = pygame.Rect(0, 0, px(10), px(10))
            swatch.midright = name.left - px(6), right.centery
            pygame.draw.rect(surface, DRIVERS[driver], swatch, border_radius=px(2))
            x = swatch.left - px(14)
        return pygame.Rect(x, right.y, 0, 0)

    def _draw_cards(self, surface: pygame.Surface, shown: Shown) -> None:
        typeface, grid = self._typeface, self._grid
        if not len(shown.episodes):
            typeface.draw(surface, why_none(shown), Role.HINT, MUTED, center=grid.area.center)
            return
        for card in grid.seen(self._scroll):
            place, index = grid.place(card, self._scroll), int(shown.episodes[card])
            known = about(shown.survey, index, "A" if index in shown.marked else "")
            if known is None:
                surface.fill(CARD, place)
            else:
                surface.blit(self._album.card(typeface, grid.card, known), place)
            if card == shown.cursor:
                pygame.draw.rect(surface, TEXT, place.inflate(4, 4), 2, border_radius=2)

    def _draw_bar(self, surface: pygame.Surface) -> None:
        handle = self._grid.handle(self._scroll)
        if handle.width:
            pygame.draw.rect(surface, CARD, self._grid.bar, border_radius=handle.width // 2)
            pygame.draw.rect(surface, FAINT, handle, border_radius=handle.width // 2)

    # -- foot ---------------------------------------------------------------------------------------------

    def _foot_height(self, shown: Shown, width: int) -> int:
        return self._typeface.px(48) + lines_height(self._typeface, shown.keys, width)

    def _draw_foot(self, surface: pygame.Surface, shown: Shown) -> None:
        typeface, px = self._typeface, self._typeface.px
        left, width = px(MARGIN), surface.get_width() - 2 * px(MARGIN)
        y = self._grid.area.bottom + px(10)
        pygame.draw.line(surface, CARD_EDGE, (left, y - px(2)), (left + width, y - px(2)))
        for words in words_of(shown):
            if typeface.width(words, Role.BODY) <= width:
                colour = WARNING if shown.told else MUTED
                typeface.draw(surface, words, Role.BODY, colour, topleft=(left, y + px(4)))
                break
        draw_lines(surface, typeface, (left, y + px(28)), shown.keys, width)

    def _draw_notice(self, surface: pygame.Surface, told: str) -> None:
        """What is too long to be told in a line, over the last cards."""
        typeface, px, area = self._typeface, self._typeface.px, self._grid.area
        if typeface.width(told, Role.BODY) <= surface.get_width() - 2 * px(MARGIN):
            return
        lines = typeface.wrap(told, Role.BODY, area.width - 2 * px(16))
        box = pygame.Rect(area.x, 0, area.width, len(lines) * typeface.height(Role.BODY) + 2 * px(12))
        box.bottom = area.bottom
        pygame.draw.rect(surface, CARD, box, border_radius=px(6))
        pygame.draw.rect(surface, WARNING, box, 1, border_radius=px(6))
        for index, line in enumerate(lines):
            y = box.y + px(12) + index * typeface.height(Role.BODY)
            typeface.draw(surface, line, Role.BODY, WARNING, topleft=(box.x + px(16), y))


def drivers_of(survey: Survey) -> tuple[Driver, ...]:
    """Who drove in this recording, as far as it was read."""
    return tuple(driver for driver in Driver if survey.steps_of(driver))


def chips_of(choice: Choice) -> list[Chip]:
    """What is asked and answered about what to show."""
    chips = [
        Chip(facet.key, facet.asks, choice.answer(facet).word, choice.answer(facet) is not facet.answers[0])
        for facet in FACETS
    ]
    order = ORDERS[choice.order]
    chips.append(Chip(ORDER_KEY, "by", order.word, choice.order != 0))
    chips.append(Chip(TURN_KEY, order.falling if choice.falls else order.rising, "", choice.is_turned))
    if choice.filters:
        chips.append(Chip(ALL_KEY, "show all", ""))
    return chips


def count_of(shown: Shown) -> str:
    """How much there is, and of that is shown."""
    survey = shown.survey
    n, of = len(shown.episodes), survey.n_episodes
    episodes = f"{of:,} episode{'' if of == 1 else 's'}" if n == of else f"{n:,} of {of:,} episodes"
    written = ", being written" if survey.live else ""
    return f"{episodes}, {survey.n_steps:,} steps{written}"


def why_none(shown: Shown) -> str:
    if not shown.survey.n_episodes:
        return "Nothing recorded yet."
    if not shown.survey.is_complete:
        return "Reading…"
    return f"No episode is like that. {ALL_KEY} shows all."


def words_of(shown: Shown) -> tuple[str, ...]:
    """What there is to tell, else what to do: the first that fits is for the foot."""
    survey = shown.survey
    if shown.told:
        return (shown.told,)
    if not survey.is_complete:
        return (f"Reading: {survey.summed:,} of {survey.n_episodes:,} episodes.",)
    keys = "Keys 1 to 7 choose what is shown."
    return (
        f"Arrows or the mouse select, ENTER or a double click opens, a right click compares. {keys}",
        f"ENTER or a double click opens. {keys}",
        keys,
    )
