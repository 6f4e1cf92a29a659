"""Source 002: cloning and DAgger as one loop that differs in who drives while states are sampled.

Reading order: `samplers` (the one loop), `mismatch` (how far a student goes astray), `pictures`, `page`.
"""

from teleop.experiments.bc_versus_dagger.page import EXPERIMENT

__all__ = ["EXPERIMENT"]
