"""Source 000, the GridWorld tutorial: its six methods on its data and on optimal data, with and without slip.

Reading order: `sources` (what it reports itself), `runs`, `figures`, `pictures`, `page`.
"""

from teleop.experiments.tutorial.page import EXPERIMENT

__all__ = ["EXPERIMENT"]
