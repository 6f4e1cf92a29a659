"""Source 004: cloning from states alone, against cloning with the actions; and how soon causes are inferred.

Reading order: `source` (its own code, mended), `ways` (what is compared), `pictures`, `page`.
"""

from teleop.experiments.observation.page import EXPERIMENT

__all__ = ["EXPERIMENT"]
