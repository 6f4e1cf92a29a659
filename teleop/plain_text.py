"""Texts that anybody may have written, made fit to be shown: a name steers no terminal and turns no line around."""

from __future__ import annotations

import unicodedata

_TURNING = frozenset({"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})
"""What turns the direction of writing, and with it the text around a name."""


def plain(text: str) -> str:
    """The text, with a mark in place of each control character but the end of a line, and of halves of characters."""
    return "".join("\N{REPLACEMENT CHARACTER}" if _steers(each) else each for each in text)


def _steers(character: str) -> bool:
    if character == "\n":
        return False
    is_control = unicodedata.category(character) in ("Cc", "Cs")
    return is_control or unicodedata.bidirectional(character) in _TURNING
