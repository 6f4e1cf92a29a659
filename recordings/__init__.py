"""What happened: crash-safe recordings of every step, and what can be made of them."""

from __future__ import annotations

from recordings.schema import Driver, EditKind, Header, LabelKind, Outcome

__all__ = ["Driver", "EditKind", "Header", "LabelKind", "Outcome"]
