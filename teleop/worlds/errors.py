"""What can go wrong with a world: each message names what was expected, what was found, and the remedy."""

from __future__ import annotations

from recordings.errors import UnderstudyError


class WorldError(UnderstudyError):
    """A world cannot be made, reset or driven as asked."""


class UnknownWorldError(WorldError):
    """No world goes by this name."""


class KeyMapError(WorldError):
    """A key map file is missing, is not TOML, or has a field that cannot be used."""
