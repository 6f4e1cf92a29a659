"""Source 002's example: a loop driven with labels that are read wrongly, by a clone and by DAgger.

Reading order: `by_hand` (what can be reckoned), `laps` (what is driven), `pictures`, `page`.
"""

from teleop.experiments.loop.page import EXPERIMENT

__all__ = ["EXPERIMENT"]
