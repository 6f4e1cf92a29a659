"""The pictures of episodes that a review shows: made a few a frame, kept while there is room."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import pygame

from recordings.reader import Reader
from teleop.app.episode_card import About, paint_card
from teleop.app.thumbnails import Thumbnail
from teleop.app.typeface import Typeface

KEPT = 512
"""Thumbnails, and cards made of them."""


class Album:
    """Of one recording, at one size."""

    def __init__(self, thumbnail: Thumbnail, size: tuple[int, int]) -> None:
        """size: of a thumbnail, in pixels."""
        self._thumbnail, self._size = thumbnail, size
        self._thumbnails: OrderedDict[tuple[int, int], pygame.Surface] = OrderedDict()
        """By episode and its length, which grows while it runs."""
        self._cards: OrderedDict[tuple[About, bool, tuple[int, int]], pygame.Surface] = OrderedDict()

    def make(self, reader: Reader, wanted: Sequence[tuple[int, int]], budget_s: float) -> None:
        """Make missing thumbnails for about so long, at least one; wanted: episodes and their lengths."""
        until_s = time.perf_counter() + budget_s
        for key in wanted:
            if key not in self._thumbnails:
                _keep(self._thumbnails, key, self._thumbnail(reader, key[0], self._size))
                if time.perf_counter() > until_s:
                    return

    def card(self, typeface: Typeface, size: tuple[int, int], shown: About) -> pygame.Surface:
        """The card of an episode, with its thumbnail once that is made."""
        picture = self._thumbnails.get((shown.index, shown.length))
        key = (shown, picture is not None, size)
        card = self._cards.get(key)
        if card is None:
            card = paint_card(typeface, size, shown, picture)
            _keep(self._cards, key, card)
        return card


def _keep(kept: OrderedDict[Any, pygame.Surface], key: Any, picture: pygame.Surface) -> None:
    if len(kept) >= KEPT:
        kept.popitem(last=False)
    kept[key] = picture
