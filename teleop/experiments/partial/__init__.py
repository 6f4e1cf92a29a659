"""Source 002's claim that inverse RL needs no full demonstrations: parts are cut out, and cloning is given the same.

Reading order: `cuts` (what is taken out), `page` (who learns from the rest, and what became of it).
"""

from teleop.experiments.partial.page import EXPERIMENT

__all__ = ["EXPERIMENT"]
